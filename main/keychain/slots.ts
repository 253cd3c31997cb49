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
/** The key sealed to the public half of the recovery key, so that the 24 words open it (HPKE, RFC 9420 §5.1.3). */
export type RecoverySlot = {
  readonly type: 'recovery'
  /** 32 bytes each. */
  readonly publicKey: Uint8Array
  readonly kemOutput: Uint8Array
  /** The 32-byte key with its tag of 16. */
  readonly ciphertext: Uint8Array
}
/** `held`: the key is in the keychain. Otherwise it was taken out, until the profile is opened in another way. */
export type KeychainSlot = { readonly type: 'keychain', readonly held: boolean }
export type Slot = KeychainSlot | PassphraseSlot | RecoverySlot
export type Slots = {
  /** 16 random bytes in hexadecimal: the account in the keychain. */
  readonly profile: string
  readonly check: Uint8Array
  /** The store is still being made: without one this is a beginning that was cut off, not a loss. */
  readonly beginning: boolean
  readonly slots: readonly Slot[]
}

/** The slot of a type; there is one of each at most. */
export const slotIn = <T extends Slot['type']>({ slots }: Slots, type: T): Extract<Slot, { type: T }> | undefined =>
  slots.find((slot): slot is Extract<Slot, { type: T }> => slot.type === type)

/** With this slot in the place of the one of its type. */
export const withSlot = (slots: Slots, slot: Slot): Slots =>
  ({ ...slots, slots: [...withoutSlot(slots, slot.type).slots, slot] })

export const withoutSlot = (slots: Slots, type: Slot['type']): Slots =>
  ({ ...slots, slots: slots.slots.filter((slot) => slot.type !== type) })

/** 32 bytes that only the store's key gives, and that do not give the key. */
export const checkOf = (key: Uint8Array): Uint8Array =>
  createHmac('sha256', key).update('coppice store key check 1').digest()

export const isKeyOf = (slots: Slots, key: Uint8Array): boolean =>
  key.length === 32 && timingSafeEqual(checkOf(key), slots.check)

/**
 * Reads the slots, or their second copy where the first is gone or damaged: without them nothing opens the store.
 *
 * @returns `undefined` where there is no file
 * @throws PortError 'store-newer' for a later format, 'slots-damaged' for anything else that is not one
 */
export function readSlots(file: string): Slots | undefined {
  let damage: PortError | undefined
  for (const copy of [file, spareOf(file)]) {
    try {
      const slots = readCopy(copy)
      if (slots !== undefined) return slots
    } catch (error) {
      if (!(error instanceof PortError) || error.code !== 'slots-damaged') throw error
      damage = error
    }
  }
  if (damage !== undefined) throw damage
  return undefined
}

export const spareOf = (file: string): string => file.replace(/\.json$/, '.spare.json')

function readCopy(file: string): Slots | undefined {
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
    throw error instanceof PortError ? error : new PortError('slots-damaged')
  }
}

/**
 * Writes both copies, each beside its place and renamed, so that a crash leaves the old file or the new one. Nothing
 * takes its place before both are written: where there is no room for them, nothing has changed.
 */
export function writeSlots(file: string, { profile, check, beginning, slots }: Slots): void {
  const lines = slots.map((slot) => Object.fromEntries(Object.entries(slot).map(([name, value]) =>
    [name, value instanceof Uint8Array ? hexOf(value) : value])))
  const state = beginning ? { beginning } : {}
  const json = JSON.stringify({ version: formatVersion, profile, ...state, check: hexOf(check), slots: lines },
    undefined, 2)
  replaceBoth(file, `${json}\n`)
}

/** A crash between the two leaves a second copy with slots of before: it becomes as the first, or a lost one comes back. */
export function mendSlots(file: string, slots: Slots): void {
  const [first, second] = [file, spareOf(file)].map((copy) => {
    try {
      return readFileSync(copy, 'utf8')
    } catch {
      return undefined
    }
  })
  if (first !== undefined && first === second) return
  try {
    writeSlots(file, slots)
  } catch (error) {
    // No room: the next opening tries again.
    if (!(error instanceof PortError)) throw error
  }
}

export function removeSlots(file: string): void {
  for (const copy of [file, spareOf(file)]) {
    for (const name of [copy, besideOf(copy)]) rmSync(name, { force: true })
  }
}

const besideOf = (file: string): string => `${file}.new`

function replaceBoth(file: string, text: string): void {
  const copies = [file, spareOf(file)]
  try {
    for (const beside of copies.map(besideOf)) {
      rmSync(beside, { force: true })
      writeFileSync(beside, text, { mode: 0o600, flag: 'wx', flush: true })
    }
    for (const copy of copies) renameSync(besideOf(copy), copy)
    syncFolder(path.dirname(file))
  } catch (error) {
    for (const beside of copies.map(besideOf)) rmSync(beside, { force: true })
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
  const { version, profile, beginning = false, check, slots } = record(value)
  if (typeof version === 'number' && version > formatVersion) throw new PortError('store-newer', 'key slots')
  if (version !== formatVersion || !Array.isArray(slots)) throw new Malformed()
  const parsed = slots.map(parseSlot)
  if (new Set(parsed.map(({ type }) => type)).size !== parsed.length) throw new Malformed()
  return {
    profile: hexOf(bytesOf(profile, 16)), beginning: flagOf(beginning), check: bytesOf(check, 32), slots: parsed,
  }
}

function parseSlot(value: unknown): Slot {
  const slot = record(value)
  const bytes = (name: string, length: number): Uint8Array => bytesOf(slot[name], length)
  switch (slot['type']) {
    case 'keychain': return { type: 'keychain', held: flagOf(slot['held'] ?? true) }
    case 'passphrase': return {
      type: 'passphrase',
      memoryKiB: within(slot['memoryKiB'], mostMemoryKiB), passes: within(slot['passes'], mostPasses),
      salt: bytes('salt', 16), nonce: bytes('nonce', 12), wrapped: bytes('wrapped', 48),
    }
    case 'recovery': return {
      type: 'recovery', publicKey: bytes('publicKey', 32), kemOutput: bytes('kemOutput', 32),
      ciphertext: bytes('ciphertext', 48),
    }
    default: throw new Malformed()
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

function flagOf(value: unknown): boolean {
  if (typeof value !== 'boolean') throw new Malformed()
  return value
}
