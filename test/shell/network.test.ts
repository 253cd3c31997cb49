/** Whatever goes out goes by the chosen proxy, seen with real ones; never around it. */
import assert from 'node:assert/strict'
import { readFileSync, readdirSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import path from 'node:path'
import { after, before, beforeEach, describe, test } from 'node:test'
import { Network, type Route } from '../../main/network.ts'
import { PortError } from '../../main/ports.ts'
import { chooseProxy, configOf, routesFrom } from '../../main/shell/proxy.ts'
import { isProxy, type Proxy } from '../../preload/shell.ts'
import type { Recorded } from '../standin/frame.ts'
import { StandinSession } from '../standin/session.ts'
import { httpProxy, listen, socksProxy, type TestProxy } from './proxies.ts'

/** Says everything back, after a greeting. */
let echo: Server
let port = 0
let visits = 0
let socks: TestProxy
let http: TestProxy
before(async () => {
  echo = createServer((socket) => {
    visits++
    socket.on('error', () => undefined)
    socket.write('welcome ')
    socket.pipe(socket)
  })
  port = await listen(echo)
  socks = await socksProxy()
  http = await httpProxy()
})
beforeEach(() => { visits = 0 })
after(async () => {
  await socks.close()
  await http.close()
  echo.close()
})

async function talk(socket: Socket): Promise<string> {
  socket.write('hello')
  let heard = ''
  for await (const piece of socket as AsyncIterable<Buffer>) {
    heard += piece.toString()
    if (heard.length >= 'welcome hello'.length) break
  }
  return heard
}
const refusal = (code: string) => (error: unknown): boolean => error instanceof PortError && error.code === code
const networkBy = (...routes: readonly Route[]): Network => {
  const network = new Network(500)
  network.use(() => Promise.resolve(routes))
  return network
}
const target = () => ({ host: 'hidden.example', port })

describe('the one way out', () => {
  test('leads through SOCKS5 and HTTP, with the name left for the proxy to find', async () => {
    for (const [type, proxy] of [['socks5', socks], ['http', http]] as const) {
      proxy.asked.length = 0
      const { connect } = networkBy({ type, host: '127.0.0.1', port: proxy.port })
      assert.equal(await talk(await connect(target())), 'welcome hello', type)
      // Nobody on this computer could have found that name.
      assert.deepEqual(proxy.asked, [`hidden.example:${String(port)}`], type)
    }
  })

  test('is closed when the proxy is away, refuses, or talks rubbish: nothing goes around it', async () => {
    const gone = await socksProxy()
    await gone.close()
    const rubbish = createServer((socket) => { socket.on('error', () => undefined).end('SSH-2.0-x\r\n\r\n\r\n') })
    const silent = createServer((socket) => { socket.on('error', () => undefined).end() })
    const places: readonly Route[] = [
      { type: 'socks5', host: '127.0.0.1', port: gone.port }, { type: 'http', host: '127.0.0.1', port: gone.port },
      { type: 'socks5', host: '127.0.0.1', port: await listen(rubbish) }, { type: 'http', host: '127.0.0.1', port: await listen(silent) },
      { type: 'socks5', host: '127.0.0.1', port: http.port },
    ]
    for (const place of places) {
      // The place itself can be reached directly, so that a way around would be found.
      await assert.rejects(networkBy(place).connect({ host: '127.0.0.1', port }), refusal('proxy-unreachable'), place.type)
    }
    for (const [type, proxy, code] of [['socks5', socks, 2], ['http', http, 403]] as const) {
      proxy.refuse = code
      await assert.rejects(networkBy({ type, host: '127.0.0.1', port: proxy.port }).connect(target()), refusal('proxy-unreachable'))
      proxy.refuse = undefined
    }
    assert.equal(visits, 0, 'somebody went around the proxy')
    rubbish.close()
    silent.close()
  })

  test('does not listen for ever to a proxy that says nothing and goes on', async () => {
    const endless = createServer((socket) => {
      socket.on('error', () => undefined)
      const more = (): void => { while (!socket.destroyed && socket.write(Buffer.alloc(1_024, 'x'))); }
      socket.on('drain', more)
      more()
    })
    const network = new Network(60_000)
    network.use(async () => [{ type: 'http', host: '127.0.0.1', port: await listen(endless) }])
    await assert.rejects(network.connect(target()), refusal('proxy-unreachable'))
    endless.close()
  })

  test('is shut until somebody chose, and takes no name that says more than a name', async () => {
    await assert.rejects(new Network().connect(target()), refusal('network-held'))
    for (const host of ['', 'a b', 'a\r\nX: y', 'a/b', '-a', 'a'.repeat(300), 'a:80']) {
      await assert.rejects(networkBy({ type: 'http', host: '127.0.0.1', port: http.port }).connect({ host, port }), TypeError, host)
    }
    assert.equal(visits, 0)
  })

  test('goes directly where the system says so', async () => {
    assert.equal(await talk(await networkBy({ type: 'direct' }).connect({ host: '127.0.0.1', port })), 'welcome hello')
    await assert.rejects(networkBy({ type: 'direct' }).connect({ host: '127.0.0.1', port: 1 }), refusal('delivery-unreachable'))
  })
})

describe('the choice', () => {
  const proxy = (mode: Proxy['mode'], host = '', port = 0): Proxy => ({ mode, host, port })
  /** As much of Electron as a choice needs. */
  const electron = () => {
    const calls: Recorded[] = []
    const record = (...call: Recorded): void => { calls.push(call) }
    const sessions = new Map<string, StandinSession>()
    const of = (name: string): StandinSession => {
      const session = sessions.get(name) ?? new StandinSession(name, record)
      sessions.set(name, session)
      return session
    }
    const app = { setProxy: async (config: unknown) => { record('app.setProxy', config) } }
    return { calls, of, module: { app, session: { defaultSession: of(''), fromPartition: of } } as never }
  }

  test('is told to every session and to the app, and connections that stand are ended', async () => {
    const { calls, module } = electron()
    await chooseProxy(module, new Network(), proxy('tor'))
    const config = { mode: 'fixed_servers', proxyRules: 'socks5://127.0.0.1:9050', proxyBypassRules: '<-loopback>' }
    assert.deepEqual(calls, [
      ['app.setProxy', config],
      ...['', 'coppice'].flatMap((name) =>
        [['session.setProxy', name, config], ['session.closeAllConnections', name]]),
    ])
    assert.deepEqual(configOf(proxy('system')), { mode: 'system' })
    assert.deepEqual(configOf(proxy('http', '::1', 3128)),
      { mode: 'fixed_servers', proxyRules: 'http://[::1]:3128', proxyBypassRules: '<-loopback>' })
  })

  test('sends the app’s own code the same way: a manual one, the system’s, or none while it is not known', async () => {
    const { of, module } = electron()
    const network = new Network()
    socks.asked.length = 0
    http.asked.length = 0
    await chooseProxy(module, network, proxy('socks5', '127.0.0.1', socks.port))
    assert.equal(await talk(await network.connect(target())), 'welcome hello')
    await chooseProxy(module, network, proxy('system'))
    of('').systemProxy = `HTTPS x:1; PROXY 127.0.0.1:${String(http.port)}`
    assert.equal(await talk(await network.connect(target())), 'welcome hello')
    assert.deepEqual([socks.asked.length, http.asked.length], [1, 1])
    of('').systemProxy = 'HTTPS x:1'
    await assert.rejects(network.connect({ host: '127.0.0.1', port }), refusal('proxy-unreachable'), 'a way that it does not know')
    await chooseProxy(module, network, undefined)
    await assert.rejects(network.connect({ host: '127.0.0.1', port }), refusal('network-held'))
  })

  test('that a session does not take lets nothing out', async () => {
    const { module } = electron()
    const network = new Network()
    await chooseProxy(module, network, proxy('system'))
    const broken = { ...module as object, app: { setProxy: () => Promise.reject(new Error('no')) } } as never
    await assert.rejects(chooseProxy(broken, network, proxy('tor')))
    await assert.rejects(network.connect({ host: '127.0.0.1', port }), refusal('network-held'))
  })

  test('is a name or an address and a port, and nothing that means more', () => {
    for (const [host, port] of [['proxy.example', 1], ['10.0.0.1', 65_535], ['::1', 9_050], ['a', 80]] as const) {
      assert.ok(isProxy(proxy('socks5', host, port)), host)
    }
    for (const [host, port] of [['', 80], ['a', 0], ['a b', 80], ['a;direct://', 80], ['a,b', 80], ['a/b', 80], ['a@b', 80]] as const) {
      assert.ok(!isProxy(proxy('http', host, port)), host)
    }
  })

  test('of the system is read as Chromium writes it', () => {
    assert.deepEqual(routesFrom('PROXY a.example:8080; SOCKS5 [::1]:1080;DIRECT'), [
      { type: 'http', host: 'a.example', port: 8080 }, { type: 'socks5', host: '::1', port: 1080 }, { type: 'direct' },
    ])
    assert.deepEqual(routesFrom('SOCKS old:1; QUIC x:2; HTTPS y:3; PROXY z'), [])
  })
})

test('no other file of the main process reaches for a network', () => {
  const main = path.join(import.meta.dirname, '..', '..', 'main')
  const files = readdirSync(main, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'))
  const ways = /\bfetch\(|\bWebSocket\b|\bXMLHttpRequest\b|(?:from|import\() ?['"](?:node:)?(?:net|http|https|http2|tls|dgram|dns)['"]|electron\.net\b/
  const read = (file: string): string => readFileSync(path.join(main, file), 'utf8')
  // Updates come by the window's session, which goes by the same choice.
  const updates = path.join('shell', 'updates.ts')
  assert.deepEqual(files.filter((file) => ways.test(read(file))).sort(), ['network.ts', updates])
  assert.deepEqual(read(updates).match(/\S*\bfetch\(/g), ['windowSession(electron).fetch('])
})
