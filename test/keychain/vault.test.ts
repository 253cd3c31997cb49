import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import type { Keychain } from '../../main/keychain/keytar.ts'
import { usualCost } from '../../main/keychain/passphrase.ts'
import { createVault } from '../../main/keychain/vault.ts'
import type { VaultOptions } from '../../main/keychain/vault.ts'
import type { Vault } from '../../main/ports.ts'
import type { VaultStatus } from '../../main/ports.ts'
import { lockStore } from '../../main/sqlite/lock.ts'
import { openReading } from '../../main/sqlite/reading.ts'
import { openStore } from '../../main/sqlite/store.ts'
import { cheap, suite } from './samples.ts'

const passphrase = 'a hedge of hazel'
const value = Uint8Array.of(1, 2, 3)
const document = { kind: 'setting', key: 'a', bytes: value } as const

type Sample = { readonly folder: string, readonly vault: (options?: Partial<VaultOptions>) => Vault }

function sampleFor(t: TestContext): Sample {
  const root = mkdtempSync(path.join(tmpdir(), 'coppice-test-'))
  t.after(() => { rmSync(root, { recursive: true, force: true }) })
  const folder = mkdtempSync(path.join(root, 'profile-'))
  return {
    folder,
    vault: (options) => createVault({
      folder, keychain: undefined, suite, openStore, openReading, lockStore, cost: cheap, ...options,
    }),
  }
}

const by = (passphrase: string): { readonly type: 'passphrase', readonly passphrase: string } =>
  ({ type: 'passphrase', passphrase })
const byKeychain = { type: 'keychain' } as const
const asksPassphrase: VaultStatus = { at: 'locked', need: 'passphrase', words: false }

const code = (expected: string) => (error: unknown): boolean => {
  assert.ok(error instanceof Error && 'code' in error, String(error))
  assert.equal(error.code, expected, error.message)
  return true
}

/** Name and content of every file but the lock, which stays. */
const filesIn = (folder: string): Record<string, string> => Object.fromEntries(readdirSync(folder)
  .filter((name) => !name.endsWith('.lock'))
  .map((name) => [name, readFileSync(path.join(folder, name)).toString('hex')]))

test('without a keychain and without a passphrase nothing is made', async (t) => {
  const { folder, vault } = sampleFor(t)
  assert.deepEqual(await vault().status(), { at: 'new' })
  assert.equal(await vault().keychain(), 'absent')
  await assert.rejects(vault().create(undefined), code('keychain-absent'))
  await assert.rejects(vault().create(''), code('passphrase-short'))
  assert.deepEqual(filesIn(folder), {})
  assert.deepEqual(await vault().status(), { at: 'new' })
})

test('a keychain that loses what it is given is not trusted with a key', async (t) => {
  const { folder, vault } = sampleFor(t)
  const forgetful: Keychain = {
    get: async () => undefined, set: async () => undefined, remove: async () => undefined,
  }
  assert.equal(await vault({ keychain: forgetful }).keychain(), 'absent')
  await assert.rejects(vault({ keychain: forgetful }).create(undefined), code('keychain-absent'))
  assert.deepEqual(filesIn(folder), {})
})

test('the passphrase opens the store again; a wrong one is slow and changes nothing', async (t) => {
  const { folder, vault: cheapVault } = sampleFor(t)
  const vault = (): Vault => cheapVault({ cost: usualCost })
  const store = await vault().create(passphrase)
  store.commit({ documents: [document] })
  store.close()
  assert.deepEqual(await vault().status(), asksPassphrase)

  const before = filesIn(folder)
  const startedAt = performance.now()
  await assert.rejects(vault().open(by('a hedge of hawthorn')), code('passphrase-wrong'))
  assert.ok(performance.now() - startedAt > 100, `a guess took only ${performance.now() - startedAt} ms`)
  await assert.rejects(vault().open(byKeychain), code('passphrase-wrong'))
  assert.deepEqual(filesIn(folder), before)

  const again = await vault().open(by(passphrase))
  assert.deepEqual(again.document('setting', 'a'), value)
  await assert.rejects(vault().open(by(passphrase)), code('profile-busy'))
  await assert.rejects(vault().destroy(), code('profile-busy'))
  again.close()
})

test('one passphrase typed on two systems is one passphrase', async (t) => {
  const { vault } = sampleFor(t)
  const store = await vault().create('unter der b\u00fcche')
  store.close()
  const again = await vault().open(by('unter der bu\u0308che'))
  again.close()
})

test('the key stands in no file, and its buffers are zero after use', async (t) => {
  const { folder, vault } = sampleFor(t)
  const buffers: Uint8Array[] = []
  let key = Buffer.alloc(0)
  const spying = vault({ openStore: (options) => {
    buffers.push(options.key)
    key = Buffer.from(Uint8Array.from(options.key))
    return openStore(options)
  } })
  const store = await spying.create(passphrase)
  store.commit({ documents: [document] })
  assert.deepEqual(Buffer.from(buffers[0] ?? []), key, 'held while the store is open')
  spying.close()
  await spying.open(by(passphrase))
  spying.close()
  assert.equal(key.length, 32)
  for (const [name, content] of Object.entries(filesIn(folder))) {
    const bytes = Buffer.from(content, 'hex')
    for (const form of [key, key.toString('hex'), key.toString('base64'), passphrase]) {
      assert.ok(!bytes.includes(form), name)
    }
    if (process.platform !== 'win32') assert.equal(statSync(path.join(folder, name)).mode & 0o777, 0o600, name)
  }
  assert.equal(buffers.length, 2)
  for (const buffer of buffers) assert.ok(buffer.every((byte) => byte === 0))
})

test('a store without its slots, or with damaged or newer ones, is no new profile', async (t) => {
  const { folder, vault } = sampleFor(t)
  const store = await vault().create(passphrase)
  store.close()
  const copies = ['slots.json', 'slots.spare.json'].map((name) => path.join(folder, name))
  const whole = readFileSync(copies[0] ?? '', 'utf8')
  const changed = (from: RegExp, to: string): void => {
    const text = whole.replace(from, to)
    assert.notEqual(text, whole)
    for (const copy of copies) writeFileSync(copy, text)
  }
  for (const copy of copies) rmSync(copy)
  await assert.rejects(vault().status(), code('slots-damaged'))
  await assert.rejects(vault().open(by(passphrase)), code('slots-damaged'))
  await assert.rejects(vault().create(passphrase), code('slots-damaged'))

  for (const [from, to] of [
    [/\}/, ''], [/"check": "../, '"check": "'], [/"type": "passphrase"/, '"type": "guess"'],
    [/"memoryKiB": \d+/, '"memoryKiB": 99999999'], [/"passes": 1/, '"passes": 0'], [/"wrapped": "../, '"wrapped": "zz'],
    [/\n {2}\]/, ',{"type": "keychain"},{"type": "keychain"}]'],
  ] as const) {
    changed(from, to)
    await assert.rejects(vault().status(), code('slots-damaged'), to)
    await assert.rejects(vault().open(by(passphrase)), code('slots-damaged'), to)
    await assert.rejects(vault().create(passphrase), code('slots-damaged'), to)
  }
  changed(/"version": 1/, '"version": 2')
  await assert.rejects(vault().status(), code('store-newer'))
  // Other parameters give another key, and are authenticated besides.
  changed(/"passes": 1/, '"passes": 2')
  await assert.rejects(vault().open(by(passphrase)), code('passphrase-wrong'))

  changed(/"check": "../, '"check": "00')
  await assert.rejects(vault().open(by(passphrase)), code('slots-damaged'), 'another check value')

  for (const copy of copies) {
    for (const other of copies) writeFileSync(other, whole)
    for (const damage of [() => { rmSync(copy) }, () => { writeFileSync(copy, whole.slice(0, 100)) }]) {
      damage()
      const again = await vault().open(by(passphrase))
      again.close()
    }
  }
})

test('a store that cannot be made leaves nothing behind, and the next try succeeds', async (t) => {
  const { folder, vault } = sampleFor(t)
  const full = vault({ openStore: (options) => {
    const store = openStore({ ...options, maxPages: 30 })
    try {
      store.commit({ documents: [{ ...document, bytes: new Uint8Array(1_000_000) }] })
    } finally {
      store.close()
    }
    return store
  } })
  await assert.rejects(full.create(passphrase), code('store-full'))
  assert.deepEqual(filesIn(folder), {})
  assert.deepEqual(await vault().status(), { at: 'new' })
  const store = await vault().create(passphrase)
  store.close()
})

test('a beginning that was cut off before the store was made is begun again', async (t) => {
  const { folder, vault } = sampleFor(t)
  // A kill when the slots are written and the file is not, and one when the file is there without a byte.
  for (const killed of [() => undefined, (file: string) => { writeFileSync(file, '') }]) {
    const dying = vault({
      openStore: ({ file, prepare }) => {
        prepare?.()
        killed(file)
        throw new Error('killed')
      },
      lockStore: () => { throw new Error('nothing runs any more') },
    })
    await assert.rejects(dying.create(passphrase), /killed/)
    assert.deepEqual(await vault().status(), { at: 'new' })
    await assert.rejects(vault().open(by(passphrase)), code('store-damaged'))
  }
  const store = await vault().create('an avenue of limes')
  store.close()
  const again = await vault().open(by('an avenue of limes'))
  again.close()
  assert.ok(!readFileSync(path.join(folder, 'slots.json'), 'utf8').includes('beginning'))
})

test('a store that was there and is gone or empty is a loss, never a new profile', async (t) => {
  const { folder, vault } = sampleFor(t)
  const store = await vault().create(passphrase)
  store.close()
  const file = path.join(folder, 'profile.sqlite')
  for (const lose of [() => { writeFileSync(file, '') }, () => { rmSync(file) }]) {
    lose()
    const before = filesIn(folder)
    await assert.rejects(vault().status(), code('store-damaged'))
    await assert.rejects(vault().open(by(passphrase)), code('store-damaged'))
    await assert.rejects(vault().create(passphrase), code('store-damaged'))
    assert.deepEqual(filesIn(folder), before)
  }
})

test('of two that make the profile at once one wins, and its passphrase opens the store', async (t) => {
  const { vault } = sampleFor(t)
  const passphrases = ['the first in the row', 'the second in the row']
  const made = await Promise.allSettled(passphrases.map((each) => vault().create(each)))
  const winners = made.flatMap((each, index) => each.status === 'fulfilled' ? [{ store: each.value, index }] : [])
  assert.equal(winners.length, 1)
  for (const each of made) if (each.status === 'rejected') code('profile-busy')(each.reason)
  winners[0]?.store.close()
  const again = await vault().open(by(passphrases[winners[0]?.index ?? 0] ?? ''))
  again.close()
})

test('destroying closes the store and removes every file, but not those of others', async (t) => {
  const { folder, vault } = sampleFor(t)
  const guard = vault()
  const store = await guard.create(passphrase)
  store.commit({ documents: [document] })
  writeFileSync(path.join(folder, 'of somebody else'), '')
  await guard.destroy()
  assert.deepEqual(readdirSync(folder), ['of somebody else'])
  assert.deepEqual(await guard.status(), { at: 'new' })

  rmSync(path.join(folder, 'of somebody else'))
  const next = await guard.create(passphrase)
  next.close()
  // The passphrase is forgotten: removing the profile needs none.
  await vault().destroy()
  assert.throws(() => readdirSync(folder), /ENOENT/)
  // A folder that is made anew is closed to others.
  const before = process.umask(0)
  const anew = await guard.create(passphrase).finally(() => process.umask(before))
  if (process.platform !== 'win32') assert.equal(statSync(folder).mode & 0o777, 0o700)
  anew.close()
})
