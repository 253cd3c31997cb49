import { decode, encode, equal, toHex } from '../../main/mls/codec.ts'
import {
  branch, GroupInfo, join, joinExternally, KeyPackage, RatchetTreeNodes, Secret, validateKeyPackage, Welcome,
  type Group, type MLSMessage,
} from '../../main/mls/index.ts'
import { GroupSecrets } from '../../main/mls/wire/welcome.ts'
import type { Guest } from '../mls/group-world.ts'
import type { Scene } from './scene.ts'
import { nodesIn, openWelcome, resignInfo, resignKeyPackage, withTree } from './seal.ts'
import { demand, options, samplesOf, unchanged, use, type Target } from './target.ts'

// What those read who are about to join, and those who let somebody in.

function keyPackageTargets({ world, guest, bob, carol }: Scene): readonly Target[] {
  const { suite } = world
  const honest = [guest, ...[bob, carol].map(({ person }) => person.keyPackage())]
    .map(({ keyPackage }) => encode(KeyPackage, keyPackage))
  const known = new Set(honest.map(toHex))
  const validate = (keyPackage: KeyPackage): void => { validateKeyPackage(suite, keyPackage, { ...options, now: 1n }) }
  return [{
    name: 'KeyPackage',
    ...samplesOf(honest, KeyPackage),
    feed: (input) => {
      validate(decode(KeyPackage, input))
      demand(known.has(toHex(input)), 'a KeyPackage that was changed on its way is taken')
    },
    honest: () => { for (const each of honest) validate(decode(KeyPackage, each)) },
  }, {
    name: 'KeyPackage, signed again',
    ...samplesOf(honest, KeyPackage),
    feed: (input) => { validate(resignKeyPackage(world, decode(KeyPackage, input))) },
  }]
}

/** A Welcome, by whom it was made and for whom. */
type Invitation = { readonly name: string, readonly welcome: Welcome, readonly maker: Group, readonly guest: Guest }

/** Into the group, and into a branch of it (RFC 9420 §11.3). */
function invitations({ world, alice, bob, guest, invitation }: Scene): readonly Invitation[] {
  const again: Guest = { person: bob.person, ...bob.person.keyPackage() }
  const groupId = world.suite.random(world.suite.hashLength)
  const branched = branch(alice.group, {
    groupId, keyPackages: [again.keyPackage], ...alice.person.leaf, ...options, forcePath: true,
  })
  return [
    { name: 'Welcome', maker: alice.group, guest, ...welcomeOf(invitation) },
    { name: 'Welcome to a branch', maker: branched.group, guest: again, ...welcomeOf(branched) },
  ]
}

function welcomeOf({ welcome }: { readonly welcome: MLSMessage | undefined }): { readonly welcome: Welcome } {
  if (welcome?.body.type !== 'welcome') throw new Error('nobody was invited')
  return { welcome: welcome.body.welcome }
}

function welcomeTargets({ world, bob }: Scene, { name, welcome, maker, guest }: Invitation): readonly Target[] {
  const { suite } = world
  const { info, secrets, seal, confirmed } = openWelcome(suite, { welcome, guest, old: bob.group })
  const copy = (secret: Secret): Secret => new Secret(secret.unwrap().slice())
  const joinBy = (changed: Welcome): void => {
    const { group } = join({
      suiteOf: world.suiteOf, welcome: changed, keyPackage: guest.keyPackage,
      privateKeys: {
        initPrivateKey: copy(guest.privateKeys.initPrivateKey),
        encryptionPrivateKey: copy(guest.privateKeys.encryptionPrivateKey),
      },
      signaturePrivateKey: guest.person.signatureKeyPair.privateKey, ...options,
      groups: (groupId) => equal(groupId, bob.group.context.groupId) && guest.person === bob.person ? bob.group : undefined,
    })
    use(group)
  }
  const sign = (changed: GroupInfo): Uint8Array =>
    encode(GroupInfo, resignInfo(suite, confirmed(changed), maker.signaturePrivateKey))
  const infoBytes = encode(GroupInfo, info)
  const honest = encode(Welcome, welcome)
  return [
    {
      name,
      ...samplesOf([honest], Welcome),
      feed: (input) => { joinBy(decode(Welcome, input)) },
      verify: unchanged(bob.group),
      honest: () => { joinBy(decode(Welcome, honest)) },
    },
    {
      name: `GroupSecrets in a ${name}`,
      ...samplesOf([secrets], GroupSecrets),
      feed: (input) => { joinBy(seal(infoBytes, input)) },
    },
    {
      name: `GroupInfo in a ${name}`,
      ...samplesOf([infoBytes], GroupInfo),
      feed: (input) => { joinBy(seal(input, secrets)) },
    },
    {
      name: `GroupInfo in a ${name}, signed again`,
      ...samplesOf([infoBytes], GroupInfo),
      feed: (input) => { joinBy(seal(sign(decode(GroupInfo, input)), secrets)) },
    },
    {
      name: `ratchet tree in a ${name}, signed again`,
      ...samplesOf([nodesIn(info)], RatchetTreeNodes),
      feed: (input) => { joinBy(seal(sign(withTree(world, info, decode(RatchetTreeNodes, input))), secrets)) },
    },
  ]
}

function groupInfoTargets({ world, alice, carol, info }: Scene): readonly Target[] {
  const key = alice.group.signaturePrivateKey
  const honest = encode(GroupInfo, info)
  const carolLeaf = carol.group.ownLeaf
  const joinBy = (groupInfo: GroupInfo): void => {
    const { suiteOf } = world
    use(joinExternally({ suiteOf, groupInfo, ...world.person('a newcomer').leaf, ...options }).group)
    use(joinExternally({ suiteOf, groupInfo, ...carol.person.leaf, replaces: carolLeaf, ...options }).group)
  }
  return [
    {
      name: 'GroupInfo',
      ...samplesOf([honest], GroupInfo),
      feed: (input) => {
        joinBy(decode(GroupInfo, input))
        demand(toHex(input) === toHex(honest), 'a GroupInfo that was changed on its way is taken')
      },
      honest: () => { joinBy(decode(GroupInfo, honest)) },
    },
    {
      name: 'GroupInfo, signed again',
      ...samplesOf([honest], GroupInfo),
      feed: (input) => { joinBy(resignInfo(world.suite, decode(GroupInfo, input), key)) },
    },
    {
      name: 'ratchet tree in a GroupInfo, signed again',
      ...samplesOf([nodesIn(info)], RatchetTreeNodes),
      feed: (input) => {
        joinBy(resignInfo(world.suite, withTree(world, info, decode(RatchetTreeNodes, input)), key))
      },
    },
  ]
}

export const joiningTargets = (scene: Scene): readonly Target[] => [
  ...keyPackageTargets(scene), ...invitations(scene).flatMap((each) => welcomeTargets(scene, each)),
  ...groupInfoTargets(scene),
]
