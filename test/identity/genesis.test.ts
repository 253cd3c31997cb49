import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decode, encode, MlsError, toHex } from '../../main/mls/index.ts'
import {
  accountIdFor, deviceIdFor, Genesis, makeGenesis, SignedGenesis, verifyGenesis,
} from '../../main/identity/genesis.ts'
import { damaged, newAccount, repeatable, suite } from './account.ts'

const isMlsError = (code: string) => (error: unknown): boolean => error instanceof MlsError && error.code === code

test('An account begins with a genesis that both of its keys signed', () => {
  assert.equal(verifyGenesis(suite, newAccount().genesis), undefined)
})

test('The accountId is the hash of the genesis without its signatures, and no two accounts share one', () => {
  const { genesis, accountId } = newAccount()
  assert.deepEqual(accountId, suite.hash(encode(Genesis, genesis.genesis)))
  assert.equal(encode(Genesis, genesis.genesis).length, 89)
  assert.notDeepEqual(newAccount().accountId, accountId)
})

test('A signature by another recovery key or another device is refused, each by its name', () => {
  const { genesis } = newAccount()
  const foreign = newAccount().genesis
  assert.equal(verifyGenesis(suite, { ...genesis, recoverySignature: foreign.recoverySignature }), 'recovery-signature')
  assert.equal(verifyGenesis(suite, { ...genesis, deviceSignature: foreign.deviceSignature }), 'device-signature')
  const exchanged = { ...genesis, recoverySignature: genesis.deviceSignature }
  assert.equal(verifyGenesis(suite, exchanged), 'recovery-signature')
})

test('A bare signature over the same bytes is worth nothing: the label is part of what is signed', () => {
  const { genesis, laptop } = newAccount()
  const bare = suite.sign(laptop.privateKey, encode(Genesis, genesis.genesis))
  assert.equal(verifyGenesis(suite, { ...genesis, deviceSignature: bare }), 'device-signature')
})

test('A genesis whose device holds the recovery key itself is refused', () => {
  const both = suite.signatureKeyPair()
  const genesis = makeGenesis(suite, { recovery: both, device: both, createdAt: 0 })
  assert.equal(verifyGenesis(suite, genesis), 'same-key')
})

test('Every change of the content breaks a signature, and changes the accountId', () => {
  const { genesis, accountId } = newAccount()
  const bytes = encode(SignedGenesis, genesis)
  for (let at = 1; at < 89; at++) {
    const other = decodeOr(damaged(bytes, at))
    if (other === undefined) continue // A time beyond 2^53 is no genesis at all.
    assert.notDeepEqual(accountIdFor(suite, other.genesis), accountId)
    if (at % 8 === 0) assert.notEqual(verifyGenesis(suite, other), undefined)
  }
})

function decodeOr(bytes: Uint8Array): SignedGenesis | undefined {
  try {
    return decode(SignedGenesis, bytes)
  } catch {
    return undefined
  }
}

test('A genesis of a later version is told from a damaged one', () => {
  const bytes = encode(SignedGenesis, newAccount().genesis)
  assert.throws(() => decode(SignedGenesis, bytes.with(0, 2)), isMlsError('unsupported'))
  assert.throws(() => decode(SignedGenesis, bytes.with(1 + 64, 0xff)), isMlsError('malformed'), 'a time beyond 2^53')
  assert.throws(() => decode(SignedGenesis, bytes.slice(0, -1)), isMlsError('malformed'), 'cut off')
  assert.throws(() => decode(SignedGenesis, Uint8Array.of(...bytes, 0)), isMlsError('malformed'), 'something behind it')
})

test('The time of an account is in whole milliseconds', () => {
  const { recovery, laptop } = newAccount()
  for (const createdAt of [1.5, -1, Number.NaN, 2 ** 53]) {
    assert.throws(() => makeGenesis(suite, { recovery, device: laptop, createdAt }), isMlsError('misuse'))
  }
})

test('The format never changes: this genesis of version 1 has these ids and this encoding', () => {
  const account = newAccount(repeatable())
  assert.equal(toHex(encode(SignedGenesis, account.genesis)), PINNED.genesis)
  assert.equal(toHex(account.accountId), PINNED.accountId)
  assert.equal(toHex(deviceIdFor(suite, account.laptop.publicKey)), PINNED.deviceId)
})

// The ids and the signatures were checked with node:crypto alone, from the description of the format.
const PINNED = {
  genesis: '0190ce5a5f4ffd3426c168fe34262cf9dba9a1cbf0a1d87a2a2e15c1f78e47e6f39daf291fcab941f876bd315711de8ea878'
    + 'db39caa70f457b18fac1f054965ead000001941f297c007f960e57c9126b321061001166198ee1668e5e24aff92d6d800836'
    + 'a76c4eaeba3c84f868bd5ed3a6c569c41570b42836b12e3d9b309c3ebbaed49323a670494a1132cd44162ec4cc62a07cea00'
    + '6cf606b04c09bf894e0d7f77a13cac25c0a683b7cc917dca0614015a35e97bc5a611484c02a5ba0e95dbefe85838967c9d0e'
    + 'ff0c60e5dcdf1b2ae43a2f6cac4dcd6a00',
  accountId: 'ba7690cf92e8fcbeef3a0c7bb6c767c93be5c87f41302353779873d3ce0643c0',
  deviceId: '1b2db4198c4d8b2cb68a2f669e470fbe',
}
