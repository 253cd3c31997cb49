/** What the fixtures of the released format hold (fixtures/, made by make-fixtures.ts), and what opens them. */
import path from 'node:path'
import type { BackupAccount, BackupContact, BackupConversation, BackupEntry } from '../../main/chat/backup.ts'
import type { Place } from '../../main/ports.ts'

export const fixturesFolder = path.join(import.meta.dirname, 'fixtures')
export const fixture = (name: string): Place => {
  const at = path.join(fixturesFolder, name)
  return { token: at, path: at }
}

export const passphrase = 'a heron by the river, at dawn'
/** Of the seed of 32 zeros. */
export const words = `${'abandon '.repeat(23)}art`

const anna = 'aa'.repeat(32)
const ben = 'bb'.repeat(32)
const cleo = 'cc'.repeat(32)
const direct = '1d'.repeat(16)
const group = '2e'.repeat(16)
export const madeAt = Date.UTC(2026, 10, 26)

export const account: BackupAccount = { accountId: anna, name: 'Anna', createdAt: madeAt - 9_000_000 }
export const contacts: readonly BackupContact[] = [
  { accountId: ben, name: 'Ben 🦦', own: true, trust: 'verified', at: madeAt - 8_000_000, byInvite: true },
  { accountId: cleo, name: 'Cleo', own: false, trust: 'changed', at: madeAt - 7_000_000, byInvite: false, why: 'recovery' },
]
export const conversations: readonly BackupConversation[] = [
  {
    id: direct, groupId: '3f'.repeat(16), log: direct, kind: 'direct', name: '', peer: ben, open: true, people: [anna, ben],
    helpers: [{ accountId: ben, deviceId: '4a'.repeat(16) }], at: madeAt - 1_000, readUpTo: 2, draft: 'half a wo', muted: false,
    pinned: true, archived: false,
  },
  {
    id: group, groupId: '', log: '5b'.repeat(16), kind: 'group', name: 'River', peer: '', open: false, people: [anna, ben, cleo],
    helpers: [], at: madeAt - 2_000, readUpTo: 1_001, draft: '', muted: true, pinned: false, archived: true,
  },
]

export const attachment = Buffer.from('%PDF-1.4 the plan of the garden\n')
export const attachmentHash = 'abfa3fb6e0f3957a1399c9367b4b1806886d4cfdd8c66aee086ea9f62dee09d2'

const base = (conversation: string, order: number) =>
  ({ id: `${conversation.slice(0, 2)}${String(order).padStart(62, '0')}`, conversation, order, at: madeAt - 100_000 + order })
const message = (conversation: string, order: number, from: string, text: string): Extract<BackupEntry, { kind: 'message' }> => ({
  ...base(conversation, order), kind: 'message', from, own: from === anna, text, state: from === anna ? 'delivered' : 'received',
  deliveredTo: from === anna ? 1 : 0, people: 2, devices: 3,
})

/** Two conversations; of the second, orders of two files. Every kind of entry, and some of the facts. */
export const entries: readonly BackupEntry[] = [
  { ...base(direct, 1), kind: 'fact', devices: 2, fact: { fact: 'accepted', who: ben } },
  message(direct, 2, anna, 'the gate code has changed'),
  { ...message(direct, 3, ben, 'thank you ☕'), attachments: [
    { hash: attachmentHash, name: 'plan.pdf', mediaType: 'application/pdf', size: attachment.length },
    { hash: '9c'.repeat(32), name: 'never fetched.png', mediaType: 'image/png', size: 4_000_000, width: 4_000, height: 3_000 },
  ] },
  { ...base(group, 998), kind: 'fact', devices: 4, fact: { fact: 'added', by: anna, who: [ben, cleo] } },
  { ...base(group, 999), kind: 'gap', reason: 'lost', count: 3, from: cleo },
  { ...base(group, 1_000), kind: 'fact', devices: 4, fact: { fact: 'linked', who: cleo, device: 'a ThinkPad' } },
  message(group, 1_001, cleo, 'who waters the oak?'),
]
