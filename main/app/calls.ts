import { fromHex, toHex } from '../mls/index.ts'
import { digitsOf } from '../identity/safety-number.ts'
import { readInvite, type ContactCard } from '../chat/invite.ts'
import { closeRoom } from '../chat/epochs.ts'
import { createRoom, intend, leaveRoom, mayChange } from '../chat/membership.ts'
import { onVeto, vetoOf } from '../chat/readmit.ts'
import { acceptRequest } from '../chat/requests.ts'
import { isOpen, isShown, still, withRoom, type Claimed, type Intent, type RoomState } from '../chat/room.ts'
import { messageBody } from '../chat/said.ts'
import { compose, profileBody, vetoBody } from '../chat/send.ts'
import type { ArgumentOf, CallName, InvitePreview, OwnDevice, ResultOf } from '../../preload/api.ts'
import { PortError } from '../ports.ts'
import { confirmWords, nameFrom, recoveryWords } from './account.ts'
import { fileAnswers } from './attachments.ts'
import { claimAccount } from './claim.ts'
import { details } from './details.ts'
import { appendEntry, wantRevocation } from './device-log.ts'
import { ownDevices } from './devices.ts'
import { dropDevice, idleIn, toldIdle, usageOf } from './health.ts'
import { listInvites, makeInvite, showInvite, withdrawInvite } from './invites.ts'
import { renewKey, rotateRecovery, revokeByWords } from './keys.ts'
import { pageOf } from './page.ts'
import { foundPage } from './search.ts'
import type { Opened } from './opened.ts'
import { keepRecipient, learnRecipient } from './recipient.ts'
import type { State, Transaction } from './state.ts'
import { declinedIn } from './strangers.ts'
import { changeTimer, removeMessages } from './removal.ts'
import { answerReturned } from './vouching.ts'
import { compare, demandNotHeld, demandUnchanged, metByInvite, replaces, safetyOf, trust } from './trust.ts'

/** What an opened profile answers: each Call is a transaction, told to the window after it is stored. */

type Answers = {
  readonly [N in Exclude<CallName, Before | OfShell>]:
    (opened: Opened, argument: ArgumentOf<N>) => ResultOf<N> | Promise<ResultOf<N>>
}
/** Calls that the shell answers, around every app. */
type OfShell = `profile.${'choose' | 'folder'}` | 'reader.open' | 'address.open' | `${'shell' | 'update'}.${string}`
export const isOfShell = (name: CallName): name is OfShell & CallName =>
  /^(?:(?:shell|update)\..*|reader\.open|address\.open|profile\.(?:choose|folder))$/.test(name)
/** Calls that createApp answers, because they open or close the profile, or come before it is open. */
export type Before = `app.${'open' | 'report'}` | `setup.${'create' | 'unlock' | 'recover' | 'read' | 'link' | 'restore' | 'restoreBackup'}` |
  `restore.${'choose' | 'handed'}` | 'profile.remove' | `lock.${'now' | 'after' | 'active'}` | `passphrase.${'set' | 'remove'}`
/** Of these, one at a time. */
export type Alone = Exclude<Before, 'restore.choose'>

export const answers: Answers = {
  'recovery.words': ({ state }) => recoveryWords(state),
  'recovery.confirm': async ({ state }, { words }) => {
    // What backups are sealed to can be told by the key alone, which is forgotten then.
    await keepRecipient(state)
    confirmWords(state, words)
    return undefined
  },
  'recovery.revoke': async ({ state, sync }, { words, deviceId }) => {
    await revokeByWords(state, words, deviceId)
    sync.kick()
    return undefined
  },
  'recovery.rotate': async ({ state, sync }, { words }) => {
    await rotateRecovery(state, words)
    sync.kick()
    return undefined
  },
  'recovery.later': ({ state }) => {
    if (state.account.recoverySeed !== undefined) {
      state.transact({ account: { ...state.account, recovery: { type: 'later' } } })
    }
    return undefined
  },
  'profile.rename': ({ state, sync }, { name }) => {
    const cleaned = nameFrom(name)
    const open = [...state.rooms.values()].filter(({ room }) => isShown(room) && room.state === 'active' && isOpen(room))
    state.transact({
      account: { ...state.account, name: cleaned },
      say: open.map(({ room }) => ({ room: room.id, body: profileBody(cleaned) })),
    })
    sync.kick()
    return undefined
  },
  'account.close': async ({ state, linking, closing }, { name, words }) => {
    if (name !== state.account.name) throw new PortError('name-differs')
    await linking.cancel()
    await closing.begin(words)
    return undefined
  },
  'restore.verify': async ({ restoring }, { token, typed }) => { await restoring.verify(token, typed); return undefined },
  'restore.rehearse': async ({ restoring }, { token, typed }) => { await restoring.rehearse(token, typed); return undefined },
  'restore.start': async ({ restoring }, { token, typed }) => { await restoring.start(token, typed); return undefined },
  'restore.cancel': async ({ restoring }) => { await restoring.cancel(); return undefined },
  'account.keep': ({ closing }) => { closing.cancel(); return undefined },
  'backup.status': ({ backups }) => backups.told,
  'backup.words': async ({ state, backups }, { words }) => {
    await learnRecipient(state, words)
    backups.tell()
    return undefined
  },
  'backup.export': ({ backups }, argument) => backups.exportFile(argument),
  'backup.choose': ({ backups }) => backups.choose(),
  'backup.keep': async ({ backups }, argument) => { await backups.keep(argument); return undefined },
  'backup.rhythm': ({ backups }, { rhythm }) => { backups.setRhythm(rhythm); return undefined },
  'backup.now': ({ backups }) => backups.now(),
  'backup.forget': ({ backups }) => { backups.forget(); return undefined },
  'backup.plain': ({ backups }, argument) => backups.exportPlain(argument),
  'backup.cancel': ({ backups }) => { backups.cancel(); return undefined },
  'invite.show': async ({ state, sync }) => {
    // Whoever gets the invite shall find this device's keys.
    await sync.published()
    return showInvite(state)
  },
  'invite.read': ({ state }, { invite }) => preview(state, invite),
  'conversation.direct': (opened, { invite }) => startDirect(opened, invite),
  'conversation.group': async ({ state, sync }, argument) => {
    const { members, contacts, trust } = await claimAll(state, argument, new Set([state.self.accountId]))
    const intents: readonly Intent[] = members.length === 0 ? [] : [{ type: 'add', members }]
    const step = createRoom(state.moment(), { kind: 'group', name: nameFrom(argument.name), peer: '', intents })
    state.transact({ steps: [step], contacts, trust })
    sync.kick(step.state.room.id)
    return { conversation: step.state.room.id }
  },
  'conversation.accept': ({ state, sync }, { conversation }) => {
    const room = state.room(conversation)
    if (room.room.state !== 'request') throw new PortError('conversation-closed')
    state.transact({ steps: [acceptRequest(room)] })
    sync.kick(conversation)
    return undefined
  },
  'conversation.decline': ({ state }, { conversation }) => {
    const room = state.room(conversation)
    if (room.room.state !== 'request') throw new PortError('conversation-closed')
    // Unanswered for the other side; here nothing of it stays.
    const closed = closeRoom(still(room), 'left')
    state.transact({ removedRooms: [conversation], declined: [declinedIn(state, room)], wipe: closed.wipe })
    return undefined
  },
  'conversation.rename': (opened, { conversation, name }) => {
    // The name goes to everybody with the commit, and does not wait.
    demandNotHeld(opened.state, conversation)
    change(opened, conversation, { type: 'rename', name: nameFrom(name) })
    return undefined
  },
  'conversation.add': async (opened, argument) => {
    const { state } = opened
    const before = state.room(argument.conversation)
    if (!mayChange(before, 'add', state.self.accountId)) throw new PortError('not-allowed')
    const present = new Set(before.members.map((member) => member.accountId))
    const { members, contacts, trust } = await claimAll(state, argument, present)
    if (members.length === 0) throw new PortError('already-member')
    change(opened, argument.conversation, { type: 'add', members }, { contacts, trust })
    return undefined
  },
  'conversation.remove': (opened, { conversation, accountId }) => {
    if (accountId === opened.state.self.accountId) throw new PortError('not-allowed')
    change(opened, conversation, { type: 'remove', accountId })
    return undefined
  },
  'conversation.drop': ({ state, sync }, { conversation, deviceId }) => {
    dropDevice(state, conversation, deviceId)
    sync.kick(conversation)
    return undefined
  },
  'conversation.veto': ({ state, sync }, { conversation, deviceId }) => {
    const room = state.room(conversation)
    const veto = vetoOf(room.room, deviceId)
    if (veto?.accountId !== state.self.accountId) throw new PortError('bad-argument', 'deviceId')
    state.transact({
      steps: [still(onVeto(room, veto))], say: [{ room: conversation, body: vetoBody(veto) }],
      notice: { code: 'veto-told' },
    })
    sync.kick(conversation)
    return undefined
  },
  'conversation.leave': ({ state, sync }, { conversation }) => {
    const room = state.room(conversation)
    if (!isOpen(room.room)) throw new PortError('conversation-closed')
    const step = leaveRoom(room, state.moment())
    state.transact({ steps: [step] })
    sync.kick(conversation)
    return undefined
  },
  'conversation.details': ({ state }, { conversation }) => 
    details(state.room(conversation), idleIn(state, conversation).map(toldIdle)),
  'delivery.usage': ({ state }) => usageOf(state.ports),
  'people.known': ({ state }) => {
    const met = new Set([...state.rooms.values()].flatMap(({ room, members }) =>
      room.state === 'request' ? [] : members.map((member) => member.accountId)))
    met.delete(state.self.accountId)
    return [...met].map((accountId) => ({ accountId, name: state.nameOf(accountId) }))
      .sort((a, b) => a.name.localeCompare(b.name))
  },
  'entries.page': ({ state }, { conversation, before, limit }) => {
    state.room(conversation)
    return pageOf(state.store.entriesBefore(conversation, before, limit + 1), limit, state.nameOf)
  },
  'search': ({ state }, { text, limit }) => {
    // A request has no timeline until it is accepted.
    const except = new Set([...state.rooms.values()].flatMap(({ room }) => room.state === 'request' ? [room.id] : []))
    const found = state.store.search({ text, limit: limit + 1, except })
    return foundPage(found, { text, limit }, state.nameOf)
  },
  'message.send': ({ state, sync }, { conversation, key, text }) => {
    const room = state.room(conversation)
    if (!isOpen(room.room)) throw new PortError('conversation-closed')
    if (key.length !== 32) throw new PortError('bad-argument', 'key')
    const said = { text, attachments: [], expiresAfter: room.room.timer }
    const step = compose(room, { contentId: key, said }, state.moment())
    const entry = step.entries[0]
    // The same Call again, after an answer that got lost: the message is there already, or was deleted since.
    if (entry !== undefined && state.isKnown(entry.id)) return undefined
    state.transact({
      steps: [{ ...step, state: withRoom(step.state, { draft: '' }) }],
      say: [{ room: conversation, id: fromHex(key), body: messageBody(said) }],
    })
    sync.kick(conversation)
    return undefined
  },
  'message.remove': ({ state, sync }, argument) => {
    removeMessages(state, argument)
    sync.kick(argument.conversation)
    return undefined
  },
  'conversation.timer': ({ state, sync }, argument) => {
    changeTimer(state, argument)
    sync.kick(argument.conversation)
    return undefined
  },
  'conversation.read': ({ state }, { conversation, order }) => {
    const room = state.room(conversation)
    if (order <= room.room.readUpTo) return undefined
    const readUpTo = Math.min(order, room.room.nextOrder)
    const unread = state.store.unreadAfter(conversation, readUpTo)
    state.transact({ steps: [still(withRoom(room, { readUpTo, unread }))] })
    return undefined
  },
  'conversation.draft': ({ state }, { conversation, text }) => {
    const room = state.room(conversation)
    if (room.room.draft !== text) state.transact({ steps: [still(withRoom(room, { draft: text }))] })
    return undefined
  },
  'conversation.keep': ({ state }, { conversation, muted, pinned, archived }) => {
    const room = state.room(conversation)
    state.transact({ steps: [still(withRoom(room, { muted, pinned, archived }))] })
    return undefined
  },
  'devices.list': ({ state }) => ownDevices(state),
  'devices.number': ({ state: { self } }) => digitsOf(self.suite, fromHex(self.accountId)),
  'devices.rename': ({ state }, { deviceId, name }) => {
    const { platform } = ownDevice(state, deviceId)
    state.transact({ deviceNames: [{ deviceId, name: nameFrom(name), platform }] })
    return undefined
  },
  'devices.revoke': ({ state, sync }, { deviceId }) => {
    if (!ownDevice(state, deviceId).mayRevoke) throw new PortError('not-allowed')
    wantRevocation(state, deviceId)
    sync.kick()
    return undefined
  },
  'devices.returned': ({ state, sync }, { deviceId, mine }) => {
    answerReturned(state, deviceId, mine)
    sync.kick()
    return undefined
  },
  'devices.renew': async ({ state, sync }, { words }) => {
    await renewKey(state, words)
    sync.kick()
    return undefined
  },
  'devices.grant': async ({ state }, { deviceId }) => {
    if (!ownDevice(state, deviceId).mayGrant) throw new PortError('not-allowed')
    await appendEntry(state, { type: 'grant', deviceId: fromHex(deviceId) })
    return undefined
  },
  'link.start': async ({ linking }, { code }) => { await linking.start(code); return undefined },
  'link.confirm': ({ linking }, { history }) => { linking.confirm(history); return undefined },
  'link.cancel': async ({ linking }) => { await linking.cancel(); return undefined },
  // Only a computer without an account is asked for these (newcomer.ts).
  'link.digits': () => { throw new PortError('not-ready') },
  'link.recognise': () => { throw new PortError('not-ready') },
  'person.safety': ({ state }, { accountId }) => safetyOf(state, accountId),
  'person.compare': ({ state }, { accountId, code }) => compare(state, accountId, code),
  'person.trust': ({ state, sync }, { accountId, trust: to }) => {
    trust(state, accountId, to)
    // What waited for it goes out.
    sync.kick()
    return undefined
  },
  'person.replaces': ({ state }, { accountId, replaced }) => {
    replaces(state, accountId, replaced)
    return undefined
  },
  'invite.list': ({ state }) => listInvites(state),
  'invite.make': async ({ state, sync }) => {
    await sync.published()
    return makeInvite(state)
  },
  'invite.withdraw': ({ state }, { invite }) => {
    withdrawInvite(state, invite)
    return undefined
  },
  ...fileAnswers,
}

/** Throws PortError('bad-argument') for a device that is not one of this account. */
function ownDevice(state: State, deviceId: string): OwnDevice {
  const device = ownDevices(state).find((one) => one.deviceId === deviceId)
  if (device === undefined) throw new PortError('bad-argument', 'deviceId')
  return device
}

function change(
  opened: Opened, conversation: string, intent: Intent, also: Pick<Transaction, 'contacts' | 'trust'> = {},
): void {
  const { state, sync } = opened
  const room = state.room(conversation)
  if (!isOpen(room.room)) throw new PortError('conversation-closed')
  if (!mayChange(room, intent.type, state.self.accountId)) throw new PortError('not-allowed')
  const isMember = (accountId: string): boolean =>
    room.room.absent.includes(accountId) || room.members.some((member) => member.accountId === accountId)
  if (intent.type === 'remove' && !isMember(intent.accountId)) {
    throw new PortError('bad-argument', 'accountId')
  }
  state.transact({ ...also, steps: [intend(room, intent)] })
  sync.kick(conversation)
}

// ---------------------------------------------------------------- invites

/** The card in a pasted text. Throws PortError with what is wrong with it. */
function cardIn(state: State, text: string): ContactCard {
  const read = readInvite(state.self.suite, text, state.ports.now())
  switch (read.type) {
    case 'malformed': throw new PortError('invite-malformed')
    case 'newer': throw new PortError('invite-newer')
    case 'linking': throw new PortError('invite-linking')
    case 'expired': throw new PortError('invite-expired')
    case 'card': break
  }
  if (toHex(read.card.accountId) === state.self.accountId) throw new PortError('invite-own')
  if (read.card.address !== state.ports.delivery.address) throw new PortError('invite-elsewhere', read.card.address)
  return read.card
}

const directWith = (state: State, accountId: string): RoomState | undefined =>
  [...state.rooms.values()].find(({ room }) => room.kind === 'direct' && room.peer === accountId
    && (isOpen(room) || room.state === 'request'))

function preview(state: State, text: string): InvitePreview {
  const card = cardIn(state, text)
  const accountId = toHex(card.accountId)
  const existing = directWith(state, accountId)
  return {
    accountId, name: state.contacts.get(accountId)?.name ?? card.name, expiresAt: card.expiresAt,
    ...(existing === undefined ? {} : { conversation: existing.room.id }),
  }
}

/** What the card says of its owner's name, until they say it themselves. */
const learnFrom = (state: State, card: ContactCard) => {
  const accountId = toHex(card.accountId)
  return state.contacts.has(accountId) ? [] : [{ version: 1 as const, accountId, name: card.name, own: false }]
}

async function startDirect(opened: Opened, text: string): Promise<ResultOf<'conversation.direct'>> {
  const { state, sync } = opened
  const card = cardIn(state, text)
  const peer = toHex(card.accountId)
  const existing = directWith(state, peer)
  if (existing !== undefined) {
    state.transact({ trust: metByInvite(state, [peer]) })
    return { conversation: existing.room.id }
  }
  demandUnchanged(state, [peer])
  const members = await claimAccount(state, peer, toHex(card.token))
  // While the network answered, the other side or a second click may have started it.
  const meanwhile = directWith(state, peer)
  if (meanwhile !== undefined) return { conversation: meanwhile.room.id }
  const step = createRoom(state.moment(), { kind: 'direct', name: '', peer, intents: [{ type: 'add', members }] })
  state.transact({ steps: [step], contacts: learnFrom(state, card), trust: metByInvite(state, [peer]) })
  sync.kick(step.state.room.id)
  return { conversation: step.state.room.id }
}

async function claimAll(
  state: State, wanted: { readonly people: readonly string[], readonly invites: readonly string[] },
  present: ReadonlySet<string>,
): Promise<{ readonly members: readonly Claimed[] } & Required<Pick<Transaction, 'contacts' | 'trust'>>> {
  const cards = wanted.invites.map((text) => cardIn(state, text))
  const tokens = new Map<string, string>(wanted.people.map((accountId) => [accountId, '']))
  for (const card of cards) tokens.set(toHex(card.accountId), toHex(card.token))
  demandUnchanged(state, [...tokens.keys()])
  const claimed: Claimed[] = []
  for (const [accountId, token] of tokens) {
    if (!present.has(accountId)) claimed.push(...await claimAccount(state, accountId, token))
  }
  return {
    members: claimed, contacts: cards.flatMap((card) => learnFrom(state, card)),
    trust: metByInvite(state, cards.map((card) => toHex(card.accountId))),
  }
}
