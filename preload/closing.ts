/** The vocabulary and the Calls of closing an account (api.ts). This file imports nothing but argument checks. */
import { call, text } from './check.ts'

/**
 * How far closing the account is. `waiting`: nothing was done yet, and `account.keep` ends it; from `telling` on nobody
 * can. `telling`: everybody in `of` chats is told. `leaving`: all of them are left. `closing`: the account's log is
 * closed, which takes back all its devices. `deleting`: this profile goes.
 */
export type Closing = {
  readonly at: 'waiting' | 'telling' | 'leaving' | 'closing' | 'deleting'
  readonly done: number
  readonly of: number
  /** Nobody can be reached at the moment; it goes on by itself, also after a restart. */
  readonly away: boolean
}

export const closingCalls = {
  /**
   * Closes the account for ever, everywhere, and then deletes this profile; `name` must be its own. Where this device has
   * no right over the others, the 24 words give it that. Goes on after a restart; see `Closing`.
   */
  'account.close': call({ name: text(80, 1), words: text(1000) }).returns<undefined>(),
  /** Does not close it, as long as nothing was done. */
  'account.keep': call({}).returns<undefined>(),
} as const
