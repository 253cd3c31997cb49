import { randomBytes } from 'node:crypto'
import path from 'node:path'
import { Worker } from 'node:worker_threads'
import { chacha20poly1305 } from '@noble/ciphers/chacha.js'
import { base64nopad } from '@scure/base'
import { Stanza, type Identity, type Recipient } from 'age-encryption'
import { PortError } from '../ports.ts'
import type { ScryptTask } from './scrypt.worker.ts'

/**
 * The recipient of the age format for a passphrase (C2SP age.md, "The scrypt recipient type"), as the age package has it,
 * but for scrypt itself: that takes a second, in which the package would stop everything in this process.
 */

const label = new TextEncoder().encode('age-encryption.org/v1/scrypt')
/** What the age tool takes as well: 256 MiB for each guess. */
const workFactor = 18
/** A stranger's file may ask for 1 GiB, and for no more. */
const workFactorLimit = 20
const saltBytes = 16
/** A file key of 16 bytes and its tag. */
const bodyBytes = 32
/** The key is used once. */
const nonce = new Uint8Array(12)

export const passphraseRecipient = (passphrase: string): Recipient => ({
  wrapFileKey: async (fileKey) => {
    if (passphrase === '') throw new PortError('passphrase-missing')
    const salt = new Uint8Array(randomBytes(saltBytes))
    const key = await stretch(passphrase, salt, workFactor)
    const body = chacha20poly1305(key, nonce).encrypt(fileKey)
    key.fill(0)
    return [new Stanza(['scrypt', base64nopad.encode(salt), String(workFactor)], body)]
  },
})

/** `null` where the passphrase does not open it: the package asks for that. */
export const passphraseIdentity = (passphrase: string): Identity => ({
  unwrapFileKey: async (stanzas) => {
    const stanza = stanzas.find(({ args }) => args[0] === 'scrypt')
    if (stanza === undefined) return null
    if (stanzas.length !== 1) throw new Error('a passphrase is not the only recipient')
    const { salt, factor } = readStanza(stanza)
    // Nobody's, and scrypt takes none that is empty.
    if (passphrase === '') return null
    const key = await stretch(passphrase, salt, factor)
    try {
      return chacha20poly1305(key, nonce).decrypt(stanza.body)
    } catch {
      return null
    } finally {
      key.fill(0)
    }
  },
})

/** Throws for one that is not as the format says, or that asks for too much. */
function readStanza({ args, body }: Stanza): { readonly salt: Uint8Array, readonly factor: number } {
  const [, salt, factor] = args
  if (args.length !== 3 || salt === undefined || factor === undefined || !/^[1-9][0-9]?$/.test(factor)) {
    throw new Error('invalid scrypt stanza')
  }
  const bytes = base64nopad.decode(salt)
  if (bytes.length !== saltBytes || body.length !== bodyBytes) throw new Error('invalid scrypt stanza')
  if (Number(factor) > workFactorLimit) throw new Error('scrypt work factor is too high')
  return { salt: bytes, factor: Number(factor) }
}

/** scrypt in a worker, with r = 8 and p = 1. */
async function stretch(passphrase: string, salt: Uint8Array, factor: number): Promise<Uint8Array> {
  const bytes = new TextEncoder().encode(passphrase)
  const salted = new Uint8Array([...label, ...salt])
  const workerData: ScryptTask = { passphrase: bytes, salt: salted, workFactor: factor }
  // The worker lies beside this file: as source when not built, and beside the bundle in a build.
  const file = new URL(`./scrypt.worker${path.extname(import.meta.filename)}`, import.meta.url)
  const worker = new Worker(file, { workerData, transferList: [bytes.buffer] })
  try {
    return await new Promise<Uint8Array>((resolve, reject) => {
      worker.once('message', resolve)
      // It may ask for more memory than there is; nothing is wrong with the file then.
      worker.once('error', () => { reject(new PortError('bug', 'scrypt')) })
      worker.once('exit', () => { reject(new PortError('bug', 'scrypt')) })
    })
  } finally {
    await worker.terminate()
  }
}
