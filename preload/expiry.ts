/** The Calls by which messages go again, at once or by themselves, for the table in api.ts. */
import { call, flag, id, list, oneOf, text } from './check.ts'

/** How long messages of a conversation stay, in seconds: for ever, an hour, a day, a week, four weeks. */
export const timerSeconds = [0, 3_600, 86_400, 604_800, 2_419_200] as const
export type TimerSeconds = typeof timerSeconds[number]

export const expiryCalls = {
  /**
   * Deletes messages on all devices of this person, or (`everyone`) on those of everybody in the conversation: only own
   * ones then. `entries`: ids of messages, or of the lines that stand in the place of deleted ones.
   */
  'message.remove': call({ conversation: id, entries: list(text(100, 1), 100), everyone: flag }).returns<undefined>(),
  /** How long what is said from now on stays, for everybody. */
  'conversation.timer': call({ conversation: id, seconds: oneOf(timerSeconds) }).returns<undefined>(),
} as const
