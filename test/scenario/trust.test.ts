/** How far one trusts that an account is who one takes it for, and that nothing goes out while it has changed. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test, type TestContext } from 'node:test'
import { sha256Digest } from '../../main/crypto/digest.ts'
import { makeAccount } from '../../main/app/account.ts'
import { withOwnWords } from '../../main/app/own-words.ts'
import { ownGroupOf } from '../../main/app/registers.ts'
import { State } from '../../main/app/state.ts'
import { Teller } from '../../main/app/teller.ts'
import { distrust, metByInvite, onTrustRegister, trust, trustRegister } from '../../main/app/trust.ts'
import { decodePublish } from '../../main/chat/documents.ts'
import { createRoom } from '../../main/chat/membership.ts'
import { still } from '../../main/chat/room.ts'
import { openSqliteDelivery } from '../../main/delivery/sqlite.ts'
import { PortError, type Delivery, type Ports } from '../../main/ports.ts'
import { fromHex, Secret } from '../../main/mls/index.ts'
import { openStore } from '../../main/sqlite/store.ts'
import { appendToLog, entryRecord, keyOn, logOf, signEntry, suite } from './devices.ts'
import { portsOfBackups } from './places.ts'
import { pairing, people, quietLog, random, Refused, suites, until, vaultOf, type Person } from './world.ts'

const refused = (code: string) => (error: unknown): boolean => error instanceof Refused && error.code === code

async function accountOf(person: Person): Promise<string> {
  const { phase } = await person.call('app.open', {})
  assert.ok(phase.at === 'ready')
  return phase.me.accountId
}

async function meet(one: Person, other: Person): Promise<string> {
  const { conversation } = await one.call('conversation.direct', { invite: await other.invite() })
  await other.accept()
  await until(`${one.name} sees the answer`, async () => (await one.entries(conversation)).some((entry) =>
    entry.kind === 'fact' && entry.fact.fact === 'accepted'))
  return conversation
}

/** How `viewer` sees `of` in a conversation. */
async function seen(viewer: Person, conversation: string, of: string) {
  const found = (await viewer.conversation(conversation))?.people.find(({ accountId }) => accountId === of)
  assert.ok(found !== undefined)
  const { trust, why, byInvite } = found
  return { trust, why, byInvite }
}

const reads = (person: Person, conversation: string, text: string): Promise<unknown> =>
  until(`${person.name} reads “${text}”`, async () => (await person.texts(conversation)).includes(text))

/** Long enough for a message to come, had it been sent. */
const aWhile = (): Promise<void> => new Promise((resolve) => { setTimeout(resolve, 400) })

test('two people see one number, and compare it by its code: each marks the other for themselves', async (t) => {
  const { all: [anna, ben, eve], end } = await people(['Anna', 'Ben', 'Eve'])
  t.after(end)
  const conversation = await meet(anna, ben)
  await meet(anna, eve)
  const [a, b, e] = [await accountOf(anna), await accountOf(ben), await accountOf(eve)]
  const ofBen = await anna.call('person.safety', { accountId: b })
  const ofAnna = await ben.call('person.safety', { accountId: a })
  assert.equal(ofBen.digits, ofAnna.digits)
  assert.match(ofBen.digits, /^\d{5}( \d{5}){11}$/)
  assert.notEqual((await anna.call('person.safety', { accountId: e })).digits, ofBen.digits)
  assert.deepEqual([ofBen.name, ofBen.trust, ofBen.since], ['Ben', 'new', 0])

  const compare = (code: string) => anna.call('person.compare', { accountId: b, code })
  assert.equal(await compare(ofBen.code), 'own')
  assert.equal(await compare((await eve.call('person.safety', { accountId: a })).code), 'differs')
  assert.equal(await compare('hello'), 'malformed')
  assert.equal(await compare(await ben.invite()), 'malformed')
  assert.equal((await seen(anna, conversation, b)).trust, 'new', 'nothing but a match marks anybody')
  assert.equal(await compare(ofAnna.code), 'match')
  assert.equal((await seen(anna, conversation, b)).trust, 'verified')
  assert.equal((await seen(ben, conversation, a)).trust, 'new')

  await anna.restart()
  assert.equal((await seen(anna, conversation, b)).trust, 'verified')
  await anna.call('person.trust', { accountId: b, trust: 'new' })
  assert.equal((await anna.call('person.safety', { accountId: b })).trust, 'new')
})

test('nobody has a safety number with themselves or with an account that they never met', async (t) => {
  const { all: [anna], end } = await people(['Anna'])
  t.after(end)
  for (const accountId of [await accountOf(anna), '07'.repeat(32), '07']) {
    await assert.rejects(anna.call('person.safety', { accountId }), refused('bad-argument'))
    await assert.rejects(anna.call('person.trust', { accountId, trust: 'verified' }), refused('bad-argument'))
    await assert.rejects(anna.call('person.compare', { accountId, code: 'x' }), refused('bad-argument'))
  }
})

test('whoever was met by an invite of theirs is shown so, which is not verified', async (t) => {
  const { all: [anna, ben], end } = await people(['Anna', 'Ben'])
  t.after(end)
  const conversation = await meet(anna, ben)
  const [a, b] = [await accountOf(anna), await accountOf(ben)]
  // Anna read Ben's invite; Ben knows that somebody holds it, not who that is.
  assert.deepEqual(await seen(anna, conversation, b), { trust: 'new', why: undefined, byInvite: true })
  assert.deepEqual(await seen(ben, conversation, a), { trust: 'new', why: undefined, byInvite: false })
  await anna.restart()
  assert.equal((await anna.call('person.safety', { accountId: b })).byInvite, true)
  // Ben reads Anna's invite later, and already has the chat.
  const again = await ben.call('conversation.direct', { invite: await anna.invite() })
  assert.equal(again.conversation, conversation)
  assert.equal((await seen(ben, conversation, a)).byInvite, true)
})

test('while somebody has changed nothing is encrypted where they read, and all of it goes out afterwards', async (t) => {
  const { all: [anna, ben, cleo], end } = await people(['Anna', 'Ben', 'Cleo'])
  t.after(end)
  const direct = await meet(anna, ben)
  const other = await meet(anna, cleo)
  const [b, c] = [await accountOf(ben), await accountOf(cleo)]
  const { conversation: group } = await anna.call('conversation.group', { name: 'All', people: [b, c], invites: [] })
  for (const person of [ben, cleo]) assert.equal(await person.accept(), group)
  await anna.say(group, 'before')
  for (const person of [ben, cleo]) await reads(person, group, 'before')

  await anna.call('person.replaces', { accountId: b, replaced: c })
  assert.deepEqual(await seen(anna, direct, b), { trust: 'changed', why: 'replaced', byInvite: true })
  for (const conversation of [direct, group]) {
    const facts = (await anna.entries(conversation)).flatMap((entry) => entry.kind === 'fact' ? [entry.fact] : [])
    assert.deepEqual(facts.filter(({ fact }) => fact === 'changed'), [{ fact: 'changed', who: b, why: 'replaced' }])
  }
  assert.ok(!(await anna.entries(other)).some((entry) => entry.kind === 'fact' && entry.fact.fact === 'changed'))

  await anna.say(direct, 'for Ben')
  await anna.say(group, 'for all')
  await anna.say(other, 'for Cleo')
  await reads(cleo, other, 'for Cleo')
  await anna.stop()
  const store = openStore({ file: path.join(anna.folder, anna.name, 'profile.sqlite'), key: anna.key.slice() })
  const encrypted = store.documents('publish').filter(({ bytes }) => decodePublish(bytes).target.type === 'message')
  store.close()
  assert.deepEqual(encrypted, [], 'not even encrypted')
  await anna.start()
  // What is not content still works: Ben's own words arrive, and a member can be taken out.
  await ben.say(direct, 'are you there?')
  await reads(anna, direct, 'are you there?')
  await aWhile()
  assert.deepEqual([await ben.texts(direct), await ben.texts(group)], [['are you there?'], ['before']])
  const waiting = (await anna.entries(direct)).find((entry) => entry.kind === 'message' && entry.own)
  assert.ok(waiting?.kind === 'message')
  assert.deepEqual([waiting.text, waiting.state], ['for Ben', 'sending'])

  await assert.rejects(anna.call('conversation.rename', { conversation: group, name: 'Secret' }), refused('trust-changed'))
  await assert.rejects(anna.call('conversation.group', { name: 'New', people: [b], invites: [] }), refused('trust-changed'))
  await assert.rejects(anna.call('conversation.group', { name: 'New', people: [], invites: [await ben.invite()] }),
    refused('trust-changed'))

  // A match of the number says nothing about what changed within an account; the person's own word does.
  const code = (await ben.call('person.safety', { accountId: await accountOf(anna) })).code
  assert.equal(await anna.call('person.compare', { accountId: b, code }), 'match')
  assert.equal((await seen(anna, direct, b)).trust, 'changed')
  await anna.call('person.trust', { accountId: b, trust: 'verified' })
  await reads(ben, direct, 'for Ben')
  await reads(ben, group, 'for all')
  await reads(cleo, group, 'for all')
  assert.deepEqual(await seen(anna, direct, b), { trust: 'verified', why: undefined, byInvite: true })
  assert.deepEqual([...anna.bugs, ...ben.bugs, ...cleo.bugs], [])
})

test('what was encrypted but not yet sent when somebody changed stays here, and a group goes on without them', async (t) => {
  let away = false
  const cut = (delivery: Delivery): Delivery => ({
    ...delivery, address: delivery.address,
    append: (log, bytes, slot) => away && log.startsWith('m.') ? Promise.reject(new PortError('delivery-unreachable'))
      : delivery.append(log, bytes, slot),
    read: (log, after, limit) => delivery.read(log, after, limit), slot: (log, slot) => delivery.slot(log, slot),
    watch: (logs, wake) => delivery.watch(logs, wake), close: () => delivery.close(),
  })
  const { all: [anna, ben, cleo], end } = await people(['Anna', 'Ben', 'Cleo'], (person) => {
    if (person.name === 'Anna') person.through = cut
  })
  t.after(end)
  await meet(anna, ben)
  await meet(anna, cleo)
  const [b, c] = [await accountOf(ben), await accountOf(cleo)]
  const { conversation: group } = await anna.call('conversation.group', { name: 'All', people: [b, c], invites: [] })
  for (const person of [ben, cleo]) assert.equal(await person.accept(), group)
  await anna.say(group, 'before')
  for (const person of [ben, cleo]) await reads(person, group, 'before')
  away = true
  await anna.say(group, 'on its way')
  await until('it was tried', async () => anna.changes.some(({ notice }) => notice?.code === 'delivery-unreachable'))
  await anna.call('person.replaces', { accountId: b, replaced: c })
  away = false
  await anna.restart()
  await aWhile()
  assert.deepEqual(await cleo.texts(group), ['before'])
  await anna.call('conversation.remove', { conversation: group, accountId: b })
  await reads(cleo, group, 'on its way')
  await aWhile()
  assert.deepEqual(await ben.texts(group), ['before'])
  assert.deepEqual([...anna.bugs, ...ben.bugs, ...cleo.bugs], [])
})

test('an alarm that was looked at is not raised again for the same proof, and is for another one', async (t) => {
  const { all: [anna, ben], end } = await people(['Anna', 'Ben'])
  t.after(end)
  const conversation = await meet(anna, ben)
  const b = await accountOf(ben)
  const trustOf = async () => (await seen(anna, conversation, b)).trust
  /** Ben's device signs two entries for one number. */
  const lie = async (): Promise<void> => {
    const keys = [suite.signatureKeyPair(), suite.signatureKeyPair()]
    const [honest, other] = await Promise.all(keys.map((key) => signEntry(ben, {
      issuer: keyOn(ben), operation: { type: 'add', publicKey: key.publicKey, name: 'x' }, newKey: key,
    })))
    assert.ok(honest !== undefined && other !== undefined)
    await appendToLog(ben, entryRecord(honest))
    await appendToLog(ben, entryRecord(other))
    await until('Ben has read it', async () => (await logOf(ben)).head.n === honest.entry.n)
  }
  await lie()
  await anna.restart()
  await until('Anna is alarmed', async () => await trustOf() === 'changed')
  await anna.call('person.trust', { accountId: b, trust: 'verified' })
  await anna.restart()
  await anna.say(conversation, 'I have asked him')
  await reads(ben, conversation, 'I have asked him')
  await aWhile()
  assert.equal(await trustOf(), 'verified')
  await lie()
  await anna.restart()
  await until('Anna is alarmed again', async () => await trustOf() === 'changed')
  const facts = (await anna.entries(conversation)).filter((entry) => entry.kind === 'fact' && entry.fact.fact === 'changed')
  assert.equal(facts.length, 2)
  assert.deepEqual(anna.bugs, [])
})

/** A profile in memory on a real store, as the app opens it. */
function profile(t: TestContext): State {
  const folder = mkdtempSync(path.join(tmpdir(), 'coppice-trust-'))
  const store = openStore({ file: path.join(folder, 'profile.sqlite'), key: random(32) })
  const file = path.join(folder, 'delivery.sqlite')
  const ports: Ports = {
    ...portsOfBackups(folder), profile: 'one', version: '0', deviceName: 'one', platform: '', vault: vaultOf(file, random(32), {}),
    delivery: openSqliteDelivery({ file }), ui: { show: () => undefined }, pairing, suiteOf: suites,
    now: () => Date.now(), random, digest: sha256Digest, saveFile: () => Promise.resolve(false), idleMs: () => 0, after: () => () => undefined, log: quietLog(), report: (error) => { throw error },
  }
  t.after(async () => {
    store.close()
    await ports.delivery.close()
    rmSync(folder, { recursive: true, force: true })
  })
  return new State(store, ports, { account: makeAccount(ports, store, 'Anna'), teller: new Teller(ports.ui), complete: withOwnWords })
}

test('what one device knows of a person becomes what another one knows: marks, alarms, and which were looked at', (t) => {
  const [laptop, desktop] = [profile(t), profile(t)]
  const ben = '07'.repeat(32)
  for (const state of [laptop, desktop]) {
    state.transact({ contacts: [{ version: 1, accountId: ben, name: 'Ben', own: true }] })
  }
  /** As the register goes from one to the other: as text. */
  const tell = (): void => {
    const record = laptop.trust.get(ben)
    assert.ok(record !== undefined)
    const { key, value } = JSON.parse(JSON.stringify(trustRegister(record))) as ReturnType<typeof trustRegister>
    assert.equal(key, `trust.${ben}`)
    desktop.transact(onTrustRegister(desktop, ben, { value, rooms: [...desktop.rooms.values()] }))
  }
  laptop.transact({ trust: metByInvite(laptop, [ben]) })
  trust(laptop, ben, 'verified')
  tell()
  assert.deepEqual(desktop.trustOf(ben), { trust: 'verified', byInvite: true })
  distrust(laptop, ben, 'recovery', 'a key')
  tell()
  assert.deepEqual(desktop.trustOf(ben), { trust: 'changed', byInvite: true, why: 'recovery' })
  trust(laptop, ben, 'new')
  tell()
  // The desktop finds the same proof by itself, later.
  distrust(desktop, ben, 'recovery', 'a key')
  assert.deepEqual(desktop.trustOf(ben), { trust: 'new', byInvite: true })
  distrust(desktop, ben, 'recovery', 'another key')
  assert.equal(desktop.trustOf(ben).trust, 'changed')
  // Nobody is a stranger to themselves.
  distrust(laptop, laptop.self.accountId, 'recovery')
  assert.equal(laptop.trustOf(laptop.self.accountId).trust, 'new')
})

test('what was said before is taken from a device with an elder\'s rights alone', (t) => {
  const state = profile(t)
  state.transact({ steps: [createRoom(state.moment(), { kind: 'self', name: '', peer: '', intents: [] })] })
  const room = ownGroupOf(state.rooms.values())
  assert.ok(room !== undefined)
  const offer = { type: 'history' as const, to: fromHex(state.self.deviceId), id: random(16), key: new Secret(random(16)), entries: 1 }
  const saidBy = (by: string): void => { state.transact({ steps: [{ ...still(room), words: [{ ...offer, by }] }] }) }
  saidBy('ab'.repeat(16))
  assert.equal(state.transfers.size, 0)
  // The first device of the account is an elder.
  saidBy(state.self.deviceId)
  assert.equal(state.transfers.size, 1)

  // Of its own codes each device speaks for itself: nobody hides what another one has seen.
  const [phished, other, at] = ['ab'.repeat(16), 'cd'.repeat(16), '01'.repeat(16)]
  const told = (key: string, value: unknown, by = phished): unknown => {
    const register = { key, value: JSON.stringify(value), time: state.ports.now(), deviceId: fromHex(by) }
    state.transact({ steps: [{ ...still(room), words: [{ type: 'registers', registers: [register], by }] }] })
    return state.registers.value(key)
  }
  const code = { group: at, epoch: 1, code: '12345' }
  assert.equal(told(`code.${at}.${other}`, code), undefined)
  assert.deepEqual(told(`code.${at}.${phished}`, code), code)
  // What is to come of the past is for an elder to say, or for whom it is to come to.
  assert.equal(told(`history.${other}`, { range: 'all' }), undefined)
  assert.deepEqual(told(`history.${phished}`, { range: 'all' }), { range: 'all' })
  // Nobody vouches for themselves, nor does who has no right; a no is everybody's.
  assert.equal(told(`returned.${other}`, 'mine'), undefined)
  assert.equal(told(`returned.${state.self.deviceId}`, 'mine', state.self.deviceId), undefined)
  assert.equal(told(`returned.${other}`, 'refused'), 'refused')
})
