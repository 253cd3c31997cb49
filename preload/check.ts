/** Argument checks for the table of Calls (api.ts), and what declares one. This file imports nothing. */

/** Says whether a value from the window is a `T`; unknown keys and foreign prototypes are refused. */
export type Check<T> = (value: unknown) => value is T

/** Text of at most `max` UTF-16 units, at least `min`. */
export const text = (max: number, min = 0): Check<string> =>
  (value): value is string => typeof value === 'string' && value.length >= min && value.length <= max
/** An identifier: 32 or 64 lower-case hexadecimal digits. */
export const id: Check<string> = (value): value is string =>
  typeof value === 'string' && /^(?:[0-9a-f]{32}|[0-9a-f]{64})$/.test(value)
export const bytes = (max: number): Check<Uint8Array> =>
  (value): value is Uint8Array => value instanceof Uint8Array && value.length <= max
export const flag: Check<boolean> = (value): value is boolean => typeof value === 'boolean'
/** A whole number between `min` and `max`, inclusive. */
export const count = (min: number, max: number): Check<number> =>
  (value): value is number => Number.isSafeInteger(value) && (value as number) >= min && (value as number) <= max
/** One of these values. */
export const oneOf = <const T>(values: readonly T[]): Check<T> =>
  (value): value is T => (values as readonly unknown[]).includes(value)
export const list = <T>(of: Check<T>, max: number): Check<readonly T[]> =>
  (value): value is readonly T[] => Array.isArray(value) && value.length <= max && value.every((item) => of(item))

export type Fields = Readonly<Record<string, Check<unknown>>>
export type Checked<F extends Fields> = { readonly [K in keyof F]: F[K] extends Check<infer T> ? T : never }

/** An object with exactly these fields. */
export const object = <F extends Fields>(fields: F): Check<Checked<F>> => (value): value is Checked<F> => {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false
  const prototype: unknown = Object.getPrototypeOf(value)
  // A structured clone arrives with the plain prototype of the receiving world.
  if (prototype !== null && prototype !== Object.prototype) return false
  const keys = Object.keys(value)
  if (keys.length !== Object.keys(fields).length) return false
  return Object.entries(fields).every(([key, check]) =>
    Object.hasOwn(value, key) && check((value as Record<string, unknown>)[key]))
}

export type Call<A, R> = { readonly check: Check<A>, readonly result?: R }
/** Declares one Call: argument fields with their checks; `returns<R>()` gives the result's type. */
export const call = <F extends Fields>(fields: F) => ({
  returns: <R>(): Call<Checked<F>, R> => ({ check: object(fields) }),
})
