/** The menus, as each system has them. They say what the window is to do; what it does is the window's. */
import type { ShellCommand } from '../../preload/shell.ts'
import type { ContextParams, MenuEntry } from '../electron.ts'
import type { Zoom } from './place.ts'
import { systemWords } from './words.ts'

const words = systemWords.menu

export type MenuWishes = {
  readonly mac: boolean
  /** Then there are no tools for developers. */
  readonly packaged: boolean
  /** A profile is open, and more can be done with it than reading; and the app can be locked. */
  readonly open: boolean
  readonly writable: boolean
  readonly lockable: boolean
  readonly act: (command: ShellCommand) => void
  readonly zoom: (how: Zoom) => void
}

const separator: MenuEntry = { type: 'separator' }

export function applicationMenu(wishes: MenuWishes): MenuEntry[] {
  const { mac } = wishes
  return [
    ...mac ? [appMenu(wishes)] : [],
    fileMenu(wishes), editMenu(wishes), viewMenu(wishes),
    ...wishes.packaged ? [] : [{
      label: words.develop,
      submenu: [{ role: 'reload', label: words.reload }, { role: 'toggleDevTools', label: words.tools }] as MenuEntry[],
    }],
    {
      role: 'window', label: words.window,
      submenu: [
        { role: 'minimize', label: words.minimize },
        ...mac ? [{ role: 'zoom', label: words.zoom }, separator, { role: 'front', label: words.front }] as MenuEntry[]
          : [{ role: 'close', label: words.close }] as MenuEntry[],
      ],
    },
    helpMenu(wishes),
  ]
}

/** What belongs into the app's own menu on macOS, and elsewhere under "File". */
const settingsOf = ({ open, act }: MenuWishes): MenuEntry =>
  ({ label: words.settings, accelerator: 'CommandOrControl+,', enabled: open, click: () => { act('settings') } })
const lockOf = ({ lockable, act }: MenuWishes): MenuEntry =>
  ({ label: words.lock, accelerator: 'CommandOrControl+Alt+L', enabled: lockable, click: () => { act('lock') } })
const aboutOf = ({ act }: MenuWishes): MenuEntry => ({ label: words.about, click: () => { act('about') } })
const quit: MenuEntry = { role: 'quit', label: words.quit, accelerator: 'CommandOrControl+Q' }

function appMenu(wishes: MenuWishes): MenuEntry {
  return {
    label: systemWords.name,
    submenu: [
      aboutOf(wishes), separator, settingsOf(wishes), lockOf(wishes), separator,
      { role: 'services', label: words.services }, separator, { role: 'hide', label: words.hide },
      { role: 'hideOthers', label: words.hideOthers }, { role: 'unhide', label: words.unhide }, separator, quit,
    ],
  }
}

function fileMenu(wishes: MenuWishes): MenuEntry {
  const { mac, writable, act } = wishes
  return {
    label: words.file,
    submenu: [
      { label: words.newChat, accelerator: 'CommandOrControl+N', enabled: writable, click: () => { act('new-chat') } },
      {
        label: words.newGroup, accelerator: 'CommandOrControl+Shift+N', enabled: writable,
        click: () => { act('new-group') },
      },
      separator,
      ...mac ? [{ role: 'close', label: words.close }] as MenuEntry[]
        : [settingsOf(wishes), lockOf(wishes), separator, quit],
    ],
  }
}

function editMenu({ open, act }: MenuWishes): MenuEntry {
  return {
    label: words.edit,
    submenu: [
      { role: 'undo', label: words.undo }, { role: 'redo', label: words.redo }, separator,
      { role: 'cut', label: words.cut }, { role: 'copy', label: words.copy }, { role: 'paste', label: words.paste },
      { role: 'pasteAndMatchStyle', label: words.pastePlain }, { role: 'delete', label: words.remove },
      { role: 'selectAll', label: words.selectAll }, separator,
      { label: words.find, accelerator: 'CommandOrControl+F', enabled: open, click: () => { act('find') } },
    ],
  }
}

function viewMenu({ zoom }: MenuWishes): MenuEntry {
  const larger = (accelerator: string, visible: boolean): MenuEntry =>
    ({ label: words.larger, accelerator, visible, click: () => { zoom('in') } })
  return {
    label: words.view,
    submenu: [
      // The key of the plus sign alone is that of "=" on many keyboards.
      larger('CommandOrControl+Plus', true), larger('CommandOrControl+=', false),
      { label: words.smaller, accelerator: 'CommandOrControl+-', click: () => { zoom('out') } },
      { label: words.normal, accelerator: 'CommandOrControl+0', click: () => { zoom('reset') } },
      separator, { role: 'togglefullscreen', label: words.fullScreen },
    ],
  }
}

function helpMenu(wishes: MenuWishes): MenuEntry {
  const { mac, open, act } = wishes
  return {
    role: 'help', label: words.help,
    submenu: [
      { label: words.protects, accelerator: mac ? 'Command+?' : 'F1', click: () => { act('help') } },
      { label: words.shortcuts, accelerator: 'CommandOrControl+/', click: () => { act('shortcuts') } },
      { label: words.report, enabled: open, click: () => { act('report') } },
      ...mac ? [] : [separator, aboutOf(wishes)],
    ],
  }
}

/** What a right click offers; nothing where there is nothing to do. */
export function contextMenu(params: ContextParams, replace: (word: string) => void): MenuEntry[] {
  const { isEditable, selectionText, misspelledWord, dictionarySuggestions } = params
  const copy: MenuEntry = { role: 'copy', label: words.copy, enabled: selectionText !== '' }
  if (!isEditable) return selectionText === '' ? [] : [copy]
  const suggestions: MenuEntry[] = dictionarySuggestions.slice(0, 5)
    .map((word) => ({ label: word, click: () => { replace(word) } }))
  return [
    ...misspelledWord === '' ? [] : suggestions.length > 0 ? suggestions : [{ label: words.noSuggestion, enabled: false }],
    ...misspelledWord === '' ? [] : [separator],
    { role: 'cut', label: words.cut, enabled: selectionText !== '' }, copy, { role: 'paste', label: words.paste },
    { role: 'pasteAndMatchStyle', label: words.pastePlain }, separator, { role: 'selectAll', label: words.selectAll },
  ]
}
