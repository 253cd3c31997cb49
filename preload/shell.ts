/**
 * What the shell (window, tray, notifications, network) keeps for this computer rather than for the account, and what
 * it tells the window. Read before the profile is opened, so nothing here is secret.
 */
import { call, count, flag, list, object, oneOf, text, type Check } from './check.ts'
import { updateCalls, type UpdateState } from './updates.ts'

export type * from './updates.ts'

/** What a notification says: nothing at all; that there is a message; from whom; and what it says. */
export const notificationLevels = ['off', 'bare', 'name', 'text'] as const
export type NotificationLevel = typeof notificationLevels[number]

/** `system`: as the system says. `http`, `socks5`: by the proxy at `host` and `port`. `tor`: Tor's own place. */
export const proxyModes = ['system', 'http', 'socks5', 'tor'] as const
/** Where Tor listens when nobody told it otherwise. */
export const torPlace = { host: '127.0.0.1', port: 9050 } as const

/** A name of DNS, an IPv4 or an IPv6 address: what a proxy may be called without meaning anything else anywhere. */
const hostPattern = /^(?:[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?|[0-9a-f:]{2,39})$/i
export const isProxy = ({ mode, host, port }: Proxy): boolean =>
  mode === 'system' || mode === 'tor' || (port > 0 && hostPattern.test(host))

const keptFields = {
  notifications: oneOf(notificationLevels),
  /** Until when nothing is shown and no sound made, in milliseconds since 1970; 0: shown. */
  quietUntil: count(0, Number.MAX_SAFE_INTEGER),
  /** The window's entry in the task bar flashes. */
  flash: flag,
  /** An icon in the tray; closing the window then leaves the app running. */
  tray: flag,
  spelling: flag,
  languages: list(text(20, 2), 10),
  /** The system keeps the window out of pictures of the screen. */
  protection: flag,
  proxy: object({ mode: oneOf(proxyModes), host: text(253), port: count(0, 65_535) }),
}
/** What is kept in a file of the shell's own; whether the app starts by itself, the system keeps. */
export const keptSettings = object(keptFields)
export const shellSettings = object({ ...keptFields, autostart: flag })
export type KeptSettings = CheckedBy<typeof keptSettings>
export type ShellSettings = CheckedBy<typeof shellSettings>
export type Proxy = KeptSettings['proxy']
type CheckedBy<C> = C extends Check<infer T> ? T : never

/** The settings, and what of them this computer can do. */
export type ShellState = {
  readonly settings: ShellSettings
  readonly system: 'linux' | 'mac' | 'windows'
  /** Notifications can be shown here. */
  readonly notifies: boolean
  /** Languages whose dictionaries lie on this computer. `undefined`: the system checks by its own. */
  readonly dictionaries?: readonly string[]
  /** Spelling is checked from the next start on. */
  readonly spellingLater: boolean
  /** The settings could not be read: these are the first ones, and nothing goes over the network until one is made. */
  readonly lost: boolean
}

/** What the menu, the tray or a notification asks the window to do. */
export const shellCommands = [
  'find', 'new-chat', 'new-group', 'settings', 'lock', 'help', 'shortcuts', 'about', 'report',
] as const
export type ShellCommand = typeof shellCommands[number]

/** Told outside the count of revisions, with revision 0. */
export type ShellNews = {
  readonly command?: ShellCommand
  /** A conversation to open: its notification was clicked. */
  readonly open?: string
  readonly state?: ShellState
  /** An address was opened: `shell.link` gives it. */
  readonly link?: true
  /** A backup was opened: `restore.handed` gives it. */
  readonly backup?: true
  readonly update?: UpdateState
}

/** What came by an address `coppice:…`: an invite's text, or why it is none. Empty when nothing came. */
export type OpenedLink = { readonly invite?: string, readonly refused?: 'invite-linking' | 'invite-malformed' }

/** Why a profile may be set aside: nothing but a copy or a backup makes up for what is wrong with it. */
export const asideCodes = ['store-damaged', 'slots-damaged', 'keychain-lost'] as const

/** Answered by the shell, also while the profile is not open. */
export const shellCalls = {
  'shell.settings': call({}).returns<ShellState>(),
  /** The conversation that the window shows, or nothing: of that one no notification tells while the window is in front. */
  'shell.shown': call({ conversation: text(64) }).returns<undefined>(),
  'shell.change': call({ settings: shellSettings }).returns<ShellState>(),
  /** Takes what came by an address, once. */
  'shell.link': call({}).returns<OpenedLink>(),
  /**
   * Of a profile that is stopped, or read only, by one of `asideCodes`: its files become a profile of their own, whose name is given, and
   * this one is new. Nothing is deleted.
   */
  'shell.setAside': call({}).returns<{ readonly name: string }>(),
  ...updateCalls,
} as const
