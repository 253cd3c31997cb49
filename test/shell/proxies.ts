/** Two small proxies on this computer, which write down whom they were asked for. */
import { once } from 'node:events'
import { connect, createServer, type AddressInfo, type Server, type Socket } from 'node:net'

export type TestProxy = {
  readonly port: number
  /** Names and ports, as they were asked for. */
  readonly asked: string[]
  /** The answer to the next ones, in place of a connection. */
  refuse: number | undefined
  readonly close: () => Promise<void>
}

async function read(socket: Socket, length: number): Promise<Buffer> {
  for (;;) {
    const got = socket.read(length) as Buffer | null
    if (got !== null) return got
    await once(socket, 'readable')
  }
}

/** Leads every name to this computer: only the proxy knows where a name is. */
const lead = (socket: Socket, port: number, then: () => void): void => {
  const onward = connect({ host: '127.0.0.1', port }, then)
  onward.on('error', () => socket.destroy())
  socket.on('error', () => onward.destroy()).on('close', () => onward.destroy())
  socket.pipe(onward).pipe(socket)
}

/** RFC 1928, as much as is needed. */
export const socksProxy = (): Promise<TestProxy> => serve(async (socket, proxy) => {
  const [version, methods = 0] = await read(socket, 2)
  if (version !== 5) throw new Error('this is not SOCKS5')
  await read(socket, methods)
  socket.write(Uint8Array.of(5, 0))
  const [, command, , kind] = await read(socket, 4)
  if (command !== 1 || kind !== 3) throw new Error('a name was to come, unresolved')
  const name = (await read(socket, (await read(socket, 1))[0] ?? 0)).toString()
  const port = (await read(socket, 2)).readUInt16BE()
  proxy.asked.push(`${name}:${String(port)}`)
  if (proxy.refuse !== undefined) {
    socket.end(Uint8Array.of(5, proxy.refuse, 0, 1, 0, 0, 0, 0, 0, 0))
    return
  }
  lead(socket, port, () => { socket.write(Uint8Array.of(5, 0, 0, 1, 127, 0, 0, 1, 0, 80)) })
})

export const httpProxy = (): Promise<TestProxy> => serve(async (socket, proxy) => {
  let head = ''
  while (!head.endsWith('\r\n\r\n')) head += (await read(socket, 1)).toString('latin1')
  const [, name = '', port = ''] = /^CONNECT (\S+):(\d+) HTTP\/1\.1\r\nHost: \1:\2\r\n\r\n$/.exec(head) ?? []
  proxy.asked.push(`${name}:${port}`)
  if (proxy.refuse !== undefined) {
    socket.end(`HTTP/1.1 ${String(proxy.refuse)} No\r\n\r\n`)
    return
  }
  // What the other side says may come in the same piece as the head.
  lead(socket, Number(port), () => { socket.write('HTTP/1.1 200 Yes\r\nVia: test\r\n\r\n') })
})

async function serve(answer: (socket: Socket, proxy: TestProxy) => Promise<void>): Promise<TestProxy> {
  const sockets = new Set<Socket>()
  const server = createServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => undefined)
    answer(socket, proxy).catch(() => socket.destroy())
  })
  const port = await listen(server)
  const proxy: TestProxy = {
    port, asked: [], refuse: undefined,
    close: async () => {
      for (const socket of sockets) socket.destroy()
      server.close()
      await once(server, 'close')
    },
  }
  return proxy
}

export async function listen(server: Server): Promise<number> {
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  return (server.address() as AddressInfo).port
}
