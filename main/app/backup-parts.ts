import { MlsError } from '../mls/index.ts'
import {
  linesIn, readAccount, readContact, readConversation, readEntry, readName, segmentOf, segmentSize, type BackupAccount,
  type BackupContact, type BackupConversation, type BackupEntry, type BackupName, type Fields,
} from '../chat/backup.ts'
import { PortError, type BackupFile } from '../ports.ts'

/** What a backup says, part by part, to whoever wants to know or to keep it. */
export type BackupPart =
  | { readonly type: 'about', readonly madeAt: number }
  | { readonly type: 'account', readonly account: BackupAccount }
  | { readonly type: 'contacts', readonly contacts: readonly BackupContact[] }
  | { readonly type: 'conversations', readonly conversations: readonly BackupConversation[] }
  /** All of this conversation and of these thousand orders, ascending; kinds that this version does not know left out. */
  | { readonly type: 'entries', readonly conversation: string, readonly segment: number
      readonly entries: readonly BackupEntry[] }
  /** An attachment, in pieces that are read before the next part is asked for, or not at all. */
  | { readonly type: 'file', readonly hash: string, readonly size: number, readonly bytes: BackupFile['bytes'] }

/** Rejects with PortError('backup-malformed', its name) for what is no part of a backup, and as `files` does. */
export async function* partsOf(files: AsyncIterable<BackupFile>): AsyncGenerator<BackupPart> {
  for await (const file of files) {
    const name = readName(file.name)
    if (name === undefined) throw new PortError('backup-malformed', 'name')
    if (name.type === 'file') {
      yield { ...name, size: file.size, bytes: file.bytes }
      continue
    }
    const bytes = await listIn(file)
    try {
      yield partIn(name, linesIn(bytes, linesOf(name)))
    } catch (error) {
      throw error instanceof MlsError ? new PortError('backup-malformed', name.type) : error
    }
  }
}

/** How many lines a list may have: of entries one for each order, of the others what nobody reaches. */
const linesOf = ({ type }: BackupName): number => type === 'entries' ? segmentSize : 250_000

function partIn(name: Exclude<BackupName, { type: 'file' }>, lines: readonly Fields[]): BackupPart {
  switch (name.type) {
    case 'about': return { type: 'about', madeAt: madeAtIn(lines[0]) }
    case 'account': {
      const [line] = lines
      if (line === undefined || lines.length !== 1) throw new PortError('backup-malformed', 'account')
      return { type: 'account', account: readAccount(line) }
    }
    case 'contacts': return { type: 'contacts', contacts: lines.map(readContact) }
    case 'conversations': return { type: 'conversations', conversations: lines.map(readConversation) }
    case 'entries': return { ...name, entries: entriesIn(name, lines) }
  }
}

function entriesIn(
  { conversation, segment }: Extract<BackupName, { type: 'entries' }>, lines: readonly Fields[],
): readonly BackupEntry[] {
  let last = -1
  return lines.flatMap((line) => {
    const entry = readEntry(line)
    if (entry === undefined) return []
    if (entry.conversation !== conversation || segmentOf(entry.order) !== segment || entry.order <= last) {
      throw new PortError('backup-malformed', 'entries')
    }
    last = entry.order
    return [entry]
  })
}

const madeAtIn = (fields: Fields | undefined): number => {
  const madeAt = fields?.['madeAt']
  return Number.isSafeInteger(madeAt) ? madeAt as number : 0
}

/** The greatest list in a backup: a thousand messages of the greatest length stay below it. */
const listLimit = 128 * 1024 * 1024

async function listIn({ name, size, bytes }: BackupFile): Promise<Uint8Array> {
  if (size > listLimit) throw new PortError('backup-malformed', name)
  const whole = new Uint8Array(size)
  let at = 0
  for await (const piece of bytes) {
    whole.set(piece, at)
    at += piece.length
  }
  return whole
}
