/** A backup of a person's profile, made from what their store holds. */
import assert from 'node:assert/strict'
import path from 'node:path'
import { archive } from '../../main/archive/archive.ts'
import { backupEntry, encodeLines, entriesName, fileName, type BackupEntry } from '../../main/chat/backup.ts'
import { contactDocument, membersDocument, roomDocument, trustDocument } from '../../main/chat/documents.ts'
import type { BackupFile, BackupSeal } from '../../main/ports.ts'
import type { Restore } from '../../preload/api.ts'
import { accountOn } from './devices.ts'
import { until, type Person } from './world.ts'

const list = (name: string, values: readonly object[]): BackupFile => {
  const bytes = encodeLines(values)
  return { name, size: bytes.length, bytes: [bytes] }
}

function* filesOf(person: Person, accountId: string): Generator<BackupFile> {
  const { store } = person
  assert.ok(store !== undefined)
  const rooms = store.documents('room').map(({ bytes }) => roomDocument.decode(bytes))
    .filter(({ kind, state }) => kind !== 'self' && state !== 'request')
  const account = accountOn(person)
  yield list('about.json', [{ format: 'coppice-backup', version: 1, app: '0', madeAt: person.now() }])
  yield list('account.jsonl', [{ accountId, name: account.name, createdAt: Number(account.createdAt) }])
  yield list('contacts.jsonl', store.documents('contact').map(({ bytes }) => {
    const { accountId: id, name, own } = contactDocument.decode(bytes)
    const trust = store.document('trust', id)
    const { trust: judged = 'new', at = 0, byInvite = false } = trust === undefined ? {} : trustDocument.decode(trust)
    return { accountId: id, name, own, trust: judged, at, byInvite }
  }))
  yield list('conversations.jsonl', rooms.map((room) => {
    const people = store.document('people', room.id)
    const { id, groupId, log, kind, name, peer, at, readUpTo, draft, muted, pinned, archived, state } = room
    return {
      id, groupId, log, kind, name, peer, open: state === 'active', helpers: [], at, readUpTo, draft, muted, pinned, archived,
      people: people === undefined ? [] : membersDocument.decode(people).members.map((one) => one.accountId),
    }
  }))
  const kept = new Set(rooms.map(({ id }) => id))
  const named = new Set<string>()
  for (const { conversation, segment } of store.segments()) {
    if (!kept.has(conversation)) continue
    const entries: readonly BackupEntry[] = store.entriesIn(conversation, segment).flatMap((one) => backupEntry(one) ?? [])
    for (const { hash } of entries.flatMap((entry) => entry.attachments ?? [])) named.add(hash)
    yield list(entriesName(conversation, segment), entries)
  }
  for (const hash of [...named].sort()) {
    const attachment = store.attachment(hash)
    if (attachment === undefined) continue
    const pieces = Array.from({ length: attachment.pieces }, (_, piece) => store.piece(hash, piece) ?? new Uint8Array(0))
    yield { name: fileName(hash), size: attachment.size, bytes: pieces }
  }
}

/** Gives where it lies. */
export async function backupOf(person: Person, seal: BackupSeal): Promise<string> {
  const place = { token: '', path: path.join(person.folder, `${person.name}.age`) }
  const { phase } = await person.call('app.open', {})
  assert.ok(phase.at === 'ready')
  const { accountId } = phase.me
  const files = (async function* () {
    for (const file of filesOf(person, accountId)) yield await Promise.resolve(file)
  })()
  await archive.write(place, { seal, files, expectedBytes: 0, cancelled: () => false, progress: () => undefined })
  return place.path
}

/** Waits until work on a backup has ended, and gives what it came to. */
export const ended = (person: Person, limitMs = 60_000): Promise<Restore> => until(`${person.name}'s work on a backup ends`, async () => {
  const { restore } = await person.call('app.open', {})
  return restore !== undefined && 'done' in restore ? undefined : restore
}, limitMs)
