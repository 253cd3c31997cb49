/** A right argument of every Call: what a window with a stranger's script in it can ask, and what is bent to fuzz. */
import { randomBytes } from 'node:crypto'
import type { ArgumentOf, CallName } from '../../preload/api.ts'

/** What the window of a profile knows, because it is shown. */
export type Known = {
  readonly conversation: string
  readonly accountId: string
  readonly deviceId: string
  readonly invite: string
  readonly inviteId: string
}

const passphrase = 'a passphrase of somebody else'
const words = `${'abandon '.repeat(23)}art`

export const argumentsOf: { readonly [N in CallName]: (known: Known) => ArgumentOf<N> } = {
  'app.open': () => ({}),
  'app.report': () => ({}),
  'profile.choose': () => ({ profile: 'default' }),
  'setup.create': () => ({ name: 'Eve', passphrase }),
  'setup.unlock': () => ({ passphrase }),
  'setup.recover': () => ({ words, passphrase }),
  'setup.restore': () => ({ words, name: 'computer', passphrase }),
  'setup.read': () => ({}),
  'recovery.words': () => ({}),
  'recovery.confirm': () => ({ words: [1, 2, 3].map((position) => ({ position, word: 'abandon' })) }),
  'recovery.later': () => ({}),
  'recovery.rotate': () => ({ words }),
  'recovery.revoke': ({ deviceId }) => ({ words, deviceId }),
  'profile.rename': () => ({ name: 'Eve' }),
  'profile.remove': () => ({ name: 'not the name of this profile' }),
  'profile.folder': () => ({}),
  'account.close': () => ({ name: 'not the name of this profile', words: '' }),
  'account.keep': () => ({}),
  'lock.now': () => ({}),
  'lock.after': () => ({ minutes: 5 }),
  'lock.active': () => ({}),
  'passphrase.set': () => ({ current: passphrase, passphrase }),
  'passphrase.remove': () => ({ current: passphrase }),
  'address.open': () => ({ address: 'https://example.org/' }),
  'reader.open': () => ({ open: true }),
  'shell.settings': () => ({}),
  'shell.shown': ({ conversation }) => ({ conversation }),
  'shell.change': () => ({
    settings: {
      notifications: 'off', quietUntil: 0, flash: false, tray: true, spelling: false, languages: [], protection: false,
      proxy: { mode: 'system', host: '', port: 0 }, autostart: false,
    },
  }),
  'shell.link': () => ({}),
  'invite.show': () => ({}),
  'invite.read': ({ invite }) => ({ invite }),
  'conversation.direct': ({ invite }) => ({ invite }),
  'conversation.group': ({ accountId, invite }) => ({ name: 'Alder', people: [accountId], invites: [invite] }),
  'conversation.accept': ({ conversation }) => ({ conversation }),
  'conversation.decline': ({ conversation }) => ({ conversation }),
  'conversation.rename': ({ conversation }) => ({ conversation, name: 'Alder' }),
  'conversation.add': ({ conversation, accountId }) => ({ conversation, people: [accountId], invites: [] }),
  'conversation.remove': ({ conversation, accountId }) => ({ conversation, accountId }),
  'conversation.drop': ({ conversation, deviceId }) => ({ conversation, deviceId }),
  'conversation.veto': ({ conversation, deviceId }) => ({ conversation, deviceId }),
  'conversation.leave': ({ conversation }) => ({ conversation }),
  'conversation.details': ({ conversation }) => ({ conversation }),
  'delivery.usage': () => ({}),
  'people.known': () => ({}),
  'entries.page': ({ conversation }) => ({ conversation, before: 0, limit: 500 }),
  'search': () => ({ text: 'a', limit: 100 }),
  'message.send': ({ conversation }) => ({ conversation, key: randomBytes(16).toString('hex'), text: 'hello' }),
  'attachment.begin': () => ({ name: 'oak.txt', mediaType: 'text/plain', size: 3 }),
  'attachment.add': () => ({ attachment: randomBytes(16).toString('hex'), piece: 0, bytes: new Uint8Array(3) }),
  'attachment.end': () => ({ attachment: randomBytes(16).toString('hex') }),
  'attachment.drop': () => ({ attachment: randomBytes(16).toString('hex') }),
  'attachment.send': ({ conversation }) => ({
    conversation, key: randomBytes(16).toString('hex'), text: '', attachments: [randomBytes(16).toString('hex')],
  }),
  'attachment.fetch': () => ({ entry: 'a', hash: 'ab'.repeat(32) }),
  'attachment.stop': () => ({ entry: 'a', hash: 'ab'.repeat(32) }),
  'attachment.read': () => ({ hash: 'ab'.repeat(32), piece: 0 }),
  'attachment.save': () => ({ entry: 'a', hash: 'ab'.repeat(32) }),
  'conversation.read': ({ conversation }) => ({ conversation, order: 1 }),
  'conversation.draft': ({ conversation }) => ({ conversation, text: 'draft' }),
  'conversation.keep': ({ conversation }) => ({ conversation, muted: true, pinned: true, archived: true }),
  'devices.list': () => ({}),
  'devices.number': () => ({}),
  'devices.rename': ({ deviceId }) => ({ deviceId, name: 'computer' }),
  'devices.revoke': ({ deviceId }) => ({ deviceId }),
  'devices.renew': () => ({ words: '' }),
  'devices.grant': ({ deviceId }) => ({ deviceId }),
  'link.start': () => ({ code: '' }),
  'setup.link': () => ({ name: 'computer', code: '', passphrase }),
  'link.digits': () => ({ digits: '0123456789' }),
  'link.confirm': () => ({ history: 'all' }),
  'link.recognise': () => ({}),
  'link.cancel': () => ({}),
  'person.safety': ({ accountId }) => ({ accountId }),
  'person.compare': ({ accountId }) => ({ accountId, code: 'coppice' }),
  'person.trust': ({ accountId }) => ({ accountId, trust: 'verified' }),
  'person.replaces': ({ accountId }) => ({ accountId, replaced: accountId }),
  'backup.status': () => ({}),
  'backup.words': () => ({ words }),
  'backup.export': () => ({ passphrase }),
  'backup.choose': () => ({}),
  'backup.keep': () => ({ token: 'no token', by: 'passphrase', key: passphrase, rhythm: 'daily' }),
  'backup.rhythm': () => ({ rhythm: 'off' }),
  'backup.now': () => ({}),
  'backup.forget': () => ({}),
  'backup.plain': ({ conversation }) => ({ conversation, format: 'html' }),
  'backup.cancel': () => ({}),
  'invite.list': () => ({}),
  'invite.make': () => ({}),
  'invite.withdraw': ({ inviteId }) => ({ invite: inviteId }),
}

export const callNames = Object.keys(argumentsOf) as CallName[]
