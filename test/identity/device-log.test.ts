import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import { concat, decode, encode, MlsError, toHex } from '../../main/mls/index.ts'
import { DeviceLogRecord, foldDeviceLog } from '../../main/identity/device-log.ts'
import { entryHash, makeEntry, newKeyOf, SignedEntry, type Operation } from '../../main/identity/entry.ts'
import { deviceIdFor } from '../../main/identity/genesis.ts'
import {
  add, certify, createdAt, damaged, entryAfter, entryRecord, genesisRecord, grant, LogWriter, newAccount, renew, repeatable,
  revoke, rotateRecovery, suite,
} from './account.ts'

const fold = (writer: LogWriter) => {
  const folded = foldDeviceLog(suite, writer.account.accountId, writer.records)
  assert.ok(folded.log !== undefined)
  return { ...folded, log: folded.log, reasons: folded.ignored.map((one) => one.reason) }
}

/** How the last record of a log was judged. */
const verdict = (writer: LogWriter) =>
  fold(writer).ignored.find((one) => one.index === writer.records.length - 1)?.reason ?? 'accepted'

/** A log in which a laptop added a desktop and a tablet, and trusts the desktop. */
function household() {
  const writer = new LogWriter(newAccount())
  const { laptop, recovery } = writer.account
  const desktop = writer.key()
  const tablet = writer.key()
  writer.write(laptop, add(desktop, 'Desktop'))
  writer.write(laptop, add(tablet, 'Tablet'))
  writer.write(laptop, grant(desktop))
  return { writer, laptop, recovery, desktop, tablet }
}

describe('A device log', () => {
  test('of a new account holds its genesis, one trusted device, and the accountId as its head', () => {
    const writer = new LogWriter(newAccount())
    const { log, ignored } = fold(writer)
    const { accountId, genesis, laptop } = writer.account
    assert.deepEqual(ignored, [])
    assert.equal(log.accountId, toHex(accountId))
    assert.deepEqual(log.head, { n: 0, hash: accountId })
    assert.deepEqual(log.devices, [{
      deviceId: toHex(deviceIdFor(suite, laptop.publicKey)), publicKey: laptop.publicKey, name: undefined, since: 0,
      addedAt: genesis.genesis.createdAt, addedBy: 'genesis', trusted: true, revoked: false,
    }])
    assert.equal(log.closed, undefined)
  })

  test('tells which devices there are, when and by whom each was added, and who is trusted', () => {
    const { writer, laptop } = household()
    const { log, ignored } = fold(writer)
    const first = toHex(deviceIdFor(suite, laptop.publicKey))
    assert.deepEqual(ignored, [])
    assert.deepEqual(log.devices.map(({ name, since, addedAt, addedBy, trusted, revoked }) =>
      ({ name, since, addedAt, addedBy, trusted, revoked })), [
      { name: undefined, since: 0, addedAt: createdAt, addedBy: 'genesis', trusted: true, revoked: false },
      { name: 'Desktop', since: 1, addedAt: createdAt + 1000, addedBy: first, trusted: true, revoked: false },
      { name: 'Tablet', since: 2, addedAt: createdAt + 2000, addedBy: first, trusted: false, revoked: false },
    ])
    const last = writer.entries.at(-1)
    assert.ok(last !== undefined)
    assert.deepEqual(log.head, { n: 3, hash: entryHash(suite, last.entry) })
  })

  test('without a genesis says nothing yet', () => {
    const { writer } = household()
    const { accountId } = writer.account
    const { log, ignored } = foldDeviceLog(suite, accountId, writer.records.slice(1))
    assert.equal(log, undefined)
    assert.deepEqual(ignored.map((one) => one.reason), ['no-genesis', 'no-genesis', 'no-genesis'])
    assert.deepEqual(foldDeviceLog(suite, accountId, []), { log: undefined, ignored: [], telling: [], equivocations: [] })
  })

  test('survives a squatter who was there first: rubbish, a foreign genesis and a later format do not count', () => {
    const { writer } = household()
    const { genesis, accountId } = writer.account
    const stranger = newAccount()
    const forged = encode(DeviceLogRecord, {
      type: 'genesis', signed: { ...genesis, deviceSignature: stranger.genesis.deviceSignature },
    })
    const records = [
      new Uint8Array(0), Uint8Array.of(1, 9), genesisRecord(stranger), forged, Uint8Array.of(2, 0, 0),
      ...writer.records, writer.records[0] ?? new Uint8Array(0),
    ]
    const { log, ignored } = foldDeviceLog(suite, accountId, records)
    assert.equal(log?.head.n, 3)
    assert.deepEqual(ignored.map((one) => one.reason),
      ['malformed', 'malformed', 'other-account', 'genesis-signature', 'newer', 'duplicate'])
  })

  test('does not count an entry twice, and drops one that is not signed by its issuer', () => {
    const { writer, laptop } = household()
    const phone = writer.key()
    const third = writer.records[3]
    assert.ok(third !== undefined)
    writer.records.push(third)
    assert.equal(verdict(writer), 'duplicate')
    const signed = writer.sign(laptop, add(phone))
    writer.records.push(entryRecord({ ...signed, signature: damaged(signed.signature) }))
    assert.equal(verdict(writer), 'signature')
    writer.append(signed)
    assert.equal(verdict(writer), 'accepted')
  })

  test('refuses a new device that did not agree to be one, in this account and by this issuer', () => {
    const { writer, laptop, desktop } = household()
    const phone = writer.key()
    const signed = writer.sign(laptop, add(phone))
    const byDesktop = writer.sign(desktop, add(phone))
    writer.records.push(entryRecord({ ...signed, possession: byDesktop.possession }))
    assert.equal(verdict(writer), 'possession')
    const elsewhere = entryAfter(writer.head, newAccount(), { issuer: laptop, operation: add(phone), newKey: phone })
    writer.records.push(entryRecord({ ...signed, possession: elsewhere.possession }))
    assert.equal(verdict(writer), 'possession')
  })

  test('refuses an entry that was signed for another account', () => {
    const { writer, laptop } = household()
    const other = newAccount()
    const phone = writer.key()
    const foreign = entryAfter(writer.head, other, { issuer: laptop, operation: add(phone), newKey: phone })
    writer.records.push(entryRecord(foreign))
    assert.equal(verdict(writer), 'signature')
  })

  test('lets the first of two racing entries stand; the loser tries again with the same consent', () => {
    const { writer, laptop, desktop } = household()
    const [phone, watch] = [writer.key(), writer.key()]
    const before = writer.head
    const byDesktop = writer.sign(desktop, add(watch), before)
    writer.write(laptop, add(phone))
    writer.records.push(entryRecord(byDesktop))
    assert.equal(verdict(writer), 'late')
    assert.ok(byDesktop.possession !== undefined)
    writer.append(makeEntry(suite, {
      accountId: writer.account.accountId, head: writer.head, time: createdAt, issuer: desktop, operation: add(watch),
      possession: byDesktop.possession,
    }))
    const { log, equivocations } = fold(writer)
    assert.deepEqual(log.devices.slice(-2).map((device) => device.publicKey), [phone.publicKey, watch.publicKey])
    assert.deepEqual(equivocations, [], 'an honest race is no lie')
  })

  test('proves a lie: one issuer who signs two different entries for one number', () => {
    const { writer, laptop } = household()
    const [phone, watch] = [writer.key(), writer.key()]
    const other = writer.sign(laptop, add(watch))
    const stands = writer.write(laptop, add(phone))
    writer.records.push(entryRecord(other), entryRecord(stands))
    const { equivocations, reasons } = fold(writer)
    assert.deepEqual(reasons, ['late', 'duplicate'])
    assert.deepEqual(equivocations, [{ first: stands, second: other }])
  })

  test('raises no alarm for what a revoked key or a forger writes', () => {
    const { writer, laptop, desktop, tablet } = household()
    writer.write(laptop, revoke(tablet, 3))
    writer.write(desktop, renew(writer.key()))
    const [a, b] = [writer.key(), writer.key()]
    for (const gone of [tablet, desktop]) {
      writer.records.push(entryRecord(writer.sign(gone, renew(a))), entryRecord(writer.sign(gone, renew(b))))
    }
    const signed = writer.sign(laptop, add(a))
    writer.records.push(entryRecord(signed))
    writer.records.push(entryRecord({ ...writer.sign(laptop, add(b)), signature: signed.signature }))
    const { equivocations, reasons } = fold(writer)
    assert.deepEqual(reasons,
      ['issuer-revoked', 'issuer-revoked', 'issuer-replaced', 'issuer-replaced', 'signature'])
    assert.deepEqual(equivocations, [])
  })

  test('waits for missing entries, and refuses one that continues another history', () => {
    const { writer, laptop } = household()
    const phone = writer.key()
    writer.records.push(entryRecord(writer.sign(laptop, add(phone), { n: 4, hash: writer.head.hash })))
    assert.equal(verdict(writer), 'early')
    writer.records.push(entryRecord(writer.sign(laptop, add(phone), { n: 3, hash: damaged(writer.head.hash) })))
    assert.equal(verdict(writer), 'previous-hash')
  })
})

describe('Rights over an account', () => {
  test('are not given by adding: a device that was only added may not add, grant or revoke others', () => {
    const { writer, laptop, desktop, tablet } = household()
    const [phone, watch] = [writer.key(), writer.key()]
    writer.write(laptop, add(watch)) // Younger than the tablet; that alone gives no right over it.
    const attempts: Operation[] = [
      add(phone), grant(tablet), grant(watch), revoke(desktop, 0), revoke(watch, 0), rotateRecovery(phone),
    ]
    for (const operation of attempts) {
      writer.records.push(entryRecord(writer.sign(tablet, operation)))
      assert.equal(verdict(writer), 'right', operation.type)
    }
  })

  test('are given by an elder or by the recovery key, never by a younger device', () => {
    const { writer, laptop, desktop, tablet, recovery } = household()
    writer.records.push(entryRecord(writer.sign(desktop, grant(laptop))))
    assert.equal(verdict(writer), 'right', 'to an elder')
    const phone = writer.key()
    writer.write(desktop, grant(tablet))
    writer.write(tablet, add(phone))
    writer.write(recovery, grant(phone))
    assert.equal(verdict(writer), 'accepted')
    assert.deepEqual(fold(writer).log.devices.map((device) => device.trusted), [true, true, true, true])
  })

  test('reach downwards: a trusted device revokes younger ones and itself, not its elders', () => {
    const { writer, laptop, desktop, tablet } = household()
    writer.records.push(entryRecord(writer.sign(desktop, revoke(laptop, 3))))
    assert.equal(verdict(writer), 'right')
    writer.write(desktop, revoke(tablet, 3))
    assert.equal(verdict(writer), 'accepted')
    writer.write(desktop, revoke(desktop, 4))
    assert.equal(verdict(writer), 'accepted')
    assert.deepEqual(fold(writer).log.devices.map((device) => device.revoked), [false, true, true])
    writer.records.push(entryRecord(writer.sign(laptop, grant(tablet))))
    assert.equal(verdict(writer), 'target-unknown', 'a revoked device is given no rights')
  })

  test('over itself has every device: an untrusted one may revoke itself, and is silent from then on', () => {
    const { writer, tablet } = household()
    writer.write(tablet, revoke(tablet, 3))
    assert.equal(verdict(writer), 'accepted')
    writer.records.push(entryRecord(writer.sign(tablet, renew(writer.key()))))
    assert.equal(verdict(writer), 'issuer-revoked')
  })

  test('of the recovery key reach over all devices, the first included', () => {
    const { writer, laptop, recovery } = household()
    const phone = writer.key()
    writer.write(recovery, revoke(laptop, 3))
    writer.write(recovery, add(phone, 'New phone'))
    writer.write(recovery, grant(phone))
    const { log, ignored } = fold(writer)
    assert.deepEqual(ignored, [])
    assert.equal(log.devices[0]?.revoked, true)
    assert.deepEqual({ ...log.devices[3], publicKey: undefined, deviceId: undefined, addedAt: undefined }, {
      publicKey: undefined, deviceId: undefined, addedAt: undefined, name: 'New phone', since: 5, addedBy: 'recovery',
      trusted: true, revoked: false,
    })
  })

  test('are nobody else\'s: a stranger\'s key, a key that is taken, a device that does not exist', () => {
    const { writer, laptop, desktop, tablet, recovery } = household()
    const stranger = writer.key()
    const attempts: readonly (readonly [Parameters<LogWriter['sign']>[0], Operation, string])[] = [
      [stranger, add(writer.key()), 'issuer-unknown'],
      [laptop, add(tablet), 'key-reused'],
      [laptop, add(recovery), 'key-reused'],
      [laptop, renew(laptop), 'key-reused'],
      [laptop, certify(desktop, tablet), 'key-reused'],
      [recovery, rotateRecovery(tablet), 'key-reused'],
      [recovery, renew(stranger), 'right'],
      [laptop, grant(stranger), 'target-unknown'],
      [recovery, certify(stranger, writer.key()), 'target-unknown'],
      [laptop, revoke(stranger, 0), 'target-unknown'],
      [laptop, revoke(tablet, 4), 'last-honoured'],
      [laptop, revoke(recovery, 0), 'right'],
      [recovery, revoke(recovery, 0), 'right'],
    ]
    for (const [issuer, operation, reason] of attempts) {
      const signed = writer.sign(issuer, operation)
      const possession = newKeyOf(operation) === undefined ? {} : { possession: new Uint8Array(64) }
      writer.records.push(entryRecord({ ...signed, ...possession }))
      assert.equal(verdict(writer), reason, operation.type)
    }
  })
})

describe('A renewed key', () => {
  test('replaces the device\'s key under the same id, and the old one has no say any more', () => {
    const { writer, desktop } = household()
    const renewed = writer.key()
    writer.write(desktop, renew(renewed))
    const device = fold(writer).log.devices[1]
    assert.ok(device !== undefined)
    assert.deepEqual(device.publicKey, renewed.publicKey)
    assert.equal(device.deviceId, toHex(deviceIdFor(suite, desktop.publicKey)))
    assert.equal(device.trusted, true)
    writer.records.push(entryRecord(writer.sign(desktop, add(writer.key()))))
    assert.equal(verdict(writer), 'issuer-replaced')
    writer.write(renewed, add(writer.key()))
    assert.equal(verdict(writer), 'accepted')
  })

  test('may take back its predecessor, but not the entry on which it stands itself', () => {
    const { writer, desktop } = household()
    const renewed = writer.key()
    writer.write(desktop, renew(renewed)) // Number 4.
    writer.records.push(entryRecord(writer.sign(renewed, revoke(desktop, 3))))
    assert.equal(verdict(writer), 'right')
    writer.write(renewed, revoke(desktop, 4))
    assert.equal(verdict(writer), 'accepted')
    assert.equal(fold(writer).log.devices[1]?.revoked, false)
  })

  test('by a thief falls with the key that was stolen', () => {
    const { writer, laptop, desktop } = household()
    const thief = writer.key()
    writer.write(desktop, renew(thief)) // Number 4, not by the owner.
    writer.write(laptop, revoke(desktop, 3))
    assert.equal(fold(writer).log.devices[1]?.revoked, true)
    writer.records.push(entryRecord(writer.sign(thief, add(writer.key()))))
    assert.equal(verdict(writer), 'issuer-revoked')
  })
})

describe('A revocation', () => {
  test('takes back what the key did after the last entry that counts, and all that rested on it', () => {
    const { writer, laptop, desktop, tablet } = household()
    const [planted, second] = [writer.key(), writer.key()]
    writer.write(desktop, add(planted, 'Planted')) // Number 4: from here on the desktop is in other hands.
    writer.write(desktop, grant(planted))
    writer.write(planted, add(second, 'Second'))
    assert.equal(verdict(writer), 'accepted')
    writer.write(laptop, revoke(desktop, 3))
    const { log, ignored } = fold(writer)
    assert.deepEqual(ignored, [])
    assert.deepEqual(log.devices.map(({ name, revoked }) => ({ name, revoked })), [
      { name: undefined, revoked: false }, { name: 'Desktop', revoked: true }, { name: 'Tablet', revoked: false },
      { name: 'Planted', revoked: true }, { name: 'Second', revoked: true },
    ])
    for (const key of [planted, second]) {
      writer.records.push(entryRecord(writer.sign(key, renew(writer.key()))))
      assert.equal(verdict(writer), 'issuer-revoked')
    }
    writer.records.push(entryRecord(writer.sign(laptop, add(planted))))
    assert.equal(verdict(writer), 'key-reused', 'a key that was taken back never returns')
    writer.write(laptop, grant(tablet))
    assert.equal(verdict(writer), 'accepted')
  })

  test('with a high number leaves in place what was done honestly before the loss', () => {
    const { writer, laptop, desktop } = household()
    const phone = writer.key()
    writer.write(desktop, add(phone, 'Phone')) // Number 4.
    writer.write(laptop, revoke(desktop, 4))
    assert.deepEqual(fold(writer).log.devices.map((device) => device.revoked), [false, true, false, false])
  })

  test('takes back the trust that a key gave, and what the trusted one did with it', () => {
    const { writer, laptop, recovery, desktop } = household() // The grant to the desktop is number 3.
    const phone = writer.key()
    writer.write(desktop, add(phone))
    writer.write(recovery, revoke(laptop, 2))
    const { log } = fold(writer)
    assert.deepEqual(log.devices.map(({ trusted, revoked }) => ({ trusted, revoked })), [
      { trusted: true, revoked: true }, { trusted: false, revoked: false }, { trusted: false, revoked: false },
      { trusted: false, revoked: true },
    ])
  })

  test('made later may reach further back, and never less far', () => {
    const { writer, laptop, recovery, desktop } = household()
    const phone = writer.key()
    writer.write(desktop, add(phone)) // Number 4.
    writer.write(laptop, revoke(desktop, 4))
    writer.write(laptop, revoke(desktop, 3))
    writer.write(laptop, revoke(desktop, 4))
    assert.deepEqual(fold(writer).reasons, [])
    assert.equal(fold(writer).log.devices[3]?.revoked, true)
    // Nor when all is gone through again, because somebody else's entry is taken back.
    writer.write(laptop, add(writer.key())) // Number 8.
    writer.write(recovery, revoke(laptop, 7))
    assert.deepEqual(fold(writer).reasons, [])
    assert.equal(fold(writer).log.devices[3]?.revoked, true)
  })

  test('stays when its issuer is revoked: nobody comes back without being added afresh', () => {
    const { writer, laptop, desktop, tablet } = household()
    writer.write(desktop, revoke(tablet, 3)) // Number 4.
    writer.write(laptop, revoke(desktop, 3))
    assert.deepEqual(fold(writer).log.devices.map((device) => device.revoked), [false, true, true])
  })
})

describe('A rotated recovery key', () => {
  test('is named by the one before it, takes over its rights, and leaves it none', () => {
    const { writer, laptop, recovery, tablet } = household()
    const next = writer.key()
    writer.records.push(entryRecord(writer.sign(laptop, rotateRecovery(next))))
    assert.equal(verdict(writer), 'right')
    writer.write(recovery, rotateRecovery(next)) // Number 4.
    assert.deepEqual(fold(writer).log.recoveryPublicKey, next.publicKey)
    writer.records.push(entryRecord(writer.sign(recovery, revoke(laptop, 0))))
    assert.equal(verdict(writer), 'issuer-replaced')
    writer.write(next, revoke(tablet, 3))
    assert.equal(verdict(writer), 'accepted')
  })

  test('may take back what its stolen predecessor did, except its own appointment', () => {
    const { writer, laptop, recovery } = household()
    const [planted, next] = [writer.key(), writer.key()]
    writer.write(recovery, add(planted, 'Planted')) // Number 4, by somebody who read the words.
    writer.write(recovery, rotateRecovery(next)) // Number 5.
    writer.records.push(entryRecord(writer.sign(next, revoke(recovery, 3))))
    assert.equal(verdict(writer), 'right')
    // That is no device's to take back, however trusted.
    writer.records.push(entryRecord(writer.sign(laptop, revoke(recovery, 5))))
    assert.equal(verdict(writer), 'right')
    writer.write(next, revoke(recovery, 5))
    assert.equal(verdict(writer), 'accepted')
    writer.write(next, revoke(planted, 3))
    assert.equal(fold(writer).log.devices[3]?.revoked, true)
  })
})

describe('The format of entries', () => {
  test('is read back as it was written, for every operation', () => {
    const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })
    const name = fc.string({ maxLength: 80, unit: 'grapheme-ascii' })
    const number = fc.integer({ min: 0, max: 0xffff_ffff })
    const operation: fc.Arbitrary<Operation> = fc.oneof(
      fc.record({ type: fc.constant('add' as const), publicKey: bytes(32), name }, { noNullPrototype: true }),
      fc.record({ type: fc.constant('grant' as const), deviceId: bytes(16) }, { noNullPrototype: true }),
      fc.record({ type: fc.constant('renew' as const), publicKey: bytes(32) }, { noNullPrototype: true }),
      fc.record({ type: fc.constant('revoke' as const), publicKey: bytes(32), lastHonoured: number },
        { noNullPrototype: true }),
      fc.record({ type: fc.constant('rotateRecovery' as const), publicKey: bytes(32) }, { noNullPrototype: true }),
      fc.record({ type: fc.constant('certify' as const), deviceId: bytes(16), publicKey: bytes(32) },
        { noNullPrototype: true }),
    )
    const entry = fc.record({
      n: number, previousHash: bytes(32), time: fc.integer({ min: 0, max: Number.MAX_SAFE_INTEGER }), issuer: bytes(32),
      operation,
    }, { noNullPrototype: true })
    fc.assert(fc.property(entry, bytes(64), bytes(64), (one, signature, other) => {
      const hasKey = one.operation.type !== 'grant' && one.operation.type !== 'revoke'
      const signed = { entry: one, signature, possession: hasKey ? other : undefined }
      assert.deepEqual(decode(SignedEntry, encode(SignedEntry, signed)), signed)
    }))
  })

  test('takes no rubbish: any bytes are refused with a reason, and the log goes on', () => {
    const { writer } = household()
    fc.assert(fc.property(fc.uint8Array({ maxLength: 300 }), fc.integer({ min: 0, max: 3 }), (bytes, prefix) => {
      const record = concat(Uint8Array.of(1, 1, 1).subarray(0, prefix), bytes)
      const { log, ignored } = foldDeviceLog(suite, writer.account.accountId, [...writer.records.slice(0, 1), record])
      assert.equal(log?.head.n, 0)
      assert.equal(ignored.length, 1)
    }), { numRuns: 300 })
  })

  test('refuses every truncation, and a name that is no line of text', () => {
    const { writer, laptop } = household()
    const record = writer.records[1]
    assert.ok(record !== undefined)
    for (let length = 0; length < record.length; length++) {
      assert.throws(() => decode(DeviceLogRecord, record.slice(0, length)), MlsError)
    }
    const phone = writer.key()
    for (const name of ['two\nlines', 'x'.repeat(81), '\u202eevil', '\ud800']) {
      assert.throws(() => writer.sign(laptop, add(phone, name)), MlsError, JSON.stringify(name))
    }
  })

  test('never changes: this record of version 1 is laid out like this, and its entry has this hash', () => {
    const account = newAccount(repeatable())
    const { accountId, laptop, recovery } = account
    const operation: Operation = { type: 'add', publicKey: recovery.publicKey, name: 'Ada' }
    const signed = entryAfter({ n: 0, hash: accountId }, account, { issuer: laptop, operation, newKey: recovery })
    const version = '01'
    const isEntry = '01'
    const isAdd = '01'
    assert.ok(signed.possession !== undefined)
    assert.equal(toHex(entryRecord(signed)), [
      version, isEntry, version, '00000001', toHex(accountId), '000001941f297fe8', toHex(laptop.publicKey), isAdd,
      toHex(recovery.publicKey), '03416461', toHex(signed.signature), toHex(signed.possession),
    ].join(''))
    assert.equal(toHex(entryHash(suite, signed.entry)), PINNED.hash)
    assert.equal(toHex(signed.signature), PINNED.signature)
    assert.equal(toHex(signed.possession), PINNED.possession)
  })

  test('has a hash that signatures do not change: two good signatures of one entry do not fork the chain', () => {
    const { writer } = household()
    const first = writer.records[1]
    assert.ok(first !== undefined)
    const { log } = foldDeviceLog(suite, writer.account.accountId, writer.records.slice(0, 2))
    assert.deepEqual(log?.head.hash, writer.entries[1]?.entry.previousHash)
    writer.records.push(damaged(first, first.length - 100)) // Within the issuer's signature.
    assert.equal(verdict(writer), 'duplicate')
  })
})

// Computed with node:crypto alone from the description of the format, not by this code.
const PINNED = {
  hash: '86de2b7f66157fcaaaa95666f0ed34515998e12dab20607aed231296a87e692e',
  signature: 'b40c9cc373ebf83af98135d47616d7093fa667e72db2599289e171425974aa5f'
    + '7a05319a0d842fa514da3fac54954c8c2e9a283ce3f537abe9f918dd161c4c07',
  possession: '7861bcfe049b57066d0d5477b2ab3443b8031e79f3895d28fb5666050563c6a4'
    + '2534c9273dc1345ccc7d5749853617d33d68fb47dd64dd35496030a8bad00209',
}
