/** Invites: who came by which, until when, and that each leads to its maker alone, whatever the delivery does. */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { inviteDocument } from '../../main/chat/documents.ts'
import { readInvite, writeInvite } from '../../main/chat/invite.ts'
import { decodeKeyPackageRecord, deviceLogOf, encodeKeyPackageRecord, keyPackageLog } from '../../main/chat/mail.ts'
import { openSqliteDelivery } from '../../main/delivery/sqlite.ts'
import { DeviceLogRecord } from '../../main/identity/device-log.ts'
import { deviceIdFor } from '../../main/identity/genesis.ts'
import { readLinkingCode, writeLinkingCode } from '../../main/identity/linking-code.ts'
import { decode, encode, fromHex, KeyPackage, toHex } from '../../main/mls/index.ts'
import type { Delivery, LogRecord } from '../../main/ports.ts'
import { linkAt } from './link.ts'
import { confirmWords, people, Refused, suites, until, type Person } from './world.ts'

const suite = suites(1) ?? assert.fail('no suite')
const refused = (code: string) => (error: unknown): boolean => error instanceof Refused && error.code === code
const dayMs = 24 * 60 * 60 * 1000

const accountOf = async (person: Person): Promise<string> => {
  const { phase } = await person.call('app.open', {})
  assert.ok(phase.at === 'ready')
  return phase.me.accountId
}
const cardOf = (text: string) => {
  const read = readInvite(suite, text, Date.now())
  assert.ok(read.type === 'card')
  return read.card
}
const linkingCodeIn = (text: string) => {
  const read = readLinkingCode(suite, text, Date.now())
  assert.ok(read.type === 'code')
  return read.code
}
const requestOf = (person: Person) => until(`${person.name} gets a request`, async () =>
  (await person.conversations()).find(({ state }) => state === 'request'))

test('an invite counts who came by it; a withdrawn one and one that is over show nothing, and the list says so', async (t) => {
  const { all: [anna, ben, cleo, dan], end } = await people(['Anna', 'Ben', 'Cleo', 'Dan'])
  t.after(end)
  const shown = await anna.call('invite.show', {})
  const other = await anna.call('invite.make', {})
  assert.notEqual(other.text, shown.text)
  const usesOf = async ({ text }: { readonly text: string }) =>
    (await anna.call('invite.list', {})).find((one) => one.text === text)?.uses
  assert.deepEqual([await usesOf(shown), await usesOf(other)], [0, 0])

  await ben.call('conversation.direct', { invite: shown.text })
  const first = await requestOf(anna)
  assert.equal(first.request?.byInvite, true)
  await anna.call('conversation.accept', { conversation: first.id })
  await anna.restart()
  assert.deepEqual([await usesOf(shown), await usesOf(other)], [1, 0])

  await anna.call('invite.withdraw', { invite: other.id })
  await cleo.call('conversation.direct', { invite: other.text })
  const second = await requestOf(anna)
  assert.equal(second.request?.byInvite, false)
  await anna.call('conversation.decline', { conversation: second.id })
  const withdrawn = (await anna.call('invite.list', {})).find(({ id }) => id === other.id)
  assert.deepEqual([withdrawn?.withdrawn, withdrawn?.uses], [true, 0])
  assert.notEqual((await anna.call('invite.show', {})).text, other.text)

  // Dan's clock is slow: his app takes the invite for a good one, Anna's does not.
  await anna.stop()
  anna.now = () => Date.now() + 31 * dayMs
  await anna.start()
  await dan.call('conversation.direct', { invite: shown.text })
  assert.equal((await requestOf(anna)).request?.byInvite, false)
  assert.equal(await usesOf(shown), 1)
  await assert.rejects(ben.call('invite.read', { invite: writeInvite(suite, { ...cardOf(shown.text), expiresAt: 1 }) }),
    refused('invite-expired'))
  assert.deepEqual([...anna.bugs, ...ben.bugs, ...cleo.bugs, ...dan.bugs], [])
})

test('nobody withdraws an invite that they did not make', async (t) => {
  const { all: [anna], end } = await people(['Anna'])
  t.after(end)
  await assert.rejects(anna.call('invite.withdraw', { invite: '07'.repeat(16) }), refused('bad-argument'))
})

test('an invite of the first version is still read', () => {
  const old = new TextEncoder().encode('{"version":1,"token":"0a","expiresAt":5}')
  assert.deepEqual(inviteDocument.decode(old),
    { version: 1, token: '0a', expiresAt: 5, madeAt: 0, uses: 0, withdrawn: false })
})

test('a code that links a device is no invite and no safety number, and an invite links nothing', async (t) => {
  const { all: [anna, ben, eve], end } = await people(['Anna', 'Ben', 'Eve'])
  t.after(end)
  await confirmWords(anna)
  await ben.call('conversation.direct', { invite: await anna.invite() })
  const { id: conversation } = await requestOf(anna)
  await anna.call('conversation.accept', { conversation })
  await confirmWords(eve)
  await eve.call('link.start', { code: '' })
  const { code } = await linkAt(eve, 'showing')
  for (const lure of [code, code.toUpperCase(), `${code.slice(0, 30)}\n${code.slice(30)}`]) {
    await assert.rejects(anna.call('invite.read', { invite: lure }), refused('invite-linking'))
    await assert.rejects(anna.call('conversation.direct', { invite: lure }), refused('invite-linking'))
    await assert.rejects(anna.call('conversation.group', { name: 'Join us', people: [], invites: [lure] }),
      refused('invite-linking'))
  }
  // One that is over, or of a later version, would not link either: it is named for what it is all the same.
  const over = { ...linkingCodeIn(code), expiresAt: 1 }
  await assert.rejects(anna.call('invite.read', { invite: writeLinkingCode(suite, over) }), refused('invite-linking'))
  await assert.rejects(anna.call('invite.read', { invite: 'coppicelink2-abc' }), refused('invite-linking'))
  assert.equal(await anna.call('person.compare', { accountId: await accountOf(ben), code }), 'linking')
  const [, only] = (await anna.conversations()).map(({ id }) => id)
  assert.equal(only, undefined)

  await anna.call('link.start', { code: await ben.invite() })
  assert.deepEqual(await linkAt(anna, 'failed'), { at: 'failed', role: 'elder', why: 'invite' })
  await anna.call('link.cancel', {})
  assert.equal((await anna.call('devices.list', {})).length, 1)
  assert.deepEqual([...anna.bugs, ...ben.bugs, ...eve.bugs], [])
})

describe('A card leads to its maker alone', () => {
  /** What Ben's delivery makes of a read: the place of a relay that lies to him. */
  type Lie = (found: readonly LogRecord[], log: string, after: number) => readonly LogRecord[] | Promise<readonly LogRecord[]>
  const scene = async (lie: Lie) => {
    const { all: [anna, ben, eve], end } = await people(['Anna', 'Ben', 'Eve'], (person) => {
      if (person.name !== 'Ben') return
      person.through = (delivery: Delivery): Delivery => ({
        address: delivery.address, append: (...given) => delivery.append(...given),
        read: async (log, after, limit) => lie(await delivery.read(log, after, limit), log, after),
        slot: (...given) => delivery.slot(...given), watch: (...given) => delivery.watch(...given),
        close: () => delivery.close(),
      })
    })
    return { anna, ben, eve, end }
  }
  /** The logs by which an account is found: its device log, and the stock of its one device. */
  const logsOf = async (person: Person) => {
    await person.invite()
    const deviceLog = deviceLogOf(await accountOf(person))
    const delivery = openSqliteDelivery({ file: person.deliveryFile })
    const [genesis] = await delivery.read(deviceLog, 0, 1)
    assert.ok(genesis !== undefined)
    const record = decode(DeviceLogRecord, genesis.bytes)
    assert.ok(record.type === 'genesis')
    const stock = keyPackageLog(toHex(deviceIdFor(suite, record.signed.genesis.devicePublicKey)))
    const found = await until(`${person.name} has KeyPackages`, async () => {
      const records = await delivery.read(stock, 0, 100)
      return records.length > 3 ? records : undefined
    })
    await delivery.close()
    return { deviceLog, stock, found }
  }

  test('whose device log a relay swaps for another account’s is refused, and its own account is met otherwise', async (t) => {
    const swap = new Map<string, string>()
    const relay: { delivery?: Delivery } = {}
    const { anna, ben, eve, end } = await scene((found, log, after) => {
      const instead = swap.get(log)
      return instead === undefined ? found : relay.delivery?.read(instead, after, 500) ?? []
    })
    t.after(end)
    const [ofAnna, ofEve] = [await logsOf(anna), await logsOf(eve)]
    relay.delivery = openSqliteDelivery({ file: ben.deliveryFile })
    swap.set(ofAnna.deviceLog, ofEve.deviceLog)
    const invite = await anna.invite()
    await assert.rejects(ben.call('conversation.direct', { invite }), refused('invite-no-device'))
    assert.deepEqual(await ben.conversations(), [])
    swap.clear()
    await ben.call('conversation.direct', { invite })
    await requestOf(anna)
    assert.deepEqual(await eve.conversations(), [])
    await relay.delivery.close()
  })

  test('whose KeyPackages a relay swaps is refused: another’s, one under a stolen name, one with a swapped key', async (t) => {
    let stock = ''
    let fakes: readonly LogRecord[] = []
    const { anna, ben, eve, end } = await scene((found, log, after) =>
      log === stock && fakes.length > 0 ? fakes.filter(({ seq }) => seq > after) : found)
    t.after(end)
    const [ofAnna, ofEve] = [await logsOf(anna), await logsOf(eve)]
    const invite = await anna.invite()
    const keyPackageIn = ({ bytes }: LogRecord): KeyPackage => decode(KeyPackage, decodeKeyPackageRecord(bytes).keyPackage)
    const [hers] = ofAnna.found.filter(({ slot }) => slot !== undefined)
    const [eves] = ofEve.found
    assert.ok(hers !== undefined && eves !== undefined)
    const record = (keyPackage: KeyPackage): LogRecord =>
      ({ ...hers, bytes: encodeKeyPackageRecord({ keyPackage: encode(KeyPackage, keyPackage), lastResort: false }) })
    const [annas, foreign] = [keyPackageIn(hers), keyPackageIn(eves)]
    stock = ofAnna.stock
    for (const [what, fake] of Object.entries({
      'Eve’s own': foreign,
      'Anna’s name on Eve’s keys': { ...foreign, leafNode: { ...foreign.leafNode, credential: annas.leafNode.credential } },
      'Eve’s HPKE key in Anna’s': { ...annas, initKey: foreign.initKey },
      'Eve’s leaf key in Anna’s': { ...annas, leafNode: { ...annas.leafNode, encryptionKey: foreign.leafNode.encryptionKey } },
    })) {
      fakes = [record(fake)]
      await assert.rejects(ben.call('conversation.direct', { invite }), refused('invite-no-key'), what)
    }
    assert.deepEqual(await ben.conversations(), [])
    fakes = [record(annas)]
    await ben.call('conversation.direct', { invite })
    await requestOf(anna)
  })

  test('that somebody altered names nobody: the name is theirs to change, the account is not', async (t) => {
    const { all: [anna, ben, eve], end } = await people(['Anna', 'Ben', 'Eve'])
    t.after(end)
    const card = cardOf(await anna.invite())
    await eve.invite()
    // Eve can make a card that calls her Anna: it leads to Eve, and the number with her is another one.
    const evil = await accountOf(eve)
    const lure = writeInvite(suite, { ...card, accountId: fromHex(evil), deviceLog: deviceLogOf(evil) })
    const { conversation } = await ben.call('conversation.direct', { invite: lure })
    await requestOf(eve)
    assert.deepEqual(await anna.conversations(), [])
    const there = await until('Eve is in', async () => {
      const found = await ben.conversation(conversation)
      return found?.state === 'active' ? found : undefined
    })
    assert.deepEqual(there.people.filter(({ own }) => !own).map(({ accountId, trust }) => [accountId, trust]),
      [[evil, 'new']])
    // A device log of another name than the account's: what stands in it must still hash to the account.
    const elsewhere = writeInvite(suite, { ...card, deviceLog: deviceLogOf(evil) })
    await ben.call('conversation.direct', { invite: elsewhere })
    await requestOf(anna)
  })
})
