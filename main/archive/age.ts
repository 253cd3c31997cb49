import { Decrypter, Encrypter, identityToRecipient } from 'age-encryption'
import { bech32 } from '@scure/base'
import type { Secret } from '../mls/index.ts'
import { PortError, type BackupKey, type BackupSeal } from '../ports.ts'

/** The age format (https://age-encryption.org/v1), by the package of its author. */

/**
 * The hybrid identity (ML-KEM-768 with X25519) whose seed is a secret of 32 bytes, in the text form of the age tools:
 * Bech32 of the seed. The text is a secret too.
 */
export const identityOf = (seed: Secret): string =>
  bech32.encodeFromBytes('age-secret-key-pq-', seed.unwrap()).toUpperCase()

/** Its public half: about 2,000 characters. */
export const recipientOf = (seed: Secret): Promise<string> => identityToRecipient(identityOf(seed))

/** A stream of plain bytes as a stream of sealed ones. Memory: some pieces of 64 KiB. */
export async function sealStream(plain: AsyncIterable<Uint8Array>, seal: BackupSeal): Promise<AsyncIterable<Uint8Array>> {
  const encrypter = new Encrypter()
  if (seal.type === 'passphrase') encrypter.setPassphrase(seal.passphrase)
  else encrypter.addRecipient(seal.recipient)
  return piecesOf(await encrypter.encrypt(streamOf(plain)))
}

/**
 * The other way round. Rejects with PortError('backup-key') when the key does not open it, 'backup-malformed' when it is
 * no age file; the stream breaks with 'backup-malformed' at the first piece that was changed or is missing.
 */
export async function openStream(sealed: AsyncIterable<Uint8Array>, key: BackupKey): Promise<AsyncIterable<Uint8Array>> {
  const decrypter = new Decrypter()
  if (key.type === 'passphrase') decrypter.addPassphrase(key.passphrase)
  else decrypter.addIdentity(identityOf(key.secret))
  try {
    return checked(piecesOf(await decrypter.decrypt(streamOf(sealed))))
  } catch (error) {
    throw refusalOf(error)
  }
}

/** The package speaks in streams of the web, which pull: nothing is read before somebody wants it. */
function streamOf(pieces: AsyncIterable<Uint8Array>): ReadableStream<Uint8Array> {
  const iterator = pieces[Symbol.asyncIterator]()
  return new ReadableStream({
    pull: async (controller) => {
      const next = await iterator.next()
      if (next.done === true) controller.close()
      else controller.enqueue(next.value)
    },
    cancel: async () => { await iterator.return?.() },
  }, { highWaterMark: 0 })
}

async function* piecesOf(stream: ReadableStream<Uint8Array>): AsyncGenerator<Uint8Array> {
  const reader = stream.getReader()
  try {
    for (let next = await reader.read(); !next.done; next = await reader.read()) yield next.value
  } finally {
    // Not waited for: a transform that is under way may never hear of it.
    reader.cancel().catch(() => undefined)
  }
}

async function* checked(plain: AsyncIterable<Uint8Array>): AsyncGenerator<Uint8Array> {
  try {
    for await (const piece of plain) yield piece
  } catch (error) {
    throw refusalOf(error)
  }
}

/** What the package throws has no codes. What comes from the file itself (a PortError of the disk) stays what it is. */
function refusalOf(error: unknown): PortError {
  if (error instanceof PortError) return error
  const message = error instanceof Error ? error.message : ''
  return /no identity matched/i.test(message) ? new PortError('backup-key') : new PortError('backup-malformed', 'age')
}
