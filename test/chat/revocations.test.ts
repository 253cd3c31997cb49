import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { absentIn, withAbsent } from '../../main/chat/absent.ts'
import { extensionTypes } from '../../main/chat/extensions.ts'
import { signRejoin, SignedRejoin } from '../../main/chat/letter.ts'
import { attachmentTypes, encodeNote, type Attachment } from '../../main/chat/note.ts'
import { commitRefusal, policyIn, proposalRefusal, viewOf, withPolicy } from '../../main/chat/policy.ts'
import { receiveWelcome } from '../../main/chat/requests.ts'
import {
  isRevoked, joinRevocations, proofLimit, proofOf, provenLog, provenTo, revocationsIn, revocationsOf,
  withRevocations, type Revocation,
} from '../../main/chat/revocations.ts'
import { onRejoinRequest } from '../../main/chat/readmit.ts'
import { emptyRoom, type RoomState } from '../../main/chat/room.ts'
import type { DeviceLog } from '../../main/identity/device-log.ts'
import { versioned } from '../../main/identity/fields.ts'
import { AccountId } from '../../main/identity/genesis.ts'
import {
  commit, concat, encode, KeyPackage, leavesOf, MLSMessage, MlsError, opaque, proposeUpdate, receive, struct, toHex,
  vector, type Extensions, type Group,
} from '../../main/mls/index.ts'
import { add, damaged, grant, LogWriter, newAccount, renew, revoke, suite } from '../identity/account.ts'

import { authentication, credentialOf, keyPackageOf, now, people, verdict, Village, laptopOf, suiteOf, type Device } from './village.ts'


const rename = (extensions: Extensions): Extensions => {
  const policy = extensions.find(({ extensionType }) => extensionType === extensionTypes.policy)
  assert.ok(policy !== undefined)
  return withPolicy(extensions, { ...policyIn({ extensions } as Group['context']), name: 'Town' })
}

describe('What a device log takes back', () => {
  test('is a list in one order, that counts least of what a key signed', () => {
    const village = new Village()
    village.revoke(village.tablet.key, 5)
    village.revoke(village.tablet.key, 3)
    const list = revocationsOf(village.read())
    const expected = { accountId: toHex(village.ben.accountId), revokedKey: toHex(village.tablet.key.publicKey), lastHonoured: 3 }
    assert.deepEqual(list, [expected])
    const other = { ...expected, accountId: toHex(village.anna.account.accountId) }
    assert.deepEqual(joinRevocations(list, [other]), joinRevocations([other], list))
    const extensions = withRevocations([], joinRevocations(list, [other]))
    assert.deepEqual(revocationsIn(extensions), joinRevocations(list, [other]))
    assert.deepEqual(withRevocations(extensions, []), [])
    assert.throws(() => withRevocations([], [expected, { ...expected, lastHonoured: 1 }]),
      (error) => error instanceof MlsError && error.code === 'misuse')
  })

  test('hits leaves by their own key, and by a key that signed their path too late', () => {
    const { annas, tablet, phone, watch, laptop, grants } = new Village('group', ['laptop', 'tablet', 'phone', 'watch'])
    const leaf = (device: Device) => {
      const found = leavesOf(annas.tree).find(({ leafNode }) => toHex(leafNode.signatureKey) === toHex(device.key.publicKey))
      assert.ok(found !== undefined)
      return found.leafNode
    }
    const stolen = (lastHonoured: number): readonly Revocation[] => [{
      accountId: toHex(tablet.account.accountId), revokedKey: toHex(tablet.key.publicKey), lastHonoured,
    }]
    assert.ok(isRevoked(stolen(9), leaf(tablet)))
    assert.ok(!isRevoked(stolen(5), leaf(watch)), 'signed while the tablet was its owner’s')
    assert.ok(isRevoked(stolen(4), leaf(watch)))
    assert.ok(!isRevoked(stolen(0), leaf(phone)), 'certified by the laptop')
    assert.ok(isRevoked(stolen(3), keyPackageOf({ ...phone, path: [...grants, ...phone.path] }).keyPackage.leafNode))
    assert.ok(!isRevoked(stolen(0), leaf(laptop)))
    const [first] = stolen(0)
    assert.ok(first !== undefined)
    assert.ok(!isRevoked([{ ...first, accountId: '00'.repeat(32) }], leaf(tablet)), 'another account says nothing')
  })

  test('takes the keys with it that a device had before', () => {
    const village = new Village()
    village.revoke(village.renewed.key, 6)
    const keys = new Set(revocationsOf(village.read()).map(({ revokedKey }) => revokedKey))
    assert.deepEqual(keys, new Set([village.renewed.key, village.tablet.key].map(({ publicKey }) => toHex(publicKey))))
    // The tablet's leaf has its old key still.
    assert.equal(verdict(village.phones, [...village.remove(village.tablet), village.list()], [village.proof()]), undefined)
  })
})

describe('A commit that takes keys back', () => {
  test('may be made by anybody with the proof, in a group and in a direct chat', () => {
    for (const kind of ['group', 'direct'] as const) {
      const village = new Village(kind)
      const proof = village.revoke(village.tablet.key, 3)
      const proposals = [...village.remove(village.tablet), village.list()]
      for (const group of [village.annas, village.bens, village.phones]) {
        assert.equal(verdict(group, proposals, [proof]), undefined)
      }
    }
  })

  test('takes out everybody who stands on the key', () => {
    const village = new Village('group', ['laptop', 'tablet', 'phone', 'watch'])
    const proof = village.revoke(village.tablet.key, 3)
    const { tablet, watch } = village
    assert.equal(verdict(village.bens, [...village.remove(tablet, watch), village.list()], [proof]), undefined)
    assert.equal(verdict(village.bens, [...village.remove(tablet), village.list()], [proof]), 'a revoked leaf stays')
    assert.equal(verdict(village.annas, [village.list()], [proof]), 'a revoked leaf stays')
  })

  test('lets nobody in on the key that it takes back', () => {
    const village = new Village()
    const proof = village.revoke(village.tablet.key, 3)
    for (const device of [village.watch, village.renewed]) {
      const { keyPackage } = keyPackageOf(device)
      const before = [...village.remove(village.tablet), { type: 'add', keyPackage } as const]
      assert.equal(verdict(village.bens, before), undefined, 'as long as nobody knows')
      assert.equal(verdict(village.bens, [...before, village.list()], [proof]), 'a revoked key is on the path of a leaf')
    }
  })

  test('takes out nobody else: it is no way to throw somebody out', () => {
    const village = new Village()
    const proof = village.revoke(village.tablet.key, 3)
    const { tablet, laptop, carol } = village
    const refused = 'only an admin removes others'
    assert.equal(verdict(village.phones, [...village.remove(tablet, carol), village.list()], [proof]), refused)
    const direct = new Village('direct')
    const own = direct.revoke(direct.tablet.key, 3)
    assert.equal(verdict(direct.annas, [...direct.remove(direct.tablet, direct.laptop), direct.list()], [own]), refused)
    assert.equal(verdict(village.annas, [...village.remove(tablet, laptop), village.list()], [proof]), undefined,
      'an admin may, as always')
    assert.equal(verdict(village.phones, [...village.remove(tablet), village.list(undefined, rename)], [proof]),
      'only an admin changes the group')
  })

  test('needs a proof that holds', () => {
    const village = new Village()
    const before = village.read()
    const { data, type } = village.revoke(village.tablet.key, 3)
    const proposals = [...village.remove(village.tablet), village.list()]
    const refusal = (attachments: readonly Attachment[], some = proposals) => verdict(village.phones, some, attachments)
    assert.equal(refusal([]), 'keys are taken back by proof')
    assert.equal(refusal([{ type, data: data.slice(0, -10) }]), 'a proof that does not hold')
    assert.equal(refusal([{ type, data: damaged(data, data.length - 5) }]), 'a proof that does not hold')
    assert.equal(refusal([{ type, data: concat(data, new Uint8Array(1)) }]), 'a proof that does not hold')
    const whole = village.read()
    assert.ok(provenLog(suite, data) !== undefined)
    for (const left of [0, 2, 5]) {
      const partial = { ...whole, entries: whole.entries.filter((_, at) => at !== left) }
      assert.equal(refusal([village.proof(partial)]), 'a proof that does not hold')
    }
    // The log without what takes the key back proves nothing.
    assert.equal(refusal([village.proof(before)]), 'the list of keys that were taken back is not what is proven')
    assert.equal(refusal([village.proof(), village.proof()]), 'two proofs for one account')
  })

  test('cannot be forged by another device, by another member, or for another account', () => {
    const village = new Village()
    // A device without the right, and a key of somebody else.
    for (const issuer of [village.watch.key, village.carol.key]) {
      const log = new LogWriter(village.ben)
      log.append(village.grants[0] ?? assert.fail())
      const signed = log.sign(issuer, revoke(village.tablet.key, 0))
      const forged: DeviceLog = { ...village.read(log.records), entries: [...log.entries, signed] }
      const list = village.list(revocationsOf(forged))
      assert.equal(verdict(village.annas, [...village.remove(village.tablet), list], [village.proof(forged)]),
        'a proof that does not hold')
    }
    // A true proof of an account that has nothing to do with the group.
    const elsewhere = new Village()
    const proof = elsewhere.revoke(elsewhere.tablet.key, 3)
    assert.equal(verdict(village.annas, [village.list(revocationsOf(elsewhere.read()))], [proof]),
      'a proof for an account that is not in the group')
    assert.equal(verdict(village.phones, [...village.remove(village.tablet), village.list(revocationsOf(elsewhere.read()))], [proof]),
      'a proof for an account that is not in the group')
  })

  test('adds what is proven to the list, all of it, and takes nothing out of it', () => {
    const village = new Village('group', ['laptop', 'tablet', 'phone', 'watch'])
    const first = village.revoke(village.watch.key, 0)
    const all = revocationsOf(village.read())
    village.go('annas', [...village.remove(village.watch), village.list()], [first])
    const second = village.revoke(village.tablet.key, 3)
    const remove = village.remove(village.tablet)
    const both = revocationsOf(village.read())
    const refused = 'the list of keys that were taken back is not what is proven'
    assert.equal(verdict(village.annas, [...remove, village.list(both)], [second]), undefined)
    assert.equal(verdict(village.annas, [...remove, village.list(both.filter((one) => !all.includes(one)
      && one.revokedKey !== all[0]?.revokedKey))], [second]), refused)
    assert.equal(verdict(village.annas, [...remove, village.list(both.map((one) => ({ ...one, lastHonoured: 7 })))], [second]), refused)
    assert.equal(verdict(village.annas, [...remove, village.list(all)], [second]), refused)
    assert.equal(verdict(village.annas, [village.list([])]), 'keys are taken back by proof')
    assert.equal(verdict(village.annas, [village.list(both)]), 'keys are taken back by proof')
    assert.equal(verdict(village.annas, [], [first]), 'a proof of what is known')
    assert.equal(verdict(village.annas, [village.list(all, rename)]), undefined, 'the list stays when the rest changes')
  })

  test('does not come by a proposal that others would have to commit', () => {
    const village = new Village()
    village.revoke(village.tablet.key, 3)
    const sender = { type: 'member', leafIndex: village.annas.ownLeaf } as const
    const proposal = village.list()
    assert.ok(proposal.type === 'groupContextExtensions')
    assert.equal(proposalRefusal(viewOf(village.bens, people(village.bens)), proposal, sender),
      'what was taken back changes with a commit')
  })

  test('believes what a key took back before it was taken back itself', () => {
    const village = new Village('group', ['laptop', 'tablet', 'phone', 'watch'])
    village.log.write(village.renewed.key, revoke(village.watch.key, 5)) // Number 7.
    const both = village.revoke(village.renewed.key, 7)
    const log = village.read()
    const known = revocationsOf(log, ({ n }) => n === 8)
    // The watch's key, and both that the tablet had.
    assert.equal(known.length, 2)
    assert.equal(revocationsOf(log).length, 3)
    assert.deepEqual(provenTo(known, log), revocationsOf(log))
    assert.equal(verdict(village.annas, [...village.remove(village.tablet, village.watch), village.list()], [both]), undefined)
  })

  test('believes nothing that a key says after it was taken back', () => {
    const village = Village.withoutTablet()
    // The thief goes on from where the tablet still counted, and takes back the watch, and the phone that is younger.
    const thief = new LogWriter(village.ben)
    for (const signed of village.log.entries.slice(0, 5)) thief.append(signed)
    thief.write(village.tablet.key, revoke(village.phone.key, 0))
    const log = village.read(thief.records)
    assert.equal(revocationsOf(log).length, 1, 'the log as such says so')
    const known = revocationsIn(village.annas.context.extensions)
    assert.deepEqual(provenTo(known, log), [])
    const list = village.list(joinRevocations(known, revocationsOf(log)))
    assert.equal(verdict(village.annas, [...village.remove(village.phone), list], [village.proof(log)]),
      'the list of keys that were taken back is not what is proven')
  })

  test('is no way to keep the others busy: a log beyond measure is no proof', () => {
    const village = new Village()
    const many = new LogWriter(village.ben)
    const device = many.key()
    many.write(village.ben.laptop, add(device, 'One'))
    const log = village.read(many.records)
    const entry = log.entries[0] ?? assert.fail()
    const long: DeviceLog = { ...log, entries: [
      ...Array.from({ length: proofLimit }, () => entry), many.sign(village.ben.laptop, revoke(device, 0)),
    ] }
    assert.throws(() => proofOf(long), (error) => error instanceof MlsError && error.code === 'misuse')
    // Whoever makes one all the same, out of entries that all count, is heard no further.
    while (many.records.length <= proofLimit) many.write(village.ben.laptop, grant(device))
    const proof = encode(versioned(1, struct({ accountId: AccountId, records: vector(opaque(4_096), 1_048_576) })), {
      accountId: village.ben.accountId, records: many.records,
    })
    assert.ok(provenLog(suite, proof) === undefined)
  })
})

const isRefused = (why: string) => (error: unknown): boolean =>
  error instanceof MlsError && error.code === 'refused' && error.message === why

/** Dora gets a Welcome into the group, which from then on has these extensions. */
function invite(group: Group, extensions: Extensions) {
  const dora = laptopOf(newAccount())
  const own = keyPackageOf(dora)
  const made = commit(group, { authentication, proposals: [
    { type: 'add', keyPackage: own.keyPackage }, { type: 'groupContextExtensions', extensions },
  ] })
  assert.ok(made.welcome?.body.type === 'welcome')
  const self = {
    accountId: toHex(dora.account.accountId), deviceId: '', suite, authentication, formerKeys: [],
    credential: credentialOf(dora), signatureKeyPair: dora.key, leafExtensions: [],
  }
  const mail = {
    welcome: encode(MLSMessage, made.welcome), tokenProof: new Uint8Array(0), commitsAfter: 0n, messagesAfter: 0n,
  }
  return receiveWelcome(
    { mail, welcome: made.welcome.body.welcome, references: [] },
    { reference: '', ...own, lastResort: false, claimed: true },
    { moment: { self, now }, suiteOf, known: () => undefined, conversation: () => undefined, after: () => undefined,
      byInvite: false, ownDevices: new Set(), isTakenBack: () => false, standing: () => 'device',
      conversationOf: () => undefined },
  )
}

describe('A key that was taken back', () => {
  const refused = 'a revoked key is on the path of a leaf'

  test('comes in by no Add, neither as a commit nor as a proposal', () => {
    const village = Village.withoutTablet()
    for (const device of [village.tablet, village.watch]) {
      const { keyPackage } = keyPackageOf(device)
      for (const group of [village.annas, village.bens]) {
        assert.equal(verdict(group, [{ type: 'add', keyPackage }]), refused)
      }
      const sender = { type: 'member', leafIndex: village.bens.ownLeaf } as const
      assert.equal(proposalRefusal(viewOf(village.annas, people(village.annas)), { type: 'add', keyPackage }, sender), refused)
    }
  })

  test('comes back by no Update and no commit of a leaf that is there', () => {
    const village = Village.withoutTablet()
    // The phone had its rights by the tablet; a path that rests on these does not stand.
    const fresh = village.log.key()
    const renewal = village.log.write(village.phone.key, renew(fresh))
    const long: Device = { ...village.phone, key: fresh, path: [...village.grants, renewal] }
    const short: Device = { ...long, path: [...village.phone.path, renewal] }
    for (const [device, expected] of [[long, refused], [short, undefined]] as const) {
      const change = { credential: credentialOf(device), signatureKeyPair: device.key }
      const update = proposeUpdate(village.phones, change)
      const received = receive(village.annas, update.message, { authentication })
      assert.ok(received.type === 'proposal')
      assert.equal(proposalRefusal(viewOf(village.annas, people(village.annas)), received.proposal, received.sender), expected)
      const made = commit(village.phones, {
        authentication, ...change, forcePath: true, authenticatedData: encodeNote(now, []),
      })
      const committed = receive(village.annas, made.message, { authentication })
      assert.ok(committed.type === 'commit')
      assert.equal(commitRefusal(viewOf(village.annas, people(village.annas)), committed.applied), expected)
    }
  })

  const rejoin = (village: Village, device: Device, incarnation: bigint) => {
    const { keyPackage } = keyPackageOf(device, incarnation)
    const signed = signRejoin(suite, device.key, {
      groupId: village.annas.context.groupId, lastEpoch: 1n, reason: 0, at: now, keyPackage: encode(KeyPackage, keyPackage),
    })
    return { signed, add: { type: 'add', keyPackage } as const,
      attachment: { type: attachmentTypes.rejoin, data: encode(SignedRejoin, signed) } }
  }

  test('comes back by no request of its own', () => {
    const village = Village.withoutTablet()
    const { add: again, attachment, signed } = rejoin(village, village.tablet, 9n)
    assert.equal(verdict(village.annas, [again], [attachment]), refused)
    const room = { ...emptyRoom(toHex(village.annas.context.groupId), now), state: 'active' } as const
    const state: RoomState = {
      room, group: village.annas, members: [], seals: [], pending: undefined, waiting: [], history: [],
    }
    const self = {
      accountId: toHex(village.anna.account.accountId), deviceId: '', suite, authentication, formerKeys: [],
      credential: credentialOf(village.anna), signatureKeyPair: village.anna.key, leafExtensions: [],
    }
    assert.deepEqual(onRejoinRequest(state, signed, { self, now }).state.room.intents, [])
    const phones = rejoin(village, village.phone, 9n)
    assert.equal(onRejoinRequest(state, phones.signed, { self, now }).state.room.intents.length, 1, 'others are heard')
  })

  test('stands in no group that somebody is invited to', () => {
    const village = new Village()
    // Whoever keeps a stolen device in a group whose list names it invites to something that is not sound.
    const context = { ...village.annas.context, extensions: withRevocations(village.annas.context.extensions, [{
      accountId: toHex(village.ben.accountId), revokedKey: toHex(village.tablet.key.publicKey), lastHonoured: 3,
    }]) }
    assert.throws(() => invite(village.annas, context.extensions), isRefused(refused))
  })

  test('nor does anybody let in strangers among own devices, by a group that says it is of those', () => {
    const { annas } = new Village()
    const extensions = withPolicy(annas.context.extensions, { ...policyIn(annas.context), kind: 'self', name: '' })
    assert.throws(() => invite(annas, extensions), isRefused('among own devices there is nobody else'))
  })

  test('with the last one of an account its person is absent, and comes back with a device that is good', () => {
    const village = new Village('group', ['tablet'])
    const proof = village.revoke(village.tablet.key, 3)
    const { annas } = village
    const remove = village.remove(village.tablet)
    const accountId = toHex(village.ben.accountId)
    const listed = village.list(undefined, (extensions) => withAbsent(extensions, [{ accountId, incarnation: 0n }]))
    assert.equal(verdict(annas, [...remove, listed], [proof]), undefined)
    assert.equal(verdict(annas, [...remove, village.list()], [proof]), 'whose last device was taken back is absent')
    const carols = village.list(undefined, (extensions) => withAbsent(extensions, [
      { accountId, incarnation: 0n }, { accountId: toHex(village.carol.account.accountId), incarnation: 0n },
    ]))
    assert.equal(verdict(annas, [...remove, carols], [proof]), 'a member is not absent')
    village.go('annas', [...remove, listed], [proof])
    assert.deepEqual(absentIn(village.annas.context.extensions), [{ accountId, incarnation: 0n }])
    const back = (device: Device) => {
      const { add: again, attachment } = rejoin(village, device, 5n)
      return verdict(village.annas, [again, { type: 'groupContextExtensions',
        extensions: withAbsent(village.annas.context.extensions, []) }], [attachment])
    }
    assert.equal(back(village.laptop), undefined)
    assert.equal(back(village.tablet), refused)
    assert.equal(back(village.watch), refused)
  })
})
