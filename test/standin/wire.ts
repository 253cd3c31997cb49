/**
 * What crosses between processes and worlds in the stand-in, as JSON: the part of structured cloning that the app
 * uses. These functions also run inside the page, so they use nothing from outside themselves.
 */

export type Wire = string | number | boolean | null | readonly Wire[] | { readonly $: string, readonly v?: Wire }

/** Like structured cloning it copies plain values and refuses the rest; `reference` may carry functions. */
export function encode(value: unknown, reference?: (value: unknown) => Wire | undefined): Wire {
  if (value === undefined) return { $: 'undefined' }
  if (value === null || typeof value === 'string' || typeof value === 'boolean') return value
  if (typeof value === 'number') return Number.isFinite(value) ? value : { $: 'number', v: String(value) }
  const carried = reference?.(value)
  if (carried !== undefined) return carried
  if (typeof value !== 'object') throw new Error('An object could not be cloned.')
  if (Array.isArray(value)) return value.map((item) => encode(item, reference))
  if (value instanceof Uint8Array) return { $: 'bytes', v: Array.from(value) }
  const fields: [string, Wire][] = Object.entries(value).map(([key, field]) => [key, encode(field, reference)])
  return { $: 'object', v: fields }
}

export function decode(wire: Wire, reference?: (kind: string, id: number) => unknown): unknown {
  if (typeof wire !== 'object' || wire === null) return wire
  if (Array.isArray(wire)) return wire.map((item: Wire) => decode(item, reference))
  const { $: kind, v: value } = wire as { $: string, v?: Wire }
  switch (kind) {
    case 'undefined': return undefined
    case 'number': return Number(value)
    case 'bytes': return Uint8Array.from(value as readonly number[])
    case 'object':
      return Object.fromEntries((value as readonly [string, Wire][]).map(([key, field]) =>
        [key, decode(field, reference)]))
    default: return reference?.(kind, Number(value))
  }
}
