import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import path from 'node:path'
import { describe, test, type TestContext } from 'node:test'
import {
  decode, encode, fromHex, generateKeyPackage, KeyPackage, leafAt, leavesOf, toHex, type KeyPair,
} from '../../main/mls/index.ts'
import { introduce, LinkMessage, messageIn, sharedDigits } from '../../main/chat/linking.ts'
import { leafCapabilities, leafLifetime } from '../../main/chat/extensions.ts'
import { decodeKeyPackageRecord, encodeKeyPackageRecord, keyPackageLog } from '../../main/chat/mail.ts'
import { signPossession } from '../../main/identity/entry.ts'
import { accountIdFor } from '../../main/identity/genesis.ts'
import { linkingCodeMs, readLinkingCode, rendezvousOf } from '../../main/identity/linking-code.ts'
import { commitment, keysHash, transcriptOf } from '../../main/pairing/nonces.ts'
import { PairingRecord } from '../../main/pairing/records.ts'
import type { Delivery, LogRecord } from '../../main/ports.ts'
import { openSqliteDelivery } from '../../main/delivery/sqlite.ts'
import { Middleman } from '../pairing/middleman.ts'
import { held } from './attacker.ts'
import { accountOn, keyOn, logOf, signEntry, appendToLog, entryRecord, suite, writeEntry } from './devices.ts'
import { computer, connect, digitsOn, link, linkAt, linkOn, setUpLink } from './link.ts'
import { confirmWords, people, until, type Person } from './world.ts'

async function anna(t: TestContext): Promise<Person> {
  const { all: [person], end } = await people(['Anna'])
  t.after(end)
  await confirmWords(person)
  return person
}

async function beside(t: TestContext, person: Person, name: string, prepare?: (one: Person) => void): Promise<Person> {
  const other = await computer(person, name, prepare)
  t.after(() => other.stop())
  return other
}

const whyOn = async (person: Person): Promise<string> => (await linkAt(person, 'failed')).why
const devicesOf = async (person: Person): Promise<number> => (await logOf(person)).devices.length
/** A moment in which nothing is to happen. */
const moment = (): Promise<void> => new Promise((resolve) => { setTimeout(resolve, 700) })

/** The same log, with what some reads of it give in other hands. */
const reading = (delivery: Delivery, of: string, hands: (records: readonly LogRecord[]) => readonly LogRecord[]): Delivery => ({
  address: delivery.address,
  append: (log, bytes, slot) => delivery.append(log, bytes, slot),
  slot: (log, slot) => delivery.slot(log, slot),
  watch: (logs, wake) => delivery.watch(logs, wake),
  close: () => delivery.close(),
  read: async (log, after, limit) => {
    const records = await delivery.read(log, after, limit)
    return log.startsWith(of) ? hands(records) : records
  },
})

describe('a linking code', () => {
  test('that nobody read in five minutes is dead on both sides', async (t) => {
    const elder = await anna(t)
    let now = Date.now()
    elder.now = () => now
    await elder.call('link.start', { code: '' })
    const { code } = await linkAt(elder, 'showing')
    now += linkingCodeMs
    assert.equal(await whyOn(elder), 'expired')
    const laptop = await beside(t, elder, 'Laptop')
    await setUpLink(laptop, code)
    assert.equal(await whyOn(laptop), 'expired')
    // Also where that computer's clock is behind.
    await laptop.call('link.cancel', {})
    laptop.now = () => now - linkingCodeMs
    await setUpLink(laptop, code)
    assert.equal(await whyOn(laptop), 'expired')
    assert.equal(await devicesOf(elder), 1)
  })

  test('that was used is used, whatever became of it', async (t) => {
    const elder = await anna(t)
    const [laptop, thief] = [await beside(t, elder, 'Laptop'), await beside(t, elder, 'Thief')]
    await elder.call('link.start', { code: '' })
    const { code } = await linkAt(elder, 'showing')
    await setUpLink(laptop, code)
    const { digits } = await digitsOn(elder)
    await linkAt(laptop, 'digits')
    await laptop.call('link.digits', { digits })
    await linkAt(elder, 'confirm')
    await elder.call('link.confirm', { history: 'none' })
    await linkAt(laptop, 'recognise')
    await laptop.call('link.recognise', {})
    await linkAt(elder, 'done')
    await setUpLink(thief, code)
    assert.equal(await whyOn(thief), 'used')
    assert.equal(await devicesOf(elder), 2)
  })

  test('that two read ends for both of them, and for who shows it', async (t) => {
    const elder = await anna(t)
    const [laptop, thief] = [await beside(t, elder, 'Laptop'), await beside(t, elder, 'Thief')]
    await elder.call('link.start', { code: '' })
    const { code } = await linkAt(elder, 'showing')
    await Promise.all([setUpLink(laptop, code), setUpLink(thief, code)])
    for (const one of [laptop, thief, elder]) assert.equal(await whyOn(one), 'used')
    assert.equal(await devicesOf(elder), 1)
  })

  test('is refused wherever an invite is asked for, and an invite wherever a code is', async (t) => {
    const { all: [victim, phisher], end } = await people(['Victim', 'Phisher'])
    t.after(end)
    await confirmWords(victim)
    // What the phisher sends: "join this group", with the code of a computer that would be linked.
    const computerOfPhisher = await beside(t, phisher, 'Trap')
    await setUpLink(computerOfPhisher, '')
    const { code } = await linkAt(computerOfPhisher, 'showing')
    const refused = { code: 'invite-linking' }
    await assert.rejects(victim.call('invite.read', { invite: code }), refused)
    await assert.rejects(victim.call('conversation.direct', { invite: code }), refused)
    await assert.rejects(victim.call('conversation.group', { name: 'G', people: [], invites: [code] }), refused)
    assert.equal(await linkOn(victim), undefined)
    assert.equal((await linkOn(computerOfPhisher))?.at, 'showing')
    await victim.call('link.start', { code: await phisher.invite() })
    assert.equal(await whyOn(victim), 'invite')
    await victim.call('link.start', { code: 'https://example.org/join' })
    assert.equal(await whyOn(victim), 'malformed')
    assert.deepEqual([...victim.bugs, ...phisher.bugs], [])
  })

  test('links nobody where both have an account, or neither', async (t) => {
    const { all: [one, other], end } = await people(['One', 'Other'])
    t.after(end)
    await confirmWords(one)
    await confirmWords(other)
    await one.call('link.start', { code: '' })
    await other.call('link.start', { code: (await linkAt(one, 'showing')).code })
    assert.equal(await whyOn(other), 'role')
  })
})

describe('the digits', () => {
  // Whoever shows other digits of the channel is not at its other end, and is not told what was typed.
  for (const [which, isTold, wrong] of [
    ['the elder’s own', true, (digits: string) => digits.slice(0, 6) + String((Number(digits.slice(6)) + 1) % 10_000).padStart(4, '0')],
    ['the channel’s', false, (digits: string) => String((Number(digits.slice(0, 6)) + 1) % 1_000_000).padStart(6, '0') + digits.slice(6)],
  ] as const) {
    test(`can be wrong once: ${which}`, async (t) => {
      const elder = await anna(t)
      const said: PairingRecord[] = []
      const laptop = await beside(t, elder, 'Laptop', (person) => {
        person.through = (delivery) => ({
          ...reading(delivery, '', (records) => records),
          append: (log, bytes, slot) => {
            if (log.startsWith('r.')) said.push(decode(PairingRecord, bytes))
            return delivery.append(log, bytes, slot)
          },
        })
      })
      const { digits } = await connect(elder, laptop)
      // Not ten digits is no attempt.
      await assert.rejects(laptop.call('link.digits', { digits: '12345' }), { code: 'bad-argument' })
      await laptop.call('link.digits', { digits: wrong(digits) })
      assert.equal(await whyOn(laptop), 'digits')
      assert.equal(await whyOn(elder), 'digits')
      // Key, commitment, nonce, its own key; then the digits.
      assert.deepEqual(said.map((one) => one.type), ['key', 'frame', 'frame', 'frame', ...isTold ? ['frame'] : [], 'end'])
      await assert.rejects(laptop.call('link.digits', { digits }), { code: 'not-ready' })
      await assert.rejects(elder.call('link.confirm', { history: 'none' }), { code: 'not-ready' })
      assert.equal(await devicesOf(elder), 1)
    })
  }
})

/** Somebody who has read the elder's code and is in the channel, with whatever keys. */
async function inChannel(t: TestContext, elder: Person) {
  await elder.call('link.start', { code: '' })
  const read = readLinkingCode(suite, (await linkAt(elder, 'showing')).code, Date.now())
  assert.ok(read.type === 'code')
  const { code } = read
  const delivery = openSqliteDelivery({ file: elder.deliveryFile })
  t.after(() => delivery.close())
  const middleman = await Middleman.with(delivery, code, rendezvousOf(suite, code))
  await middleman.hear(0)
  const keys = keysHash(suite, code, middleman.records)
  const nonce = suite.random(16)
  await middleman.hear(1)
  await middleman.send(commitment(suite, keys, 'new', nonce))
  const transcript = transcriptOf(suite, keys, { elder: await middleman.hear(2), new: nonce })
  await middleman.send(nonce)
  const say = (message: LinkMessage): Promise<void> => middleman.send(encode(LinkMessage, message))
  const enter = (key: KeyPair, over = transcript): Promise<void> =>
    say(introduce(suite, key, over, { publicKey: key.publicKey, name: 'Laptop', platform: 'Linux' }))
  return { middleman, transcript, say, enter }
}

describe('whoever is in the channel', () => {
  test('cannot have the key of another certified, who heard the digits', async (t) => {
    const elder = await anna(t)
    const accomplice = suite.signatureKeyPair()
    // The accomplice signed over a channel of their own; nobody can sign over this one without being in it.
    const { enter } = await inChannel(t, elder)
    await enter(accomplice, suite.random(32))
    assert.equal(await whyOn(elder), 'tampered')
    assert.equal(await devicesOf(elder), 1)
  })

  test('cannot change the key after the digits', async (t) => {
    const elder = await anna(t)
    const [shown, certified] = [suite.signatureKeyPair(), suite.signatureKeyPair()]
    const { middleman, enter, say, transcript } = await inChannel(t, elder)
    await enter(shown)
    const { digits } = await digitsOn(elder)
    assert.equal(digits.slice(0, 6), sharedDigits(suite, transcript))
    await say({ type: 'digits', digits })
    const told = messageIn(await middleman.hear(3), 'account')
    assert.ok(told !== undefined)
    const accountId = accountIdFor(suite, told.genesis.genesis)
    const possession = {
      accountId, issuer: told.issuer, operation: { type: 'add', publicKey: certified.publicKey, name: 'Laptop' },
    } as const
    await say({ type: 'possession', signature: signPossession(suite, certified, possession) })
    assert.equal(await whyOn(elder), 'tampered')
    assert.equal(await devicesOf(elder), 1)
  })

  test('has to guess the elder’s four digits, though it can compute six', async (t) => {
    const elder = await anna(t)
    const own = new Set<string>()
    for (let attempt = 0; attempt < 3; attempt++) {
      const { enter, say, transcript } = await inChannel(t, elder)
      await enter(suite.signatureKeyPair())
      const { digits } = await digitsOn(elder)
      const shared = sharedDigits(suite, transcript)
      assert.ok(digits.startsWith(shared))
      own.add(digits.slice(shared.length))
      const guess = shared + (digits.endsWith('0000') ? '0001' : '0000')
      await say({ type: 'digits', digits: guess })
      assert.equal(await whyOn(elder), 'digits')
    }
    // Drawn anew each time: all three alike happens once in a hundred million.
    assert.ok(own.size > 1)
    assert.equal(await devicesOf(elder), 1)
  })

  test('learns nothing of the account before the digits', async (t) => {
    const elder = await anna(t)
    const { middleman, enter } = await inChannel(t, elder)
    await enter(suite.signatureKeyPair())
    await digitsOn(elder)
    await moment()
    // Key, commitment, nonce: nothing else has come from the elder.
    assert.equal((await middleman.elders()).length, 3)
  })

  test('ends it by saying what is not its turn', async (t) => {
    const elder = await anna(t)
    const { enter, say } = await inChannel(t, elder)
    await enter(suite.signatureKeyPair())
    await digitsOn(elder)
    await say({ type: 'possession', signature: suite.random(64) })
    assert.equal(await whyOn(elder), 'tampered')
  })
})

describe('the log', () => {
  test('may repeat everything', async (t) => {
    const elder = await anna(t)
    const twice = (delivery: Delivery): Delivery => reading(delivery, 'r.', (records) => records.flatMap((one) => [one, one]))
    const laptop = await beside(t, elder, 'Laptop', (person) => { person.through = twice })
    await link(elder, laptop)
    await linkAt(elder, 'done')
    assert.equal(await devicesOf(elder), 2)
  })

  test('is found out when it exchanges or changes what was said', async (t) => {
    for (const hands of [
      // Until there are two to be exchanged, whoever is fast would see each alone.
      (records: readonly LogRecord[]) => records.length < 2 ? [] : records.toReversed(),
      (records: readonly LogRecord[]) => records.map((one) => ({ ...one, bytes: one.bytes.with(-1, (one.bytes.at(-1) ?? 0) ^ 1) })),
    ]) {
      const elder = await anna(t)
      const laptop = await beside(t, elder, 'Laptop', (person) => {
        person.through = (delivery) => reading(delivery, 'r.', hands)
      })
      await elder.call('link.start', { code: '' })
      await setUpLink(laptop, (await linkAt(elder, 'showing')).code)
      assert.equal(await whyOn(laptop), 'tampered')
      assert.equal(await whyOn(elder), 'tampered')
      assert.equal(await devicesOf(elder), 1)
    }
  })

  test('that lets nothing through leaves both with "gone"', async (t) => {
    const elder = await anna(t)
    let [now, isCut] = [Date.now(), false]
    elder.now = () => now
    const cut = (delivery: Delivery): Delivery => reading(delivery, 'r.', (records) => isCut ? [] : records)
    const laptop = await beside(t, elder, 'Laptop', (person) => { person.through = cut })
    const { digits } = await connect(elder, laptop)
    isCut = true
    await laptop.call('link.digits', { digits })
    await linkAt(laptop, 'waiting')
    now += 11 * 60_000
    assert.equal(await whyOn(laptop), 'gone')
    assert.equal(await whyOn(elder), 'gone')
    assert.equal(await devicesOf(elder), 1)
  })

  test('cannot show a new device the certificate of another one', async (t) => {
    const elder = await anna(t)
    const other = suite.signatureKeyPair()
    const records: Uint8Array[] = []
    const swapped = (delivery: Delivery): Delivery => reading(delivery, 'u.', (read) =>
      read.map((one, at) => ({ ...one, bytes: at === 0 ? one.bytes : records[at - 1] ?? one.bytes })))
    const laptop = await beside(t, elder, 'Laptop', (person) => { person.through = swapped })
    const operation = { type: 'add', publicKey: other.publicKey, name: 'Laptop' } as const
    records.push(entryRecord(await signEntry(elder, { issuer: keyOn(elder), operation, newKey: other })))
    const { digits } = await connect(elder, laptop)
    await laptop.call('link.digits', { digits })
    await linkAt(elder, 'confirm')
    await elder.call('link.confirm', { history: 'none' })
    await linkAt(elder, 'joining')
    await moment()
    assert.equal((await linkOn(laptop))?.at, 'waiting')
    await assert.rejects(laptop.call('link.recognise', {}), { code: 'not-ready' })
  })

  test('cannot put a KeyPackage of its own in the place of the new device’s', async (t) => {
    const { all: [elder, ben, mallory], end } = await people(['Anna', 'Ben', 'Mallory'])
    t.after(end)
    await confirmWords(elder)
    const { conversation } = await elder.call('conversation.direct', { invite: await ben.invite() })
    await ben.accept()
    await until('both are in', async () => (await elder.conversation(conversation))?.state === 'active')
    const strange = keyOn(mallory)
    await mallory.invite()
    const delivery = openSqliteDelivery({ file: elder.deliveryFile })
    t.after(() => delivery.close())
    const malloryId = toHex(accountOn(mallory).deviceId)
    const hers = await delivery.read(keyPackageLog(malloryId), 0, 50)
    const elders = await delivery.read(keyPackageLog(toHex(accountOn(elder).deviceId)), 0, 50)
    let isOffered = 0
    /** First what is Mallory's own and valid; then the elder's own; then the new device's certificate over Mallory's keys. */
    const forged = (real: readonly LogRecord[]): readonly LogRecord[] => {
      const first = real.find(({ slot }) => slot?.startsWith('claim.') === false)
      if (first === undefined) return real
      const { credential, extensions } = decode(KeyPackage, decodeKeyPackageRecord(first.bytes).keyPackage).leafNode
      const { keyPackage } = generateKeyPackage(suite, {
        credential, signatureKeyPair: strange, capabilities: leafCapabilities(), lifetime: leafLifetime(elder.now()),
        leafExtensions: extensions, lastResort: false,
      })
      isOffered++
      const bytes = encodeKeyPackageRecord({ lastResort: false, keyPackage: encode(KeyPackage, keyPackage) })
      return [...hers, ...elders, { seq: 1, slot: 'forged', bytes }, ...real]
    }
    await elder.stop()
    elder.through = (log) => reading(log, 'k.', forged)
    await elder.start()
    const laptop = await beside(t, elder, 'Laptop')
    await link(elder, laptop)
    const { deviceId } = await linkAt(elder, 'done')
    assert.ok(isOffered > 0)
    const laptopKey = keyOn(laptop).publicKey
    await elder.stop()
    const { group } = held(elder, conversation)
    const keys = leavesOf(group.tree).map(({ index }) => toHex(leafAt(group.tree, index)?.signatureKey ?? new Uint8Array(0)))
    assert.equal(keys.length, 3)
    assert.ok(keys.includes(toHex(laptopKey)))
    assert.ok(!keys.includes(toHex(strange.publicKey)))
    assert.equal(deviceId, toHex(accountOn(laptop).deviceId))
  })
})

describe('several own devices', () => {
  test('may certify at once: both new ones are in', async (t) => {
    const elder = await anna(t)
    const laptop = await beside(t, elder, 'Laptop')
    await link(elder, laptop)
    const { deviceId } = await linkAt(elder, 'done')
    await linkAt(laptop, 'done')
    await writeEntry(elder, { type: 'grant', deviceId: fromHex(deviceId) })
    await until('the laptop knows', async () =>
      (await laptop.call('devices.list', {})).some((one) => one.isThis && one.trusted))
    await elder.call('link.cancel', {})
    await laptop.call('link.cancel', {})
    const [tablet, desk] = [await beside(t, elder, 'Tablet'), await beside(t, elder, 'Desk')]
    const pairs = [[elder, tablet], [laptop, desk]] as const
    for (const [by, one] of pairs) {
      const { digits } = await connect(by, one)
      await one.call('link.digits', { digits })
      await linkAt(by, 'confirm')
    }
    await Promise.all(pairs.map(([by]) => by.call('link.confirm', { history: 'none' })))
    for (const [, one] of pairs) {
      await linkAt(one, 'recognise')
      await one.call('link.recognise', {})
    }
    for (const [by] of pairs) await linkAt(by, 'done')
    const log = await logOf(elder)
    assert.deepEqual(log.devices.map(({ name, revoked }) => [name, revoked]).toSorted(),
      [['Desk', false], ['Laptop', false], ['Tablet', false], [undefined, false]].toSorted())
    assert.deepEqual([elder, laptop, tablet, desk].flatMap(({ bugs }) => bugs), [])
  })

  test('one that was talked in can neither link, revoke, nor export before it is trusted', async (t) => {
    const elder = await anna(t)
    const phished = await beside(t, elder, 'Phisher’s')
    await link(elder, phished)
    await linkAt(elder, 'done')
    await linkAt(phished, 'done')
    await phished.call('link.cancel', {})
    await phished.call('link.start', { code: '' })
    assert.equal(await whyOn(phished), 'no-right')
    const [first] = await phished.call('devices.list', {})
    await assert.rejects(phished.call('devices.revoke', { deviceId: first?.deviceId ?? '' }), { code: 'not-allowed' })
    const exported = path.join(elder.folder, 'exported.age')
    phished.places.chosen = exported
    const export_ = { passphrase: 'seven oaks by the mill' }
    await assert.rejects(phished.call('backup.export', export_), { code: 'device-untrusted' })
    await assert.rejects(phished.call('backup.plain', { conversation: '', format: 'html' }), { code: 'device-untrusted' })
    await assert.rejects(phished.call('backup.keep', { token: 'x', by: 'passphrase', key: export_.passphrase, rhythm: 'off' }), {
      code: 'device-untrusted',
    })
    assert.ok(!existsSync(exported))
    // Nor by its own hand, past its app.
    const third = suite.signatureKeyPair()
    const issuer = keyOn(phished)
    await writeEntry(elder, { type: 'add', publicKey: third.publicKey, name: 'Third' }, { issuer, newKey: third })
    const elderKey = keyOn(elder).publicKey
    await appendToLog(elder, entryRecord(await signEntry(elder, {
      issuer, operation: { type: 'revoke', publicKey: elderKey, lastHonoured: 0 },
    })))
    const { devices } = await logOf(elder)
    assert.deepEqual(devices.map(({ trusted, revoked }) => [trusted, revoked]), [[true, false], [false, false]])
    await certifyRefused(elder)
    await writeEntry(elder, { type: 'grant', deviceId: accountOn(phished).deviceId })
    await until('it is trusted', async () => (await phished.call('devices.list', {})).some(({ isThis, trusted }) => isThis && trusted))
    await phished.call('backup.export', export_)
    assert.ok(existsSync(exported))
  })
})

/** The elder's own right has not suffered. */
async function certifyRefused(elder: Person): Promise<void> {
  await elder.call('link.cancel', {})
  await elder.call('link.start', { code: '' })
  await linkAt(elder, 'showing')
  await elder.call('link.cancel', {})
}
