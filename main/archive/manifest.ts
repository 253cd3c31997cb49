import { PortError } from '../ports.ts'

/** What a backup says of itself: at its beginning what it is, at its end what is in it. */

export const aboutName = 'about.json'
/** Behind all other names of a backup, which come in ascending order. */
export const manifestName = 'manifest.json'
export const backupFormat = 'coppice-backup'
export const backupVersion = 1

/** `sha256`: lower-case hexadecimal. */
export type Listed = { readonly name: string, readonly size: number, readonly sha256: string }

export const jsonBytes = (value: unknown): Uint8Array => new TextEncoder().encode(JSON.stringify(value))

/** Throws PortError('backup-malformed'). */
export function parsed(bytes: Uint8Array): unknown {
  try {
    return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes))
  } catch {
    throw new PortError('backup-malformed', 'json')
  }
}

export const fieldsOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value) ? value as Readonly<Record<string, unknown>> : {}

/** Throws PortError('backup-newer') for a later format, 'backup-malformed' for something else than a backup. */
export function checkAbout(name: string, bytes: Uint8Array): void {
  const { format, version } = fieldsOf(name === aboutName ? parsed(bytes) : undefined)
  if (format !== backupFormat || !Number.isSafeInteger(version)) throw new PortError('backup-malformed', 'about')
  if (version !== backupVersion) throw new PortError('backup-newer', String(version))
}

export const isListed = (value: unknown): value is Listed => {
  const { name, size, sha256 } = fieldsOf(value)
  return typeof name === 'string' && Number.isSafeInteger(size) && typeof sha256 === 'string'
}

export const Manifest = {
  encode: (files: readonly Listed[]): Uint8Array => jsonBytes({ files }),
  /** Throws PortError('backup-malformed'). */
  decode: (bytes: Uint8Array): readonly Listed[] => {
    const { files } = fieldsOf(parsed(bytes))
    if (!Array.isArray(files) || !files.every(isListed)) throw new PortError('backup-malformed', 'manifest')
    return files
  },
}
