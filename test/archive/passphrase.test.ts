import assert from 'node:assert/strict'
import { test } from 'node:test'
import { Decrypter, Encrypter } from 'age-encryption'
import { openStream, sealStream } from '../../main/archive/age.ts'
import { PortError } from '../../main/ports.ts'

const passphrase = 'a heron by the river 🦦'
const plain = Buffer.alloc(200_000, 'what was said ')

async function* given(bytes: Uint8Array): AsyncGenerator<Uint8Array> {
  yield await Promise.resolve(bytes)
}
async function all(pieces: AsyncIterable<Uint8Array>): Promise<Buffer> {
  const parts: Uint8Array[] = []
  for await (const piece of pieces) parts.push(piece)
  return Buffer.concat(parts)
}
const seal = async (typed = passphrase): Promise<Buffer> => all(await sealStream(given(plain), { type: 'passphrase', passphrase: typed }))
const open = async (sealed: Uint8Array, typed = passphrase): Promise<Buffer> =>
  all(await openStream(given(sealed), { type: 'passphrase', passphrase: typed }))
const refused = (work: Promise<unknown>, code: string): Promise<void> =>
  assert.rejects(work, (error) => error instanceof PortError && error.code === code, code)

/** The age package by itself. */
const byPackage = {
  seal: async (workFactor: number): Promise<Uint8Array> => {
    const encrypter = new Encrypter()
    encrypter.setPassphrase(passphrase)
    encrypter.setScryptWorkFactor(workFactor)
    return encrypter.encrypt(plain)
  },
  open: async (sealed: Uint8Array, typed: string): Promise<Uint8Array> => {
    const decrypter = new Decrypter()
    decrypter.addPassphrase(typed)
    return decrypter.decrypt(sealed)
  },
}

/** How often the event loop went round while that was done: messages and Calls have their turn in each. */
async function turnsDuring(work: () => Promise<unknown>): Promise<number> {
  let turns = 0
  let isOver = false
  const count = (): void => {
    turns += 1
    if (!isOver) setImmediate(count)
  }
  setImmediate(count)
  await work()
  isOver = true
  return turns
}

/** One for all that only open it. */
let sealedOnce: Promise<Buffer> | undefined

test('what is sealed to a passphrase the age package opens by itself, and the other way round', async () => {
  const sealed = await (sealedOnce ??= seal())
  assert.match(sealed.toString('latin1', 0, 60), /^age-encryption\.org\/v1\n-> scrypt [A-Za-z0-9+/]{22} 18\n/)
  assert.deepEqual(Buffer.from(await byPackage.open(sealed, passphrase)), plain)
  for (const workFactor of [1, 10]) assert.deepEqual(await open(await byPackage.seal(workFactor)), plain)
})

test('the wrong passphrase and none do not open it; a header that is not as it should be is refused before any work', async () => {
  const sealed = Buffer.from(await byPackage.seal(4))
  await refused(open(sealed, 'another'), 'backup-key')
  await refused(open(sealed, ''), 'backup-key')
  await refused(seal(''), 'passphrase-missing')
  const [, salt = '', body = ''] = /-> scrypt (\S+) 4\n(\S+)\n/.exec(sealed.toString('latin1')) ?? []
  const end = sealed.subarray(sealed.indexOf('\n---'))
  const header = (stanzas: string): Buffer => Buffer.concat([Buffer.from(`age-encryption.org/v1\n${stanzas}`, 'latin1'), end])
  for (const stanzas of [
    `-> scrypt ${salt} 21\n${body}`, `-> scrypt ${salt} 63\n${body}`, `-> scrypt ${salt} 04\n${body}`, `-> scrypt ${salt} 4 4\n${body}`,
    `-> scrypt ${salt}\n${body}`, `-> scrypt ${salt.slice(0, -2)} 4\n${body}`, `-> scrypt ${salt} 4\n${body.slice(0, -4)}`,
    `-> scrypt ${salt} 4\n${body}\n-> scrypt ${salt} 4\n${body}`, `-> scrypt ${salt} 4\n${body}\n-> X25519 ${body}\n${body}`,
  ]) {
    // After work it would be a wrong key.
    await refused(open(header(stanzas)), 'backup-malformed')
  }
  assert.deepEqual(await open(header(`-> scrypt ${salt} 4\n${body}`)), plain)
})

test('messages and Calls have their turn while a passphrase is worked on', async () => {
  let sealed: Buffer = Buffer.alloc(0)
  const free = await turnsDuring(async () => { sealed = await seal() })
  assert.ok(free > 1_000, String(free))
  const before = await (sealedOnce ??= seal())
  assert.notDeepEqual(sealed.subarray(22, 60), before.subarray(22, 60), 'the salt is new each time')
  assert.ok(await turnsDuring(async () => { assert.deepEqual(await open(sealed), plain) }) > 1_000)
  // So it was: nothing else happens while the package does it.
  const held = await turnsDuring(() => byPackage.open(sealed, passphrase))
  assert.ok(held < 100, String(held))
})
