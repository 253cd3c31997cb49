import assert from 'node:assert/strict'
import { test } from 'node:test'
import Database from 'better-sqlite3'
import { claimSlot, decodeKeyPackageRecord, encodeClaim, keyPackageLog } from '../../main/chat/mail.ts'
import { openSqliteDelivery } from '../../main/delivery/sqlite.ts'
import { MlsError, decode, KeyPackage, keyPackageRef, toHex } from '../../main/mls/index.ts'
import { deviceIdOf } from '../../main/identity/credential.ts'
import type { Delivery } from '../../main/ports.ts'
import type { Details } from '../../preload/api.ts'
import { held } from './attacker.ts'
import { people, Refused, suites, until, type Person } from './world.ts'

const hourMs = 60 * 60 * 1000
const dayMs = 24 * hourMs

/** Time passes for everybody; who is running notices when something happens, or at the next start. */
function pass(all: readonly Person[], days: number): void {
  for (const one of all) {
    const before = one.now
    one.now = () => before() + days * dayMs
  }
}

async function gather(founder: Person, ...others: readonly Person[]): Promise<string> {
  const invites = await Promise.all(others.map((one) => one.invite()))
  const { conversation } = await founder.call('conversation.group', { name: 'Coppice', people: [], invites })
  for (const one of others) assert.equal(await one.accept(), conversation)
  await hearAll([founder, ...others], conversation, 'hello')
  return conversation
}

async function hearAll(all: readonly Person[], conversation: string, word: string): Promise<void> {
  for (const one of all) await one.say(conversation, `${one.name}: ${word}`)
  for (const one of all) {
    for (const other of all) {
      await until(`${other.name} reads ${one.name}`, async () =>
        (await other.texts(conversation)).includes(`${one.name}: ${word}`))
    }
  }
}

const details = (person: Person, conversation: string): Promise<Details> =>
  person.call('conversation.details', { conversation })

async function accountOf(person: Person): Promise<string> {
  const { phase } = await person.call('app.open', {})
  assert.ok(phase.at === 'ready')
  return phase.me.accountId
}

const healedAt = async (person: Person, conversation: string, of: string): Promise<number> =>
  (await person.conversation(conversation))?.people.find(({ accountId }) => accountId === of)?.healedAt ?? 0

const agree = (all: readonly Person[], conversation: string): Promise<unknown> =>
  until('all are in one epoch', async () => {
    const codes = await Promise.all(all.map(async (one) => (await details(one, conversation)).groupCode))
    return new Set(codes).size === 1
  })

/** The records of a group's logs after one of them, in the order in which they were appended. */
function recordsAfter(person: Person, seq: number, log: string): readonly { readonly seq: number, readonly kind: string }[] {
  const database = new Database(person.deliveryFile, { readonly: true })
  const found = database.prepare<[number, string, string], { seq: number, kind: string }>(
    'SELECT seq, substr(log, 1, 1) AS kind FROM records WHERE seq > ? AND log IN (?, ?) ORDER BY seq',
  ).all(seq, `h.${log}`, `m.${log}`)
  database.close()
  return found
}

test('a device gives its leaf new keys before its first message after a week, and all see that they healed', async (t) => {
  const { all: [anna, ben], end } = await people(['Anna', 'Ben'])
  t.after(end)
  const conversation = await gather(anna, ben)
  const me = await accountOf(anna)
  pass([anna, ben], 3)
  const before = await details(ben, conversation)
  await hearAll([anna, ben], conversation, 'in the first week')
  assert.equal((await details(ben, conversation)).epoch, before.epoch)
  await anna.restart()
  await ben.restart()
  pass([anna, ben], 5)
  await ben.stop()
  const { log } = held(ben, conversation)
  await ben.start()
  const last = recordsAfter(anna, 0, log).at(-1)?.seq ?? 0
  await anna.say(conversation, 'in the second week')
  await until('Ben reads it', async () => (await ben.texts(conversation)).includes('in the second week'))
  assert.equal((await details(ben, conversation)).epoch, before.epoch + 1)
  assert.equal((await details(ben, conversation)).renewedBy, me)
  // The commit, then the message.
  assert.equal(recordsAfter(anna, last, log).slice(0, 2).map(({ kind }) => kind).join(''), 'hm')
  for (const one of [anna, ben]) assert.ok(await healedAt(one, conversation, me) > before.renewedAt + 7 * dayMs)
  await anna.say(conversation, 'and again')
  await until('Ben reads it', async () => (await ben.texts(conversation)).includes('and again'))
  assert.equal((await details(ben, conversation)).epoch, before.epoch + 1)
  for (const one of [anna, ben]) assert.deepEqual(one.bugs, [])
})

test('several devices that are due at once: one goes first, and what all say arrives', async (t) => {
  const { all, end } = await people(['Anna', 'Ben', 'Carol', 'Dave'])
  t.after(end)
  const conversation = await gather(...all)
  for (const round of ['one', 'two']) {
    pass(all, 9)
    await Promise.all(all.map((one) => one.say(conversation, `${one.name}: ${round}`)))
    for (const one of all) {
      await until(`${one.name} has read all`, async () =>
        (await one.texts(conversation)).filter((text) => text.endsWith(round)).length === all.length)
    }
  }
  await agree(all, conversation)
  for (const one of all) assert.deepEqual(one.bugs, [])
})

test('who only reads renews too, now and then', async (t) => {
  const { all: [anna, ben, carol], end } = await people(['Anna', 'Ben', 'Carol'])
  t.after(end)
  const conversation = await gather(anna, ben, carol)
  pass([anna, ben, carol], 40)
  await anna.restart()
  await carol.restart()
  await hearAll([anna], conversation, 'forty days')
  assert.equal((await details(ben, conversation)).renewedBy, await accountOf(anna))
  pass([anna, ben, carol], 6)
  const reader = await accountOf(carol)
  const before = await healedAt(anna, conversation, reader)
  await carol.restart()
  // Ben is due too, and may be next at once.
  await until('Carol has renewed', async () => await healedAt(anna, conversation, reader) > before + 40 * dayMs)
  await agree([anna, ben, carol], conversation)
  assert.deepEqual((await carol.texts(conversation)).filter((text) => text.startsWith('Carol')), ['Carol: hello'])
})

/** A stranger claims every KeyPackage that a device offers, and leaves the one of last resort. */
async function drain(person: Person, deviceId: string): Promise<number> {
  const suite = suites(1)
  assert.ok(suite !== undefined)
  const log = keyPackageLog(deviceId)
  const delivery = openSqliteDelivery({ file: person.deliveryFile })
  let claimed = 0
  for (const { bytes } of await delivery.read(log, 0, 1000)) {
    const offer = keyPackageIn(bytes)
    if (offer === undefined || offer.lastResort) continue
    const reference = toHex(keyPackageRef(suite, offer.keyPackage))
    const answer = await delivery.append(log, encodeClaim(`stranger ${claimed}`), claimSlot(reference))
    if (answer.type === 'accepted') claimed += 1
  }
  await delivery.close()
  return claimed
}

function keyPackageIn(bytes: Uint8Array): { readonly keyPackage: KeyPackage, readonly lastResort: boolean } | undefined {
  try {
    const record = decodeKeyPackageRecord(bytes)
    return { keyPackage: decode(KeyPackage, record.keyPackage), lastResort: record.lastResort === 1 }
  } catch (error) {
    if (error instanceof MlsError) return undefined
    throw error
  }
}

/** The KeyPackages that a device has told others of, by its log. */
async function offers(person: Person): Promise<readonly { readonly keyPackage: KeyPackage, readonly lastResort: boolean }[]> {
  const database = new Database(person.deliveryFile, { readonly: true })
  const records = database.prepare<[], { bytes: Uint8Array }>("SELECT bytes FROM records WHERE log LIKE 'k.%' ORDER BY seq")
  const found = records.all().flatMap(({ bytes }) => keyPackageIn(new Uint8Array(bytes)) ?? [])
  database.close()
  return Promise.resolve(found)
}

const deviceOf = (keyPackage: KeyPackage): string => deviceIdOf(keyPackage.leafNode.credential)

test('a stranger takes all KeyPackages: the device says so, is reached by the last resort, and renews at once', async (t) => {
  const { all: [anna, ben], end } = await people(['Anna', 'Ben'])
  t.after(end)
  const invite = await ben.invite()
  const deviceId = (await offers(ben)).map(({ keyPackage }) => deviceOf(keyPackage)).at(-1)
  assert.ok(deviceId !== undefined)
  await ben.stop()
  assert.equal(await drain(ben, deviceId), 50)
  const { conversation } = await anna.call('conversation.direct', { invite })
  await ben.start()
  assert.equal(await ben.accept(), conversation)
  const [first, second] = [await accountOf(anna), await accountOf(ben)]
  await until('Ben has renewed', async () => (await details(anna, conversation)).renewedBy === second)
  assert.equal((await details(anna, conversation)).epoch, 2)
  await hearAll([anna, ben], conversation, 'hello')
  assert.ok(await healedAt(anna, conversation, second) >= await healedAt(anna, conversation, first))
  assert.ok(ben.changes.some(({ notice }) => notice?.code === 'keys-drained'))
  // There are new ones, and the one that was used for others too is replaced.
  await until('Ben has told new ones', async () => (await offers(ben)).filter(({ keyPackage, lastResort }) =>
    !lastResort && deviceOf(keyPackage) === deviceId).length === 100)
  pass([anna, ben], 0.1)
  await ben.restart()
  await until('Ben has another one of last resort', async () => (await offers(ben)).filter(({ keyPackage, lastResort }) =>
    lastResort && deviceOf(keyPackage) === deviceId).length === 2)
  for (const one of [anna, ben]) assert.deepEqual(one.bugs, [])
})

test('an invitation by a last-resort KeyPackage that was replaced meanwhile still opens', async (t) => {
  const { all: [anna, ben], end } = await people(['Anna', 'Ben'])
  t.after(end)
  const invite = await ben.invite()
  const deviceId = (await offers(ben)).map(({ keyPackage }) => deviceOf(keyPackage)).at(-1)
  assert.ok(deviceId !== undefined)
  await ben.stop()
  await drain(ben, deviceId)
  // What Anna sends to inboxes is on its way for days.
  const way = Promise.withResolvers<undefined>()
  anna.through = (delivery): Delivery => ({
    address: delivery.address, read: (log, after, limit) => delivery.read(log, after, limit),
    slot: (log, slot) => delivery.slot(log, slot), watch: (logs, wake) => delivery.watch(logs, wake),
    close: () => delivery.close(),
    append: async (log, bytes, slot) => {
      if (log.startsWith('i.')) await way.promise
      return delivery.append(log, bytes, slot)
    },
  })
  await anna.restart()
  const { conversation } = await anna.call('conversation.direct', { invite })
  await until('Anna has added Ben', async () => (await anna.conversation(conversation))?.people.length === 2)
  pass([anna, ben], 8)
  await ben.start()
  await until('Ben has another one of last resort', async () => (await offers(ben)).filter(({ keyPackage, lastResort }) =>
    lastResort && deviceOf(keyPackage) === deviceId).length === 2)
  way.resolve(undefined)
  assert.equal(await ben.accept(), conversation)
  await hearAll([anna, ben], conversation, 'hello')
  for (const one of [anna, ben]) assert.deepEqual(one.bugs, [])
})

test('a log that was lost and made anew gets everybody’s keys again', async (t) => {
  const { all: [anna, ben], end } = await people(['Anna', 'Ben'])
  t.after(end)
  const invite = await ben.invite()
  for (const one of [anna, ben]) await one.stop()
  const database = new Database(anna.deliveryFile)
  database.exec('DELETE FROM records')
  database.close()
  for (const one of [anna, ben]) await one.start()
  await until('the keys of both are there', async () => (await offers(ben)).length === 102)
  const { conversation } = await anna.call('conversation.direct', { invite })
  assert.equal(await ben.accept(), conversation)
  await hearAll([anna, ben], conversation, 'hello')
})

/** Everybody who is running looks at the logs once in a while. */
async function live(all: readonly Person[], conversation: string, days: number): Promise<void> {
  for (let day = 0; day < days; day += 30) {
    pass(all, Math.min(30, days - day))
    for (const one of all) await one.restart()
    await agree(all, conversation)
  }
}

// Whoever has seen a commit that is still in the log reads on, up to the one that took it out.
for (const [how, reason] of [['by what it reads', 'idle'], ['because it was away too long', 'aged']] as const) {
  test(`a silent device is offered to an admin, its person stays as absent, and comes back alone, ${how}`, async (t) => {
    const { all: [anna, ben, carol], end } = await people(['Anna', 'Ben', 'Carol'])
    t.after(end)
    const conversation = await gather(anna, ben, carol)
    const gone = await accountOf(carol)
    if (reason === 'idle') {
      await anna.call('conversation.rename', { conversation, name: 'Willow' })
      await until('Carol sees the name', async () => (await carol.conversation(conversation))?.title === 'Willow')
    }
    await carol.stop()
    pass([carol], 95)
    await live([anna, ben], conversation, 88)
    assert.deepEqual((await details(anna, conversation)).idle, [])
    await live([anna, ben], conversation, 7)
    // Only an admin is asked, and only for who is silent.
    assert.deepEqual((await details(ben, conversation)).idle, [])
    const [idle, ...others] = (await details(anna, conversation)).idle
    assert.ok(idle !== undefined && others.length === 0)
    assert.equal(idle.accountId, gone)
    const silentDays = (anna.now() - idle.since) / dayMs
    assert.ok(silentDays > 94 && silentDays < 96, `${silentDays} days`)
    await assert.rejects(ben.call('conversation.drop', { conversation, deviceId: idle.deviceId }),
      (error) => error instanceof Refused && error.code === 'device-heard')
    await anna.call('conversation.drop', { conversation, deviceId: idle.deviceId })
    for (const one of [anna, ben]) {
      const seen = await until(`${one.name} sees Carol absent`, async () => {
        const now = await one.conversation(conversation)
        return now?.absent.length === 1 ? now : undefined
      })
      assert.deepEqual([seen.people.length, seen.devices, seen.absent[0]?.name], [2, 2, 'Carol'])
      assert.equal((await one.entries(conversation)).filter((entry) =>
        entry.kind === 'fact' && entry.fact.fact === 'dropped' && entry.fact.absent && entry.fact.who === gone).length, 1)
    }
    assert.deepEqual((await details(anna, conversation)).idle, [])
    await hearAll([anna, ben], conversation, 'without Carol')
    await anna.stop()
    // Without any admin's help.
    await carol.start()
    await until('Carol asks', () => Promise.resolve(carol.changes.some(({ conversations }) =>
      conversations?.some(({ recovering }) => recovering?.reason === reason) === true)))
    await until('Carol is back', async () => (await ben.conversation(conversation))?.people.length === 3)
    await carol.say(conversation, 'here I am again')
    await until('Ben reads it', async () => (await ben.texts(conversation)).includes('here I am again'))
    assert.deepEqual((await ben.conversation(conversation))?.absent, [])
    assert.ok((await ben.entries(conversation)).some((entry) =>
      entry.kind === 'fact' && entry.fact.fact === 'returned' && entry.fact.who === gone))
    await anna.start()
    await hearAll([anna, ben, carol], conversation, 'all together')
    assert.ok(!(await carol.texts(conversation)).some((text) => text.endsWith('without Carol')))
    for (const one of [anna, ben, carol]) assert.deepEqual(one.bugs, [])
  })
}

test('a silent device that speaks before it is taken out stays; a person who is absent can be removed for good', async (t) => {
  const { all: [anna, ben, carol, dave], end } = await people(['Anna', 'Ben', 'Carol', 'Dave'])
  t.after(end)
  const conversation = await gather(anna, ben, carol, dave)
  const gone = await accountOf(carol)
  for (const one of [carol, dave]) await one.stop()
  pass([carol, dave], 70)
  await live([anna, ben], conversation, 70)
  // Dave was not away for too long, and follows.
  await dave.start()
  await dave.say(conversation, 'still here')
  await until('Anna reads it', async () => (await anna.texts(conversation)).includes('still here'))
  pass([carol, dave], 25)
  await live([anna, ben], conversation, 25)
  const { idle } = await details(anna, conversation)
  assert.deepEqual(idle.map(({ accountId }) => accountId), [gone])
  for (const { deviceId } of idle) await anna.call('conversation.drop', { conversation, deviceId })
  await until('Ben sees Carol absent', async () => (await ben.conversation(conversation))?.absent.length === 1)
  await anna.call('conversation.remove', { conversation, accountId: gone })
  await until('Ben sees Carol removed', async () => (await ben.conversation(conversation))?.absent.length === 0)
  assert.ok((await ben.entries(conversation)).some((entry) =>
    entry.kind === 'fact' && entry.fact.fact === 'removed' && entry.fact.who[0] === gone))
  await hearAll([anna, ben], conversation, 'goes on')
  for (const one of [anna, ben, dave]) assert.deepEqual(one.bugs, [])
})

test('what messages on their way take is said, and grows', async (t) => {
  const { all: [anna, ben], end } = await people(['Anna', 'Ben'])
  t.after(end)
  const conversation = await gather(anna, ben)
  const before = await anna.call('delivery.usage', {})
  assert.equal(before?.keptDays, 60)
  for (let line = 0; line < 30; line += 1) await anna.say(conversation, 'x'.repeat(20_000))
  await until('all are sent', async () => (await anna.entries(conversation)).every((entry) =>
    entry.kind !== 'message' || entry.state !== 'sending'))
  assert.ok(((await anna.call('delivery.usage', {}))?.bytes ?? 0) > before.bytes + 300_000)
})
