import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { foldDeviceLog } from '../../main/identity/device-log.ts'
import { add, grant, LogWriter, newAccount, revoke, suite } from './account.ts'

describe('Reading a log with many revocations', () => {
  /** Hashes that it takes, signatures aside, when each device is taken back after it has added another one or not. */
  function hashes(devices: number, busy: boolean): number {
    const writer = new LogWriter(newAccount())
    const { laptop } = writer.account
    for (let at = 0; at < devices; at++) {
      const key = writer.key()
      writer.write(laptop, add(key))
      const before = writer.records.length - 1
      if (busy) {
        writer.write(laptop, grant(key))
        writer.write(key, add(writer.key()))
      }
      writer.write(laptop, revoke(key, before))
    }
    let count = 0
    const counting = { ...suite, hash: (bytes: Uint8Array) => { count += 1; return suite.hash(bytes) } }
    const { log, ignored } = foldDeviceLog(counting, writer.account.accountId, writer.records)
    assert.deepEqual([log?.devices.filter(({ revoked }) => !revoked).length, ignored.length], [1, 0])
    return count
  }

  for (const [busy, what] of [[false, 'nothing'], [true, 'what they added']] as const) {
    test(`which take back ${what}, hashes each entry as often as in a short one`, () => {
      const [few, many] = [hashes(5, busy), hashes(40, busy)]
      assert.ok(few > 0 && many < few * 9, `${few}, ${many}`)
    })
  }
})
