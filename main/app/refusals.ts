import { MlsError } from '../mls/index.ts'
import type { CallName, ErrorCode } from '../../preload/api.ts'
import { PortError, type Ports } from '../ports.ts'
import type { Closing } from './closing.ts'
import { endOf } from './devices.ts'
import type { State } from './state.ts'

/** What is refused, and in which words of the contract. */

/** What may leave something to read. */
export const readable: ReadonlySet<ErrorCode> = new Set(['store-damaged', 'store-full', 'store-read-only'])
/** Reasons to show a page of their own: the answer of a form would not do. */
export const stopping: ReadonlySet<ErrorCode> = new Set([...readable, 'store-newer', 'slots-damaged'])

/** What a device may still be asked that was taken out of its account, or closes it. */
const forReading: ReadonlySet<CallName> = new Set([
  'entries.page', 'conversation.details', 'conversation.read', 'people.known', 'delivery.usage', 'devices.list',
  'backup.status', 'backup.export', 'backup.plain', 'backup.cancel',
])

const shortestPassphrase = 8

/** Any error as the window gets it; one that is none of the world's is reported. */
export function refusal(error: unknown, ports: Ports): { readonly code: ErrorCode, readonly detail?: string } {
  if (error instanceof PortError) {
    return { code: error.code, ...(error.detail === undefined ? {} : { detail: error.detail }) }
  }
  ports.report(error)
  return { code: 'bug', ...(error instanceof MlsError && error.rule !== undefined ? { detail: error.rule } : {}) }
}

/**
 * What puts the past where others than the 24 words open it. A device that somebody was talked into linking shall not do
 * that at once: it waits until an elder trusts it. A closed account has no elder any more.
 */
function opensThePast(name: CallName, argument: unknown): boolean {
  const { passphrase, by } = argument as { readonly passphrase?: unknown, readonly by?: unknown }
  return name === 'backup.plain' || (name === 'backup.export' && passphrase !== '') || (name === 'backup.keep' && by !== 'words')
}

const isTrusted = ({ devices, self }: State): boolean =>
  devices.closed !== undefined || devices.devices.some(({ deviceId, trusted }) => deviceId === self.deviceId && trusted)

/** Throws PortError('device-revoked' | 'account-closed' | 'account-closing' | 'device-untrusted') for what cannot be asked. */
export function demandAnswerable(
  { state, closing }: { readonly state: State, readonly closing: Closing }, name: CallName, argument: unknown,
): void {
  if (opensThePast(name, argument) && !isTrusted(state)) throw new PortError('device-untrusted')
  if (forReading.has(name)) return
  const end = endOf(state)
  if (end !== undefined) throw new PortError(end)
  if (closing.isDecided && name !== 'account.keep') throw new PortError('account-closing')
}

/** Throws PortError('passphrase-short'), whose detail is how long it has to be. */
export function checkPassphrase(passphrase: string): void {
  if (passphrase.length < shortestPassphrase) throw new PortError('passphrase-short', String(shortestPassphrase))
}
