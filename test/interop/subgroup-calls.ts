import {
  branch, encode, epochAuthenticator, leafAt, MLSMessage, MlsError, reinitialize, type Group, type Successor,
} from '../../main/mls/index.ts'
import {
  authentication, copied, leafOf, leave, newMember, suite, suiteOf, type Book,
} from './book.ts'
import type { ResponseOf } from './definition.ts'
import { acceptCommit, followCommit, joined, makeCommit } from './handshake.ts'
import { newGuest, proposing, welcomed, type Handlers } from './member-calls.ts'
import { readKeyPackage, reInit, write, writeTree } from './messages.ts'

/** The calls about groups that continue others (RFC 9420 §11.2, §11.3). */
export const subgroupCalls: Handlers<
  'ReInitProposal' | 'ReInitCommit' | 'HandlePendingReInitCommit' | 'HandleReInitCommit' | 'ReInitWelcome'
  | 'HandleReInitWelcome' | 'CreateBranch' | 'HandleBranch'
> = {
  ReInitProposal: (book, request) => proposing(book, request.stateId, () => reInit(request)),
  ReInitCommit: (book, request) => makeCommit(book.get('state', request.stateId), request),
  HandlePendingReInitCommit: (book, { stateId }) => {
    acceptCommit(book.get('state', stateId))
    return renewal(book, stateId)
  },
  HandleReInitCommit: (book, request) => {
    followCommit(book.get('state', request.stateId), request)
    return renewal(book, request.stateId)
  },
  ReInitWelcome: (book, { reinitId, keyPackage, forcePath, externalTree }) => {
    const { stateId, guest } = book.get('reinit', reinitId)
    const { group } = book.get('state', stateId)
    const used = suite(guest.keyPackage.cipherSuite)
    const keyPackages = keyPackage.map((each) => readKeyPackage(used, each))
    const made = reinitialize(group, {
      suiteOf, authentication, keyPackages, forcePath, ratchetTree: !externalTree,
      ...leafOf(book, used, identityOf(group)),
    })
    return subgroup(moveOn(book, reinitId, made.group), made, { externalTree })
  },
  HandleReInitWelcome: (book, request) => {
    const { stateId, guest } = book.get('reinit', request.reinitId)
    const group = welcomed(guest, request, book.get('state', stateId).group)
    return joined(moveOn(book, request.reinitId, group), { group })
  },

  CreateBranch: (book, { stateId, groupId, extensions, keyPackages, forcePath, externalTree }) => {
    const { group: old, wireFormat, psks } = book.get('state', stateId)
    const made = branch(old, {
      groupId, extensions, authentication, keyPackages: keyPackages.map((each) => readKeyPackage(old.suite, each)),
      forcePath, ratchetTree: !externalTree, ...leafOf(book, old.suite, identityOf(old)),
    })
    return subgroup(book.add(newMember(made.group, wireFormat, copied(psks))), made, { externalTree })
  },
  HandleBranch: (book, request) => {
    const { group: old, wireFormat } = book.get('state', request.stateId)
    const guest = book.get('transaction', request.transactionId)
    const member = newMember(welcomed(guest, request, old), wireFormat, guest.psks)
    book.remove(request.transactionId)
    return joined(book.add(member), member)
  },
}

/** The identity of a member, from the own leaf. */
function identityOf({ tree, ownLeaf }: Group): Uint8Array {
  const credential = leafAt(tree, ownLeaf)?.credential
  if (credential?.type !== 'basic') throw new MlsError('misuse', 'this member has no identity')
  return credential.identity
}

/** A KeyPackage for the group that follows one that was reinitialized. */
function renewal(book: Book, stateId: number): ResponseOf<'HandleReInitCommit'> {
  const { group } = book.get('state', stateId)
  if (group.status.type !== 'reinitialized') throw new MlsError('misuse', 'this commit was not one of a ReInit')
  const guest = newGuest(book, suite(group.status.reInit.cipherSuite), identityOf(group))
  const reinitId = book.add({ type: 'reinit', stateId, guest })
  const keyPackage = write({ type: 'keyPackage', keyPackage: guest.keyPackage })
  return { reinitId, keyPackage, epochAuthenticator: epochAuthenticator(group) }
}

/** The number of the new group in place of those of the old one and its renewal. */
function moveOn(book: Book, reinitId: number, group: Group): number {
  const { stateId } = book.get('reinit', reinitId)
  const old = book.get('state', stateId)
  leave(old)
  book.remove(stateId)
  book.free(reinitId)
  return book.add(newMember(group, old.wireFormat, old.psks))
}

const subgroup = (stateId: number, { group, welcome }: Successor, options: { readonly externalTree: boolean }) => ({
  stateId,
  welcome: welcome === undefined ? new Uint8Array(0) : encode(MLSMessage, welcome),
  ratchetTree: writeTree(group, options),
  epochAuthenticator: epochAuthenticator(group),
})
