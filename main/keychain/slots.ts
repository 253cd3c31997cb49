/**
 * The file of key slots beside a store: which ways lead to its key, and a check value that tells the right key. JSON,
 * because people and later versions must be able to see which slots there are; nothing in it is secret by itself.
 */
import { createHmac, timingSafeEqual } from 'node:crypto'
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { PortError } from '../ports.ts'

const formatVersion = 1
/** What a changed file could make this machine spend on a guess. */
const mostMemoryKiB = 1024 * 1024
const mostPasses = 16

export type PassphraseSlot = {
  readonly type: 'passphrase'
  readonly memoryKiB: number
  readonly passes: number
  /** 16 bytes. */
  readonly salt: Uint8Array
  /** 12 bytes. */
  readonly nonce: Uint8Array
  /** The 32-byte key under AES-256-GCM, with its tag of 16. */
  readonly wrapped: Uint8Array
}
export type Slot = { readonly type: 'keychain' } | PassphraseSlot
export type Slots = {
  /** 16 random bytes in hexadecimal: the account in the keychain. */
  readonly profile: string
  readonly check: Uint8Array
  readonly slots: readonly Slot[]
}

/** 32 bytes that only the store's key gives, and that do not give the key. */
export const checkOf = (key: Uint8Array): Uint8Array =>
  createHmac('sha256', key).update('coppice store key check 1').digest()

export const isKeyOf = (slots: Slots, key: Uint8Array): boolean =>
  key.length === 32 && timingSafeEqual(checkOf(key), slots.check)

/**
 * @returns `undefined` where there is no file
 * @throws PortError 'store-newer' for a later format, 'store-damaged' for anything else that is not one
 */
export function readSlots(file: string): Slots | undefined {
  let text: string
  try {
    text = readFileSync(file, 'utf8')
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw asPortError(error)
  }
  try {
    return parse(JSON.parse(text))
  } catch (error) {
    throw error instanceof PortError ? error : new PortError('store-damaged', 'key slots')
  }
}

/** Writes beside and renames, so that a crash leaves the old file or the new one. */
export function writeSlots(file: string, { profile, check, slots }: Slots): void {
  const lines = slots.map((slot) => slot.type === 'keychain' ? slot : {
    ...slot, salt: hexOf(slot.salt), nonce: hexOf(slot.nonce), wrapped: hexOf(slot.wrapped),
  })
  const json = JSON.stringify({ version: formatVersion, profile, check: hexOf(check), slots: lines }, undefined, 2)
  const beside = `${file}.new`
  try {
    rmSync(beside, { force: true })
    writeFileSync(beside, `${json}\n`, { mode: 0o600, flag: 'wx', flush: true })
    renameSync(beside, file)
    syncFolder(path.dirname(file))
  } catch (error) {
    rmSync(beside, { force: true })
    throw asPortError(error)
  }
}

/** The new name is durable only with its folder; Windows cannot open one. */
function syncFolder(folder: string): void {
  if (process.platform === 'win32') return
  const descriptor = openSync(folder, 'r')
  fsyncSync(descriptor)
  closeSync(descriptor)
}

function asPortError(error: unknown): unknown {
  if (!(error instanceof Error) || !('code' in error)) return error
  switch (error.code) {
    case 'ENOSPC': case 'EDQUOT': return new PortError('store-full', error.code)
    case 'EACCES': case 'EPERM': case 'EROFS': return new PortError('store-read-only', error.code)
  }
  return error
}

const hexOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('hex')

class Malformed extends Error {}

function parse(value: unknown): Slots {
  const { version, profile, check, slots } = record(value)
  if (typeof version === 'number' && version > formatVersion) throw new PortError('store-newer', 'key slots')
  if (version !== formatVersion || !Array.isArray(slots) || slots.length > 16) throw new Malformed()
  return { profile: hexOf(bytesOf(profile, 16)), check: bytesOf(check, 32), slots: slots.map(parseSlot) }
}

function parseSlot(value: unknown): Slot {
  const { type, memoryKiB, passes, salt, nonce, wrapped } = record(value)
  if (type === 'keychain') return { type }
  if (type !== 'passphrase') throw new Malformed()
  return {
    type, memoryKiB: within(memoryKiB, mostMemoryKiB), passes: within(passes, mostPasses),
    salt: bytesOf(salt, 16), nonce: bytesOf(nonce, 12), wrapped: bytesOf(wrapped, 48),
  }
}

function record(value: unknown): Readonly<Record<string, unknown>> {
  if (typeof value !== 'object' || value === null) throw new Malformed()
  return value as Record<string, unknown>
}

function bytesOf(value: unknown, length: number): Uint8Array {
  if (typeof value !== 'string' || !/^[0-9a-f]*$/.test(value) || value.length !== 2 * length) throw new Malformed()
  return Buffer.from(value, 'hex')
}

function within(value: unknown, most: number): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < 1 || value > most) throw new Malformed()
  return value
}
