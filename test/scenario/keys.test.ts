/** A device's signature key and an account's recovery key give way to new ones. */
import assert from 'node:assert/strict'
import { mkdirSync } from 'node:fs'
import { describe, test, type TestContext } from 'node:test'
import { decode, equal, groupFromParts, KeyPackage, leavesOf, toHex, type KeyPair } from '../../main/mls/index.ts'
import { accountIdOf, validateCredential } from '../../main/identity/credential.ts'
import { recoverySealKeyPair, wordsOf } from '../../main/identity/recovery.ts'
import { recoveryWish } from '../../main/app/recovery-keys.ts'
import type { State } from '../../main/app/state.ts'
import { registerDocument } from '../../main/chat/documents.ts'
import { claimSlot, decodeKeyPackageRecord, keyPackageLog } from '../../main/chat/mail.ts'
import { openSqliteDelivery } from '../../main/delivery/sqlite.ts'
import { PortError } from '../../main/ports.ts'
import { keyPackageRef } from '../../main/mls/index.ts'
import { accountIdOn, accountOn, keyOn, logOf, suite } from './devices.ts'
import { Guarded } from './guarded.ts'
import { village } from './household.ts'
import { link } from './link.ts'
import { confirmWords, people, suites, until, type Person } from './world.ts'

const dayMs = 24 * 60 * 60 * 1000

/** The KeyPackages of a device that nobody has claimed. */
async function unclaimed(person: Person): Promise<readonly KeyPackage[]> {
  const delivery = openSqliteDelivery({ file: person.deliveryFile })
  try {
    const records = await delivery.read(keyPackageLog(toHex(accountOn(person).deviceId)), 0, 1_000)
    const slots = new Set(records.map(({ slot }) => slot))
    return records.filter(({ slot }) => slot?.startsWith('claim.') === false)
      .map(({ bytes }) => decodeKeyPackageRecord(bytes)).filter(({ lastResort }) => lastResort === 0)
      .map(({ keyPackage }) => decode(KeyPackage, keyPackage))
      .filter((keyPackage) => !slots.has(claimSlot(toHex(keyPackageRef(suite, keyPackage)))))
  } finally {
    await delivery.close()
  }
}

/** The leaf of somebody in a conversation, as a person's device has stored it. */
function leafIn(person: Person, conversation: string, accountId: Uint8Array) {
  const parts = person.store?.group(conversation)
  if (parts === undefined) return undefined
  return leavesOf(groupFromParts(suites, parts).tree).map(({ leafNode }) => leafNode)
    .find(({ credential }) => accountIdOf(credential) === toHex(accountId))
}

async function couple(t: TestContext) {
  const { all: [anna, ben, cara], end } = await people(['Anna', 'Ben', 'Cara'])
  t.after(end)
  await logOf(anna)
  const { conversation } = await anna.call('conversation.direct', { invite: await ben.invite() })
  await ben.accept()
  await anna.say(conversation, 'before')
  await until('Ben reads', async () => (await ben.texts(conversation)).includes('before'))
  return { anna, ben, cara, conversation }
}

const hasKey = (person: Person, conversation: string, of: Person, key: KeyPair) =>
  until(`${person.name} sees the new key`, () => {
    const leaf = leafIn(person, conversation, accountIdOn(of))
    return Promise.resolve(leaf !== undefined && equal(leaf.signatureKey, key.publicKey) && leaf)
  })

describe('A new signature key', () => {
  test('takes the old one’s place in every conversation and in the stock, and the old one goes', async (t) => {
    const { anna, ben, cara, conversation } = await couple(t)
    let shift = 0
    anna.now = () => Date.now() + shift
    const notes = (await anna.call('conversation.group', { name: 'Notes', people: [], invites: [] })).conversation
    const old = keyOn(anna)
    await anna.call('devices.renew', { words: '' })
    const key = keyOn(anna)
    assert.equal(equal(key.publicKey, old.publicKey), false)
    const leaf = await hasKey(ben, conversation, anna, key)
    assert.equal(validateCredential(suite, leaf.credential, leaf.signatureKey), undefined)
    await hasKey(anna, notes, anna, key)
    await anna.say(conversation, 'after')
    await until('Ben reads', async () => (await ben.texts(conversation)).includes('after'))
    await ben.say(conversation, 'seen')
    await until('Anna reads', async () => (await anna.texts(conversation)).includes('seen'))
    await until('the stock is new', async () => {
      const left = await unclaimed(anna)
      return left.length >= 50 && left.every(({ leafNode }) => equal(leafNode.signatureKey, key.publicKey))
    })
    const { conversation: other } = await cara.call('conversation.direct', { invite: await anna.invite() })
    await anna.accept()
    await hasKey(cara, other, anna, key)
    // The key of last resort may still be in somebody's hands for a while.
    await anna.restart()
    assert.equal(accountOn(anna).formerKeys.length, 1)
    shift = 15 * dayMs
    await anna.restart()
    await until('the old key is gone', () => Promise.resolve(accountOn(anna).formerKeys.length === 0))
    await anna.restart()
    await anna.say(conversation, 'and on')
    await until('Ben reads', async () => (await ben.texts(conversation)).includes('and on'))
    assert.deepEqual((await logOf(anna)).entries.map(({ entry }) => entry.operation.type), ['renew'])
    for (const person of [anna, ben, cara]) {
      assert.deepEqual(person.bugs, [])
      for (const { id } of await person.conversations()) {
        assert.ok((await person.entries(id)).every((entry) => entry.kind !== 'fact' || entry.fact.fact !== 'changed'))
      }
    }
  })

  test('is the same one after a kill before, or after, the log has heard of it', async (t) => {
    const { anna, ben, conversation } = await couple(t)
    let way: 'open' | 'before' | 'after' = 'open'
    anna.through = (delivery) => ({
      address: delivery.address, close: () => delivery.close(), slot: (log, slot) => delivery.slot(log, slot),
      watch: (logs, wake) => delivery.watch(logs, wake),
      read: (log, after, limit) => delivery.read(log, after, limit),
      append: async (log, bytes, slot) => {
        if (log.startsWith('u.') && way === 'before') throw new PortError('delivery-unreachable')
        const answer = await delivery.append(log, bytes, slot)
        if (log.startsWith('u.') && way === 'after') throw new PortError('delivery-unreachable')
        return answer
      },
    })
    await anna.restart()
    for (const cut of ['before', 'after'] as const) {
      way = cut
      const old = keyOn(anna)
      await assert.rejects(anna.call('devices.renew', { words: '' }), { code: 'delivery-unreachable' })
      const { nextKey } = accountOn(anna)
      assert.ok(nextKey !== undefined || !equal(keyOn(anna).publicKey, old.publicKey))
      way = 'open'
      await anna.restart()
      await until('the key is in use', () => Promise.resolve(!equal(keyOn(anna).publicKey, old.publicKey)))
      if (nextKey !== undefined) assert.deepEqual(keyOn(anna).publicKey, nextKey.publicKey)
      await hasKey(ben, conversation, anna, keyOn(anna))
    }
    assert.equal((await logOf(anna)).entries.length, 2)
    assert.deepEqual(anna.bugs, [])
  })
})

describe('A new recovery key', () => {
  test('needs the present words, is shown and confirmed like the first one, and leaves the old one no say', async (t) => {
    const { anna, ben, conversation } = await couple(t)
    await until('Ben knows the log', () =>
      Promise.resolve(ben.store?.document('device-log', toHex(accountIdOn(anna)))))
    const words = (await anna.call('recovery.words', {})).join(' ')
    const confirm = async () => {
      const shown = await anna.call('recovery.words', {})
      await anna.call('recovery.confirm', {
        words: [1, 2, 3].map((position) => ({ position, word: shown[position - 1] ?? '' })),
      })
    }
    await confirm()
    const foreign = (await ben.call('recovery.words', {})).join(' ')
    await assert.rejects(anna.call('recovery.rotate', { words: foreign }), { code: 'words-foreign' })
    await assert.rejects(anna.call('recovery.rotate', { words: 'one two' }), { code: 'words-count' })
    const before = accountOn(anna)
    await anna.call('recovery.rotate', { words })
    const shown = await anna.call('recovery.words', {})
    assert.notEqual(shown.join(' '), words)
    const after = accountOn(anna)
    assert.ok(after.recoverySeed !== undefined)
    assert.deepEqual(shown, wordsOf(after.recoverySeed))
    assert.deepEqual(after.recoverySealKey, recoverySealKeyPair(suite, after.recoverySeed).publicKey)
    assert.notDeepEqual(after.recoveryCardName, before.recoveryCardName)
    assert.equal(after.recovery.type, 'waiting')
    await confirm()
    await assert.rejects(anna.call('recovery.rotate', { words }), { code: 'words-foreign' })
    await ben.restart()
    await until('Ben is told', async () => (await ben.entries(conversation)).some((entry) =>
      entry.kind === 'fact' && entry.fact.fact === 'changed' && entry.fact.why === 'recovery'))
    await anna.call('recovery.rotate', { words: shown.join(' ') })
    assert.deepEqual((await logOf(anna)).entries.map(({ entry }) => entry.operation.type),
      ['rotateRecovery', 'rotateRecovery'])
    assert.deepEqual(anna.bugs, [])
  })
})

test('a path of sixteen entries is not made longer; the words make it short again', async (t) => {
  const { all: [anna, ben], end } = await people(['Anna', 'Ben'])
  t.after(end)
  await logOf(anna)
  const { conversation } = await anna.call('conversation.direct', { invite: await ben.invite() })
  await ben.accept()
  for (let renewals = 0; renewals < 16; renewals += 1) await anna.call('devices.renew', { words: '' })
  await assert.rejects(anna.call('devices.renew', { words: '' }), { code: 'not-allowed' })
  assert.equal(accountOn(anna).path.length, 16)
  const foreign = (await ben.call('recovery.words', {})).join(' ')
  await assert.rejects(anna.call('devices.renew', { words: foreign }), { code: 'words-foreign' })
  await anna.call('devices.renew', { words: (await anna.call('recovery.words', {})).join(' ') })
  assert.deepEqual(accountOn(anna).path.map(({ entry }) => entry.operation.type), ['certify'])
  const leaf = await hasKey(ben, conversation, anna, keyOn(anna))
  assert.equal(validateCredential(suite, leaf.credential, leaf.signatureKey), undefined)
  await anna.say(conversation, 'short again')
  await until('Ben reads', async () => (await ben.texts(conversation)).includes('short again'))
  await anna.call('devices.renew', { words: '' })
  assert.deepEqual(accountOn(anna).path.map(({ entry }) => entry.operation.type), ['certify', 'renew'])
  assert.deepEqual([anna.bugs, ben.bugs], [[], []])
})

describe('The other devices of an account', () => {
  test('learn a replaced recovery key: with the first one lost, the new words open the other, and the old do not', async (t) => {
    const { all: [anna], end } = await people(['Anna'])
    const laptop = new Guarded('Laptop', anna.folder)
    t.after(async () => {
      await laptop.stop()
      await end()
    })
    const words = (await anna.call('recovery.words', {})).join(' ')
    mkdirSync(laptop.ownFolder, { recursive: true })
    await laptop.start()
    await link(anna, laptop)
    await until('it is ready', async () => (await laptop.phase()).at === 'ready')
    await anna.call('recovery.rotate', { words })
    const fresh = (await anna.call('recovery.words', {})).join(' ')
    await confirmWords(anna)
    const { recoverySealKey } = accountOn(anna)
    await until('the laptop has learned it', async () => equal(accountOn(laptop).recoverySealKey, recoverySealKey))
    assert.deepEqual(accountOn(laptop).recoveryCardName, accountOn(anna).recoveryCardName)
    assert.equal(accountOn(laptop).recoverySeed, undefined)
    await anna.stop()
    await laptop.stop()
    // The keychain of the laptop is lost as well.
    laptop.keychain.items.clear()
    await laptop.start()
    await assert.rejects(laptop.call('setup.recover', { words, passphrase: 'seven oaks' }), { code: 'words-foreign' })
    await laptop.call('setup.recover', { words: fresh, passphrase: 'seven oaks' })
    assert.equal((await laptop.phase()).at, 'ready')
    assert.deepEqual([...anna.bugs, ...laptop.bugs], [])
  })

  test('believe nobody but the key that is in force: a device’s own word leads the words nowhere else', async (t) => {
    const { all: [anna], link: linkTo } = await village(t, ['Anna'])
    const words = (await anna.call('recovery.words', {})).join(' ')
    const laptop = await linkTo(anna, 'Laptop')
    await until('they have a group', async () => [anna, laptop].every((one) =>
      one.store?.documents('room').some(({ bytes }) => new TextDecoder().decode(bytes).includes('"kind":"self"')) === true))
    const before = accountOn(anna).recoverySealKey
    const state = { self: { suite, accountId: toHex(accountIdOn(anna)) } as State['self'] }
    const deviceId = toHex(accountOn(laptop).deviceId)
    const thief = suite.signatureKeyPair()
    const lie = recoveryWish(state, { recoverySealKey: thief.publicKey, recoveryCardName: thief.publicKey }, thief)
    const { key, value } = lie
    await laptop.stop()
    laptop.throughStore = (store) => {
      store.commit({ documents: [{ kind: 'register', key, bytes: registerDocument.encode({
        version: 1, value: JSON.stringify(value), time: Date.now(), deviceId, sent: false,
      }) }] })
      return store
    }
    await laptop.start()
    await until('the lie has come', async () => anna.store?.document('register', key) !== undefined)
    assert.deepEqual(accountOn(anna).recoverySealKey, before)
    await anna.call('recovery.rotate', { words })
    await until('the truth has come', async () => equal(accountOn(laptop).recoverySealKey, accountOn(anna).recoverySealKey))
    assert.notDeepEqual(accountOn(anna).recoverySealKey, before)
  })
})
