import { decode, equal, KeyPackage, keyPackageRef, leavesOf, MlsError, toHex, type Group } from '../mls/index.ts'
import { accountIdOf, deviceIdOf } from '../identity/credential.ts'
import { checkedSlots, type Passed } from '../chat/history.ts'
import { watchedFrom } from '../chat/idle.ts'
import { movesSince } from '../chat/move.ts'
import { isTold, type Letter, type SignedStory } from '../chat/letter.ts'
import { decodeKeyPackageRecord, inboxLog, keyPackageLog, sealLetter } from '../chat/mail.ts'
import { askAgain, behindMs, hearStory, requestLimit, stayBehind, tellStory, type Helper } from '../chat/recovery.ts'
import { isDoubted } from '../chat/resume.ts'
import { isWell, still, withRoom, type RoomState } from '../chat/room.ts'
import type { Delivery, Ports } from '../ports.ts'
import { stale } from './outbox.ts'
import { roomOf } from './rooms.ts'
import type { NewPublish, State } from './state.ts'

/** What a group's recovery needs of the delivery service: looking at slots again, and letters to other devices. */

const dayMs = 24 * 60 * 60 * 1000
/** How long the log of commits is kept by every delivery service (DESIGN: retention), and the margin for clocks. */
const commitRetentionMs = 90 * dayMs
const retentionMarginMs = 14 * dayMs

/**
 * A device that was away so long that an old slot may only look empty must not append to it. Logs forget by age: where
 * the record that began this device's epoch is still there, a later one would be there too.
 */
export async function isAgedOut({ delivery }: Ports, { room, history: [newest] }: RoomState, now: number): Promise<boolean> {
  if (now - room.headAt <= commitRetentionMs - retentionMarginMs) return false
  return newest === undefined || newest.slot === '' || await delivery.slot(newest.log, newest.slot) === undefined
}

const headStepMs = 60 * 60 * 1000
/** Remembers now and then that the end of the logs was seen. */
export function noteHead(state: State, id: string): void {
  const room = state.rooms.get(id)
  const now = state.ports.now()
  if (room === undefined || now - room.room.headAt < headStepMs) return
  state.transact({ steps: [still(withRoom(room, { headAt: now, watchedFrom: watchedFrom(room, now) }))] })
}

// ---------------------------------------------------------------- looking at the newest slots again

/**
 * Compares the newest slots with what this device saw win, after an absence. A log that lost its end gets it back; one
 * that tells another story may have split the group: members compare what they saw win, and one side asks to be let back in.
 */
export async function checkSlots(state: State, id: string): Promise<void> {
  const { delivery } = state.ports
  const history = seenHere(state, id)
  let other: bigint | undefined
  let emptyFrom = 0
  for (const [at, passed] of history.entries()) {
    // Further back only as long as nothing is there, or something else.
    if (at >= checkedSlots && emptyFrom < at && other !== passed.epoch + 1n) break
    const found = await delivery.slot(passed.log, passed.slot)
    const hash = found === undefined ? undefined : state.self.suite.hash(found.bytes)
    if (hash === undefined) emptyFrom = at + 1
    else if (!equal(hash, passed.hash)) other = passed.epoch
  }
  // Anybody may have written what the log says now: if there is a story to it, a member tells it.
  if (other === undefined) await putBack(delivery, history.slice(0, emptyFrom))
  else await gossip(state, id)
}

/** A member lacks what this device saw from an epoch on: what is no longer in the log is put back into it. */
async function repairFrom(state: State, id: string, epoch: bigint): Promise<void> {
  const { delivery } = state.ports
  const lacked: Passed[] = []
  for (const passed of seenHere(state, id).filter((one) => one.epoch >= epoch)) {
    if (await delivery.slot(passed.log, passed.slot) === undefined) lacked.push(passed)
  }
  await putBack(delivery, lacked)
}

/** What this device saw itself; of what it was told when it came in, it knows no slots. */
const seenHere = (state: State, id: string): readonly Passed[] =>
  (state.rooms.get(id)?.history ?? []).filter(({ slot }) => slot !== '')

/** The oldest first, so that a kill in between leaves no hole. Appending the same bytes again changes nothing. */
async function putBack(delivery: Delivery, lost: readonly Passed[]): Promise<void> {
  for (const { log, slot, bytes } of lost.toReversed()) {
    if (bytes.length > 0) await delivery.append(log, bytes, slot)
  }
}

/** How long records that cannot be placed may be on their way, and how often members ask each other. */
const strangeMs = 10 * 60 * 1000
export const gossipEveryMs = 60 * 60 * 1000
/** How often at most the own story is told where letters are of an epoch that ended otherwise here. */
export const otherEveryMs = 60 * 1000

/**
 * Records that nobody in this story can have written, or that wait for an epoch which does not come, a move to another
 * log, a return: members compare what they saw win. Gives how long to wait before the next look, or `compared` when they have been asked.
 */
export async function compareWhenStrange(
  state: State, id: string, lastAt: number,
): Promise<number | 'compared' | undefined> {
  const room = state.rooms.get(id)
  if (room?.group === undefined || !isWell(room.room)) return undefined
  const now = state.ports.now()
  const since = room.room.strangeAt
  if (since === 0) {
    if (room.waiting.length > 0) state.transact({ steps: [still(withRoom(room, { strangeAt: now }))] })
    return room.waiting.length > 0 ? strangeMs : undefined
  }
  const due = Math.max(since + strangeMs, lastAt + gossipEveryMs)
  if (now < due) return due - now
  await gossip(state, id)
  const after = state.rooms.get(id)
  if (after !== undefined) state.transact({ steps: [still(withRoom(after, { strangeAt: 0, apart: [] }))] })
  return 'compared'
}

/** How long a device that is behind waits for what it lacks; then it asks to be let back in. */
export function waitBehind(state: State, id: string): number | undefined {
  const room = state.rooms.get(id)
  if (room === undefined || room.room.behindAt === 0 || !isWell(room.room)) return undefined
  const step = stayBehind(room, state.moment())
  if (step.state !== room) state.transact({ steps: [step], removedPublish: stale(state, room, step) })
  const waitMs = step.state === room ? room.room.behindAt + behindMs - state.ports.now() : 0
  // Who is leaving does not ask.
  return waitMs < 0 || room.room.leaving ? undefined : waitMs
}

// ---------------------------------------------------------------- letters

const gossipLimit = 20

/** Tells some members what this device saw win, so that whoever saw something else learns of it. */
export async function gossip(state: State, id: string): Promise<void> {
  const room = state.rooms.get(id)
  if (room?.group === undefined || room.history.length === 0) return
  const letter = tellStory(room, state.moment())
  const others = devicesOf(room.group).filter(({ deviceId }) => deviceId !== state.self.deviceId)
  await sendLetters(state, [...room.room.apart, ...inAnyOrder(others, state.ports).slice(0, gossipLimit)], [letter])
}

/** So that in a large group everybody is told by some. */
const inAnyOrder = <T>(values: readonly T[], { random }: Pick<Ports, 'random'>): readonly T[] =>
  values.map((value) => ({ value, at: toHex(random(4)) })).sort((a, b) => a.at < b.at ? -1 : 1).map(({ value }) => value)

export const devicesOf = (group: Group): readonly Helper[] => leavesOf(group.tree).map(({ leafNode: { credential } }) =>
  ({ accountId: accountIdOf(credential), deviceId: deviceIdOf(credential) }))

/** A member's story came by letter. Gives what is to be done about it, if anything. */
export function onStory(
  state: State, told: SignedStory,
): { readonly name: string, readonly work: () => Promise<void> } | undefined {
  const { story, credential, signatureKey } = told
  const room = roomOf(state, toHex(story.groupId))
  if (room?.group === undefined || !isWell(room.room) || !isTold(state.self, told)) return undefined
  const teller = deviceIdOf(credential)
  if (teller === state.self.deviceId || isDoubted(room.room, teller, state.ports.now())) return undefined
  const isMember = leavesOf(room.group.tree).some(({ leafNode }) => equal(leafNode.signatureKey, signatureKey))
  const heard = hearStory(room, told, state.moment())
  // Whoever is a member in another story only cannot change anything here, but may learn of this one.
  if (isMember && heard.step.state !== room) {
    state.transact({ steps: [heard.step], removedPublish: stale(state, room, heard.step) })
  }
  const { answer } = heard
  const from = isMember ? heard.repairFrom : undefined
  // What was told by letter is in no log. One that was removed meanwhile learns of it only by what leads there.
  const moves = heard.repairFrom === undefined ? [] : movesSince(room, heard.repairFrom)
  const to: Helper = { accountId: accountIdOf(credential), deviceId: teller }
  if (!answer && from === undefined && moves.length === 0) return undefined
  return {
    name: `story ${teller}`,
    work: async () => {
      const { id } = room.room
      if (from !== undefined) await repairFrom(state, id, from)
      const now = state.rooms.get(id)
      if (now !== undefined) await sendLetters(state, [to], [...moves, tellStory(now, state.moment())])
    },
  }
}

async function sendLetters(state: State, to: readonly Helper[], letters: readonly Letter[]): Promise<void> {
  const addresses = await addressesOf(state, to)
  const publish = letters.flatMap((letter) => addressed(state, addresses, letter))
  if (publish.length > 0) state.transact({ publish })
}

/** Where a letter to a device goes, and the key that it is sealed to. */
export type Address = { readonly deviceId: string, readonly reference: string, readonly initKey: Uint8Array }

/** The addresses of those devices that have one. */
export async function addressesOf(state: State, to: readonly Helper[]): Promise<readonly Address[]> {
  const addresses: Address[] = []
  for (const { accountId, deviceId } of to) {
    const key = await letterKeyOf(state, { accountId, deviceId })
    if (key !== undefined) addresses.push({ deviceId, ...key })
  }
  return addresses
}

export const addressed = (state: State, to: readonly Address[], letter: Letter): readonly NewPublish[] => to.map((address) => ({
  log: inboxLog(address.deviceId), slot: '', target: { type: 'record' },
  bytes: sealLetter(state.self.suite, address, letter),
}))

/** The newest last-resort KeyPackage of a device, to whose init key letters are sealed; anybody may append to that log. */
async function letterKeyOf(
  state: State, { accountId, deviceId }: Helper,
): Promise<{ readonly reference: string, readonly initKey: Uint8Array } | undefined> {
  let after = 0
  let found: { readonly reference: string, readonly initKey: Uint8Array } | undefined
  for (;;) {
    const records = await state.ports.delivery.read(keyPackageLog(deviceId), after, 500)
    for (const { bytes } of records) found = letterKeyIn(state, bytes, { accountId, deviceId }) ?? found
    const last = records.at(-1)
    if (last === undefined) return found
    after = last.seq
  }
}

function letterKeyIn(state: State, bytes: Uint8Array, { accountId, deviceId }: Helper) {
  try {
    const record = decodeKeyPackageRecord(bytes)
    if (record.lastResort !== 1) return undefined
    const keyPackage = decode(KeyPackage, record.keyPackage)
    const { credential, signatureKey } = keyPackage.leafNode
    if (accountIdOf(credential) !== accountId || deviceIdOf(credential) !== deviceId) return undefined
    if (state.self.authentication.validate(credential, signatureKey) !== undefined) return undefined
    return { reference: toHex(keyPackageRef(state.self.suite, keyPackage)), initKey: keyPackage.initKey }
  } catch (error) {
    if (error instanceof MlsError) return undefined
    throw error
  }
}

// ---------------------------------------------------------------- asking

/** Sends the next request to be let back in, when its time has come. Says when to look again, if at all. */
export async function ask(state: State, id: string): Promise<number | undefined> {
  const before = state.rooms.get(id)
  const recovery = before?.room.recovery
  if (before === undefined || recovery === undefined) return undefined
  const asking = askAgain(before, state.moment(), state.keyPackages.get(recovery.reference))
  if (asking === undefined) return waitOf(state, id)
  const addresses = await addressesOf(state, asking.helpers)
  const publish = asking.letters.flatMap((letter) => addressed(state, addresses, letter))
  const now = state.rooms.get(id)
  // Let back in, or left, while the network answered.
  if (now?.room.recovery !== recovery) return waitOf(state, id)
  state.transact({
    steps: [still(withRoom(now, { recovery: asking.step.state.room.recovery }))],
    keyPackages: [asking.keyPackage], publish,
  })
  return waitOf(state, id)
}

/** Nothing more to wait for when all requests are made: whoever reads one later still answers. */
function waitOf(state: State, id: string): number | undefined {
  const recovery = state.rooms.get(id)?.room.recovery
  if (recovery === undefined || recovery.attempts >= requestLimit) return undefined
  return Math.max(0, recovery.nextAt - state.ports.now())
}
