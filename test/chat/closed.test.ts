import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { absentIn } from '../../main/chat/absent.ts'
import { revocationsOf, revokedPath } from '../../main/chat/revocations.ts'
import type { DeviceLog } from '../../main/identity/device-log.ts'
import { toHex } from '../../main/mls/index.ts'
import { add, certify, close, entryAfter, LogWriter } from '../identity/account.ts'
import { keyPackageOf, people, verdict, Village } from './village.ts'

describe('A closed account', () => {
  const closed = (kind: 'group' | 'direct' = 'group') => {
    const village = new Village(kind)
    village.log.write(village.ben.laptop, close)
    return { village, proof: village.proof(), all: [village.laptop, village.tablet, village.phone] }
  }

  test('loses every leaf by a commit of anybody, and is not absent but gone', () => {
    for (const kind of ['group', 'direct'] as const) {
      const { village, proof, all } = closed(kind)
      assert.equal(verdict(village.annas, [...village.remove(...all), village.list()], [proof]), undefined)
      village.go('annas', [...village.remove(...all), village.list()], [proof])
      assert.deepEqual(absentIn(village.annas.context.extensions), [])
      assert.ok(people(village.annas).every(({ accountId }) => accountId !== toHex(village.ben.accountId)))
    }
  })

  test('keeps no leaf', () => {
    const { village, proof, all: [, tablet, phone] } = closed()
    assert.ok(tablet !== undefined && phone !== undefined)
    assert.equal(verdict(village.annas, [...village.remove(tablet, phone), village.list()], [proof]), 'a revoked leaf stays')
  })

  test('comes back by no certificate: not of the recovery key, and not of a number from before', () => {
    const { village, proof, all } = closed()
    village.go('annas', [...village.remove(...all), village.list()], [proof])
    const { ben, log } = village
    const key = log.key()
    const late = log.sign(ben.recovery, add(key))
    const early = new LogWriter(ben)
    const backdated = entryAfter(early.head, ben, { issuer: ben.recovery, operation: add(key), newKey: key })
    const certified = entryAfter(log.head, ben, { issuer: ben.recovery, operation: certify(village.tablet.first, key), newKey: key })
    for (const [first, path] of [[key, late], [key, backdated], [village.tablet.first, certified]] as const) {
      const { keyPackage } = keyPackageOf({ account: ben, first, key, path: [path] })
      assert.equal(verdict(village.annas, [{ type: 'add', keyPackage }]), revokedPath)
    }
    for (const device of all) {
      assert.equal(verdict(village.annas, [{ type: 'add', keyPackage: keyPackageOf(device).keyPackage }]), revokedPath)
    }
  })

  test('cannot be had by a device without the right', () => {
    const village = new Village()
    const signed = village.log.sign(village.watch.key, close)
    const log = village.read()
    const forged: DeviceLog = { ...log, entries: [...log.entries, signed], closed: log.head.n + 1 }
    const { laptop, tablet, phone } = village
    assert.equal(verdict(village.annas, [...village.remove(laptop, tablet, phone), village.list(revocationsOf(forged))],
      [village.proof(forged)]), 'a proof that does not hold')
  })
})
