/** The vocabulary of own devices and of linking one, and the Calls about them (api.ts). It imports nothing but checks. */
import { call, flag, id, text } from './check.ts'

/** One device of this person's account. */
export type OwnDevice = {
  readonly deviceId: string
  readonly name: string
  /** As it said itself: 'Linux', 'macOS', 'Windows', or empty. */
  readonly platform: string
  readonly isThis: boolean
  readonly addedAt: number
  /** 'genesis', 'recovery', or the id of the device that added it. */
  readonly addedBy: string
  /** When it was last heard of in any conversation; 0: never. */
  readonly seenAt: number
  readonly healedAt: number
  /** In how many of this person's conversations it is. Of a revoked one: in how many it still is. */
  readonly groups: number
  readonly ofGroups: number
  /** May it link and revoke others? The recovery key and elder devices decide. */
  readonly trusted: boolean
  readonly revoked: boolean
  /** What this device may do about it. */
  readonly mayRevoke: boolean
  readonly mayGrant: boolean
  /**
   * It came back by the 24 words, and this person has not said yet whether that was them. `until`: then it is let into
   * their chats, unless they say no.
   */
  readonly asked?: { readonly until: number }
}

export type Progress = { readonly done: number, readonly of: number }

/** How much of the past a new device gets. */
export const historyRanges = ['none', 'month', 'all'] as const
export type HistoryRange = typeof historyRanges[number]

/**
 * `expired`: the code was shown for too long. `malformed`: not a linking code; `newer`: of a later version; `invite`: an
 * invite, which links nothing. `used`: somebody else has read it. `role`: both devices have an account, or neither.
 * `tampered`: what came over the log was not from the other device. `digits`: they were wrong, and there is one attempt.
 * `refused`: the person on the other device said no. `gone`: the other device does not answer. `no-right`: this device
 * may not link others yet. `chain`: the account that came does not hold together. `revoked`: it was taken back meanwhile.
 * `elsewhere`: the other device keeps its messages in a place that this one does not use.
 */
export type LinkFailure =
  | 'expired' | 'malformed' | 'newer' | 'invite' | 'used' | 'role' | 'tampered' | 'digits' | 'refused' | 'gone'
  | 'no-right' | 'chain' | 'revoked' | 'elsewhere'

/** Linking a device: `elder` is the one that has the account, `new` the one that gets it. Told anew with each step. */
export type Link =
  /** The code for the other device to read, as text and as a QR. */
  | { readonly at: 'showing', readonly role: LinkRole, readonly code: string, readonly expiresAt: number }
  | { readonly at: 'connecting', readonly role: LinkRole }
  /** Ten digits, shown by the elder and typed on the new one. */
  | { readonly at: 'digits', readonly role: 'elder', readonly digits: string }
  | { readonly at: 'digits', readonly role: 'new' }
  /** The elder's person is told what this gives away, and says yes by the device's name. */
  | { readonly at: 'confirm', readonly role: 'elder', readonly device: string, readonly platform: string }
  | { readonly at: 'waiting', readonly role: 'new' }
  /** "This is me?" `number`: 30 digits of the account, the same on all its devices. */
  | { readonly at: 'recognise', readonly role: 'new', readonly name: string, readonly accountId: string
      readonly number: string, readonly devices: readonly string[] }
  | { readonly at: 'joining', readonly role: LinkRole, readonly device: string, readonly groups: Progress
      /** What was chosen of the past, on the elder; the new one hears it as soon as it hears anything. */
      readonly range?: HistoryRange
      /** Entries; `leftMs`: about how long it still takes. Absent before it begins, and where none was asked for. */
      readonly history?: Progress & { readonly leftMs: number } }
  | { readonly at: 'done', readonly role: LinkRole, readonly device: string, readonly deviceId: string
      readonly groups: Progress
      /** On the new one: what of the past is there now. */
      readonly range?: HistoryRange }
  | { readonly at: 'failed', readonly role: LinkRole, readonly why: LinkFailure }
export type LinkRole = 'elder' | 'new'

export const deviceCalls = {
  'devices.list': call({}).returns<readonly OwnDevice[]>(),
  /** 30 digits of the account, the same on all its devices: a new one shows them at 'recognise'. */
  'devices.number': call({}).returns<string>(),
  'devices.rename': call({ deviceId: id, name: text(80, 1) }).returns<undefined>(),
  /** Takes the device's keys back, and removes it from every conversation. */
  'devices.revoke': call({ deviceId: id }).returns<undefined>(),
  /** Gives this device a new signature key, in every conversation; by the 24 words, where it has done so too often. */
  'devices.renew': call({ words: text(1000) }).returns<undefined>(),
  /** Gives a device the right to link and to revoke younger ones. */
  'devices.grant': call({ deviceId: id }).returns<undefined>(),
  /** Whether it was this person who came back with it. A yes lets it in at once; a no refuses it everywhere, for good. */
  'devices.returned': call({ deviceId: id, mine: flag }).returns<undefined>(),
} as const
