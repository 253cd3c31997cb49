import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { describe, test } from 'node:test'
import { nativeSuites } from '../../../main/crypto/native.ts'
import { decode, toHex } from '../../../main/mls/codec.ts'
import { leafAt, leavesOf, RatchetTreeNodes, type LeafIndex, type Suite } from '../../../main/mls/index.ts'
import { treeOf, type RatchetTree } from '../../../main/mls/tree/ratchet-tree.ts'
import { seededRandom, World } from '../../mls/group-world.ts'
import { coppice } from './coppice.ts'
import {
  assertAgree, bodyOf, commit, invited, propose, type ByValue, type Guest, type Implementation, type Made, type Peer,
  type Proposing, type WireFormat,
} from './peer.ts'
import { isRefusedByTsMls, tsMls } from './ts-mls.ts'

// Clients of both implementations do what they like in one group, in an order that a seed decides; keys and GREASE of
// ts-mls are fresh each time. WALK_SEED repeats a run, WALK_STEPS makes it longer.

const seed = process.env['WALK_SEED'] ?? String(randomInt(2 ** 32))
const steps = Number(process.env['WALK_STEPS'] ?? 200)
const limit = 7

const treeIn = (encoded: Uint8Array): RatchetTree => treeOf(decode(RatchetTreeNodes, encoded))

/** Whose leaf it is, or `undefined` for nobody's. */
const clientAt = (tree: RatchetTree, leaf: number): string | undefined => {
  const leafNode = leafAt(tree, leaf as LeafIndex)
  return leafNode && toHex(leafNode.signatureKey)
}

class Walk {
  readonly #implementations: readonly [Implementation, Implementation]
  readonly #suite: Suite
  readonly #random: (length: number) => Uint8Array
  peers: readonly Peer[] = []
  /** Who may be added by a proposal that waits. */
  #guests: readonly Guest[] = []
  #names = 0
  /** How often each thing happened. */
  readonly seen = new Map<string, number>()

  constructor(implementations: readonly [Implementation, Implementation], suite: Suite, name: string) {
    this.#implementations = implementations
    this.#suite = suite
    this.#random = seededRandom(`choices of ${name}`)
  }

  #below(bound: number): number {
    return new DataView(this.#random(4).buffer).getUint32(0) % bound
  }

  #pick<T>(from: readonly T[]): T {
    const picked = from[this.#below(from.length)]
    assert.ok(picked !== undefined)
    return picked
  }

  get #wireFormat(): WireFormat {
    return this.#pick(['publicMessage', 'privateMessage'] as const)
  }

  #note(what: string): void {
    this.seen.set(what, (this.seen.get(what) ?? 0) + 1)
  }

  async #guest(): Promise<Guest> {
    const guest = await this.#pick(this.#implementations).guest(`guest ${this.#names++}`)
    this.#guests = [...this.#guests, guest]
    return guest
  }

  async found(): Promise<void> {
    const founder = await this.#pick(this.#implementations).found('founder')
    const guests = await Promise.all(this.#implementations.map((each) => each.guest(`first of ${each.name}`)))
    this.peers = [founder, ...await commit(founder, [], { guests })]
  }

  async step(): Promise<void> {
    switch (this.#below(8)) {
      case 0: case 1: await this.#talk(); break
      case 2: case 3: await this.#propose(); break
      case 4: await this.#enter(); break
      default: await this.#commit()
    }
    assertAgree(this.peers)
  }

  #others(than: Peer): readonly Peer[] {
    return this.peers.filter((peer) => peer !== than)
  }

  /** Somebody says several things; each listener reads some of them, in an order of their own. */
  async #talk(): Promise<void> {
    const speaker = this.#pick(this.peers)
    if (speaker.waits) {
      await this.#commit()
      return
    }
    const said: { readonly at: number, readonly message: Uint8Array }[] = []
    for (let at = this.#below(3); at >= 0; at--) said.push({ at, message: await speaker.say(`thing ${at}`) })
    for (const listener of this.#others(speaker)) {
      for (const { at, message } of this.#below(2) === 0 ? said : said.toReversed().slice(this.#below(2))) {
        assert.equal(await listener.hear(message), `thing ${at}`)
      }
    }
    this.#note(`${speaker.implementation} talks`)
  }

  #preSharedKey() {
    return { type: 'preSharedKey', pskId: this.#random(8), pskNonce: this.#random(this.#suite.hashLength) } as const
  }

  /**
   * Leaf 0 stays. In a tree whose left half is blank the root is not on the filtered direct path, and RFC 9420 §12.4.1
   * takes the commit secret from the last node that is; ts-mls derives one secret more, as if there were a root.
   */
  get #removable(): readonly Peer[] {
    return this.peers.filter(({ leaf }) => leaf !== 0)
  }

  async #propose(): Promise<void> {
    const proposer = this.#pick(this.peers)
    const kinds: readonly (() => Proposing | Promise<Proposing>)[] = [
      () => ({ type: 'update' }),
      () => ({ type: 'remove', removed: this.#pick(this.#removable).leaf }),
      async () => ({ type: 'add', keyPackage: (await this.#guest()).keyPackage }),
      () => this.#preSharedKey(),
      () => ({ type: 'extension', data: this.#random(this.#below(9)) }),
    ]
    const proposal = await this.#pick(kinds)()
    await propose(proposer, this.#others(proposer), proposal, { wireFormat: this.#wireFormat })
    this.#note(`${proposer.implementation} proposes ${proposal.type}`)
  }

  /** Two members make a commit at once; one of them wins. */
  async #commit(): Promise<void> {
    const [winner, loser] = [this.#pick(this.peers), this.#pick(this.peers)]
    const options = { wireFormat: this.#wireFormat, treeInside: this.#below(2) === 0 }
    const losing = loser === winner ? undefined : await loser.prepare(options)
    const made = await winner.prepare({ ...options, proposals: await this.#byValue(winner) })
    losing?.drop()
    await this.#follow(winner, made, options.treeInside)
    this.#note(`${winner.implementation} commits`)
  }

  async #byValue(committer: Peer): Promise<readonly ByValue[]> {
    const proposals: ByValue[] = []
    const full = this.peers.length >= limit
    if (!full && this.#below(3) === 0) proposals.push({ type: 'add', keyPackage: (await this.#guest()).keyPackage })
    if (this.#below(4) === 0) proposals.push(this.#preSharedKey())
    if (this.#below(5) === 0 && committer.implementation === 'Coppice') {
      // Not by ts-mls: see `#coverable` there. Never empty: RFC 9420 §12.1.7 replaces the extensions by none, too;
      // ts-mls keeps the old ones then.
      proposals.push({ type: 'extension', data: this.#random(this.#below(9)) })
    }
    const removed = this.#pick(this.#removable)
    if (removed !== committer && (full || (this.peers.length > 3 && this.#below(4) === 0))) {
      proposals.push({ type: 'remove', removed: removed.leaf })
    }
    return proposals
  }

  /** Everybody follows a commit, and whom it adds joins. */
  async #follow(committer: Peer, made: Made, treeInside: boolean): Promise<void> {
    const [before, after] = [treeIn(committer.ratchetTree), treeIn(made.ratchetTree)]
    made.accept()
    const staying: Peer[] = [committer]
    for (const peer of this.#others(committer)) {
      const isRemoved = clientAt(before, peer.leaf) !== clientAt(after, peer.leaf)
      // ts-mls takes whoever stands at its leaf for itself (RFC 9420 §12.3: Removes are applied before Adds).
      if (isRemoved && peer.implementation === 'ts-mls' && clientAt(after, peer.leaf) !== undefined) continue
      assert.equal(await peer.receive(made.message), isRemoved ? 'removed' : 'active')
      if (isRemoved) this.#note(`${peer.implementation} is removed`)
      else staying.push(peer)
    }
    this.peers = staying
    const guests = made.welcome === undefined ? [] : invited(this.#suite, made.welcome, this.#guests)
    this.#guests = this.#guests.filter((guest) => !guests.includes(guest))
    const ghosts: Guest[] = []
    for (const guest of guests) {
      const joining = guest.join(made.welcome ?? assert.fail(), treeInside ? undefined : made.ratchetTree)
      if (guest.implementation === 'ts-mls' && isRefusedByTsMls(made.ratchetTree)) {
        await assert.rejects(joining)
        ghosts.push(guest)
      } else {
        this.peers = [...this.peers, await joining]
        this.#note(`${guest.implementation} joins`)
      }
    }
    for (const ghost of ghosts) await this.#expel(ghost)
  }

  /** Removes a client who was added and refused to join. */
  async #expel({ keyPackage }: Guest): Promise<void> {
    const client = bodyOf('keyPackage', keyPackage).keyPackage.leafNode.signatureKey
    const committer = this.#pick(this.peers)
    const tree = treeIn(committer.ratchetTree)
    const { index } = leavesOf(tree).find(({ leafNode }) => toHex(leafNode.signatureKey) === toHex(client))
      ?? assert.fail('nobody was added')
    await commit(committer, this.#others(committer), { proposals: [{ type: 'remove', removed: index }] })
    this.#note('ts-mls refuses to join')
  }

  /** Somebody joins by an external commit, or comes back by one. */
  async #enter(): Promise<void> {
    const told = this.#pick(this.peers)
    const lost = this.#pick(this.peers)
    const returns = this.peers.length >= limit || this.#below(2) === 0
    if (returns && lost === told) return
    const guest = returns ? await lost.again() : await this.#pick(this.#implementations).guest(`guest ${this.#names++}`)
    if (guest.implementation === 'ts-mls' && isRefusedByTsMls(told.ratchetTree)) return
    const treeInside = this.#below(2) === 0
    const { peer, message } = await guest.enter(await told.groupInfo({ treeInside }), {
      ...treeInside ? {} : { ratchetTree: told.ratchetTree }, ...returns ? { replaces: lost.leaf } : {},
    })
    const staying = returns ? this.#others(lost) : this.peers
    for (const each of staying) assert.equal(await each.receive(message), 'active')
    this.peers = [...staying, peer]
    this.#note(`${peer.implementation} ${returns ? 'comes back' : 'enters'}`)
  }
}

describe(`random walks of both implementations from WALK_SEED=${seed}`, () => {
  for (const [name, id] of [['first light', 1], [seed, 3]] as const) {
    test(`${steps} steps from the seed ${name} in suite ${id} keep everybody together`, async (context) => {
      const suiteOf = nativeSuites(seededRandom(`${name} ${id}`))
      const world = new World(suiteOf, id)
      const walk = new Walk([coppice(world), await tsMls(id)], world.suite, `${name} ${id}`)
      await walk.found()
      for (let at = 0; at < steps; at++) await walk.step()
      context.diagnostic([...walk.seen].sort().map(([what, times]) => `${what}: ${times}`).join(', '))
      assert.ok(['Coppice commits', 'ts-mls commits'].every((what) => walk.seen.has(what)))
    })
  }
})
