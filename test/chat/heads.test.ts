import assert from 'node:assert/strict'
import { test } from 'node:test'
import { commit, createGroup, merge, type Group } from '../../main/mls/index.ts'
import { leafCapabilities, leafExtensions, leafLifetime, type DeviceLogHead } from '../../main/chat/extensions.ts'
import { headOf, headsBack } from '../../main/chat/heads.ts'
import { authentication, encodeCredential } from '../../main/identity/credential.ts'
import { deviceIdFor } from '../../main/identity/genesis.ts'
import { newAccount, suite } from '../identity/account.ts'

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
