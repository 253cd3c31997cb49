import { encode } from '../../main/mls/codec.ts'
import { senderDataKey } from '../../main/mls/group/protect.ts'
import { openGroupInfo, openSecrets } from '../../main/mls/group/join.ts'
import {
  keyPackageRef, mls10, RatchetTreeNodes, signWithLabel, withOwnEpochs, type Group, type GroupInfo, type KeyPackage, type LeafIndex,
  type LeafNode,  type MLSMessage, type Node, type Proposal, type Secret, type Suite, type Welcome,
} from '../../main/mls/index.ts'
import { encryptWithLabel } from '../../main/mls/labelled.ts'
import { epochSecrets, welcomeKey, welcomeSecret } from '../../main/mls/schedule/epoch.ts'
import { pskSecret } from '../../main/mls/schedule/psk.ts'
import { nextKey } from '../../main/mls/schedule/secret-tree.ts'
import { confirmationTag } from '../../main/mls/schedule/transcript.ts'
import { treeHash } from '../../main/mls/tree/hash.ts'
import { signLeaf } from '../../main/mls/tree/leaf.ts'
import { treeOf } from '../../main/mls/tree/ratchet-tree.ts'
import { extensionType } from '../../main/mls/wire/extension.ts'
import {
  PrivateContentAAD, SenderData, SenderDataAAD, type Content, type ContentType,
} from '../../main/mls/wire/framing.ts'
import { KeyPackageTBS } from '../../main/mls/wire/key-package.ts'
import type { LeafNodePlace } from '../../main/mls/wire/node.ts'
import { GroupInfoTBS, GroupSecrets } from '../../main/mls/wire/welcome.ts'
import type { Guest } from '../mls/group-world.ts'
import { psks, type SignedWorld } from './scene.ts'

// What a malicious member can do: sign, encrypt and hash changed content as if it were honest. Mere changes of bytes
// die at the first MAC; these get behind it.

/** A PrivateMessage of this member with any bytes inside. */
export function sealPrivate(group: Group, { contentType, plaintext, senderData }: {
  readonly contentType: ContentType
  readonly plaintext: Uint8Array
  readonly senderData?: Uint8Array
}): MLSMessage {
  const { suite, context: { groupId, epoch }, secrets: { senderDataSecret }, secretTree, ownLeaf: leafIndex } = group
  const kind = contentType === 'application' ? 'application' : 'handshake'
  const { generation, key, nonce } = nextKey(suite, secretTree, leafIndex, kind)
  const authenticatedData = new Uint8Array(0)
  const aad = encode(PrivateContentAAD, { groupId, epoch, contentType, authenticatedData })
  const ciphertext = suite.seal(key.unwrap(), nonce.unwrap(), aad, plaintext)
  const sender = senderDataKey(suite, senderDataSecret, ciphertext)
  const encryptedSenderData = suite.seal(
    sender.key, sender.nonce, encode(SenderDataAAD, { groupId, epoch, contentType }),
    senderData ?? encode(SenderData, { leafIndex, generation, reuseGuard: 0 }),
  )
  const privateMessage = { groupId, epoch, contentType, authenticatedData, encryptedSenderData, ciphertext }
  return { version: mls10, body: { type: 'privateMessage', privateMessage } }
}

/** The leaf signed again, where its owner's key is known. */
export function resignLeaf(world: SignedWorld, leafNode: LeafNode, place: LeafNodePlace): LeafNode {
  const signaturePrivateKey = world.signer(leafNode.signatureKey)
  return signaturePrivateKey === undefined ? leafNode : signLeaf(world.suite, { leafNode, place, signaturePrivateKey })
}

export function resignKeyPackage(world: SignedWorld, keyPackage: KeyPackage): KeyPackage {
  const signer = world.signer(keyPackage.leafNode.signatureKey)
  // A leaf of another source is refused before its signature is looked at.
  if (signer === undefined || keyPackage.leafNode.leafNodeSource.type !== 'keyPackage') return keyPackage
  const leafNode = signLeaf(world.suite, { leafNode: keyPackage.leafNode, signaturePrivateKey: signer })
  const { signature: _, ...unsigned } = { ...keyPackage, leafNode }
  const signature = signWithLabel(world.suite, signer, 'KeyPackageTBS', encode(KeyPackageTBS, unsigned))
  return { ...unsigned, signature }
}

/** Content whose inner signatures are right again, as far as the keys are known. */
export function resignContent(world: SignedWorld, group: Group, content: Content): Content {
  const place = { groupId: group.context.groupId, leafIndex: group.ownLeaf }
  const again = (proposal: Proposal): Proposal => {
    if (proposal.type === 'add') return { ...proposal, keyPackage: resignKeyPackage(world, proposal.keyPackage) }
    if (proposal.type === 'update') return { ...proposal, leafNode: resignLeaf(world, proposal.leafNode, place) }
    return proposal
  }
  if (content.type === 'proposal') return { ...content, proposal: again(content.proposal) }
  if (content.type !== 'commit') return content
  const { proposals, path } = content.commit
  return {
    type: 'commit',
    commit: {
      proposals: proposals.map((each) => each.type === 'proposal' ? { ...each, proposal: again(each.proposal) } : each),
      path: path === undefined ? undefined : { ...path, leafNode: resignLeaf(world, path.leafNode, place) },
    },
  }
}

/** The GroupInfo signed again. */
export function resignInfo(suite: Suite, info: GroupInfo, signaturePrivateKey: Secret): GroupInfo {
  const { signature: _, ...unsigned } = info
  const signature = signWithLabel(suite, signaturePrivateKey, 'GroupInfoTBS', encode(GroupInfoTBS, unsigned))
  return { ...unsigned, signature }
}

/** The GroupInfo with another tree whose leaves are signed and whose hash is right, signed again itself. */
export function withTree(world: SignedWorld, info: GroupInfo, nodes: readonly (Node | undefined)[]): GroupInfo {
  const { suite } = world
  const { groupId } = info.groupContext
  const signed = nodes.map((node, at): Node | undefined => {
    if (node?.type !== 'leaf') return node
    const leafIndex = Math.floor(at / 2) as LeafIndex
    return { type: 'leaf', leafNode: resignLeaf(world, node.leafNode, { groupId, leafIndex }) }
  })
  const tree = { extensionType: extensionType.ratchetTree, extensionData: encode(RatchetTreeNodes, signed) }
  return {
    ...info,
    groupContext: { ...info.groupContext, treeHash: treeHash(suite, treeOf(signed)) },
    extensions: [tree, ...info.extensions.filter((each) => each.extensionType !== extensionType.ratchetTree)],
  }
}

/** The inside of a Welcome, and how to seal another one for the same guest as its maker can. */
export function openWelcome(suite: Suite, { welcome, guest, old }: {
  readonly welcome: Welcome
  readonly guest: Guest
  /** A group that this one may continue. */
  readonly old: Group
}) {
  const { joinerSecret, pathSecret, psks: ids } = openSecrets(suite, { welcome, ...guest })
  const psk = pskSecret(suite, ids.flatMap((id) => {
    const held = withOwnEpochs(old, psks)(id)
    return held === undefined ? [] : [{ id, psk: held }]
  }))
  const info = openGroupInfo(suite, welcome, { joinerSecret, pskSecret: psk })
  const secrets = encode(GroupSecrets, {
    joinerSecret: joinerSecret.unwrap(),
    pathSecret: pathSecret === undefined ? undefined : { pathSecret: pathSecret.unwrap() },
    psks: ids,
  })
  const { key, nonce } = welcomeKey(suite, welcomeSecret(suite, { joinerSecret, pskSecret: psk }))
  return {
    info, secrets,
    seal: (infoBytes: Uint8Array, secretBytes: Uint8Array): Welcome => {
      const encryptedGroupInfo = suite.seal(key.unwrap(), nonce, new Uint8Array(0), infoBytes)
      const encryptedGroupSecrets =
        encryptWithLabel(suite, guest.keyPackage.initKey, 'Welcome', encryptedGroupInfo, secretBytes)
      const newMember = keyPackageRef(suite, guest.keyPackage)
      return { ...welcome, secrets: [{ newMember, encryptedGroupSecrets }], encryptedGroupInfo }
    },
    /** The GroupInfo with the confirmation tag that its context gives. */
    confirmed: (changed: GroupInfo): GroupInfo => {
      const { confirmationKey } = epochSecrets(suite, { joinerSecret, pskSecret: psk, context: changed.groupContext })
      const { confirmedTranscriptHash } = changed.groupContext
      return { ...changed, confirmationTag: confirmationTag(suite, confirmationKey, confirmedTranscriptHash) }
    },
  }
}

/** The nodes of the tree in a GroupInfo, as bytes. */
export const nodesIn = ({ extensions }: GroupInfo): Uint8Array =>
  extensions.find((each) => each.extensionType === extensionType.ratchetTree)?.extensionData
  ?? encode(RatchetTreeNodes, [])
