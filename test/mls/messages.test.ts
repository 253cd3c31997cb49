import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  encode, epochAuthenticator, exportSecret, forgetPast, MLSMessage, newPskId, nodesOf, propose, proposeUpdate, protect,
  resumptionPsk, toHex, type Group, type PskLookup,
} from '../../main/mls/index.ts'
import { forwardLimit, keptLimit } from '../../main/mls/schedule/secret-tree.ts'
import {
  assertAgree, assertTalk, breaks, bytes, failsAs, implementations, snapshot, tell, World, type Member,
} from './group-world.ts'

// What RFC 9420 leaves for the sender to choose (§15.1), lets come late (§15.3), and gives to the application (§8.5 to
// §8.7).

const native = implementations[0]
assert.ok(native !== undefined)
const world = new World(native.suites('messages'), 1)
const pair = () => world.gather('alice', 'bob') as [Member, Member]
const sizeOf = (message: MLSMessage): number => encode(MLSMessage, message).length

describe('a PrivateMessage is padded on request (RFC 9420 §15.1)', () => {
  test('so that texts of different lengths look alike', () => {
    const [alice, bob] = pair()
    const padded = (words: string): MLSMessage => {
      // One octet for the length of a text that is this short.
      const said = protect(alice.group, bytes(words), { padding: 60 - words.length })
      alice.keep(said)
      return said.message
    }
    const messages = ['no', 'yes', 'on Wednesday'].map(padded)
    assert.equal(new Set(messages.map(sizeOf)).size, 1)
    assert.deepEqual(messages.map((message) => bob.hear(message)), ['no', 'yes', 'on Wednesday'])
    const bare = protect(alice.group, bytes('no'))
    assert.equal(sizeOf(messages[0] ?? bare.message) - sizeOf(bare.message), 58)
  })

  test('also a proposal and a commit, while a PublicMessage has no padding', () => {
    const [alice, bob] = pair()
    const removal = { type: 'remove', removed: alice.group.ownLeaf } as const
    const options = { wireFormat: 'privateMessage' } as const
    const proposed = [0, 1000].map((padding) => propose(bob.group, removal, { ...options, padding }))
    assert.equal(sizeOf(proposed[1]?.message as MLSMessage) - sizeOf(proposed[0]?.message as MLSMessage), 1000)
    const open = [0, 1000].map((padding) => propose(bob.group, removal, { padding }))
    assert.equal(sizeOf(open[1]?.message as MLSMessage), sizeOf(open[0]?.message as MLSMessage))
    tell(proposeUpdate(bob.group, { ...options, padding: 1000 }), { from: bob, to: [alice] })
    const [made, longer] = [0, 1000].map((padding) => alice.prepare({ ...options, padding }))
    assert.ok(made !== undefined && longer !== undefined)
    assert.equal(sizeOf(longer.message) - sizeOf(made.message), 1000)
    alice.accept(longer)
    bob.receive(longer.message)
    assertTalk([alice, bob])
  })

  test('but not by what is no number of octets', () => {
    const [alice] = pair()
    for (const padding of [-1, 0.5, Number.NaN, 2 ** 32]) {
      assert.throws(() => protect(alice.group, bytes('no'), { padding }), failsAs('misuse'))
    }
  })

  test('nor beyond what a message may hold, so that whatever is made can be sent', () => {
    const [alice] = pair()
    const limit = 2 ** 24
    const room = limit - 200 // For the signature and the tag.
    const { message } = protect(alice.group, new Uint8Array(room))
    assert.equal(sizeOf(message) > room, true)
    for (const padding of [200, limit]) {
      assert.throws(() => protect(alice.group, new Uint8Array(room), { padding }), failsAs('misuse'))
    }
    assert.throws(() => protect(alice.group, new Uint8Array(limit)), failsAs('misuse'))
  })
})

describe('messages that come late, in disorder or not at all (RFC 9420 §15.3)', () => {
  /** So many messages of one sender; only some of them are looked at. */
  function spoken(speaker: Member, count: number): readonly MLSMessage[] {
    let { group } = speaker
    return Array.from({ length: count }, (_, at) => {
      const said = protect(group, bytes(`number ${at}`))
      group = said.group
      return said.message
    })
  }

  test('are read up to the limits for gaps, behind which nothing is derived and nothing changes', () => {
    const [alice, bob] = pair()
    const messages = spoken(alice, forwardLimit + 2)
    const at = (index: number): MLSMessage => messages[index] ?? assert.fail()
    const before = snapshot(bob.group)
    assert.throws(() => bob.receive(at(forwardLimit + 1)), breaks('15.3.forward-limit'))
    assert.deepEqual(snapshot(bob.group), before)
    assert.equal(bob.hear(at(forwardLimit)), `number ${forwardLimit}`)
    // Of those that were passed over, the newest are kept.
    assert.throws(() => bob.receive(at(forwardLimit - keptLimit - 1)), failsAs('gone'))
    for (const late of [forwardLimit - 1, forwardLimit - keptLimit, forwardLimit - 7]) {
      assert.equal(bob.hear(at(late)), `number ${late}`)
      assert.throws(() => bob.receive(at(late)), failsAs('gone'))
    }
    assert.equal(bob.hear(at(forwardLimit + 1)), `number ${forwardLimit + 1}`)
  })

  test('in one ratchet leave the others alone: those of handshakes and of other senders', () => {
    const [alice, bob, carol] = world.gather('alice', 'bob', 'carol') as [Member, Member, Member]
    const early = spoken(alice, 3)
    const other = spoken(carol, 3)
    assert.equal(bob.hear(early[2] as MLSMessage), 'number 2')
    assert.equal(bob.hear(other[1] as MLSMessage), 'number 1')
    const first = proposeUpdate(alice.group, { wireFormat: 'privateMessage' })
    const second = proposeUpdate(first.group, { wireFormat: 'privateMessage' })
    const read = [second, first].map(({ message }) => bob.receive(message))
    assert.deepEqual(read.map(({ type }) => type), ['proposal', 'proposal'])
    assert.equal(bob.hear(early[0] as MLSMessage), 'number 0')
    assert.equal(bob.hear(other[0] as MLSMessage), 'number 0')
  })

  test('from a past epoch are read with its own ratchets, in any order, once', () => {
    const [alice, bob] = pair()
    const messages = spoken(alice, 4)
    world.commit(bob, [alice])
    world.commit(alice, [bob])
    for (const index of [2, 0, 3]) assert.equal(bob.hear(messages[index] as MLSMessage), `number ${index}`)
    assert.throws(() => bob.receive(messages[0] as MLSMessage), failsAs('gone'))
    assert.equal(bob.hear(messages[1] as MLSMessage), 'number 1')
  })
})

describe('a member who was added without a path', () => {
  test('is unmerged: paths are encrypted to the parents above and to that member, until somebody commits below', () => {
    const members = world.gather('alice', 'bob', 'carol', 'dave', 'eve')
    const [alice, bob, carol, dave, eve] = members as [Member, Member, Member, Member, Member]
    for (const member of members) world.commit(member, members.filter((each) => each !== member)) // Without blanks.
    world.commit(alice, [bob, carol, dave, eve], { proposals: [{ type: 'remove', removed: dave.group.ownLeaf }] })
    const [frank] = world.commit(bob, [alice, carol, eve], { guests: [world.guest('frank')] })
    assert.equal(frank?.group.ownLeaf, 3)
    const unmerged = ({ group }: Member): readonly (readonly number[])[] => nodesOf(group.tree).flatMap((node) =>
      node?.type === 'parent' && node.parentNode.unmergedLeaves.length > 0 ? [node.parentNode.unmergedLeaves] : [])
    // The parent of the first four leaves, and the root; that of the third and fourth went blank with Dave.
    assert.deepEqual(unmerged(alice), [[3], [3]])

    const made = eve.prepare()
    assert.ok(made.message.body.type === 'publicMessage')
    const { content } = made.message.body.publicMessage.content
    assert.ok(content.type === 'commit')
    // One node, the root: one secret for the parent of Alice, Bob and Carol, one for Frank.
    assert.deepEqual(content.commit.path?.nodes.map(({ encryptedPathSecret }) => encryptedPathSecret.length), [2])
    eve.accept(made)
    const all = [alice, bob, carol, frank]
    for (const member of all) member.receive(made.message)
    assertAgree([...all, eve])
    assert.deepEqual(unmerged(alice), [[3]])
    world.commit(frank, [alice, bob, carol, eve])
    assert.deepEqual(unmerged(carol), [])
    assertTalk([...all, eve])
  })
})

describe('secrets for the application', () => {
  test('the exporter gives all members the same, another one by label, context, length and epoch (§8.5)', () => {
    const [alice, bob] = pair()
    const exported = ({ group }: Member, label: string, context: string, length: number): string =>
      toHex(exportSecret(group, label, bytes(context), length).unwrap())
    const wanted = [['a', '', 32], ['b', '', 32], ['a', 'x', 32], ['a', '', 33], ['', '', 1]] as const
    const seen = new Set<string>()
    for (let epoch = 0; epoch < 2; epoch++) {
      for (const [label, context, length] of wanted) {
        const value = exported(alice, label, context, length)
        assert.equal(value, exported(bob, label, context, length))
        assert.equal(value.length, 2 * length)
        seen.add(value)
      }
      world.commit(bob, [alice])
    }
    assert.equal(seen.size, 2 * wanted.length)
    assert.equal(exported(alice, 'a', '', 255 * 32).length, 2 * 255 * 32)
    assert.throws(() => exportSecret(alice.group, 'a', bytes(''), 255 * 32 + 1), failsAs('misuse'))
  })

  test('the epoch authenticator is the same for those who agree, and for nobody else (§8.7)', () => {
    const [alice, bob, carol] = world.gather('alice', 'bob', 'carol') as [Member, Member, Member]
    const before = toHex(epochAuthenticator(carol.group))
    const [one, other] = [alice.prepare(), bob.prepare()]
    alice.accept(one)
    bob.accept(other)
    carol.receive(one.message)
    const [of, ours, theirs] = [alice, carol, bob].map(({ group }) => toHex(epochAuthenticator(group)))
    assert.equal(of, ours)
    assert.notEqual(ours, theirs)
    assert.notEqual(ours, before)
  })

  test('the resumption secret of the current and of past epochs links groups, as long as it is kept (§8.6)', () => {
    const [alice, bob] = pair()
    world.commit(alice, [bob])
    const secretOf = ({ group }: Member, epoch: bigint): string | undefined => {
      const secret = resumptionPsk(group, epoch)
      return secret === undefined ? undefined : toHex(secret.unwrap())
    }
    assert.equal(secretOf(alice, 2n), secretOf(bob, 2n))
    assert.equal(secretOf(alice, 1n), secretOf(bob, 1n))
    assert.notEqual(secretOf(alice, 1n), secretOf(alice, 2n))
    assert.deepEqual([0n, 3n].map((epoch) => secretOf(bob, epoch)), [undefined, undefined])

    // In another group, Bob shows that he was in this one.
    const [ann, ben] = world.gather('ann', 'ben') as [Member, Member]
    const { groupId: pskGroupId } = bob.group.context
    const psk = newPskId(world.suite, { type: 'resumption', usage: 'application', pskGroupId, pskEpoch: 1n })
    const psks = (of: Group): PskLookup => (id) =>
      id.psk.type === 'resumption' && toHex(id.psk.pskGroupId) === toHex(of.context.groupId)
        ? resumptionPsk(of, id.psk.pskEpoch) : undefined
    const made = ann.prepare({ proposals: [{ type: 'preSharedKey', psk }], psks: psks(alice.group) })
    ann.accept(made)
    assert.throws(() => ben.receive(made.message), failsAs('undecided'))
    ben.receive(made.message, psks(bob.group))
    assertAgree([ann, ben])

    // What is handed out is a copy.
    resumptionPsk(bob.group, 1n)?.wipe()
    assert.equal(secretOf(bob, 1n), secretOf(alice, 1n))
    bob.keep(forgetPast(bob.group, { keep: 0 }))
    assert.equal(secretOf(bob, 1n), undefined)
    assert.equal(secretOf(bob, 2n), secretOf(alice, 2n))
  })
})
