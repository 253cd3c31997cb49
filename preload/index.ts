/** Gives the page `window.coppice`, derived from the table in api.ts. Nothing else of Electron reaches the page. */
import { contextBridge, ipcRenderer } from 'electron'
import { calls, invokeChannel, pushChannel } from './api.ts'
import type { Bridge, Change } from './api.ts'

const bridge: Bridge = {
  call: (name, argument) =>
    Object.hasOwn(calls, name)
      ? ipcRenderer.invoke(invokeChannel, name, argument)
      : Promise.resolve({ ok: false, code: 'bad-argument' }),
  onChange: (receive) => {
    // The event object stays here: through `event.sender` it would hand ipcRenderer to the page.
    const listener = (_event: unknown, change: Change): void => { receive(change) }
    ipcRenderer.on(pushChannel, listener)
    return () => { ipcRenderer.off(pushChannel, listener) }
  },
}

contextBridge.exposeInMainWorld('coppice', bridge)
