/**
 * A member that breaks the rules: it has what a stopped person's store holds, and makes what no honest app makes.
 */
import assert from 'node:assert/strict'
import path from 'node:path'
import { decodeOwnKeyPackage } from '../../main/chat/documents.ts'
import { keyPackageOf, signStory, type Letter, type SignedRejoin, type Story } from '../../main/chat/letter.ts'
import {
  decodeKeyPackageRecord, decodeMail, encodeWelcomeMail, inboxLog, keyPackageLog, openLetter, sealLetter,
} from '../../main/chat/mail.ts'
import { attemptLimit } from '../../main/chat/membership.ts'
import { encodeNote } from '../../main/chat/note.ts'
import { policyIn, withPolicy } from '../../main/chat/policy.ts'
import { replacing } from '../../main/chat/replaced.ts'
import { commitSlot, groupLog, sealOf, sealRecord } from '../../main/chat/sealed.ts'
import { accountIdOf, authentication, deviceIdOf } from '../../main/identity/credential.ts'
import { advance, provisionalContext } from '../../main/mls/group/epoch.ts'
import { sign, send } from '../../main/mls/group/framing.ts'
import { applyProposals } from '../../main/mls/group/proposal-list.ts'
import {
  commit, createGroup, decode, encode, groupFromParts, groupInfo, joinExternally, KeyPackage, keyPackageRef, leafAt,
  leavesOf, MLSMessage, toHex, validateKeyPackage, type Group, type Suite,
} from '../../main/mls/index.ts'
import { encryptPath, newPath } from '../../main/mls/tree/path.ts'
import { GroupContext } from '../../main/mls/wire/group-context.ts'
import type { LeafIndex } from '../../main/mls/wire/node.ts'
import type { Delivery } from '../../main/ports.ts'
import { openStore } from '../../main/sqlite/store.ts'
import { suites, type Person } from './world.ts'

export type Held = { readonly group: Group, readonly log: string }

/** A conversation as a person's store holds it; the person is stopped, and stays so. */
export function held(person: Person, conversation: string): Held {
  const found = heldIn(path.join(person.folder, person.name, 'profile.sqlite'), person.key, conversation)
  assert.ok(found !== undefined)
  return found
}

/** The same of a store that nobody has open; `undefined` where there is no group. */
export function heldIn(file: string, key: Uint8Array, conversation: string): Held | undefined {
  const store = openStore({ file, key: key.slice() })
  const parts = store.group(conversation)
  const room = JSON.parse(new TextDecoder().decode(store.document('room', conversation))) as { log: string }
  store.close()
  return parts === undefined ? undefined : { group: groupFromParts(suites, parts), log: room.log }
}

export const leafOf = (group: Group, accountId: string): LeafIndex => {
  const found = leavesOf(group.tree).find(({ leafNode }) => accountIdOf(leafNode.credential) === accountId)
  assert.ok(found !== undefined)
  return found.index
}

/**
 * A commit with a path whose secrets are rubbish for everybody whose leaf `spoil` names, and right for the others: its
 * tree, its signature and its tags are what they should be (RFC 9420 §16.12).
 */
export function poisonedCommit(group: Group, spoil: (recipient: number) => boolean): MLSMessage {
  const { suite, ownLeaf, context: { groupId } } = group
  const auth = authentication(suite)
  const effects = applyProposals(group, [], { committer: ownLeaf, authentication: auth })
  const leafNode = leafAt(group.tree, ownLeaf)
  assert.ok(leafNode !== undefined)
  const fresh = newPath(suite, {
    tree: group.tree, leaf: ownLeaf, template: leafNode, groupId, signaturePrivateKey: group.signaturePrivateKey,
  })
  const provisional = provisionalContext(group, { tree: fresh.tree, extensions: effects.extensions })
  const honest = encryptPath(suite, { path: fresh, context: encode(GroupContext, provisional), exclude: new Set() })
  let recipient = 0
  const updatePath = {
    ...honest,
    nodes: honest.nodes.map((node) => ({
      ...node,
      encryptedPathSecret: node.encryptedPathSecret.map((sealed) => spoil(recipient++)
        ? { ...sealed, ciphertext: suite.random(sealed.ciphertext.length) } : sealed),
    })),
  }
  const signed = sign(group, { type: 'commit', commit: { proposals: [], path: updatePath } }, {
    authenticatedData: encodeNote(Date.now()),
  })
  const { start } = advance(group, {
    tree: fresh.tree, extensions: effects.extensions, initSecret: group.secrets.initSecret,
    commitSecret: fresh.commitSecret, psks: [], commit: signed,
  })
  return send(group, signed, { confirmationTag: start.confirmationTag }).message
}

/** The record of a commit, and the slot in which it counts. */
export function commitRecord({ group, log }: Held, message: MLSMessage, attempt = 0): {
  readonly log: string, readonly slot: string, readonly bytes: Uint8Array
} {
  const name = groupLog('h', log)
  const bytes = sealRecord(group.suite, sealOf(group), name, [encode(MLSMessage, message)])
  return { log: name, slot: commitSlot(group, attempt), bytes }
}

/** A commit against the rules of the group, which its maker has signed: nobody who is no admin names a group. */
export function signedRubbish(group: Group): MLSMessage {
  const policy = policyIn(group.context)
  const extensions = withPolicy(group.context.extensions, { ...policy, name: toHex(group.suite.random(4)) })
  return commit(group, {
    proposals: [{ type: 'groupContextExtensions', extensions }], authentication: authentication(group.suite), forcePath: true,
  }).message
}

/** Fills every slot of the epoch; who did it cannot be told unless it is `signed`. */
export async function spoilEpoch(delivery: Delivery, state: Held, how: 'signed' | 'unsigned'): Promise<void> {
  for (let attempt = 0; attempt < attemptLimit; attempt += 1) {
    const { log, slot, bytes } = commitRecord(state, signedRubbish(state.group), attempt)
    await delivery.append(log, how === 'signed' ? bytes : bytes.slice(0, -1), slot)
  }
}

/** What a member says that it saw win, true or not. */
export function storyOf({ suite, context, tree, ownLeaf, signaturePrivateKey: privateKey }: Group, way: Pick<Story, 'epoch' | 'seen'>): Letter {
  const leaf = leafAt(tree, ownLeaf)
  assert.ok(leaf !== undefined)
  const { credential, signatureKey: publicKey } = leaf
  const told = signStory({ suite, credential, signatureKeyPair: { privateKey, publicKey } }, { groupId: context.groupId, ...way })
  return { type: 'story', ...told }
}

/** Puts a letter into somebody's inbox, sealed as they want it. */
export async function sendLetter(delivery: Delivery, group: Group, deviceId: string, letter: Letter): Promise<void> {
  const records = await delivery.read(keyPackageLog(deviceId), 0, 500)
  const stocked = records.filter(({ slot }) => slot?.startsWith('claim.') !== true)
    .map(({ bytes }) => decodeKeyPackageRecord(bytes)).findLast(({ lastResort }) => lastResort === 1)
  assert.ok(stocked !== undefined)
  const keyPackage = decode(KeyPackage, stocked.keyPackage)
  const reference = toHex(keyPackageRef(group.suite, keyPackage))
  await delivery.append(inboxLog(deviceId), sealLetter(group.suite, { deviceId, reference, initKey: keyPackage.initKey }, letter))
}

/**
 * A new group which says that it goes on in place of this one, made by its stopped member from the first request that
 * came to it, and the Welcome to whoever asked; `undefined` as long as nobody did.
 */
export async function seizedGroup(
  person: Person, conversation: string, delivery: Delivery,
): Promise<{ readonly log: string, readonly bytes: Uint8Array } | undefined> {
  const { group: old } = held(person, conversation)
  const { suite } = old
  const leaf = leafAt(old.tree, old.ownLeaf)
  assert.ok(leaf !== undefined)
  const [request] = await requestsTo(person, delivery, { suite, deviceId: deviceIdOf(leaf.credential) })
  if (request === undefined) return undefined
  const auth = authentication(suite)
  const keyPackage = validateKeyPackage(suite, keyPackageOf(suite, request), { authentication: auth, now: BigInt(Math.floor(Date.now() / 1000)) })
  const group = createGroup(suite, {
    groupId: suite.random(16), credential: leaf.credential, capabilities: leaf.capabilities,
    signatureKeyPair: { publicKey: leaf.signatureKey, privateKey: old.signaturePrivateKey },
    lifetime: { notBefore: 0n, notAfter: 2n ** 63n }, extensions: replacing(old.context),
  })
  const { welcome } = commit(group, { proposals: [{ type: 'add', keyPackage }], authentication: auth, forcePath: true })
  assert.ok(welcome !== undefined)
  return { log: inboxLog(deviceIdOf(keyPackage.leafNode.credential)), bytes: encodeWelcomeMail({
    welcome: encode(MLSMessage, welcome), tokenProof: new Uint8Array(0), commitsAfter: 0n, messagesAfter: 0n,
  }) }
}

/** What was asked of a stopped person, who has the keys for it. */
async function requestsTo(
  person: Person, delivery: Delivery, { suite, deviceId }: { readonly suite: Suite, readonly deviceId: string },
): Promise<readonly SignedRejoin[]> {
  const store = openStore({ file: path.join(person.folder, person.name, 'profile.sqlite'), key: person.key.slice() })
  const own = new Map(store.documents('key-package').map(({ key, bytes }) => [key, decodeOwnKeyPackage(key, bytes)]))
  store.close()
  return (await delivery.read(inboxLog(deviceId), 0, 500)).flatMap(({ bytes }) => {
    const mail = decodeMail(bytes)
    const key = mail.type === 'sealed' ? own.get(toHex(mail.reference)) : undefined
    if (mail.type !== 'sealed' || key === undefined) return []
    const letter = openLetter(suite, deviceId, {
      publicKey: key.keyPackage.initKey, privateKey: key.privateKeys.initPrivateKey,
    }, mail)
    return letter.type === 'rejoin' ? [letter] : []
  })
}

/** A commit by which this member, who knows the epoch, replaces its own leaf from outside (RFC 9420 §12.4.3.2). */
export function externalCommit(group: Group): MLSMessage {
  const leaf = leafAt(group.tree, group.ownLeaf)
  assert.ok(leaf !== undefined)
  return joinExternally({
    suiteOf: suites, groupInfo: groupInfo(group, { externalPub: true }), credential: leaf.credential,
    signatureKeyPair: { publicKey: leaf.signatureKey, privateKey: group.signaturePrivateKey },
    capabilities: leaf.capabilities, leafExtensions: leaf.extensions, replaces: group.ownLeaf,
    authentication: authentication(group.suite),
  }).message
}
