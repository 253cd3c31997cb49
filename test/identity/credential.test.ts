import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { nativeSuites } from '../../main/crypto/native.ts'
import { encode, toHex, type Credential, type KeyPair } from '../../main/mls/index.ts'
import {
  accountIdOf, authentication, decodeCredential, deviceIdOf, encodeCredential, Identity, maximumLifetime, pathLimit,
  validateCredential,
} from '../../main/identity/credential.ts'
import { entryHash, type SignedEntry } from '../../main/identity/entry.ts'
import { deviceIdFor } from '../../main/identity/genesis.ts'
import {
  add, damaged, grant, LogWriter, newAccount, renew, repeatable, revoke, rotateRecovery, suite, type Account,
} from './account.ts'

/** The credential of a device whose first key is `first`, as its account would make it. */
const identityOf = (account: Account, first: KeyPair, path: readonly SignedEntry[] = []): Identity => ({
  accountId: account.accountId, deviceId: deviceIdFor(suite, first.publicKey), genesis: account.genesis, path,
})
const judge = (identity: Identity, key: KeyPair) =>
  validateCredential(suite, encodeCredential(identity), key.publicKey)

/** An account with a laptop, a trusted desktop that it added, and a phone that the desktop added. */
function family() {
  const writer = new LogWriter(newAccount())
  const { account } = writer
  const [desktop, tablet, phone] = [writer.key(), writer.key(), writer.key()]
  const addDesktop = writer.write(account.laptop, add(desktop, 'Desktop'))
  const addTablet = writer.write(account.laptop, add(tablet, 'Tablet'))
  const trustDesktop = writer.write(account.laptop, grant(desktop))
  const addPhone = writer.write(desktop, add(phone, 'Phone'))
  return { writer, account, desktop, tablet, phone, addDesktop, addTablet, trustDesktop, addPhone }
}

describe('A credential is valid', () => {
  test('for the first device, without any path', () => {
    const account = newAccount()
    assert.equal(judge(identityOf(account, account.laptop), account.laptop), undefined)
  })

  test('for a device that the first one added', () => {
    const { account, desktop, addDesktop } = family()
    assert.equal(judge(identityOf(account, desktop, [addDesktop]), desktop), undefined)
  })

  test('for a device that a trusted one added: the grant is on the path, entries of other devices are left out', () => {
    const { account, phone, addDesktop, trustDesktop, addPhone } = family()
    assert.equal(judge(identityOf(account, phone, [addDesktop, trustDesktop, addPhone]), phone), undefined)
  })

  test('for a renewed key, under the device\'s first id', () => {
    const { writer, account, tablet, addTablet } = family()
    const renewed = writer.key()
    const entry = writer.write(tablet, renew(renewed))
    assert.equal(judge(identityOf(account, tablet, [addTablet, entry]), renewed), undefined)
  })

  test('for a device that the recovery key added, also after that key was rotated', () => {
    const { writer, account } = family()
    const [first, next, second] = [writer.key(), writer.key(), writer.key()]
    const addFirst = writer.write(account.recovery, add(first))
    const rotation = writer.write(account.recovery, rotateRecovery(next))
    const addSecond = writer.write(next, add(second))
    assert.equal(judge(identityOf(account, first, [addFirst]), first), undefined)
    assert.equal(judge(identityOf(account, second, [rotation, addSecond]), second), undefined)
  })

  test('with sixteen entries on its path', () => {
    const { account, keys, path } = renewals(pathLimit)
    assert.equal(judge(identityOf(account, account.laptop, path), keys[pathLimit] ?? account.laptop), undefined)
  })

  test('by the same verdict on the native implementation', () => {
    const native = nativeSuites((length) => suite.random(length))(1)
    assert.ok(native !== undefined)
    const { account, phone, addDesktop, trustDesktop, addPhone } = family()
    const good = encodeCredential(identityOf(account, phone, [addDesktop, trustDesktop, addPhone]))
    const bad = encodeCredential(identityOf(account, phone, [addDesktop, addPhone]))
    assert.equal(validateCredential(native, good, phone.publicKey), undefined)
    assert.equal(validateCredential(native, bad, phone.publicKey), 'path-right')
  })
})

/** A laptop that renewed its key `count` times. */
function renewals(count: number) {
  const writer = new LogWriter(newAccount())
  const { account } = writer
  const keys = [account.laptop]
  for (let round = 0; round < count; round++) {
    const next = writer.key()
    writer.write(keys[round] ?? account.laptop, renew(next))
    keys.push(next)
  }
  return { account, keys, path: writer.entries }
}

describe('A credential is refused', () => {
  test('when it is of another type, or in a later version, or no identity at all', () => {
    const account = newAccount()
    const key = account.laptop.publicKey
    const bytes = encode(Identity, identityOf(account, account.laptop))
    const of = (identity: Uint8Array): Credential => ({ type: 'basic', identity })
    assert.equal(validateCredential(suite, { type: 'x509', certificates: [] }, key), 'type')
    assert.equal(validateCredential(suite, { type: 'custom', tag: 0xf000, data: bytes }, key), 'type')
    assert.equal(validateCredential(suite, of(bytes.with(0, 2)), key), 'version')
    assert.equal(validateCredential(suite, of(bytes.with(49, 2)), key), 'version', 'of a later genesis')
    for (const rubbish of [new Uint8Array(0), bytes.slice(0, -1), Uint8Array.of(...bytes, 0), bytes.slice(0, 49)]) {
      assert.equal(validateCredential(suite, of(rubbish), key), 'malformed')
    }
  })

  test('when its accountId is not the hash of the genesis', () => {
    const account = newAccount()
    const identity = { ...identityOf(account, account.laptop), accountId: newAccount().accountId }
    assert.equal(judge(identity, account.laptop), 'account-id')
  })

  test('when the genesis is not signed by both of its keys', () => {
    const account = newAccount()
    const { genesis } = account
    for (const broken of [
      { ...genesis, recoverySignature: damaged(genesis.recoverySignature) },
      { ...genesis, deviceSignature: damaged(genesis.deviceSignature) },
    ]) {
      const identity = { ...identityOf(account, account.laptop), genesis: broken }
      assert.equal(judge(identity, account.laptop), 'genesis-signature')
    }
  })

  test('when its path has more than sixteen entries', () => {
    const { account, keys, path } = renewals(pathLimit + 1)
    assert.equal(judge(identityOf(account, account.laptop, path), keys.at(-1) ?? account.laptop), 'path-long')
  })

  test('when the chain on its path is broken: order, history, a missing link, an end that is none', () => {
    const { writer, account, desktop, tablet, phone, addDesktop, addTablet, trustDesktop, addPhone } = family()
    const broken = (path: readonly SignedEntry[], end: KeyPair): void => {
      assert.equal(judge(identityOf(account, end, path), end), 'path-broken')
    }
    broken([addTablet, addDesktop], desktop)
    broken([addDesktop, addDesktop], desktop)
    broken([addPhone], phone) // Nothing says who the desktop is.
    broken([trustDesktop, addDesktop], desktop)
    broken([addDesktop, trustDesktop], desktop) // Does not end where the key begins.
    const elsewhere = new LogWriter(account)
    const detached = elsewhere.key()
    elsewhere.head = { n: 1, hash: damaged(entryHash(suite, addDesktop.entry)) }
    broken([addDesktop, elsewhere.write(account.laptop, add(detached))], detached)
    const first = new LogWriter(account)
    first.head = { n: 0, hash: newAccount().accountId }
    const alien = first.key()
    broken([first.write(account.laptop, add(alien))], alien)
    const renewed = writer.key()
    const renewal = writer.write(tablet, renew(renewed))
    const late = writer.key()
    broken([addTablet, renewal, writer.write(tablet, renew(late))], late) // By a key that was replaced.
  })

  test('when an entry on its path is by somebody without the right', () => {
    const { writer, account, tablet, phone, addDesktop, addTablet, addPhone } = family()
    assert.equal(judge(identityOf(account, phone, [addDesktop, addPhone]), phone), 'path-right', 'the grant is hidden')
    const watch = writer.key()
    const addWatch = writer.write(tablet, add(watch))
    assert.equal(judge(identityOf(account, watch, [addTablet, addWatch]), watch), 'path-right', 'never trusted')
    const trustItself = writer.write(tablet, grant(tablet))
    const more = writer.key()
    const addMore = writer.write(tablet, add(more))
    assert.equal(judge(identityOf(account, more, [addTablet, trustItself, addMore]), more), 'path-right')
    const taken = writer.key()
    const rotation = writer.write(account.laptop, rotateRecovery(taken))
    assert.equal(judge(identityOf(account, taken, [rotation]), taken), 'path-right')
  })

  test('when an entry on its path is not signed by its issuer, or the new key did not agree', () => {
    const { account, desktop, addDesktop } = family()
    const forged = { ...addDesktop, signature: damaged(addDesktop.signature) }
    const forced = { ...addDesktop, possession: damaged(addDesktop.possession ?? new Uint8Array(64)) }
    assert.equal(judge(identityOf(account, desktop, [forged]), desktop), 'path-signature')
    assert.equal(judge(identityOf(account, desktop, [forced]), desktop), 'path-signature')
  })

  test('when a revocation is on its path: those belong to the group', () => {
    const { writer, account, desktop, tablet, addDesktop } = family()
    const revocation = writer.write(account.laptop, revoke(tablet, 0))
    assert.equal(judge(identityOf(account, desktop, [addDesktop, revocation]), desktop), 'path-operation')
  })

  test('when the leaf\'s key is not the one that the path ends with', () => {
    const { writer, account, desktop, tablet, addDesktop, addTablet } = family()
    assert.equal(judge(identityOf(account, account.laptop), desktop), 'leaf-key')
    assert.equal(judge(identityOf(account, desktop, [addDesktop]), account.laptop), 'leaf-key')
    assert.equal(judge(identityOf(account, tablet, [addDesktop, addTablet]), desktop), 'leaf-key')
    const renewal = writer.write(tablet, renew(writer.key()))
    assert.equal(judge(identityOf(account, tablet, [addTablet, renewal]), tablet), 'leaf-key', 'the old key')
    const identity = encodeCredential(identityOf(account, account.laptop))
    assert.equal(validateCredential(suite, identity, new Uint8Array(65)), 'leaf-key', 'a key of another scheme')
  })

  test('when it names another device than the one its path leads to', () => {
    const { account, desktop, addDesktop } = family()
    assert.equal(judge(identityOf(account, account.laptop, [addDesktop]), desktop), 'device-id')
    const identity = { ...identityOf(account, account.laptop), deviceId: new Uint8Array(16) }
    assert.equal(judge(identity, account.laptop), 'device-id')
  })

  test('when the certificates are those of another account, even by the same keys', () => {
    const { account, desktop, addDesktop } = family()
    const twin: Account = { ...account, ...second(account) }
    assert.equal(judge(identityOf(twin, desktop, [addDesktop]), desktop), 'path-broken', 'its first link: the accountId')
    const skipping = new LogWriter(account)
    skipping.head = { n: 5, hash: account.accountId } // Too far from the genesis for the hash chain to show.
    const watch = skipping.key()
    const entry = skipping.write(account.laptop, add(watch))
    assert.equal(judge(identityOf(account, watch, [entry]), watch), undefined)
    assert.equal(judge(identityOf(twin, watch, [entry]), watch), 'path-signature')
  })
})

/** Another account with the very same keys. */
function second({ recovery, laptop }: Account): Pick<Account, 'genesis' | 'accountId'> {
  const keys = [recovery, laptop]
  const same = { ...suite, signatureKeyPair: () => keys.shift() ?? laptop }
  return newAccount(same)
}

describe('The authentication service', () => {
  const service = authentication(suite)
  const credentialOf = (account: Account, first: KeyPair, path: readonly SignedEntry[] = []): Credential =>
    encodeCredential(identityOf(account, first, path))

  test('validates a credential for its key, and says why not', () => {
    const account = newAccount()
    const credential = credentialOf(account, account.laptop)
    assert.equal(service.validate(credential, account.laptop.publicKey), undefined)
    assert.equal(service.validate(credential, account.recovery.publicKey), 'leaf-key')
  })

  test('takes a leaf that lives for 91 days, and none that lives longer', () => {
    const notBefore = 1_750_000_000n
    assert.equal(service.validateLifetime?.({ notBefore, notAfter: notBefore + maximumLifetime }), undefined)
    assert.equal(service.validateLifetime?.({ notBefore, notAfter: notBefore + maximumLifetime + 1n }), 'lifetime')
  })

  test('lets a leaf be replaced by the same device only, whatever path it shows', () => {
    const { writer, account, desktop, addDesktop } = family()
    const stranger = newAccount()
    const before = credentialOf(account, desktop, [addDesktop])
    const renewed = credentialOf(account, desktop, [addDesktop, writer.write(desktop, renew(writer.key()))])
    assert.equal(service.validateSuccessor(before, renewed), undefined)
    assert.equal(service.validateSuccessor(before, credentialOf(account, account.laptop)), 'successor-device')
    assert.equal(service.validateSuccessor(before, credentialOf(stranger, stranger.laptop)), 'successor-account')
    assert.notEqual(service.clientOf(before), undefined)
    assert.equal(service.clientOf(before), service.clientOf(renewed))
    assert.notEqual(service.clientOf(before), service.clientOf(credentialOf(account, account.laptop)))
  })

  test('never throws, not for a credential of another kind', () => {
    const account = newAccount()
    const good = credentialOf(account, account.laptop)
    const foreign: Credential = { type: 'x509', certificates: [] }
    const short: Credential = { type: 'basic', identity: Uint8Array.of(1, 2) }
    const newer: Credential = { type: 'basic', identity: new Uint8Array(49).with(0, 2) }
    assert.equal(service.validateSuccessor(good, foreign), 'type')
    assert.equal(service.validateSuccessor(short, good), 'malformed')
    assert.equal(service.validateSuccessor(newer, good), 'version')
    for (const other of [foreign, short, newer]) {
      assert.equal(service.clientOf(other), undefined)
      assert.notEqual(service.validate(other, account.laptop.publicKey), undefined)
    }
  })

  test('tells whose leaf it is from the first bytes', () => {
    const { account, desktop, addDesktop } = family()
    const credential = credentialOf(account, desktop, [addDesktop])
    assert.equal(accountIdOf(credential), toHex(account.accountId))
    assert.equal(deviceIdOf(credential), toHex(deviceIdFor(suite, desktop.publicKey)))
    assert.deepEqual(decodeCredential(credential), identityOf(account, desktop, [addDesktop]))
  })
})

test('The format never changes: this credential of version 1 is still valid, and made the same way', () => {
  const account = newAccount(repeatable())
  const credential = encodeCredential(identityOf(account, account.laptop))
  assert.equal(credential.type, 'basic')
  assert.equal(toHex(suite.hash(credential.identity)), PINNED)
  assert.equal(validateCredential(suite, credential, account.laptop.publicKey), undefined)
})

// Computed with node:crypto alone from the description of the format, not by this code.
const PINNED = '136ef51bd47a6493b9dfa8e0c05b7b5c131fa2ac7c664dca670003fa3479f1b9'
