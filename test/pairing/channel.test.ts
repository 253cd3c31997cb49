import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import { encode, Secret } from '../../main/mls/index.ts'
import { makeKeys } from '../../main/pairing/hpke.ts'
import { hpkePairing } from '../../main/pairing/pairing.ts'
import { PairingRecord } from '../../main/pairing/records.ts'
import { PairingError, type Channel, type LogRecord } from '../../main/ports.ts'
import { suite } from '../scenario/devices.ts'
import { Middleman } from './middleman.ts'
import { altered, isOf, Meeting } from './pair.ts'

const pairing = hpkePairing(suite)
const text = (words: string): Uint8Array => new TextEncoder().encode(words)
const limitMs = 60_000
const because = (why: string) => (error: unknown): boolean => error instanceof PairingError && error.why === why

type Hands = (records: readonly LogRecord[]) => readonly LogRecord[]

/** Elder shows, new reads; `toNew` and `toElder` are what each is let see of the log. */
async function pair(t: TestContext, { toElder, toNew, role = 'elder' as const }: {
  readonly toElder?: Hands, readonly toNew?: Hands, readonly role?: 'elder' | 'new'
} = {}) {
  const meeting = new Meeting(t)
  const shown = await pairing.show({ role, address: 'local', expiresAt: meeting.now + 300_000 })
  const [toShower, toReader] = role === 'elder' ? [toElder, toNew] : [toNew, toElder]
  const both = Promise.allSettled([
    shown.open(meeting.line(toShower)), pairing.join(meeting.line(toReader), shown.code),
  ])
  return { meeting, shown, both }
}

function channelsOf([shower, reader]: readonly PromiseSettledResult<Channel>[]): { shower: Channel, reader: Channel } {
  if (shower?.status !== 'fulfilled') throw shower?.reason ?? new Error()
  if (reader?.status !== 'fulfilled') throw reader?.reason ?? new Error()
  return { shower: shower.value, reader: reader.value }
}

const reasons = (settled: readonly PromiseSettledResult<Channel>[]): readonly string[] =>
  settled.map((one) => one.status === 'fulfilled' ? 'open'
    : one.reason instanceof PairingError ? one.reason.why : String(one.reason))

describe('a channel', () => {
  for (const role of ['elder', 'new'] as const) {
    test(`carries messages both ways when the ${role} one shows the code`, async (t) => {
      const { both } = await pair(t, { role })
      const { shower, reader } = channelsOf(await both)
      assert.deepEqual(shower.transcript, reader.transcript)
      assert.equal(shower.transcript.length, 32)
      await shower.send(text('one'))
      await shower.send(text('two'))
      await reader.send(text('three'))
      assert.deepEqual(await reader.receive({ limitMs }), text('one'))
      assert.deepEqual(await reader.receive({ limitMs }), text('two'))
      assert.deepEqual(await shower.receive({ limitMs }), text('three'))
    })
  }

  test('has a transcript that no other has', async (t) => {
    const one = channelsOf(await (await pair(t)).both)
    const other = channelsOf(await (await pair(t)).both)
    assert.notDeepEqual(one.shower.transcript, other.shower.transcript)
  })

  test('hides what is said from whoever reads the log', async (t) => {
    const { meeting, shown, both } = await pair(t)
    const { shower } = channelsOf(await both)
    await shower.send(text('a sentence that nobody else shall read'))
    const records = await meeting.delivery.read(`r.${shown.rendezvous.id}`, 0, 50)
    assert.ok(records.length >= 7)
    for (const { bytes } of records) assert.ok(!Buffer.from(bytes).includes('nobody else'))
  })

  test('waits no longer than it is told to, and ends sooner when it is', async (t) => {
    const { both } = await pair(t)
    const { shower } = channelsOf(await both)
    await assert.rejects(shower.receive({ limitMs: 1_000 }), because('gone'))
    assert.equal(await shower.receive({ limitMs, until: () => true }), undefined)
  })
})

describe('whoever has the log in their hands', () => {
  /** Lets the channel open, then looks at the log through these hands. */
  async function openThen(t: TestContext, hands: Hands) {
    let through: Hands = (records) => records
    const { both, ...rest } = await pair(t, { toNew: (records) => through(records) })
    const { shower, reader } = channelsOf(await both)
    await shower.send(text('one'))
    await shower.send(text('two'))
    through = hands
    return { ...rest, shower, reader }
  }
  const fromElder = (logged: LogRecord, counter: number): boolean => isOf(logged, 'elder', 'frame', counter)
  // Number 0 is the key, 1 the commitment, 2 the nonce.
  const [first, second] = [3, 4] as const

  test('cannot put a key of their own in the place of the reader’s', async (t) => {
    const strange = await makeKeys()
    const { both, meeting } = await pair(t, {
      toElder: (records) => records.map((one) => isOf(one, 'new', 'key')
        ? altered(one, (record) => record.type === 'key' ? { ...record, enc: strange.publicKey } : record) : one),
    })
    assert.equal(reasons(await both)[0], 'tampered')
    meeting.isOver = true
  })

  test('cannot put a key of their own in the place of the shower’s', async (t) => {
    const strange = await makeKeys()
    const { both } = await pair(t, {
      toNew: (records) => records.map((one) => isOf(one, 'elder', 'key')
        ? altered(one, (record) => record.type === 'key' ? { ...record, enc: strange.publicKey } : record) : one),
    })
    assert.equal(reasons(await both)[1], 'tampered')
  })

  test('cannot change an octet', async (t) => {
    const { reader } = await openThen(t, (records) => records.map((one) => fromElder(one, first)
      ? altered(one, (record) => record.type === 'frame'
        ? { ...record, sealed: record.sealed.map((octet, at) => at === 2 ? octet ^ 1 : octet) } : record) : one))
    await assert.rejects(reader.receive({ limitMs }), because('tampered'))
  })

  test('gains nothing by repeating', async (t) => {
    const { reader } = await openThen(t, (records) => records.flatMap((one) => [one, one]))
    assert.deepEqual(await reader.receive({ limitMs }), text('one'))
    assert.deepEqual(await reader.receive({ limitMs }), text('two'))
    await assert.rejects(reader.receive({ limitMs: 1_000 }), because('gone'))
  })

  test('cannot play an old frame as a new one', async (t) => {
    const { reader } = await openThen(t, (records) => records.map((one) => fromElder(one, second)
      ? altered(records.find((other) => fromElder(other, first)) ?? one, (record) =>
        record.type === 'frame' ? { ...record, counter: second } : record) : one))
    assert.deepEqual(await reader.receive({ limitMs }), text('one'))
    await assert.rejects(reader.receive({ limitMs }), because('tampered'))
  })

  test('cannot exchange two frames', async (t) => {
    const { reader } = await openThen(t, (records) => records.toReversed())
    await assert.rejects(reader.receive({ limitMs }), because('tampered'))
  })

  test('cannot leave one out', async (t) => {
    const { reader } = await openThen(t, (records) => records.filter((one) => !fromElder(one, first)))
    await assert.rejects(reader.receive({ limitMs }), because('tampered'))
  })

  test('can only make it seem that the other is gone', async (t) => {
    const { reader } = await openThen(t, (records) => records.filter((one) => !isOf(one, 'elder')))
    await assert.rejects(reader.receive({ limitMs }), because('gone'))
  })

  test('cannot send a device its own frame back', async (t) => {
    const own: LogRecord[] = []
    const { reader, meeting, shown } = await openThen(t, (records) => [
      ...records.filter((one) => !isOf(one, 'elder')),
      ...own.map((one) => altered(one, (record) => record.type === 'frame' ? { ...record, role: 'elder' } : record)),
    ])
    await reader.send(text('mine'))
    own.push(...(await meeting.delivery.read(`r.${shown.rendezvous.id}`, 0, 50)).filter((one) => isOf(one, 'new')).slice(-1))
    assert.equal(own.length, 1)
    await assert.rejects(reader.receive({ limitMs }), because('tampered'))
  })

  test('cannot speak in a device’s own name either', async (t) => {
    const { reader } = await openThen(t, (records) => records.map((one) =>
      altered(one, (record) => record.type === 'frame' ? { ...record, role: 'new' } : record)))
    await assert.rejects(reader.receive({ limitMs }), because('tampered'))
  })

  test('cannot slip in rubbish, nor a key beside the one that is there', async (t) => {
    const strange = await makeKeys()
    const { reader, meeting, shown } = await openThen(t, (records) => records)
    await meeting.delivery.append(`r.${shown.rendezvous.id}`, text('rubbish'))
    for (const said of ['one', 'two']) assert.deepEqual(await reader.receive({ limitMs }), text(said))
    await assert.rejects(reader.receive({ limitMs }), because('tampered'))

    const other = await openThen(t, (records) => records)
    const key = encode(PairingRecord, { type: 'key', role: 'elder', enc: strange.publicKey, sealed: suite.random(48) })
    await other.meeting.delivery.append(`r.${other.shown.rendezvous.id}`, key)
    for (const said of ['one', 'two']) assert.deepEqual(await other.reader.receive({ limitMs }), text(said))
    await assert.rejects(other.reader.receive({ limitMs }), because('tampered'))
  })

  test('cannot turn one end into another, nor say that it was the other side’s', async (t) => {
    for (const [said, change] of [['refused', { why: 'digits' }], ['used', { role: 'new' }]] as const) {
      const { reader, meeting, shown } = await openThen(t, (records) => records.map((one) => isOf(one, 'elder', 'end')
        ? altered(one, (record) => record.type === 'end' ? { ...record, ...change } : record) : one))
      await pairing.end(meeting.line(), shown.rendezvous, said)
      for (const words of ['one', 'two']) assert.deepEqual(await reader.receive({ limitMs }), text(words))
      await assert.rejects(reader.receive({ limitMs }), because('tampered'))
    }
  })

  test('cannot end it with a word of their own, nor with rubbish', async (t) => {
    const { shower, meeting, shown } = await openThen(t, (records) => records)
    const mac = suite.random(32)
    const forged = encode(PairingRecord, { type: 'end', role: 'new', why: 'refused', mac })
    await meeting.delivery.append(`r.${shown.rendezvous.id}`, forged)
    await assert.rejects(shower.receive({ limitMs }), because('tampered'))
    // Later, when the log of the account decides, a word counts only from who has read the code.
    await meeting.delivery.append(`r.${shown.rendezvous.id}`, text('rubbish'))
    assert.equal(await pairing.ended(meeting.line(), shown.rendezvous), undefined)
  })
})

describe('a code', () => {
  test('opens one channel: of two readers the second learns it, and so does the shower', async (t) => {
    const meeting = new Meeting(t)
    const shown = await pairing.show({ role: 'elder', address: 'local', expiresAt: meeting.now + 300_000 })
    const opening = shown.open(meeting.line())
    const readers = await Promise.allSettled([
      pairing.join(meeting.line(), shown.code), pairing.join(meeting.line(), shown.code),
    ])
    assert.ok(reasons(readers).includes('used'))
    // Whoever came first gets no further than the end of what is under way.
    const [shower] = await Promise.allSettled([opening.then((channel) => channel.receive({ limitMs }))])
    assert.ok(shower.status === 'rejected' && because('used')(shower.reason))
  })

  test('opens no channel past the one slot that lets a single reader in', async (t) => {
    const meeting = new Meeting(t)
    const shown = await pairing.show({ role: 'elder', address: 'local', expiresAt: meeting.now + 300_000 })
    const opening = assert.rejects(shown.open(meeting.line()), because('tampered'))
    const { delivery } = meeting.line()
    const aside = { ...delivery, append: (log: string, bytes: Uint8Array) => delivery.append(log, bytes) }
    await Middleman.with(aside, shown.code, shown.rendezvous.id)
    await opening
  })

  test('is over when its time is', async (t) => {
    const meeting = new Meeting(t)
    const shown = await pairing.show({ role: 'elder', address: 'local', expiresAt: meeting.now + 1_000 })
    await assert.rejects(shown.open(meeting.line()), because('expired'))
  })

  test('is of no use without its secret', async (t) => {
    const meeting = new Meeting(t)
    const shown = await pairing.show({ role: 'elder', address: 'local', expiresAt: meeting.now + 300_000 })
    // The log of the right code, by who knows its name and public key: the relay, had it seen these.
    const { id } = shown.rendezvous
    const forged = { ...shown.code, psk: suite.random(32) }
    const strange = meeting.line()
    const renamed = { ...strange, delivery: { ...strange.delivery,
      append: (_: string, bytes: Uint8Array, slot?: string) => meeting.delivery.append(`r.${id}`, bytes, slot),
      read: (_: string, after: number, limit: number) => meeting.delivery.read(`r.${id}`, after, limit) } }
    void pairing.join(renamed, forged).catch(() => undefined)
    await assert.rejects(shown.open(meeting.line()), because('tampered'))
    meeting.isOver = true
  })

  test('lets each side tell the other that it is over, also later and again', async (t) => {
    const { meeting, shown, both } = await pair(t)
    const { reader } = channelsOf(await both)
    await pairing.end(meeting.line(), shown.rendezvous, 'refused')
    await pairing.end(meeting.line(), shown.rendezvous, 'refused')
    await assert.rejects(reader.receive({ limitMs }), because('refused'))
    const met = pairing.meet(shown.code)
    assert.equal(await pairing.ended(meeting.line(), met), 'refused')
    assert.equal(await pairing.ended(meeting.line(), shown.rendezvous), undefined)
    assert.equal(await pairing.ended(meeting.line(), { ...met, endKey: new Secret(suite.random(32)) }), undefined)
    const { endKey } = pairing.meet({ ...shown.code, psk: suite.random(32) })
    assert.equal(await pairing.ended(meeting.line(), { ...met, endKey }), undefined)
  })
})
