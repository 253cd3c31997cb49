/**
 * A member that breaks the rules: it has what a stopped person's store holds, and makes what no honest app makes.
 */
import assert from 'node:assert/strict'
import path from 'node:path'
import { encodeNote } from '../../main/chat/note.ts'
import { commitSlot, groupLog, sealOf, sealRecord } from '../../main/chat/sealed.ts'
import { authentication } from '../../main/identity/credential.ts'
import { advance, provisionalContext } from '../../main/mls/group/epoch.ts'
import { sign, send } from '../../main/mls/group/framing.ts'
import { applyProposals } from '../../main/mls/group/proposal-list.ts'
import { encode, groupFromParts, leafAt, leavesOf, MLSMessage, type Group } from '../../main/mls/index.ts'
import { encryptPath, newPath } from '../../main/mls/tree/path.ts'
import { GroupContext } from '../../main/mls/wire/group-context.ts'
import type { LeafIndex } from '../../main/mls/wire/node.ts'
import { accountIdOf } from '../../main/identity/credential.ts'
import { openStore } from '../../main/sqlite/store.ts'
import { suites, type Person } from './world.ts'

export type Held = { readonly group: Group, readonly log: string }

/** A conversation as a person's store holds it; the person is stopped, and stays so. */
export function held(person: Person, conversation: string): Held {
  const store = openStore({ file: path.join(person.folder, person.name, 'profile.sqlite'), key: person.key.slice() })
  const parts = store.group(conversation)
  const room = JSON.parse(new TextDecoder().decode(store.document('room', conversation))) as { log: string }
  store.close()
  assert.ok(parts !== undefined)
  return { group: groupFromParts(suites, parts), log: room.log }
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
