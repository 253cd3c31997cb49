/**
 * Addresses `coppice:…` that the system hands over: they open an invite as if it had been pasted, and nothing else. Any
 * page of the web can make the system hand one over, so nothing happens by itself, and no code that links a device passes.
 */
import type { OpenedLink } from '../../preload/shell.ts'
import type { Electron } from '../electron.ts'

export const linkScheme = 'coppice'
/** As long as the longest invite that can be pasted, and what stands before it. */
const lengthLimit = 4096 + 32
const pattern = /^coppice:(?:\/\/)?(?:invite\/)?([a-z0-9-]+)\/?$/i

/** What an argument of the command line means; undefined for one that is no such address. */
export function readLink(argument: string): OpenedLink | undefined {
  if (!/^coppice:/i.test(argument)) return undefined
  // Whatever wraps it: a linking code is called by its name, so that nobody hunts for what is wrong with their invite.
  if (/coppicelink/i.test(argument.slice(0, lengthLimit).replace(/%[0-9a-f]{2}|[^a-z0-9]/gi, ''))) {
    return { refused: 'invite-linking' }
  }
  const text = argument.length > lengthLimit ? undefined : pattern.exec(argument)?.[1]?.toLowerCase()
  // Whether it is whole, still good, and whose it is, is seen when the window reads it as a pasted one.
  return text !== undefined && /^coppice[1-9][0-9]{0,3}-[a-z2-7]+$/.test(text)
    ? { invite: text } : { refused: 'invite-malformed' }
}

/** Keeps the newest address until the window takes it: it may come before there is a window, or an account. */
export class Links {
  readonly #came: () => void
  #kept: OpenedLink = {}

  /** `came`: there is one to take. */
  constructor({ app }: Electron, came: () => void) {
    this.#came = came
    app.on('second-instance', (_event, args) => { this.hear(args) })
    // macOS hands addresses over by an event, also that with which it starts the app.
    app.on('open-url', (event, address) => {
      event.preventDefault()
      this.hear([address])
    })
  }

  hear(args: readonly string[]): void {
    const link = args.map(readLink).findLast((read) => read !== undefined)
    if (link === undefined) return
    this.#kept = link
    this.#came()
  }

  /** Once. */
  take(): OpenedLink {
    const link = this.#kept
    this.#kept = {}
    return link
  }
}

/**
 * Windows learns from the app who opens such addresses; elsewhere the package says it. What follows "--" is no switch,
 * neither for Chromium nor for us, whatever an address smuggles behind a quotation mark.
 */
export function claimLinks({ app }: Electron, platform: NodeJS.Platform): void {
  if (platform === 'win32' && app.isPackaged) app.setAsDefaultProtocolClient(linkScheme, process.execPath, ['--'])
}
