import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { encodeCredential, validateCredential } from '../../main/identity/credential.ts'
import { foldDeviceLog } from '../../main/identity/device-log.ts'
import { deviceIdFor } from '../../main/identity/genesis.ts'
import { add, certify, close, entryRecord, grant, LogWriter, newAccount, renew, revoke, rotateRecovery, suite } from './account.ts'

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
  const [desktop, tablet] = [writer.key(), writer.key()]
  writer.write(laptop, add(desktop, 'Desktop'))
  writer.write(laptop, add(tablet, 'Tablet'))
  writer.write(laptop, grant(desktop))
  return { writer, laptop, recovery, desktop, tablet }
}

describe('Closing an account', () => {
  test('takes back every device, and nothing follows, by whomever', () => {
    const { writer, laptop, recovery, desktop } = household()
    writer.write(laptop, close)
    const { log } = fold(writer)
    assert.equal(log.closed, 4)
    assert.deepEqual(log.devices.map(({ revoked }) => revoked), [true, true, true])
    const after = [
      [recovery, add(writer.key())], [recovery, grant(desktop)], [recovery, certify(desktop, writer.key())],
      [recovery, rotateRecovery(writer.key())], [recovery, revoke(desktop, 0)], [recovery, close],
      [laptop, add(writer.key())], [desktop, renew(writer.key())], [laptop, close],
    ] as const
    for (const [issuer, operation] of after) {
      const { records } = writer
      const folded = foldDeviceLog(suite, writer.account.accountId, [...records, entryRecord(writer.sign(issuer, operation))])
      assert.equal(folded.ignored.at(-1)?.reason, issuer === recovery ? 'closed' : 'issuer-revoked', operation.type)
      assert.deepEqual(folded.log, log)
      assert.equal(folded.telling.length, records.length, 'and what comes is not kept')
    }
  })

  test('is the right of the recovery key, and of a trusted device that no other one is above', () => {
    const by = (issuer: 'recovery' | 'laptop' | 'desktop' | 'tablet', before: (house: ReturnType<typeof household>) => void = () => undefined) => {
      const house = household()
      before(house)
      house.writer.write(house[issuer], close)
      return verdict(house.writer)
    }
    assert.equal(by('recovery'), 'accepted')
    assert.equal(by('laptop'), 'accepted')
    assert.equal(by('desktop'), 'right', 'the laptop is above it')
    assert.equal(by('desktop', ({ writer, recovery, laptop }) => { writer.write(recovery, revoke(laptop, 3)) }), 'accepted')
    assert.equal(by('tablet'), 'right')
    assert.equal(by('tablet', ({ writer, recovery, laptop, desktop }) => {
      writer.write(recovery, revoke(laptop, 3))
      writer.write(recovery, revoke(desktop, 3))
    }), 'right', 'it was never trusted, so it is no heir either')
  })

  test('of two at once the first one counts, and later readers say the same whatever batches they read', () => {
    const { writer, laptop, recovery } = household()
    const [first, second] = [writer.sign(recovery, close), writer.sign(laptop, add(writer.key()))]
    writer.append(first)
    writer.records.push(entryRecord(second))
    const { log, reasons } = fold(writer)
    assert.equal(log.closed, 4)
    assert.deepEqual(reasons, ['issuer-revoked'])
    for (let at = 1; at < writer.records.length; at += 1) {
      assert.deepEqual(foldDeviceLog(suite, writer.account.accountId, writer.records.slice(0, at + 5)).log?.closed, at + 5 > 4 ? 4 : undefined)
    }
  })

  test('has no place on a certificate path', () => {
    const { writer, laptop } = household()
    const [added] = writer.entries
    const closing = writer.write(laptop, close)
    const { accountId, genesis } = writer.account
    assert.ok(added !== undefined)
    const credential = encodeCredential({
      accountId, deviceId: deviceIdFor(suite, laptop.publicKey), genesis, path: [added, closing],
    })
    assert.equal(validateCredential(suite, credential, laptop.publicKey), 'path-operation')
  })
})
