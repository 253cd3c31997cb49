import assert from 'node:assert/strict'
import { decode, encode, equal, fromHex, toHex } from '../../../main/mls/codec.ts'
import { trusting } from '../../../main/mls/group/authentication.ts'
import { epochAuthenticator } from '../../../main/mls/group/epoch.ts'
import { join } from '../../../main/mls/group/join.ts'
import { receive } from '../../../main/mls/group/receive.ts'
import type { Group, PskLookup } from '../../../main/mls/group/state.ts'
import { decryptWithLabel, encryptWithLabel } from '../../../main/mls/labelled.ts'
import { Secret } from '../../../main/mls/secret.ts'
import type { Suite, SuiteOf } from '../../../main/mls/suite.ts'
import { MLSMessage } from '../../../main/mls/wire/framing.ts'
import { RatchetTreeNodes } from '../../../main/mls/wire/node.ts'
import { privateKeyOf, suiteOfCase } from '../suite-of-case.ts'

type PassiveClient = {
  readonly cipher_suite: number
  readonly external_psks: readonly { readonly psk_id: string, readonly psk: string }[]
  readonly key_package: string
  readonly signature_priv: string
  readonly encryption_priv: string
  readonly init_priv: string
  readonly welcome: string
  readonly ratchet_tree: string | null
  readonly initial_epoch_authenticator: string
  readonly epochs: readonly {
    readonly proposals: readonly string[]
    readonly commit: string
    readonly epoch_authenticator: string
  }[]
}

/** A client that joins by a Welcome and follows the group through proposals and commits of others. */
export function passiveClient(testCase: PassiveClient, suiteOf: SuiteOf): void {
  const suite = suiteOfCase(testCase, suiteOf)
  const { body: packaged } = decode(MLSMessage, fromHex(testCase.key_package))
  const { body: welcomed } = decode(MLSMessage, fromHex(testCase.welcome))
  assert.ok(packaged.type === 'keyPackage' && welcomed.type === 'welcome')
  const { keyPackage } = packaged
  const keys = {
    signature: privateKeyOf(suite, testCase.signature_priv),
    encryption: privateKeyOf(suite, testCase.encryption_priv),
    init: privateKeyOf(suite, testCase.init_priv),
  }
  const probe = new TextEncoder().encode('one key pair')
  assert.ok(suite.verify(keyPackage.leafNode.signatureKey, probe, suite.sign(keys.signature, probe)))
  assertKeyPair(suite, keyPackage.leafNode.encryptionKey, keys.encryption)
  assertKeyPair(suite, keyPackage.initKey, keys.init)

  const psks: PskLookup = ({ psk }) => {
    const found = testCase.external_psks.find((each) =>
      psk.type === 'external' && equal(fromHex(each.psk_id), psk.pskId))
    return found === undefined ? undefined : new Secret(fromHex(found.psk))
  }
  let { group } = join({
    suiteOf,
    welcome: welcomed.welcome,
    keyPackage,
    privateKeys: { initPrivateKey: keys.init, encryptionPrivateKey: keys.encryption },
    signaturePrivateKey: keys.signature,
    psks,
    authentication: trusting,
    ...(testCase.ratchet_tree === null ? {}
      : { ratchetTree: decode(RatchetTreeNodes, fromHex(testCase.ratchet_tree)) }),
  })
  assert.equal(toHex(epochAuthenticator(group)), testCase.initial_epoch_authenticator)
  for (const epoch of testCase.epochs) {
    for (const message of [...epoch.proposals, epoch.commit]) group = read(group, message, psks)
    assert.equal(toHex(epochAuthenticator(group)), epoch.epoch_authenticator)
  }
}

/** The group after a message, once its bytes have been seen to survive decoding. */
function read(group: Group, hex: string, psks: PskLookup): Group {
  const message = decode(MLSMessage, fromHex(hex))
  assert.equal(toHex(encode(MLSMessage, message)), hex)
  const received = receive(group, message, { authentication: trusting, psks })
  assert.ok(received.type !== 'proposal' || received.refused === undefined)
  for (const secret of received.wipe) secret.wipe()
  return received.group
}

/** What is sealed to the public key opens with the private one. */
function assertKeyPair(suite: Suite, publicKey: Uint8Array, privateKey: Secret): void {
  const text = new TextEncoder().encode('one key pair')
  const sealed = encryptWithLabel(suite, publicKey, 'test', text, text)
  assert.deepEqual(decryptWithLabel(suite, { publicKey, privateKey }, 'test', text, sealed), text)
}
