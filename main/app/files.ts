import { fetchDocument, uploadDocument, type Upload } from '../chat/documents.ts'
import type { Suite } from '../mls/index.ts'
import { toHex } from '../mls/index.ts'
import { comesByItself } from '../chat/said.ts'
import type { RoomStep } from '../chat/room.ts'
import type { Attachment, AttachmentFailure, StagedFile } from '../../preload/api.ts'
import type { Store, StoredEntry } from '../ports.ts'
import type { Documents } from './stored-rooms.ts'

/** Attachments on their way: which ones go out, which come in, and which wait beside the composer. */

/** An attachment of an entry, by its place in it. */
export type Spot = { readonly entry: string, readonly index: number }
export const spotKey = ({ entry, index }: Spot): string => `${entry}.${index}`
const spotOf = (key: string): Spot => {
  const dot = key.lastIndexOf('.')
  return { entry: key.slice(0, dot), index: Number(key.slice(dot + 1)) }
}

export type Message = Extract<StoredEntry, { readonly kind: 'message' }>
/** An attachment with all that is known of it. */
export type Known = Spot & { readonly message: Message, readonly attachment: Attachment
  readonly place: { readonly blob: string, readonly key: string } }

/** What an entry has at that place; `undefined` where it, or its entry, is gone. */
export function attachmentAt(store: Pick<Store, 'entry'>, { entry, index }: Spot): Known | undefined {
  const message = store.entry(entry)
  if (message?.kind !== 'message') return undefined
  const [attachment, place] = [message.attachments?.[index], message.blobs?.[index]]
  return attachment === undefined || place === undefined ? undefined : { entry, index, message, attachment, place }
}

/** The message with that attachment in another state; `why` is for one that is gone. */
export const withState = (message: Message, index: number, state: Attachment['state'], why?: AttachmentFailure): Message => ({
  ...message, attachments: message.attachments?.map(({ why: before, ...one }, at) => {
    const told = at === index ? why : before
    return { ...one, ...at === index ? { state } : {}, ...told === undefined ? {} : { why: told } }
  }) ?? [],
})

/** The name under which the pieces of one are kept that is not whole yet: of nothing but its entry, so that no other sender can mix in. */
export const partialName = (suite: Suite, key: string): string => toHex(suite.hash(new TextEncoder().encode(`part ${key}`)))

/** What was chosen to be sent (staging.ts): its `name` in the store until its hash is known. */
export type Staged = {
  readonly name: string
  readonly told: Pick<StagedFile, 'name' | 'mediaType' | 'size'>
  readonly pieces: number
  /** When all of it is here. */
  readonly file?: StagedFile
}

/** What a transaction means for attachments, to be stored with it. */
export type FilesStep = {
  readonly documents: Documents, readonly removedAttachments: readonly string[], readonly entries: readonly StoredEntry[]
  readonly then: readonly (() => void)[]
}

export class Files {
  readonly #store: Store
  readonly #suite: Suite
  /** By `spotKey`, as all of these. */
  readonly uploads = new Map<string, Upload>()
  readonly fetches = new Map<string, Spot>()
  /** Which are asked for among the own devices, and since when; of this process alone. */
  readonly asked = new Map<string, number>()
  /** What was chosen and is not sent yet, by token. */
  readonly staged = new Map<string, Staged>()
  /** Set by whoever moves them. */
  wake: (() => void) | undefined

  constructor(store: Store, suite: Suite) {
    this.#store = store
    this.#suite = suite
    for (const { key, bytes } of store.documents('upload')) this.uploads.set(key, uploadDocument.decode(bytes))
    for (const { key } of store.documents('fetch')) this.fetches.set(key, spotOf(key))
  }

  /** What is on its way under that key, unless it is gone. */
  known(key: string): Known | undefined {
    return attachmentAt(this.#store, spotOf(key))
  }

  /** A message whose attachments are not all on the log yet does not go out. */
  isUploading(entry: string): boolean {
    return [...this.uploads].some(([key, { why }]) => why === 'send' && spotOf(key).entry === entry)
  }

  /** Under which names pieces are kept that are not whole yet. */
  partialNames(): ReadonlySet<string> {
    return new Set([...this.fetches.keys()].map((key) => partialName(this.#suite, key)))
  }

  clear(): void {
    for (const kept of [this.uploads, this.fetches, this.asked, this.staged]) kept.clear()
    this.wake = undefined
  }

  /** What changed entries begin and end, what begins when a request is accepted, and what goes with its entry. */
  follow(change: {
    readonly entries: readonly StoredEntry[], readonly removed: readonly string[], readonly removedRooms: readonly string[]
    readonly accepted: readonly RoomStep[]
  }): FilesStep {
    const step = { documents: [] as Documents, removedAttachments: [] as string[], then: [] as (() => void)[] }
    const welcome = change.accepted.flatMap(({ state }) => this.#offered(state.room.id))
    for (const entry of [...change.entries, ...welcome]) if (entry.kind === 'message') this.#followEntry(entry, step)
    const removed = new Set(change.removed)
    const rooms = new Set(change.removedRooms)
    const isGone = (entry: string): boolean =>
      removed.has(entry) || (rooms.size > 0 && rooms.has(this.#store.entry(entry)?.conversation ?? ''))
    for (const key of removed.size + rooms.size === 0 ? [] : [...this.uploads.keys(), ...this.fetches.keys()]) {
      if (!isGone(spotOf(key).entry)) continue
      this.#dropUpload(key, step)
      this.#dropFetch(key, step)
    }
    return { ...step, entries: welcome }
  }

  #followEntry(message: Message, step: Growing): void {
    const { attachments = [], own, state } = message
    if (attachments.length === 0) return
    const before = this.#store.entry(message.id)
    const begins = own && state === 'sending' && !(before?.kind === 'message' && before.state === 'sending')
    for (const [index, attachment] of attachments.entries()) {
      const key = spotKey({ entry: message.id, index })
      if (attachment.state === 'coming') this.#putFetch(key, step)
      else this.#dropFetch(key, step)
      if (begins) this.#putUpload(key, { version: 1, why: 'send', done: 0 }, step)
      else if (state !== 'sending' && this.uploads.get(key)?.why === 'send') this.#dropUpload(key, step)
    }
  }

  /** Pictures of somebody who was just accepted. */
  #offered(conversation: string): readonly StoredEntry[] {
    return this.#store.entriesBefore(conversation, 0, welcomed).flatMap((entry) => {
      if (entry.kind !== 'message' || entry.attachments?.some((one) => isWaiting(one)) !== true) return []
      return [{ ...entry, attachments: entry.attachments.map((one) => isWaiting(one) ? { ...one, state: 'coming' as const } : one) }]
    })
  }

  #putUpload(key: string, upload: Upload, { documents, then }: Growing): void {
    documents.push({ kind: 'upload', key, bytes: uploadDocument.encode(upload) })
    then.push(() => { this.uploads.set(key, upload); this.wake?.() })
  }

  #dropUpload(key: string, { documents, then }: Growing): void {
    if (!this.uploads.has(key)) return
    documents.push({ kind: 'upload', key, bytes: undefined })
    then.push(() => { this.uploads.delete(key) })
  }

  #putFetch(key: string, { documents, then }: Growing): void {
    if (this.fetches.has(key)) return
    documents.push({ kind: 'fetch', key, bytes: fetchDocument.encode({ version: 1 }) })
    then.push(() => { this.fetches.set(key, spotOf(key)); this.wake?.() })
  }

  #dropFetch(key: string, { documents, removedAttachments, then }: Growing): void {
    if (!this.fetches.has(key)) return
    documents.push({ kind: 'fetch', key, bytes: undefined })
    removedAttachments.push(partialName(this.#suite, key))
    then.push(() => { this.fetches.delete(key); this.asked.delete(key) })
  }

  /** How an upload stands from now on; nothing: it is done. */
  uploadStep(key: string, upload: Upload | undefined): Pick<FilesStep, 'documents' | 'then'> {
    const step = { documents: [] as Documents, removedAttachments: [], then: [] as (() => void)[] }
    if (upload === undefined) this.#dropUpload(key, step)
    else this.#putUpload(key, upload, step)
    return step
  }

  /** A fetch whose entry is gone. */
  fetchOver(key: string): Pick<FilesStep, 'documents' | 'then' | 'removedAttachments'> {
    const step = { documents: [] as Documents, removedAttachments: [] as string[], then: [] as (() => void)[] }
    this.#dropFetch(key, step)
    return step
  }
}

type Growing = { readonly documents: Documents, readonly removedAttachments: string[], readonly then: (() => void)[] }

/** How many messages of a request are looked at for pictures. */
const welcomed = 200
const isWaiting = (one: Attachment): boolean => one.state === 'offered' && comesByItself(one)
