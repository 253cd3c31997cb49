import type Database from 'better-sqlite3'
import { createCipheriv, createDecipheriv, createSecretKey, randomBytes } from 'node:crypto'

/** A value as it lies in its table: unreadable without the row `keyNumber` of `keys`, which dies with it. */
export type Sealed = { readonly keyNumber: number, readonly sealed: Uint8Array }

export type Seal = (value: Uint8Array) => Sealed

const cipher = 'aes-256-ctr'
// A key object costs a third of what bytes do, which Node tries as another kind of key first.
// Each key seals one value once, so the counter may begin at zero.
const counter = Buffer.alloc(16)

/**
 * Gives the function that seals a value under a fresh key of its own. The layer is there to be destroyed (see
 * schema/0001.sql); that nobody reads or changes the file is the whole file's encryption.
 */
export function prepareSeal(database: Database.Database): Seal {
  const free = database.prepare<[], number>('SELECT number FROM keys WHERE used = 0 LIMIT 1').pluck()
  const reuse = database.prepare<[Uint8Array, number]>('UPDATE keys SET used = 1, key = ? WHERE number = ?')
  const grow = database.prepare<[Uint8Array]>('INSERT INTO keys (used, key) VALUES (1, ?)')
  return (value) => {
    const key = randomBytes(32)
    const sealed = createCipheriv(cipher, createSecretKey(key), counter).update(value)
    let keyNumber = free.get()
    if (keyNumber === undefined) keyNumber = Number(grow.run(key).lastInsertRowid)
    else reuse.run(key, keyNumber)
    key.fill(0)
    return { keyNumber, sealed }
  }
}

/** The value again, in memory of its own: a Buffer would share it in `slice`, against what Uint8Array says. */
export function unseal({ key, sealed }: { readonly key: Uint8Array, readonly sealed: Uint8Array }): Uint8Array {
  const value = createDecipheriv(cipher, createSecretKey(key), counter).update(sealed)
  key.fill(0)
  return new Uint8Array(value.buffer, value.byteOffset, value.length)
}
