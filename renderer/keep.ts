/** How a person keeps a conversation, as what one key changes of it. */
import type { ArgumentOf, Conversation } from '../preload/api.ts'

/** Pin, mute, archive. */
export type KeepKey = 'p' | 'm' | 'a'

/** A request is answered first. */
export const mayKeep = ({ state }: Conversation): boolean => state !== 'request'

/** The state after that key; what is put away is not on top, and what is put on top is not away. */
export const keptBy = ({ id, muted, pinned, archived }: Conversation, key: KeepKey): ArgumentOf<'conversation.keep'> => {
  const kept = { conversation: id, muted, pinned, archived }
  if (key === 'm') return { ...kept, muted: !muted }
  if (key === 'p') return { ...kept, pinned: !pinned, archived: archived && pinned }
  return { ...kept, archived: !archived, pinned: pinned && archived }
}
