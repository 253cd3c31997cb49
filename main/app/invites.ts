import { fromHex, toHex } from '../mls/index.ts'
import type { OwnInvite } from '../chat/documents.ts'
import { matchesToken, writeInvite } from '../chat/invite.ts'
import { deviceLogOf, type WelcomeMail } from '../chat/mail.ts'
import type { Invite, MadeInvite } from '../../preload/api.ts'
import { PortError } from '../ports.ts'
import type { State } from './state.ts'

/** The own invites: each has a token, stored before it is shown, by which this person knows who came by it. */

const inviteMs = 30 * 24 * 60 * 60 * 1000
/** How long one that is over stays in the list. */
const listedMs = 30 * 24 * 60 * 60 * 1000

const isUsable = (invite: OwnInvite, now: number): boolean => !invite.withdrawn && invite.expiresAt > now

/** The newest invite that has most of its time left, else a new one. */
export function showInvite(state: State): Invite {
  const soon = state.ports.now() + inviteMs / 2
  const usable = [...state.invites.values()].filter((invite) => isUsable(invite, soon))
  const [latest = made(state)] = usable.sort((a, b) => b.expiresAt - a.expiresAt)
  return shown(state, latest)
}

export const makeInvite = (state: State): MadeInvite => told(state, made(state))

/** The newest first; those that were over long ago are left out. */
export function listInvites(state: State): readonly MadeInvite[] {
  const since = state.ports.now() - listedMs
  return [...state.invites.values()].filter((invite) => invite.expiresAt > since).map((invite) => told(state, invite))
    .sort((a, b) => b.madeAt - a.madeAt || b.expiresAt - a.expiresAt)
}

/** Throws PortError('bad-argument') for one that this person never made. */
export function withdrawInvite(state: State, id: string): void {
  const invite = state.invites.get(id)
  if (invite === undefined) throw new PortError('bad-argument', 'invite')
  if (!invite.withdrawn) state.transact({ invites: [{ ...invite, withdrawn: true }] })
}

/** The invite that the sender of a Welcome shows to hold, if it still counts. */
export const heldInvite = (state: State, { tokenProof, welcome }: WelcomeMail): OwnInvite | undefined =>
  tokenProof.length === 0 ? undefined : [...state.invites.values()].find((invite) =>
    isUsable(invite, state.ports.now()) && matchesToken(state.self.suite, fromHex(invite.token), welcome, tokenProof))

function made(state: State): OwnInvite {
  const madeAt = state.ports.now()
  const invite: OwnInvite = {
    version: 1, token: toHex(state.ports.random(16)), madeAt, expiresAt: madeAt + inviteMs, uses: 0, withdrawn: false,
  }
  state.transact({ invites: [invite] })
  return invite
}

function shown(state: State, { token, expiresAt }: OwnInvite): Invite {
  const { accountId, suite } = state.self
  const text = writeInvite(suite, {
    accountId: fromHex(accountId), deviceLog: deviceLogOf(accountId), address: state.ports.delivery.address,
    expiresAt, token: fromHex(token), name: state.account.name,
  })
  return { text, expiresAt }
}

/** Versions before did not say when they made one. */
const told = (state: State, invite: OwnInvite): MadeInvite => ({
  ...shown(state, invite), id: invite.token, madeAt: invite.madeAt === 0 ? invite.expiresAt - inviteMs : invite.madeAt,
  uses: invite.uses, withdrawn: invite.withdrawn,
})
