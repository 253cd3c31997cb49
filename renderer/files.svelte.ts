/** Files on their way from the window to the main process, and pictures on their way back. */
import { SvelteMap } from 'svelte/reactivity'
import {
  fileBytesLimit, filePieceBytes, filesLimit, type Answer, type ArgumentOf, type Attachment, type CallName, type ErrorCode,
  type ResultOf,
} from '../preload/api.ts'
import { filesWords } from './i18n/files.ts'

type Ask = <N extends CallName>(name: N, argument: ArgumentOf<N>) => Promise<Answer<ResultOf<N>>>

const pictureTypes: ReadonlySet<string> = new Set(['image/png', 'image/jpeg', 'image/gif', 'image/webp'])

/** Larger ones are files like any other: a picture of little size may be of very many pixels. */
const shownBytes = 20 * 1024 * 1024
const shownPixels = 50_000_000

/** Is it shown as a picture? Of one that is here, its type was judged by its content. */
export const isPicture = ({ mediaType, size, width = 0, height = 0 }: Attachment): boolean =>
  pictureTypes.has(mediaType) && size <= shownBytes && width > 0 && height > 0 && width * height <= shownPixels

/** A file beside the composer. */
type TrayItem = {
  readonly id: number
  readonly name: string
  readonly size: number
  /** Of a picture: what the window shows of it. */
  readonly picture: string | undefined
  /** How much of it the main process has, in bytes. */
  readonly done: number
  /** Known to the main process by this, when all of it is there. */
  readonly attachment: string | undefined
  /** Why it cannot be sent. */
  readonly code: ErrorCode | undefined
}

/** What waits beside the composer of one conversation. */
export class Tray {
  items = $state.raw<readonly TrayItem[]>([])
  isReady = $derived(this.items.length > 0 && this.items.every(({ attachment }) => attachment !== undefined))
  readonly #ask: Ask
  #next = 0

  constructor(ask: Ask) {
    this.#ask = ask
  }

  /** Says why not all of them were taken, if that is so. */
  add(files: readonly File[]): ErrorCode | undefined {
    const taken = files.slice(0, filesLimit - this.items.length)
    for (const file of taken) {
      const id = this.#next++
      const picture = pictureTypes.has(file.type) && file.size <= shownBytes ? URL.createObjectURL(file) : undefined
      const code: ErrorCode | undefined = file.size > fileBytesLimit ? 'file-too-large' : undefined
      const item: TrayItem = { id, name: file.name, size: file.size, picture, done: 0, attachment: undefined, code }
      this.items = [...this.items, item]
      if (code === undefined) void this.#bring(id, file)
    }
    return taken.length < files.length ? 'files-too-many' : undefined
  }

  /** What a message has that did not go out. */
  async again(entry: string, { hash, name, size }: Attachment): Promise<ErrorCode | undefined> {
    if (this.items.length >= filesLimit) return 'files-too-many'
    const answer = await this.#ask('attachment.again', { entry, hash })
    if (!answer.ok) return answer.code
    const { attachment } = answer.value
    const item = { id: this.#next++, name, size, picture: undefined, done: size, attachment, code: undefined }
    this.items = [...this.items, item]
    return undefined
  }

  remove(id: number): void {
    const item = this.items.find((each) => each.id === id)
    if (item === undefined) return
    this.items = this.items.filter((each) => each !== item)
    if (item.picture !== undefined) URL.revokeObjectURL(item.picture)
    if (item.attachment !== undefined) void this.#ask('attachment.drop', { attachment: item.attachment })
  }

  /** Everything in it was sent, or the profile is closed. */
  clear(): void {
    for (const { picture } of this.items) if (picture !== undefined) URL.revokeObjectURL(picture)
    this.items = []
  }

  #change(id: number, changes: Partial<TrayItem>): void {
    this.items = this.items.map((each) => each.id === id ? { ...each, ...changes } : each)
  }

  async #bring(id: number, file: File): Promise<void> {
    const begun = await this.#ask('attachment.begin', { name: file.name.slice(0, 1000), mediaType: file.type.slice(0, 100), size: file.size })
    if (!begun.ok) {
      this.#change(id, { code: begun.code })
      return
    }
    const { attachment } = begun.value
    const code = await this.#pieces(id, file, attachment)
    // Taken away meanwhile, or it cannot be sent: nothing of it stays.
    const isThere = this.items.some((each) => each.id === id)
    if (code === undefined && isThere) this.#change(id, { attachment, done: file.size })
    else void this.#ask('attachment.drop', { attachment })
    if (code !== undefined) this.#change(id, { code })
  }

  async #pieces(id: number, file: File, attachment: string): Promise<ErrorCode | undefined> {
    for (let piece = 0; piece === 0 || piece * filePieceBytes < file.size; piece += 1) {
      if (!this.items.some((each) => each.id === id)) return undefined
      const bytes = await bytesOf(file.slice(piece * filePieceBytes, (piece + 1) * filePieceBytes))
      if (bytes === undefined) return 'file-unreadable'
      const answer = await this.#ask('attachment.add', { attachment, piece, bytes })
      if (!answer.ok) return answer.code
      this.#change(id, { done: Math.min(file.size, (piece + 1) * filePieceBytes) })
    }
    const ended = await this.#ask('attachment.end', { attachment })
    return ended.ok ? undefined : ended.code
  }
}

/** `undefined` for a file that is gone, or a folder. */
async function bytesOf(part: Blob): Promise<Uint8Array | undefined> {
  try {
    return new Uint8Array(await part.arrayBuffer())
  } catch {
    return undefined
  }
}

/** How many pictures are kept in the window. */
const keptPictures = 60

/** Pictures by hash, as addresses that only this window knows. */
export class Pictures {
  readonly #ask: Ask
  readonly #kept = new Map<string, Promise<string | undefined>>()

  constructor(ask: Ask) {
    this.#ask = ask
  }

  /** `undefined` where it cannot be read. */
  of(attachment: Attachment): Promise<string | undefined> {
    const known = this.#kept.get(attachment.hash)
    this.#kept.delete(attachment.hash)
    const address = known ?? this.#read(attachment)
    this.#kept.set(attachment.hash, address)
    for (const [hash, oldest] of this.#kept) {
      if (this.#kept.size <= keptPictures) break
      this.#kept.delete(hash)
      void oldest.then(revoke)
    }
    return address
  }

  async #read({ hash, size, mediaType }: Attachment): Promise<string | undefined> {
    const parts: Uint8Array<ArrayBuffer>[] = []
    for (let piece = 0; piece * filePieceBytes < size; piece += 1) {
      const answer = await this.#ask('attachment.read', { hash, piece })
      if (!answer.ok) {
        this.#kept.delete(hash)
        return undefined
      }
      parts.push(new Uint8Array(answer.value))
    }
    return URL.createObjectURL(new Blob(parts, { type: mediaType }))
  }

  clear(): void {
    for (const address of this.#kept.values()) void address.then(revoke)
    this.#kept.clear()
  }
}

const revoke = (address: string | undefined): void => { if (address !== undefined) URL.revokeObjectURL(address) }

/** Asks the system's dialogue where, and says how it went. */
export async function saveAttachment(
  app: { readonly ask: Ask, readonly tell: (text: string) => void, readonly tellCode: (code: ErrorCode) => void },
  spot: ArgumentOf<'attachment.save'>,
): Promise<void> {
  const answer = await app.ask('attachment.save', spot)
  if (!answer.ok) app.tellCode(answer.code)
  else if (answer.value.saved) app.tell(filesWords.saved)
}

/** All that the window holds of files; nothing of it stays when the profile is closed or locked. */
export class Files {
  readonly pictures: Pictures
  /** How far attachments have come that are on their way, by entry and hash. */
  readonly progress = new SvelteMap<string, { readonly done: number, readonly of: number }>()
  /** The picture that is looked at, and the entry that it is of. */
  viewed = $state.raw<{ readonly entry: string, readonly attachment: Attachment }>()
  readonly #trays = new Map<string, Tray>()
  readonly #ask: Ask

  constructor(ask: Ask) {
    this.#ask = ask
    this.pictures = new Pictures(ask)
  }

  tray(conversation: string): Tray {
    const tray = this.#trays.get(conversation) ?? new Tray(this.#ask)
    this.#trays.set(conversation, tray)
    return tray
  }

  /** Messages are gone: no picture of theirs stays in the window, nor in its memory. */
  forget(entries: readonly string[]): void {
    if (entries.length === 0) return
    if (this.viewed !== undefined && entries.includes(this.viewed.entry)) this.viewed = undefined
    this.pictures.clear()
  }

  clear(): void {
    this.viewed = undefined
    this.pictures.clear()
    this.progress.clear()
    for (const tray of this.#trays.values()) tray.clear()
    this.#trays.clear()
  }
}
