/** Closing the account for ever: what it does, how far it is, what others read of it. */
import { subject, type Naming } from './grammar.ts'

export const closedFact = (who: string, naming: Naming): string =>
  who === naming.own ? 'You closed this account.' : `${subject(who, naming)} closed this account.`
