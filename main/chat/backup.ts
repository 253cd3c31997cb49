import { MlsError } from '../mls/index.ts'
import type { ChangeReason, Entry, Fact, GapReason, MessageState, Trust } from '../../preload/api.ts'
import type { StoredEntry } from '../ports.ts'
import type { TrustRecord } from './documents.ts'
import type { Helper } from './recovery.ts'
import { tellEntry } from './room.ts'

/**
 * What a backup says, as lines of JSON (docs/backup-format.md): one object on each line. Reading is strict: a line may
 * come from anybody who could make a file that this person opens.
 */

/** A person. `own`: the name is their own word. The rest is what this person knows of them, as documents.ts keeps it. */
export type BackupContact = { readonly accountId: string, readonly name: string, readonly own: boolean } &
  Omit<TrustRecord, 'version' | 'accountId' | 'seen'>

/** A conversation, and by whom a new device would be let back into it. */
export type BackupConversation = {
  /** The conversation and the name of its logs, 32 hexadecimal digits each. `groupId`: of the group it is now, or empty. */
  readonly id: string
  readonly groupId: string
  readonly log: string
  readonly kind: 'direct' | 'group'
  /** Of a group its name; of a direct chat empty. */
  readonly name: string
  /** The other account of a direct chat; of a group empty. */
  readonly peer: string
  /** It was open when the backup was made. */
  readonly open: boolean
  readonly people: readonly string[]
  readonly helpers: readonly Helper[]
  readonly at: number
  readonly readUpTo: number
  readonly draft: string
  readonly muted: boolean
  readonly pinned: boolean
  readonly archived: boolean
}

export type BackupAccount = { readonly accountId: string, readonly name: string, readonly createdAt: number }

/** A file that a message names; its bytes are in the backup as `files/<hash>` where the device had them. */
export type BackupAttachment = {
  readonly hash: string, readonly name: string, readonly mediaType: string, readonly size: number
  readonly width?: number, readonly height?: number
}

type Without<T, K extends string> = T extends unknown ? Omit<T, K> : never
/** One fact of a timeline, as the window sees it; of attachments not whether they are here. */
export type BackupEntry = Without<Entry, 'attachments' | 'imported'> & { readonly attachments?: readonly BackupAttachment[] }

// ---------------------------------------------------------------- the names of its files

/**
 * Entries stand in files by their conversation and by orders: a thousand in each, whether all of them are there or not.
 * So what is new touches few files, and the same content always makes the same file.
 */
export const segmentSize = 1_000
export const segmentOf = (order: number): number => Math.floor(order / segmentSize)
export const entriesName = (conversation: string, segment: number): string =>
  `entries/${conversation}/${String(segment).padStart(10, '0')}.jsonl`
export const fileName = (hash: string): string => `files/${hash}`

export type BackupName =
  | { readonly type: 'about' | 'account' | 'contacts' | 'conversations' }
  | { readonly type: 'entries', readonly conversation: string, readonly segment: number }
  | { readonly type: 'file', readonly hash: string }

/** `undefined` for a name that no file of a backup has. */
export function readName(name: string): BackupName | undefined {
  if (name === 'about.json') return { type: 'about' }
  const list = /^(account|contacts|conversations)\.jsonl$/.exec(name)?.[1]
  if (list !== undefined) return { type: list as 'account' | 'contacts' | 'conversations' }
  const [, conversation, segment] = /^entries\/([0-9a-f]{32})\/([0-9]{10})\.jsonl$/.exec(name) ?? []
  if (conversation !== undefined) return { type: 'entries', conversation, segment: Number(segment) }
  const hash = /^files\/([0-9a-f]{64})$/.exec(name)?.[1]
  return hash === undefined ? undefined : { type: 'file', hash }
}

const text = new TextEncoder()

/** Lines as bytes. */
export const encodeLines = (values: readonly object[]): Uint8Array =>
  text.encode(values.map((value) => `${JSON.stringify(value)}\n`).join(''))

/** The lines of a file. Throws `MlsError('malformed')` for bytes that are no whole lines of JSON objects, or too many. */
export function linesIn(bytes: Uint8Array, limit: number): readonly Fields[] {
  if (bytes.length === 0) return []
  let count = 0
  for (let at = bytes.indexOf(0x0a); at >= 0 && count <= limit; at = bytes.indexOf(0x0a, at + 1)) count += 1
  if (count > limit) throw malformed('too many lines')
  if (bytes.at(-1) !== 0x0a) throw malformed('a line without an end')
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes).slice(0, -1).split('\n').map((line) => fieldsOf(JSON.parse(line)))
  } catch (error) {
    throw error instanceof MlsError ? error : malformed('a line that is no JSON')
  }
}

export type Fields = Readonly<Record<string, unknown>>
const malformed = (what: string): MlsError => new MlsError('malformed', `a backup with ${what}`)

function fieldsOf(value: unknown): Fields {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) throw malformed('a line that is no object')
  return value as Fields
}

// ---------------------------------------------------------------- reading single values

const string = (fields: Fields, name: string, limit = 400): string => {
  const value = fields[name]
  if (typeof value !== 'string' || value.length > limit) throw malformed(`no ${name}`)
  return value
}
const matching = (fields: Fields, name: string, form: RegExp): string => {
  const value = string(fields, name)
  if (!form.test(value)) throw malformed(`a wrong ${name}`)
  return value
}
const whole = (fields: Fields, name: string): number => {
  const value = fields[name]
  if (!Number.isSafeInteger(value) || (value as number) < 0) throw malformed(`no ${name}`)
  return value as number
}
const flag = (fields: Fields, name: string): boolean => {
  const value = fields[name]
  if (typeof value !== 'boolean') throw malformed(`no ${name}`)
  return value
}
const oneOf = <T extends string>(fields: Fields, name: string, values: Readonly<Record<T, true>>): T => {
  const value = string(fields, name)
  if (!Object.hasOwn(values, value)) throw malformed(`an unknown ${name}`)
  return value as T
}
const list = (fields: Fields, name: string): readonly unknown[] => {
  const value = fields[name]
  if (!Array.isArray(value) || value.length > 10_000) throw malformed(`no ${name}`)
  return value
}

const id16 = /^[0-9a-f]{32}$/
const id32 = /^[0-9a-f]{64}$/
const maybeId16 = /^(?:[0-9a-f]{32})?$/
const maybeId32 = /^(?:[0-9a-f]{64})?$/

// ---------------------------------------------------------------- reading lines

/** All of these throw `MlsError('malformed')`. Fields that they do not know are ignored. */
export const readAccount = (fields: Fields): BackupAccount => ({
  accountId: matching(fields, 'accountId', id32), name: string(fields, 'name'), createdAt: whole(fields, 'createdAt'),
})

export const readContact = (fields: Fields): BackupContact => ({
  accountId: matching(fields, 'accountId', id32), name: string(fields, 'name'), own: flag(fields, 'own'),
  trust: oneOf(fields, 'trust', trusts), at: whole(fields, 'at'), byInvite: flag(fields, 'byInvite'),
  ...fields['why'] === undefined ? {} : { why: oneOf(fields, 'why', reasons) },
})
const trusts: Readonly<Record<Trust, true>> = { new: true, verified: true, changed: true }
const reasons: Readonly<Record<ChangeReason, true>> =
  { recovery: true, equivocation: true, split: true, certificate: true, replaced: true }

export const readConversation = (fields: Fields): BackupConversation => ({
  id: matching(fields, 'id', id16), groupId: matching(fields, 'groupId', maybeId16), log: matching(fields, 'log', id16),
  kind: oneOf(fields, 'kind', { direct: true, group: true }), name: string(fields, 'name'),
  peer: matching(fields, 'peer', maybeId32), open: flag(fields, 'open'),
  people: list(fields, 'people').map((value) => matching({ value }, 'value', id32)),
  helpers: list(fields, 'helpers').map((value) => {
    const helper = fieldsOf(value)
    return { accountId: matching(helper, 'accountId', id32), deviceId: matching(helper, 'deviceId', id16) }
  }),
  at: whole(fields, 'at'), readUpTo: whole(fields, 'readUpTo'), draft: string(fields, 'draft', textLimit),
  muted: flag(fields, 'muted'), pinned: flag(fields, 'pinned'), archived: flag(fields, 'archived'),
})

const states: Readonly<Record<MessageState, true>> =
  { sending: true, sent: true, delivered: true, failed: true, received: true }
const gaps: Readonly<Record<GapReason, true>> = {
  'before-joined': true, 'epoch-too-old': true, lost: true, away: true, malformed: true, undecided: true, damaged: true,
}
const textLimit = 80_000

/** `undefined` for a kind of entry that this version does not know. */
export function readEntry(fields: Fields): BackupEntry | undefined {
  const base = {
    id: string(fields, 'id'), conversation: matching(fields, 'conversation', id16), order: whole(fields, 'order'),
    at: whole(fields, 'at'),
  }
  switch (fields['kind']) {
    case 'message': return {
      ...base, kind: 'message', from: matching(fields, 'from', id32), own: flag(fields, 'own'),
      text: string(fields, 'text', textLimit), state: oneOf(fields, 'state', states),
      deliveredTo: whole(fields, 'deliveredTo'), people: whole(fields, 'people'), devices: whole(fields, 'devices'),
      ...fields['attachments'] === undefined ? {} : { attachments: list(fields, 'attachments').map(readAttachment) },
    }
    case 'gap': return {
      ...base, kind: 'gap', reason: oneOf(fields, 'reason', gaps), count: whole(fields, 'count'),
      ...fields['from'] === undefined ? {} : { from: matching(fields, 'from', id32) },
      ...fields['rule'] === undefined ? {} : { rule: string(fields, 'rule') },
    }
    case 'fact': {
      const fact = readFact(fieldsOf(fields['fact']))
      return fact === undefined ? undefined : { ...base, kind: 'fact', fact, devices: whole(fields, 'devices') }
    }
    default: return undefined
  }
}

function readAttachment(value: unknown): BackupAttachment {
  const fields = fieldsOf(value)
  const side = (name: 'width' | 'height') => fields[name] === undefined ? {} : { [name]: whole(fields, name) }
  return {
    hash: matching(fields, 'hash', id32), name: string(fields, 'name'), mediaType: string(fields, 'mediaType'),
    size: whole(fields, 'size'), ...side('width'), ...side('height'),
  }
}

type Field = 'person' | 'people' | 'text' | 'flag' | 'count' | 'why'
type Says<F extends Fact['fact']> =
  { readonly [K in Exclude<keyof Extract<Fact, { readonly fact: F }>, 'fact'>]-?: Field | readonly [Field] }
/** What each fact says; in brackets what it need not say. */
const facts: { readonly [F in Fact['fact']]: Says<F> } = {
  created: { by: 'person' },
  joined: { by: 'person' },
  added: { by: 'person', who: 'people' },
  removed: { by: 'person', who: 'people' },
  left: { who: 'person' },
  renamed: { by: 'person', name: 'text' },
  accepted: { who: 'person' },
  returned: { by: 'person', who: 'person', device: ['text'] },
  dropped: { by: 'person', who: 'person', absent: 'flag' },
  moved: { by: 'person' },
  continued: { by: 'person', without: ['person'] },
  linked: { who: 'person', device: 'text', deviceId: ['text'] },
  revoked: { by: 'person', who: 'person', device: 'text' },
  closed: { who: 'person' },
  deleted: { who: 'person' },
  timer: { by: 'person', seconds: 'count' },
  changed: { who: 'person', why: 'why' },
}

function readFact(fields: Fields): Fact | undefined {
  const fact = string(fields, 'fact')
  if (!Object.hasOwn(facts, fact)) return undefined
  const says = Object.entries<Field | readonly [Field]>(facts[fact as Fact['fact']]).flatMap(([name, field]) => {
    if (typeof field !== 'string' && fields[name] === undefined) return []
    return [[name, readField(fields, name, typeof field === 'string' ? field : field[0])] as const]
  })
  return { fact, ...Object.fromEntries(says) } as Fact
}

function readField(fields: Fields, name: string, kind: Field): unknown {
  switch (kind) {
    case 'person': return matching(fields, name, id32)
    case 'people': return list(fields, name).map((value) => matching({ value }, 'value', id32))
    case 'text': return string(fields, name)
    case 'flag': return flag(fields, name)
    case 'count': return whole(fields, name)
    case 'why': return oneOf(fields, name, reasons)
  }
}

/**
 * An entry as a backup keeps it: without what only this device's bookkeeping needs. `undefined`: it is not kept, because
 * it is to be gone one day.
 */
export function backupEntry(stored: StoredEntry): BackupEntry | undefined {
  if (stored.kind === 'message' && stored.expiresAt !== undefined) return undefined
  const { imported: _, ...entry } = tellEntry(stored)
  if (entry.kind !== 'message') return entry
  const { attachments, ...message } = entry
  return attachments === undefined ? message : {
    ...message, attachments: attachments.map(({ state: __, why: ___, ...attachment }) => attachment),
  }
}
