import {
  createGroup, encode, epochAuthenticator, equal, exportSecret, generateKeyPackage, greaseExtensions, groupInfo, join,
  joinExternally, MLSMessage, MlsError, nodesOf, propose, proposeUpdate, protect, receive, type Group,
  type OwnProposal, type Suite,
} from '../../main/mls/index.ts'
import {
  authentication, keep, leafOf, lookupIn, newMember, storePsk, suite, suiteOf, supportedSuites, wireFormatOf,
  type Book, type Guest, type Psks,
} from './book.ts'
import type { CallName, RequestOf, ResponseOf } from './definition.ts'
import { acceptCommit, followCommit, joined, makeCommit, sendProposal } from './handshake.ts'
import {
  externalPsk, leafOfIdentity, read, readKeyPackage, readTree, resumptionPsk, write, writeTree,
} from './messages.ts'

export type Handlers<C extends CallName = CallName> = {
  readonly [Name in C]: (book: Book, request: RequestOf<Name>) => ResponseOf<Name>
}

/** The calls about being in a group: joining, state, messages and handshakes. */
export const memberCalls: Handlers<
  'Name' | 'SupportedCiphersuites' | 'CreateGroup' | 'CreateKeyPackage' | 'JoinGroup' | 'ExternalJoin' | 'GroupInfo'
  | 'StateAuth' | 'Export' | 'Protect' | 'Unprotect' | 'StorePSK' | 'AddProposal' | 'UpdateProposal'
  | 'RemoveProposal' | 'ExternalPSKProposal' | 'ResumptionPSKProposal' | 'GroupContextExtensionsProposal' | 'Commit'
  | 'HandleCommit' | 'HandlePendingCommit' | 'Free'
> = {
  Name: () => ({ name: 'Coppice' }),
  SupportedCiphersuites: () => ({ ciphersuites: supportedSuites }),

  CreateGroup: (book, request) => {
    const { groupId, cipherSuite, identity } = request
    const used = suite(cipherSuite)
    const group = createGroup(used, { groupId, ...leafOf(book, used, identity) })
    return { stateId: book.add(newMember(group, wireFormatOf(request), new Map())) }
  },
  CreateKeyPackage: (book, { cipherSuite, identity }) => {
    const guest = newGuest(book, suite(cipherSuite), identity)
    const { keyPackage } = guest
    return { transactionId: book.add(guest), keyPackage: write({ type: 'keyPackage', keyPackage }), ...keysOf(guest) }
  },
  JoinGroup: (book, request) => {
    const guest = book.get('transaction', request.transactionId)
    const member = newMember(welcomed(guest, request), wireFormatOf(request), guest.psks)
    book.remove(request.transactionId)
    return joined(book.add(member), member)
  },
  ExternalJoin: (book, request) => {
    const { identity, removePrior, ratchetTree } = request
    const { groupInfo: info } = read('groupInfo', request.groupInfo)
    const used = suite(info.groupContext.cipherSuite)
    const psks: Psks = new Map()
    for (const { pskId, pskSecret } of request.psks) storePsk(psks, pskId, pskSecret)
    const { group, message } = joinExternally({
      suiteOf, authentication, groupInfo: info, ...readTree(ratchetTree), ...leafOf(book, used, identity),
      ...removePrior ? { replaces: 'own' } : {},
      pskIds: request.psks.map(({ pskId }) => externalPsk(used, pskId).psk),
      psks: lookupIn(psks),
    })
    const stateId = book.add(newMember(group, wireFormatOf(request), psks))
    return { stateId, commit: encode(MLSMessage, message), epochAuthenticator: epochAuthenticator(group) }
  },

  GroupInfo: (book, { stateId, externalTree }) => {
    const { group } = book.get('state', stateId)
    const info = groupInfo(group, {
      externalPub: true, ratchetTree: !externalTree, extensions: book.grease ? greaseExtensions(group.suite) : [],
    })
    return { groupInfo: write({ type: 'groupInfo', groupInfo: info }), ratchetTree: writeTree(group, { externalTree }) }
  },
  StateAuth: (book, { stateId }) => ({ stateAuthSecret: epochAuthenticator(book.get('state', stateId).group) }),
  Export: (book, { stateId, label, context, keyLength }) =>
    ({ exportedSecret: exportSecret(book.get('state', stateId).group, label, context, keyLength).unwrap() }),
  Protect: (book, { stateId, authenticatedData, plaintext }) => {
    const member = book.get('state', stateId)
    const sealed = protect(member.group, plaintext, { authenticatedData })
    keep(member, sealed)
    return { ciphertext: encode(MLSMessage, sealed.message) }
  },
  Unprotect: (book, { stateId, ciphertext }) => {
    const member = book.get('state', stateId)
    const received = receive(member.group, { version: 1, body: read('privateMessage', ciphertext) }, { authentication })
    if (received.type !== 'application') throw new MlsError('misuse', `a ${received.type} where data are needed`)
    keep(member, received)
    return { authenticatedData: received.authenticatedData, plaintext: received.data }
  },
  StorePSK: (book, { stateOrTransactionId, pskId, pskSecret }) => {
    storePsk(book.psks(stateOrTransactionId), pskId, pskSecret)
    return {}
  },

  AddProposal: (book, { stateId, keyPackage }) => proposing(book, stateId, ({ suite }) =>
    ({ type: 'add', keyPackage: readKeyPackage(suite, keyPackage) })),
  UpdateProposal: (book, { stateId }) => {
    const member = book.get('state', stateId)
    return sendProposal(member, proposeUpdate(member.group, { wireFormat: member.wireFormat }))
  },
  RemoveProposal: (book, { stateId, removedId }) => proposing(book, stateId, ({ tree }) =>
    ({ type: 'remove', removed: leafOfIdentity(nodesOf(tree), removedId) })),
  ExternalPSKProposal: (book, { stateId, pskId }) => proposing(book, stateId, ({ suite }) => externalPsk(suite, pskId)),
  ResumptionPSKProposal: (book, { stateId, epochId }) => proposing(book, stateId, ({ suite, context: { groupId } }) =>
    resumptionPsk(suite, groupId, epochId)),
  GroupContextExtensionsProposal: (book, { stateId, extensions }) => proposing(book, stateId, () =>
    ({ type: 'groupContextExtensions', extensions })),

  Commit: (book, request) => makeCommit(book.get('state', request.stateId), request),
  HandleCommit: (book, request) => {
    const member = book.get('state', request.stateId)
    followCommit(member, request)
    return joined(request.stateId, member)
  },
  HandlePendingCommit: (book, { stateId }) => {
    const member = book.get('state', stateId)
    acceptCommit(member)
    return joined(stateId, member)
  },

  Free: (book, { stateId }) => {
    book.free(stateId)
    return {}
  },
}

/** Somebody new, with a KeyPackage for that suite. */
export function newGuest(book: Book, suite: Suite, identity: Uint8Array): Guest {
  const leaf = leafOf(book, suite, identity)
  const signaturePrivateKey = leaf.signatureKeyPair.privateKey
  const extensions = book.grease ? greaseExtensions(suite, leaf.capabilities) : []
  const made = generateKeyPackage(suite, { ...leaf, extensions })
  return { type: 'transaction', ...made, signaturePrivateKey, psks: new Map() }
}

/** The private keys as the interface asks for them, so that a passive client can be tested by its transcript. */
export const keysOf = ({ privateKeys, signaturePrivateKey }: Guest) => ({
  initPriv: privateKeys.initPrivateKey.unwrap().slice(),
  encryptionPriv: privateKeys.encryptionPrivateKey.unwrap().slice(),
  signaturePriv: signaturePrivateKey.unwrap().slice(),
})

/** The group of a Welcome. `from`: the one that it may continue (RFC 9420 §11.2, §11.3). */
export function welcomed(guest: Guest, { welcome, ratchetTree }: {
  readonly welcome: Uint8Array
  readonly ratchetTree: Uint8Array
}, from?: Group): Group {
  const { keyPackage, privateKeys, signaturePrivateKey, psks } = guest
  const { group, wipe } = join({
    suiteOf, authentication, welcome: read('welcome', welcome).welcome, ...readTree(ratchetTree), keyPackage,
    privateKeys, signaturePrivateKey, psks: lookupIn(psks),
    groups: (groupId) => from !== undefined && equal(groupId, from.context.groupId) ? from : undefined,
  })
  for (const secret of wipe) secret.wipe()
  return group
}

/** Makes and sends a proposal of that member. */
export function proposing(
  book: Book, stateId: number, proposalFor: (group: Group) => OwnProposal,
): ResponseOf<'AddProposal'> {
  const member = book.get('state', stateId)
  return sendProposal(member, propose(member.group, proposalFor(member.group), { wireFormat: member.wireFormat }))
}
