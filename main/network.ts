/**
 * The one way out: whatever this app's own code sends over a network goes through `connect`, by the proxy that the person
 * chose and by no other. What Chromium sends goes by the same choice (main/shell/proxy.ts).
 */
import { connect, isIP, type Socket } from 'node:net'
import { PortError } from './ports.ts'

export type Target = { readonly host: string, readonly port: number }
export type Route = { readonly type: 'direct' } | { readonly type: 'socks5' | 'http' } & Target

/** Connects to a place, or rejects with PortError('proxy-unreachable' | 'network-held' | 'delivery-unreachable'). */
export type Connect = (target: Target) => Promise<Socket>

/** How long a proxy or a place may take to answer. */
const usualLimitMs = 20_000
const longestHead = 8_192
/** A name of DNS or an address, so that it means nothing else in the words of a proxy. */
const hostPattern = /^[a-z0-9](?:[a-z0-9.-]{0,251}[a-z0-9])?$/i

export class Network {
  /** Which routes to try, in order. Without any, nothing goes out. */
  #routesTo: ((target: Target) => Promise<readonly Route[]>) | undefined
  readonly #limitMs: number

  constructor(limitMs = usualLimitMs) {
    this.#limitMs = limitMs
  }

  /** From now on everything goes by these; `undefined` holds everything back. */
  use(routesTo: ((target: Target) => Promise<readonly Route[]>) | undefined): void {
    this.#routesTo = routesTo
  }

  readonly connect: Connect = async (target) => {
    if (!hostPattern.test(target.host) && isIP(target.host) === 0) throw new TypeError('this is no name of a host')
    const routes = await this.#routesTo?.(target)
    if (routes === undefined) throw new PortError('network-held')
    let refused: unknown = new PortError('proxy-unreachable')
    for (const route of routes) {
      try {
        return await by(route, target, this.#limitMs)
      } catch (error) {
        refused = error
      }
    }
    throw refused
  }
}

async function by(route: Route, target: Target, limitMs: number): Promise<Socket> {
  const code = route.type === 'direct' ? 'delivery-unreachable' : 'proxy-unreachable'
  const socket = connect(route.type === 'direct' ? target : { host: route.host, port: route.port })
  const timer = setTimeout(() => { socket.destroy(new Error('too slow')) }, limitMs)
  try {
    await new Promise<void>((resolve, reject) => { socket.once('connect', resolve).once('error', reject) })
    if (route.type === 'socks5') await greetSocks(socket, target)
    if (route.type === 'http') await greetHttp(socket, target)
    return socket
  } catch (error) {
    socket.destroy()
    throw error instanceof PortError ? error : new PortError(code)
  } finally {
    clearTimeout(timer)
  }
}

/** RFC 1928, without a password. A name goes as a name, so that nobody but the proxy asks for its address. */
async function greetSocks(socket: Socket, { host, port }: Target): Promise<void> {
  socket.write(Uint8Array.of(5, 1, 0))
  const [version, method] = await take(socket, 2)
  if (version !== 5 || method !== 0) throw new PortError('proxy-unreachable', 'method')
  const name = Buffer.from(host, 'latin1')
  socket.write(Buffer.concat([Uint8Array.of(5, 1, 0, 3, name.length), name, Uint8Array.of(port >> 8, port & 0xff)]))
  const [again, reply, , kind] = await take(socket, 4)
  if (again !== 5 || reply !== 0) throw new PortError('proxy-unreachable', `reply ${String(reply)}`)
  // The address that the proxy speaks from: IPv4, a name, IPv6.
  const length = kind === 1 ? 4 : kind === 4 ? 16 : kind === 3 ? (await take(socket, 1))[0] ?? 0 : undefined
  if (length === undefined) throw new PortError('proxy-unreachable', 'address')
  await take(socket, length + 2)
}

/** RFC 9110 §9.3.6. */
async function greetHttp(socket: Socket, { host, port }: Target): Promise<void> {
  const place = `${isIP(host) === 6 ? `[${host}]` : host}:${String(port)}`
  socket.write(`CONNECT ${place} HTTP/1.1\r\nHost: ${place}\r\n\r\n`)
  let head = ''
  while (!head.endsWith('\r\n\r\n')) {
    if (head.length >= longestHead) throw new PortError('proxy-unreachable', 'head')
    // One by one: what comes after the head is not the proxy's.
    head += (await take(socket, 1)).toString('latin1')
  }
  const status = /^HTTP\/1\.[01] (\d{3})/.exec(head)?.[1]
  if (status?.startsWith('2') !== true) throw new PortError('proxy-unreachable', `status ${status ?? 'none'}`)
}

/** Exactly so many bytes; rejects when they do not come. */
function take(socket: Socket, length: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const look = (): void => {
      const got = socket.read(length) as Buffer | null
      if (got?.length === length) finish(() => { resolve(got) })
      else if (got !== null) gone()
    }
    const gone = (): void => { finish(() => { reject(new PortError('proxy-unreachable', 'closed')) }) }
    const finish = (then: () => void): void => {
      socket.off('readable', look).off('end', gone).off('close', gone).off('error', gone)
      then()
    }
    socket.on('readable', look).on('end', gone).on('close', gone).on('error', gone)
    look()
  })
}
