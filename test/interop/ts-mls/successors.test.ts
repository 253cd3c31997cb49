import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { nativeSuites } from '../../../main/crypto/native.ts'
import { seededRandom, World } from '../../mls/group-world.ts'
import { coppice } from './coppice.ts'
import { assertAgree, assertTalk, commit, propose, type Implementation, type Peer } from './peer.ts'
import { tsMls } from './ts-mls.ts'

// Groups that continue others (RFC 9420 §11.2, §11.3), with members of both implementations: Alice's and Carol's is the
// first one, Bob's the second one.

const suiteOf = nativeSuites(seededRandom('successors'))
type Two = readonly [ours: Implementation, theirs: Implementation]
const both = async (id: number): Promise<Two> => [coppice(new World(suiteOf, id)), await tsMls(id)]
const swapped = ([ours, theirs]: Two): Two => [theirs, ours]

/** Alice, Bob and Carol in a group. */
async function gather([ours, theirs]: Two): Promise<readonly [Peer, Peer, Peer]> {
  const alice = await ours.found('alice')
  const guests = [await theirs.guest('bob'), await ours.guest('carol')]
  return [alice, ...await commit(alice, [], { guests })] as unknown as readonly [Peer, Peer, Peer]
}

/** One of the old members makes the new group, the others join it. */
async function follow(old: readonly Peer[], maker: Peer, usage: 'reinit' | 'branch', next: Two): Promise<Peer[]> {
  const implementationOf = (peer: Peer): Implementation =>
    next.find(({ name }) => name === peer.implementation) ?? assert.fail(peer.implementation)
  const others = await Promise.all(old.filter((peer) => peer !== maker).map(async (peer) =>
    ({ peer, guest: await implementationOf(peer).guest(peer.name) })))
  const making = await implementationOf(maker).guest(maker.name)
  const made = await making.continue(maker, usage, others.map(({ guest }) => guest.keyPackage))
  const joined = await Promise.all(others.map(({ peer, guest }) =>
    guest.join(made.welcome, made.peer.ratchetTree, peer)))
  return [made.peer, ...joined]
}

for (const [from, to] of [[1, 3], [3, 2], [2, 1]] as const) {
  const [before, after] = [await both(from), await both(to)]
  for (const [now, next] of [[before, after], [swapped(before), swapped(after)]] as const) {
    describe(`from suite ${from} to suite ${to}, ${now[0].name} founds`, () => {
      const groupId = suiteOf(to)?.random(32) ?? assert.fail()
      const reInit = { type: 'reInit', groupId, cipherSuite: to } as const

      test('Bob commits a ReInit by value, and Alice makes the new group', async () => {
        const old = await gather(now)
        const [alice, bob, carol] = old
        await commit(bob, [alice, carol], { proposals: [reInit] })
        await assert.rejects(alice.say('still here'))
        await assert.rejects(bob.say('still here'))
        const peers = await follow(old, alice, 'reinit', next)
        assertAgree(peers)
        assert.equal(peers[0]?.epoch, 1n)
        await assertTalk(peers)
        for (const peer of peers) await commit(peer, peers.filter((each) => each !== peer))
      })

      test('Bob proposes a ReInit, Alice commits it, and Bob makes the new group', async () => {
        const old = await gather(now)
        const [alice, bob, carol] = old
        await propose(bob, [alice, carol], reInit, { wireFormat: 'privateMessage' })
        await commit(alice, [bob, carol], { wireFormat: 'privateMessage' })
        const peers = await follow(old, bob, 'reinit', next)
        assertAgree(peers)
        await assertTalk(peers)
      })

      test('Alice and Bob branch off, and the old group goes on', async () => {
        const old = await gather(now)
        const [alice, bob, carol] = old
        for (const [maker, other] of [[alice, bob], [bob, alice]] as const) {
          const peers = await follow([maker, other], maker, 'branch', now)
          assertAgree(peers)
          await assertTalk(peers)
          await commit(maker, [other, carol].filter((peer) => peer !== maker))
          await assertTalk(old)
        }
      })
    })
  }
}
