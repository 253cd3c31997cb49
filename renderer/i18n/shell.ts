/** Words about this computer: notifications, starting, the tray, spelling, the network. */
import type { NotificationLevel, Proxy, ShellState } from '../../preload/api.ts'
import { conjunction } from './grammar.ts'
import { clock, date } from './time.ts'

const languages = new Intl.DisplayNames('en', { type: 'language' })
const languageName = (code: string): string => languages.of(code) ?? code

const levels: Readonly<Record<NotificationLevel, { readonly label: string, readonly text: string }>> = {
  off: { label: 'Nothing', text: 'No notifications. The number at the icon still counts.' },
  bare: { label: 'That there is a message', text: '“New message”, and nothing else.' },
  name: { label: 'Who writes', text: '“Mara: new message”. What is said stays in the window.' },
  text: { label: 'Who writes, and what', text: 'Whoever sees your screen can read it, also while the screen is locked.' },
}
const ways: Readonly<Record<Proxy['mode'], { readonly label: string, readonly text: string }>> = {
  system: { label: 'As this computer does', text: 'By the proxy of the system, or directly where it has none.' },
  tor: { label: 'Through Tor', text: 'By Tor on this computer (127.0.0.1, port 9050). Start Tor first.' },
  socks5: { label: 'SOCKS5 proxy', text: 'Names are looked up by the proxy.' },
  http: { label: 'HTTP proxy', text: 'It must allow CONNECT.' },
}
const proxyState = (state: ShellState): string => {
  const { mode, host, port } = state.settings.proxy
  if (state.lost) return 'Not known any more, so nothing goes out.'
  return mode === 'system' || mode === 'tor' ? `${ways[mode].label}.` : `${ways[mode].label} ${host}, port ${String(port)}.`
}

export const deskWords = {
  notifications: {
    title: 'Notifications', label: 'Show… (notifications)', legend: 'What a notification says', levels,
    state: ({ settings: { notifications, quietUntil } }: ShellState, now: number) =>
      quietUntil > now ? 'Quiet for now.' : `${levels[notifications].label}.`,
    never: 'Muted chats and the chat that you look at make no sound. A request says only that there is one; a locked ' +
      'Coppice says only that it is locked.',
    absent: 'This computer shows no notifications.',
    flash: 'Flash in the task bar', flashText: 'When something new is said while you are elsewhere.',
    quiet: 'Quiet', quietText: 'No notifications and no sound for a while.',
    quietUntil: (at: number) => `Until ${date(at)} ${clock(at)}.`,
    hour: 'For 1 hour', morning: 'Until tomorrow', loud: 'End it now',
  },
  startup: {
    title: 'Starting, tray and screen', label: 'Show… (starting, tray and screen)',
    state: ({ settings: { autostart, tray, protection } }: ShellState) => {
      const parts = [
        ...autostart ? ['starts with the computer'] : [], ...tray ? ['goes on in the tray'] : [],
        ...protection ? ['is left out of pictures of the screen'] : [],
      ]
      return parts.length === 0 ? 'Starts when you open it, ends when you close it.' : `Coppice ${conjunction.format(parts)}.`
    },
    autostart: 'Start with this computer',
    autostartText: 'Coppice opens when you log in. A passphrase is asked for as always.',
    tray: (system: ShellState['system']) => system === 'mac' ? 'Show in the menu bar' : 'Go on in the tray',
    trayText: (system: ShellState['system']) => system === 'mac' ? 'With the number of new messages.'
      : 'Closing the window leaves Coppice running, so that messages arrive. Opening Coppice again brings it back; ' +
        'Quit in the menu ends it.',
    protection: 'Keep out of pictures of the screen',
    protectionText: (system: ShellState['system']) => system === 'linux'
      ? 'Most desktops of Linux do not offer this; then it has no effect.'
      : 'Screen shots and shared screens show the window black. A camera still sees it.',
  },
  spelling: {
    title: 'Spelling', label: 'Show… (spelling)',
    state: ({ settings: { spelling, languages: chosen }, dictionaries }: ShellState) => {
      if (!spelling) return 'Not checked.'
      return dictionaries === undefined ? 'Checked by this computer.' : `${conjunction.format(chosen.map(languageName))}.`
    },
    check: 'Check spelling', checkText: 'While you write. Nothing that you write leaves this computer for it.',
    languages: 'Languages', language: languageName,
    none: 'There is no dictionary on this computer that Coppice can use, and it fetches none. Most systems have a ' +
      'package of dictionaries for Chromium or Qt (hunspell-bdic).',
    later: 'From the next start of Coppice on.',
  },
  network: {
    title: 'Network', label: 'Show… (network)', legend: 'How Coppice goes out', ways, state: proxyState,
    only: 'Whatever Coppice sends goes this way. Where it is closed, nothing goes out: never around it.',
    today: 'Today messages between people on this computer need no network; updates do.',
    host: 'Name or address', port: 'Port', save: 'Use this proxy', saved: 'This is the way now.',
    lost: 'What was chosen here could not be read any more, so nothing goes out. Choose again.',
  },
  open: 'Show…',
} as const
