import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { describe, test } from 'node:test'
import { toHex } from '../../main/mls/codec.ts'
import { propose, proposeUpdate, Secret, type MLSMessage, type PskLookup } from '../../main/mls/index.ts'
import {
  assertAgree, bytes, custom, implementations, seededRandom, suiteIds, World, type Guest, type Member,
} from './group-world.ts'
import { branchOff, enter, follow, shutDown } from './moves.ts'

// Members of one group do what they like, in an order that a seed decides. WALK_SEED repeats a run, WALK_STEPS makes
// it longer.

const seed = process.env['WALK_SEED'] ?? String(randomInt(2 ** 32))
const steps = process.env['WALK_STEPS']

const psks: PskLookup = ({ psk }) =>
  psk.type === 'external' ? new Secret(bytes(`secret of ${toHex(psk.pskId)}`)) : undefined

class Walk {
  readonly world: World
  readonly #random: (length: number) => Uint8Array
  members: Member[]
  /** Who was proposed to be added, by name. */
  readonly #guests = new Map<string, Guest>()
  #names = 0
  readonly #limit: number

  constructor(world: World, name: string, limit: number) {
    this.world = world
    this.#random = seededRandom(`choices of ${name}`)
    this.#limit = limit
    this.members = this.world.gather('founder', 'second')
  }

  #below(limit: number): number {
    return new DataView(this.#random(4).buffer).getUint32(0) % limit
  }

  #pick(): Member {
    const member = this.members[this.#below(this.members.length)]
    assert.ok(member !== undefined)
    return member
  }

  get #wireFormat() {
    return this.#below(2) === 0 ? 'publicMessage' : 'privateMessage'
  }

  #guest(): Guest {
    const name = `guest ${this.#names++}`
    const guest = this.world.guest(name)
    this.#guests.set(toHex(guest.keyPackage.initKey), guest)
    return guest
  }

  step(): void {
    switch (this.#below(16)) {
      case 0: case 1: case 2: case 3: case 4: this.#talk(); break
      case 5: case 6: case 7: this.#propose(); break
      case 8: this.#enter(); break
      case 9: this.#moveOn(); break
      default: this.#commit()
    }
    assertAgree(this.members)
  }

  /** Somebody says several things; each listener reads some of them, in an order of their own. */
  #talk(): void {
    const speaker = this.#pick()
    if (speaker.group.proposals.size > 0) {
      this.#commit()
      return
    }
    const said = Array.from({ length: 1 + this.#below(3) }, (_, at) => ({ at, message: speaker.say(`thing ${at}`) }))
    for (const listener of this.members) {
      if (listener === speaker) continue
      for (const { at, message } of this.#below(2) === 0 ? said : said.toReversed().slice(this.#below(2))) {
        assert.equal(listener.hear(message), `thing ${at}`)
      }
    }
  }

  #propose(): void {
    const proposer = this.#pick()
    const wireFormat = this.#wireFormat
    const kinds = [
      () => proposeUpdate(proposer.group, { wireFormat }),
      () => propose(proposer.group, { type: 'remove', removed: this.#pick().group.ownLeaf }, { wireFormat }),
      () => propose(proposer.group, { type: 'add', keyPackage: this.#guest().keyPackage }, { wireFormat }),
      () => propose(proposer.group, this.#preSharedKey(), { wireFormat }),
      () => propose(proposer.group, this.#extensions(), { wireFormat }),
    ]
    const proposed = kinds[this.#below(kinds.length)]?.()
    assert.ok(proposed !== undefined)
    proposer.keep(proposed)
    for (const member of this.members) {
      if (member === proposer) continue
      const received = member.receive(proposed.message)
      assert.ok(received.type === 'proposal' && received.refused === undefined)
    }
  }

  #preSharedKey() {
    const psk = { type: 'external', pskId: this.#random(8) } as const
    return { type: 'preSharedKey', psk: { psk, pskNonce: this.#random(this.world.suite.hashLength) } } as const
  }

  #extensions() {
    const extensions = [{ extensionType: custom, extensionData: this.#random(this.#below(9)) }]
    return { type: 'groupContextExtensions', extensions } as const
  }

  /** Two members make a commit at once; one of them wins. */
  #commit(): void {
    const [winner, loser] = [this.#pick(), this.#pick()]
    const full = this.members.length >= this.#limit
    const byValue = [
      ...this.#below(3) === 0 && !full ? [{ type: 'add', keyPackage: this.#guest().keyPackage } as const] : [],
      ...this.#below(4) === 0 ? [this.#preSharedKey()] : [],
      ...this.#below(5) === 0 ? [this.#extensions()] : [],
      ...this.#removal(winner, full),
    ]
    const options = { psks, wireFormat: this.#wireFormat, forcePath: this.#below(2) === 0 } as const
    if (loser !== winner) loser.prepare(options)
    const made = winner.prepare({ ...options, proposals: byValue })
    winner.accept(made)
    this.members = this.members.filter((member) => member === winner || this.#follows(member, made.message))
    for (const { proposal } of made.applied.proposals) {
      if (proposal.type !== 'add') continue
      const guest = this.#guests.get(toHex(proposal.keyPackage.initKey))
      assert.ok(guest !== undefined)
      this.members.push(this.world.join(guest, made, psks))
    }
  }

  /** Somebody joins by an external commit, or a member comes back by one. */
  #enter(): void {
    const full = this.members.length >= this.#limit
    // Who is alone has nobody who could let them in again.
    const back = this.members.length > 1 && (full || this.#below(2) === 0) ? this.#pick() : undefined
    this.members = this.members.filter((member) => member !== back)
    const person = back?.person ?? this.#guest().person
    const { psk } = this.#preSharedKey()
    this.members.push(enter(this.world, person, this.members, {
      inside: this.#below(2) === 0, ...back === undefined ? {} : { replaces: 'own' },
      ...this.#below(2) === 0 ? { pskIds: [psk], psks, known: psks } : {},
    }))
  }

  /** All go on in a branch, or in the group that follows a ReInit. */
  #moveOn(): void {
    while (this.#pick().group.proposals.size > 0) this.#commit() // A ReInit stands alone.
    const options = { forcePath: this.#below(2) === 0, ratchetTree: this.#below(2) === 0 }
    const maker = this.#pick()
    const move = { maker, others: this.members.filter((member) => member !== maker) }
    if (this.#below(2) === 0) {
      this.members = [...branchOff(this.world, move, options)]
      return
    }
    const reInit = { groupId: this.#random(32), version: 1, cipherSuite: this.world.suite.id, extensions: [] }
    shutDown(this.members, reInit, { by: this.#pick(), wireFormat: this.#wireFormat })
    this.members = [...follow(this.world, move, options)]
  }

  #removal(committer: Member, full: boolean) {
    const removed = this.#pick()
    const wanted = full || (this.members.length > 3 && this.#below(4) === 0)
    return wanted && removed !== committer ? [{ type: 'remove', removed: removed.group.ownLeaf } as const] : []
  }

  #follows(member: Member, message: MLSMessage): boolean {
    const received = member.receive(message, psks)
    assert.equal(received.type, 'commit')
    return !received.applied.selfRemoved
  }
}

describe(`a random walk from WALK_SEED=${seed}`, () => {
  for (const { name, suites } of implementations) for (const id of suiteIds) {
    // noble's curves are some twenty times slower, and those of suites 4 and 6 are always noble's; OpenSSL's P-384 and
    // P-521 are slow too. The long walks are for the others.
    const [length, limit] = name === 'portable' || id === 4 || id === 6 ? [15, 5] : id > 3 ? [40, 8] : [100, 12]
    test(`of ${steps ?? length} steps in suite ${id} on the ${name} implementation keeps everybody together`, () => {
      const walk = new Walk(new World(suites(`${seed} ${id}`), id), `${seed} ${id}`, limit)
      for (let at = 0; at < Number(steps ?? length); at++) walk.step()
    })
  }
})
