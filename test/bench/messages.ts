import { performance } from 'node:perf_hooks'
import { openSqliteDelivery } from '../../main/delivery/sqlite.ts'
import type { Claimed } from '../../main/chat/room.ts'
import { groupLog } from '../../main/chat/sealed.ts'
import type { Suite } from '../../main/mls/index.ts'
import type { Delivery } from '../../main/ports.ts'
import type { Change } from '../../preload/api.ts'
import { people, until, type Person } from '../scenario/world.ts'
import { MemoryLog } from './memory-log.ts'
import { newMember, Speaker } from './speaker.ts'

// What the app itself costs, on a real encrypted store: catching up, and one message in groups of several sizes.

/** A message of usual length, with words that are not all the same. */
const text = (number: number): string =>
  `Message ${number}: the delivery comes on Thursday at ${number % 24}, somebody should be at gate ${number % 97}.`

type Clocks = { readonly clockMs: number, readonly processorMs: number }

async function clocked(task: () => Promise<void>): Promise<Clocks> {
  const [start, before] = [performance.now(), process.cpuUsage()]
  await task()
  const { user, system } = process.cpuUsage(before)
  return { clockMs: performance.now() - start, processorMs: (user + system) / 1000 }
}

/** Anna's app, and the id of her device, which only the delivery service is told. */
async function newApp(deliveryOf: (real: Delivery) => Delivery) {
  let deviceId = ''
  const { all: [anna], end } = await people(['Anna'], (person) => {
    person.through = (real) => {
      const delivery = deliveryOf(real)
      return {
        address: delivery.address,
        append: (log, bytes, slot) => delivery.append(log, bytes, slot),
        read: (log, after, limit) => delivery.read(log, after, limit),
        slot: (log, slot) => delivery.slot(log, slot),
        watch: (logs, wake) => {
          deviceId = logs.find((log) => log.startsWith('i.'))?.slice(2) ?? deviceId
          return delivery.watch(logs, wake)
        },
        close: () => Promise.all([delivery.close(), real.close()]).then(() => undefined),
      }
    }
  })
  const { phase } = await anna.call('app.open', {})
  if (phase.at !== 'ready') throw new Error('the app is not open')
  const { accountId } = phase.me
  await until('the app listens', () => Promise.resolve(deviceId !== ''))
  return { anna, end, device: { accountId, deviceId } }
}

/** Lets Anna into a group with the speaker and a crowd, and accepts. Gives the conversation. */
async function enter({ anna, device }: Awaited<ReturnType<typeof newApp>>, delivery: Delivery, speaker: Speaker,
  crowd: readonly Claimed[]): Promise<string> {
  await until('KeyPackages', async () => (await delivery.read(`k.${device.deviceId}`, 0, 1)).length > 0)
  await speaker.invite(delivery, device, crowd)
  const conversation = await until('the request', async () =>
    (await anna.conversations()).find(({ state }) => state === 'request')?.id, 300_000)
  await anna.call('conversation.accept', { conversation })
  const log = groupLog('m', speaker.room.room.log)
  await until('Anna has said hello', async () => (await delivery.read(log, 0, 1)).length > 0)
  return conversation
}

/** Waits until changes told since `from` have so many messages in a state. */
async function told(anna: Person, from: number, count: number, state: string): Promise<void> {
  let [at, seen] = [from, 0]
  while (seen < count) {
    for (const change of anna.changes.slice(at)) seen += messagesIn(change, state)
    at = anna.changes.length
    if (seen < count) await new Promise((resolve) => { setImmediate(resolve) })
  }
}
const messagesIn = ({ entries = [] }: Change, state: string): number =>
  entries.filter((entry) => entry.kind === 'message' && entry.state === state).length

export type CatchUp = Clocks & { readonly messages: number, readonly firstPaintMs: number, readonly paintedFirst: boolean }

/** A closed app is opened, and `messages` of one sender wait in the log. */
export async function catchUp(suite: Suite, messages: number): Promise<CatchUp> {
  const app = await newApp((real) => real)
  const { anna } = app
  const delivery = openSqliteDelivery({ file: anna.deliveryFile })
  try {
    const speaker = new Speaker(suite)
    await enter(app, delivery, speaker, [])
    await anna.stop()
    for (let said = 0; said < messages; said += 100) {
      const { log, records } = speaker.say(Math.min(100, messages - said), text)
      for (const bytes of records) await delivery.append(log, bytes)
    }
    const before = anna.changes.length
    const painted = await clocked(() => anna.start())
    const paintedFirst = anna.changes.length === before
    const clocks = await clocked(() => told(anna, before, messages, 'received'))
    if (anna.bugs.length > 0) throw anna.bugs[0]
    return { ...clocks, messages, firstPaintMs: painted.clockMs, paintedFirst }
  } finally {
    await app.end()
    await delivery.close()
  }
}

export type OneMessage = { readonly size: number, readonly received: Clocks, readonly sent: Clocks }

/** One message after the other, each stored before the next one comes, in a group of `size`. Times of one message. */
export async function oneByOne(suite: Suite, crowd: readonly Claimed[], runs: number): Promise<OneMessage> {
  const delivery = new MemoryLog()
  const app = await newApp(() => delivery)
  const { anna } = app
  try {
    const speaker = new Speaker(suite)
    const conversation = await enter(app, delivery, speaker, crowd)
    const { log, records } = speaker.say(runs + warmUp, text)
    delivery.dam(log)
    for (const bytes of records) await delivery.append(log, bytes)
    const receive = async (count: number): Promise<void> => {
      for (let run = 0; run < count; run++) {
        const before = anna.changes.length
        delivery.letThrough(log)
        await told(anna, before, 1, 'received')
      }
    }
    const send = async (count: number): Promise<void> => {
      for (let run = 0; run < count; run++) {
        const before = anna.changes.length
        await anna.say(conversation, text(run))
        await told(anna, before, 1, 'sent')
      }
    }
    await receive(warmUp)
    const received = await clocked(() => receive(runs))
    await send(warmUp)
    const sent = await clocked(() => send(runs))
    if (anna.bugs.length > 0) throw anna.bugs[0]
    const each = ({ clockMs, processorMs }: Clocks): Clocks => ({ clockMs: clockMs / runs, processorMs: processorMs / runs })
    return { size: crowd.length + 2, received: each(received), sent: each(sent) }
  } finally {
    await app.end()
  }
}

const warmUp = 30

/** One crowd for all sizes: the smaller groups have a part of it. */
export const newCrowd = (suite: Suite, size: number): readonly Claimed[] =>
  Array.from({ length: size }, () => newMember(suite))
