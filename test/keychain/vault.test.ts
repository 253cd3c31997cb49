import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import type { Keychain } from '../../main/keychain/keytar.ts'
import { createVault } from '../../main/keychain/vault.ts'
import type { VaultOptions } from '../../main/keychain/vault.ts'
import type { Vault } from '../../main/ports.ts'
import { lockStore } from '../../main/sqlite/lock.ts'
import { openStore } from '../../main/sqlite/store.ts'

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
    vault: (options) => createVault({ folder, keychain: undefined, openStore, lockStore, ...options }),
  }
}

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
  assert.equal(await vault().status(), 'new')
  assert.equal(await vault().keychain(), 'absent')
  await assert.rejects(vault().create(undefined), code('keychain-absent'))
  await assert.rejects(vault().create(''), code('passphrase-short'))
  assert.deepEqual(filesIn(folder), {})
  assert.equal(await vault().status(), 'new')
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
  const { folder, vault } = sampleFor(t)
  const store = await vault().create(passphrase)
  store.commit({ documents: [document] })
  store.close()
  assert.equal(await vault().status(), 'passphrase')

  const before = filesIn(folder)
  const startedAt = performance.now()
  await assert.rejects(vault().open('a hedge of hawthorn'), code('passphrase-wrong'))
  assert.ok(performance.now() - startedAt > 100, `a guess took only ${performance.now() - startedAt} ms`)
  await assert.rejects(vault().open(undefined), code('passphrase-wrong'))
  assert.deepEqual(filesIn(folder), before)

  const again = await vault().open(passphrase)
  assert.deepEqual(again.document('setting', 'a'), value)
  await assert.rejects(vault().open(passphrase), code('profile-busy'))
  await assert.rejects(vault().destroy(), code('profile-busy'))
  again.close()
})

test('one passphrase typed on two systems is one passphrase', async (t) => {
  const { vault } = sampleFor(t)
  const store = await vault().create('unter der b\u00fcche')
  store.close()
  const again = await vault().open('unter der bu\u0308che')
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
  store.close()
  const reopened = await spying.open(passphrase)
  reopened.close()
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
  const file = path.join(folder, 'slots.json')
  const whole = readFileSync(file, 'utf8')
  const changed = (from: RegExp, to: string): void => {
    const text = whole.replace(from, to)
    assert.notEqual(text, whole)
    writeFileSync(file, text)
  }
  rmSync(file)
  assert.equal(await vault().status(), 'keychain-lost')
  await assert.rejects(vault().open(passphrase), code('keychain-lost'))
  await assert.rejects(vault().create(passphrase), code('profile-busy'))

  for (const [from, to] of [
    [/\}/, ''], [/"check": "../, '"check": "'], [/"type": "passphrase"/, '"type": "guess"'],
    [/"memoryKiB": \d+/, '"memoryKiB": 99999999'], [/"passes": 3/, '"passes": 0'], [/"wrapped": "../, '"wrapped": "zz'],
  ] as const) {
    changed(from, to)
    await assert.rejects(vault().status(), code('store-damaged'), to)
    await assert.rejects(vault().open(passphrase), code('store-damaged'), to)
  }
  changed(/"version": 1/, '"version": 2')
  await assert.rejects(vault().status(), code('store-newer'))
  // Weaker parameters give another key, and are authenticated besides.
  changed(/"passes": 3/, '"passes": 1')
  await assert.rejects(vault().open(passphrase), code('passphrase-wrong'))

  writeFileSync(file, whole)
  const again = await vault().open(passphrase)
  again.close()
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
  assert.equal(await vault().status(), 'new')
  const store = await vault().create(passphrase)
  store.close()
})

test('a beginning that was cut off before the store was made is begun again', async (t) => {
  const { folder, vault } = sampleFor(t)
  const store = await vault().create(passphrase)
  store.close()
  rmSync(path.join(folder, 'profile.sqlite'))
  assert.equal(await vault().status(), 'new')
  await assert.rejects(vault().open(passphrase), code('store-damaged'))
  // The file is there, and its first page is not.
  writeFileSync(path.join(folder, 'profile.sqlite'), '')
  assert.equal(await vault().status(), 'new')
  await assert.rejects(vault().open(passphrase), code('store-damaged'))
  const another = await vault().create('an avenue of limes')
  another.close()
  const again = await vault().open('an avenue of limes')
  again.close()
})

test('of two that make the profile at once one wins, and its passphrase opens the store', async (t) => {
  const { vault } = sampleFor(t)
  const passphrases = ['the first in the row', 'the second in the row']
  const made = await Promise.allSettled(passphrases.map((each) => vault().create(each)))
  const winners = made.flatMap((each, index) => each.status === 'fulfilled' ? [{ store: each.value, index }] : [])
  assert.equal(winners.length, 1)
  for (const each of made) if (each.status === 'rejected') code('profile-busy')(each.reason)
  winners[0]?.store.close()
  const again = await vault().open(passphrases[winners[0]?.index ?? 0] ?? '')
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
  assert.equal(await guard.status(), 'new')

  rmSync(path.join(folder, 'of somebody else'))
  const next = await guard.create(passphrase)
  next.close()
  // The passphrase is forgotten: removing the profile needs none.
  await vault().destroy()
  assert.throws(() => readdirSync(folder), /ENOENT/)
})
