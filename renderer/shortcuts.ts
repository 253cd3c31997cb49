/** The keys that the window and the menus know, as this system writes them. */
import type { helpWords } from './i18n/help.ts'

const mac = navigator.platform.startsWith('Mac')
const command = mac ? '⌘' : 'Ctrl'
const alt = mac ? '⌥' : 'Alt'
const shift = mac ? '⇧' : 'Shift'

export const shortcuts: readonly { readonly does: keyof typeof helpWords.shortcuts, readonly keys: readonly string[] }[] = [
  { does: 'find', keys: [command, 'K'] },
  { does: 'newChat', keys: [command, 'N'] },
  { does: 'newGroup', keys: [command, shift, 'N'] },
  { does: 'paste', keys: [command, 'V'] },
  { does: 'nextChat', keys: [alt, '↓'] },
  { does: 'previousChat', keys: [alt, '↑'] },
  { does: 'inList', keys: ['↑', '↓'] },
  { does: 'pin', keys: ['P'] },
  { does: 'mute', keys: ['M'] },
  { does: 'archive', keys: ['A'] },
  { does: 'send', keys: ['Enter'] },
  { does: 'line', keys: [shift, 'Enter'] },
  { does: 'back', keys: ['Esc'] },
  { does: 'settings', keys: [command, ','] },
  { does: 'lock', keys: [command, alt, 'L'] },
  { does: 'larger', keys: [command, '+'] },
  { does: 'smaller', keys: [command, '−'] },
  { does: 'normal', keys: [command, '0'] },
  { does: 'full', keys: mac ? ['⌃', command, 'F'] : ['F11'] },
  { does: 'help', keys: mac ? [command, '?'] : ['F1'] },
  { does: 'keys', keys: [command, '/'] },
  { does: 'quit', keys: [command, 'Q'] },
]
