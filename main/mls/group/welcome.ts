import { encode } from '../codec.ts'
import { encryptWithLabel, keyPackageRef, signWithLabel } from '../labelled.ts'
import { externalKeyPair, welcomeKey } from '../schedule/epoch.ts'
import type { Secret } from '../secret.ts'
import { nodesOf } from '../tree/ratchet-tree.ts'
import { pathSecretFor, type NewPath } from '../tree/path.ts'
import { ExternalPub, extensionType, type Extension } from '../wire/extension.ts'
import type { MLSMessage } from '../wire/framing.ts'
import { mls10 } from '../wire/key-package.ts'
import { RatchetTreeNodes } from '../wire/node.ts'
import { GroupInfo, GroupInfoTBS, GroupSecrets, type EncryptedGroupSecrets } from '../wire/welcome.ts'
import type { Effects } from './proposal-list.ts'
import type { Group } from './state.ts'

/**
 * What one needs to join by this epoch's external commit, or what a Welcome encrypts (RFC 9420 §12.4.3), signed by
 * this member. `externalPub`: with the key for external commits (§12.4.3.2). `ratchetTree`: with the tree (§12.4.3.3).
 */
export function groupInfo(group: Group, { externalPub = false, ratchetTree = true }: {
  readonly externalPub?: boolean
  readonly ratchetTree?: boolean
} = {}): GroupInfo {
  const { suite, context, confirmationTag, ownLeaf, signaturePrivateKey } = group
  const extensions: Extension[] = []
  if (ratchetTree) {
    const extensionData = encode(RatchetTreeNodes, nodesOf(group.tree))
    extensions.push({ extensionType: extensionType.ratchetTree, extensionData })
  }
  if (externalPub) {
    const { publicKey, privateKey } = externalKeyPair(suite, group.secrets)
    privateKey.wipe()
    const extensionData = encode(ExternalPub, { externalPub: publicKey })
    extensions.push({ extensionType: extensionType.externalPub, extensionData })
  }
  const unsigned = { groupContext: context, extensions, confirmationTag, signer: ownLeaf }
  const signature = signWithLabel(suite, signaturePrivateKey, 'GroupInfoTBS', encode(GroupInfoTBS, unsigned))
  return { ...unsigned, signature }
}

/** The Welcome for all whom a commit added (RFC 9420 §12.4.1, §12.4.3.1). `group`: the epoch that it starts. */
export function welcomeFor(group: Group, { effects, path, joinerSecret, welcomeSecret }: {
  readonly effects: Effects
  readonly path: NewPath | undefined
  readonly joinerSecret: Secret
  readonly welcomeSecret: Secret
}): MLSMessage {
  const { suite } = group
  const { key, nonce } = welcomeKey(suite, welcomeSecret)
  const info = encode(GroupInfo, groupInfo(group))
  const encryptedGroupInfo = suite.seal(key.unwrap(), nonce, new Uint8Array(0), info)
  key.wipe()
  const secrets = effects.added.flatMap(({ index }, at): readonly EncryptedGroupSecrets[] => {
    const keyPackage = effects.keyPackages[at]
    if (keyPackage === undefined) return []
    // RFC 9420 §12.4.1: "The order of the `psks` MUST be the same as the order of PreSharedKey proposals".
    const groupSecrets = encode(GroupSecrets, {
      joinerSecret: joinerSecret.unwrap(),
      pathSecret: path === undefined ? undefined : { pathSecret: pathSecretFor(path, index).unwrap() },
      psks: effects.psks,
    })
    const encryptedGroupSecrets =
      encryptWithLabel(suite, keyPackage.initKey, 'Welcome', encryptedGroupInfo, groupSecrets)
    groupSecrets.fill(0)
    return [{ newMember: keyPackageRef(suite, keyPackage), encryptedGroupSecrets }]
  })
  const welcome = { cipherSuite: suite.id, secrets, encryptedGroupInfo }
  return { version: mls10, body: { type: 'welcome', welcome } }
}
