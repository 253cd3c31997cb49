import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { absentIn, withAbsent, type AbsentAccount } from '../../main/chat/absent.ts'
import { accountOf } from '../../main/chat/account-of.ts'
import {
  encodePolicy, extensionTypes, incarnationExtension, leafCapabilities, leafExtensions, leafLifetime, requiredExtensions,
  type Policy,
} from '../../main/chat/extensions.ts'
import { signRejoin, SignedRejoin } from '../../main/chat/letter.ts'
import { attachmentTypes, encodeNote, type Attachment } from '../../main/chat/note.ts'
import { commitRefusal, policyIn, proposalRefusal, withPolicy } from '../../main/chat/policy.ts'
import { authentication as identities, encodeCredential } from '../../main/identity/credential.ts'
import { deviceIdFor } from '../../main/identity/genesis.ts'
import type { Extensions} from '../../main/mls/index.ts';
import {
  commit, createGroup, encode, generateKeyPackage, join, KeyPackage, leafAt, leavesOf, merge, MlsError, propose,
  receive, toHex, type Group, type OwnProposal,
} from '../../main/mls/index.ts'
import { certify, entryAfter, newAccount, suite, type Account } from '../identity/account.ts'

const authentication = identities(suite)
const now = Date.UTC(2026, 0, 1)
const suiteOf = (id: number) => id === suite.id ? suite : undefined

const makeOf = ({ accountId, genesis, laptop }: Account, incarnation: bigint) => ({
  credential: encodeCredential({ accountId, deviceId: deviceIdFor(suite, laptop.publicKey), genesis, path: [] }),
  signatureKeyPair: laptop, capabilities: leafCapabilities(), lifetime: leafLifetime(now),
  leafExtensions: [
    ...leafExtensions({ n: 0, hash: accountId }), ...incarnation === 0n ? [] : [incarnationExtension(incarnation)],
  ],
})
const keyPackageOf = (account: Account, incarnation = 0n) => generateKeyPackage(suite, makeOf(account, incarnation))

/** Anna is the admin, and the only one who adds; Carol's leaf has the incarnation 7. */
class Grove {
  readonly anna = newAccount()
  readonly ben = newAccount()
  readonly carol = newAccount()
  annas: Group
  bens: Group

  constructor() {
    const policy: Policy = {
      kind: 'group', name: 'Grove', admins: [this.anna.accountId], membersMayAdd: false, log: suite.random(16),
    }
    const created = createGroup(suite, {
      groupId: suite.random(16), ...makeOf(this.anna, 0n),
      extensions: [...requiredExtensions(), { extensionType: extensionTypes.policy, extensionData: encodePolicy(policy) }],
    })
    const forBen = keyPackageOf(this.ben)
    const made = commit(created, { authentication, proposals: [
      { type: 'add', keyPackage: forBen.keyPackage }, { type: 'add', keyPackage: keyPackageOf(this.carol, 7n).keyPackage },
    ] })
    assert.ok(made.welcome?.body.type === 'welcome')
    this.annas = merge(made.group, made.pending).group
    this.bens = join({
      suiteOf, welcome: made.welcome.body.welcome, ...forBen, signaturePrivateKey: this.ben.laptop.privateKey, authentication,
    }).group
  }

  /** The group as it is when Anna has removed Carol and listed her as absent. */
  static withoutCarol(): Grove {
    const grove = new Grove()
    const made = commit(grove.annas, { authentication, proposals: [grove.remove(grove.carol), grove.list([grove.absent()])] })
    const received = receive(grove.bens, made.message, { authentication })
    assert.ok(received.type === 'commit')
    grove.annas = merge(made.group, made.pending).group
    grove.bens = received.group
    return grove
  }

  absent(incarnation = 7n, account = this.carol): AbsentAccount {
    return { accountId: toHex(account.accountId), incarnation }
  }

  remove(account: Account): OwnProposal {
    const leaf = leavesOf(this.annas.tree).find(({ leafNode }) => accountOf(leafNode) === toHex(account.accountId))
    assert.ok(leaf !== undefined)
    return { type: 'remove', removed: leaf.index }
  }

  list(absent: readonly AbsentAccount[], change: (extensions: Extensions) => Extensions = (same) => same): OwnProposal {
    return { type: 'groupContextExtensions', extensions: withAbsent(change(this.annas.context.extensions), absent) }
  }

  rename = (extensions: Extensions): Extensions =>
    withPolicy(extensions, { ...policyIn(this.annas.context), name: 'Wood' })

  /** Carol's request, and the leaf that it asks for. */
  request(incarnation: bigint, groupId = this.annas.context.groupId, by = this.carol): {
    readonly add: OwnProposal, readonly attachment: Attachment
  } {
    const { keyPackage } = keyPackageOf(this.carol, incarnation)
    const signed = signRejoin(suite, by.laptop, {
      groupId, lastEpoch: 1n, reason: 6, at: now, keyPackage: encode(KeyPackage, keyPackage),
    })
    return {
      add: { type: 'add', keyPackage },
      attachment: { type: attachmentTypes.rejoin, data: encode(SignedRejoin, signed) },
    }
  }
}

const viewOf = (group: Group) => ({
  group, leafOf: (index: Parameters<typeof leafAt>[1]) => leafAt(group.tree, index),
  members: leavesOf(group.tree).map(({ leafNode }) => ({ accountId: accountOf(leafNode) })),
})

/** What every member says of a commit that somebody makes. */
function verdict(group: Group, proposals: readonly OwnProposal[], attachments: readonly Attachment[] = []): string | undefined {
  const made = commit(group, { authentication, proposals, authenticatedData: encodeNote(now, attachments) })
  return commitRefusal(viewOf(group), made.applied)
}

describe('Absent accounts', () => {
  test('are read as they were written, each one once', () => {
    const grove = new Grove()
    const absent = [grove.absent(), grove.absent(0n, grove.ben)]
    const extensions = withAbsent(grove.annas.context.extensions, absent)
    assert.deepEqual(absentIn(extensions), absent)
    assert.deepEqual(absentIn(grove.annas.context.extensions), [])
    assert.equal(withAbsent(extensions, []).length, grove.annas.context.extensions.length)
    assert.throws(() => withAbsent([], [grove.absent(), grove.absent(8n)]),
      (error) => error instanceof MlsError && error.code === 'misuse')
  })

  test('are listed by an admin, with the commit that removes their last leaf, and as that leaf was', () => {
    const grove = new Grove()
    const { annas, bens, carol, ben } = grove
    const remove = grove.remove(carol)
    assert.equal(verdict(annas, [remove, grove.list([grove.absent()])]), undefined)
    assert.equal(verdict(annas, [remove]), undefined, 'removed for good')
    assert.equal(verdict(annas, [remove, grove.list([grove.absent()], grove.rename)]), undefined)
    assert.equal(verdict(annas, [remove, grove.list([grove.absent(6n)])]), 'an absent account was a member')
    assert.equal(verdict(annas, [grove.list([grove.absent()])]), 'a member is not absent')
    assert.equal(verdict(annas, [remove, grove.list([grove.absent(), grove.absent(0n, ben)])]), 'a member is not absent')
    assert.equal(verdict(annas, [grove.list([grove.absent(0n, newAccount())])]), 'an absent account was a member')
    assert.equal(verdict(bens, [remove, grove.list([grove.absent()])]), 'only an admin removes others')
    assert.equal(verdict(bens, [grove.list([grove.absent(0n, newAccount())])]), 'only an admin lists somebody as absent')
  })

  test('change by no proposal that others would have to commit', () => {
    const grove = new Grove()
    const { message } = propose(grove.annas, grove.list([grove.absent()]))
    const received = receive(grove.bens, message, { authentication })
    assert.ok(received.type === 'proposal')
    assert.equal(proposalRefusal(viewOf(grove.bens), received.proposal, received.sender), 'who is absent changes with a commit')
    const renamed = receive(grove.bens, propose(grove.annas, grove.list([], grove.rename)).message, { authentication })
    assert.ok(renamed.type === 'proposal')
    assert.equal(proposalRefusal(viewOf(grove.bens), renamed.proposal, renamed.sender), undefined)
  })

  test('come back by their own signed request, whoever commits it', () => {
    const grove = Grove.withoutCarol()
    const { annas, bens } = grove
    const { add, attachment } = grove.request(8n)
    assert.equal(verdict(bens, [add, grove.list([])], [attachment]), undefined)
    assert.equal(verdict(annas, [add, grove.list([], grove.rename)], [attachment]), undefined)
    assert.equal(verdict(bens, [add], [attachment]), 'a member is not absent')
    assert.equal(verdict(bens, [add, grove.list([])]), 'only an admin adds people')
    assert.equal(verdict(bens, [add, grove.list([], grove.rename)], [attachment]), 'only an admin changes the group')
    const old = grove.request(7n)
    assert.equal(verdict(bens, [old.add, grove.list([])], [old.attachment]), 'only an admin adds people')
    const elsewhere = grove.request(8n, suite.random(16))
    assert.equal(verdict(bens, [elsewhere.add, grove.list([])], [elsewhere.attachment]), 'only an admin adds people')
  })

  test('are struck out by an admin only', () => {
    const grove = Grove.withoutCarol()
    assert.equal(verdict(grove.annas, [grove.list([])]), undefined)
    assert.equal(verdict(grove.bens, [grove.list([])]), 'only an admin strikes out an absent account')
    assert.equal(verdict(grove.bens, [grove.list([grove.absent(0n)])]), 'an absent account was a member')
    assert.equal(verdict(grove.bens, []), undefined)
  })

  test('whose request was answered have no use for it again', () => {
    const grove = Grove.withoutCarol()
    const { add, attachment } = grove.request(8n)
    const made = commit(grove.bens, {
      authentication, proposals: [add, grove.list([])], authenticatedData: encodeNote(now, [attachment]),
    })
    const received = receive(grove.annas, made.message, { authentication })
    assert.ok(received.type === 'commit')
    grove.annas = received.group
    const again = grove.request(8n)
    const proposals = [grove.remove(grove.carol), again.add]
    assert.equal(verdict(merge(made.group, made.pending).group, proposals, [again.attachment]), 'only an admin removes others')
  })
})

test('A member puts nobody’s leaf in the place of another by less than that device’s own request, and all of it', () => {
  const grove = new Grove()
  const { annas, bens, ben, carol } = grove
  const remove = grove.remove(carol)
  const { add, attachment } = grove.request(8n)
  assert.equal(verdict(bens, [remove, add], [attachment]), undefined)
  const refused = 'only an admin removes others'
  assert.equal(verdict(bens, [remove, add]), refused)
  // With the true request in hand: her leaf goes, and something else comes, or nothing.
  assert.equal(verdict(bens, [remove, grove.request(9n).add], [attachment]), refused)
  assert.equal(verdict(bens, [remove], [attachment]), refused)
  // Of before her leaf came, for another group, or in another hand.
  for (const other of [grove.request(7n), grove.request(8n, suite.random(16)), grove.request(8n, annas.context.groupId, ben)]) {
    assert.equal(verdict(bens, [remove, other.add], [other.attachment]), refused)
  }
})

test('A member has no certificate for a device of another, so that no request of theirs could take its place', () => {
  const grove = new Grove()
  const { ben, carol } = grove
  const [key, deviceId] = [suite.signatureKeyPair(), deviceIdFor(suite, carol.laptop.publicKey)]
  // By the words of his account Ben may certify a key for any of its devices, and calls Carol's one of them.
  const certified = entryAfter({ n: 0, hash: ben.accountId }, ben, {
    issuer: ben.recovery, operation: certify(carol.laptop, key), newKey: key,
  })
  const credential = encodeCredential({ accountId: ben.accountId, deviceId, genesis: ben.genesis, path: [certified] })
  assert.equal(authentication.validate(credential, key.publicKey), 'path-broken')
})
