import { decode, encode, toHex } from '../../main/mls/codec.ts'
import {
  GroupInfo, join, joinExternally, KeyPackage, RatchetTreeNodes, Secret, validateKeyPackage, Welcome,
} from '../../main/mls/index.ts'
import { GroupSecrets } from '../../main/mls/wire/welcome.ts'
import type { Scene } from './scene.ts'
import { nodesIn, openWelcome, resignInfo, resignKeyPackage, withTree } from './seal.ts'
import { demand, options, samplesOf, use, type Target } from './target.ts'

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

function welcomeTargets(scene: Scene): readonly Target[] {
  const { world, alice, guest, invitation } = scene
  const { suite } = world
  const { body } = invitation.welcome ?? { body: undefined }
  if (body?.type !== 'welcome') return []
  const { info, secrets, seal, confirmed } = openWelcome(scene, body.welcome)
  const copy = (secret: Secret): Secret => new Secret(secret.unwrap().slice())
  const joinBy = (welcome: Welcome): void => {
    const { group } = join({
      suiteOf: world.suiteOf, welcome, keyPackage: guest.keyPackage,
      privateKeys: {
        initPrivateKey: copy(guest.privateKeys.initPrivateKey),
        encryptionPrivateKey: copy(guest.privateKeys.encryptionPrivateKey),
      },
      signaturePrivateKey: guest.person.signatureKeyPair.privateKey, ...options,
    })
    use(group)
  }
  const honest = encode(Welcome, body.welcome)
  const sign = (changed: GroupInfo): Uint8Array =>
    encode(GroupInfo, resignInfo(suite, confirmed(changed), alice.group.signaturePrivateKey))
  const infoBytes = encode(GroupInfo, info)
  return [
    {
      name: 'Welcome',
      ...samplesOf([honest], Welcome),
      feed: (input) => { joinBy(decode(Welcome, input)) },
      honest: () => { joinBy(decode(Welcome, honest)) },
    },
    {
      name: 'GroupSecrets in a Welcome',
      ...samplesOf([secrets], GroupSecrets),
      feed: (input) => { joinBy(seal(infoBytes, input)) },
    },
    {
      name: 'GroupInfo in a Welcome',
      ...samplesOf([infoBytes], GroupInfo),
      feed: (input) => { joinBy(seal(input, secrets)) },
    },
    {
      name: 'GroupInfo in a Welcome, signed again',
      ...samplesOf([infoBytes], GroupInfo),
      feed: (input) => { joinBy(seal(sign(decode(GroupInfo, input)), secrets)) },
    },
    {
      name: 'ratchet tree in a Welcome, signed again',
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

export const joiningTargets = (scene: Scene): readonly Target[] =>
  [...keyPackageTargets(scene), ...welcomeTargets(scene), ...groupInfoTargets(scene)]
