import type { HistoryRange, Link } from '../../preload/api.ts'
import { confirmWords, Person, until } from './world.ts'

/** Linking as two people with two screens do it, through the Calls of both. */

/** Where linking stands on that person's screen. */
export async function linkOn(person: Person): Promise<Link | undefined> {
  const { phase, link } = await person.call('app.open', {})
  return phase.at === 'linking' ? phase.link : link
}

type At<K extends Link['at']> = Extract<Link, { readonly at: K }>

/** Waits until linking is there; fails at once when it has failed instead. */
export async function linkAt<K extends Link['at']>(person: Person, at: K): Promise<At<K>> {
  return until(`${person.name} is at ${at}`, async () => {
    const link = await linkOn(person)
    if (link?.at === 'failed' && at !== 'failed') throw new Error(`${person.name}: ${link.why}`)
    return link?.at === at ? link as At<K> : undefined
  })
}

/** A computer without an account beside the person's own. */
export async function computer(beside: Person, name: string, prepare?: (person: Person) => void): Promise<Person> {
  const person = new Person(name, beside.folder)
  person.now = beside.now
  prepare?.(person)
  await person.start()
  return person
}

export const setUpLink = (person: Person, code: string): Promise<undefined> =>
  person.call('setup.link', { name: person.name, code, passphrase: '' })

/** Shows a code on the elder, and reads it on the other computer. */
export async function connect(elder: Person, other: Person): Promise<{ readonly digits: string }> {
  await elder.call('link.start', { code: '' })
  await setUpLink(other, (await linkAt(elder, 'showing')).code)
  await linkAt(other, 'digits')
  return digitsOn(elder)
}

export async function digitsOn(elder: Person): Promise<{ readonly digits: string }> {
  const link = await linkAt(elder, 'digits')
  if (link.role !== 'elder') throw new Error('only the elder shows digits')
  return link
}

/** Up to the page that names the account. */
export async function certify(
  elder: Person, other: Person, history: HistoryRange = 'none',
): Promise<At<'recognise'>> {
  const { digits } = await connect(elder, other)
  await other.call('link.digits', { digits })
  await linkAt(elder, 'confirm')
  await elder.call('link.confirm', { history })
  return linkAt(other, 'recognise')
}

/** Makes the computer a device of the person, who has confirmed the words, as people do it. Done when it is the account's. */
export async function link(elder: Person, other: Person, history: HistoryRange = 'none'): Promise<void> {
  const { phase } = await elder.call('app.open', {})
  if (phase.at === 'ready' && phase.me.recovery !== 'confirmed') await confirmWords(elder)
  await certify(elder, other, history)
  await other.call('link.recognise', {})
}
