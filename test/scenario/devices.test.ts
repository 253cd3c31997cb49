import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import { decode, equal, toHex } from '../../main/mls/index.ts'
import { decodeKeyPackageRecord, keyPackageLog } from '../../main/chat/mail.ts'
import { logHeadIn } from '../../main/chat/extensions.ts'
import { openSqliteDelivery } from '../../main/delivery/sqlite.ts'
import { decodeCredential, validateCredential } from '../../main/identity/credential.ts'
import { KeyPackage } from '../../main/mls/index.ts'
import { PortError } from '../../main/ports.ts'
import { foldDeviceLog } from '../../main/identity/device-log.ts'
import {
  accountIdOn, accountOn, appendToLog, entryRecord, keyOn, linkedDevice, logOf, recordsOf, signEntry, suite, writeEntry,
} from './devices.ts'
import { people, until, type Person } from './world.ts'

/** The KeyPackages that a device offers. */
async function offeredBy(person: Person): Promise<readonly KeyPackage[]> {
  const delivery = openSqliteDelivery({ file: person.deliveryFile })
  try {
    const records = await delivery.read(keyPackageLog(toHex(accountOn(person).deviceId)), 0, 500)
    return records.filter(({ slot }) => slot?.startsWith('claim.') === false)
      .map(({ bytes }) => decode(KeyPackage, decodeKeyPackageRecord(bytes).keyPackage))
  } finally {
    await delivery.close()
  }
}

async function household(t: TestContext) {
  const { all: [anna], end } = await people(['Anna'])
  await logOf(anna)
  const others: Person[] = []
  t.after(async () => {
    for (const other of others) await other.stop()
    await end()
  })
  const link = async (elder: Person, name: string): Promise<Person> => {
    const other = await linkedDevice(elder, name)
    others.push(other)
    return other
  }
  return { anna, link }
}

describe('A second device', () => {
  test('is of the same account, under a path from the genesis, and its KeyPackages say so', async (t) => {
    const { anna, link } = await household(t)
    const laptop = await link(anna, 'Laptop')
    const [one, other] = [accountOn(anna), accountOn(laptop)]
    assert.deepEqual(one.genesis, other.genesis)
    assert.equal(other.path.length, 1)
    assert.equal(other.name, 'Anna')
    const offered = await until('KeyPackages of the laptop', async () => {
      const found = await offeredBy(laptop)
      return found.length > 50 && found
    })
    const { head } = await logOf(anna)
    for (const { leafNode } of offered) {
      assert.equal(validateCredential(suite, leafNode.credential, leafNode.signatureKey), undefined)
      assert.deepEqual(decodeCredential(leafNode.credential).path, other.path)
      assert.deepEqual(logHeadIn(leafNode.extensions), { ...head })
    }
    assert.deepEqual(anna.bugs, [])
    assert.deepEqual(laptop.bugs, [])
  })

  test('shows itself to the first one, whose leaves tell of it from then on', async (t) => {
    const { anna, link } = await household(t)
    await until('the stock', async () => (await offeredBy(anna)).length > 50)
    await link(anna, 'Laptop')
    const head = (await logOf(anna)).head
    const { conversation } = await until('a group under the new head', async () => {
      const made = await anna.call('conversation.group', { name: 'Notes', people: [], invites: [] })
      const parts = anna.store?.group(made.conversation)
      const told = [...parts?.nodes.values() ?? []].some((node) => includes(node, head.hash))
      return told && made
    })
    assert.ok(conversation)
    // What was offered under the older head stays.
    assert.ok((await offeredBy(anna)).length > 50)
  })
})

/** What a person's window was told last of their devices. */
const told = (person: Person) => person.changes.findLast(({ devices }) => devices !== undefined)?.devices ?? []

describe('The list of devices', () => {
  test('says who linked which one when, and may be renamed; the new one has no rights', async (t) => {
    const { anna, link } = await household(t)
    const before = Date.now()
    const laptop = await link(anna, 'Laptop')
    const [first, second] = await until('two devices', async () => told(anna).length === 2 && told(anna))
    assert.ok(first !== undefined && second !== undefined)
    assert.deepEqual({ ...first, addedAt: 0 }, {
      deviceId: first.deviceId, name: 'Anna\'s computer', platform: 'Linux', isThis: true, addedAt: 0,
      addedBy: 'genesis', seenAt: 0, healedAt: 0, groups: 0, ofGroups: 0, trusted: true, revoked: false,
      mayRevoke: true, mayGrant: false,
    })
    assert.equal(second.name, 'Laptop')
    assert.equal(second.addedBy, first.deviceId)
    assert.ok(second.addedAt >= before && second.addedAt <= Date.now())
    assert.deepEqual([second.trusted, second.mayRevoke, second.mayGrant], [false, true, false])
    const seen = await laptop.call('devices.list', {})
    assert.deepEqual(seen.map(({ isThis, mayRevoke, mayGrant }) => [isThis, mayRevoke, mayGrant]),
      [[false, false, false], [true, true, false]])
    await anna.call('devices.rename', { deviceId: second.deviceId, name: '  Old   laptop ' })
    assert.equal(told(anna)[1]?.name, 'Old laptop')
    await anna.restart()
    assert.equal((await anna.call('devices.list', {}))[1]?.name, 'Old laptop')
    await assert.rejects(laptop.call('devices.revoke', { deviceId: first.deviceId }), { code: 'not-allowed' })
    await assert.rejects(anna.call('devices.grant', { deviceId: second.deviceId }), { code: 'not-allowed' })
    await assert.rejects(anna.call('devices.rename', { deviceId: 'aa', name: 'x' }), { code: 'bad-argument' })
  })

  test('counts the conversations that a device is in, and those that it is still in when it was taken back', async (t) => {
    const { anna, link } = await household(t)
    const { conversation } = await anna.call('conversation.group', { name: 'Notes', people: [], invites: [] })
    await anna.call('conversation.group', { name: 'More notes', people: [], invites: [] })
    const laptop = await link(anna, 'Laptop')
    const inAll = await until('the laptop is in both', async () => {
      const second = told(anna)[1]
      return second?.groups === 2 && second.ofGroups === 2 && second
    })
    assert.ok(inAll.healedAt > 0 && inAll.seenAt >= inAll.healedAt)
    await until('the laptop has it', async () => (await laptop.conversation(conversation))?.state === 'active')
    await laptop.say(conversation, 'from the laptop')
    await until('Anna reads', async () => (await anna.texts(conversation)).includes('from the laptop'))
    await anna.call('devices.revoke', { deviceId: inAll.deviceId })
    await until('it is out of both', async () => {
      const second = told(anna)[1]
      return second?.revoked === true && second.groups === 0 && second.ofGroups === 2
    })
    assert.equal((await anna.conversation(conversation))?.devices, 1)
    assert.deepEqual([anna.bugs, laptop.bugs], [[], []])
  })

  test('offers a grant after a week; the device then revokes younger ones, never its elder', async (t) => {
    const { anna, link } = await household(t)
    let shift = 0
    anna.now = () => Date.now() + shift
    const laptop = await link(anna, 'Laptop')
    await link(anna, 'Tablet')
    const ids = async () => (await anna.call('devices.list', {})).map(({ deviceId }) => deviceId)
    await until('three devices', async () => (await ids()).length === 3)
    const [elder = '', middle = '', young = ''] = await ids()
    shift = 7 * 24 * 60 * 60 * 1000 - 60_000
    assert.equal((await anna.call('devices.list', {}))[1]?.mayGrant, false)
    shift += 60_000
    assert.equal((await anna.call('devices.list', {}))[1]?.mayGrant, true)
    await anna.call('devices.grant', { deviceId: middle })
    assert.equal(told(anna)[1]?.trusted, true)
    const rights = await until('the laptop knows', async () => {
      const list = await laptop.call('devices.list', {})
      return list[1]?.trusted === true && list.map(({ mayRevoke }) => mayRevoke)
    })
    assert.deepEqual(rights, [false, true, true])
    await laptop.call('devices.revoke', { deviceId: young })
    await until('Anna sees it', async () => told(anna)[2]?.revoked)
    await assert.rejects(laptop.call('devices.revoke', { deviceId: elder }), { code: 'not-allowed' })
    assert.deepEqual((await logOf(anna)).entries.map(({ entry }) => entry.operation.type),
      ['add', 'add', 'grant', 'revoke'])
  })

  test('revokes also where the log cannot be reached: it is kept, and done when it can', async (t) => {
    const { anna, link } = await household(t)
    let away = false
    anna.through = (delivery) => ({
      ...delivery, address: delivery.address, close: () => delivery.close(), slot: (log, slot) => delivery.slot(log, slot),
      watch: (logs, wake) => delivery.watch(logs, wake),
      append: (log, bytes, slot) => away ? Promise.reject(new PortError('delivery-unreachable')) : delivery.append(log, bytes, slot),
      read: (log, after, limit) => away ? Promise.reject(new PortError('delivery-unreachable')) : delivery.read(log, after, limit),
    })
    await anna.restart()
    const laptop = await link(anna, 'Laptop')
    await until('two devices', async () => (await anna.call('devices.list', {})).length === 2)
    const deviceId = (await anna.call('devices.list', {}))[1]?.deviceId ?? ''
    away = true
    await anna.call('devices.revoke', { deviceId })
    assert.equal(told(anna)[1]?.revoked, true)
    await anna.restart()
    assert.equal((await logOf(anna)).entries.length, 1)
    away = false
    const { devices } = await until('it stands', async () => {
      const log = await logOf(anna)
      return log.entries.length === 2 && log
    }, 30_000)
    assert.equal(devices[1]?.revoked, true)
    // The device says so, keeps its history, and does nothing else any more.
    const phase = await until('the laptop knows', async () => {
      const { phase } = await laptop.call('app.open', {})
      return phase.at === 'ready' && phase.readOnly !== undefined && phase
    })
    assert.equal(phase.readOnly, 'device-revoked')
    assert.ok(laptop.changes.some(({ notice }) => notice?.code === 'device-revoked'))
    await laptop.restart()
    await assert.rejects(laptop.call('conversation.group', { name: 'x', people: [], invites: [] }), { code: 'device-revoked' })
    await assert.rejects(laptop.call('invite.show', {}), { code: 'device-revoked' })
    assert.equal((await laptop.call('devices.list', {}))[1]?.revoked, true)
    const before = (await logOf(anna)).entries.length
    await assert.rejects(laptop.call('devices.revoke', { deviceId }), { code: 'device-revoked' })
    assert.equal((await logOf(anna)).entries.length, before)
    assert.deepEqual(laptop.bugs, [])
  })

  test('a device that renews its key to escape is taken back all the same, with what it did meanwhile', async (t) => {
    const { anna, link } = await household(t)
    const laptop = await link(anna, 'Laptop')
    await until('two devices', async () => (await anna.call('devices.list', {})).length === 2)
    const { deviceId = '' } = (await anna.call('devices.list', {}))[1] ?? {}
    const thief = keyOn(laptop)
    await writeEntry(anna, { type: 'grant', deviceId: accountOn(laptop).deviceId })
    await laptop.stop()
    await until('trusted', async () => (await anna.call('devices.list', {}))[1]?.trusted)
    // Anna decides; before her entry stands, the thief adds a device and renews the key.
    const [friend, fresh] = [suite.signatureKeyPair(), suite.signatureKeyPair()]
    let hold: (() => void) | undefined
    const held = new Promise<void>((resolve) => { hold = resolve })
    anna.through = (delivery) => ({
      ...delivery, address: delivery.address, close: () => delivery.close(), slot: (log, slot) => delivery.slot(log, slot),
      watch: (logs, wake) => delivery.watch(logs, wake), read: (log, after, limit) => delivery.read(log, after, limit),
      append: async (log, bytes, slot) => { if (log.startsWith('u.')) await held; return delivery.append(log, bytes, slot) },
    })
    await anna.restart()
    await anna.call('devices.revoke', { deviceId })
    await writeEntry(anna, { type: 'add', publicKey: friend.publicKey, name: 'Friend' }, { issuer: thief, newKey: friend })
    await writeEntry(anna, { type: 'renew', publicKey: fresh.publicKey }, { issuer: thief, newKey: fresh })
    hold?.()
    const devices = await until('both are out', async () => {
      const log = await logOf(anna)
      return log.devices.slice(1).every(({ revoked }) => revoked) && log.devices
    })
    assert.equal(devices.length, 3)
  })
})

describe('Attacks on the device log', () => {
  const listOf = (person: Person) => person.call('devices.list', {})

  test('a squatter fills it with rubbish, replays and foreign words: a revocation stands all the same', async (t) => {
    const { anna, link } = await household(t)
    const { all: [eve], end } = await people(['Eve'])
    t.after(end)
    await logOf(eve)
    const squat = async () => {
      const device = suite.signatureKeyPair()
      const mine = keyOn(eve)
      const operation = { type: 'add', publicKey: device.publicKey, name: 'Eve' } as const
      const forged = await signEntry(anna, { issuer: mine, operation, newKey: device })
      const next = { ...forged, entry: { ...forged.entry, issuer: keyOn(anna).publicKey } }
      for (const bytes of [
        Uint8Array.of(0xff), new Uint8Array(0), ...await recordsOf(eve), ...await recordsOf(anna), entryRecord(forged),
        entryRecord(next), ...Array.from({ length: 180 }, (_, at) => Uint8Array.of(1, at >> 8, at & 0xff)),
      ]) await appendToLog(anna, bytes)
    }
    await squat()
    const laptop = await link(anna, 'Laptop')
    await squat()
    const [, second] = await until('two devices', async () => {
      const list = await listOf(anna)
      return list.length === 2 && list
    })
    await anna.call('devices.revoke', { deviceId: second?.deviceId ?? '' })
    await squat()
    await until('the laptop knows', async () => laptop.changes.some(({ notice }) => notice?.code === 'device-revoked'))
    await anna.restart()
    assert.deepEqual((await listOf(anna)).map(({ revoked }) => revoked), [false, true])
    assert.equal(anna.changes.some(({ notice }) => notice?.code === 'device-stolen'), false)
    assert.deepEqual(anna.bugs, [])
  })

  test('two own devices that write at once both have their say, and neither convicts itself', async (t) => {
    const { anna, link } = await household(t)
    const laptop = await link(anna, 'Laptop')
    await writeEntry(anna, { type: 'grant', deviceId: accountOn(laptop).deviceId })
    const [first, second] = [await link(anna, 'Tablet'), await link(anna, 'Phone')]
    for (const person of [anna, laptop]) {
      await until('four devices', async () => (await listOf(person)).filter(({ mayRevoke }) => mayRevoke).length >= 3)
    }
    const idOf = (person: Person) => toHex(accountOn(person).deviceId)
    await Promise.all([
      anna.call('devices.revoke', { deviceId: idOf(first) }), laptop.call('devices.revoke', { deviceId: idOf(second) }),
      anna.call('devices.renew', { words: '' }), laptop.call('devices.renew', { words: '' }),
    ])
    const log = await until('all of it stands', async () => {
      const found = await logOf(anna)
      return found.entries.length === 8 && found
    })
    assert.deepEqual(log.devices.map(({ revoked }) => revoked), [false, false, true, true])
    const { equivocations } = foldDeviceLog(suite, accountIdOn(anna), await recordsOf(anna))
    assert.deepEqual(equivocations, [])
    for (const person of [anna, laptop]) assert.deepEqual(person.bugs, [])
  })

  test('a phished-in device may neither link, nor grant, nor take back, before somebody has granted it that', async (t) => {
    const { anna, link } = await household(t)
    const phished = await link(anna, 'Phisher')
    const other = await link(anna, 'Laptop')
    await until('three devices', async () => (await listOf(phished)).length === 3)
    for (const { deviceId, isThis } of await listOf(phished)) {
      if (!isThis) await assert.rejects(phished.call('devices.revoke', { deviceId }), { code: 'not-allowed' })
      await assert.rejects(phished.call('devices.grant', { deviceId }), { code: 'not-allowed' })
    }
    // With the key in its hands it writes what its app would not.
    const [issuer, friend] = [keyOn(phished), suite.signatureKeyPair()]
    const before = (await logOf(anna)).entries.length
    await writeEntry(anna, { type: 'add', publicKey: friend.publicKey, name: 'Friend' }, { issuer, newKey: friend })
    await writeEntry(anna, { type: 'grant', deviceId: accountOn(phished).deviceId }, { issuer })
    await writeEntry(anna, { type: 'revoke', publicKey: keyOn(anna).publicKey, lastHonoured: 0 }, { issuer })
    await writeEntry(anna, { type: 'revoke', publicKey: keyOn(other).publicKey, lastHonoured: 0 }, { issuer })
    await writeEntry(anna, { type: 'rotateRecovery', publicKey: friend.publicKey }, { issuer, newKey: friend })
    assert.equal((await logOf(anna)).entries.length, before)
    await anna.restart()
    assert.deepEqual((await listOf(anna)).map(({ trusted, revoked }) => [trusted, revoked]),
      [[true, false], [false, false], [false, false]])
    // A person who was tricked undoes it.
    await anna.call('devices.revoke', { deviceId: toHex(accountOn(phished).deviceId) })
    await until('it is out', async () => (await logOf(anna)).devices[1]?.revoked)
  })
})

const includes = (bytes: Uint8Array, part: Uint8Array): boolean =>
  bytes.some((_, at) => equal(bytes.subarray(at, at + part.length), part))
