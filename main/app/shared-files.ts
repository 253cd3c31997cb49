import type { OwnWord } from '../chat/self-group.ts'
import { ownBody } from '../chat/self-group.ts'
import { attachmentAt, spotKey, withState, type Spot } from './files.ts'
import type { Folding } from './folding.ts'
import { ownGroupOf } from './registers.ts'
import type { State } from './state.ts'
import { devicesIn } from './tend-devices.ts'

/**
 * Attachments that the log does not keep any more, among the devices of one person: one asks, and whoever has them puts
 * them into the same slots again, under the same key, which only those know that have the entry.
 */

type Word = Extract<OwnWord, { readonly type: 'filesWanted' | 'filesThere' }>

/** How many are asked for at once. */
const askedAtOnce = 200

/** Whether there is anybody to ask. */
export function hasSiblings(state: State): boolean {
  const group = ownGroupOf(state.rooms.values())?.group
  return group !== undefined && devicesIn(group).size > 1
}

/** Says it to the own devices, in one word or a few. */
export function sayFiles(state: State, type: Word['type'], spots: readonly Spot[]): void {
  const room = ownGroupOf(state.rooms.values())?.room.id
  if (room === undefined) return
  for (let at = 0; at < spots.length; at += askedAtOnce) {
    const some = spots.slice(at, at + askedAtOnce).map(({ entry, index }) => ({ entry, index }))
    state.transact({ say: [{ room, body: ownBody({ type, spots: some }) }] })
  }
  if (spots.length > 0) state.registers.wake?.(room, 0)
}

export function onFileWord(folding: Folding, { type, spots }: Word): void {
  const { state } = folding
  for (const spot of spots) {
    const known = attachmentAt({ entry: (id) => folding.entry(id) }, spot)
    if (known === undefined) continue
    const { message, index, attachment } = known
    const key = spotKey(spot)
    if (type === 'filesWanted') {
      if (state.files.uploads.has(key) || state.store.attachment(attachment.hash) === undefined) continue
      const { documents, then } = state.files.uploadStep(key, { version: 1, why: 'again', done: 0 })
      folding.also.documents.push(...documents)
      folding.also.then.push(...then)
    } else {
      folding.also.then.push(() => { state.files.asked.delete(key); state.files.wake?.() })
      if (attachment.state !== 'gone') continue
      folding.also.entries.push(withState(message, index, 'coming'))
    }
  }
}
