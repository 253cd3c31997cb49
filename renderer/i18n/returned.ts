import type { OwnDevice } from '../../preload/api.ts'
import { numbers } from './grammar.ts'
import { devicesWords } from './devices.ts'
import { ago, ahead, dayMs } from './time.ts'

const { name } = devicesWords

/** A device that came back by the 24 words: who was it? */
export const returnedWords = {
  label: (device: OwnDevice) => `Was that you? ${name(device)}`,
  title: 'Was that you?',
  text: (device: OwnDevice, now: number) => {
    const { groups, ofGroups } = device
    const until = device.asked?.until ?? now
    // What it says of its own time is the word of whoever it is; this computer heard of it a day before it is let in.
    const came = `“${name(device)}” came to your account with your 24 words, ${ago(until - dayMs, now)}.`
    if (groups > 0) return `${came} It is in ${numbers.format(groups)} of ${numbers.format(ofGroups)} chats by now.`
    return `${came} ${until <= now ? 'It is let into your chats now' : `It is let into your chats ${ahead(until, now)}`}, ` +
      'unless you say that it was not you.'
  },
  chat: (device: OwnDevice, now: number) => {
    const until = device.asked?.until ?? now
    return `“${name(device)}” came to your account with your 24 words, and ` + (device.groups === device.ofGroups ? 'is in this chat'
      : `comes into this chat ${until <= now ? 'now' : ahead(until, now)}`) + '. Was that you?'
  },
  cannot: 'This computer may not say that it was you. One that you have trusted for longer can.',
  mine: 'It was me', mineLabel: (device: OwnDevice) => `It was me: ${name(device)}`,
  notMine: 'It was not me', notMineLabel: (device: OwnDevice) => `It was not me: ${name(device)}`,
  mineTitle: (device: OwnDevice) => `Let “${name(device)}” in?`,
  mineText: 'From then on it reads and writes in all your chats, and may link and remove devices. Say so only if you ' +
    'typed your 24 words on that computer yourself.',
  mineAction: 'It was me, let it in',
  notMineTitle: (device: OwnDevice) => `Refuse “${name(device)}”?`,
  notMineText: ({ mayRevoke }: OwnDevice) => 'Everybody in your chats is told not to let it in, ' + (mayRevoke
    ? 'and it is taken back from your account. ' : 'and what else there is to do is shown next. ') +
    'Nothing lets that device in again.',
  notMineAction: 'Refuse it',
  // Afterwards.
  refusedTitle: 'Refused. What to do now',
  refused: (device: OwnDevice) => device.mayRevoke
    ? `“${name(device)}” is kept out of your chats and taken back from your account.`
    : `“${name(device)}” is kept out of your chats. It still belongs to your account: this computer has no right to ` +
      'take it back, but your 24 words have.',
  byWords: 'Take it back with the 24 words…',
  words: 'Somebody has your 24 words. Until you replace them they can try again, remove your devices, and open the backups ' +
    'that the words open. Do it now, before they do.',
  rotate: 'Replace the 24 words…',
  late: 'If your words are said to be those of another key, somebody was faster and has replaced them. Then tell the people ' +
    'in your chats by another way, and make a new account.',
  backup: 'If they have a backup of yours too, they can read what was said until it was made. Nobody can undo that from here.',
  devices: 'Look at all your devices',
} as const
