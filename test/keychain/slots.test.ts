/** The ways to a store's key: keychain, passphrase and the recovery key; how they are changed, lost and made again. */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import type { TestContext } from 'node:test'
import { unwrapKey, wrapKey } from '../../main/keychain/passphrase.ts'
import { readSlots, spareOf, writeSlots } from '../../main/keychain/slots.ts'
import { Tries } from '../../main/keychain/tries.ts'
import { createVault } from '../../main/keychain/vault.ts'
import type { VaultOptions } from '../../main/keychain/vault.ts'
import type { KeyPair } from '../../main/mls/index.ts'
import { PortError } from '../../main/ports.ts'
import type { Store, Vault, Way } from '../../main/ports.ts'
import { lockStore } from '../../main/sqlite/lock.ts'
import { openReading } from '../../main/sqlite/reading.ts'
import { openStore } from '../../main/sqlite/store.ts'
import { cheap, memoryKeychain, recoveryKey, suite } from './samples.ts'

const value = Uint8Array.of(1, 2, 3)
const first = 'a hedge of hazel'
const second = 'a row of alders'
const byKeychain: Way = { type: 'keychain' }
const by = (passphrase: string): Way => ({ type: 'passphrase', passphrase })
const byWords = (key: KeyPair, passphrase?: string): Way => ({ type: 'words', key, passphrase })

const code = (expected: string, detail?: string) => (error: unknown): boolean => {
  assert.ok(error instanceof PortError, String(error))
  assert.equal(error.code, expected, error.message)
  if (detail !== undefined) assert.equal(error.detail, detail)
  return true
}

function sampleFor(t: TestContext) {
  const folder = mkdtempSync(path.join(tmpdir(), 'coppice-test-'))
  t.after(() => { rmSync(folder, { recursive: true, force: true }) })
  const keychain = memoryKeychain()
  const vault = (options?: Partial<VaultOptions>): Vault =>
    createVault({ folder, keychain, suite, openStore, openReading, lockStore, cost: cheap, ...options })
  /** A profile whose key is in the keychain and sealed to `words`, and where wanted under a passphrase. */
  const made = async (passphrase?: string): Promise<KeyPair> => {
    const words = recoveryKey()
    const guard = vault()
    const store = await guard.create(undefined)
    store.commit({ documents: [{ kind: 'setting', key: 'a', bytes: value }] })
    guard.sealTo(words.publicKey)
    if (passphrase !== undefined) await guard.setPassphrase({ current: '', passphrase })
    guard.close()
    return words
  }
  const opens = async (way: Way, guard = vault()): Promise<void> => {
    const store: Store = await guard.open(way)
    assert.deepEqual(store.document('setting', 'a'), value)
    guard.close()
  }
  return { folder, keychain, vault, made, opens, slotsFile: path.join(folder, 'slots.json') }
}

test('each of the three ways opens the same store', async (t) => {
  const { vault, made, opens } = sampleFor(t)
  const words = await made(first)
  assert.deepEqual(await vault().status(), { at: 'keychain' })
  for (const way of [byKeychain, by(first), byWords(words)]) await opens(way)
})

test('other words do not open it, and say so at once', async (t) => {
  const { vault, made } = sampleFor(t)
  await made()
  await assert.rejects(vault().open(byWords(recoveryKey())), code('words-foreign'))
})

test('sealing again to the same key writes nothing; another recovery key takes the place of the first', async (t) => {
  const { vault, made, opens, slotsFile } = sampleFor(t)
  const words = await made()
  const before = readFileSync(slotsFile, 'utf8')
  const guard = vault()
  await guard.open(byKeychain)
  guard.sealTo(words.publicKey)
  assert.equal(readFileSync(slotsFile, 'utf8'), before)
  const rotated = recoveryKey()
  guard.sealTo(rotated.publicKey)
  guard.close()
  await opens(byWords(rotated))
  await assert.rejects(vault().open(byWords(words)), code('words-foreign'))
})

test('a keychain that lost the key: the passphrase opens the history, and the key goes back', async (t) => {
  const { keychain, vault, made } = sampleFor(t)
  await made(first)
  keychain.items.clear()
  assert.deepEqual(await vault().status(), { at: 'locked', need: 'passphrase', words: true, hint: 'keychain-lost' })
  const guard = vault()
  await guard.open(by(first))
  await guard.keepInKeychain(true)
  guard.close()
  assert.deepEqual(await vault().status(), { at: 'keychain' })
})

test('a lost key of a profile without a passphrase: the words open, and the keychain gets it back', async (t) => {
  const { keychain, vault, made, opens } = sampleFor(t)
  const words = await made()
  keychain.items.clear()
  assert.deepEqual(await vault().status(), { at: 'locked', need: 'words', words: true, hint: 'keychain-lost' })
  await assert.rejects(vault().open(byKeychain), code('keychain-lost'))
  await opens(byWords(words))
  assert.deepEqual(await vault().status(), { at: 'keychain' })
  await opens(byKeychain)
})

test('where no keychain can take the key back, the words ask for a passphrase', async (t) => {
  const { vault, made, opens } = sampleFor(t)
  const words = await made()
  const bare = (): Vault => vault({ keychain: undefined })
  assert.deepEqual(await bare().status(), { at: 'locked', need: 'keychain', words: true, hint: 'keychain-locked' })
  await assert.rejects(bare().open(byWords(words)), code('keychain-absent'))
  await assert.rejects(bare().open(byWords(words, 'short')), code('passphrase-short'))
  await opens(byWords(words, first), bare())
  assert.deepEqual(await bare().status(), { at: 'locked', need: 'passphrase', words: true, hint: 'keychain-locked' })
  await opens(by(first), bare())
})

test('a forgotten passphrase is replaced by the words', async (t) => {
  const { vault, made, opens } = sampleFor(t)
  const words = await made(first)
  await opens(byWords(words, second))
  await opens(by(second))
  await assert.rejects(vault().open(by(first)), code('passphrase-wrong'))
})

test('a passphrase is set, changed only by who knows it, and removed where the keychain holds the key', async (t) => {
  const { keychain, vault, made, opens, slotsFile } = sampleFor(t)
  await made(first)
  const guard = vault()
  await guard.open(byKeychain)
  assert.deepEqual(guard.ways(), { passphrase: true, keychain: true, words: true })
  const before = readFileSync(slotsFile, 'utf8')
  await assert.rejects(guard.setPassphrase({ current: second, passphrase: second }), code('passphrase-wrong'))
  await assert.rejects(guard.removePassphrase(second), code('passphrase-wrong'))
  await assert.rejects(guard.setPassphrase({ current: first, passphrase: 'short' }), code('passphrase-short'))
  keychain.locked = true
  await assert.rejects(guard.removePassphrase(first), code('keychain-absent'))
  assert.equal(readFileSync(slotsFile, 'utf8'), before)
  keychain.locked = false
  await guard.setPassphrase({ current: first, passphrase: second })
  guard.close()
  await opens(by(second))
  await assert.rejects(vault().open(by(first)), code('passphrase-wrong'))

  await guard.open(by(second))
  // The keychain has lost the key meanwhile: it gets it back before the passphrase goes.
  keychain.items.clear()
  await guard.removePassphrase(second)
  assert.deepEqual(guard.ways(), { passphrase: false, keychain: true, words: true })
  guard.close()
  assert.deepEqual(await vault().status(), { at: 'keychain' })
  await opens(byKeychain)
  for (const name of ['slots.json', 'slots.spare.json']) {
    assert.ok(!readFileSync(path.join(path.dirname(slotsFile), name), 'utf8').includes('memoryKiB'), name)
  }
})

test('a key taken out of the keychain is nowhere but under passphrase and words, until it is put back', async (t) => {
  const { keychain, vault, made, opens } = sampleFor(t)
  await made()
  const guard = vault()
  await guard.open(byKeychain)
  await assert.rejects(guard.keepInKeychain(false), code('passphrase-missing'))
  await guard.setPassphrase({ current: '', passphrase: first })
  await guard.keepInKeychain(false)
  assert.deepEqual([...keychain.items.keys()], [])
  assert.equal(guard.ways().keychain, true, 'the profile still uses one')
  guard.close()
  assert.deepEqual(await vault().status(), { at: 'locked', need: 'passphrase', words: true })
  await assert.rejects(vault().open(byKeychain), code('passphrase-wrong'))
  await guard.open(by(first))
  await guard.keepInKeychain(true)
  guard.close()
  await opens(byKeychain)
})

test('a keychain out of reach while the app is locked: the profile does not open by what is left in it', async (t) => {
  const { keychain, vault, made } = sampleFor(t)
  await made(first)
  const guard = vault()
  await guard.open(byKeychain)
  keychain.locked = true
  await guard.keepInKeychain(false)
  guard.close()
  keychain.locked = false
  assert.equal(keychain.items.size, 1)
  assert.deepEqual(await vault().status(), { at: 'locked', need: 'passphrase', words: true })
  await guard.open(by(first))
  await guard.keepInKeychain(false)
  guard.close()
  assert.equal(keychain.items.size, 0, 'the next time takes it out')
})

test('a vault that was closed meanwhile writes no slot around a wiped key', async (t) => {
  const { vault, made, slotsFile } = sampleFor(t)
  await made(first)
  const before = readFileSync(slotsFile, 'utf8')
  const guard = vault()
  await guard.open(byKeychain)
  const changing = guard.setPassphrase({ current: first, passphrase: second })
  guard.close()
  await assert.rejects(changing, code('not-ready'))
  assert.equal(readFileSync(slotsFile, 'utf8'), before)
  await assert.rejects(guard.setPassphrase({ current: first, passphrase: second }), code('not-ready'))
  await assert.rejects(guard.keepInKeychain(true), code('not-ready'))
  assert.throws(() => guard.ways(), code('not-ready'))
})

test('wrong passphrases wait longer and longer; the right one ends that', async () => {
  let now = 0
  const tries = new Tries(() => now)
  const wrong = (): Promise<never> => tries.guarded(() => Promise.reject(new PortError('passphrase-wrong')))
  const waits: (string | undefined)[] = []
  for (let count = 0; count < 10; count++) {
    const error: unknown = await wrong().catch((one: unknown) => one)
    assert.ok(error instanceof PortError && error.code === 'passphrase-wrong')
    waits.push(error.detail)
    if (error.detail === undefined) continue
    let asked = false
    const early = (): Promise<void> => tries.guarded(async () => { asked = true })
    await assert.rejects(early(), code('passphrase-wait', error.detail))
    now += Number(error.detail) * 1_000 - 1
    await assert.rejects(early(), code('passphrase-wait', '1'))
    assert.ok(!asked, 'nothing is tried while one waits')
    now += 1
  }
  assert.deepEqual(waits, [undefined, undefined, '1', '2', '4', '8', '16', '32', '60', '60'])
  // What is no wrong guess does not count, and the right one forgets the others.
  await assert.rejects(tries.guarded(() => Promise.reject(new PortError('store-full'))), code('store-full'))
  await tries.guarded(async () => undefined)
  for (let count = 0; count < 2; count++) await assert.rejects(wrong(), code('passphrase-wrong'))
  await tries.guarded(async () => undefined)
})

test('the vault makes guessing slower for whoever opens, changes or removes', async (t) => {
  let now = 0
  const { vault, made } = sampleFor(t)
  await made(first)
  const guard = vault({ now: () => now })
  for (let count = 0; count < 3; count++) await assert.rejects(guard.open(by('not this one')), code('passphrase-wrong'))
  await assert.rejects(guard.open(by(first)), code('passphrase-wait', '1'))
  await guard.open(byKeychain)
  await assert.rejects(guard.removePassphrase(first), code('passphrase-wait', '1'))
  now += 1_000
  await guard.removePassphrase(first)
  guard.close()
})

test('what a killed writer leaves is in nobody\'s way, and a write that fails changes nothing', async (t) => {
  const { vault, made, slotsFile } = sampleFor(t)
  await made()
  writeFileSync(`${slotsFile}.new`, '{ "half": ')
  const guard = vault()
  await guard.open(byKeychain)
  await guard.setPassphrase({ current: '', passphrase: first })
  assert.ok(!existsSync(`${slotsFile}.new`))
  const before = readFileSync(slotsFile, 'utf8')
  assert.match(before, /"passphrase"/)
  // A folder in the place of a new file: it can neither be removed nor written.
  for (const copy of [slotsFile, spareOf(slotsFile)]) {
    mkdirSync(path.join(`${copy}.new`, 'in the way'), { recursive: true })
    await assert.rejects(guard.setPassphrase({ current: first, passphrase: second }))
    for (const each of [slotsFile, spareOf(slotsFile)]) assert.equal(readFileSync(each, 'utf8'), before)
    rmSync(`${copy}.new`, { recursive: true })
  }
  guard.close()
  await vault().open(by(first)).then((store) => { store.close() })
})

test('a second copy of before a change, as a kill leaves it, is as the first after the next opening', async (t) => {
  const { vault, made, opens, slotsFile } = sampleFor(t)
  await made(first)
  const before = readFileSync(slotsFile, 'utf8')
  const guard = vault()
  await guard.open(byKeychain)
  await guard.setPassphrase({ current: first, passphrase: second })
  guard.close()
  const after = readFileSync(slotsFile, 'utf8')
  for (const [copy, left] of [[spareOf(slotsFile), before], [slotsFile, '{ "half": ']] as const) {
    writeFileSync(copy, left)
    await opens(by(second))
    for (const each of [slotsFile, spareOf(slotsFile)]) assert.equal(readFileSync(each, 'utf8'), after)
  }
})

test('a keychain that says that nothing is there, and can hold nothing, is locked and has lost nothing', async (t) => {
  const { keychain, vault, made } = sampleFor(t)
  await made(first)
  keychain.locked = true
  assert.deepEqual(await vault().status(), { at: 'locked', need: 'passphrase', words: true, hint: 'keychain-locked' })
  await assert.rejects(vault().open(byKeychain), code('keychain-locked'))
})

test('a profile that is destroyed leaves no key in the keychain, also where its slots are damaged at one place', async (t) => {
  const { keychain, vault, made, slotsFile } = sampleFor(t)
  for (const damage of [() => undefined, () => { writeFileSync(slotsFile, '{ "half": ') }]) {
    await made(first)
    assert.equal(keychain.items.size, 1)
    damage()
    await vault().destroy()
    assert.equal(keychain.items.size, 0)
    assert.deepEqual(await vault().status(), { at: 'new' })
  }
})

test('a slot of one profile opens nothing in another', async () => {
  const key = new Uint8Array(32).fill(7)
  const slot = await wrapKey(key, { passphrase: first, owner: 'a', cost: cheap })
  assert.deepEqual(new Uint8Array(await unwrapKey(slot, first, 'a')), key)
  await assert.rejects(unwrapKey(slot, first, 'b'), code('passphrase-wrong'))
})

test('slots are whole whenever the writer is killed', async (t) => {
  const { made, slotsFile } = sampleFor(t)
  await made(first)
  const whole = readSlots(slotsFile)
  assert.ok(whole !== undefined)
  const script = `
    const { readSlots, withoutSlot, writeSlots } =
      await import(${JSON.stringify(path.join(import.meta.dirname, '../../main/keychain/slots.ts'))})
    const whole = readSlots(process.argv[1])
    process.stdout.write('ready')
    for (;;) for (const slots of [withoutSlot(whole, 'keychain'), whole]) writeSlots(process.argv[1], slots)`
  for (let round = 0; round < 12; round++) {
    const child = spawn(process.execPath, ['--input-type=module', '-e', script, slotsFile], {
      stdio: ['ignore', 'pipe', 'inherit'],
    })
    await once(child.stdout, 'data')
    await new Promise((resolve) => setTimeout(resolve, 3 + 5 * round))
    child.kill('SIGKILL')
    await once(child, 'exit')
    for (const copy of [slotsFile, spareOf(slotsFile)]) {
      const text = readFileSync(copy, 'utf8')
      assert.doesNotThrow(() => JSON.parse(text) as unknown, `${copy} after the kill ${round}: ${text}`)
    }
    writeSlots(slotsFile, whole)
  }
})
