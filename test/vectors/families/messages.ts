import assert from 'node:assert/strict'
import { decode, encode, fromHex, struct, toHex, type Codec } from '../../../main/mls/codec.ts'
import { Commit } from '../../../main/mls/wire/commit.ts'
import { MLSMessage } from '../../../main/mls/wire/framing.ts'
import { KeyPackage } from '../../../main/mls/wire/key-package.ts'
import { LeafIndex, LeafNode, RatchetTreeNodes } from '../../../main/mls/wire/node.ts'
import { PreSharedKeyID, Proposal, proposalType } from '../../../main/mls/wire/proposal.ts'
import { GroupSecrets } from '../../../main/mls/wire/welcome.ts'

type BodyType = MLSMessage['body']['type']
type ProposalName = Exclude<Proposal['type'], 'custom'>

/** The proposals of the file lack the type that they have inside a `Proposal` (RFC 9420 §12.1). */
const proposals: Readonly<Record<string, ProposalName>> = {
  add_proposal: 'add',
  update_proposal: 'update',
  remove_proposal: 'remove',
  pre_shared_key_proposal: 'preSharedKey',
  re_init_proposal: 'reInit',
  external_init_proposal: 'externalInit',
  group_context_extensions_proposal: 'groupContextExtensions',
}

const messages: Readonly<Record<string, BodyType>> = {
  mls_welcome: 'welcome',
  mls_group_info: 'groupInfo',
  mls_key_package: 'keyPackage',
  public_message_application: 'publicMessage',
  public_message_proposal: 'publicMessage',
  public_message_commit: 'publicMessage',
  private_message: 'privateMessage',
}

function roundTrip<T>(codec: Codec<T>, hex: string): T {
  const value = decode(codec, fromHex(hex))
  assert.equal(toHex(encode(codec, value)), hex)
  return value
}

/** Every struct that is sent or stored (RFC 9420 §6 to §12): what decodes encodes to the same bytes. */
export function messagesFamily(testCase: Readonly<Record<string, string>>): void {
  const left = new Set(Object.keys(testCase))
  const hexOf = (name: string): string => {
    const hex = testCase[name]
    assert.ok(hex !== undefined, `the case has no ${name}`)
    left.delete(name)
    return hex
  }
  for (const [name, type] of Object.entries(messages)) {
    const { body } = roundTrip(MLSMessage, hexOf(name))
    assert.equal(body.type, type)
    const content = /^public_message_(.*)$/.exec(name)?.[1]
    if (body.type === 'publicMessage') assert.equal(body.publicMessage.content.content.type, content)
  }
  for (const [name, type] of Object.entries(proposals)) {
    const tag = proposalType[type].toString(16).padStart(4, '0')
    assert.equal(roundTrip(Proposal, tag + hexOf(name)).type, type)
  }
  // The structs of their own, once more without anything around them.
  roundTrip(struct({ keyPackage: KeyPackage }), hexOf('add_proposal'))
  roundTrip(struct({ leafNode: LeafNode }), hexOf('update_proposal'))
  roundTrip(struct({ removed: LeafIndex }), hexOf('remove_proposal'))
  roundTrip(struct({ psk: PreSharedKeyID }), hexOf('pre_shared_key_proposal'))
  roundTrip(RatchetTreeNodes, hexOf('ratchet_tree'))
  roundTrip(GroupSecrets, hexOf('group_secrets'))
  roundTrip(Commit, hexOf('commit'))
  assert.deepEqual([...left], [], 'every field of the case was looked at')
}
