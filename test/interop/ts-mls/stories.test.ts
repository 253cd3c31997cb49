import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { nativeSuites } from '../../../main/crypto/native.ts'
import { toHex } from '../../../main/mls/codec.ts'
import type { Suite } from '../../../main/mls/index.ts'
import { bytes, seededRandom, World } from '../../mls/group-world.ts'
import { coppice } from './coppice.ts'
import {
  assertAgree, assertTalk, commit, propose, type ByValue, type Guest, type Implementation, type Peer, type WireFormat,
} from './peer.ts'
import { tsMls, tsMlsSuites } from './ts-mls.ts'

// Coppice and ts-mls in one group, in every suite that both have. Each story is played twice: the first implementation
// is that of Alice, who founds the group, and of Carol; the second one is that of Bob and Dave.

const suiteOf = nativeSuites(seededRandom('interop'))

type Pairing = { readonly suite: Suite, readonly ours: Implementation, readonly theirs: Implementation }

const pairings: Pairing[] = []
for (const id of tsMlsSuites.keys()) {
  const suite = suiteOf(id)
  if (suite === undefined) continue
  const [first, second] = [coppice(new World(suiteOf, id)), await tsMls(id)]
  pairings.push({ suite, ours: first, theirs: second }, { suite, ours: second, theirs: first })
}

test('there are suites that both have', () => {
  assert.ok(pairings.length >= 2 * 7)
})

for (const { suite, ours, theirs } of pairings) describe(`${suite.name}, ${ours.name} founds`, () => {
  const { random, hashLength } = suite
  // ts-mls computes on noble's curves in the suites from 4 on, which takes long. There each direction plays half of
  // the variants, and what only more members could show is left to the other suites.
  const isSlow = suite.id >= 4
  const variants = <T>(...all: readonly [T, T]): readonly T[] => !isSlow ? all : [all[ours.name === 'Coppice' ? 0 : 1]]
  const implementationOf: Readonly<Record<string, Implementation>> = {
    alice: ours, bob: theirs, carol: ours, dave: theirs, erin: ours, frank: theirs,
  }
  const guest = (name: string): Promise<Guest> => (implementationOf[name] ?? assert.fail(name)).guest(name)
  /** Alice founds a group and adds the others by one commit. */
  const gather = async <const N extends readonly string[]>(...names: N): Promise<{ [K in keyof N]: Peer }> => {
    const alice = await ours.found('alice')
    const guests = await Promise.all(names.slice(1).map(guest))
    const joined = await commit(alice, [], { guests })
    return [alice, ...joined] as { [K in keyof N]: Peer }
  }
  const preSharedKey = () =>
    ({ type: 'preSharedKey', pskId: random(9), pskNonce: random(hashLength) }) as const

  for (const treeInside of [true, false]) {
    const where = treeInside ? 'inside' : 'outside'
    test(`Alice adds Bob by a Welcome with the tree ${where}, and Bob adds Carol`, async () => {
      const alice = await ours.found('alice')
      const [bob] = await commit(alice, [], { guests: [await guest('bob')], treeInside }) as [Peer]
      await assertTalk([alice, bob])
      const [carol] = await commit(bob, [alice], { guests: [await guest('carol')], treeInside }) as [Peer]
      await assertTalk([alice, bob, carol])
      const exported = await Promise.all([alice, bob, carol].map((peer) => peer.exported('test', bytes('context'), 40)))
      assert.equal(new Set(exported.map(toHex)).size, 1)
    })
  }

  for (const wireFormat of variants<WireFormat>('publicMessage', 'privateMessage')) {
    test(`everybody renews the path in turn, by ${wireFormat}`, async () => {
      const peers = await gather('alice', 'bob', 'carol', 'dave')
      for (const committer of isSlow ? peers : [...peers, ...peers]) {
        await commit(committer, peers.filter((peer) => peer !== committer), { wireFormat })
      }
      await assertTalk(peers)
    })

    test(`everybody proposes an update, and another one commits it, by ${wireFormat}`, async () => {
      const peers = await gather('alice', 'bob', 'carol')
      for (const [at, proposer] of peers.slice(0, isSlow ? 2 : 3).entries()) {
        const others = peers.filter((peer) => peer !== proposer)
        const committer = peers[(at + 1) % peers.length] as Peer
        const before = proposer.ratchetTree
        await propose(proposer, others, { type: 'update' }, { wireFormat })
        await propose(proposer, others, { type: 'update' }, { wireFormat }) // The latest one counts.
        await commit(committer, peers.filter((peer) => peer !== committer), { wireFormat })
        assert.notDeepEqual(proposer.ratchetTree, before)
        // The new leaf key works: a path is encrypted to it, and it makes one itself.
        await commit(committer, peers.filter((peer) => peer !== committer), { wireFormat })
        await commit(proposer, others, { wireFormat })
      }
      await assertTalk(peers)
    })

    test(`Carol and Dave are removed, who see it, by ${wireFormat}`, async () => {
      const [alice, bob, carol, dave] = await gather('alice', 'bob', 'carol', 'dave')
      await commit(alice, [bob, carol, dave], { wireFormat })
      const first = await alice.prepare({ proposals: [{ type: 'remove', removed: dave.leaf }], wireFormat })
      first.accept()
      assert.equal(await dave.receive(first.message), 'removed')
      for (const peer of [bob, carol]) assert.equal(await peer.receive(first.message), 'active')
      assertAgree([alice, bob, carol])
      await propose(alice, [bob, carol], { type: 'remove', removed: carol.leaf }, { wireFormat })
      const second = await bob.prepare({ wireFormat })
      second.accept()
      assert.equal(await carol.receive(second.message), 'removed')
      assert.equal(await alice.receive(second.message), 'active')
      assertAgree([alice, bob])
      await assert.rejects(dave.say('still here'))
      await assert.rejects(carol.say('still here'))
      await assertTalk([alice, bob])
    })

    test(`a pre-shared key goes into the epoch, by value and by reference, by ${wireFormat}`, async () => {
      const [alice, bob, carol] = await gather('alice', 'bob', 'carol')
      await commit(alice, [bob, carol], { proposals: [preSharedKey(), preSharedKey()], wireFormat })
      await commit(bob, [alice, carol], { proposals: [preSharedKey()], wireFormat })
      await propose(carol, [alice, bob], preSharedKey(), { wireFormat })
      await propose(bob, [alice, carol], preSharedKey(), { wireFormat })
      await commit(alice, [bob, carol], { wireFormat, proposals: [preSharedKey()] })
      // New members learn which ones (RFC 9420 §12.4.3.1).
      const [dave] = await commit(bob, [alice, carol], {
        wireFormat, proposals: [preSharedKey(), preSharedKey()], guests: [await guest('dave')],
      }) as [Peer]
      await assertTalk([alice, bob, carol, dave])
    })
  }

  test('the resumption secret of an epoch that is over is a pre-shared key for its members', async () => {
    const [alice, bob] = await gather('alice', 'bob')
    await commit(bob, [alice])
    const resumption = (pskEpoch: bigint) => ({ type: 'resumption', pskEpoch, pskNonce: random(hashLength) }) as const
    await commit(alice, [bob], { proposals: [resumption(1n), resumption(2n)] })
    await commit(bob, [alice], { proposals: [resumption(3n), resumption(1n)] })
    await assertTalk([alice, bob])
  })

  test('one commit covers proposals by value and by reference from several members', async () => {
    const [alice, bob, carol, dave] = await gather('alice', 'bob', 'carol', 'dave')
    const [erin, frank] = [await guest('erin'), await guest('frank')]
    await propose(bob, [alice, carol, dave], { type: 'update' })
    const additions = [erin, frank].map(({ keyPackage }) => ({ type: 'add', keyPackage }) as const) as [ByValue, ByValue]
    await propose(carol, [alice, bob, dave], additions[0], { wireFormat: 'privateMessage' })
    const made = await alice.prepare({
      proposals: [{ type: 'remove', removed: dave.leaf }, additions[1], preSharedKey()],
    })
    made.accept()
    for (const peer of [bob, carol]) assert.equal(await peer.receive(made.message), 'active')
    // Erin gets Dave's leaf. ts-mls takes whoever stands at its leaf for itself, and does not see its removal
    // (RFC 9420 §12.3: the Remove is applied before the Adds).
    if (theirs.name === 'Coppice') assert.equal(await dave.receive(made.message), 'removed')
    assert.ok(made.welcome !== undefined)
    const { welcome } = made
    const joined = await Promise.all([erin, frank].map((each) => each.join(welcome)))
    assertAgree([alice, bob, carol, ...joined])
    await assertTalk([alice, bob, carol, ...joined])
    await commit(joined[0] as Peer, [alice, bob, carol, joined[1] as Peer])
  })

  if (!isSlow) test('a group grows to nine, shrinks to four and grows again, and everybody can commit', async () => {
    const people = await Promise.all(['alice', 'bob', 'carol', 'dave', 'erin', 'frank'].map(guest))
    const alice = await ours.found('alice')
    const more = await Promise.all([ours.guest('gail'), theirs.guest('hugo')])
    let peers: Peer[] = [alice, ...await commit(alice, [], { guests: [...people.slice(1), ...more] })]
    for (const committer of peers) await commit(committer, peers.filter((peer) => peer !== committer))
    for (const at of [6, 4, 1]) {
      const removed = peers[at] as Peer
      const staying = peers.filter((peer) => peer !== removed)
      const committer = staying[at % staying.length] as Peer
      await commit(committer, peers.filter((peer) => peer !== committer), {
        proposals: [{ type: 'remove', removed: removed.leaf }],
      })
      peers = staying
    }
    for (const [at, implementation] of [theirs, ours, theirs].entries()) {
      const committer = peers[at] as Peer
      const made = await commit(committer, peers.filter((peer) => peer !== committer), {
        guests: [await implementation.guest(`late ${at}`)],
      })
      // The newcomers merge their leaves at once: see `isRefusedByTsMls`.
      for (const newcomer of made) await commit(newcomer, peers)
      peers = [...peers, ...made]
    }
    for (const committer of peers) await commit(committer, peers.filter((peer) => peer !== committer))
    await assertTalk(peers)
  })

  test('two commits race: the loser drops its own, follows the other and commits again', async () => {
    const [alice, bob, carol] = await gather('alice', 'bob', 'carol')
    for (const [winner, loser] of [[alice, bob], [bob, alice]] as const) {
      const meanwhile = await carol.say('said while nobody had decided')
      const [winning, losing] = [await winner.prepare(), await loser.prepare({ proposals: [preSharedKey()] })]
      assert.equal(await loser.hear(meanwhile), 'said while nobody had decided')
      winning.accept()
      losing.drop()
      for (const peer of [loser, carol]) assert.equal(await peer.receive(winning.message), 'active')
      assertAgree([alice, bob, carol])
      await commit(loser, [winner, carol], { proposals: [preSharedKey()] })
    }
    await assertTalk([alice, bob, carol])
  })

  test('messages out of order, with gaps, and from past epochs are read once', async () => {
    const [alice, bob] = await gather('alice', 'bob')
    for (const [speaker, listener] of [[alice, bob], [bob, alice]] as const) {
      const said: Uint8Array[] = []
      for (let at = 0; at < 6; at++) said.push(await speaker.say(`number ${at}`))
      for (const at of [3, 0, 5]) assert.equal(await listener.hear(said[at] as Uint8Array), `number ${at}`)
      await assert.rejects(listener.hear(said[3] as Uint8Array))
      await commit(listener, [speaker])
      await commit(speaker, [listener])
      for (const at of [4, 1, 2]) assert.equal(await listener.hear(said[at] as Uint8Array), `number ${at}`)
      await assert.rejects(listener.hear(said[1] as Uint8Array))
    }
    await assertTalk([alice, bob])
  })

  for (const treeInside of variants(true, false)) {
    test(`Carol and Dave join by their own commits, with the tree ${treeInside ? 'inside' : 'outside'}`, async () => {
      let peers: readonly Peer[] = await gather('alice', 'bob')
      const newcomers = [['carol', 1], ['dave', 0], ['erin', 0], ['frank', 1]] as const
      for (const [name, teller] of newcomers.slice(0, isSlow ? 2 : 4)) {
        const told = peers[teller] as Peer
        const info = await told.groupInfo({ treeInside })
        const newcomer = await guest(name)
        const { peer, message } = await newcomer.enter(info, treeInside ? {} : { ratchetTree: told.ratchetTree })
        for (const each of peers) assert.equal(await each.receive(message), 'active')
        peers = [...peers, peer]
        assertAgree(peers)
        await assertTalk(peers)
      }
      for (const committer of peers) await commit(committer, peers.filter((peer) => peer !== committer))
    })
  }

  test('Carol and Dave lose their state and come back by commits that remove their old leaves', async () => {
    let peers: readonly Peer[] = await gather('alice', 'bob', 'carol', 'dave')
    for (const [at, teller] of [[2, 1], [3, 0]] as const) {
      const [lost, told] = [peers[at] as Peer, peers[teller] as Peer]
      await commit(told, peers.filter((peer) => peer !== told))
      const returning = await lost.again()
      const info = await told.groupInfo({ treeInside: true })
      const { peer, message } = await returning.enter(info, { replaces: lost.leaf })
      for (const each of peers) if (each !== lost) assert.equal(await each.receive(message), 'active')
      peers = peers.with(at, peer)
      assertAgree(peers)
      await assertTalk(peers)
    }
  })

  test('the extensions of the group change by value, and by a reference to whoever proposes it', async () => {
    const [alice, bob, carol] = await gather('alice', 'bob', 'carol')
    const byCoppice = ours.name === 'Coppice' ? alice : bob
    const others = [alice, bob, carol].filter((peer) => peer !== byCoppice)
    // Always committed by Coppice: see `coverable` in ts-mls.ts. And never empty: RFC 9420 §12.1.7 replaces the
    // extensions by those of the proposal, also by none; ts-mls keeps the old ones then.
    await commit(byCoppice, others, { proposals: [{ type: 'extension', data: bytes('first') }] })
    for (const proposer of others) {
      const listeners = [alice, bob, carol].filter((peer) => peer !== proposer)
      await propose(proposer, listeners, { type: 'extension', data: bytes(`by ${proposer.name}`) })
      await commit(byCoppice, others)
    }
    const [dave] = await commit(carol, [alice, bob], { guests: [await guest('dave')] }) as [Peer]
    await assertTalk([alice, bob, carol, dave])
  })
})
