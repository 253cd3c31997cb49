import { PortError } from '../ports.ts'

/** The greatest record, in bytes. */
export const maxRecordBytes = 4 * 1024 * 1024
const namePattern = /^[a-z0-9.-]{1,100}$/

/** @throws PortError 'bad-argument' for a name that not every adapter could carry */
export function checkName(name: string): void {
  if (!namePattern.test(name)) throw new PortError('bad-argument', 'name of a log or slot')
}

/** @throws PortError 'too-large', with the size as detail */
export function checkSize(bytes: Uint8Array): void {
  if (bytes.length > maxRecordBytes) throw new PortError('too-large', String(bytes.length))
}
