import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { encode } from '../../main/mls/codec.ts'
import { openGroupInfo, openSecrets, type JoinOptions } from '../../main/mls/group/join.ts'
import {
  extensionType, generateKeyPackage, groupInfo, join, keyPackageRef, merge, MlsError, nodesOf, RatchetTreeNodes, Secret,
  toHex, trusting, type Group, type GroupInfo, type LeafIndex, type PreSharedKeyID, type RuleId, type Welcome,
} from '../../main/mls/index.ts'
import { encryptWithLabel, signWithLabel } from '../../main/mls/labelled.ts'
import { welcomeKey, welcomeSecret } from '../../main/mls/schedule/epoch.ts'
import { pskSecret } from '../../main/mls/schedule/psk.ts'
import { treeHash } from '../../main/mls/tree/hash.ts'
import { treeOf } from '../../main/mls/tree/ratchet-tree.ts'
import type { ResumptionPSKUsage } from '../../main/mls/wire/proposal.ts'
import { GroupInfo as GroupInfoCodec, GroupInfoTBS, GroupSecrets } from '../../main/mls/wire/welcome.ts'
import { bytes, snapshot, type Guest } from '../mls/group-world.ts'
import { distrusting, suite, world } from './forge.ts'
import { refused } from './refusals.ts'

/** Alice's group, after the commit by which Bob was invited. */
type Invitation = { readonly alice: Group, readonly guest: Guest, readonly welcome: Welcome }

function invitation(): Invitation {
  const alice = world.found('alice')
  const guest = world.guest('bob')
  const made = alice.prepare({ proposals: [{ type: 'add', keyPackage: guest.keyPackage }], forcePath: true })
  assert.equal(made.welcome?.body.type, 'welcome')
  return { alice: merge(made.group, made.pending).group, guest, welcome: made.welcome.body.welcome }
}

const { alice, guest, welcome } = invitation()

/** Bob tries to join; his private keys are copies, so that he may try again. */
function attempt(change: Partial<JoinOptions> = {}): Group {
  const { initPrivateKey, encryptionPrivateKey } = guest.privateKeys
  return join({
    suiteOf: world.suiteOf, welcome, keyPackage: guest.keyPackage,
    privateKeys: {
      initPrivateKey: new Secret(initPrivateKey.unwrap().slice()),
      encryptionPrivateKey: new Secret(encryptionPrivateKey.unwrap().slice()),
    },
    signaturePrivateKey: guest.person.signatureKeyPair.privateKey, authentication: trusting, ...change,
  }).group
}

const isRefused = (rule: RuleId, change: Partial<JoinOptions>): void => { refused(rule, () => attempt(change)) }

/** What a malicious inviter may alter; it is signed, encrypted and addressed as it should be. */
type Alteration = {
  readonly context?: Partial<GroupInfo['groupContext']>
  readonly info?: Partial<GroupInfo>
  readonly secrets?: Partial<GroupSecrets>
  readonly psk?: Secret
}

function alteredWelcome(change: Alteration): Welcome {
  const opened = openSecrets(suite, { welcome, keyPackage: guest.keyPackage, privateKeys: guest.privateKeys })
  const honest = openGroupInfo(suite, welcome, { joinerSecret: opened.joinerSecret, pskSecret: pskSecret(suite, []) })
  const { signature: forgedSignature, ...rest } = change.info ?? {}
  const { signature: _, ...unsigned } = { ...honest, ...rest, groupContext: { ...honest.groupContext, ...change.context } }
  const signature = forgedSignature
    ?? signWithLabel(suite, alice.signaturePrivateKey, 'GroupInfoTBS', encode(GroupInfoTBS, unsigned))
  const ids = change.secrets?.psks ?? []
  const psks = ids.map((id) => ({ id, psk: change.psk ?? new Secret(bytes('psk')) }))
  const secret = welcomeSecret(suite, { joinerSecret: opened.joinerSecret, pskSecret: pskSecret(suite, psks) })
  const { key, nonce } = welcomeKey(suite, secret)
  const info = encode(GroupInfoCodec, { ...unsigned, signature })
  const encryptedGroupInfo = suite.seal(key.unwrap(), nonce, new Uint8Array(0), info)
  const groupSecrets = encode(GroupSecrets, {
    joinerSecret: opened.joinerSecret.unwrap(),
    pathSecret: opened.pathSecret === undefined ? undefined : { pathSecret: opened.pathSecret.unwrap() },
    psks: [],
    ...change.secrets,
  })
  const { initKey } = guest.keyPackage
  const encryptedGroupSecrets = encryptWithLabel(suite, initKey, 'Welcome', encryptedGroupInfo, groupSecrets)
  const newMember = keyPackageRef(suite, guest.keyPackage)
  return { ...welcome, secrets: [{ newMember, encryptedGroupSecrets }], encryptedGroupInfo }
}

const isRefusedAs = (rule: RuleId, change: Alteration): void => { isRefused(rule, { welcome: alteredWelcome(change) }) }

/** GroupInfo extensions with another tree. */
function withNodes(nodes: ReturnType<typeof nodesOf>): Alteration {
  const extensionData = encode(RatchetTreeNodes, nodes)
  return {
    info: { extensions: [{ extensionType: extensionType.ratchetTree, extensionData }] },
    context: { treeHash: treeHash(suite, treeOf(nodes)) },
  }
}

const resumption = (usage: ResumptionPSKUsage, pskNonce = suite.random(32)): PreSharedKeyID =>
  ({ psk: { type: 'resumption', usage, pskGroupId: bytes('old'), pskEpoch: 4n }, pskNonce })

describe('a Welcome is refused', () => {
  test('but an honest one is not, however often it comes', () => {
    const joined = attempt()
    assert.equal(toHex(joined.context.treeHash), toHex(alice.context.treeHash))
    assert.deepEqual(snapshot(attempt({ welcome: alteredWelcome({}) })), snapshot(joined))
  })

  test('when it is not for this KeyPackage (12.4.3.1.new-member)', () => {
    const other = world.guest('carol')
    isRefused('12.4.3.1.new-member', { keyPackage: other.keyPackage, privateKeys: other.privateKeys })
  })

  test('when its cipher suite is not the KeyPackage\'s, or the GroupInfo\'s is not (12.4.3.1.cipher-suite)', () => {
    isRefused('12.4.3.1.cipher-suite', { welcome: { ...welcome, cipherSuite: 3 } })
    isRefusedAs('12.4.3.1.cipher-suite', { context: { cipherSuite: 3 } })
  })

  test('when its secrets are sealed to another key (5.1.3.open)', () => {
    const { privateKeys } = generateKeyPackage(suite, guest.person.leaf)
    isRefused('5.1.3.open', { privateKeys })
  })

  test('when its GroupInfo does not open (12.4.3.1.group-info)', () => {
    const joinerSecret = suite.random(32)
    isRefusedAs('12.4.3.1.group-info', { secrets: { joinerSecret } })
  })

  test('when its GroupInfo is of another version (12.4.3.1.version)', () => {
    isRefusedAs('12.4.3.1.version', { context: { version: 2 } })
  })

  test('when its GroupInfo has one extension twice (13.4.unique-extension)', () => {
    const { extensions } = groupInfo(alice)
    isRefusedAs('13.4.unique-extension', { info: { extensions: [...extensions, ...extensions] } })
  })

  test('when nobody, or somebody else, signed its GroupInfo (12.4.3.1.signer, 12.4.3.1.signature)', () => {
    isRefusedAs('12.4.3.1.signer', { info: { signer: 5 as LeafIndex } })
    isRefusedAs('12.4.3.1.signature', { info: { signer: 1 as LeafIndex } })
    isRefusedAs('12.4.3.1.signature', { info: { signature: new Uint8Array(64) } })
  })

  test('when the client is in that group already (12.4.3.group-id)', () => {
    isRefused('12.4.3.group-id', {
      groups: (groupId) => toHex(groupId) === toHex(alice.context.groupId) ? alice : undefined,
    })
  })

  test('when its tree is not the group\'s (12.4.3.1.tree-hash)', () => {
    isRefusedAs('12.4.3.1.tree-hash', { context: { treeHash: new Uint8Array(32) } })
  })

  test('when the own leaf is not in its tree (12.4.3.1.own-leaf)', () => {
    isRefusedAs('12.4.3.1.own-leaf', withNodes(nodesOf(alice.tree).slice(0, 1)))
  })

  test('when its tree comes from nowhere (12.4.3.1.ratchet-tree)', () => {
    const bare = alteredWelcome({ info: { extensions: [] } })
    isRefused('12.4.3.1.ratchet-tree', { welcome: bare })
    assert.deepEqual(snapshot(attempt({ welcome: bare, ratchetTree: nodesOf(alice.tree) })), snapshot(attempt()))
  })

  test('when the group has an extension that the client does not support (13.4.group-extensions)', () => {
    isRefusedAs('13.4.group-extensions', { context: { extensions: [{ extensionType: 0xf00d, extensionData: bytes('') }] } })
  })

  test('when a member\'s credential is not accepted (5.3.1.credential)', () => {
    isRefused('5.3.1.credential', { authentication: distrusting({ validate: () => 'a stranger' }) })
  })

  test('when its confirmation tag is wrong (12.4.3.1.confirmation-tag)', () => {
    isRefusedAs('12.4.3.1.confirmation-tag', { info: { confirmationTag: new Uint8Array(32) } })
    isRefusedAs('12.4.3.1.confirmation-tag', { context: { epoch: 2n } })
  })

  test('when its path secret is not the tree\'s (12.4.3.1.path-secret)', () => {
    isRefusedAs('12.4.3.1.path-secret', { secrets: { pathSecret: { pathSecret: suite.random(32) } } })
    isRefusedAs('12.4.1.path-secret-length', { secrets: { pathSecret: { pathSecret: suite.random(31) } } })
  })

  test('when it has no path secret, and its tree wants one (7.1.unmerged-own)', () => {
    isRefusedAs('7.1.unmerged-own', { secrets: { pathSecret: undefined } })
  })

  test('when it needs a PSK that is not held (12.4.2.psk-held)', () => {
    isRefusedAs('12.4.2.psk-held', { secrets: { psks: [resumption('application')] } })
  })

  test('when the nonce of a PSK is too short or too long (12.1.4.nonce)', () => {
    const psk = new Secret(bytes('old'))
    for (const length of [0, 31, 33]) for (const usage of ['application', 'branch'] as const) {
      const psks = [resumption(usage, suite.random(length))]
      isRefused('12.1.4.nonce', { welcome: alteredWelcome({ secrets: { psks }, psk }), psks: () => psk })
    }
  })

  test('with two PSKs that continue another group, or one in a later epoch (12.4.3.1.one-special-psk, -epoch)', () => {
    const psk = new Secret(bytes('old'))
    const psks = () => psk
    isRefused('12.4.3.1.one-special-psk', {
      welcome: alteredWelcome({ secrets: { psks: [resumption('reinit'), resumption('branch')] }, psk }), psks,
    })
    isRefused('12.4.3.1.special-epoch', {
      welcome: alteredWelcome({ secrets: { psks: [resumption('branch')] }, psk, context: { epoch: 2n } }), psks,
    })
  })

  test('of a cipher suite that is not there, it is unsupported', () => {
    assert.throws(() => attempt({ suiteOf: () => undefined }),
      (error) => error instanceof MlsError && error.code === 'unsupported')
  })
})
