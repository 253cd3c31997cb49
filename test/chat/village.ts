/** Anna, Carol, and Ben with his devices, in one group: what each member says of a commit. */
import assert from 'node:assert/strict'
import { accountOf } from '../../main/chat/account-of.ts'
import {
  encodePolicy, extensionTypes, incarnationExtension, leafCapabilities, leafExtensions, leafLifetime, requiredExtensions,
} from '../../main/chat/extensions.ts'
import { attachmentTypes, encodeNote, type Attachment } from '../../main/chat/note.ts'
import { commitRefusal, viewOf } from '../../main/chat/policy.ts'
import { proofOf, revocationsOf, withRevocations, type Revocation } from '../../main/chat/revocations.ts'
import { authentication as identities, encodeCredential } from '../../main/identity/credential.ts'
import { foldDeviceLog, type DeviceLog } from '../../main/identity/device-log.ts'
import type { SignedEntry } from '../../main/identity/entry.ts'
import { deviceIdFor } from '../../main/identity/genesis.ts'
import {
  commit, createGroup, generateKeyPackage, join, leavesOf, merge, receive, toHex, type Extensions, type Group,
  type KeyPair, type OwnProposal,
} from '../../main/mls/index.ts'
import { add, grant, LogWriter, newAccount, renew, revoke, suite, type Account } from '../identity/account.ts'

export const authentication = identities(suite)
export const now = Date.UTC(2026, 0, 1)
export const suiteOf = (id: number) => id === suite.id ? suite : undefined

/** A device: its first key names it; its leaf has `key`, by that path. */
export type Device = { readonly account: Account, readonly first: KeyPair, readonly key: KeyPair, readonly path: readonly SignedEntry[] }
export const laptopOf = (account: Account): Device => ({ account, first: account.laptop, key: account.laptop, path: [] })

export const credentialOf = ({ account: { accountId, genesis }, first, path }: Device) =>
  encodeCredential({ accountId, deviceId: deviceIdFor(suite, first.publicKey), genesis, path: [...path] })
const leafOptions = (device: Device, incarnation = 0n) => ({
  credential: credentialOf(device), signatureKeyPair: device.key, capabilities: leafCapabilities(),
  lifetime: leafLifetime(now), leafExtensions: [
    ...leafExtensions({ n: 0, hash: device.account.accountId }),
    ...incarnation === 0n ? [] : [incarnationExtension(incarnation)],
  ],
})
export const keyPackageOf = (device: Device, incarnation = 0n) => generateKeyPackage(suite, leafOptions(device, incarnation))

/**
 * Anna is the admin. Ben has a laptop; a tablet, which may link, and with which he linked a phone and gave it rights;
 * then the tablet was stolen.
 */
export class Village {
  readonly anna = laptopOf(newAccount())
  readonly carol = laptopOf(newAccount())
  readonly ben: Account = newAccount()
  readonly log = new LogWriter(this.ben)
  readonly laptop = laptopOf(this.ben)
  readonly tablet: Device
  readonly phone: Device
  /** The phone's key came by the tablet's hand. */
  readonly watch: Device
  readonly renewed: Device
  readonly grants: readonly SignedEntry[]
  annas: Group
  bens: Group
  tablets: Group
  phones: Group

  constructor(kind: 'direct' | 'group' = 'group', brings: readonly ('laptop' | 'tablet' | 'phone' | 'watch')[] = ['laptop', 'tablet', 'phone']) {
    const { ben, log } = this
    const [tablet, phone, watch, fresh] = [log.key(), log.key(), log.key(), log.key()]
    const addTablet = log.write(ben.laptop, add(tablet, 'Tablet'))
    const grantTablet = log.write(ben.laptop, grant(tablet))
    const addPhone = log.write(ben.laptop, add(phone, 'Phone'))
    const grantPhone = log.write(tablet, grant(phone))
    const addWatch = log.write(tablet, add(watch, 'Watch'))
    const renewTablet = log.write(tablet, renew(fresh))
    this.grants = [addTablet, grantTablet, addPhone, grantPhone]
    this.tablet = { account: ben, first: tablet, key: tablet, path: [addTablet] }
    this.renewed = { account: ben, first: tablet, key: fresh, path: [addTablet, renewTablet] }
    this.phone = { account: ben, first: phone, key: phone, path: [addPhone] }
    this.watch = { account: ben, first: watch, key: watch, path: [addTablet, grantTablet, addWatch] }
    const created = createGroup(suite, {
      groupId: suite.random(16), ...leafOptions(this.anna),
      extensions: [...requiredExtensions(), { extensionType: extensionTypes.policy, extensionData: encodePolicy({
        kind, name: kind === 'group' ? 'Village' : '', admins: [this.anna.account.accountId], membersMayAdd: false,
        log: suite.random(16),
      }) }],
    })
    const devices = [...brings.map((name) => this[name]), ...kind === 'group' ? [this.carol] : []]
    const packages = devices.map((device) => keyPackageOf(device))
    const made = commit(created, {
      authentication, proposals: packages.map(({ keyPackage }) => ({ type: 'add', keyPackage })),
    })
    this.annas = merge(made.group, made.pending).group
    const joined = (device: Device): Group => {
      const at = devices.indexOf(device)
      const own = packages[at]
      assert.ok(made.welcome?.body.type === 'welcome')
      return own === undefined ? this.annas : join({
        suiteOf, welcome: made.welcome.body.welcome, ...own, signaturePrivateKey: device.key.privateKey, authentication,
      }).group
    }
    this.bens = joined(this.laptop)
    this.tablets = joined(this.tablet)
    this.phones = joined(this.phone)
  }

  /** Ben's log, read by somebody. */
  read(records: readonly Uint8Array[] = this.log.records): DeviceLog {
    const { log } = foldDeviceLog(suite, this.ben.accountId, records)
    assert.ok(log !== undefined)
    return log
  }

  /** Ben takes a key back; the proof of all that he took back. */
  revoke(key: KeyPair, lastHonoured: number, issuer = this.ben.laptop): Attachment {
    this.log.write(issuer, revoke(key, lastHonoured))
    return this.proof()
  }

  proof(log = this.read()): Attachment {
    return { type: attachmentTypes.revocation, data: proofOf(log) }
  }

  remove(...devices: readonly Device[]): readonly OwnProposal[] {
    return devices.map((device) => {
      const leaf = leavesOf(this.annas.tree).find(({ leafNode }) =>
        [device.key, device.first].some(({ publicKey }) => toHex(publicKey) === toHex(leafNode.signatureKey)))
      assert.ok(leaf !== undefined)
      return { type: 'remove', removed: leaf.index }
    })
  }

  list(
    revocations: readonly Revocation[] = revocationsOf(this.read()),
    change: (extensions: Extensions) => Extensions = (same) => same,
  ): OwnProposal {
    const extensions = withRevocations(change(this.annas.context.extensions), revocations)
    return { type: 'groupContextExtensions', extensions }
  }

  /** The commit of one member, as everybody else's state after it. */
  go(of: 'annas' | 'phones', proposals: readonly OwnProposal[], attachments: readonly Attachment[] = []): void {
    const made = commit(this[of], { authentication, proposals, authenticatedData: encodeNote(now, attachments) })
    for (const name of ['annas', 'bens', 'tablets', 'phones'] as const) {
      if (name === of || this[name].ownLeaf === made.group.ownLeaf) continue
      const received = receive(this[name], made.message, { authentication })
      assert.ok(received.type === 'commit')
      if (!received.applied.selfRemoved) this[name] = received.group
    }
    this[of] = merge(made.group, made.pending).group
  }

  /** The stolen tablet is out, and the group knows its keys. */
  static withoutTablet(): Village {
    const village = new Village()
    const proof = village.revoke(village.tablet.key, 3)
    village.go('phones', [...village.remove(village.tablet), village.list()], [proof])
    return village
  }
}

const membersOf = (group: Group) => leavesOf(group.tree).map(({ leafNode }) => ({ accountId: accountOf(leafNode) }))
export const people = (group: Group) => [...new Map(membersOf(group).map((one) => [one.accountId, one])).values()]

/** What every member says of a commit that somebody makes. */
export function verdict(group: Group, proposals: readonly OwnProposal[], attachments: readonly Attachment[] = []): string | undefined {
  const made = commit(group, { authentication, proposals, authenticatedData: encodeNote(now, attachments) })
  return commitRefusal(viewOf(group, people(group)), made.applied)
}
