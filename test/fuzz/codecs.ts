import { readdirSync } from 'node:fs'
import path from 'node:path'
import type { Codec } from '../../main/mls/codec.ts'
import { framedContentAuthData, privateMessageContent } from '../../main/mls/wire/framing.ts'

/** A format of the project: for the wire, for storage, or for what the messenger puts into messages. */
export type Format = { readonly name: string, readonly codec: Codec<unknown> }

const root = path.join(import.meta.dirname, '../..')

const isCodec = (value: unknown): value is Codec<unknown> =>
  typeof value === 'object' && value !== null && 'write' in value && typeof value.write === 'function'
  && 'read' in value && typeof value.read === 'function'

/** Every codec that a file of these folders exports: none can be forgotten. */
async function exportedBy(...folders: readonly string[]): Promise<readonly Format[]> {
  const found = new Map<Codec<unknown>, Format>()
  for (const folder of folders) {
    const files = readdirSync(path.join(root, folder), { recursive: true, encoding: 'utf8' })
    for (const file of files.filter((name) => name.endsWith('.ts') && !name.endsWith('.d.ts')).sort()) {
      const exported = await import(path.join(root, folder, file)) as Readonly<Record<string, unknown>>
      for (const [name, value] of Object.entries(exported)) add(found, value, `${folder}/${file} ${name}`)
    }
  }
  return [...found.values()]
}

/** A codec, or an object of codecs. */
function add(found: Map<Codec<unknown>, Format>, value: unknown, name: string): void {
  if (isCodec(value)) {
    if (!found.has(value)) found.set(value, { name, codec: value })
    return
  }
  if (typeof value !== 'object' || value === null || Object.getPrototypeOf(value) !== Object.prototype) return
  for (const [key, each] of Object.entries(value)) if (isCodec(each)) add(found, each, `${name}.${key}`)
}

/** Codecs that are made for a content type. */
const parametric: readonly Format[] = (['application', 'proposal', 'commit'] as const).flatMap((type) => [
  { name: `main/mls/wire/framing.ts framedContentAuthData(${type})`, codec: framedContentAuthData(type) },
  { name: `main/mls/wire/framing.ts privateMessageContent(${type})`, codec: privateMessageContent(type) },
] as readonly Format[])

export const formats: readonly Format[] =
  [...await exportedBy('main/mls', 'main/identity', 'main/chat', 'main/pairing'), ...parametric]
