import type { StoreWrite } from '../../main/ports.ts'

/** Where a process can be killed: at each use that the app makes of its store and of the delivery service. */
export const points = [
  'write outbox', 'write records', 'write pending commit', 'write epoch', 'write sent', 'write entries', 'write rest',
  'append commit', 'append message', 'append mail', 'append key package', 'append device log', 'append card',
  'read commits', 'read messages', 'read mail', 'read key packages', 'read device log', 'read card', 'read slot',
] as const
export type Point = typeof points[number]

export const sides = ['before', 'after'] as const
export type Side = typeof sides[number]

/** Kill at the `count`-th time that this point is reached. */
export type Plan = { readonly point: Point, readonly side: Side, readonly count: number }

const logs = {
  h: ['append commit', 'read commits'], m: ['append message', 'read messages'], i: ['append mail', 'read mail'],
  k: ['append key package', 'read key packages'], u: ['append device log', 'read device log'],
  c: ['append card', 'read card'],
} as const satisfies Record<string, readonly [Point, Point]>

const pointsOf = (log: string): readonly [Point, Point] => {
  const found = Object.entries(logs).find(([kind]) => log.startsWith(`${kind}.`))
  if (found === undefined) throw new Error(`a log of no known kind: ${log}`)
  return found[1]
}
export const appendPoint = (log: string): Point => pointsOf(log)[0]
export const readPoint = (log: string): Point => pointsOf(log)[1]

/** A transaction by the most remarkable thing in it. */
export function writePoint(write: StoreWrite): Point {
  const documents = write.documents ?? []
  const keeps = (kind: string): boolean => documents.some((one) => one.kind === kind && one.bytes !== undefined)
  if (keeps('pending')) return 'write pending commit'
  if (keeps('people')) return 'write epoch'
  if (keeps('publish')) return 'write records'
  if (keeps('outbox')) return 'write outbox'
  if (documents.some((one) => one.kind === 'publish')) return 'write sent'
  return (write.entries ?? []).length > 0 ? 'write entries' : 'write rest'
}
