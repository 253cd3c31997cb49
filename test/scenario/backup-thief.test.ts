import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test, type TestContext } from 'node:test'
import { decodeOwnKeyPackage, decodeSeals } from '../../main/chat/documents.ts'
import { openStream } from '../../main/archive/age.ts'
import { Secret } from '../../main/mls/index.ts'
import type { BackupSeal } from '../../main/ports.ts'
import { held } from './attacker.ts'
import { backupOf, ended } from './backups.ts'
import { accountOn } from './devices.ts'
import { people, Person, until } from './world.ts'

const hourMs = 60 * 60 * 1000
const seal = { type: 'passphrase', passphrase: 'correct horse' } as const

/** Everything secret below a value, however deep. */
function secretsIn(value: unknown, seen = new Set<unknown>()): readonly Uint8Array[] {
  if (value instanceof Secret) return [value.unwrap()]
  if (typeof value !== 'object' || value === null || seen.has(value) || ArrayBuffer.isView(value)) return []
  seen.add(value)
  const parts: readonly unknown[] = value instanceof Map ? [...value.keys(), ...value.values()] as unknown[] : Object.values(value)
  return parts.flatMap((part) => secretsIn(part, seen))
}

async function openedWith(file: string): Promise<Buffer> {
  const sealed = (async function* () { yield await Promise.resolve(readFileSync(file)) })()
  const pieces: Uint8Array[] = []
  for await (const piece of await openStream(sealed, seal)) pieces.push(piece)
  return Buffer.concat(pieces)
}

/** Of somebody who is stopped: what their groups hold and nobody else may. */
const secretsOf = (person: Person, conversations: readonly string[]): readonly Uint8Array[] =>
  secretsIn(conversations.map((id) => held(person, id).group))

async function life(t: TestContext, by: BackupSeal = seal) {
  const { all: [mara, jonas], end } = await people(['Mara', 'Jonas'])
  t.after(end)
  const { conversation: direct } = await mara.call('conversation.direct', { invite: await jonas.invite() })
  await jonas.accept()
  const { conversation: group } = await mara.call('conversation.group', { name: 'River', people: [], invites: [await jonas.invite()] })
  await jonas.accept()
  await mara.say(direct, 'before the backup')
  await until('it is there', async () => (await jonas.texts(direct)).includes('before the backup'))
  const words = (await mara.call('recovery.words', {})).join(' ')
  return { mara, jonas, direct, group, words, backup: await backupOf(mara, by) }
}

describe('Whoever steals a backup', () => {
  test('and its passphrase reads what was said, has no key of anything, and nothing that comes after it', async (t) => {
    const { mara, jonas, direct, group, words, backup } = await life(t)
    const seals = (mara.store?.documents('seals') ?? []).flatMap(({ bytes }) => secretsIn(decodeSeals(bytes)))
    const stock = (mara.store?.documents('key-package') ?? []).flatMap(({ key, bytes }) => secretsIn(decodeOwnKeyPackage(key, bytes)))
    const account = secretsIn(accountOn(mara))
    await mara.stop()
    const before = secretsOf(mara, [direct, group])
    await mara.start()
    await jonas.say(direct, 'after the backup')
    await until('it is there', async () => (await mara.texts(direct)).includes('after the backup'))
    await mara.stop()
    const secrets = [...before, ...secretsOf(mara, [direct, group]), ...seals, ...stock, ...account]
    assert.ok(secrets.length > 30 && seals.length > 0 && stock.length > 0 && account.length > 0, `${String(secrets.length)} secrets`)
    const stolen = await openedWith(backup)
    assert.ok(stolen.includes('before the backup'))
    assert.ok(!stolen.includes('after the backup'))
    const found = secrets.filter((secret) => secret.length >= 16).flatMap((secret) =>
      [Buffer.from(secret), Buffer.from(Buffer.from(secret).toString('hex')), Buffer.from(Buffer.from(secret).toString('base64').slice(0, 20))]
        .filter((form) => stolen.includes(form)))
    assert.deepEqual(found, [])
    // The words are not in it either.
    assert.ok(!stolen.includes(words.split(' ').slice(0, 2).join(' ')))
  })

  test('with the 24 words too shows as a new device, and is refused by the owner before it is in any chat', async (t) => {
    const { mara, jonas, direct, words, backup } = await life(t)
    await new Promise((resolve) => { setTimeout(resolve, 2_500) })
    const thief = new Person('thief', mara.folder)
    await thief.start()
    t.after(() => thief.stop())
    await thief.call('setup.restoreBackup', {
      token: backup, typed: seal.passphrase, words, name: 'Another laptop', passphrase: '',
    })
    assert.equal((await ended(thief)).at, 'restored')
    assert.ok((await thief.texts(direct)).includes('before the backup'))
    await until('all chats were asked', async () => (await thief.conversations()).every(({ recovering }) => (recovering?.asked ?? 0) > 0))
    // The owner's computer reads of it in the account's log, and takes it back before anybody has let it in.
    const added = await until('Mara sees the device', async () =>
      (await mara.call('devices.list', {})).find(({ name }) => name === 'Another laptop'))
    assert.deepEqual([added.addedBy, added.groups, added.mayRevoke], ['recovery', 0, true])
    await mara.call('devices.revoke', { deviceId: added.deviceId })
    for (const one of [jonas, mara, thief]) {
      await one.stop()
      one.now = () => Date.now() + 25 * hourMs
      await one.start()
    }
    await mara.say(direct, 'after the theft')
    await until('Jonas reads it', async () => (await jonas.texts(direct)).includes('after the theft'))
    await new Promise((resolve) => { setTimeout(resolve, 1_000) })
    assert.ok(!(await thief.texts(direct)).includes('after the theft'))
    for (const one of await jonas.conversations()) {
      assert.equal(one.devices, 2, one.title)
      // It never was in one of them, not even for a moment.
      assert.ok((await jonas.entries(one.id)).every((entry) => entry.kind !== 'fact' || entry.fact.fact !== 'returned'), one.title)
    }
  })

  test('and the words, while nobody looks, is a line in every chat', async (t) => {
    const { mara, jonas, direct, group, words, backup } = await life(t, { type: 'recipient', recipient: '' })
    await new Promise((resolve) => { setTimeout(resolve, 2_500) })
    await mara.stop()
    const thief = new Person('thief', mara.folder)
    await thief.start()
    t.after(() => thief.stop())
    await thief.call('setup.restoreBackup', {
      token: backup, typed: words, words, name: 'Another laptop', passphrase: '',
    })
    await ended(thief)
    await until('they were asked', async () => (await thief.conversations()).every(({ recovering }) => (recovering?.asked ?? 0) > 0))
    for (const one of [jonas, thief]) {
      await one.stop()
      one.now = () => Date.now() + 25 * hourMs
      await one.start()
    }
    await until('the thief is in', async () => (await thief.conversations()).every(({ recovering }) => recovering === undefined))
    for (const conversation of [direct, group]) {
      await until('Jonas is told', async () => (await jonas.entries(conversation)).some((entry) => entry.kind === 'fact'
        && JSON.stringify(entry.fact).includes('Another laptop')))
    }
  })
})
