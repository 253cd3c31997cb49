/** Fetching over a network that may be slow, broken or hostile: limits on time and size, and hashes. */
import { createHash } from 'node:crypto'
import { closeSync, createReadStream, fsyncSync, openSync, renameSync, rmSync, writeSync } from 'node:fs'
import { UpdateError, type UpdateFile } from './manifest.ts'

/** As of the web; by the proxy that the person chose. */
export type Load = (address: string, options: { readonly signal: AbortSignal }) => Promise<Response>

const answerMs = 30_000
/** So long no byte may come before a download is given up. */
const silenceMs = 60_000

/**
 * Fetches a few bytes.
 *
 * @throws UpdateError 'unreachable'; 'malformed' for more bytes than `limit`
 */
export async function fetchBytes(load: Load, address: string, limit: number): Promise<Uint8Array> {
  const parts: Uint8Array[] = []
  let length = 0
  await take({ load, address, limitMs: answerMs }, (part) => {
    length += part.length
    if (length > limit) throw new UpdateError('malformed')
    parts.push(part)
  })
  return Buffer.concat(parts)
}

export type Fetching = {
  readonly load: Load
  readonly address: string
  readonly file: UpdateFile
  readonly place: string
  readonly tell: (done: number) => void
  readonly stopped: AbortSignal
}

/**
 * Fetches a file to `place`, where nothing stands unless it is whole and the one that was signed.
 *
 * @throws UpdateError 'unreachable' (also where it was stopped), 'tampered', 'not-written'
 */
export async function fetchFile({ load, address, file, place, tell, stopped }: Fetching): Promise<void> {
  const beside = `${place}.${process.pid}.part`
  const hash = createHash('sha512')
  let length = 0
  const descriptor = written(() => openSync(beside, 'w', 0o600))
  try {
    await take({ load, address, limitMs: silenceMs, stopped }, (part) => {
      length += part.length
      if (length > file.size) throw new UpdateError('tampered')
      hash.update(part)
      written(() => { for (let at = 0; at < part.length;) at += writeSync(descriptor, part, at) })
      tell(length / file.size)
    })
    if (length !== file.size || hash.digest('hex') !== file.sha512) throw new UpdateError('tampered')
    written(() => { fsyncSync(descriptor) })
  } catch (error) {
    closeSync(descriptor)
    rmSync(beside, { force: true })
    throw error
  }
  closeSync(descriptor)
  written(() => { renameSync(beside, place) })
}

/** Whether the file that lies there is the one that was signed. */
export async function isIntact(place: string, { size, sha512 }: UpdateFile): Promise<boolean> {
  const hash = createHash('sha512')
  let length = 0
  try {
    for await (const part of createReadStream(place)) {
      length += (part as Buffer).length
      hash.update(part as Buffer)
    }
  } catch {
    return false
  }
  return length === size && hash.digest('hex') === sha512
}

type Taking = Pick<Fetching, 'load' | 'address'> & { readonly limitMs: number, readonly stopped?: AbortSignal }

/** Hands over what comes, part by part. `limitMs`: the longest silence. */
async function take({ load, address, limitMs, stopped }: Taking, hear: (part: Uint8Array) => void): Promise<void> {
  const abort = new AbortController()
  const signal = stopped === undefined ? abort.signal : AbortSignal.any([abort.signal, stopped])
  let timer = setTimeout(() => { abort.abort() }, limitMs)
  try {
    const response = await load(address, { signal })
    if (!response.ok || response.body === null) throw new UpdateError('unreachable')
    for await (const part of response.body) {
      clearTimeout(timer)
      timer = setTimeout(() => { abort.abort() }, limitMs)
      hear(part)
    }
  } catch (error) {
    abort.abort()
    throw error instanceof UpdateError ? error : new UpdateError('unreachable')
  } finally {
    clearTimeout(timer)
  }
}

function written<T>(write: () => T): T {
  try {
    return write()
  } catch {
    throw new UpdateError('not-written')
  }
}
