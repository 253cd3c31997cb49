/**
 * The moments of RFC 9420 §5.3.1 at which credentials are validated, each with every way in which a certificate path can
 * be wrong. Whoever sends them has an engine that takes everything.
 */
import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import {
  commit, createGroup, generateKeyPackage, groupInfo, join, joinExternally, merge, MlsError, observe, propose,
  proposeUpdate, receive, trusting, validateKeyPackage,
  type Credential, type Group, type KeyPackage, type KeyPackagePrivate, type KeyPair, type MLSMessage,
} from '../../main/mls/index.ts'
import { leafCapabilities, leafLifetime } from '../../main/chat/extensions.ts'
import { authentication, encodeCredential, pathLimit } from '../../main/identity/credential.ts'
import type { SignedEntry } from '../../main/identity/entry.ts'
import { deviceIdFor } from '../../main/identity/genesis.ts'
import { add, damaged, grant, LogWriter, newAccount, renew, suite, type Account } from './account.ts'

const judge = authentication(suite)
const suiteOf = () => suite

type Device = { readonly credential: Credential, readonly signatureKeyPair: KeyPair }
const deviceOf = (
  account: Account, key: KeyPair, path: readonly SignedEntry[] = [], first = key,
): Device => ({
  credential: encodeCredential({
    accountId: account.accountId, deviceId: deviceIdFor(suite, first.publicKey), genesis: account.genesis,
    path: [...path],
  }),
  signatureKeyPair: key,
})

/** Mallory's devices, each of which is wrong in one way, by the reason. */
function wrongOnes(): readonly (readonly [string, Device])[] {
  const writer = new LogWriter(newAccount())
  const { account } = writer
  const [desktop, phone] = [writer.key(), writer.key()]
  const addDesktop = writer.write(account.laptop, add(desktop))
  const trust = writer.write(account.laptop, grant(desktop))
  const addPhone = writer.write(desktop, add(phone))
  const long = new LogWriter(account)
  const keys = [account.laptop]
  for (let n = 0; n <= pathLimit; n += 1) {
    const next = long.key()
    long.write(keys.at(-1) ?? account.laptop, renew(next))
    keys.push(next)
  }
  const whole = [addDesktop, trust, addPhone]
  return [
    ['leaf-key', { ...deviceOf(account, phone, whole), signatureKeyPair: writer.key() }],
    ['path-long', deviceOf(account, keys.at(-1) ?? phone, long.entries, account.laptop)],
    ['path-broken', deviceOf(account, phone, [addPhone])],
    ['path-right', deviceOf(account, phone, [addDesktop, addPhone])],
    ['path-signature', deviceOf(account, phone, [addDesktop, { ...trust, signature: damaged(trust.signature) }, addPhone])],
    ['device-id', deviceOf(account, phone, whole, desktop)],
  ]
}

type Guest = { readonly device: Device, readonly keyPackage: KeyPackage, readonly privateKeys: KeyPackagePrivate }

function guest(device: Device): Guest {
  const made = generateKeyPackage(suite, { ...device, capabilities: leafCapabilities(), lifetime: leafLifetime(Date.now()) })
  return { device, ...made }
}

const found = (device: Device): Group => createGroup(suite, {
  groupId: suite.random(16), ...device, capabilities: leafCapabilities(), lifetime: leafLifetime(Date.now()),
})

/** Adds somebody by an engine that takes everything; gives the group after it, and the two messages. */
function added(group: Group, { keyPackage }: Guest): {
  readonly group: Group, readonly message: MLSMessage, readonly welcome: MLSMessage
} {
  const made = commit(group, {
    proposals: [{ type: 'add', keyPackage: validateKeyPackage(suite, keyPackage, { authentication: trusting }) }],
    authentication: trusting,
  })
  assert.ok(made.welcome !== undefined)
  return { group: merge(made.group, made.pending).group, message: made.message, welcome: made.welcome }
}

function joined(guest: Guest, welcome: MLSMessage, by = judge): Group {
  assert.ok(welcome.body.type === 'welcome')
  return join({
    suiteOf, welcome: welcome.body.welcome, keyPackage: guest.keyPackage, privateKeys: guest.privateKeys,
    signaturePrivateKey: guest.device.signatureKeyPair.privateKey, authentication: by,
  }).group
}

/** Anna, who checks, and Mallory, who does not, in one group; both came in with nothing wrong. */
function meeting() {
  const [annas, mallorys] = [newAccount(), newAccount()]
  const mallory = guest(deviceOf(mallorys, mallorys.laptop))
  const founded = added(found(deviceOf(annas, annas.laptop)), mallory)
  return { anna: founded.group, mallory: joined(mallory, founded.welcome), account: mallorys }
}

const refused = (rule: string, reason: string) => (error: unknown): boolean =>
  error instanceof MlsError && error.code === 'refused' && error.rule === rule && error.message.includes(`(${reason})`)
const credential = '5.3.1.credential'
const successor = '5.3.1.successor'

const take = (group: Group, message: MLSMessage) => receive(group, message, { authentication: judge })

/** A proposal is refused where it comes, and a commit that refers to it. */
function refusedProposal(anna: Group, mallory: Group, rule: string, message: MLSMessage): void {
  const seen = take(anna, message)
  assert.ok(seen.type === 'proposal')
  assert.equal(seen.refused, rule)
  const made = commit(mallory, { authentication: trusting })
  assert.throws(() => take(seen.group, made.message), (error) => error instanceof MlsError && error.rule === rule)
}

describe('A credential is refused, with its reason,', () => {
  for (const [reason, device] of wrongOnes()) {
    test(`${reason}: in a KeyPackage, an Add, an Update, a commit, a Welcome’s tree, and from outside`, () => {
      const { anna, mallory } = meeting()
      const wrong = guest(device)
      const options = { authentication: judge, now: BigInt(Math.floor(Date.now() / 1000)) }
      assert.throws(() => validateKeyPackage(suite, wrong.keyPackage, options), refused(credential, reason))
      assert.doesNotThrow(() => validateKeyPackage(suite, wrong.keyPackage, { ...options, authentication: trusting }))

      assert.throws(() => take(anna, added(mallory, wrong).message), refused(credential, reason))
      const proposed = propose(mallory, {
        type: 'add', keyPackage: validateKeyPackage(suite, wrong.keyPackage, { authentication: trusting }),
      })
      refusedProposal(anna, proposed.group, credential, proposed.message)

      const update = proposeUpdate(mallory, device)
      const seen = take(anna, update.message)
      assert.ok(seen.type === 'proposal')
      assert.equal(seen.refused, credential)

      const path = commit(mallory, { ...device, forcePath: true, authentication: trusting })
      assert.throws(() => take(anna, path.message), refused(credential, reason))

      const account = newAccount()
      const honest = guest(deviceOf(account, account.laptop))
      const { welcome, group } = added(found(device), honest)
      assert.throws(() => joined(honest, welcome), refused(credential, reason))
      assert.doesNotThrow(() => joined(honest, welcome, trusting))
      assert.throws(() => observe({
        suiteOf, groupInfo: groupInfo(group, { externalPub: true }), authentication: judge,
      }), refused(credential, reason))

      const outside = joinExternally({
        suiteOf, groupInfo: groupInfo(anna, { externalPub: true }), ...device, capabilities: leafCapabilities(),
        authentication: trusting,
      })
      assert.throws(() => take(anna, outside.message), refused(credential, reason))
    })
  }
})

describe('A leaf stays with its device', () => {
  /** Good credentials, but of others. */
  const others = ({ account }: ReturnType<typeof meeting>): readonly (readonly [string, Device])[] => {
    const writer = new LogWriter(account)
    const desktop = writer.key()
    const path = [writer.write(account.laptop, add(desktop))]
    const stranger = newAccount()
    return [
      ['successor-device', deviceOf(account, desktop, path)],
      ['successor-account', deviceOf(stranger, stranger.laptop)],
    ]
  }

  for (const index of [0, 1]) {
    test(`and is refused for ${['another device of the account', 'another account'][index]}`, () => {
      const scene = meeting()
      const { anna, mallory } = scene
      const [reason, device] = others(scene)[index] ?? ['', undefined]
      assert.ok(device !== undefined)
      const path = commit(mallory, { ...device, forcePath: true, authentication: trusting })
      assert.throws(() => take(anna, path.message), refused(successor, reason))
      const update = take(anna, proposeUpdate(mallory, device).message)
      assert.ok(update.type === 'proposal')
      assert.equal(update.refused, successor)
      const resync = joinExternally({
        suiteOf, groupInfo: groupInfo(anna, { externalPub: true }), ...device, capabilities: leafCapabilities(),
        authentication: trusting, replaces: mallory.ownLeaf,
      })
      assert.throws(() => take(anna, resync.message), MlsError)
    })
  }

  test('and is taken from the same one with a renewed key, its path longer by one entry', () => {
    const { anna, mallory, account } = meeting()
    const writer = new LogWriter(account)
    const key = writer.key()
    const path = [writer.write(account.laptop, renew(key))]
    const made = commit(mallory, {
      ...deviceOf(account, key, path, account.laptop), forcePath: true, authentication: judge,
    })
    const seen = take(anna, made.message)
    assert.ok(seen.type === 'commit')
    assert.deepEqual(seen.applied.updated.map(({ after }) => after.signatureKey), [key.publicKey])
  })
})
