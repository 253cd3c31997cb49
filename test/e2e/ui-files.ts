/** Files for the window to look at: pictures that are painted, and what the scripted bridge answers about them. */
import { createHash, randomUUID } from 'node:crypto'
import type { ArgumentOf, Attachment, CallName, ResultOf, StagedFile } from '../../preload/api.ts'
import { pngOf } from '../chat/pictures.ts'

/** Hills before an evening sky. */
const hills = (width: number, height: number): Buffer => pngOf({
  width, height,
  pixel: (x, y) => {
    const ridge = height * (0.62 + 0.12 * Math.sin(x / width * 7) + 0.05 * Math.sin(x / width * 23))
    const near = height * (0.78 + 0.08 * Math.sin(x / width * 4 + 2))
    if (y > near) return [34, 78, 52]
    if (y > ridge) return [74, 122, 92]
    const t = y / ridge
    return [Math.round(246 - 40 * (1 - t)), Math.round(196 + 20 * (1 - t)), Math.round(150 + 80 * (1 - t))]
  },
})

const painted = new Map<string, Buffer>()

/** A picture that can be read by its hash. */
export function picture(name: string, width: number, height: number, more: Partial<Attachment> = {}): Attachment {
  const bytes = hills(width, height)
  const hash = createHash('sha256').update(bytes).digest('hex')
  painted.set(hash, bytes)
  return { hash, name, mediaType: 'image/png', size: bytes.length, width, height, state: 'here', ...more }
}

export const file = (name: string, size: number, more: Partial<Attachment> = {}): Attachment => ({
  hash: createHash('sha256').update(name).digest('hex'), name, mediaType: 'application/pdf', size, state: 'here', ...more,
})

/** What the main process would do with files. */
export class ScriptedFiles {
  readonly #staged = new Map<string, { readonly begun: ArgumentOf<'attachment.begin'>, readonly parts: Uint8Array[] }>()

  answer(name: CallName, argument: never): unknown {
    const of = <N extends CallName>(_name: N): ArgumentOf<N> => argument
    const value = <N extends CallName>(_name: N, result: ResultOf<N>): unknown => result
    switch (name) {
      case 'attachment.begin': {
        const attachment = randomUUID().replaceAll('-', '')
        this.#staged.set(attachment, { begun: of(name), parts: [] })
        return value(name, { attachment })
      }
      case 'attachment.add': this.#staged.get(of(name).attachment)?.parts.push(of(name).bytes); return undefined
      case 'attachment.end': return value(name, this.#end(of(name).attachment))
      case 'attachment.drop': this.#staged.delete(of(name).attachment); return undefined
      case 'attachment.again': {
        const attachment = randomUUID().replaceAll('-', '')
        const told = { name: 'Oak.png', mediaType: 'image/png', size: 1 }
        this.#staged.set(attachment, { begun: told, parts: [] })
        return value(name, { attachment, file: { ...told, hash: of(name).hash } })
      }
      case 'attachment.read': return value<'attachment.read'>(name, new Uint8Array(painted.get(of(name).hash) ?? []))
      case 'attachment.save': return value(name, { saved: true })
      case 'attachment.send': case 'attachment.fetch': case 'attachment.stop': return undefined
      default: throw new Error(`the script has no answer to ${name}`)
    }
  }

  #end(attachment: string): StagedFile {
    const { begun, parts } = this.#staged.get(attachment) ?? {}
    if (begun === undefined || parts === undefined) throw new Error('nothing was begun')
    const bytes = Buffer.concat(parts)
    return { ...begun, size: bytes.length, hash: createHash('sha256').update(bytes).digest('hex') }
  }
}
