import assert from 'node:assert/strict'
import { decode, encode, fromHex, toHex } from '../../../main/mls/codec.ts'
import { startEpoch } from '../../../main/mls/group/epoch.ts'
import { openGroupInfo, openSecrets } from '../../../main/mls/group/join.ts'
import { verifyWithLabel } from '../../../main/mls/labelled.ts'
import { epochSecrets } from '../../../main/mls/schedule/epoch.ts'
import { pskSecret } from '../../../main/mls/schedule/psk.ts'
import { Secret } from '../../../main/mls/secret.ts'
import type { SuiteOf } from '../../../main/mls/suite.ts'
import { emptyTree } from '../../../main/mls/tree/ratchet-tree.ts'
import { MLSMessage } from '../../../main/mls/wire/framing.ts'
import { GroupInfoTBS } from '../../../main/mls/wire/welcome.ts'
import { privateKeyOf, suiteOfCase } from '../suite-of-case.ts'

type WelcomeCase = {
  readonly cipher_suite: number
  readonly init_priv: string
  readonly signer_pub: string
  readonly key_package: string
  readonly welcome: string
}

/** RFC 9420 §12.4.3.1: what a Welcome encrypts, who signed it, and that its confirmation tag is right. */
export function welcomeFamily(testCase: WelcomeCase, suiteOf: SuiteOf): void {
  const suite = suiteOfCase(testCase, suiteOf)
  const { body: keyPackage } = decode(MLSMessage, fromHex(testCase.key_package))
  const { body: welcome } = decode(MLSMessage, fromHex(testCase.welcome))
  assert.ok(keyPackage.type === 'keyPackage' && welcome.type === 'welcome')

  const { joinerSecret, psks } = openSecrets(suite, {
    ...welcome,
    ...keyPackage,
    privateKeys: {
      initPrivateKey: privateKeyOf(suite, testCase.init_priv),
      encryptionPrivateKey: new Secret(new Uint8Array(0)), // The case has none, and no tree to need it for.
    },
  })
  assert.deepEqual(psks, [])
  const noPsk = pskSecret(suite, [])
  const info = openGroupInfo(suite, welcome.welcome, { joinerSecret, pskSecret: noPsk })
  const signed = encode(GroupInfoTBS, info)
  assert.ok(verifyWithLabel(suite, fromHex(testCase.signer_pub), 'GroupInfoTBS', signed, info.signature))

  const { groupContext: context } = info
  const secrets = epochSecrets(suite, { joinerSecret, pskSecret: noPsk, context })
  const start = startEpoch(suite, { secrets, context, tree: emptyTree(keyPackage.keyPackage.leafNode) })
  assert.equal(toHex(start.confirmationTag), toHex(info.confirmationTag))
}
