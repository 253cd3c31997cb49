/** How far this person trusts whom they talk with, as views show it. */
import type { Conversation, Person, Trust } from '../preload/api.ts'

/** Whom nothing is sent to before this person has looked at what changed. */
export const changedPeople = ({ people }: Conversation): readonly Person[] =>
  people.filter(({ own, trust }) => !own && trust === 'changed')

/** What stands beside the name of a conversation; of a group only what is true of all, or wants to be looked at. */
export const trustIn = (conversation: Conversation): Trust | undefined => {
  if (conversation.state === 'request') return undefined
  const others = conversation.people.filter(({ own }) => !own)
  if (changedPeople(conversation).length > 0) return 'changed'
  if (others.length > 0 && others.every(({ trust }) => trust === 'verified')) return 'verified'
  return conversation.kind === 'direct' && others.length > 0 ? 'new' : undefined
}
