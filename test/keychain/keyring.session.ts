/** One story of keyring.test.ts, in a D-Bus session of its own; argv[2] names it. */
import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { readdirSync } from 'node:fs'
import { mkdir, readFile, readdir } from 'node:fs/promises'
import path from 'node:path'
import { openKeychain } from '../../main/keychain/keytar.ts'
import { createVault } from '../../main/keychain/vault.ts'
import type { VaultOptions } from '../../main/keychain/vault.ts'
import type { Vault, VaultStatus } from '../../main/ports.ts'
import { lockStore } from '../../main/sqlite/lock.ts'
import { openReading } from '../../main/sqlite/reading.ts'
import { openStore } from '../../main/sqlite/store.ts'
import { cheap, recoveryKey, suite } from './samples.ts'

const home = process.env['HOME'] ?? ''
const folder = path.join(home, 'profile')
await mkdir(folder, { recursive: true })
const keychain = await openKeychain()
assert.ok(keychain, 'keytar loads')

const vault = (options?: Partial<VaultOptions>): Vault =>
  createVault({ folder, keychain, suite, openStore, openReading, lockStore, cost: cheap, ...options })
const byKeychain = { type: 'keychain' } as const
const passphrase = 'a hedge of hazel'
const byPassphrase = { type: 'passphrase', passphrase } as const
const words = recoveryKey()
const status = async (expected: VaultStatus): Promise<void> => { assert.deepEqual(await vault().status(), expected) }
const code = (expected: string) => (error: unknown): boolean => {
  assert.ok(error instanceof Error && 'code' in error, String(error))
  assert.equal(error.code, expected, error.message)
  return true
}
const document = { kind: 'setting', key: 'a', bytes: Uint8Array.of(1, 2, 3) } as const

/** Starts the daemon, in the place of another, with the keyring "login" unlocked. */
const unlock = (): void => {
  execFileSync('gnome-keyring-daemon', ['--replace', '--unlock', '--components=secrets', '--daemonize'], {
    input: 'password', stdio: ['pipe', 'ignore', 'ignore'],
  })
}
const lock = (): void => {
  execFileSync('dbus-send', ['--session', '--print-reply', '--dest=org.freedesktop.secrets', '/org/freedesktop/secrets',
    'org.freedesktop.Secret.Service.Lock', 'array:objpath:/org/freedesktop/secrets/collection/login'])
}
/** As after a new start of the app: libsecret stays with the daemon that it met first. */
const inAnotherProcess = (story: string, environment: NodeJS.ProcessEnv = {}): void => {
  execFileSync(process.execPath, [import.meta.filename, story], {
    env: { ...process.env, ...environment }, stdio: ['ignore', 'ignore', 'inherit'],
  })
}
/** The account under which the key is kept. */
async function account(): Promise<string> {
  const slots = JSON.parse(await readFile(path.join(folder, 'slots.json'), 'utf8')) as { profile: string }
  return slots.profile
}
async function createAndClose(options: { readonly withPassphrase?: boolean } = {}): Promise<void> {
  const guard = vault()
  const store = await guard.create(undefined)
  store.commit({ documents: [document] })
  guard.sealTo(words.publicKey)
  if (options.withPassphrase === true) await guard.setPassphrase({ current: '', passphrase })
  guard.close()
}
async function openAndCheck(guard = vault()): Promise<void> {
  const store = await guard.open(byKeychain)
  assert.deepEqual(store.document('setting', 'a'), document.bytes)
  guard.close()
}

const stories: Readonly<Record<string, () => Promise<void>>> = {
  kept: async () => {
    unlock()
    assert.equal(await vault().keychain(), 'ok')
    await createAndClose()
    await status({ at: 'keychain' })
    await openAndCheck()
    const key = await keychain.get(await account())
    assert.match(key ?? '', /^[0-9a-f]{64}$/)
    for (const name of await readdir(folder)) {
      assert.ok(!(await readFile(path.join(folder, name))).includes(key ?? ''), name)
    }
  },

  locked: async () => {
    unlock()
    await createAndClose()
    lock()
    const before = await readFile(path.join(folder, 'slots.json'), 'utf8')
    assert.equal(await keychain.get(await account()), undefined, 'a locked keyring says: nothing there')
    await status({ at: 'locked', need: 'keychain', words: true, hint: 'keychain-locked' })
    assert.equal(await vault().keychain(), 'absent')
    await assert.rejects(vault().open(byKeychain), code('keychain-locked'))
    assert.equal(await readFile(path.join(folder, 'slots.json'), 'utf8'), before)
    unlock()
    inAnotherProcess('unlocked again')
  },

  'unlocked again': async () => {
    await status({ at: 'keychain' })
    await openAndCheck()
  },

  'locked, with a passphrase': async () => {
    unlock()
    await createAndClose({ withPassphrase: true })
    lock()
    await status({ at: 'locked', need: 'passphrase', words: true, hint: 'keychain-locked' })
    const guard = vault()
    await guard.open(byPassphrase)
    // Nothing can be put into a locked keyring, nor taken out, and nobody hangs on it.
    await guard.keepInKeychain(true)
    await assert.rejects(guard.removePassphrase(passphrase), code('keychain-absent'))
    await guard.keepInKeychain(false)
    guard.close()
    await status({ at: 'locked', need: 'passphrase', words: true })
    unlock()
    inAnotherProcess('locked, then reachable again')
  },

  'locked, then reachable again': async () => {
    const guard = vault()
    await guard.open(byPassphrase)
    await guard.keepInKeychain(true)
    guard.close()
    await status({ at: 'keychain' })
    await openAndCheck()
  },

  'locked, with the words': async () => {
    unlock()
    await createAndClose()
    lock()
    await assert.rejects(vault().open({ type: 'words', key: words, passphrase: undefined }), code('keychain-absent'))
    const guard = vault()
    const store = await guard.open({ type: 'words', key: words, passphrase })
    assert.deepEqual(store.document('setting', 'a'), document.bytes)
    guard.close()
    await vault().open(byPassphrase).then((opened) => { opened.close() })
  },

  lost: async () => {
    unlock()
    await createAndClose()
    await keychain.remove(await account())
    await status({ at: 'locked', need: 'words', words: true, hint: 'keychain-lost' })
    await assert.rejects(vault().open(byKeychain), code('keychain-lost'))
    const guard = vault()
    const store = await guard.open({ type: 'words', key: words, passphrase: undefined })
    assert.deepEqual(store.document('setting', 'a'), document.bytes)
    guard.close()
    await status({ at: 'keychain' })
    await openAndCheck()
  },

  'lost, with a passphrase': async () => {
    unlock()
    await createAndClose({ withPassphrase: true })
    await keychain.remove(await account())
    await status({ at: 'locked', need: 'passphrase', words: true, hint: 'keychain-lost' })
    const guard = vault()
    await guard.open(byPassphrase)
    await guard.keepInKeychain(true)
    guard.close()
    await status({ at: 'keychain' })
    await openAndCheck()
  },

  'taken out': async () => {
    unlock()
    await createAndClose({ withPassphrase: true })
    const guard = vault()
    await guard.open(byKeychain)
    await guard.keepInKeychain(false)
    guard.close()
    assert.equal(await keychain.get(await account()), undefined)
    await status({ at: 'locked', need: 'passphrase', words: true })
    await guard.open(byPassphrase)
    await guard.keepInKeychain(true)
    await guard.removePassphrase(passphrase)
    guard.close()
    await openAndCheck()
  },

  another: async () => {
    unlock()
    await createAndClose()
    const right = await keychain.get(await account()) ?? ''
    for (const wrong of ['ab'.repeat(32), 'no hexadecimal']) {
      await keychain.set(await account(), wrong)
      await status({ at: 'locked', need: 'words', words: true, hint: 'keychain-lost' })
      await assert.rejects(vault().open(byKeychain), code('keychain-lost'))
    }
    await keychain.set(await account(), right)
    await openAndCheck()
  },

  destroyed: async () => {
    unlock()
    await createAndClose()
    const kept = await account()
    assert.match(await keychain.get(kept) ?? '', /^[0-9a-f]{64}$/)
    await vault().destroy()
    assert.equal(await keychain.get(kept), undefined)
    assert.throws(() => readdirSync(folder), /ENOENT/)
  },

  unmade: async () => {
    unlock()
    let made = ''
    const watched = { ...keychain, set: async (name: string, secret: string) => {
      made = name
      await keychain.set(name, secret)
    } }
    const failing = vault({ keychain: watched, openStore: () => { throw new Error('cannot be made') } })
    await assert.rejects(failing.create(undefined), /cannot be made/)
    assert.match(made, /^[0-9a-f]{32}$/)
    assert.equal(await keychain.get(made), undefined)
    await status({ at: 'new' })
  },

  absent: async () => {
    unlock()
    await createAndClose()
    // The same profile in a session without a bus, as over the network.
    inAnotherProcess('without a bus', { DBUS_SESSION_BUS_ADDRESS: 'unix:path=/nowhere' })
    await openAndCheck()
  },

  'without a bus': async () => {
    assert.equal(await vault().keychain(), 'absent')
    await status({ at: 'locked', need: 'keychain', words: true, hint: 'keychain-locked' })
    await assert.rejects(vault().open(byKeychain), code('keychain-locked'))
  },
}

const story = stories[process.argv[2] ?? '']
assert.ok(story, 'no such story')
await story()
process.stdout.write('the end of the story\n')
