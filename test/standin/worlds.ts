/**
 * The two scripts that the stand-in puts into every page before the page's own: one in the page's world, one in the
 * isolated world of the preload bundle. They are sent as source text, so each uses only its parameters.
 *
 * Between the worlds go synchronous DOM events whose names nobody else knows, with strings in them: no object of one
 * world ever reaches the other, as with Electron's contextBridge. Functions and promises cross as numbers.
 */
import { decode, encode } from './wire.ts'
import type { Wire } from './wire.ts'

type Encode = typeof encode
type Decode = typeof decode
type Message =
  | { readonly kind: 'call', readonly id: number, readonly values: readonly Wire[] }
  | { readonly kind: 'return', readonly value?: Wire, readonly error?: string }
  | { readonly kind: 'settle', readonly id: number, readonly value?: Wire, readonly error?: string }
  | { readonly kind: 'expose', readonly name: string, readonly value: Wire }

/** One end of the bridge. Both worlds run the same code with the two event names exchanged. */
function bridgeEnd(mine: string, theirs: string, encode: Encode, decode: Decode): {
  expose: (name: string, value: unknown) => void, close: () => void
} {
  const functions: ((...values: unknown[]) => unknown)[] = []
  const waiting = new Map<number, { resolve: (value: unknown) => void, reject: (reason: Error) => void }>()
  let promises = 0
  let exposing = true
  let returned: Message | undefined
  const send = (message: Message): void => {
    window.dispatchEvent(new CustomEvent(theirs, { detail: JSON.stringify(message) }))
  }
  const pack = (value: unknown): Wire => encode(value, (object) => {
    if (typeof object === 'function') return { $: 'function', v: functions.push(object as (...values: unknown[]) => unknown) - 1 }
    if (!(object instanceof Promise)) return undefined
    const id = promises++
    object.then((value: unknown) => { send({ kind: 'settle', id, value: pack(value) }) },
      (reason: unknown) => { send({ kind: 'settle', id, error: String(reason) }) })
    return { $: 'promise', v: id }
  })
  const freeze = (value: unknown): unknown => {
    if (typeof value === 'object' && value !== null && !(value instanceof Promise)) {
      Object.values(value).forEach(freeze)
      Object.freeze(value)
    }
    return value
  }
  const unpack = (wire: Wire): unknown => decode(wire, (kind, id) => {
    if (kind === 'promise') return new Promise((resolve, reject) => { waiting.set(id, { resolve, reject }) })
    return (...values: unknown[]): unknown => {
      send({ kind: 'call', id, values: values.map(pack) })
      const answer = returned
      returned = undefined
      if (answer?.kind !== 'return') throw new Error('the other world did not answer')
      if (answer.value === undefined) throw new Error(answer.error)
      return unpack(answer.value)
    }
  })
  window.addEventListener(mine, (event) => {
    const message = JSON.parse((event as CustomEvent<string>).detail) as Message
    switch (message.kind) {
      case 'call':
        try {
          const value = pack(functions[message.id]?.(...message.values.map(unpack)))
          send({ kind: 'return', value })
        } catch (error) {
          send({ kind: 'return', error: error instanceof Error ? error.message : String(error) })
        }
        return
      case 'return': returned = message; return
      case 'settle': {
        const promise = waiting.get(message.id)
        waiting.delete(message.id)
        if (message.value === undefined) promise?.reject(new Error(message.error))
        else promise?.resolve(unpack(message.value))
        return
      }
      case 'expose':
        if (exposing) {
          Object.defineProperty(window, message.name, { value: freeze(unpack(message.value)), enumerable: true })
        }
    }
  })
  return {
    expose: (name, value) => { send({ kind: 'expose', name, value: pack(value) }) },
    close: () => { exposing = false },
  }
}

/** Runs the preload bundle with the `electron` that a sandboxed preload script gets. */
function preloadWorld(
  names: { readonly page: string, readonly preload: string, readonly call: string, readonly deliver: string },
  parts: { readonly encode: Encode, readonly decode: Decode, readonly bridgeEnd: typeof bridgeEnd },
  preload: (require: (name: string) => unknown, module: object, exports: object) => void,
): void {
  // As in Electron: only the top frame gets a preload script.
  if (window.top !== window) return
  const { encode, decode } = parts
  const bridge = parts.bridgeEnd(names.preload, names.page, encode, decode)
  const world = globalThis as unknown as Record<string, (payload: string) => void>
  const callMain = world[names.call]
  const waiting = new Map<number, { resolve: (value: unknown) => void, reject: (reason: Error) => void }>()
  const listeners = new Map<string, Set<(event: object, ...values: unknown[]) => void>>()
  let invokes = 0
  world[names.deliver] = (text) => {
    const message = JSON.parse(text) as
      { readonly reply?: number, readonly ok?: boolean, readonly channel?: string, readonly value: Wire }
    const value = decode(message.value)
    if (message.reply !== undefined) {
      const promise = waiting.get(message.reply)
      waiting.delete(message.reply)
      if (message.ok === true) promise?.resolve(value)
      else promise?.reject(new Error(String(value)))
    } else {
      for (const listener of listeners.get(message.channel ?? '') ?? []) listener({}, ...value as unknown[])
    }
  }
  const ipcRenderer = {
    invoke: (channel: string, ...values: unknown[]) => new Promise((resolve, reject) => {
      const id = ++invokes
      waiting.set(id, { resolve, reject })
      callMain?.(JSON.stringify({ id, channel, values: encode(values) }))
    }),
    on: (channel: string, listener: (event: object, ...values: unknown[]) => void) => {
      listeners.set(channel, (listeners.get(channel) ?? new Set()).add(listener))
    },
    off: (channel: string, listener: (event: object, ...values: unknown[]) => void) => {
      listeners.get(channel)?.delete(listener)
    },
  }
  const contextBridge = { exposeInMainWorld: bridge.expose }
  preload((name) => {
    if (name === 'electron') return { contextBridge, ipcRenderer }
    throw new Error(`module not found: ${name}`)
  }, { exports: {} }, {})
}

/**
 * A headless Chromium has nobody to ask about a camera: it refuses all of them, or with a flag none. Here the page is
 * let through as Electron would: by what the app's handlers grant, which Chromium was told.
 */
function guardCamera(): void {
  // No page of a foreign or empty address has cameras.
  const devices = navigator.mediaDevices as MediaDevices | undefined
  if (devices === undefined) return
  const open = devices.getUserMedia.bind(devices)
  devices.getUserMedia = async (constraints) => {
    const asked = [...constraints?.video ? ['camera'] : [], ...constraints?.audio ? ['microphone'] : []]
    for (const name of asked) {
      const { state } = await navigator.permissions.query({ name: name as PermissionName })
      if (state !== 'granted') throw new DOMException('Permission denied', 'NotAllowedError')
    }
    return open(constraints)
  }
}

/** A headless Chromium has no screen: a page that is lent one gets pictures, one after the other until it stops looking. */
function lendScreen(name: string): void {
  const devices = navigator.mediaDevices as MediaDevices | undefined
  if (devices === undefined) return
  devices.getDisplayMedia = async () => {
    const canvas = document.createElement('canvas')
    const draw = async (isNew: boolean): Promise<void> => {
      const look = (window as unknown as Record<string, (isNew: boolean) => Promise<string>>)[name]
      const bytes = await look?.(isNew) ?? ''
      if (bytes === '') throw new DOMException('Permission denied', 'NotAllowedError')
      const png = Uint8Array.from(atob(bytes), (octet) => octet.charCodeAt(0))
      const picture = await createImageBitmap(new Blob([png], { type: 'image/png' }))
      Object.assign(canvas, { width: picture.width, height: picture.height })
      canvas.getContext('2d')?.drawImage(picture, 0, 0)
    }
    await draw(true)
    const stream = canvas.captureStream()
    const goOn = async (): Promise<void> => {
      while (stream.active) {
        await draw(false)
        await new Promise((resolve) => { setTimeout(resolve, 100) })
      }
    }
    void goOn().catch(() => { for (const track of stream.getTracks()) track.stop() })
    return stream
  }
}

/** What the page's own `getDisplayMedia` asks for a picture of the screen. */
export const screenBinding = '__standinScreen'

/** The names that only the stand-in's own scripts know: the global functions of the isolated world. */
export const callBinding = '__standinCall'
export const deliverFunction = '__standinDeliver'

/** The source of both scripts for one window. `secret` makes the event names unguessable for the page. */
export function worldScripts(secret: string, preload: string): { readonly page: string, readonly isolated: string } {
  const names = { page: `page-${secret}`, preload: `preload-${secret}`, call: callBinding, deliver: deliverFunction }
  return {
    page: `{
      const bridge = (${bridgeEnd.toString()})('${names.page}', '${names.preload}', ${encode.toString()},
        ${decode.toString()})
      document.addEventListener('DOMContentLoaded', bridge.close, { once: true });
      (${guardCamera.toString()})();
      (${lendScreen.toString()})('${screenBinding}')
    }`,
    isolated: `(${preloadWorld.toString()})(${JSON.stringify(names)},
      { encode: ${encode.toString()}, decode: ${decode.toString()}, bridgeEnd: ${bridgeEnd.toString()} },
      function (require, module, exports) {${preload}\n})`,
  }
}
