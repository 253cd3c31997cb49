import assert from 'node:assert/strict'
import { test } from 'node:test'
import { commit, concat, encode, fromHex, MlsError, opaque, Secret, struct, toHex, trusting, utf8, vector } from '../../main/mls/index.ts'
import {
  decodeAccount, decodePendingCommit, encodeAccount, encodePendingCommit, type OwnAccount,
} from '../../main/chat/documents.ts'
import { encodeWelcomeMail } from '../../main/chat/mail.ts'
import type { PendingCommit } from '../../main/chat/room.ts'
import { implementations, World } from '../mls/group-world.ts'

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

test('A commit that was on its way when the app was still the released one: its Welcomes go out as they were', () => {
  const [native] = implementations
  assert.ok(native !== undefined)
  const suites = native.suites('documents')
  const { group } = new World(suites, 1).found('anna')
  const made = commit(group, { authentication: trusting, forcePath: true })
  const proofs = ['', 'ab'].map(fromHex)
  const pending: PendingCommit = {
    epoch: 0n, slot: 'c.1', bytes: fromHex('0102'), next: made.pending, applied: made.applied, welcome: fromHex('0a0b0c'),
    mails: proofs.map((tokenProof, at) => ({ log: `i.${at}`, tokenProof, commitsAfter: 7n, messagesAfter: 9n })),
  }
  const written = encodePendingCommit(group, pending)
  const read = (bytes: Uint8Array) => {
    const { welcome, mails, slot, next } = decodePendingCommit(suites, group, bytes)
    return { welcome, mails, slot, next: toHex(next.secrets.initSecret.unwrap()) }
  }
  const { welcome, mails, slot } = pending
  assert.deepEqual(read(written), { welcome, mails, slot, next: toHex(made.pending.secrets.initSecret.unwrap()) })
  // Version 1: a list of whole mails in the place of the last two fields.
  const bare = encodePendingCommit(group, { ...pending, welcome: new Uint8Array(0), mails: [] })
  const first = concat(Uint8Array.of(1), bare.subarray(1, -2), encode(
    vector(struct({ log: utf8(100), bytes: opaque(1_000) }), 10_000),
    mails.map(({ log, ...mail }) => ({ log, bytes: encodeWelcomeMail({ ...mail, welcome }) }))))
  assert.deepEqual(read(first), read(written))
})
