import { declinedDocument, type Declined } from '../chat/documents.ts'
import type { RoomState } from '../chat/room.ts'
import type { State } from './state.ts'

/** People whom this person has never talked with: they asked, and were not answered, or told no. */

const peopleIn = ({ room, members }: RoomState): readonly string[] => [room.peer, ...members.map(({ accountId }) => accountId)]

/** A request that is declined. Who is known from a chat, was compared or invited, is no stranger. */
export function declinedIn(state: State, request: RoomState): Declined {
  const met = metIn(state)
  const isKnown = (one: string): boolean => met.has(one) || state.trust.get(one)?.byInvite === true
    || (state.trust.get(one)?.trust ?? 'new') !== 'new'
  return { id: request.room.id, people: [...new Set(peopleIn(request))].filter((one) => one !== '' && !isKnown(one)) }
}

/** Those that were declined so far. */
export const declinedOn = ({ store }: Pick<State, 'store'>): readonly Declined[] =>
  store.documents('declined').map(({ key, bytes }) => ({ id: key, people: declinedDocument.people(bytes) }))

/** In chats that this person has taken, or made. */
const metIn = ({ rooms, self }: State): ReadonlySet<string> =>
  new Set([self.accountId, ...[...rooms.values()].flatMap((one) => one.room.state === 'request' ? [] : peopleIn(one))])

export function strangersOf(state: State): ReadonlySet<string> {
  const met = metIn(state)
  const asked = [...state.rooms.values()].flatMap((one) => one.room.state === 'request' ? peopleIn(one) : [])
  return new Set([...asked, ...declinedOn(state).flatMap(({ people }) => people)].filter((one) => !met.has(one)))
}
