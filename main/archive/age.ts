import { createReadStream } from 'node:fs'
import { bech32 } from '@scure/base'
import { Decrypter, Encrypter, identityToRecipient } from 'age-encryption'
import { Secret } from '../mls/index.ts'
import { PortError, type BackupKey, type BackupSeal, type Place } from '../ports.ts'
import { atPlace } from './disk.ts'
import { passphraseIdentity, passphraseRecipient } from './passphrase.ts'

/** The age format (https://age-encryption.org/v1), by the package of its author. */

/**
 * The hybrid identity (ML-KEM-768 with X25519) whose seed is a secret of 32 bytes, in the text form of the age tools:
 * Bech32 of the seed. The text is a secret too.
 */
export const identityOf = (seed: Secret): string =>
  bech32.encodeFromBytes('age-secret-key-pq-', seed.unwrap()).toUpperCase()

/** The seed in such a text; `undefined` for any other text. */
export function seedIn(identity: string): Uint8Array | undefined {
  try {
    const { prefix, bytes } = bech32.decodeToBytes(identity)
    return prefix.toLowerCase() === 'age-secret-key-pq-' && bytes.length === 32 ? bytes : undefined
  } catch {
    return undefined
  }
}

/** Its public half: about 2,000 characters. */
export const recipientOf = (seed: Secret): Promise<string> => identityToRecipient(identityOf(seed))

/** A stream of plain bytes as a stream of sealed ones. Memory: some pieces of 64 KiB. */
export async function sealStream(plain: AsyncIterable<Uint8Array>, seal: BackupSeal): Promise<AsyncIterable<Uint8Array>> {
  const encrypter = new Encrypter()
  encrypter.addRecipient(seal.type === 'passphrase' ? passphraseRecipient(seal.passphrase) : seal.recipient)
  return piecesOf(await encrypter.encrypt(streamOf(plain)))
}

/**
 * The other way round. Rejects with PortError('backup-key') when the key does not open it, 'backup-malformed' when it is
 * no age file; the stream breaks with 'backup-malformed' at the first piece that was changed or is missing.
 */
export async function openStream(sealed: AsyncIterable<Uint8Array>, key: BackupKey): Promise<AsyncIterable<Uint8Array>> {
  const decrypter = opener(key)
  try {
    return checked(piecesOf(await decrypter.decrypt(streamOf(sealed))))
  } catch (error) {
    throw refusalOf(error)
  }
}

function opener(key: BackupKey): Decrypter {
  const decrypter = new Decrypter()
  switch (key.type) {
    case 'passphrase': decrypter.addIdentity(passphraseIdentity(key.passphrase)); break
    case 'words': decrypter.addIdentity(identityOf(key.secret)); break
    // The package checks the header's MAC by it: a key of another file opens nothing.
    case 'file': decrypter.addIdentity({ unwrapFileKey: () => key.secret.unwrap().slice() })
  }
  return decrypter
}

/** A header has some lines for each that it is sealed to: of a backup that is one. */
const headerLimit = 16_384

/** The first bytes of an age file, up to the line that ends its header. */
async function headerAt(path: string): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  await atPlace(async () => {
    for await (const part of createReadStream(path, { end: headerLimit - 1 })) parts.push(part as Uint8Array)
  })
  const start = Buffer.concat(parts)
  const end = start.indexOf('\n', start.indexOf('\n--- ') + 1)
  if (!start.subarray(0, 22).equals(Buffer.from('age-encryption.org/v1\n')) || start.indexOf('\n--- ') < 0 || end < 0) {
    throw new PortError('backup-malformed', 'age')
  }
  return start.subarray(0, end + 1)
}

/** What an age file asks for. */
export async function sealOf({ path }: Place): Promise<BackupSeal['type']> {
  const header = Buffer.from(await headerAt(path)).toString('latin1')
  return header.includes('\n-> scrypt ') ? 'passphrase' : 'recipient'
}

/** What opens this one file and no other. Rejects as `openStream`. */
export async function fileKeyOf({ path }: Place, key: BackupKey): Promise<BackupKey> {
  const header = await headerAt(path)
  try {
    return { type: 'file', secret: new Secret(await opener(key).decryptHeader(header)) }
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
