import { leavesOf } from '../mls/index.ts'
import { accountOf } from '../chat/account-of.ts'
import {
  backupEntry, encodeLines, entriesName, fileName, readName, type BackupAccount, type BackupContact,
  type BackupConversation, type BackupEntry,
} from '../chat/backup.ts'
import type { RoomState } from '../chat/room.ts'
import { deviceIdOf } from '../identity/credential.ts'
import { PortError, type BackupFile, type Segment } from '../ports.ts'
import type { State } from './state.ts'
import { strangersOf } from './strangers.ts'
import { turn } from './tasks.ts'

/** What goes into a backup; how it is sealed and stored is the archive's. */

/** Conversations that a backup holds: what nobody accepted is a stranger's, and the own group is not for people. */
export const isKept = ({ room }: RoomState): boolean =>
  room.kind !== 'self' && room.state !== 'request' && room.state !== 'creating'

const keptRooms = (state: State): readonly RoomState[] =>
  [...state.rooms.values()].filter(isKept).sort((a, b) => a.room.id < b.room.id ? -1 : 1)

/** The parts of timelines that a backup holds, in the order of their names. */
export function keptSegments(state: State): readonly Segment[] {
  const kept = new Set(keptRooms(state).map(({ room }) => room.id))
  return state.store.segments().filter(({ conversation }) => kept.has(conversation))
}

/** About how many bytes that will be. */
export const sizeOf = (state: State, segments: readonly Segment[]): number =>
  segments.reduce((sum, { size }) => sum + size, 0) + state.store.attachmentBytes()

/** What comes before all timelines. */
export function listsOf(state: State): readonly BackupFile[] {
  const { account, ports, self } = state
  return [
    list('about.json', [{ format: 'coppice-backup', version: 1, app: ports.version, madeAt: ports.now() }]),
    list('account.jsonl', [{
      accountId: self.accountId, name: account.name, createdAt: Number(account.createdAt),
    } satisfies BackupAccount]),
    list('contacts.jsonl', contactsOf(state)),
    list('conversations.jsonl', conversationsOf(state)),
  ]
}

function list(name: string, values: readonly object[]): BackupFile {
  const bytes = encodeLines(values)
  return { name, size: bytes.length, bytes: [bytes] }
}

export function contactsOf(state: State): readonly BackupContact[] {
  const strangers = strangersOf(state)
  return [...state.contacts.values()]
    .filter(({ accountId }) => !strangers.has(accountId))
    .map(({ accountId, name, own }) => {
      const record = state.trust.get(accountId)
      return {
        accountId, name, own, trust: record?.trust ?? 'new', at: record?.at ?? 0, byInvite: record?.byInvite ?? false,
        ...record?.why === undefined ? {} : { why: record.why },
      }
    })
}

const helperLimit = 10

export const conversationsOf = (state: State): readonly BackupConversation[] =>
  keptRooms(state).map((room) => conversationOf(room, state.self.deviceId))

function conversationOf({ room, group, members }: RoomState, ownDevice: string): BackupConversation {
  const helpers = group === undefined ? room.helpers : leavesOf(group.tree)
    .map(({ leafNode }) => ({ accountId: accountOf(leafNode), deviceId: deviceIdOf(leafNode.credential) }))
    .filter(({ deviceId }) => deviceId !== ownDevice).slice(0, helperLimit)
  const { id, groupId, log, kind, peer, at, readUpTo, draft, muted, pinned, archived } = room
  return {
    id, groupId, log, kind: kind === 'direct' ? 'direct' : 'group', name: kind === 'group' ? room.name : '', peer,
    open: room.state === 'active' && !room.leaving, people: members.map(({ accountId }) => accountId), helpers, at,
    readUpTo, draft, muted, pinned, archived,
  }
}

/** The entries of one part as a backup keeps them, and the attachments that they name. */
export function entriesOf(state: State, { conversation, segment }: Pick<Segment, 'conversation' | 'segment'>) {
  const entries = state.store.entriesIn(conversation, segment).flatMap((entry) => backupEntry(entry) ?? [])
  return { bytes: encodeLines(entries), files: attachmentsIn(entries) }
}

export const attachmentsIn = (entries: readonly BackupEntry[]): readonly string[] =>
  [...new Set(entries.flatMap((entry) => entry.attachments ?? []).map(({ hash }) => hash))]

/** The part of that name. */
export function entriesNamed(state: State, name: string): ReturnType<typeof entriesOf> {
  const read = readName(name)
  if (read?.type !== 'entries') throw new PortError('bug', 'backup name')
  return entriesOf(state, read)
}

/** The bytes of an attachment, where all of it is here. It may be deleted while it is read: PortError('backup-changed'). */
export function attachmentOf(state: State, hash: string): Pick<BackupFile, 'size' | 'bytes'> | undefined {
  const attachment = state.store.attachment(hash)
  if (attachment === undefined) return undefined
  const bytes = (async function* () {
    for (let at = 0; at < attachment.pieces; at += 1) {
      const piece = state.store.piece(hash, at)
      if (piece === undefined) throw new PortError('backup-changed')
      yield piece
      await turn(state.ports)
    }
  })()
  return { size: attachment.size, bytes }
}

/** The files of a backup, in the order of their names. */
export async function* backupFiles(state: State, segments: readonly Segment[]): AsyncGenerator<BackupFile> {
  yield* listsOf(state)
  const named = new Set<string>()
  for (const segment of segments) {
    const { bytes, files } = entriesOf(state, segment)
    for (const hash of files) named.add(hash)
    yield { name: entriesName(segment.conversation, segment.segment), size: bytes.length, bytes: [bytes] }
    await turn(state.ports)
  }
  for (const hash of [...named].sort()) {
    const attachment = attachmentOf(state, hash)
    if (attachment !== undefined) yield { name: fileName(hash), ...attachment }
  }
}
