import type { Suite } from '../../main/mls/index.ts'
import { catchUp, newCrowd, oneByOne, type OneMessage } from './messages.ts'
import { Table } from './table.ts'

const inMs = (value: number): string => value.toFixed(value < 10 ? 2 : 0)
const perSecond = (messages: number, ms: number): string => (messages / ms * 1000).toFixed(0)
/** How many times the largest is the smallest. */
const spread = (values: readonly number[]): string => (Math.max(...values) / Math.min(...values)).toFixed(2)

/** What the whole app costs, on a real encrypted store: catching up, and one message in groups of several sizes. */
export async function appTables(suite: Suite, quick: boolean): Promise<string> {
  const caught = await catchUp(suite, quick ? 300 : 5000)
  const { messages, clockMs, processorMs, firstPaintMs } = caught
  if (!caught.paintedFirst) throw new Error('something was told before the window could paint')
  const catching = new Table('catching up', 'on the clock', 'CPU')
  catching.add(`${messages} messages: a second`, perSecond(messages, clockMs), perSecond(messages, processorMs))
  catching.add('until the first paint, ms', inMs(firstPaintMs), '')
  const storing = new Table('median of one message, CPU ms', 'received', 'sent')
  const sizes = quick ? [60, 120] : [10, 100, 1000, 5000]
  const crowd = newCrowd(suite, Math.max(...sizes))
  const all: OneMessage[] = []
  // Not counted: the first group pays for a program that is cold.
  await oneByOne(suite, crowd.slice(0, (sizes[0] ?? 3) - 2), quick ? 5 : 100)
  for (const size of sizes) {
    const one = await oneByOne(suite, crowd.slice(0, size - 2), quick ? 5 : 100)
    all.push(one)
    storing.add(`in a group of ${one.size}`, inMs(one.received.processorMs), inMs(one.sent.processorMs))
    process.stderr.write(`${one.size}: ${inMs(one.received.clockMs)} / ${inMs(one.sent.clockMs)} ms on the clock\n`)
  }
  const of = (which: 'received' | 'sent'): string => spread(all.map((one) => one[which].processorMs))
  storing.add('the dearest by the cheapest', of('received'), of('sent'))
  return `${catching.toString()}\n\n${storing.toString()}`
}
