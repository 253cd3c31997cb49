/**
 * What every Delivery must do, whatever it is made of. An adapter's test calls `conformance` with a way to make a place
 * of its own; writers that race are separate processes, as they are in life.
 */
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import path from 'node:path'
import { test } from 'node:test'
import { retentionMs } from '../../main/ports.ts'
import type { Delivery, LogRecord } from '../../main/ports.ts'

/** One empty delivery, for one test. */
export type Place = {
  /** One more client of it, as another process would have. Clients are closed by the test. */
  readonly open: () => Promise<Delivery>
  /** How a process of its own opens a client: by a function of a module, with an argument. */
  readonly opener: { readonly module: URL, readonly name: string, readonly argument: unknown }
  /** Takes the medium away, and gives it back. */
  readonly vanish: () => Promise<void>
  readonly comeBack: () => Promise<void>
  /** Lets time pass, with whatever the medium does of itself meanwhile. Undefined where a test cannot do that. */
  readonly pass: ((passedMs: number) => Promise<void>) | undefined
  readonly remove: () => Promise<void>
}

export const maxRecordBytes = 4 * 1024 * 1024
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const text = (record: LogRecord | undefined): string => new TextDecoder().decode(record?.bytes)
const code = (expected: string) => (error: unknown): boolean =>
  error instanceof Error && error.name === 'PortError' && 'code' in error && error.code === expected

async function waitUntil(isTrue: () => boolean, what: string): Promise<void> {
  for (const end = Date.now() + 5000; !isTrue();) {
    assert.ok(Date.now() < end, `waited 5 s in vain until ${what}`)
    await new Promise((resolve) => setTimeout(resolve, 10))
  }
}

type Story = (what: string, tell: (open: () => Promise<Delivery>, place: Place) => Promise<void>) => void

export function conformance(title: string, prepare: () => Promise<Place>): void {
  const story: Story = (what, tell) => {
    test(`${title}: ${what}`, async () => {
      const place = await prepare()
      const clients: Delivery[] = []
      try {
        await tell(async () => {
          const client = await place.open()
          clients.push(client)
          return client
        }, place)
      } finally {
        for (const client of clients) await client.close()
        await place.remove()
      }
    })
  }
  storiesOfOrder(story)
  storiesOfSlots(story)
  storiesOfWatching(story)
  storiesOfLimits(story)
  storiesOfFaults(story)
  storiesOfRetention(story)
}

function storiesOfOrder(story: Story): void {
  story('two readers see one order, and a page begins after the last one seen', async (open) => {
    const [anna, ben] = [await open(), await open()]
    for (let number = 0; number < 20; number += 1) {
      await (number % 3 === 0 ? anna : ben).append(number % 5 === 0 ? 'm.other' : 'm.oaks', bytes(`record ${number}`))
    }
    const all = await anna.read('m.oaks', 0, 100)
    assert.equal(all.length, 16)
    assert.deepEqual(await ben.read('m.oaks', 0, 100), all)
    const orders = all.map((record) => record.seq)
    assert.ok(orders.every((seq, index) => seq > (orders[index - 1] ?? 0)), 'seq grows')
    assert.equal(text(all[0]), 'record 1')
    const paged: LogRecord[] = []
    for (;;) {
      const page = await ben.read('m.oaks', paged.at(-1)?.seq ?? 0, 7)
      assert.ok(page.length <= 7)
      if (page.length === 0) break
      paged.push(...page)
    }
    assert.deepEqual(paged, all)
    assert.deepEqual(await anna.read('m.nothing', 0, 10), [])
  })

  story('a retry of the same bytes is accepted with the first seq and is there once', async (open) => {
    const [anna, ben] = [await open(), await open()]
    const first = await anna.append('m.oaks', bytes('hello'))
    await anna.append('m.oaks', bytes('something else'))
    assert.equal(first.type, 'accepted')
    assert.deepEqual(await anna.append('m.oaks', bytes('hello')), first)
    assert.deepEqual(await ben.append('m.oaks', bytes('hello')), first)
    const slotted = await ben.append('m.oaks', bytes('hello'), 'e1')
    assert.notDeepEqual(slotted, first, 'the same bytes in a slot are another record')
    assert.deepEqual(await ben.append('m.oaks', bytes('hello'), 'e1'), slotted)
    assert.notDeepEqual(await anna.append('m.elms', bytes('hello')), first, 'so are those of another log')
    assert.deepEqual((await anna.read('m.oaks', 0, 10)).map((record) => record.slot), [undefined, undefined, 'e1'])
  })
}

function storiesOfSlots(story: Story): void {
  story('a slot belongs to its first record for ever', async (open) => {
    const [anna, ben] = [await open(), await open()]
    const won = await anna.append('h.oaks', bytes('by anna'), 'epoch-1')
    assert.equal(won.type, 'accepted')
    for (const client of [ben, anna, ben]) {
      assert.deepEqual(await client.append('h.oaks', bytes('by ben'), 'epoch-1'), {
        type: 'taken', bytes: bytes('by anna'),
      })
    }
    assert.deepEqual(await ben.slot('h.oaks', 'epoch-1'), { seq: won.seq, slot: 'epoch-1', bytes: bytes('by anna') })
    assert.equal(await ben.slot('h.oaks', 'epoch-2'), undefined)
    assert.equal(await ben.slot('h.elms', 'epoch-1'), undefined)
    assert.equal((await ben.append('h.elms', bytes('by ben'), 'epoch-1')).type, 'accepted')
    assert.equal((await anna.read('h.oaks', 0, 10)).length, 1)
  })

  story('of 8 processes racing for each of 100 slots, one wins and all others get its bytes', async (open, place) => {
    const outcomes = await race(place, { writers: 8, slots: 100 })
    const client = await open()
    for (let number = 0; number < 100; number += 1) {
      const slot = `epoch-${number}`
      const winners = outcomes.flatMap((each, writer) => each[number]?.type === 'accepted' ? [writer] : [])
      assert.equal(winners.length, 1, `${slot} has ${winners.length} winners`)
      const wanted = `writer ${winners[0]} in ${slot}`
      assert.equal(text(await client.slot('h.race', slot)), wanted)
      for (const [writer, each] of outcomes.entries()) {
        if (writer !== winners[0]) assert.deepEqual(each[number], { type: 'taken', text: wanted })
      }
    }
    assert.equal((await client.read('h.race', 0, 1000)).length, 100)
  })
}

function storiesOfWatching(story: Story): void {
  story('whoever watches hears of appends by others and by itself', async (open) => {
    const [anna, ben] = [await open(), await open()]
    const woken: string[] = []
    const stop = anna.watch(['m.oaks', 'i.anna'], (log) => { woken.push(log) })
    assert.equal(woken.length, 0, 'never from within watch itself')
    await waitUntil(() => woken.length >= 2, 'each log in the list was woken once, for what came before')
    for (const [client, log] of [[ben, 'm.oaks'], [anna, 'm.oaks'], [ben, 'i.anna']] as const) {
      woken.length = 0
      await client.append(log, randomBytes(8))
      await waitUntil(() => woken.includes(log), `${log} was woken`)
    }
    woken.length = 0
    await ben.append('m.unwatched', randomBytes(8))
    await ben.append('m.oaks', randomBytes(8))
    await waitUntil(() => woken.includes('m.oaks'), 'm.oaks was woken')
    assert.ok(!woken.includes('m.unwatched'))
    stop()
    woken.length = 0
    await ben.append('m.oaks', randomBytes(8))
    await new Promise((resolve) => setTimeout(resolve, 500))
    assert.equal(woken.length, 0)
  })

  story('a second watch replaces the first, whose end then changes nothing', async (open) => {
    const [anna, ben] = [await open(), await open()]
    const first: string[] = []
    const second: string[] = []
    const stopFirst = anna.watch(['m.oaks'], (log) => { first.push(log) })
    anna.watch(['m.oaks', 'm.elms'], (log) => { second.push(log) })
    stopFirst()
    await ben.append('m.elms', bytes('one'))
    await waitUntil(() => second.includes('m.elms'), 'the new log was woken')
    second.length = 0
    await ben.append('m.oaks', bytes('two'))
    await waitUntil(() => second.includes('m.oaks'), 'the old log was woken')
    assert.equal(first.length, 0)
  })

  story('an append is heard of within a second', async (open) => {
    const [anna, ben] = [await open(), await open()]
    let heardAt = 0
    anna.watch(['m.oaks'], () => { heardAt = Date.now() })
    await waitUntil(() => heardAt > 0, 'the log was woken at first')
    heardAt = 0
    const sentAt = Date.now()
    await ben.append('m.oaks', bytes('now'))
    await waitUntil(() => heardAt > 0, 'the append was heard of')
    assert.ok(heardAt - sentAt < 1000, `${heardAt - sentAt} ms`)
  })
}

function storiesOfLimits(story: Story): void {
  story('names and sizes are checked', async (open) => {
    const client = await open()
    const whole = new Uint8Array(maxRecordBytes).fill(1)
    await client.append('b.blob', whole, '0')
    assert.deepEqual((await client.slot('b.blob', '0'))?.bytes, whole)
    await assert.rejects(client.append('b.blob', new Uint8Array(maxRecordBytes + 1), '1'), code('too-large'))
    await client.append('b.empty', new Uint8Array(0))
    assert.deepEqual((await client.read('b.empty', 0, 1))[0]?.bytes, new Uint8Array(0))
    await client.append('x'.repeat(100), bytes('the longest name'), `${'y'.repeat(98)}.-`)
    for (const name of ['', 'x'.repeat(101), 'Upper', 'with space', 'star.*', 'a>', 'line\n', 'ümlaut', 'a/b']) {
      await assert.rejects(client.append(name, bytes('x')), code('bad-argument'), JSON.stringify(name))
      await assert.rejects(client.append('m.oaks', bytes('x'), name), code('bad-argument'), JSON.stringify(name))
      await assert.rejects(client.read(name, 0, 1), code('bad-argument'))
      await assert.rejects(client.slot('m.oaks', name), code('bad-argument'))
    }
  })
}

function storiesOfFaults(story: Story): void {
  story('while the medium is away every method says so, and afterwards nothing is missing', async (open, place) => {
    const client = await open()
    const woken: string[] = []
    client.watch(['m.oaks'], (log) => { woken.push(log) })
    const first = await client.append('m.oaks', bytes('before'))
    assert.equal(first.type, 'accepted')
    await place.vanish()
    await assert.rejects(client.append('m.oaks', bytes('lost')), code('delivery-unreachable'))
    await assert.rejects(client.read('m.oaks', 0, 1), code('delivery-unreachable'))
    await assert.rejects(client.slot('m.oaks', 'a'), code('delivery-unreachable'))
    const fresh = await open()
    await assert.rejects(fresh.append('m.oaks', bytes('lost')), code('delivery-unreachable'))
    await new Promise((resolve) => setTimeout(resolve, 300))
    woken.length = 0
    await place.comeBack()
    await waitUntil(() => woken.includes('m.oaks'), 'the log was woken again')
    const after = await client.append('m.oaks', bytes('after'))
    assert.equal(after.type, 'accepted')
    assert.deepEqual((await fresh.read('m.oaks', 0, 9)).map(text), ['before', 'after'])
  })

  story('a closed client answers nothing any more', async (open) => {
    const client = await open()
    await client.append('m.oaks', bytes('one'))
    await client.close()
    await client.close()
    await assert.rejects(client.read('m.oaks', 0, 1), code('delivery-unreachable'))
  })
}

function storiesOfRetention(story: Story): void {
  const minuteMs = 60_000
  const dayMs = 24 * 60 * minuteMs
  const kinds = ['h', 'm', 'i', 'k', 'r', 'b', 'u', 'c', 'x']

  story('each kind of log keeps its records for its time, and some for ever', async (open, { pass }) => {
    if (pass === undefined) return
    const client = await open()
    const keepers = async (): Promise<string> => {
      const kept = await Promise.all(kinds.map(async (kind) => (await client.read(`${kind}.oaks`, 0, 10)).length > 0))
      return kinds.filter((_, index) => kept[index]).join('')
    }
    for (const kind of kinds) await client.append(`${kind}.oaks`, bytes(kind))
    assert.equal(await keepers(), 'hmikrbucx')
    const kept: string[] = []
    for (const days of [6, 2, 51, 2, 28, 2, 400]) {
      await pass(days * dayMs)
      kept.push(await keepers())
    }
    // On days 6, 8, 59, 61, 89, 91 and 491.
    assert.deepEqual(kept, ['hmikbucx', 'hmikucx', 'hmikucx', 'hikucx', 'hikucx', 'ucx', 'ucx'])
  })

  story('what is left keeps its order and its slots; a number never comes again', async (open, { pass }) => {
    if (pass === undefined) return
    const [anna, ben] = [await open(), await open()]
    const first = await anna.append('h.oaks', bytes('one'), 'epoch-1')
    await pass(60 * dayMs)
    const second = await anna.append('h.oaks', bytes('two'), 'epoch-2')
    const third = await anna.append('h.oaks', bytes('three'), 'epoch-3')
    await pass(40 * dayMs)
    assert.deepEqual((await ben.read('h.oaks', 0, 10)).map(text), ['two', 'three'])
    assert.deepEqual((await ben.read('h.oaks', first.type === 'accepted' ? first.seq : 0, 10)).map(text), ['two', 'three'])
    assert.deepEqual(await ben.append('h.oaks', bytes('two'), 'epoch-2'), second)
    assert.equal((await ben.append('h.oaks', bytes('other'), 'epoch-3')).type, 'taken')
    // An old slot only looks empty: the adapter cannot know better, so whoever was away asks first.
    assert.equal(await ben.slot('h.oaks', 'epoch-1'), undefined)
    await pass(retentionMs.get('h') ?? 0)
    assert.deepEqual(await ben.read('h.oaks', 0, 10), [])
    const later = await ben.append('h.oaks', bytes('four'), 'epoch-4')
    assert.ok(later.type === 'accepted' && third.type === 'accepted' && later.seq > third.seq)
    assert.deepEqual(await anna.append('h.oaks', bytes('four'), 'epoch-4'), later)
  })

  story('a reader that was further than everything that is left reads what comes next', async (open, { pass }) => {
    if (pass === undefined) return
    const [anna, ben] = [await open(), await open()]
    const woken: string[] = []
    ben.watch(['m.oaks'], (log) => { woken.push(log) })
    const last = await anna.append('m.oaks', bytes('old'))
    await pass(61 * dayMs)
    await waitUntil(() => woken.length > 0, 'the log was woken')
    woken.length = 0
    await anna.append('m.oaks', bytes('new'))
    await waitUntil(() => woken.includes('m.oaks'), 'the log was woken for what came after')
    assert.deepEqual((await ben.read('m.oaks', last.type === 'accepted' ? last.seq : 0, 10)).map(text), ['new'])
  })
}

export type Outcome = { readonly type: 'accepted' } | { readonly type: 'taken', readonly text: string }

/** Starts the writers, lets them go at once when all are ready, and gives what each was answered for each slot. */
async function race(place: Place, { writers, slots }: { writers: number, slots: number }): Promise<Outcome[][]> {
  const racers = Array.from({ length: writers }, (_, writer) => {
    const order = JSON.stringify({ ...place.opener, writer, slots })
    const script = path.join(import.meta.dirname, 'racer.ts')
    return spawn(process.execPath, [script, order], { stdio: ['pipe', 'pipe', 'inherit'] })
  })
  try {
    const outputs = racers.map(() => '')
    for (const [index, racer] of racers.entries()) {
      racer.stdout.on('data', (chunk) => { outputs[index] = `${outputs[index] ?? ''}${String(chunk)}` })
    }
    const ended = racers.map((racer) => once(racer, 'close'))
    await Promise.all(racers.map((racer) => once(racer.stdout, 'data')))
    for (const racer of racers) racer.stdin.end('go\n')
    for (const [exitCode] of await Promise.all(ended)) assert.equal(exitCode, 0, 'a writer failed')
    return outputs.map((output) => JSON.parse(output.slice(output.indexOf('\n'))) as Outcome[])
  } finally {
    for (const racer of racers) racer.kill('SIGKILL')
  }
}
