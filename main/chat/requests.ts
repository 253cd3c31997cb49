import {
  decode, join, leafAt, MLSMessage, MlsError, toHex,
  type KeyPackage, type KeyPackagePrivate, type Secret, type SuiteOf, type Welcome,
} from '../mls/index.ts'
import { membersOf, roomOfPolicy } from './epochs.ts'
import { emptyRoom } from './membership.ts'
import { decodeWelcomeMail, type WelcomeMail } from './mail.ts'
import { accountOf } from './policy.ts'
import { still, tellFact, withRoom, type Room, type RoomState, type RoomStep } from './room.ts'
import { sealOf } from './sealed.ts'
import type { Moment } from './self.ts'

/** What comes by the inbox: Welcomes, which become requests; and the answers to them. */

/** A KeyPackage of this device with its private halves; `reference` is its KeyPackageRef, hexadecimal. */
export type OwnKeyPackage = {
  readonly reference: string
  readonly keyPackage: KeyPackage
  readonly privateKeys: KeyPackagePrivate
  readonly lastResort: boolean
  /** Somebody has said that they use it. */
  readonly claimed: boolean
}

export type Mail = { readonly mail: WelcomeMail, readonly welcome: Welcome, readonly references: readonly string[] }

/** A mail of the inbox, or `undefined` for bytes that are none: a stranger may append anything. */
export function readMail(bytes: Uint8Array): Mail | undefined {
  try {
    const mail = decodeWelcomeMail(bytes)
    const { body } = decode(MLSMessage, mail.welcome)
    if (body.type !== 'welcome') return undefined
    return { mail, welcome: body.welcome, references: body.welcome.secrets.map((one) => toHex(one.newMember)) }
  } catch (error) {
    if (error instanceof MlsError) return undefined
    throw error
  }
}

export type Invited = { readonly step: RoomStep, readonly by: string, readonly wipe: readonly Secret[] }

/**
 * Joins the group of a Welcome, as a request that nobody has answered: nothing is sent. Throws `MlsError` when the
 * Welcome is damaged or its group breaks a rule.
 */
export function receiveWelcome(mail: Mail, own: OwnKeyPackage, options: {
  readonly moment: Moment
  readonly suiteOf: SuiteOf
  /** A conversation that this device has or had, by its id. */
  readonly known: (id: string) => RoomState | undefined
  readonly byInvite: boolean
}): Invited | undefined {
  const { moment } = options
  const joined = join({
    suiteOf: options.suiteOf, welcome: mail.welcome, keyPackage: own.keyPackage, privateKeys: own.privateKeys,
    signaturePrivateKey: moment.self.signatureKeyPair.privateKey, authentication: moment.self.authentication,
  })
  const { group } = joined
  const id = toHex(group.context.groupId)
  const known = options.known(id)
  // A Welcome to a group that this device is in: a replay, or a mistake of the sender's.
  if (known?.group !== undefined || id.length !== 32) return undefined
  const signer = leafAt(group.tree, joined.groupInfoSigner)
  if (signer === undefined) throw new MlsError('malformed', 'the signer of the Welcome is a member')
  const by = accountOf(signer)
  const members = membersOf(group, [], new Set(), moment.now)
  const policy = roomOfPolicy(group)
  const base: Room = known?.room ?? emptyRoom(id, moment.now)
  const peer = policy.kind === 'direct' ? members.find((one) => one.accountId !== moment.self.accountId)?.accountId : ''
  const state: RoomState = {
    room: {
      ...base, ...policy, peer: peer ?? by, state: 'request', leaving: false, intents: [], proposals: [], attempt: 0,
      epochAt: moment.now, healedAt: moment.now, renewedBy: by, at: moment.now,
      request: { from: by, byInvite: options.byInvite },
    },
    group, members, seals: [sealOf(group)], pending: undefined, waiting: [],
  }
  const step = tellFact(still(state), moment.now, `${id}.${group.context.epoch}.joined`, { fact: 'joined', by })
  return { step, by, wipe: joined.wipe }
}

/** Accepts: says hello and reports what arrived meanwhile. */
export const acceptRequest = (state: RoomState): RoomStep => ({
  ...still(withRoom(state, { state: 'active', request: undefined })),
  say: [{ type: 'hello' }],
})

