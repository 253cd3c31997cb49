/** One writer of the race in conformance.ts: says "ready", waits for a line, then wants every slot in turn. */
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import type { Delivery } from '../../main/ports.ts'
import type { Outcome } from './conformance.ts'

type Order = {
  readonly module: string, readonly name: string, readonly argument: unknown
  readonly writer: number, readonly slots: number
}
type Opener = (argument: unknown) => Delivery | Promise<Delivery>

const order = JSON.parse(process.argv[2] ?? '') as Order
const exported = await import(order.module) as Record<string, Opener>
const open = exported[order.name]
if (open === undefined) throw new Error(`${order.module} exports no ${order.name}`)
const delivery = await open(order.argument)
process.stdout.write('ready\n')
await once(process.stdin, 'data')

const outcomes: Outcome[] = []
for (let number = 0; number < order.slots; number += 1) {
  // Pauses of random length, so that no process runs ahead of all others.
  await sleep(Math.random() * 4)
  const slot = `epoch-${number}`
  const bytes = new TextEncoder().encode(`writer ${order.writer} in ${slot}`)
  const appended = await delivery.append('h.race', bytes, slot)
  outcomes.push(appended.type === 'accepted'
    ? { type: 'accepted' }
    : { type: 'taken', text: new TextDecoder().decode(appended.bytes) })
}
await delivery.close()
process.stdout.write(JSON.stringify(outcomes))
