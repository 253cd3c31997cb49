import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cardLog, readCard, writeCard, type Card } from '../../main/identity/card.ts'
import { encodeCredential } from '../../main/identity/credential.ts'
import { accountIdFor, deviceIdFor, makeGenesis } from '../../main/identity/genesis.ts'
import { deriveRecovery, newSeed, recoveryKeyPair, recoverySealKeyPair } from '../../main/identity/recovery.ts'
import { suite } from './account.ts'

function somebody() {
  const seed = newSeed(suite)
  const device = suite.signatureKeyPair()
  const genesis = makeGenesis(suite, { recovery: recoveryKeyPair(suite, seed), device, createdAt: 1_000 })
  const credential = encodeCredential({
    accountId: accountIdFor(suite, genesis.genesis), deviceId: deviceIdFor(suite, device.publicKey), genesis, path: [],
  })
  const sealKey = recoverySealKeyPair(suite, seed)
  const cardName = deriveRecovery(suite, seed, 'cardName').unwrap()
  const card: Card = {
    genesis, name: 'Mara', address: 'local', madeAt: 2_000, groups: [{
      groupId: new Uint8Array(16).fill(1), log: new Uint8Array(16).fill(2), kind: 'group', title: 'River',
      helpers: [{ accountId: new Uint8Array(32).fill(3), deviceId: new Uint8Array(16).fill(4) }],
    }],
  }
  return { device, credential, sealKey, cardName, card }
}
const mara = somebody()
const written = (who = mara, card = who.card, by = who) =>
  writeCard(suite, card, { credential: by.credential, key: by.device, sealKey: who.sealKey.publicKey, cardName: who.cardName })
const read = (bytes: Uint8Array, who = mara) => readCard(suite, bytes, { key: who.sealKey, cardName: who.cardName })

test('The words alone name the log of the card and open it', () => {
  const found = read(written())
  assert.deepEqual(found?.card, mara.card)
  assert.equal(found.writtenBy, Buffer.from(mara.device.publicKey).toString('hex'))
  assert.match(cardLog(mara.cardName), /^c\.[0-9a-f]{64}$/)
})

test('A card says nothing to anybody else', () => {
  const bytes = written()
  assert.equal(read(bytes, somebody()), undefined)
  assert.equal(Buffer.from(bytes).includes('River'), false)
})

test('A card that somebody else wrote is none', () => {
  const mallory = somebody()
  // Mallory knows to whom it is sealed, and signs with a key that is not of the account, or claims to be of it.
  assert.equal(read(written(mara, mara.card, mallory)), undefined)
  assert.equal(read(written(mara, mara.card, { ...mallory, credential: mara.credential })), undefined)
  assert.equal(read(written(mara, mallory.card, mara)), undefined)
  // Or names Mara's key as the one that has signed, and has not got it.
  const device = { publicKey: mara.device.publicKey, privateKey: mallory.device.privateKey }
  assert.equal(read(written(mara, mara.card, { ...mara, device })), undefined)
})

test('A damaged or cut-off card is none', () => {
  const bytes = written()
  for (const at of [0, 1, 5, 40, bytes.length - 1]) {
    const damaged = bytes.slice()
    damaged[at] = (damaged[at] ?? 0) ^ 1
    assert.equal(read(damaged), undefined, `octet ${String(at)}`)
  }
  for (const length of [0, 1, 60, bytes.length - 1]) assert.equal(read(bytes.slice(0, length)), undefined)
})

test('A card moved into the log of other words is none', () => {
  const cardName = new Uint8Array(32).fill(9)
  assert.equal(readCard(suite, written(), { key: mara.sealKey, cardName }), undefined)
})
