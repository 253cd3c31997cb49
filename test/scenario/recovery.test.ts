import assert from 'node:assert/strict'
import { copyFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import Database from 'better-sqlite3'
import { authentication } from '../../main/identity/credential.ts'
import {
  commit, createGroup, decode, encode, KeyPackage, leafAt, leavesOf, merge, MLSMessage, propose, validateKeyPackage,
  type Group,
} from '../../main/mls/index.ts'
import { decodeKeyPackageRecord, encodeWelcomeMail, inboxLog, keyPackageLog } from '../../main/chat/mail.ts'
import { requestLimit } from '../../main/chat/recovery.ts'
import { deviceIdOf } from '../../main/identity/credential.ts'
import { openSqliteDelivery } from '../../main/delivery/sqlite.ts'
import type { Delivery } from '../../main/ports.ts'
import { commitRecord, externalCommit, held, leafOf, poisonedCommit } from './attacker.ts'
import { assertTogether, code, gather, hear, isBack } from './together.ts'
import { people, until } from './world.ts'

test('a commit whose path is rubbish for one member: it stands, and that member is let back in', async (t) => {
  const { all: [anna, ben, carol], end } = await people(['Anna', 'Ben', 'Carol'])
  t.after(end)
  const conversation = await gather(anna, ben, carol)
  await assertTogether([anna, ben, carol], conversation, 'before')
  await anna.stop()
  const state = held(anna, conversation)
  const me = (await carol.call('app.open', {})).phase
  assert.ok(me.at === 'ready')
  const carolsLeaf = leafOf(state.group, me.me.accountId)
  // Anna at leaf 0: her path's first node is for leaf 1, the next one for leaf 2.
  const record = commitRecord(state, poisonedCommit(state.group, (recipient) => recipient === carolsLeaf - 1))
  const delivery = openSqliteDelivery({ file: ben.deliveryFile })
  await delivery.append(record.log, record.bytes, record.slot)
  await delivery.close()
  await isBack(carol, conversation)
  await assertTogether([ben, carol], conversation, 'after')
})

test('records that are rubbish in the slots of an epoch: everybody goes on to the next slot', async (t) => {
  const { all: [anna, ben, carol], end } = await people(['Anna', 'Ben', 'Carol'])
  t.after(end)
  const conversation = await gather(anna, ben, carol)
  await assertTogether([anna, ben, carol], conversation, 'before')
  await carol.stop()
  const state = held(carol, conversation)
  const delivery = openSqliteDelivery({ file: ben.deliveryFile })
  // Nothing but noise under the seal, a message that is no commit, and a commit that needs what nobody has.
  const noise = commitRecord(state, poisonedCommit(state.group, () => true), 0)
  await delivery.append(noise.log, noise.bytes.slice(0, -1), noise.slot)
  const foreign = commitRecord(state, missingProposal(state.group), 1)
  await delivery.append(foreign.log, foreign.bytes, foreign.slot)
  await delivery.close()
  await anna.call('conversation.rename', { conversation, name: 'Willow' })
  for (const one of [anna, ben]) {
    await until(`${one.name} sees the name`, async () => (await one.conversation(conversation))?.title === 'Willow')
  }
  await carol.start()
  await assertTogether([anna, ben, carol], conversation, 'after')
})

test('a commit from outside, even of a member who replaces nobody but itself: it is not followed', async (t) => {
  const { all: [anna, ben, carol], end } = await people(['Anna', 'Ben', 'Carol'])
  t.after(end)
  const conversation = await gather(anna, ben, carol)
  await carol.stop()
  const state = held(carol, conversation)
  const outside = commitRecord(state, externalCommit(state.group))
  const delivery = openSqliteDelivery({ file: ben.deliveryFile })
  await delivery.append(outside.log, outside.bytes, outside.slot)
  await delivery.close()
  await anna.call('conversation.rename', { conversation, name: 'Willow' })
  await ben.restart()
  await until('Ben sees the name', async () => (await ben.conversation(conversation))?.title === 'Willow')
  for (const one of [anna, ben]) {
    assert.equal((await one.entries(conversation)).some((entry) => entry.kind === 'fact' && entry.fact.fact === 'returned'), false)
  }
  await carol.start()
  await assertTogether([anna, ben, carol], conversation, 'after')
})

test('a log that lost its end gets it back from whoever was there', async (t) => {
  const { all: [anna, ben, carol], end } = await people(['Anna', 'Ben', 'Carol'])
  t.after(end)
  const conversation = await gather(anna, ben, carol)
  await carol.stop()
  await anna.call('conversation.rename', { conversation, name: 'Willow' })
  await until('Ben sees the name', async () => (await ben.conversation(conversation))?.title === 'Willow')
  const state = held(carol, conversation)
  await anna.stop()
  await ben.stop()
  truncate(anna.deliveryFile, `h.${state.log}`)
  await carol.start()
  await ben.start()
  await until('Carol sees the name', async () => (await carol.conversation(conversation))?.title === 'Willow')
  await anna.start()
  await assertTogether([anna, ben, carol], conversation, 'after')
})

test('a log that tells two stories: one stays, and the others are let back in', async (t) => {
  const { all: [anna, ben, carol, dave], end } = await people(['Anna', 'Ben', 'Carol', 'Dave'])
  t.after(end)
  const conversation = await gather(anna, ben, carol)
  await assertTogether([anna, ben, carol], conversation, 'before')
  await carol.stop()
  const invite = await dave.invite()
  await dave.stop()
  const other = path.join(path.dirname(anna.deliveryFile), 'other.sqlite')
  // Carol gets a log of her own from here on, in which she is alone.
  await anna.stop()
  await ben.stop()
  copyFileSync(anna.deliveryFile, other)
  await anna.start()
  await ben.start()
  carol.through = (delivery) => { void delivery.close(); return openSqliteDelivery({ file: other, pollMs: 20 }) }
  await carol.start()
  await anna.call('conversation.rename', { conversation, name: 'Willow' })
  await until('Ben sees the name', async () => (await ben.conversation(conversation))?.title === 'Willow')
  await carol.call('conversation.add', { conversation, people: [], invites: [invite] })
  await until('Carol has added Dave', async () => (await carol.conversation(conversation))?.people.length === 4)
  await carol.stop()
  carol.through = (delivery: Delivery) => delivery
  await carol.start()
  // What is said while somebody is out is not for them: first everybody has to be back.
  await until('all are in one epoch again', async () => {
    const codes = await Promise.all([anna, ben, carol].map((one) => code(one, conversation)))
    return new Set(codes).size === 1
  })
  await assertTogether([anna, ben, carol], conversation, 'after')
})

test('a copy of a profile that sends: this one notices before it sends, and is let back in', async (t) => {
  const { all: [anna, ben], end } = await people(['Anna', 'Ben'])
  t.after(end)
  const conversation = await gather(anna, ben)
  await assertTogether([anna, ben], conversation, 'before')
  await ben.stop()
  const file = path.join(ben.folder, ben.name, 'profile.sqlite')
  copyFileSync(file, `${file}.copy`)
  await ben.start()
  await ben.say(conversation, 'from the one that goes on')
  await hear(anna, conversation, 'from the one that goes on')
  await ben.stop()
  copyFileSync(`${file}.copy`, file)
  await ben.start()
  await ben.say(conversation, 'from the one that was put back')
  await isBack(ben, conversation)
  await hear(anna, conversation, 'from the one that was put back')
  await assertTogether([anna, ben], conversation, 'after')
})

test('a device that was away too long asks before it sends anything', async (t) => {
  const { all: [anna, ben, carol], end } = await people(['Anna', 'Ben', 'Carol'])
  t.after(end)
  const conversation = await gather(anna, ben, carol)
  await carol.stop()
  for (const one of [anna, ben]) await one.stop()
  for (const one of [anna, ben, carol]) one.now = () => Date.now() + 80 * 24 * 60 * 60 * 1000
  for (const one of [anna, ben, carol]) await one.start()
  // Anna's last commit is still in the log, so a later one would be there too; the others have no such proof.
  await Promise.all([ben, carol].map((one) => isBack(one, conversation)))
  await assertTogether([anna, ben, carol], conversation, 'after')
})

test('a device that nobody answers asks less and less, then waits without doing anything', async (t) => {
  const { all: [anna, ben], end } = await people(['Anna', 'Ben'])
  t.after(end)
  const conversation = await gather(anna, ben)
  await anna.stop()
  await ben.stop()
  let days = 80
  let looked = 0
  ben.now = () => Date.now() + days * 24 * 60 * 60 * 1000
  ben.through = (delivery) => ({
    address: delivery.address, append: (...args) => delivery.append(...args), slot: (...args) => delivery.slot(...args),
    watch: (...args) => delivery.watch(...args), close: () => delivery.close(),
    read: (...args) => {
      looked += 1
      return delivery.read(...args)
    },
  })
  const asked = async (): Promise<number> => (await ben.conversation(conversation))?.recovering?.asked ?? 0
  for (let times = 1; times <= requestLimit; times++) {
    await ben.start()
    await until(`Ben asks for the ${String(times)}. time`, async () => await asked() === times)
    await ben.stop()
    days += 2
  }
  await ben.start()
  await until('everything was looked at', () => Promise.resolve(looked > 0))
  await new Promise((resolve) => setTimeout(resolve, 500))
  looked = 0
  await new Promise((resolve) => setTimeout(resolve, 500))
  assert.equal(looked, 0)
  assert.equal(await asked(), requestLimit)
})

test('a stranger who makes a group of the same name lets nobody into it', async (t) => {
  const { all: [anna, ben, carol, eve], end } = await people(['Anna', 'Ben', 'Carol', 'Eve'])
  t.after(end)
  const conversation = await gather(anna, ben, carol)
  const { conversation: withEve } = await eve.call('conversation.direct', { invite: await carol.invite() })
  await carol.accept()
  for (const one of [anna, ben, eve]) await one.stop()
  const state = held(anna, conversation)
  const spoiled = commitRecord(state, poisonedCommit(state.group, () => true))
  const delivery = openSqliteDelivery({ file: carol.deliveryFile, pollMs: 20 })
  await delivery.append(spoiled.log, spoiled.bytes, spoiled.slot)
  await until('Carol asks', async () => (await carol.conversation(conversation))?.recovering !== undefined)
  const { log, bytes } = await forgedWelcome(delivery, held(eve, withEve).group, state.group)
  await delivery.append(log, bytes)
  await delivery.close()
  // What comes after it in the same inbox has been read when this has.
  await anna.start()
  await anna.call('conversation.direct', { invite: await carol.invite() })
  await until('Carol reads on', async () => (await carol.conversations()).some((one) => one.state === 'request'))
  assert.equal((await carol.conversation(conversation))?.recovering?.reason, 'path')
  assert.deepEqual(carol.bugs, [])
})

/** A Welcome of a member of `own` to everybody but its maker into a new group that has the id of `victim`. */
async function forgedWelcome(delivery: Delivery, own: Group, victim: Group) {
  const [me, carol] = [own.ownLeaf, leavesOf(own.tree).find(({ index }) => index !== own.ownLeaf)?.leafNode]
  const leaf = leafAt(own.tree, me)
  assert.ok(leaf !== undefined && carol !== undefined)
  const auth = authentication(own.suite)
  const group = createGroup(own.suite, {
    groupId: victim.context.groupId, credential: leaf.credential, capabilities: leaf.capabilities,
    signatureKeyPair: { publicKey: leaf.signatureKey, privateKey: own.signaturePrivateKey },
    lifetime: { notBefore: 0n, notAfter: 2n ** 63n }, extensions: victim.context.extensions,
  })
  const device = deviceIdOf(carol.credential)
  const records = await delivery.read(keyPackageLog(device), 0, 500)
  const offered = records.flatMap(({ slot, bytes }) => slot?.startsWith('claim.') === true ? [] : [decodeKeyPackageRecord(bytes)])
  const stocked = offered.find(({ lastResort }) => lastResort === 1)
  assert.ok(stocked !== undefined)
  const keyPackage = validateKeyPackage(own.suite, decode(KeyPackage, stocked.keyPackage), {
    authentication: auth, now: BigInt(Math.floor(Date.now() / 1000)),
  })
  // As far on as nobody in the real group is.
  let epoch = group
  while (epoch.context.epoch < victim.context.epoch + 3n) {
    epoch = merge(epoch, commit(epoch, { authentication: auth, forcePath: true }).pending).group
  }
  const { welcome } = commit(epoch, { proposals: [{ type: 'add', keyPackage }], authentication: auth, forcePath: true })
  assert.ok(welcome !== undefined)
  return { log: inboxLog(device), bytes: encodeWelcomeMail({
    welcome: encode(MLSMessage, welcome), tokenProof: new Uint8Array(0), commitsAfter: 0n, messagesAfter: 0n,
  }) }
}

/** Takes the newest record out of a log, as a log that is not written in time loses it. */
function truncate(file: string, log: string): void {
  const database = new Database(file)
  database.prepare('DELETE FROM records WHERE seq = (SELECT max(seq) FROM records WHERE log = ?)').run(log)
  database.close()
}

/** A commit of a proposal that stands in no record. */
function missingProposal(group: Group): MLSMessage {
  const { group: proposed } = propose(group, { type: 'groupContextExtensions', extensions: group.context.extensions })
  return commit(proposed, { authentication: authentication(group.suite) }).message
}

test('messages that did not arrive are counted exactly, and appear when they come after all', async (t) => {
  const { all: [anna, ben], end } = await people(['Anna', 'Ben'])
  t.after(end)
  const conversation = await gather(anna, ben)
  await anna.say(conversation, 'one')
  await hear(ben, conversation, 'one')
  await ben.stop()
  for (const word of ['two', 'three', 'four', 'five']) await anna.say(conversation, word)
  await until('all are sent', async () => (await anna.entries(conversation)).every((entry) =>
    entry.kind !== 'message' || entry.state !== 'sending'))
  await anna.stop()
  const { log } = held(ben, conversation)
  const database = new Database(anna.deliveryFile)
  const records = database.prepare<[string], { seq: number, bytes: Uint8Array }>(
    'SELECT seq, bytes FROM records WHERE log = ? ORDER BY seq DESC LIMIT 4').all(`m.${log}`)
  const lost = records.slice(1, 3)
  for (const { seq } of lost) database.prepare('DELETE FROM records WHERE seq = ?').run(seq)
  database.close()
  await ben.start()
  await hear(ben, conversation, 'five')
  const gaps = async () => (await ben.entries(conversation)).flatMap((entry) =>
    entry.kind === 'gap' ? [{ reason: entry.reason, count: entry.count }] : [])
  assert.deepEqual(await gaps(), [{ reason: 'lost', count: 2 }])
  const delivery = openSqliteDelivery({ file: ben.deliveryFile })
  await delivery.append(`m.${log}`, new Uint8Array(lost[1]?.bytes ?? []))
  await hear(ben, conversation, 'three')
  assert.deepEqual(await gaps(), [{ reason: 'lost', count: 1 }])
  await delivery.append(`m.${log}`, new Uint8Array(lost[0]?.bytes ?? []))
  await delivery.close()
  await hear(ben, conversation, 'four')
  assert.deepEqual(await gaps(), [])
})
