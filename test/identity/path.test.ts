import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { concat, toHex, type KeyPair } from '../../main/mls/index.ts'
import { encodeCredential, validateCredential } from '../../main/identity/credential.ts'
import { foldDeviceLog } from '../../main/identity/device-log.ts'
import type { SignedEntry } from '../../main/identity/entry.ts'
import { deviceIdFor } from '../../main/identity/genesis.ts'
import { pathTo } from '../../main/identity/path.ts'
import { add, certify, entryRecord, grant, LogWriter, newAccount, renew, revoke, rotateRecovery, suite } from './account.ts'

function logOf(writer: LogWriter) {
  const { log } = foldDeviceLog(suite, writer.account.accountId, writer.records)
  assert.ok(log !== undefined)
  return log
}

/** The numbers of the entries on the path of a key, whose credential must hold. */
function numbers(writer: LogWriter, key: KeyPair, first = key): readonly number[] {
  const log = logOf(writer)
  const path = pathTo(log, key.publicKey)
  const { accountId, genesis } = writer.account
  const credential = encodeCredential({
    accountId, deviceId: deviceIdFor(suite, first.publicKey), genesis, path: [...path],
  })
  assert.equal(validateCredential(suite, credential, key.publicKey), undefined)
  return path.map(({ entry }) => entry.n)
}

describe('The path of a key', () => {
  test('is empty for the first device, and one entry for what it added', () => {
    const writer = new LogWriter(newAccount())
    const { laptop } = writer.account
    const [desktop, tablet] = [writer.key(), writer.key()]
    writer.write(laptop, add(desktop))
    writer.write(laptop, add(tablet))
    assert.deepEqual(numbers(writer, laptop), [])
    assert.deepEqual(numbers(writer, tablet), [2])
  })

  test('has the grants of its issuers, their renewals, and nothing else', () => {
    const writer = new LogWriter(newAccount())
    const { laptop } = writer.account
    const [desktop, fresh, tablet, other] = [writer.key(), writer.key(), writer.key(), writer.key()]
    writer.write(laptop, add(desktop)) // 1
    writer.write(laptop, add(other)) // 2
    writer.write(laptop, grant(desktop)) // 3
    writer.write(laptop, grant(other)) // 4
    writer.write(desktop, renew(fresh)) // 5
    writer.write(fresh, add(tablet)) // 6
    writer.write(laptop, revoke(other, 4)) // 7
    assert.deepEqual(numbers(writer, fresh, desktop), [1, 5])
    assert.deepEqual(numbers(writer, tablet), [1, 3, 5, 6])
  })

  test('leads over the recovery keys that were there', () => {
    const writer = new LogWriter(newAccount())
    const { recovery } = writer.account
    const [next, desktop] = [writer.key(), writer.key()]
    writer.write(recovery, rotateRecovery(next)) // 1
    writer.write(next, add(desktop)) // 2
    assert.deepEqual(numbers(writer, desktop), [1, 2])
  })
})

describe('A key that is certified afresh', () => {
  test('has a short path by the recovery key, and by an elder one that shows who is the elder', () => {
    const writer = new LogWriter(newAccount())
    const { laptop, recovery } = writer.account
    const [desktop, second, third, fourth] = [writer.key(), writer.key(), writer.key(), writer.key()]
    writer.write(laptop, add(desktop)) // 1
    writer.write(desktop, renew(second)) // 2
    writer.write(recovery, certify(desktop, third)) // 3
    assert.deepEqual(numbers(writer, third, desktop), [1, 3])
    writer.write(laptop, certify(desktop, fourth)) // 4
    assert.deepEqual(numbers(writer, fourth, desktop), [1, 4])
    assert.deepEqual(logOf(writer).devices[1]?.publicKey, fourth.publicKey)
    const fresh = writer.key()
    writer.write(recovery, certify(laptop, fresh)) // 5
    assert.deepEqual(numbers(writer, fresh, laptop), [5])
  })

  test('falls with the key that certified it, and is not given to a device that was taken back', () => {
    const writer = new LogWriter(newAccount())
    const { laptop, recovery } = writer.account
    const [desktop, tablet, planted, fresh] = [writer.key(), writer.key(), writer.key(), writer.key()]
    writer.write(laptop, add(desktop)) // 1
    writer.write(laptop, grant(desktop)) // 2
    writer.write(laptop, add(tablet)) // 3
    writer.write(desktop, certify(tablet, planted)) // 4: the desktop is in other hands.
    assert.deepEqual(logOf(writer).devices[2]?.publicKey, planted.publicKey)
    writer.write(laptop, revoke(desktop, 3)) // 5
    assert.deepEqual(logOf(writer).devices[2]?.publicKey, tablet.publicKey)
    for (const issuer of [laptop, recovery]) {
      writer.records.push(entryRecord(writer.sign(issuer, certify(desktop, fresh))))
      const { ignored } = foldDeviceLog(suite, writer.account.accountId, writer.records)
      assert.equal(ignored.at(-1)?.reason, 'target-unknown')
    }
  })

  test('is not, by a younger device, however short the path is that it shows', () => {
    const writer = new LogWriter(newAccount())
    const { account } = writer
    const { laptop } = account
    const [desktop, tablet, stolen] = [writer.key(), writer.key(), writer.key()]
    const addDesktop = writer.write(laptop, add(desktop)) // 1
    const addTablet = writer.write(laptop, add(tablet)) // 2
    const trust = writer.write(laptop, grant(tablet)) // 3
    const judge = (path: readonly SignedEntry[], of: KeyPair) => validateCredential(suite, encodeCredential({
      accountId: account.accountId, deviceId: deviceIdFor(suite, of.publicKey), genesis: account.genesis, path: [...path],
    }), stolen.publicKey)
    const forged = writer.sign(tablet, certify(desktop, stolen))
    assert.equal(judge([addTablet, trust, forged], desktop), 'path-broken')
    assert.equal(judge([addDesktop, addTablet, trust, forged], desktop), 'path-right')
    assert.equal(judge([addTablet, trust, writer.sign(tablet, certify(laptop, stolen))], laptop), 'path-right')
    writer.append(forged)
    const { ignored } = foldDeviceLog(suite, account.accountId, writer.records)
    assert.deepEqual(ignored.map(({ reason }) => reason), ['right'])
  })
})

test('What tells something is enough: the rest of a log can be forgotten between two readings', () => {
  const writer = new LogWriter(newAccount())
  const { laptop, accountId } = { ...writer.account }
  const [desktop, tablet] = [writer.key(), writer.key()]
  const rubbish = Uint8Array.of(9, 9)
  const lost = writer.sign(laptop, add(tablet))
  writer.write(laptop, add(desktop))
  writer.records.push(rubbish, entryRecord(lost), concat(rubbish, rubbish))
  const { telling } = foldDeviceLog(suite, accountId, writer.records)
  const kept = writer.records.filter((_, at) => telling.includes(at))
  assert.equal(kept.length, 3)
  writer.records.push(entryRecord(writer.sign(laptop, add(tablet))))
  const [whole, part] = [writer.records, [...kept, ...writer.records.slice(-1)]]
    .map((records) => foldDeviceLog(suite, accountId, records))
  assert.deepEqual(part?.log, whole?.log)
  assert.deepEqual(part?.equivocations, whole?.equivocations)
  assert.equal(part?.equivocations.length, 1)
  assert.equal(toHex(part.log?.head.hash ?? rubbish), toHex(whole?.log?.head.hash ?? rubbish))
})
