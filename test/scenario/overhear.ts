/** Everything that this process prints, from now until `end`. */
export function overhear(): { readonly heard: () => Buffer, readonly end: () => void } {
  const chunks: Buffer[] = []
  const streams = [process.stdout, process.stderr]
  const originals = streams.map((stream) => stream.write.bind(stream))
  for (const [at, stream] of streams.entries()) {
    stream.write = ((chunk: string | Uint8Array, ...rest: readonly never[]) => {
      chunks.push(Buffer.from(chunk as Uint8Array))
      return originals[at]?.(chunk, ...rest)
    }) as typeof stream.write
  }
  return {
    heard: () => Buffer.concat(chunks),
    end: () => {
      for (const [at, stream] of streams.entries()) {
        const original = originals[at]
        if (original !== undefined) stream.write = original
      }
    },
  }
}
