import type { Rehearsal } from '../../preload/api.ts'
import { isShown } from '../chat/room.ts'
import type { Segment, Store, StoredEntry } from '../ports.ts'
import type { Checked } from './backup-check.ts'
import type { State } from './state.ts'
import { turn } from './tasks.ts'

/** What a backup that was taken in elsewhere would change here, message by message. */
export async function differenceOf(
  there: Store, { store: here, rooms, ports }: Pick<State, 'store' | 'rooms' | 'ports'>, { holds }: Checked,
): Promise<Rehearsal> {
  let [same, differing, missingHere, missingThere, newer] = [0, 0, 0, 0, 0]
  const lacking = new Set<string>()
  for (const segment of there.segments()) {
    const found = messagesIn(there, segment)
    const present = here.present(found.map(({ id }) => id))
    for (const message of found) {
      if (!present.has(message.id)) {
        missingHere += 1
        lacking.add(message.conversation)
      } else if (textOf(here.entry(message.id)) === message.text) same += 1
      else differing += 1
    }
    await turn(ports)
  }
  for (const segment of here.segments()) {
    const room = rooms.get(segment.conversation)?.room
    // What a backup leaves out.
    if (room === undefined || !isShown(room) || room.state === 'request') continue
    const found = messagesIn(here, segment).filter(({ expiresAt }) => expiresAt === undefined)
    const present = there.present(found.map(({ id }) => id))
    for (const message of found) {
      if (present.has(message.id)) continue
      missingThere += 1
      if (message.at > holds.madeAt) newer += 1
    }
    await turn(ports)
  }
  return { same, differing, missingHere, conversationsMissingHere: lacking.size, missingThere, newer }
}

type Message = Extract<StoredEntry, { readonly kind: 'message' }>

const messagesIn = (store: Store, { conversation, segment }: Segment): readonly Message[] =>
  store.entriesIn(conversation, segment).filter((entry): entry is Message => entry.kind === 'message')

const textOf = (entry: StoredEntry | undefined): string | undefined => entry?.kind === 'message' ? entry.text : undefined
