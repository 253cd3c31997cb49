/**
 * The word to running apps that there is a new version: `updates.json`, and `updates.json.sig` with Ed25519 signatures of
 * it, one a line, in base64. The keys that may sign are in the app; who has the server, the network or a system's own
 * signing key alone cannot make anybody take anything.
 */
import { createPublicKey, verify } from 'node:crypto'
import type { UpdateWrong } from '../../preload/updates.ts'

export class UpdateError extends Error {
  override readonly name = 'UpdateError'
  readonly wrong: UpdateWrong
  constructor(wrong: UpdateWrong) {
    super(wrong)
    this.wrong = wrong
  }
}

/** `target`: system, processor and kind of package, as "linux-x64-AppImage". */
export type UpdateFile = {
  readonly target: string
  readonly name: string
  readonly size: number
  /** 128 hexadecimal digits. */
  readonly sha512: string
}

export type Manifest = {
  /** The version that it offers. */
  readonly app: string
  /** Milliseconds since 1970; of two manifests the later one counts. */
  readonly madeAt: number
  /** To how many of a hundred apps that look by themselves it is offered. */
  readonly rollout: number
  readonly files: readonly UpdateFile[]
}

export const manifestName = 'updates.json'
export const signatureName = 'updates.json.sig'
export const manifestLimit = 65_536
const sizeLimit = 2 ** 30
const fileLimit = 32

const format = 'coppice-updates'
const formatVersion = 1

/** What is signed is bound to this use of the key. */
export const signedBytes = (manifest: Uint8Array): Uint8Array =>
  Buffer.concat([Buffer.from(`${format} ${formatVersion}\n`), manifest])

/** RFC 8410 §4: what stands before the 32 bytes of an Ed25519 key. */
const keyHead = Buffer.from('302a300506032b6570032100', 'hex')

/** Whether one of the lines is a signature by one of the keys (32 bytes each, in base64). */
function isSigned(manifest: Uint8Array, signatures: string, keys: readonly string[]): boolean {
  const lines = signatures.split('\n').map((line) => line.trim()).filter((line) => /^[\w+/]{86}==$/.test(line)).slice(0, 8)
  return keys.some((key) => {
    const raw = Buffer.from(key, 'base64')
    if (raw.length !== 32) return false
    const publicKey = createPublicKey({ key: Buffer.concat([keyHead, raw]), format: 'der', type: 'spki' })
    return lines.some((line) => verify(undefined, signedBytes(manifest), publicKey, Buffer.from(line, 'base64')))
  })
}

/**
 * Reads the word. Nothing of it is looked at before the signature was.
 *
 * @throws UpdateError 'unsigned', 'newer' for a later form, 'malformed' for anything that breaks this one
 */
export function readManifest(bytes: Uint8Array, signatures: string, keys: readonly string[]): Manifest {
  if (!isSigned(bytes, signatures, keys)) throw new UpdateError('unsigned')
  let value: unknown
  try {
    value = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    throw new UpdateError('malformed')
  }
  const { format: named, version, app, madeAt, rollout, files } = isRecord(value) ? value : {}
  if (named !== format) throw new UpdateError('malformed')
  if (version !== formatVersion) throw new UpdateError('newer')
  if (!isVersion(app) || !isCount(madeAt, Number.MAX_SAFE_INTEGER) || !isCount(rollout, 100) || !Array.isArray(files) ||
    files.length > fileLimit || !files.every(isFile)) throw new UpdateError('malformed')
  return { app, madeAt, rollout, files }
}

/** What `readManifest` reads, for the release and the tests. */
export const writeManifest = (manifest: Manifest): Uint8Array =>
  Buffer.from(`${JSON.stringify({ format, version: formatVersion, ...manifest }, undefined, 1)}\n`)

const isRecord = (value: unknown): value is Record<string, unknown> => typeof value === 'object' && value !== null
const isCount = (value: unknown, most: number): value is number =>
  Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= most

/** A name is a name in one folder, everywhere. */
const isFile = (value: unknown): value is UpdateFile => isRecord(value) &&
  typeof value['target'] === 'string' && /^[a-z0-9]+-[a-z0-9]+-[A-Za-z]+$/.test(value['target']) &&
  typeof value['name'] === 'string' && /^[A-Za-z0-9][A-Za-z0-9._-]{0,99}$/.test(value['name']) &&
  isCount(value['size'], sizeLimit) && value['size'] > 0 &&
  typeof value['sha512'] === 'string' && /^[0-9a-f]{128}$/.test(value['sha512'])

const versionForm = /^(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,5})\.(0|[1-9]\d{0,5})(?:-([a-z]+)\.(0|[1-9]\d{0,5}))?$/
const isVersion = (value: unknown): value is string => typeof value === 'string' && versionForm.test(value)

/**
 * Whether `other` comes after `version` (Semantic Versioning 2.0.0 §11, of which this app uses `1.2.3` and `1.2.3-beta.4`).
 * A version of another form is after nothing, and nothing after it.
 */
export function isAfter(version: string, other: string): boolean {
  const [one, two] = [versionForm.exec(version), versionForm.exec(other)]
  if (one === null || two === null) return false
  for (const at of [1, 2, 3]) {
    if (one[at] !== two[at]) return Number(one[at]) < Number(two[at])
  }
  const [before, after] = [one[4], two[4]]
  if (before === undefined || after === undefined) return before !== undefined && after === undefined
  return before === after ? Number(one[5]) < Number(two[5]) : before < after
}
