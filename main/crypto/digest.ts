import { createHash } from 'node:crypto'

/** SHA-256 of what comes in parts, for the port of that name. */
export function sha256Digest(): { readonly update: (bytes: Uint8Array) => void, readonly end: () => Uint8Array } {
  const hash = createHash('sha256')
  return { update: (bytes) => { hash.update(bytes) }, end: () => new Uint8Array(hash.digest()) }
}
