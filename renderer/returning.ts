/** How far a computer that came back by the 24 words is: of the chats that its recovery card named, in how many it is. */
import type { Conversation } from '../preload/api.ts'

export type Returning = { readonly back: number, readonly of: number, readonly away: readonly Conversation[] }

/** Chats that it begins or is asked to by itself do not count, nor those that it has left since. */
export function returningIn(conversations: readonly Conversation[]): Returning {
  const isAway = ({ recovering }: Conversation): boolean => recovering?.reason === 'restored'
  const named = conversations.filter((each) => each.state === 'active' && (each.origin === 'card' || isAway(each)))
  const away = named.filter(isAway)
  return { back: named.length - away.length, of: named.length, away }
}
