import { createCipheriv, createDecipheriv, randomBytes } from 'node:crypto'
import path from 'node:path'
import { Worker } from 'node:worker_threads'
import { PortError } from '../ports.ts'
import type { Argon2Task } from './argon2.worker.ts'
import type { PassphraseSlot } from './slots.ts'

/** In UTF-16 units. */
const shortestPassphrase = 8
/** What a guess costs. */
export type Cost = { readonly memoryKiB: number, readonly passes: number }
/** About 0.6 s on a laptop; RFC 9106 §4 recommends 64 MiB and three passes at least. */
export const usualCost: Cost = { memoryKiB: 128 * 1024, passes: 3 }
const tagBytes = 16

/**
 * Wraps a key under a passphrase: Argon2id with a fresh salt, then AES-256-GCM. `owner` is the profile, authenticated
 * with the parameters.
 *
 * @throws PortError 'passphrase-short'
 */
export async function wrapKey(
  key: Uint8Array, by: { readonly passphrase: string, readonly owner: string, readonly cost: Cost },
): Promise<PassphraseSlot> {
  const { memoryKiB, passes } = by.cost
  if (by.passphrase.length < shortestPassphrase) throw new PortError('passphrase-short', String(shortestPassphrase))
  const salt = randomBytes(16)
  const nonce = randomBytes(12)
  const wrapping = await stretch(by.passphrase, { salt, memoryKiB, passes })
  const cipher = createCipheriv('aes-256-gcm', wrapping, nonce)
  cipher.setAAD(context({ owner: by.owner, memoryKiB, passes }))
  const wrapped = Buffer.concat([cipher.update(key), cipher.final(), cipher.getAuthTag()])
  wrapping.fill(0)
  return { type: 'passphrase', memoryKiB, passes, salt, nonce, wrapped }
}

/**
 * The key again; the caller wipes it.
 *
 * @throws PortError 'passphrase-wrong'
 */
export async function unwrapKey(slot: PassphraseSlot, passphrase: string, owner: string): Promise<Uint8Array> {
  // Nobody's, and Argon2id takes none that is empty.
  if (passphrase === '') throw new PortError('passphrase-wrong')
  const wrapping = await stretch(passphrase, slot)
  const end = slot.wrapped.length - tagBytes
  const decipher = createDecipheriv('aes-256-gcm', wrapping, slot.nonce)
  decipher.setAAD(context({ owner, memoryKiB: slot.memoryKiB, passes: slot.passes }))
  decipher.setAuthTag(slot.wrapped.subarray(end))
  try {
    const key = decipher.update(slot.wrapped.subarray(0, end))
    decipher.final()
    return key
  } catch {
    throw new PortError('passphrase-wrong')
  } finally {
    wrapping.fill(0)
  }
}

const context = (of: Cost & { readonly owner: string }): Buffer =>
  Buffer.from(`coppice passphrase slot 1/${of.owner}/${of.memoryKiB}/${of.passes}`)

type Stretching = Cost & { readonly salt: Uint8Array }

/** Argon2id in a worker. Passphrases are compared in Unicode's form C, as RFC 8265 §4.2.2 has it. */
async function stretch(passphrase: string, { salt, memoryKiB, passes }: Stretching): Promise<Uint8Array> {
  const bytes = new TextEncoder().encode(passphrase.normalize('NFC'))
  const key = new Uint8Array(new SharedArrayBuffer(32))
  const workerData: Argon2Task = { passphrase: bytes, salt: new Uint8Array(salt), memoryKiB, passes, key }
  // The worker lies beside this file: as source when not built, and beside the bundle in a build.
  const file = new URL(`./argon2.worker${path.extname(import.meta.filename)}`, import.meta.url)
  const worker = new Worker(file, { workerData, transferList: [bytes.buffer] })
  try {
    await new Promise((resolve, reject) => {
      worker.once('message', resolve)
      worker.once('error', reject)
      worker.once('exit', () => { reject(new Error('the Argon2id worker ended without an answer')) })
    })
    return key
  } finally {
    await worker.terminate()
  }
}
