import assert from 'node:assert/strict'
import { encode, fromHex, toHex } from '../../../main/mls/codec.ts'
import {
  epochSecrets, exporter, externalKeyPair, joinerSecret, welcomeSecret,
} from '../../../main/mls/schedule/epoch.ts'
import { Secret } from '../../../main/mls/secret.ts'
import type { Suite, SuiteOf } from '../../../main/mls/suite.ts'
import { GroupContext } from '../../../main/mls/wire/group-context.ts'
import { mls10 } from '../../../main/mls/wire/key-package.ts'
import { suiteOfCase } from '../suite-of-case.ts'

type KeySchedule = {
  readonly cipher_suite: number
  readonly group_id: string
  readonly initial_init_secret: string
  readonly epochs: readonly Epoch[]
}
type Epoch = {
  readonly tree_hash: string
  readonly commit_secret: string
  readonly psk_secret: string
  readonly confirmed_transcript_hash: string
  readonly group_context: string
  readonly joiner_secret: string
  readonly welcome_secret: string
  readonly init_secret: string
  readonly sender_data_secret: string
  readonly encryption_secret: string
  readonly exporter_secret: string
  readonly epoch_authenticator: string
  readonly external_secret: string
  readonly confirmation_key: string
  readonly membership_key: string
  readonly resumption_psk: string
  readonly external_pub: string
  readonly exporter: {
    readonly label: string, readonly context: string, readonly length: number, readonly secret: string
  }
}

const secretOf = (hex: string): Secret => new Secret(fromHex(hex))
const hexOf = (secret: Secret): string => toHex(secret.unwrap())

/** The key schedule of RFC 9420 §8 over several epochs. */
export function keySchedule(testCase: KeySchedule, suiteOf: SuiteOf): void {
  const suite = suiteOfCase(testCase, suiteOf)
  let initSecret = secretOf(testCase.initial_init_secret)
  for (const [number, epoch] of testCase.epochs.entries()) {
    initSecret = verifyEpoch(suite, { epoch, number, initSecret, groupId: fromHex(testCase.group_id) })
  }
}

function verifyEpoch(suite: Suite, { epoch, number, initSecret, groupId }: {
  readonly epoch: Epoch
  readonly number: number
  readonly initSecret: Secret
  readonly groupId: Uint8Array
}): Secret {
  const context: GroupContext = {
    version: mls10,
    cipherSuite: suite.id,
    groupId,
    epoch: BigInt(number),
    treeHash: fromHex(epoch.tree_hash),
    confirmedTranscriptHash: fromHex(epoch.confirmed_transcript_hash),
    extensions: [],
  }
  assert.equal(toHex(encode(GroupContext, context)), epoch.group_context)

  const joiner = joinerSecret(suite, { initSecret, commitSecret: secretOf(epoch.commit_secret), context })
  assert.equal(hexOf(joiner), epoch.joiner_secret)
  const pskSecret = secretOf(epoch.psk_secret)
  assert.equal(hexOf(welcomeSecret(suite, { joinerSecret: joiner, pskSecret })), epoch.welcome_secret)

  const secrets = epochSecrets(suite, { joinerSecret: joiner, pskSecret, context })
  assert.equal(hexOf(secrets.senderDataSecret), epoch.sender_data_secret)
  assert.equal(hexOf(secrets.encryptionSecret), epoch.encryption_secret)
  assert.equal(hexOf(secrets.exporterSecret), epoch.exporter_secret)
  assert.equal(hexOf(secrets.epochAuthenticator), epoch.epoch_authenticator)
  assert.equal(hexOf(secrets.externalSecret), epoch.external_secret)
  assert.equal(hexOf(secrets.confirmationKey), epoch.confirmation_key)
  assert.equal(hexOf(secrets.membershipKey), epoch.membership_key)
  assert.equal(hexOf(secrets.resumptionPsk), epoch.resumption_psk)
  assert.equal(hexOf(secrets.initSecret), epoch.init_secret)

  assert.equal(toHex(externalKeyPair(suite, secrets).publicKey), epoch.external_pub)
  const { label, context: exportContext, length, secret } = epoch.exporter
  assert.equal(hexOf(exporter(suite, secrets, label, fromHex(exportContext), length)), secret)
  return secrets.initSecret
}
