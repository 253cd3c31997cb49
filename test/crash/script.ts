import { createHash } from 'node:crypto'
import type { Conversation } from '../../preload/api.ts'
import { messageEntryId } from '../../main/chat/said.ts'
import { Dice } from '../fuzz/dice.ts'
import type { Person } from '../scenario/world.ts'
import type { Cast } from './cast.ts'

/** What people do, by seed, person and number: a process that comes back goes on where the journal ends. */

export type Operation = 'say' | 'rename' | 'add' | 'remove' | 'leave' | 'direct' | 'read' | 'draft' | 'reopen'

const weights: readonly (readonly [Operation, number])[] = [
  ['say', 60], ['rename', 14], ['add', 9], ['remove', 5], ['leave', 2], ['direct', 3], ['read', 5], ['draft', 1],
  ['reopen', 1],
]
const total = weights.reduce((sum, [, weight]) => sum + weight, 0)

/** Groups are kept between these sizes, so that there is always somebody to add and somebody to talk to. */
const fewest = 5
const shortestBreakMs = 5

export type Done = { readonly kind: Operation, readonly entry?: string }

/** The choices of one operation. */
const diceOf = (seed: string, name: string, operation: number): Dice => new Dice(`${seed} ${name} ${operation}`)

/** How long a person rests before it. */
export const breakOf = (seed: string, name: string, operation: number, longestMs: number): number =>
  shortestBreakMs + diceOf(`${seed} break`, name, operation).below(longestMs)

export function kindOf(seed: string, name: string, operation: number): Operation {
  let at = diceOf(seed, name, operation).below(total)
  for (const [kind, weight] of weights) {
    if (at < weight) return kind
    at -= weight
  }
  return 'say'
}

/** Does it. Rejects with what the app refuses. Done again after a kill, it changes nothing that was done already. */
export async function perform(person: Person, cast: Cast, operation: number): Promise<Done> {
  const kind = kindOf(cast.seed, person.name, operation)
  const dice = diceOf(`${cast.seed} ${kind}`, person.name, operation)
  const all = await person.conversations()
  const open = all.filter((one) => one.state === 'active').sort((a, b) => a.id < b.id ? -1 : 1)
  const chat = open[dice.below(open.length)]
  switch (kind) {
    case 'say': return chat === undefined ? { kind } : { kind, entry: await say(person, cast, { operation, chat }) }
    case 'rename':
      if (chat?.mayRename === true) {
        await person.call('conversation.rename', { conversation: chat.id, name: `${person.name} ${operation}` })
      }
      return { kind }
    case 'add': await add(person, cast, chat, dice); return { kind }
    case 'remove': await remove(person, chat, dice); return { kind }
    case 'leave':
      if (chat?.kind === 'group' && chat.people.length > fewest) {
        await person.call('conversation.leave', { conversation: chat.id })
      }
      return { kind }
    case 'direct': {
      const others = cast.people.filter(({ name }) => name !== person.name)
      const invite = others[dice.below(others.length)]?.invite ?? ''
      await person.call('conversation.direct', { invite })
      return { kind }
    }
    case 'read':
      if (chat !== undefined) {
        const order = (await person.entries(chat.id)).at(-1)?.order ?? 0
        await person.call('conversation.read', { conversation: chat.id, order })
      }
      return { kind }
    case 'draft':
      if (chat !== undefined) {
        await person.call('conversation.draft', { conversation: chat.id, text: `half a thou ${operation}` })
      }
      return { kind }
    case 'reopen': await person.restart(); return { kind }
  }
}

/** The key of a message is fixed, as the window gives it, so that a Call whose answer a kill swallowed is made again. */
async function say(
  person: Person, cast: Cast, { operation, chat }: { readonly operation: number, readonly chat: Conversation },
): Promise<string> {
  const text = `${person.name} ${operation}`
  const key = createHash('sha256').update(`${cast.seed} ${text}`).digest('hex').slice(0, 32)
  await person.call('message.send', { conversation: chat.id, key, text })
  return messageEntryId(cast.people.find(({ name }) => name === person.name)?.accountId ?? '', key)
}

async function add(person: Person, cast: Cast, chat: Conversation | undefined, dice: Dice): Promise<void> {
  if (chat?.mayAdd !== true) return
  const present = new Set(chat.people.map(({ accountId }) => accountId))
  const absent = cast.people.filter(({ accountId }) => !present.has(accountId))
  const one = absent[dice.below(absent.length)]
  if (one === undefined) return
  await person.call('conversation.add', { conversation: chat.id, people: [one.accountId], invites: [] })
}

async function remove(person: Person, chat: Conversation | undefined, dice: Dice): Promise<void> {
  if (chat?.mayRemove !== true || chat.people.length <= fewest) return
  const others = chat.people.filter(({ own }) => !own)
  const { accountId = '' } = others[dice.below(others.length)] ?? {}
  await person.call('conversation.remove', { conversation: chat.id, accountId })
}
