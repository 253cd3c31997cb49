import { encode } from '../codec.ts'
import { encryptorWithLabel, keyPackageRef } from '../labelled.ts'
import { welcomeKey } from '../schedule/epoch.ts'
import type { Secret } from '../secret.ts'
import { pathSecretFor, type NewPath } from '../tree/path.ts'
import type { MLSMessage } from '../wire/framing.ts'
import { mls10 } from '../wire/key-package.ts'
import { GroupInfo, GroupSecrets, type EncryptedGroupSecrets } from '../wire/welcome.ts'
import { groupInfo, type GroupInfoOptions } from './group-info.ts'
import type { Effects } from './proposal-list.ts'
import type { Group } from './state.ts'

/** The Welcome for all whom a commit added (RFC 9420 §12.4.1, §12.4.3.1). `group`: the epoch that it starts. */
export function welcomeFor(group: Group, { effects, path, joinerSecret, welcomeSecret, info: options }: {
  readonly effects: Effects
  readonly path: NewPath | undefined
  readonly joinerSecret: Secret
  readonly welcomeSecret: Secret
  readonly info: GroupInfoOptions
}): MLSMessage {
  const { suite } = group
  const { key, nonce } = welcomeKey(suite, welcomeSecret)
  const info = encode(GroupInfo, groupInfo(group, options))
  const encryptedGroupInfo = suite.seal(key.unwrap(), nonce, new Uint8Array(0), info)
  key.wipe()
  const encrypt = encryptorWithLabel(suite, 'Welcome', encryptedGroupInfo)
  const secrets = effects.added.flatMap(({ index }, at): readonly EncryptedGroupSecrets[] => {
    const keyPackage = effects.keyPackages[at]
    if (keyPackage === undefined) return []
    // RFC 9420 §12.4.1: "The order of the `psks` MUST be the same as the order of PreSharedKey proposals".
    const groupSecrets = encode(GroupSecrets, {
      joinerSecret: joinerSecret.unwrap(),
      pathSecret: path === undefined ? undefined : { pathSecret: pathSecretFor(path, index).unwrap() },
      psks: effects.psks,
    })
    const encryptedGroupSecrets = encrypt(keyPackage.initKey, groupSecrets)
    groupSecrets.fill(0)
    return [{ newMember: keyPackageRef(suite, keyPackage), encryptedGroupSecrets }]
  })
  const welcome = { cipherSuite: suite.id, secrets, encryptedGroupInfo }
  return { version: mls10, body: { type: 'welcome', welcome } }
}
