import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  Credential, decode, encode, fromHex, generateKeyPackage, leafAt, proposeUpdate, toHex, trusting,
  validateKeyPackage, type Authentication,
} from '../../main/mls/index.ts'
import { certified, certify, chainOf, type Issuer } from './certificates.ts'
import {
  assertAgree, assertTalk, breaks, bytes, implementations, type Member, type Person, tell, World,
} from './group-world.ts'

// RFC 9420 §5.3: the two types of credentials, of which the engine carries both and looks into none.

const native = implementations[0]
assert.ok(native !== undefined)
const world = new World(native.suites('credentials'), 1, { credentials: [1, 2] })
const { suite } = world

describe('on the wire', () => {
  test('a basic credential is its identity', () => {
    const credential = { type: 'basic', identity: bytes('alice') } as const
    assert.equal(toHex(encode(Credential, credential)), `000105${toHex(bytes('alice'))}`)
    assert.deepEqual(decode(Credential, encode(Credential, credential)), credential)
  })

  test('an X.509 credential is a list of certificates, each with a length of its own', () => {
    const credential = chainOf(fromHex('aabb'), fromHex('cc'))
    assert.equal(toHex(encode(Credential, credential)), '00020502aabb01cc')
    assert.deepEqual(decode(Credential, fromHex('00020502aabb01cc')), credential)
    assert.deepEqual(decode(Credential, fromHex('000200')), chainOf())
    assert.throws(() => decode(Credential, fromHex('00020402aabb01')), breaks('2.1.truncated'))
  })
})

describe('in groups of people with certificates', () => {
  const root: Issuer = { name: 'root', keys: suite.signatureKeyPair() }
  const office: Issuer = { name: 'office', keys: suite.signatureKeyPair() }
  const rootCertificate =
    certify(suite, { issuer: root, name: root.name, key: root.keys.publicKey, ca: true })
  const officeCertificate =
    certify(suite, { issuer: root, name: office.name, key: office.keys.publicKey, ca: true })
  const authentication = certified(rootCertificate)
  const options = { authentication }
  const certificateOf = ({ name, signatureKeyPair: { publicKey: key } }: Person, issuer = office): Uint8Array =>
    certify(suite, { issuer, name, key })

  /** Somebody with a KeyPackage that shows this credential. */
  const guestWith = (person: Person, credential: Credential) =>
    ({ person, ...generateKeyPackage(suite, { ...person.leaf, credential }) })
  const isTaken = (person: Person, credential: Credential, by: Authentication = authentication): void => {
    validateKeyPackage(suite, guestWith(person, credential).keyPackage, { authentication: by })
  }

  test('a chain may be whole, or without what others have anyway', () => {
    const alice = world.person('alice')
    isTaken(alice, chainOf(certificateOf(alice), officeCertificate, rootCertificate))
    isTaken(alice, chainOf(certificateOf(alice), officeCertificate))
    isTaken(alice, chainOf(certificateOf(alice, root)))
  })

  test('the engine passes on what the authentication service says of the rest', () => {
    const [alice, mallory] = [world.person('alice'), world.person('mallory')]
    const own = certificateOf(alice)
    const impostor: Issuer = { ...office, keys: suite.signatureKeyPair() }
    const wrong: readonly (readonly [string, Person, Credential])[] = [
      ['another key', mallory, chainOf(own, officeCertificate)],
      ['another key', alice, chainOf(officeCertificate, own)],
      ['no chain', alice, chainOf(own)],
      ['no chain', alice, chainOf(own, rootCertificate)],
      ['no chain', alice, chainOf(certificateOf(alice, impostor), officeCertificate)],
      // Who has a certificate is not therefore somebody who gives them.
      ['no chain', mallory, chainOf(
        certificateOf(mallory, { name: 'alice', keys: alice.signatureKeyPair }), own, officeCertificate)],
      ['no certificate', alice, chainOf()],
      ['no certificate', alice, chainOf(bytes('not DER'))],
      ['no certificate', alice, alice.leaf.credential],
    ]
    for (const [reason, person, credential] of wrong) {
      assert.throws(() => { isTaken(person, credential) }, (error) =>
        breaks('5.3.1.credential')(error) && error instanceof Error && error.message.includes(reason))
      isTaken(person, credential, trusting)
    }
  })

  test('they meet, talk, and renew their certificates', () => {
    const [alice, bob, carol] = ['alice', 'bob', 'carol'].map((name) => {
      const person = world.person(name)
      return guestWith(person, chainOf(certificateOf(person), officeCertificate))
    })
    assert.ok(alice !== undefined && bob !== undefined && carol !== undefined)
    const founder = world.found('nobody')
    const made = founder.prepare({
      proposals: [alice, bob, carol].map(({ keyPackage }) => ({ type: 'add', keyPackage })),
    })
    founder.accept(made)
    const members = [alice, bob, carol].map((guest) => world.join(guest, made)) as [Member, Member, Member]
    const [first, second, third] = members
    // The founder has no certificate, which was let pass so far; now it goes.
    assert.throws(() => world.enter(alice, made, options), breaks('5.3.1.credential'))
    const removal = first.prepare({ ...options, proposals: [{ type: 'remove', removed: founder.group.ownLeaf }] })
    first.accept(removal)
    for (const member of [second, third]) member.receive(removal.message, undefined, options)
    assertTalk(members)

    const keys = suite.signatureKeyPair()
    const renewed = certify(suite, { issuer: root, name: 'bob', key: keys.publicKey })
    tell(proposeUpdate(second.group, { signatureKeyPair: keys, credential: chainOf(renewed) }), {
      from: second, to: [first, third],
    })
    const update = third.prepare(options)
    assert.deepEqual(update.applied.proposals.map(({ proposal }) => proposal.type), ['update'])
    third.accept(update)
    for (const member of [first, second]) member.receive(update.message, undefined, options)
    assertAgree(members)
    assert.deepEqual(leafAt(first.group.tree, second.group.ownLeaf)?.credential, chainOf(renewed))
    assertTalk(members)

    // Nobody becomes somebody else, and nobody comes twice.
    const other = certify(suite, { issuer: root, name: 'dave', key: keys.publicKey })
    const changed = second.prepare({ credential: chainOf(other) })
    assert.throws(() => first.receive(changed.message, undefined, options), breaks('5.3.1.successor'))
    const again = world.person('alice')
    const { keyPackage } = guestWith(again, chainOf(certificateOf(again, root)))
    const add = { type: 'add', keyPackage } as const
    assert.throws(() => first.prepare({ ...options, proposals: [add] }), breaks('12.2.add-member'))
  })
})
