import assert from 'node:assert/strict'
import { test } from 'node:test'
import { concat, fromHex, MlsError, Secret } from '../../main/mls/index.ts'
import { decodeAccount, encodeAccount, type OwnAccount } from '../../main/chat/documents.ts'

/** Version 1: the octets of each field in their order, as the released app wrote them. */
const first = concat(
  fromHex('01'), fromHex('04'), new TextEncoder().encode('Anna'), fromHex('00000193e5f8c000'), fromHex('02aabb'),
  fromHex('02cccc'), fromHex('02d1d2'), fromHex('02e1e2'), fromHex('01'), fromHex('02f1f2'), fromHex('0101'),
  fromHex('0102'), fromHex('01'),
)

const plain = (account: OwnAccount) => ({
  ...account, devicePrivateKey: account.devicePrivateKey.unwrap(), recoverySeed: account.recoverySeed?.unwrap(),
  formerKeys: account.formerKeys.map(({ publicKey, privateKey }) => ({ publicKey, privateKey: privateKey.unwrap() })),
})

test('An account of version 1 still opens: the first device, called as the computer is', () => {
  const account = decodeAccount(first)
  assert.deepEqual(plain(account), {
    name: 'Anna', createdAt: 0x0193e5f8c000n, genesis: fromHex('aabb'), deviceId: fromHex('cccc'),
    devicePublicKey: fromHex('d1d2'), devicePrivateKey: fromHex('e1e2'), path: [], formerKeys: [], deviceName: '',
    platform: '', nextKey: undefined, recoverySeed: fromHex('f1f2'), nextRecoverySeed: undefined, recoverySealKey: fromHex('01'),
    recoveryCardName: fromHex('02'), recovery: { type: 'waiting' },
  })
  const account2: OwnAccount = {
    ...account, deviceName: 'ThinkPad', platform: 'Linux',
    formerKeys: [{ publicKey: fromHex('07'), privateKey: new Secret(fromHex('08')) }],
  }
  const written = encodeAccount(account2)
  assert.equal(written[0], 2)
  assert.deepEqual(plain(decodeAccount(written)), plain(account2))
})

test('An account of a later version is not taken for a damaged one', () => {
  assert.throws(() => decodeAccount(concat(Uint8Array.of(3), first.subarray(1))),
    (error) => error instanceof MlsError && error.code === 'unsupported')
})
