import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  decode, encode, extensionType, fromHex, generateKeyPackage, isLastResort, join, KeyPackage, trusting, type Extension,
  type KeyPackagePrivate,
} from '../../main/mls/index.ts'
import { draftComponentId } from '../../main/mls/wire/drafts.ts'
import { AppDataDictionary } from '../../main/mls/wire/extension.ts'
import { assertTalk, breaks, bytes, custom, failsAs, implementations, type Guest, type Member, World } from './group-world.ts'

// KeyPackages of last resort: RFC 9420 §10, §16.8, draft-ietf-mls-extensions.

const native = implementations[0]
assert.ok(native !== undefined)
const suites = native.suites('last resort')
const able = { extensions: [custom, extensionType.lastResort, extensionType.appDataDictionary] }
const world = new World(suites, 1, able)

const dictionary = (...components: readonly (readonly [number, string])[]): Extension => ({
  extensionType: extensionType.appDataDictionary,
  extensionData: encode(AppDataDictionary, {
    componentData: components.map(([componentId, data]) => ({ componentId, data: bytes(data) })),
  }),
})
const component = draftComponentId.lastResortKeyPackage

describe('a KeyPackage of last resort', () => {
  test('is marked when it is made, and tells so in its bytes and in an Add', () => {
    const { leaf } = world.person('bob')
    const { keyPackage } = generateKeyPackage(world.suite, { ...leaf, lastResort: true })
    assert.deepEqual(keyPackage.extensions, [{ extensionType: 0x000a, extensionData: bytes('') }])
    assert.ok(isLastResort(decode(KeyPackage, encode(KeyPackage, keyPackage))))
    assert.ok(!isLastResort(generateKeyPackage(world.suite, leaf).keyPackage))
    const [alice, carol] = world.gather('alice', 'carol') as [Member, Member]
    const made = alice.prepare({ proposals: [{ type: 'add', keyPackage }] })
    const seen = carol.receive(made.message)
    assert.equal(seen.type, 'commit')
    const [added] = seen.applied.proposals
    assert.ok(added?.proposal.type === 'add' && isLastResort(added.proposal.keyPackage))
  })

  test('is not made by who does not list the mark', () => {
    const { leaf } = new World(suites, 1).person('bob')
    assert.throws(() => generateKeyPackage(world.suite, { ...leaf, lastResort: true }), failsAs('misuse'))
  })

  test('is told by either mark: the extension as deployed, and the component of the draft', () => {
    const marked = (...extensions: readonly Extension[]): boolean => {
      const { keyPackage } = generateKeyPackage(world.suite, { ...world.person('bob').leaf, extensions })
      return isLastResort(decode(KeyPackage, encode(KeyPackage, keyPackage)))
    }
    assert.ok(marked({ extensionType: 0x000a, extensionData: bytes('') }))
    // The dictionary byte by byte: three octets of entries, the only one being 0x0004 without data.
    assert.ok(marked({ extensionType: 0x0006, extensionData: fromHex('03000400') }))
    assert.ok(marked(dictionary([1, 'x'], [component, ''], [0x8000, 'y'])))
    assert.ok(!marked(dictionary()))
    assert.ok(!marked(dictionary([5, ''])))
    // Both marks are "empty", and a dictionary is sorted and has each component once.
    assert.ok(!marked({ extensionType: 0x000a, extensionData: bytes('x') }))
    assert.ok(!marked(dictionary([component, 'x'])))
    assert.ok(!marked(dictionary([5, ''], [component, ''])))
    assert.ok(!marked(dictionary([component, ''], [component, ''])))
    assert.ok(!marked({ extensionType: 0x0006, extensionData: fromHex('0300') }))
    assert.ok(!marked({ extensionType: custom, extensionData: bytes('') }))
  })

  test('brings its owner into several groups, and another one into one', () => {
    const guestOf = (lastResort: boolean): Guest => {
      const person = world.person('bob')
      return { person, ...generateKeyPackage(world.suite, { ...person.leaf, lastResort }) }
    }
    const entered = (guest: Guest, privateKeys: KeyPackagePrivate) => {
      const [alice, carol] = world.gather('alice', 'carol') as [Member, Member]
      const made = alice.prepare({ proposals: [{ type: 'add', keyPackage: guest.keyPackage }] })
      alice.accept(made)
      carol.receive(made.message)
      assert.ok(made.welcome?.body.type === 'welcome')
      const { wipe } = join({
        suiteOf: suites, welcome: made.welcome.body.welcome, keyPackage: guest.keyPackage, privateKeys,
        signaturePrivateKey: guest.person.signatureKeyPair.privateKey, authentication: trusting,
      })
      for (const secret of wipe) secret.wipe()
      const bob = world.join({ ...guest, privateKeys }, made)
      assertTalk([alice, carol, bob])
    }
    const again = guestOf(true)
    entered(again, again.privateKeys)
    entered(again, again.privateKeys)
    const once = guestOf(false)
    assert.throws(() => { entered(once, once.privateKeys) }, breaks('5.1.3.open'))
  })
})
