/**
 * Backups that the system hands over, because their file was opened there. Where one lies stays on this side: the window
 * gets a token, as of one that was chosen, and nothing happens before the person says what.
 */
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Electron } from '../electron.ts'

export const backupEnding = '.coppice-backup'
/** Longer ones no system has. */
const lengthLimit = 32_768

/** The file that an argument of the command line names; `undefined` for anything but a backup of this computer. */
export function readHanded(argument: string, folder: string): string | undefined {
  if (argument.startsWith('-') || argument.length > lengthLimit) return undefined
  const file = /^file:/i.test(argument) ? pathOf(argument) : argument
  // Another scheme is no path.
  if (file === undefined || file.includes('\0') || !file.toLowerCase().endsWith(backupEnding) || /^[a-z][a-z0-9+.-]+:/i.test(file)) return undefined
  return path.resolve(folder, file)
}

/** Desktops of Linux hand over addresses. One with a host would make this computer call there. */
function pathOf(address: string): string | undefined {
  try {
    const url = new URL(address)
    return url.host === '' ? fileURLToPath(url) : undefined
  } catch {
    return undefined
  }
}

/** Keeps the newest one until the window takes it: it may come before there is a window, or while the app is locked. */
export class Handed {
  readonly #came: () => void
  #kept: string | undefined

  /** `came`: there is one to take. */
  constructor({ app }: Electron, came: () => void) {
    this.#came = came
    app.on('second-instance', (_event, args, folder) => { this.hear(args, folder) })
    // macOS hands files over by an event, also that with which it starts the app.
    app.on('open-file', (event, file) => {
      event.preventDefault()
      this.hear([file], path.dirname(file))
    })
  }

  hear(args: readonly string[], folder: string): void {
    const file = args.map((argument) => readHanded(argument, folder)).findLast((read) => read !== undefined)
    if (file === undefined) return
    this.#kept = file
    this.#came()
  }

  /** Once. */
  take(): string | undefined {
    const file = this.#kept
    this.#kept = undefined
    return file
  }
}
