import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { trusting, validateKeyPackage, type KeyPackage, type RuleId } from '../../main/mls/index.ts'
import { bytes } from '../mls/group-world.ts'
import { distrusting, forgeUpdate, resignedPackage, suite, world } from './forge.ts'
import { refused } from './refusals.ts'

const guest = world.guest('bob')
const isRefused = (rule: RuleId, keyPackage: KeyPackage): void => {
  refused(rule, () => validateKeyPackage(suite, keyPackage, { authentication: trusting }))
}

describe('a KeyPackage is refused', () => {
  test('and an honest one is not', () => {
    validateKeyPackage(suite, resignedPackage(guest), { authentication: trusting, now: 1n })
  })

  test('and one with an extension that its leaf does not list is not: it may be GREASE', () => {
    const extensions = [{ extensionType: 0x3a3a, extensionData: bytes('x') }]
    validateKeyPackage(suite, resignedPackage(guest, { extensions }), { authentication: trusting })
  })

  test('with another protocol version (10.1.version)', () => {
    isRefused('10.1.version', resignedPackage(guest, { version: 2 }))
  })

  test('with another cipher suite (10.1.cipher-suite)', () => {
    isRefused('10.1.cipher-suite', resignedPackage(guest, { cipherSuite: 3 }))
  })

  test('with a signature over something else (10.1.signature)', () => {
    isRefused('10.1.signature', { ...guest.keyPackage, initKey: world.guest('carol').keyPackage.initKey })
  })

  test('with one key for two purposes (10.1.init-key)', () => {
    isRefused('10.1.init-key', resignedPackage(guest, { initKey: guest.keyPackage.leafNode.encryptionKey }))
  })

  test('with an init key that nobody can encrypt to (10.init-key)', () => {
    // Too short, too long, and of small order.
    for (const length of [0, 31, 33, 32]) {
      isRefused('10.init-key', resignedPackage(guest, { initKey: new Uint8Array(length) }))
    }
  })

  test('with one extension twice (13.4.unique-extension)', () => {
    const extension = { extensionType: 0xf001, extensionData: bytes('x') }
    isRefused('13.4.unique-extension', resignedPackage(guest, { extensions: [extension, extension] }))
  })

  test('with a leaf that was made for a place in a group (7.3.source)', () => {
    const update = forgeUpdate(world.found('bob'))
    assert.equal(update.type, 'update')
    isRefused('7.3.source', { ...guest.keyPackage, leafNode: update.leafNode })
  })

  test('before its lifetime and after it (7.3.lifetime)', () => {
    const lifetime = { notBefore: 100n, notAfter: 200n }
    const keyPackage = resignedPackage(guest, { leaf: { leafNodeSource: { type: 'keyPackage', lifetime } } })
    for (const now of [99n, 201n]) {
      refused('7.3.lifetime', () => validateKeyPackage(suite, keyPackage, { authentication: trusting, now }))
    }
    for (const now of [100n, 200n]) validateKeyPackage(suite, keyPackage, { authentication: trusting, now })
  })

  test('with a credential that the authentication service does not accept (5.3.1.credential)', () => {
    const authentication = distrusting({ validate: () => 'a stranger' })
    refused('5.3.1.credential', () => validateKeyPackage(suite, guest.keyPackage, { authentication }))
  })
})
