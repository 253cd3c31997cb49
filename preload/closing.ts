/** The vocabulary of closing an account (api.ts). This file imports nothing. */

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
