import { backupEntry, encodeLines, type BackupEntry } from '../chat/backup.ts'
import type { PlainFormat } from '../../preload/api.ts'
import { PortError, type Segment } from '../ports.ts'
import { attachmentOf, contactsOf, conversationsOf, keptSegments, sizeOf } from './backup-files.ts'
import { chatEnd, chatStart, entryItem, pageEnd, pageStart, type PageChat } from './page-html.ts'
import type { State } from './state.ts'
import { turn } from './tasks.ts'

/** What anybody can read who gets it: JSON Lines, or one page. One chat, or everything that a backup has. */

export type PlainExport = { readonly expectedBytes: number, readonly pieces: () => AsyncGenerator<Uint8Array> }

/** `conversation` empty: all. Throws PortError('unknown-conversation') for one that no backup has. */
export function plainExport(
  state: State, { conversation, format }: { readonly conversation: string, readonly format: PlainFormat },
): PlainExport {
  const segments = keptSegments(state).filter((one) => conversation === '' || one.conversation === conversation)
  if (conversation !== '' && !conversationsOf(state).some(({ id }) => id === conversation)) {
    throw new PortError('unknown-conversation')
  }
  const ids = conversation === '' ? conversationsOf(state).map(({ id }) => id) : [conversation]
  // Base64 makes four of three.
  const expectedBytes = Math.ceil(format === 'html' ? 1.4 * sizeOf(state, segments) : segments.reduce((sum, { size }) => sum + size, 0))
  return { expectedBytes, pieces: () => format === 'html' ? page(state, ids, segments) : lines(state, ids, segments) }
}

const titleOf = (state: State, id: string): string => {
  const room = state.rooms.get(id)?.room
  return room === undefined ? '' : room.kind === 'direct' ? state.nameOf(room.peer) : room.name
}

async function* entriesIn(state: State, segment: Segment): AsyncGenerator<BackupEntry> {
  for (const stored of state.store.entriesIn(segment.conversation, segment.segment)) {
    const entry = backupEntry(stored)
    if (entry !== undefined) yield entry
  }
  await turn(state.ports)
}

async function* page(state: State, ids: readonly string[], segments: readonly Segment[]): AsyncGenerator<Uint8Array> {
  const chats = ids.map((id): PageChat => ({ id, title: titleOf(state, id) }))
  const title = chats.length === 1 ? chats[0]?.title ?? '' : state.account.name
  yield await pageStart(state.self.suite, { title, chats, madeAt: state.ports.now() })
  const known = { nameOf: state.nameOf, attachment: (hash: string) => attachmentOf(state, hash) }
  for (const chat of chats) {
    yield chatStart(chat)
    for (const segment of segments.filter(({ conversation }) => conversation === chat.id)) {
      for await (const entry of entriesIn(state, segment)) yield* entryItem(entry, known)
    }
    yield chatEnd()
  }
  yield pageEnd()
}

/** As in a backup (docs/backup-format.md), each line saying of what kind it is. */
async function* lines(state: State, ids: readonly string[], segments: readonly Segment[]): AsyncGenerator<Uint8Array> {
  const { account, self } = state
  const conversations = conversationsOf(state).filter(({ id }) => ids.includes(id))
  const people = new Set(conversations.flatMap((one) => [one.peer, ...one.people]))
  yield encodeLines([
    { type: 'account', accountId: self.accountId, name: account.name },
    ...contactsOf(state).filter(({ accountId }) => people.has(accountId) || ids.length !== 1)
      .map(({ accountId, name }) => ({ type: 'contact', accountId, name })),
    ...conversations.map(({ id, kind, name, peer, people: members }) => ({ type: 'conversation', id, kind, name, peer, people: members })),
  ])
  for (const segment of segments) {
    const some: object[] = []
    for await (const entry of entriesIn(state, segment)) some.push({ type: 'entry', ...entry })
    if (some.length > 0) yield encodeLines(some)
  }
}
