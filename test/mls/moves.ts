import assert from 'node:assert/strict'
import {
  branch, decode, encode, GroupInfo, groupInfo, joinExternally, nodesOf, propose, reinitialize, trusting,
  type BranchOptions, type ExternalJoin, type ExternalJoinOptions, type Group, type PskLookup, type ReInit,
  type Successor, type SuccessorOptions,
} from '../../main/mls/index.ts'
import { assertAgree, byName, Member, snapshot, type Guest, type Person, type World } from './group-world.ts'

// How people enter a group and leave one for another, beside the ordinary: external commits, ReInit, branches.

export type Entering = Partial<ExternalJoinOptions> & {
  /** The ratchet tree inside of the GroupInfo (the default) or beside it. */
  readonly inside?: boolean
}

/** A newcomer's commit by a GroupInfo of a member, which travels as bytes. */
export function external(
  world: World, person: Person, group: Group, { inside = true, ...options }: Entering = {},
): ExternalJoin {
  const before = snapshot(group)
  const info = decode(GroupInfo, encode(GroupInfo, groupInfo(group, { externalPub: true, ratchetTree: inside })))
  const joined = joinExternally({
    suiteOf: world.suiteOf, groupInfo: info, ...person.leaf, authentication: trusting,
    ...inside ? {} : { ratchetTree: nodesOf(group.tree) }, ...options,
  })
  assert.deepEqual(snapshot(group), before)
  return joined
}

/** Somebody joins by an external commit, and all members follow. */
export function enter(world: World, person: Person, members: readonly Member[], options: Entering & {
  /** What the members know of PSKs. */
  readonly known?: PskLookup
} = {}): Member {
  const { known, ...joining } = options
  const [first] = members as [Member]
  const { group, message } = external(world, person, first.group, joining)
  for (const member of members) {
    const received = member.receive(message, known)
    assert.ok(received.type === 'commit' && received.applied.external)
    assert.equal(received.applied.committer, group.ownLeaf)
    assert.deepEqual(received.applied.added.map(({ index }) => index), [group.ownLeaf])
  }
  const entered = new Member(person, world.suiteOf, group)
  assertAgree([...members, entered])
  return entered
}

/** The first member proposes a ReInit, everybody hears of it, and everybody follows the commit. */
export function shutDown(members: readonly Member[], reInit: ReInit, { by, wireFormat = 'publicMessage' }: {
  readonly by: Member
  readonly wireFormat?: 'publicMessage' | 'privateMessage'
}): void {
  const [proposer] = members as [Member]
  const proposed = propose(proposer.group, { type: 'reInit', ...reInit }, { wireFormat })
  proposer.keep(proposed)
  for (const member of members) if (member !== proposer) member.receive(proposed.message)
  const made = by.prepare({ wireFormat })
  assert.deepEqual(made.applied.proposals.map(({ proposal, byReference }) => [proposal.type, byReference]),
    [['reInit', true]])
  by.accept(made)
  for (const member of members) if (member !== by) member.receive(made.message)
  assertAgree(members)
  for (const { group } of members) assert.deepEqual(group.status, { type: 'reinitialized', reInit })
}

type Move = {
  readonly maker: Member
  /** Those who come along, in whatever order. */
  readonly others: readonly Member[]
}

/** After a ReInit: one member makes the new group, the others join it by the Welcome. `world`: of its suite. */
export const follow = (world: World, move: Move, change: Partial<SuccessorOptions> = {}): readonly Member[] =>
  moveOn(world, move, change, (options) => reinitialize(move.maker.group, { ...options, suiteOf: world.suiteOf }))

/** Some members branch off from a group which all of them are in. */
export const branchOff = (world: World, move: Move, change: Partial<BranchOptions> = {}): readonly Member[] =>
  moveOn(world, move, change, (options) =>
    branch(move.maker.group, { groupId: world.suite.random(32), ...options, ...change }))

function moveOn(
  world: World, { maker, others }: Move, change: Partial<SuccessorOptions>,
  make: (options: SuccessorOptions) => Successor,
): readonly Member[] {
  const guests = others.map(({ name }) => world.guest(name))
  const person = world.person(maker.name)
  const before = snapshot(maker.group)
  const { group, welcome } = make({
    ...person.leaf, authentication: byName, keyPackages: guests.map(({ keyPackage }) => keyPackage), ...change,
  })
  assert.deepEqual(snapshot(maker.group), before)
  assert.equal(group.context.epoch, 1n)
  const ratchetTree = change.ratchetTree === false ? { ratchetTree: nodesOf(group.tree) } : {}
  const joined = others.map((member, at) => world.enter(guests[at] as Guest, { welcome }, {
    groups: member.groups, authentication: byName, ...ratchetTree,
  }))
  const members = [new Member(person, world.suiteOf, group), ...joined]
  assertAgree(members)
  return members
}
