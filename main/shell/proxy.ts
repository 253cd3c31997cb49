/** The person's choice of a proxy, for Chromium's sessions and for the app's own code alike. Never around it. */
import { torPlace, type Proxy } from '../../preload/shell.ts'
import type { Electron, ProxyConfig, WindowSession } from '../electron.ts'
import type { Network, Route, Target } from '../network.ts'
import { windowSession } from '../window.ts'

/** Chromium goes to its own computer directly unless it is told not to. */
const everywhere = '<-loopback>'
/** Where nobody listens: while the person's choice is not known, nothing goes out. */
const nowhere: ProxyConfig = { mode: 'fixed_servers', proxyRules: 'socks5://127.0.0.1:1', proxyBypassRules: everywhere }

const placeOf = ({ mode, host, port }: Proxy): Route & Target =>
  mode === 'tor' ? { type: 'socks5', ...torPlace } : { type: mode === 'http' ? 'http' : 'socks5', host, port }

export function configOf(proxy: Proxy | undefined): ProxyConfig {
  if (proxy === undefined) return nowhere
  if (proxy.mode === 'system') return { mode: 'system' }
  const { type, host, port } = placeOf(proxy)
  const place = `${host.includes(':') ? `[${host}]` : host}:${String(port)}`
  return { mode: 'fixed_servers', proxyRules: `${type}://${place}`, proxyBypassRules: everywhere }
}

/** What `resolveProxy` says, as far as this app knows the way: "PROXY a:1; SOCKS5 b:2; DIRECT". */
export function routesFrom(said: string): readonly Route[] {
  return said.split(';').flatMap((part): readonly Route[] => {
    const [kind, place = ''] = part.trim().split(/\s+/)
    if (kind === 'DIRECT') return [{ type: 'direct' }]
    const match = /^\[?([^\]]+?)\]?:(\d+)$/.exec(place)
    if (match?.[1] === undefined || (kind !== 'PROXY' && kind !== 'SOCKS5')) return []
    return [{ type: kind === 'PROXY' ? 'http' : 'socks5', host: match[1], port: Number(match[2]) }]
  })
}

/**
 * Sends everything by the chosen way. Meanwhile, and where a session does not take it, nothing goes out.
 *
 * @param proxy undefined: not known, so nothing goes out
 */
export async function chooseProxy(electron: Electron, network: Network, proxy: Proxy | undefined): Promise<void> {
  network.use(undefined)
  const config = configOf(proxy)
  const { defaultSession } = electron.session
  const sessions: readonly WindowSession[] = [defaultSession, windowSession(electron)]
  await electron.app.setProxy(config)
  for (const session of sessions) {
    await session.setProxy(config)
    // Connections that stand go another way.
    await session.closeAllConnections()
  }
  if (proxy === undefined) return
  if (proxy.mode !== 'system') {
    const routes = [placeOf(proxy)]
    network.use(() => Promise.resolve(routes))
    return
  }
  network.use(async ({ host, port }) =>
    routesFrom(await defaultSession.resolveProxy(`https://${host.includes(':') ? `[${host}]` : host}:${String(port)}/`)))
}
