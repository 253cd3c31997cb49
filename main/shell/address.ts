/** Addresses in messages: which of them the system's browser may get, and only after the person has said so. */
import type { Electron, ElectronWindow } from '../electron.ts'
import { systemWords } from './words.ts'

const schemes: ReadonlySet<string> = new Set(['https:', 'http:'])
const longestShown = 400

/**
 * The address as a browser reads it. Undefined for every scheme but the web's (a file, a script, another program), and
 * for one with a name in front of the host, which is there to look like a host itself.
 */
export function readAddress(text: string): URL | undefined {
  // Two browsers may disagree about what was meant by these.
  if (/[\s\\\p{Cc}\p{Cf}]/u.test(text) || !URL.canParse(text)) return undefined
  const address = new URL(text)
  return schemes.has(address.protocol) && address.username === '' && address.password === '' ? address : undefined
}

/** Asks in a window of the system, which no script of a page can answer: the host in ASCII, so that none looks like another. */
export async function openAddress(electron: Electron, window: ElectronWindow, address: URL): Promise<void> {
  const { href, host, protocol } = address
  const shown = href.length <= longestShown ? href : `${href.slice(0, longestShown)}…`
  const { ask, plain, seen, yes, no } = systemWords.address
  const { response } = await electron.dialog.showMessageBox(window, {
    type: 'question', title: systemWords.name, message: ask(host),
    detail: `${shown}\n\n${protocol === 'http:' ? plain : ''}${seen}`, buttons: [no, yes], defaultId: 0, cancelId: 0, noLink: true,
  })
  if (response === 1) await electron.shell.openExternal(href)
}
