import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  branch, protect, reinitialize, trusting, type Authentication, type Credential, type Group, type GroupStatus,
  type ReInit, type RuleId,
} from '../../main/mls/index.ts'
import { treeOf, nodesOf } from '../../main/mls/tree/ratchet-tree.ts'
import { byName, bytes, custom, text, World, type Guest, type Member } from '../mls/group-world.ts'
import { byValue, forgeCommit, forgeProposal, pskProposal, refusedBy, suite, world } from './forge.ts'
import { refused } from './refusals.ts'

// RFC 9420 §11.2, §11.3: members who cheat with the group that continues the old one. Their own engine makes what they
// want, because they lie to it about the old group.

const reInit: ReInit = { groupId: bytes('next'), version: 1, cipherSuite: suite.id, extensions: [] }
const reinitialized = (change: Partial<ReInit> = {}): GroupStatus =>
  ({ type: 'reinitialized', reInit: { ...reInit, ...change } })

/** Takes Eve for Carol. */
const blind: Authentication = {
  ...trusting, clientOf: (credential) => byName.clientOf(unmasked(credential)),
}
const unmasked = (credential: Credential): Credential =>
  credential.type === 'basic' && text(credential.identity) === 'eve'
    ? { ...credential, identity: bytes('carol') } : credential

/** Demands that Bob refuses the group that Mallory makes of a forged old group. */
function isRefused(rule: RuleId, { bob, guest, make }: {
  readonly bob: Member
  readonly guest: Guest
  readonly make: () => ReturnType<typeof branch>
}): void {
  const { welcome } = make()
  assert.ok(welcome !== undefined)
  refused(rule, () => world.enter(guest, { welcome }, { groups: bob.groups, authentication: byName }))
}

describe('after a ReInit', () => {
  const [mallory, bob] = world.gather('mallory', 'bob', 'carol') as [Member, Member]
  world.commit(mallory, [bob], { proposals: [{ type: 'reInit', ...reInit }] })
  const guest = world.guest('bob')
  const carol = world.guest('carol')

  const make = (old: Partial<Group>, keyPackages = [guest.keyPackage, carol.keyPackage]) => () =>
    reinitialize({ ...mallory.group, ...old }, {
      ...mallory.person.leaf, suiteOf: world.suiteOf, authentication: byName, keyPackages,
    })

  test('the honest successor is joined', () => {
    const { welcome } = make({})()
    assert.ok(world.enter(guest, { welcome }, { groups: bob.groups, authentication: byName }))
  })

  test('a successor of a group that is not here is undecided (12.4.3.1.old-group)', () => {
    const { welcome } = make({})()
    // The PSK may come from elsewhere; what the new group must be like does not.
    const psks = () => mallory.group.secrets.resumptionPsk
    refused('12.4.3.1.old-group', () => world.enter(guest, { welcome }, { psks, authentication: byName }))
  })

  test('a successor with other parameters is refused (12.4.3.1.reinit-parameters)', () => {
    const extensions = [{ extensionType: custom, extensionData: bytes('x') }]
    for (const change of [{ groupId: bytes('another') }, { extensions }]) {
      isRefused('12.4.3.1.reinit-parameters', { bob, guest, make: make({ status: reinitialized(change) }) })
    }
    const other = new World(world.suiteOf, 3)
    const [bobThere, carolThere] = [other.guest('bob'), other.guest('carol')]
    isRefused('12.4.3.1.reinit-parameters', {
      bob, guest: bobThere, make: () => reinitialize({ ...mallory.group, status: reinitialized({ cipherSuite: 3 }) }, {
        ...other.person('mallory').leaf, suiteOf: world.suiteOf, authentication: byName,
        keyPackages: [bobThere.keyPackage, carolThere.keyPackage],
      }),
    })
  })

  test('a successor in which somebody is missing is refused (12.4.3.1.reinit-members)', () => {
    const tree = treeOf(nodesOf(mallory.group.tree).slice(0, 3))
    isRefused('12.4.3.1.reinit-members', { bob, guest, make: make({ tree }, [guest.keyPackage]) })
    // Somebody else in her place is no better.
    const eve = world.guest('eve')
    isRefused('12.4.3.1.reinit-members', {
      bob, guest, make: () => reinitialize(mallory.group, {
        ...mallory.person.leaf, suiteOf: world.suiteOf, authentication: blind,
        keyPackages: [guest.keyPackage, eve.keyPackage],
      }),
    })
  })

  test('whoever uses the old group still is refused (12.4.2.reinitialized)', () => {
    const active: Group = { ...mallory.group, status: { type: 'active' } }
    refusedBy(bob, '12.4.2.reinitialized', protect(active, bytes('hello?')).message)
    refusedBy(bob, '12.4.2.reinitialized', forgeProposal(active, pskProposal()))
    refusedBy(bob, '12.4.2.reinitialized', forgeCommit(active, byValue()))
    refusedBy(bob, '12.4.2.reinitialized', forgeCommit(active, byValue(), { epoch: active.context.epoch + 1n }))
  })
})

describe('without a ReInit', () => {
  const [mallory, bob] = world.gather('mallory', 'bob') as [Member, Member]
  const guest = world.guest('bob')
  const make = (): ReturnType<typeof branch> => reinitialize({ ...mallory.group, status: reinitialized() }, {
    ...mallory.person.leaf, suiteOf: world.suiteOf, authentication: byName, keyPackages: [guest.keyPackage],
  })

  test('a successor is refused (12.4.3.1.reinit-commit)', () => {
    isRefused('12.4.3.1.reinit-commit', { bob, guest, make })
  })

  test('a successor of an epoch before the ReInit is refused (12.4.3.1.reinit-commit)', () => {
    const { welcome } = make()
    world.commit(mallory, [bob], { proposals: [{ type: 'reInit', ...reInit }] })
    refused('12.4.3.1.reinit-commit', () =>
      world.enter(guest, { welcome }, { groups: bob.groups, authentication: byName }))
  })
})

describe('a branch is refused', () => {
  const [mallory, bob] = world.gather('mallory', 'bob', 'carol') as [Member, Member]
  const guest = world.guest('bob')
  const options = { groupId: bytes('branch'), keyPackages: [guest.keyPackage] }

  test('but not an honest one', () => {
    const { welcome } = branch(mallory.group, { ...mallory.person.leaf, ...options, authentication: byName })
    assert.ok(world.enter(guest, { welcome }, { groups: bob.groups, authentication: byName }))
  })

  test('in another cipher suite (12.4.3.1.branch-parameters)', () => {
    const other = new World(world.suiteOf, 3)
    const there = other.guest('bob')
    isRefused('12.4.3.1.branch-parameters', {
      bob, guest: there, make: () => branch({ ...mallory.group, suite: other.suite }, {
        ...other.person('mallory').leaf, ...options, authentication: byName, keyPackages: [there.keyPackage],
      }),
    })
  })

  test('with somebody who was not in the old group (12.4.3.1.branch-members)', () => {
    const keyPackages = [guest.keyPackage, world.guest('eve').keyPackage]
    isRefused('12.4.3.1.branch-members', {
      bob, guest, make: () => branch(mallory.group, {
        ...mallory.person.leaf, ...options, authentication: blind, keyPackages,
      }),
    })
  })
})
