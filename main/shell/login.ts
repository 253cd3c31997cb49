/** Whether the system starts the app when somebody logs in. The system keeps that, and the person may change it there. */
import { mkdirSync, readFileSync, rmSync } from 'node:fs'
import path from 'node:path'
import type { Electron } from '../electron.ts'
import { writeWhole } from './settings.ts'

export type LoginOptions = {
  readonly electron: Electron
  readonly platform: NodeJS.Platform
  readonly profile: string
  /** The program and its arguments. */
  readonly command: readonly string[]
}

/** XDG Autostart: one file for each profile. */
const fileOf = ({ electron, profile }: LoginOptions): string =>
  path.join(electron.app.getPath('appData'), 'autostart', profile === 'default' ? 'coppice.desktop' : `coppice-${profile}.desktop`)

export function startsAtLogin(options: LoginOptions): boolean {
  const { electron: { app }, platform, command } = options
  if (platform !== 'linux') {
    return app.getLoginItemSettings(platform === 'win32' ? { args: [...command.slice(1)] } : {}).openAtLogin
  }
  try {
    const lines = readFileSync(fileOf(options), 'utf8').split('\n')
    // So desktops switch it off.
    return !lines.some((line) => /^(?:Hidden\s*=\s*true|X-GNOME-Autostart-enabled\s*=\s*false)\s*$/.test(line))
  } catch {
    return false
  }
}

/** Throws what the file system throws. */
export function startAtLogin(options: LoginOptions, on: boolean): void {
  const { electron: { app }, platform, command } = options
  if (platform !== 'linux') {
    app.setLoginItemSettings(platform === 'win32' ? { openAtLogin: on, args: [...command.slice(1)] } : { openAtLogin: on })
    return
  }
  const file = fileOf(options)
  if (!on) {
    rmSync(file, { force: true })
    return
  }
  mkdirSync(path.dirname(file), { recursive: true })
  writeWhole(file, desktopEntry(command), 0o644)
}

/** Of the Desktop Entry Specification. */
export const desktopEntry = (command: readonly string[]): string => [
  '[Desktop Entry]', 'Type=Application', 'Version=1.0', 'Name=Coppice', `Exec=${command.map(quoted).join(' ')}`,
  'Terminal=false', 'X-GNOME-Autostart-enabled=true', '',
].join('\n')

/** Quoted for the line (double quote, backtick, dollar, backslash), then as a value of the file, where "%" is one too. */
const quoted = (part: string): string =>
  `"${part.replace(/["`$\\]/g, '\\$&').replaceAll('\\', '\\\\').replaceAll('%', '%%').replaceAll('\n', '\\n')}"`
