import assert from 'node:assert/strict'
import { test } from 'node:test'
import { commit, createGroup, generateKeyPackage, leavesOf, merge, type Group, type KeyPair } from '../../main/mls/index.ts'
import { leafCapabilities, leafExtensions, leafLifetime, type DeviceLogHead } from '../../main/chat/extensions.ts'
import { dishonoured, headOf, headsBack } from '../../main/chat/heads.ts'
import { authentication, encodeCredential } from '../../main/identity/credential.ts'
import { deviceIdFor } from '../../main/identity/genesis.ts'
import { foldDeviceLog } from '../../main/identity/device-log.ts'
import { pathTo } from '../../main/identity/path.ts'
import { add, close, grant, LogWriter, newAccount, revoke, suite, type Account } from '../identity/account.ts'

const hash = (octet: number): Uint8Array => new Uint8Array(32).fill(octet)

test('a leaf whose head goes back, or aside, was made by a device that forgot what it knew', () => {
  const { accountId, genesis, laptop } = newAccount()
  const judge = authentication(suite)
  const first = createGroup(suite, {
    groupId: hash(1), signatureKeyPair: laptop, capabilities: leafCapabilities(),
    credential: encodeCredential({ accountId, deviceId: deviceIdFor(suite, laptop.publicKey), genesis, path: [] }),
    lifetime: leafLifetime(Date.now()), leafExtensions: leafExtensions({ n: 2, hash: hash(2) }),
  })
  const next = (group: Group, head: DeviceLogHead): Group => {
    const made = commit(group, { leafExtensions: leafExtensions(head), authentication: judge, forcePath: true })
    return merge(made.group, made.pending).group
  }
  const heads = (before: Group, after: Group) => headsBack(before, after).map((leafNode) => headOf(leafNode)?.n)
  const same = next(first, { n: 2, hash: hash(2) })
  assert.deepEqual(heads(first, same), [])
  const later = next(same, { n: 4, hash: hash(4) })
  assert.deepEqual(heads(same, later), [])
  assert.deepEqual(heads(later, next(later, { n: 3, hash: hash(3) })), [3])
  assert.deepEqual(heads(later, next(later, { n: 4, hash: hash(5) })), [4])
})

const leafOptions = ({ accountId, genesis, laptop }: Account, head: DeviceLogHead) => ({
  signatureKeyPair: laptop, capabilities: leafCapabilities(), lifetime: leafLifetime(Date.now()),
  credential: encodeCredential({ accountId, deviceId: deviceIdFor(suite, laptop.publicKey), genesis, path: [] }),
  leafExtensions: leafExtensions(head),
})

test('a KeyPackage that lay in stock may have an older head than the leaf whose place it takes', () => {
  const [anna, ben] = [newAccount(), newAccount()]
  const judge = authentication(suite)
  const created = createGroup(suite, { groupId: hash(1), ...leafOptions(anna, { n: 0, hash: anna.accountId }) })
  const stocked = (n: number) => generateKeyPackage(suite, leafOptions(ben, { n, hash: hash(n) })).keyPackage
  const withBen = commit(created, { authentication: judge, proposals: [{ type: 'add', keyPackage: stocked(4) }] })
  const before = merge(withBen.group, withBen.pending).group
  const [, leaf] = leavesOf(before.tree)
  assert.ok(leaf !== undefined)
  const again = commit(before, { authentication: judge, proposals: [
    { type: 'remove', removed: leaf.index }, { type: 'add', keyPackage: stocked(3) },
  ] })
  const after = merge(again.group, again.pending).group
  assert.equal(leavesOf(after.tree)[1]?.index, leaf.index)
  assert.deepEqual(headsBack(before, after), [])
})

test('a device stands on a key that was taken back only by what that key signed afterwards', () => {
  const writer = new LogWriter(newAccount())
  const { account } = writer
  const [desktop, tablet] = [writer.key(), writer.key()]
  writer.write(account.laptop, add(desktop)) // 1
  writer.write(account.laptop, grant(desktop)) // 2
  writer.write(desktop, add(tablet)) // 3
  const read = () => foldDeviceLog(suite, account.accountId, writer.records).log ?? assert.fail()
  const path = [...pathTo(read(), tablet.publicKey)]
  const leafOf = (key: KeyPair) => generateKeyPackage(suite, {
    ...leafOptions(account, { n: 0, hash: account.accountId }), signatureKeyPair: key,
    credential: encodeCredential({
      accountId: account.accountId, deviceId: deviceIdFor(suite, key.publicKey), genesis: account.genesis, path,
    }),
  }).keyPackage.leafNode
  const leaf = leafOf(tablet)
  assert.equal(dishonoured(read(), leaf), undefined)
  writer.write(account.laptop, revoke(desktop, 3))
  assert.equal(dishonoured(read(), leaf), undefined)
  writer.write(account.laptop, revoke(desktop, 2))
  assert.equal(dishonoured(read(), leaf), 3)
  writer.write(account.laptop, close)
  assert.equal(read().closed, 6)
})
