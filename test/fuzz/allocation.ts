// How many bytes of arrays were asked for: what a collector has taken away again counts as well.

let total = 0

/** Bytes of Uint8Arrays since `countAllocations`; always 0 before. */
export const allocated = (): number => total

/** Counts in this thread from now on what `new Uint8Array(n)`, its static makers and `slice` ask for. */
export function countAllocations(): void {
  const { prototype } = Uint8Array
  const slice = prototype.slice
  prototype.slice = function (this: Uint8Array, start = 0, end = this.length) {
    const from = start < 0 ? Math.max(0, this.length + start) : start
    const to = end < 0 ? this.length + end : Math.min(this.length, end)
    total += Math.max(0, to - from)
    return slice.call(this, start, end)
  }
  globalThis.Uint8Array = new Proxy(Uint8Array, {
    construct: (target, args: readonly unknown[], made) => {
      const [first] = args
      if (typeof first === 'number') total += first
      else if (Array.isArray(first)) total += first.length
      return Reflect.construct(target, args, made) as object
    },
  })
}
