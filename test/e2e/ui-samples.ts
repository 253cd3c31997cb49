/** Conversations to look at: the people and chats of the drawings, and a few that are hard to come by otherwise. */
import { createHash } from 'node:crypto'
import type { Conversation, Details, Entry, Link, MadeInvite, Me, OwnDevice, Person, ShellState, TreeNode } from '../../preload/api.ts'

/** The moment at which the samples are seen: a Wednesday, 12:06 UTC. */
export const now = Date.UTC(2026, 2, 11, 12, 6)
export const minuteMs = 60_000
export const hourMs = 60 * minuteMs
export const dayMs = 24 * hourMs
/** Today at an hour and minute (UTC). */
export const today = (hour: number, minute: number): number => Date.UTC(2026, 2, 11, hour, minute)

/** A stable identifier of 64 digits for a name. */
export const idOf = (name: string): string => createHash('sha256').update(name).digest('hex')

export const me: Me = {
  accountId: idOf('Robin'), name: 'Robin', deviceName: 'ThinkPad', recovery: 'confirmed',
  lock: { passphrase: true, keychain: true, afterMinutes: 0 },
}

export const person = (name: string, more: Partial<Person> = {}): Person => ({
  accountId: idOf(name), name, own: name === me.name, admin: false, devices: 1, healedAt: now - 2 * hourMs,
  trust: 'new', byInvite: false, ...more,
})

const self = person(me.name, { admin: true, devices: 2, healedAt: today(9, 40) })

export const conversation = (title: string, more: Partial<Conversation> = {}): Conversation => {
  const kind = more.kind ?? 'direct'
  const two = [person(title, { devices: 2 }), self].sort((one, other) => one.name < other.name ? -1 : 1)
  const people = more.people ?? two
  return {
    id: idOf(`conversation ${title}`), kind, state: 'active', title,
    ringsOf: kind === 'direct' ? idOf(title) : idOf(`conversation ${title}`),
    people, devices: people.reduce((sum, { devices }) => sum + devices, 0),
    absent: [],
    mayAdd: kind === 'group', mayRemove: kind === 'group', mayRename: kind === 'group', timer: 0, mayTime: true,
    unread: 0, draft: '', muted: false, pinned: false, archived: false, at: now - dayMs, epochAt: today(9, 12), healedAt: today(9, 40), ...more,
  }
}

let made = 0
const base = (chat: Conversation, at: number): { id: string, conversation: string, order: number, at: number } => {
  made++
  return { id: idOf(`entry ${String(made)}`).slice(0, 32), conversation: chat.id, order: made, at }
}

type MessageEntry = Extract<Entry, { kind: 'message' }>

export const message = (
  chat: Conversation, from: string, text: string, more: Partial<MessageEntry> = {},
): MessageEntry => ({
  ...base(chat, more.at ?? now), kind: 'message', from: idOf(from), own: from === me.name, text,
  state: from === me.name ? 'delivered' : 'received', deliveredTo: chat.people.length - 1, people: chat.people.length,
  devices: chat.devices, ...more,
})

export const fact = (chat: Conversation, at: number, what: Extract<Entry, { kind: 'fact' }>['fact']): Entry =>
  ({ ...base(chat, at), kind: 'fact', fact: what, devices: chat.devices })

export const gap = (
  chat: Conversation, at: number,
  what: Omit<Extract<Entry, { kind: 'gap' }>, 'id' | 'conversation' | 'order' | 'at' | 'kind'>,
): Entry => ({ ...base(chat, at), kind: 'gap', ...what })

const last = (from: string, text: string, at: number): NonNullable<Conversation['last']> =>
  ({ at, text, from: idOf(from), own: from === me.name })

const riverPeople = [
  person('Jonas', { devices: 2, healedAt: now - 3 * dayMs, trust: 'verified' }), person('Kim', { healedAt: 0 }),
  person('Mara', { devices: 3, trust: 'verified', admin: true }), person('Oda'), self,
]

/** The group of the drawings, with every kind of entry. */
export const river = conversation('River garden', {
  kind: 'group', people: riverPeople, unread: 3, at: today(12, 4),
  last: last('Mara', 'the gate code changed', today(12, 4)),
})

export const riverEntries: readonly Entry[] = [
  fact(river, today(8, 58) - dayMs, { fact: 'created', by: idOf('Mara') }),
  message(river, 'Mara', 'Seeds are in. Beans along the wall, the tall ones behind.', { at: today(18, 20) - dayMs }),
  message(river, 'Robin', 'Lovely. I water on Friday.', { at: today(18, 31) - dayMs }),
  fact(river, today(9, 12), { fact: 'added', by: idOf('Mara'), who: [idOf('Kim')] }),
  message(river, 'Mara', 'The delivery comes on Thursday, between eight and ten. Someone should be at the gate.', {
    at: today(9, 31),
  }),
  message(river, 'Mara', 'I can do it until nine.', { at: today(9, 31) }),
  message(river, 'Robin', 'I take nine to ten then.', { at: today(9, 40) }),
  gap(river, today(9, 58), { reason: 'lost', count: 2, from: idOf('Jonas') }),
  message(river, 'Jonas', 'Thank you both 🌱 I bring the keys.', { at: today(10, 2) }),
  message(river, 'Robin', 'See you at the gate.', { at: today(10, 5), state: 'sent', deliveredTo: 2 }),
  message(river, 'Mara', 'The gate code changed, see the note at the shed.', { at: today(12, 3) }),
  message(river, 'Kim', 'Got it. `soil.pdf` is in the files as well.', { at: today(12, 4) }),
  message(river, 'Kim', 'And the compost is there.', { at: today(12, 4) }),
]

export const family = conversation('Family', {
  kind: 'group', at: today(11, 58), people: [person('Ana', { admin: true }), person('Leo', { devices: 2 }), self],
  last: last('Robin', 'On my way', today(11, 58)),
})
export const council = conversation('Works council', {
  kind: 'group', unread: 12, at: today(11, 20), mayAdd: false, mayRemove: false, mayRename: false,
  people: [person('Kim', { admin: true }), person('Sam'), person('Robin')],
  last: last('Kim', 'The minutes of Monday are ready, please have a look before noon', today(11, 20)),
})
export const jonas = conversation('Jonas', {
  at: today(10, 41), last: last('Jonas', 'Saturday works', today(10, 41)),
  people: [person('Jonas', { devices: 2, trust: 'verified' }), self],
})
export const bike = conversation('Bike repair', {
  kind: 'group', draft: 'shall we meet at the workshop?', at: today(16, 0) - dayMs, people: [person('Sam'), self],
  last: last('Sam', 'The spokes arrived', today(16, 0) - dayMs),
})
export const choir = conversation('Choir', {
  kind: 'group', state: 'left', at: today(19, 5) - dayMs, people: [person('Oda'), person('Sam')],
  last: last('Oda', 'From the second page, please', today(19, 5) - dayMs),
})
export const legal = conversation('Lena Hartmann', {
  state: 'request', at: today(15, 30) - 2 * dayMs, request: { from: idOf('Lena Hartmann'), byInvite: true },
})
export const books = conversation('Book club', {
  kind: 'group', state: 'request', at: today(10, 0) - 3 * dayMs, request: { from: idOf('Oda'), byInvite: false },
  people: [person('Oda', { admin: true }), person('Sam'), self],
})
export const old = conversation('Ana', {
  at: today(10, 0) - 40 * dayMs, last: last('Ana', 'See you there', today(10, 0) - 40 * dayMs),
})

export const sampleConversations = [river, family, council, jonas, bike, choir, legal, books, old]

const familyEntries: readonly Entry[] = [
  fact(family, today(9, 0), { fact: 'created', by: me.accountId }),
  message(family, 'Ana', 'Who is home for dinner?', { at: today(11, 40) }),
  message(family, 'Leo', 'Me! And I am very hungry.', { at: today(11, 42) }),
  message(family, 'Robin', 'On my way', { at: today(11, 58), state: 'failed' }),
  message(family, 'Robin', 'Are you there?', { at: today(11, 59), state: 'sending', deliveredTo: 0 }),
]

export const sampleEntries: readonly Entry[] = [
  ...riverEntries, ...familyEntries,
  ...[
    'Did you see the heron?', 'It stood at the weir the whole morning.', 'Saturday works',
  ].map((text, at) => message(jonas, 'Jonas', text, { at: today(10, 39 + at) })),
  message(choir, 'Oda', 'From the second page, please', { at: today(19, 5) - dayMs }),
  fact(choir, today(19, 6) - dayMs, { fact: 'left', who: me.accountId }),
]

/** A tree over `leaves` devices; the path of the leaf at `lit` is lit, leaves from `blank` on are empty. */
export const treeOf = (leaves: number, { lit, blank }: { lit: number, blank: number }): readonly TreeNode[] => {
  const width = 2 ** Math.ceil(Math.log2(leaves))
  const onPath = new Set<number>()
  let node = lit * 2
  for (let level = 0; ; level++) {
    onPath.add(node)
    if (node === width - 1) break
    node = (node | (1 << level)) & ~(1 << (level + 1))
  }
  const names = riverPeople.map(({ accountId }) => accountId)
  return Array.from({ length: 2 * width - 1 }, (_, index): TreeNode => {
    const leaf = index % 2 === 0
    const empty = leaf ? index / 2 >= blank : index > blank * 2 - 1 && index !== width - 1
    const accountId = leaf && !empty ? names[(index / 2) % names.length] : undefined
    const state = empty ? 'blank' : 'filled'
    return { state, lit: onPath.has(index), ...accountId === undefined ? {} : { accountId } }
  })
}

export const detailsOf = (chat: Conversation): Details => ({
  conversation: chat.id, groupCode: '48210 77364 90155 13902 66481 52037',
  tree: treeOf(chat.devices, { lit: 1, blank: chat.devices }), renewedBy: idOf('Mara'), renewedAt: now - 2 * hourMs,
  idle: [], epoch: 41, cipherSuite: 1,
})

export const digits = '90371 23330 53384 71864 67618 90855 90956 27227 75249 57225 78131 86176'

export const madeInvite = (name: string, more: Partial<MadeInvite> = {}): MadeInvite => ({
  id: idOf(`invite ${name}`).slice(0, 32), text: `coppice1-${idOf(name)}`, madeAt: now, expiresAt: now + 30 * dayMs, uses: 0,
  withdrawn: false, ...more,
})
export const madeInvites: readonly MadeInvite[] = [
  madeInvite('walk', { madeAt: now - 2 * dayMs, expiresAt: now + 28 * dayMs, uses: 2 }),
  madeInvite('fair', { madeAt: now - 9 * dayMs, expiresAt: now + 21 * dayMs, uses: 1, withdrawn: true }),
  madeInvite('spring', { madeAt: now - 34 * dayMs, expiresAt: now - 4 * dayMs }),
]

export const deviceId = (name: string): string => idOf(`device ${name}`).slice(0, 32)

export const device = (name: string, more: Partial<OwnDevice> = {}): OwnDevice => ({
  deviceId: deviceId(name), name, platform: 'Linux', isThis: false, addedAt: now - 3 * dayMs,
  addedBy: deviceId('ThinkPad'), seenAt: now - hourMs, healedAt: now - 2 * hourMs, groups: 14, ofGroups: 14,
  trusted: false, revoked: false, mayRevoke: true, mayGrant: false, ...more,
})

/** One that made the account, one that still joins, an old one without rights, one that goes and two that are gone. */
export const ownDevices: readonly OwnDevice[] = [
  device('ThinkPad', {
    isThis: true, addedAt: now - 400 * dayMs, addedBy: 'genesis', seenAt: now, healedAt: today(9, 40), trusted: true,
  }),
  device('Work laptop', { platform: 'Windows', addedAt: now - hourMs, groups: 5, healedAt: 0, seenAt: now - 5 * minuteMs }),
  device('Desk at home', { platform: 'macOS', addedAt: now - 31 * dayMs, seenAt: now - 2 * dayMs, mayGrant: true }),
  device('Old tower', { addedAt: now - 300 * dayMs, seenAt: now - 40 * dayMs, revoked: true, groups: 3, mayRevoke: false }),
  device('Netbook', { addedAt: now - 200 * dayMs, revoked: true, groups: 0, mayRevoke: false }),
  device('', { deviceId: deviceId('nameless'), addedAt: now - 90 * dayMs, revoked: true, groups: 0, mayRevoke: false }),
]

/** One that came by the 24 words, and nobody has said yet who it was. */
export const returned = device('Another laptop', {
  addedAt: now - 2 * hourMs, addedBy: 'recovery', groups: 0, healedAt: 0, seenAt: 0, trusted: true,
  asked: { until: now + 22 * hourMs },
})

/** As main/identity/linking-code.ts writes one: version, role, key, secret, expiry and place. */
export const linkingCode = `coppicelink1-${idOf('linking').slice(0, 60)}${idOf('secret').slice(0, 60)}${idOf('more')}`
const groups = { done: 5, of: 14 }
export const links = {
  showing: (role: 'elder' | 'new'): Link => ({ at: 'showing', role, code: linkingCode, expiresAt: now + 5 * minuteMs }),
  digits: { at: 'digits', role: 'elder', digits: '4821077364' },
  typing: { at: 'digits', role: 'new' },
  confirm: { at: 'confirm', role: 'elder', device: 'Work laptop', platform: 'Windows' },
  recognise: {
    at: 'recognise', role: 'new', name: 'Robin', accountId: me.accountId, number: '903712333053384718646761890855',
    devices: ['ThinkPad', 'Desk at home'],
  },
  joining: (role: 'elder' | 'new'): Link => ({
    at: 'joining', role, device: 'Work laptop', groups, range: 'month', history: { done: 1_800, of: 18_204, leftMs: 4 * minuteMs },
  }),
  done: (role: 'elder' | 'new'): Link => ({
    at: 'done', role, device: 'Work laptop', deviceId: deviceId('Work laptop'), groups: { done: 14, of: 14 },
    ...role === 'new' ? { range: 'month' } : {},
  }),
} as const satisfies Record<string, Link | ((role: 'elder' | 'new') => Link)>

/** As main/log writes them. */
export const reportLines = [
  '{"at":"2026-05-08T10:24:00.000Z","event":"report","version":"0.1.0","platform":"linux","architecture":"x64","runtime":"45.4.1",'
    + '"native":["sha256","aes128gcm","ed25519","x25519"],"portable":["ed448","x448"],"open":true,"conversations":7,'
    + '"entries":231,"outbox":0,"publishing":1,"recovering":0}',
  '{"at":"2026-05-08T10:02:11.120Z","event":"opened","way":"keychain","ms":61,"conversations":7}',
  '{"at":"2026-05-08T10:02:11.874Z","event":"read","kind":"messages","log":"9f02c1d7","records":14,"ms":22}',
  '{"at":"2026-05-08T10:20:40.006Z","event":"delivery-away","code":"delivery-unreachable","doing":"read"}',
]

/** 24 words of the BIP-39 list; a test never shows a real key. */
export const recoveryWords = ('abandon ability able about above absent absorb abstract absurd abuse access accident ' +
  'account accuse achieve acid acoustic acquire across act action actor actress actual').split(' ')

/** What is kept for a computer of Linux that has a tray and two dictionaries. */
export const shell: ShellState = {
  settings: {
    notifications: 'name', quietUntil: 0, flash: false, tray: false, spelling: false, languages: [], protection: false,
    proxy: { mode: 'system', host: '', port: 0 }, autostart: false,
  },
  system: 'linux', notifies: true, dictionaries: ['de', 'en-GB'], spellingLater: false, lost: false,
}
