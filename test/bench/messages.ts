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

function stopwatch(): () => Clocks {
  const [start, before] = [performance.now(), process.cpuUsage()]
  return () => {
    const { user, system } = process.cpuUsage(before)
    return { clockMs: performance.now() - start, processorMs: (user + system) / 1000 }
  }
}

/** Anna's app, and the id of her device, which only the delivery service is told. */
async function newApp(deliveryOf: (real: Delivery) => Delivery, throughStore?: Person['throughStore']) {
  let deviceId = ''
  const { all: [anna], end } = await people(['Anna'], (person) => {
    if (throughStore !== undefined) person.throughStore = throughStore
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

/** What it takes from `begin` until so many messages in a state are stored and told. */
async function timeUntil(anna: Person, count: number, state: string, begin: () => Promise<unknown>): Promise<Clocks> {
  let left = count
  const clocks = new Promise<Clocks>((resolve) => {
    const stop = stopwatch()
    anna.shown = (change) => {
      left -= messagesIn(change, state)
      if (left <= 0) resolve(stop())
    }
  })
  await begin()
  return clocks
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
    const open = stopwatch()
    await anna.start()
    const firstPaintMs = open().clockMs
    const paintedFirst = anna.changes.length === before
    const clocks = await timeUntil(anna, messages, 'received', () => Promise.resolve())
    if (anna.bugs.length > 0) throw anna.bugs[0]
    return { ...clocks, messages, firstPaintMs, paintedFirst }
  } finally {
    await app.end()
    await delivery.close()
  }
}

/** Anna in a group of `crowd` and two more, at rest before each message and after it. */
export async function inCrowd(suite: Suite, crowd: readonly Claimed[], throughStore?: Person['throughStore']) {
  const delivery = new MemoryLog()
  const app = await newApp(() => delivery, throughStore)
  const { anna } = app
  const speaker = new Speaker(suite)
  const conversation = await enter(app, delivery, speaker, crowd)
  const log = groupLog('m', speaker.room.room.log)
  delivery.dam(log)
  await rest(anna)
  let said = 0
  const one = async (state: string, begin: () => Promise<unknown>): Promise<Clocks> => {
    const clocks = await timeUntil(anna, 1, state, begin)
    await rest(anna)
    if (anna.bugs.length > 0) throw anna.bugs[0]
    return clocks
  }
  return {
    anna,
    end: app.end,
    /** From when the log is seen to grow until the message is stored and told. */
    receive: async (): Promise<Clocks> => {
      const [record] = speaker.say(1, text).records
      if (record === undefined) throw new Error('nothing was said')
      await delivery.appendBehind(log, record)
      return one('received', async () => { delivery.letThrough(log) })
    },
    /** From the Call until the log has it and that is stored and told. */
    send: (): Promise<Clocks> => one('sent', () => anna.say(conversation, text(said++))),
  }
}

/** Nothing is told for a while: receipts are out, and what was written to the WAL is in the file. */
async function rest({ changes }: Person): Promise<void> {
  for (let before = -1; before !== changes.length;) {
    before = changes.length
    await new Promise((resolve) => { setTimeout(resolve, restMs) })
  }
}
const restMs = 25

export type OneMessage = { readonly size: number, readonly received: Clocks, readonly sent: Clocks }

/** Medians of one message, each stored before the next one comes, in a group of `crowd` and two more. */
export async function oneByOne(suite: Suite, crowd: readonly Claimed[], runs: number): Promise<OneMessage> {
  const { receive, send, end } = await inCrowd(suite, crowd)
  try {
    const medians = async (run: () => Promise<Clocks>): Promise<Clocks> => {
      const all: Clocks[] = []
      // The first ones do not count.
      for (let at = -Math.ceil(runs / 5); at < runs; at++) {
        const clocks = await run()
        if (at >= 0) all.push(clocks)
      }
      return { clockMs: median(all.map(({ clockMs }) => clockMs)), processorMs: median(all.map((one) => one.processorMs)) }
    }
    return { size: crowd.length + 2, received: await medians(receive), sent: await medians(send) }
  } finally {
    await end()
  }
}

export const median = (values: readonly number[]): number =>
  values.toSorted((a, b) => a - b)[values.length >> 1] ?? Number.NaN

/** One crowd for all sizes: the smaller groups have a part of it. */
export const newCrowd = (suite: Suite, size: number): readonly Claimed[] =>
  Array.from({ length: size }, () => newMember(suite))
