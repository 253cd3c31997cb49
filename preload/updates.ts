/** What the window is told about updates of the app, and asks. */
import { call, oneOf } from './check.ts'

/** `off`: nothing is asked of the network. `ask`: a new version is offered. `automatic`: it is fetched, too. */
export const updateModes = ['off', 'ask', 'automatic'] as const
export type UpdateMode = typeof updateModes[number]

/**
 * Why there is no update although somebody looked: nobody answered; what came is no word of ours, is not signed by us,
 * tells of an older version than is known, is of a later form, has nothing for this system, or a file is another one than
 * was signed; or the file could not be written or put in its place.
 */
export type UpdateWrong =
  'unreachable' | 'malformed' | 'unsigned' | 'older' | 'newer' | 'not-here' | 'tampered' | 'not-written' | 'not-installed'

/**
 * `none`: this build was made without a place to ask. `system`: a package manager or the person keeps the app, and
 * nothing is asked. `self`: the app looks for itself.
 */
export type UpdateKeeper = 'none' | 'system' | 'self'

/** `ready`: fetched and checked. `installed`: the next start is the new version. */
export type UpdateStage = 'idle' | 'checking' | 'offered' | 'fetching' | 'ready' | 'installed'

export type UpdateState = {
  readonly keeper: UpdateKeeper
  readonly mode: UpdateMode
  readonly stage: UpdateStage
  /** The version that is offered, fetched or installed. */
  readonly version?: string
  /** What of it is here, of one. */
  readonly done?: number
  /** When somebody answered last, in milliseconds since 1970. */
  readonly checkedAt?: number
  readonly wrong?: UpdateWrong
}

/** Answered by the shell, also while the profile is not open. */
export const updateCalls = {
  'update.state': call({}).returns<UpdateState>(),
  'update.mode': call({ mode: oneOf(updateModes) }).returns<UpdateState>(),
  /** Looks now, whatever the mode; staged releases are for those who do not ask. */
  'update.check': call({}).returns<UpdateState>(),
  'update.fetch': call({}).returns<UpdateState>(),
  /** Ends the fetching; nothing of it is left. */
  'update.stop': call({}).returns<UpdateState>(),
  /** Puts what is ready in its place; where the app must end for that, it quits. */
  'update.install': call({}).returns<UpdateState>(),
} as const
