/** How English counts, lists and names things. */

const rules = new Intl.PluralRules('en')
export const numbers = new Intl.NumberFormat('en')
export const conjunction = new Intl.ListFormat('en', { type: 'conjunction' })

/** "1 device", "2 devices", "1,000 devices". */
export const count = (amount: number, one: string, other = `${one}s`): string =>
  `${numbers.format(amount)} ${rules.select(amount) === 'one' ? one : other}`

/** "640 kB", "1.2 MB", "12 MB": in steps of a thousand, as file managers show it. */
export const size = (bytes: number): string => {
  const unit = bytes < 1_000_000 ? 'kilobyte' : bytes < 1_000_000_000 ? 'megabyte' : 'gigabyte'
  const amount = bytes / { kilobyte: 1_000, megabyte: 1_000_000, gigabyte: 1_000_000_000 }[unit]
  return new Intl.NumberFormat('en', {
    style: 'unit', unit, maximumFractionDigits: amount < 10 ? 1 : 0,
  }).format(amount)
}

export const people = (amount: number): string => count(amount, 'person', 'people')
export const devices = (amount: number): string => count(amount, 'device')
/** "your", "Ana’s". */
export const possessive = (accountId: string, { nameOf, own }: Naming): string =>
  accountId === own ? 'your' : `${nameOf(accountId)}’s`
export const capital = (text: string): string => text.charAt(0).toUpperCase() + text.slice(1)

/** Gives the name of an account; `own` names this person. */
export type Naming = { readonly nameOf: (accountId: string) => string, readonly own: string }

export const subject = (accountId: string, { nameOf, own }: Naming): string => accountId === own ? 'You' : nameOf(accountId)
export const object = (accountIds: readonly string[], { nameOf, own }: Naming): string => {
  const names = accountIds.map((accountId) => accountId === own ? 'you' : nameOf(accountId))
  if (names.length <= 3) return conjunction.format(names)
  return conjunction.format([...names.slice(0, 2), people(names.length - 2)])
}
