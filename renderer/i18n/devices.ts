/** The person's own devices: what each may do, and what taking one back does. */
import type { OwnDevice } from '../../preload/api.ts'
import { numbers } from './grammar.ts'
import { ago, date, day, dayMs } from './time.ts'

const title = ({ name, isThis }: OwnDevice): string => name !== '' ? name : isThis ? 'This computer' : 'A device without a name'

const linked = ({ addedBy, addedAt, platform }: OwnDevice, nameOf: (deviceId: string) => string, now: number): string => {
  const how = addedBy === 'genesis' ? `Made the account ${day(addedAt, now)}`
    : addedBy === 'recovery' ? `Came back by the recovery key ${day(addedAt, now)}`
    : `Linked ${day(addedAt, now)} by ${nameOf(addedBy)}`
  return platform === '' ? how : `${platform} · ${how}`
}

const seen = ({ seenAt, isThis }: OwnDevice, now: number): string =>
  isThis ? 'in use now' : seenAt === 0 ? 'never' : ago(seenAt, now)

const healed = ({ healedAt }: OwnDevice, now: number): string => healedAt === 0 ? 'not yet' : ago(healedAt, now)

const chats = ({ groups, ofGroups }: OwnDevice): string =>
  `in ${numbers.format(groups)} of ${numbers.format(ofGroups)} chats`

/** From when on the right to link may be given. */
const grantAfterMs = 7 * dayMs

const rights = ({ trusted, mayGrant, addedAt }: OwnDevice, now: number): string => {
  if (trusted) return 'May link and remove devices.'
  const not = 'May not link or remove devices.'
  if (mayGrant || now - addedAt >= grantAfterMs) return not
  return `${not} You can give it that right from ${date(addedAt + grantAfterMs)} on.`
}

const removed = ({ groups, ofGroups }: OwnDevice): string =>
  `Removed from ${numbers.format(ofGroups - groups)} of ${numbers.format(ofGroups)} chats`

export const devicesWords = {
  title: 'Your devices', name: title, linked, seen, healed, chats, rights, removed,
  text: 'Each of them reads and writes in all your chats, with keys of its own.',
  settings: 'Devices', settingsText: (amount: number) => amount === 1
    ? 'Only this computer. Link another, and your chats are there too.'
    : `${numbers.format(amount)} devices read and write in your name.`,
  settingsAction: 'Show… (the devices)', show: 'Show…',
  list: 'Devices', looking: 'Looking…',
  another: 'another device', isThis: 'this one', seenLabel: 'Last seen', chatsLabel: 'Chats', healedLabel: 'Keys healed',
  joining: 'The rest follows by itself.',
  rename: (name: string) => `Rename ${name}`, nameLabel: 'Name of the device', nameMissing: 'A name is needed.',
  grant: 'Give it that right', grantLabel: (name: string) => `Give it that right: ${name}`,
  grantTitle: (name: string) => `Let “${name}” link and remove devices?`,
  grantText: 'From then on whoever sits at it can bring in other devices, and remove those that came later. ' +
    'Give it to a computer that only you use. It stays until the device is removed.',
  grantAction: 'Give the right',
  remove: 'Remove', removeLabel: (name: string) => `Remove ${name}`,
  removeTitle: (name: string) => `Remove “${name}”?`,
  removeText: 'It is taken out of all your chats and can read nothing from then on, and everybody sees it. ' +
    'What it has already shown stays on it: nobody can delete that from here. To use it again, link it anew.',
  removeThisTitle: 'Remove this computer from your account?',
  removeThisText: 'It is taken out of all your chats. What was said stays here to read, and nothing is sent or ' +
    'received any more. Your other devices go on. To use it again, link it anew.',
  lastText: 'It is your only device: only the 24 words of your recovery key bring your account back then.',
  byWords: 'Remove with the 24 words', wordsLabel: (name: string) => `Remove with the 24 words: ${name}`,
  wordsText: 'This computer has no right over it, so only the recovery key may remove it. ',
  going: 'Being removed', goingText: 'It goes on until it is true everywhere, also after a restart.',
  recovery: 'Recovery key', recoveryOnPaper: '24 words on paper. They can remove every device, and bring your account ' +
    'back when all devices are gone. Whoever has the paper can do that too.',
  recoveryNotYet: '24 words that are not on paper yet. Without them your account is lost when all devices are gone.',
  rotate: 'Replace…', rotateLabel: 'Replace… (the recovery key)', rotateTitle: 'Replace the recovery key',
  rotateText: 'You get 24 new words, and the ones on your paper open nothing any more. Do it when somebody may have seen ' +
    'the paper. People in your chats are told, and nothing is sent to you before they have looked at it.',
  rotateWords: 'Your 24 words', rotateAction: 'Replace them',
  renew: 'New key…', renewLabel: (name: string) => `New key… for ${name}`, renewTitle: 'A new key for this computer',
  renewText: 'This computer then signs with another key, and the one before counts for nothing. Leave the ' +
    'field empty; only where it has done so many times your 24 words are needed.',
  renewAction: 'Make a new key', renewed: 'This computer signs with a new key from now on.',
  gone: (amount: number) => amount === 1 ? '1 removed device' : `${numbers.format(amount)} removed devices`,
  goneText: (device: OwnDevice, now: number) => `Linked ${day(device.addedAt, now)}. ${removed(device)}.`,
  mayNot: 'This computer may not link others yet. Use one that may, or give it the right there.',
  account: 'Account number', accountText: 'The same on all your devices, and on one that is just being linked.',
  undo: 'Undo: remove this device',
  codeDiffers: (name: string) => `Your device “${name}” had another code in the same moment, so the two did not see the ` +
    'same. Whoever carries your messages may show them different things. It is compared with what the others saw.',
  revokedTitle: 'This computer was removed from your account',
  revokedText: 'What was said until then stays here to read. Nothing is sent or received any more, and others no longer ' +
    'see this computer. To use it again, remove this profile and link the computer anew. If it was not you who removed it, ' +
    'somebody has another device of yours or your 24 words: tell the people in your chats by another way.',
  revokedAction: 'Remove this profile…',
} as const

/** Mute, pin, archive. */
export const keepWords = {
  menu: (title: string) => `What to do with ${title}`,
  pin: 'Pin to the top', unpin: 'Unpin', mute: 'Mute', unmute: 'Unmute', archive: 'Archive', unarchive: 'Take out of the archive',
  pinned: 'pinned', muted: 'muted', archived: (amount: number) => `Archived (${numbers.format(amount)})`,
} as const
