import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { openPathSecret } from '../../main/mls/tree/path.ts'
import {
  decode, encode, ExternalSenders, extensionType, forgetPast, generateKeyPackage, GroupContext, groupInfo, isLastResort,
  joinExternally, leafAt, leavesOf, MlsError, newPskId, nodesOf, pastEpochLimit, proposeAsExternalSender, propose,
  proposeUpdate, receive, Secret, toHex, trusting, type Committed, type ExternalJoinOptions, type Extension,
  type GroupInfo, type MLSMessage, type PastEpoch, type PskLookup,
} from '../../main/mls/index.ts'
import { signWithLabel } from '../../main/mls/labelled.ts'
import { secretsOfTree } from '../../main/mls/schedule/secret-tree.ts'
import { treeHash } from '../../main/mls/tree/hash.ts'
import type { Commit } from '../../main/mls/wire/commit.ts'
import { GroupInfoTBS } from '../../main/mls/wire/welcome.ts'
import { byValue, forgeCommit, resignedPackage } from '../rules/forge.ts'
import {
  assertAgree, assertTalk, breaks, bytes, custom, failsAs, implementations, Member, tell, World,
} from './group-world.ts'

// Where other implementations of RFC 9420 went wrong once: a test for each, named after the trap.

const native = implementations[0]
assert.ok(native !== undefined)
const suites = native.suites('traps')
const world = new World(suites, 1, { extensions: [custom, extensionType.lastResort, extensionType.appDataDictionary] })
const { suite } = world
const pair = () => world.gather('alice', 'bob') as [Member, Member]
const three = () => world.gather('alice', 'bob', 'carol') as [Member, Member, Member]
const newExtensions = (...extensions: readonly Extension[]) => ({ type: 'groupContextExtensions', extensions }) as const
const named = (name: string): Extension => ({ extensionType: custom, extensionData: bytes(name) })

function commitIn({ body }: MLSMessage): Commit {
  assert.ok(body.type === 'publicMessage' && body.publicMessage.content.content.type === 'commit')
  return body.publicMessage.content.content.commit
}

/** Everybody else follows. */
function follow(made: Committed, committer: Member, others: readonly Member[], psks?: PskLookup): void {
  committer.accept(made)
  for (const member of others) member.receive(made.message, psks)
  assertAgree([committer, ...others].filter(({ group }) => group.status.type !== 'removed'))
}

describe('trap', () => {
  test('external_pub carries its own length prefix inside the extension data', () => {
    for (const [id, prefix, length] of [[1, [32], 32], [2, [0x40, 65], 65]] as const) {
      const other = new World(suites, id)
      const alice = other.found('alice')
      const info = groupInfo(alice.group, { externalPub: true })
      const at = info.extensions.findIndex((each) => each.extensionType === extensionType.externalPub)
      const { extensionData } = info.extensions[at] ?? assert.fail()
      assert.deepEqual([...extensionData.slice(0, prefix.length)], prefix)
      assert.equal(extensionData.length, prefix.length + length)
      const enter = (groupInfoRead: GroupInfo): void => {
        joinExternally({
          suiteOf: suites, groupInfo: groupInfoRead, ...other.person('dave').leaf, authentication: trusting,
        })
      }
      enter(info)
      // The bare key, signed by Alice as it should be.
      const extensions = info.extensions.with(at, {
        extensionType: extensionType.externalPub, extensionData: extensionData.slice(prefix.length),
      })
      const bare = { ...info, extensions }
      const { privateKey } = alice.person.signatureKeyPair
      const signature = signWithLabel(other.suite, privateKey, 'GroupInfoTBS', encode(GroupInfoTBS, bare))
      assert.throws(() => { enter({ ...bare, signature }) }, (error) =>
        error instanceof MlsError && (error.code === 'malformed' || error.code === 'refused'))
    }
  })

  test('external_senders is a list', () => {
    const wardens = [world.person('first'), world.person('second')]
    const senders = wardens.map(({ leaf: { credential }, signatureKeyPair: { publicKey: signatureKey } }) =>
      ({ signatureKey, credential }))
    const extensionData = encode(ExternalSenders, senders)
    assert.deepEqual(decode(ExternalSenders, extensionData), senders)
    const [alice, bob] = pair()
    const listed = { extensionType: extensionType.externalSenders, extensionData }
    world.commit(alice, [bob], { proposals: [newExtensions(listed)] })
    for (const [senderIndex, { signatureKeyPair }] of wardens.entries()) {
      const message = proposeAsExternalSender(bob.group, { type: 'remove', removed: bob.group.ownLeaf }, {
        senderIndex, signatureKeyPair,
      })
      const received = alice.receive(message)
      assert.ok(received.type === 'proposal' && received.refused === undefined)
      assert.deepEqual(received.sender, { type: 'external', senderIndex })
    }
    // An entry that stands by itself is none.
    const lone = encode(ExternalSenders, senders.slice(0, 1))
    const bare = { ...listed, extensionData: lone.slice(1) }
    assert.throws(() => alice.prepare({ proposals: [newExtensions(bare)] }), failsAs('malformed'))
  })

  test('the path of a commit is encrypted under the updated GroupContext extensions and the updated tree', () => {
    const [alice, bob, carol] = three()
    const before = alice.group
    const made = alice.prepare({
      proposals: [newExtensions(named('new')), { type: 'remove', removed: carol.group.ownLeaf }],
    })
    const { path } = commitIn(made.message)
    assert.ok(path !== undefined)
    const { tree } = made.pending
    const opens = (change: Partial<GroupContext>) => () => {
      const context = encode(GroupContext, {
        ...before.context, epoch: before.context.epoch + 1n, treeHash: treeHash(suite, tree),
        extensions: [named('new')], ...change,
      })
      openPathSecret(suite, {
        tree, sender: before.ownLeaf, path, own: bob.group.ownLeaf, keys: bob.group.keys, context, exclude: new Set(),
      })
    }
    opens({})()
    assert.throws(opens({ extensions: before.context.extensions }), breaks('5.1.3.open'))
    assert.throws(opens({ treeHash: before.context.treeHash }), breaks('5.1.3.open'))
    assert.throws(opens({ epoch: before.context.epoch }), breaks('5.1.3.open'))
    const { confirmedTranscriptHash } = made.pending.context
    assert.throws(opens({ confirmedTranscriptHash }), breaks('5.1.3.open'))
    follow(made, alice, [bob, carol])
    assertTalk([alice, bob])
  })

  test('the path of a commit is never encrypted to leaves added in the same commit', () => {
    const [alice, bob] = pair()
    const guests = [world.guest('carol'), world.guest('dave'), world.guest('eve')]
    const made = alice.prepare({
      proposals: guests.map(({ keyPackage }) => ({ type: 'add', keyPackage })), forcePath: true,
    })
    // Above Alice: the parent that she shares with Bob, that of Carol and Dave's, and the root, with Eve on its right.
    const nodes = commitIn(made.message).path?.nodes ?? []
    assert.deepEqual(nodes.map(({ encryptedPathSecret }) => encryptedPathSecret.length), [1, 0, 0])
    follow(made, alice, [bob])
    const joined = guests.map((guest) => world.join(guest, made))
    const all = [alice, bob, ...joined]
    assertAgree(all)
    // What their Welcome told them of the path is enough for the next ones.
    for (const member of all) world.commit(member, all.filter((each) => each !== member))
    assertTalk(all)
  })

  test('an external resync must find its prior leaf', () => {
    const members = world.gather('alice', 'bob', 'carol', 'dave') as [Member, Member, Member, Member]
    const [alice, bob, carol, dave] = members
    world.commit(alice, [bob, carol, dave], { proposals: [{ type: 'remove', removed: bob.group.ownLeaf }] })
    const enter = (options: Partial<ExternalJoinOptions>) => joinExternally({
      suiteOf: suites, groupInfo: groupInfo(alice.group, { externalPub: true }), ...carol.person.leaf,
      authentication: trusting, ...options,
    })
    // Nobody in between: the commit without its Remove would leave Carol in the group twice.
    assert.throws(() => enter({}), breaks('7.3.unique-signature-key'))
    assert.throws(() => enter({ replaces: 'own', ...world.person('mallory').leaf }), failsAs('misuse'))
    const { group, message } = enter({ replaces: 'own' })
    const removed = commitIn(message).proposals.flatMap((each) =>
      each.type === 'proposal' && each.proposal.type === 'remove' ? [each.proposal.removed] : [])
    assert.deepEqual(removed, [carol.group.ownLeaf])
    for (const member of [alice, dave]) member.receive(message)
    const back = new Member(carol.person, suites, group)
    assertAgree([alice, dave, back])
    assert.equal(leavesOf(alice.group.tree).filter(({ leafNode: { signatureKey } }) =>
      toHex(signatureKey) === toHex(carol.person.signatureKeyPair.publicKey)).length, 1)
    assertTalk([alice, dave, back])
  })

  test('an empty GroupContextExtensions proposal is legal', () => {
    const [alice, bob] = pair()
    for (const extensions of [[named('something')], []]) {
      world.commit(alice, [bob], { proposals: [newExtensions(...extensions)] })
      // By value, then by reference; where there are extensions, and where there are none.
      const made = bob.prepare({ proposals: [newExtensions()] })
      assert.ok(made.applied.extensionsChanged && commitIn(made.message).path !== undefined)
      follow(made, bob, [alice])
      assert.deepEqual(alice.group.context.extensions, [])
      tell(propose(alice.group, newExtensions()), { from: alice, to: [bob] })
      follow(bob.prepare(), bob, [alice])
      assert.deepEqual(alice.group.context.extensions, [])
    }
  })

  test('an Update from leaf 0', () => {
    const [alice, bob, carol] = three()
    assert.equal(alice.group.ownLeaf, 0)
    const before = leafAt(bob.group.tree, alice.group.ownLeaf)
    tell(proposeUpdate(alice.group), { from: alice, to: [bob, carol] })
    const made = bob.prepare()
    assert.deepEqual(made.applied.updated.map(({ index }) => index).sort(), [0, bob.group.ownLeaf])
    follow(made, bob, [alice, carol])
    assert.notDeepEqual(leafAt(carol.group.tree, alice.group.ownLeaf), before)
    assertTalk([alice, bob, carol])
    world.commit(alice, [bob, carol]) // With the new key of the leaf.
    tell(propose(alice.group, { type: 'remove', removed: alice.group.ownLeaf }), { from: alice, to: [bob, carol] })
    follow(carol.prepare(), carol, [bob, alice])
    assert.equal(alice.group.status.type, 'removed')
  })

  test('no path is needed when only Adds, PSKs or a ReInit are present', () => {
    const psks: PskLookup = () => new Secret(bytes('shared'))
    const preSharedKey = () =>
      ({ type: 'preSharedKey', psk: newPskId(suite, { type: 'external', pskId: bytes('shared') }) }) as const
    const add = () => ({ type: 'add', keyPackage: world.guest('guest').keyPackage }) as const
    const reInit = () =>
      ({ type: 'reInit', groupId: bytes('next'), version: 1, cipherSuite: 1, extensions: [] }) as const
    const lists = [() => [add()], () => [add(), add()], () => [preSharedKey()], () => [add(), preSharedKey()],
      () => [reInit()]]
    for (const proposals of lists) for (const forcePath of [false, true]) {
      const [alice, bob] = pair()
      const made = alice.prepare({ proposals: proposals(), psks, forcePath })
      assert.equal(commitIn(made.message).path !== undefined, forcePath)
      follow(made, alice, [bob], psks)
    }
    // With anything that needs one beside them, and with nothing at all, it is there.
    const [alice, bob] = pair()
    const removal = { type: 'remove', removed: bob.group.ownLeaf } as const
    for (const proposals of [[], [add(), removal], [preSharedKey(), newExtensions()]]) {
      assert.ok(commitIn(alice.prepare({ proposals, psks }).message).path !== undefined)
    }
  })

  test('keys are unique over all nodes of the tree', () => {
    const [alice, bob, carol] = three()
    world.commit(carol, [alice, bob]) // Fills the parents above her.
    const parents = nodesOf(alice.group.tree).flatMap((node) => node?.type === 'parent' ? [node.parentNode] : [])
    assert.ok(parents.length > 0)
    const keys = [...parents, ...leavesOf(alice.group.tree).map(({ leafNode }) => leafNode)]
    for (const { encryptionKey } of keys) {
      const keyPackage = resignedPackage(world.guest('eve'), { leaf: { encryptionKey } })
      const message = forgeCommit(carol.group, byValue({ type: 'add', keyPackage }))
      assert.throws(() => receive(bob.group, message, { authentication: trusting }),
        breaks('7.3.unique-encryption-key'))
    }
  })

  test('last resort is read both as extension 0x000A and as the component of the extensions draft', () => {
    const { leaf } = world.person('bob')
    const marked = (...extensions: readonly Extension[]): boolean =>
      isLastResort(generateKeyPackage(suite, { ...leaf, extensions }).keyPackage)
    assert.ok(marked({ extensionType: 0x000a, extensionData: bytes('') }))
    // app_data_dictionary: a list of three octets, in it the component 0x0004 with no data.
    assert.ok(marked({ extensionType: 0x0006, extensionData: Uint8Array.of(3, 0x00, 0x04, 0) }))
    assert.ok(!marked())
    assert.ok(!marked({ extensionType: 0x0006, extensionData: Uint8Array.of(3, 0x00, 0x05, 0) }))
  })

  /** The secrets that a member keeps of some past epochs. */
  const secretsOf = (past: readonly PastEpoch[]): readonly Secret[] => past.flatMap((epoch) =>
    [epoch.senderDataSecret, epoch.resumptionPsk, ...secretsOfTree(epoch.secretTree)])
  const isWiped = (secret: Secret): boolean => secret.unwrap().every((octet) => octet === 0)

  test('secrets of past epochs are deleted by count', () => {
    const [alice, bob] = pair()
    for (let epoch = 0; epoch < pastEpochLimit; epoch++) world.commit(alice, [bob])
    assert.equal(bob.group.past.length, pastEpochLimit)
    const [newer, oldest] = [bob.group.past.slice(0, -1), bob.group.past.slice(-1)].map(secretsOf)
    assert.ok(newer !== undefined && oldest !== undefined && oldest.length > 2)
    assert.ok(![...newer, ...oldest].some(isWiped))
    follow(alice.prepare(), alice, [bob])
    assert.equal(bob.group.past.length, pastEpochLimit)
    assert.ok(oldest.every(isWiped))
    assert.ok(![...newer, ...secretsOf(bob.group.past)].some(isWiped))
  })

  test('secrets of past epochs are deleted by time, on the application\'s word', () => {
    const [alice, bob] = pair()
    // The application knows when each epoch ended; the engine knows no clock.
    const ended = new Map<bigint, number>()
    const late: MLSMessage[] = []
    for (let hour = 1; hour <= 4; hour++) {
      late.push(alice.say(`hour ${hour}`))
      ended.set(bob.group.context.epoch, hour)
      world.commit(alice, [bob])
    }
    const keptSince = (hour: number): bigint => {
      const epochs = [...ended].filter(([, end]) => end >= hour).map(([epoch]) => epoch)
      return epochs[0] ?? bob.group.context.epoch
    }
    const [newer, older] = [bob.group.past.slice(0, 2), bob.group.past.slice(2, 4)].map(secretsOf)
    assert.ok(newer !== undefined && older !== undefined && older.length > 0)
    bob.keep(forgetPast(bob.group, { keep: pastEpochLimit, olderThan: keptSince(3) }))
    assert.deepEqual(bob.group.past.map(({ context }) => ended.get(context.epoch)), [4, 3])
    assert.ok(older.every(isWiped) && !newer.some(isWiped))
    for (const message of late.slice(0, 2)) assert.throws(() => bob.receive(message), failsAs('gone'))
    assert.deepEqual(late.slice(2).map((message) => bob.hear(message)), ['hour 3', 'hour 4'])
    const rest = secretsOf(bob.group.past)
    bob.keep(forgetPast(bob.group, { keep: pastEpochLimit, olderThan: keptSince(9) }))
    assert.deepEqual(bob.group.past, [])
    assert.ok(rest.every(isWiped))
    assertTalk([alice, bob])
  })
})
