import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import fc from 'fast-check'
import {
  decodePolicy, DeviceLogHead, encodePolicy, extensionTypes, leafCapabilities, leafExtensions, leafLifetime, logHeadIn,
  requiredExtensions, Revocations, type Policy,
} from '../../main/chat/extensions.ts'
import { cleanName } from '../../main/identity/fields.ts'
import {
  Capabilities, concat, decode, encode, Lifetime, MlsError, RequiredCapabilities, toHex,
} from '../../main/mls/index.ts'
import { newAccount, suite } from '../identity/account.ts'

const isMlsError = (code: string) => (error: unknown): boolean => error instanceof MlsError && error.code === code

const policyOf = (changes: Partial<Policy> = {}): Policy => ({
  kind: 'group', name: 'Book club', admins: [newAccount().accountId], membersMayAdd: true, log: suite.random(16),
  ...changes,
})

describe('The policy of a group', () => {
  test('is read back as it was written', () => {
    const bytes = (length: number) => fc.uint8Array({ minLength: length, maxLength: length })
    fc.assert(fc.property(fc.record({
      kind: fc.constantFrom('direct' as const, 'group' as const),
      name: fc.string({ unit: 'grapheme', maxLength: 40 }).map(cleanName),
      admins: fc.uniqueArray(bytes(32), { maxLength: 5, selector: toHex }),
      membersMayAdd: fc.boolean(),
      log: bytes(16),
    }, { noNullPrototype: true }), (policy) => {
      assert.deepEqual(decodePolicy(encodePolicy(policy)), policy)
    }))
  })

  test('in a later version stops the group with a clear word, and is not called damaged', () => {
    assert.throws(() => decodePolicy(encodePolicy(policyOf()).with(0, 2)), isMlsError('unsupported'))
  })

  test('has no second encoding: wrong flags, doubled admins, cut or longer bytes are malformed', () => {
    const policy = policyOf({ name: '', admins: [] })
    const bytes = encodePolicy(policy) // version, kind, name (0), admins (0), flag, log
    assert.equal(bytes.length, 5 + 16)
    assert.throws(() => decodePolicy(bytes.with(1, 4)), isMlsError('malformed'), 'a kind that does not exist')
    assert.throws(() => decodePolicy(bytes.with(4, 2)), isMlsError('malformed'), 'a flag that is neither')
    assert.throws(() => decodePolicy(bytes.slice(0, -1)), isMlsError('malformed'))
    assert.throws(() => decodePolicy(Uint8Array.of(...bytes, 0)), isMlsError('malformed'))
    const admin = newAccount().accountId
    const twice = concat(bytes.subarray(0, 3), Uint8Array.of(0x40, 64), admin, admin, bytes.subarray(4))
    assert.throws(() => decodePolicy(twice), isMlsError('malformed'))
    assert.throws(() => encodePolicy(policyOf({ admins: [admin, admin] })), isMlsError('misuse'))
    assert.throws(() => encodePolicy(policyOf({ name: 'x'.repeat(81) })), isMlsError('misuse'))
    assert.throws(() => encodePolicy(policyOf({ log: new Uint8Array(32) })), isMlsError('misuse'))
  })

  test('never changes its form', () => {
    const policy = policyOf({ admins: [new Uint8Array(32).fill(1)], log: new Uint8Array(16).fill(2) })
    assert.equal(toHex(encodePolicy(policy)),
      `010209${toHex(new TextEncoder().encode('Book club'))}20${'01'.repeat(32)}01${'02'.repeat(16)}`)
  })
})

describe('The log head in a leaf', () => {
  test('is found among other extensions, and missing where there is none', () => {
    const head: DeviceLogHead = { n: 7, hash: newAccount().accountId }
    const other = { extensionType: 0xf123, extensionData: new Uint8Array(3) }
    assert.deepEqual(logHeadIn([other, ...leafExtensions(head)]), head)
    assert.equal(logHeadIn([other]), undefined)
  })

  test('in a later version or damaged is told apart', () => {
    const bytes = encode(DeviceLogHead, { n: 0, hash: newAccount().accountId })
    const of = (extensionData: Uint8Array) => [{ extensionType: extensionTypes.deviceLogHead, extensionData }]
    assert.equal(toHex(bytes.subarray(0, 5)), '0100000000')
    assert.throws(() => logHeadIn(of(bytes.with(0, 2))), isMlsError('unsupported'))
    assert.throws(() => logHeadIn(of(bytes.slice(1))), isMlsError('unsupported'))
    assert.throws(() => logHeadIn(of(bytes.slice(0, -1))), isMlsError('malformed'))
  })
})

test('Revocations in a group are read back as they were written', () => {
  const revocations: Revocations = {
    revocations: [
      { accountId: newAccount().accountId, revokedKey: suite.random(32), lastHonoured: 12 },
      { accountId: newAccount().accountId, revokedKey: suite.random(32), lastHonoured: 0 },
    ],
  }
  const bytes = encode(Revocations, revocations)
  assert.deepEqual(decode(Revocations, bytes), revocations)
  assert.equal(bytes.length, 1 + 2 + 2 * 68)
  assert.throws(() => decode(Revocations, bytes.with(0, 3)), isMlsError('unsupported'))
  assert.throws(() => decode(Revocations, bytes.slice(0, -1)), isMlsError('malformed'))
})

describe('What a leaf says about itself', () => {
  test('uses code points for private use, each once', () => {
    const points = Object.values(extensionTypes)
    assert.equal(new Set(points).size, points.length)
    assert.ok(points.every((point) => point >= 0xf000 && point <= 0xffff))
  })

  test('covers all that a Coppice group requires, so that its own members could join it', () => {
    const [extension, ...rest] = requiredExtensions()
    assert.ok(extension !== undefined)
    assert.deepEqual(rest, [])
    const required = decode(RequiredCapabilities, extension.extensionData)
    const capabilities = leafCapabilities()
    for (const type of Object.values(extensionTypes)) assert.ok(required.extensionTypes.includes(type))
    assert.ok(required.extensionTypes.every((type) => capabilities.extensions.includes(type)))
    assert.ok(required.proposalTypes.every((type) => capabilities.proposals.includes(type)))
    assert.ok(required.credentialTypes.every((type) => capabilities.credentials.includes(type)))
    assert.ok(leafExtensions({ n: 0, hash: new Uint8Array(32) })
      .every((one) => capabilities.extensions.includes(one.extensionType)), 'RFC 9420 §7.2')
    assert.deepEqual(decode(Capabilities, encode(Capabilities, capabilities)), capabilities)
  })

  test('is valid from a day ago to 90 days ahead, in whole seconds', () => {
    const lifetime = leafLifetime(1_750_000_000_999)
    assert.deepEqual(lifetime, { notBefore: 1_750_000_000n - 86_400n, notAfter: 1_750_000_000n + 90n * 86_400n })
    assert.deepEqual(decode(Lifetime, encode(Lifetime, lifetime)), lifetime)
  })
})
