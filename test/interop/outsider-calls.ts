import {
  decode, encode, equal, ExternalSender, ExternalSenders, extensionType, MLSMessage, nodesOf, observe,
  proposeAsExternalSender, proposeAsNewMember, type Extensions,
} from '../../main/mls/index.ts'
import { authentication, suite, suiteOf } from './book.ts'
import { keysOf, newGuest, proposing, type Handlers } from './member-calls.ts'
import { describedProposal, read, readTree } from './messages.ts'

/** The calls of those who propose without being members (RFC 9420 §12.1.8). */
export const outsiderCalls: Handlers<
  'NewMemberAddProposal' | 'CreateExternalSigner' | 'AddExternalSigner' | 'ExternalSignerProposal'
> = {
  NewMemberAddProposal: (book, { groupInfo, identity }) => {
    const observed = observe({ suiteOf, authentication, ...read('groupInfo', groupInfo) })
    const guest = newGuest(book, observed.suite, identity)
    const message = proposeAsNewMember(observed, guest.keyPackage, guest)
    return { transactionId: book.add(guest), proposal: encode(MLSMessage, message), ...keysOf(guest) }
  },
  CreateExternalSigner: (book, { cipherSuite, identity }) => {
    const signatureKeyPair = suite(cipherSuite).signatureKeyPair()
    const credential = { type: 'basic', identity } as const
    const externalSender = encode(ExternalSender, { signatureKey: signatureKeyPair.publicKey, credential })
    return { signerId: book.add({ type: 'signer', signatureKeyPair }), externalSender }
  },
  AddExternalSigner: (book, { stateId, externalSender }) => proposing(book, stateId, ({ context: { extensions } }) =>
    ({ type: 'groupContextExtensions', extensions: appointing(extensions, decode(ExternalSender, externalSender)) })),
  ExternalSignerProposal: (book, { signerId, signerIndex, groupInfo, ratchetTree, description }) => {
    const { signatureKeyPair } = book.get('signer', signerId)
    const observed = observe({ suiteOf, authentication, ...read('groupInfo', groupInfo), ...readTree(ratchetTree) })
    const { suite, context: { groupId, extensions }, tree } = observed
    const proposal = describedProposal(description, { suite, groupId, nodes: nodesOf(tree) })
    // The official runner gives no index: the entry with this signer's key counts.
    const own = sendersIn(extensions).findIndex(({ signatureKey }) => equal(signatureKey, signatureKeyPair.publicKey))
    const senderIndex = own < 0 ? signerIndex : own
    const message = proposeAsExternalSender(observed, proposal, { senderIndex, signatureKeyPair })
    return { proposal: encode(MLSMessage, message) }
  },
}

const isSenders = ({ extensionType: type }: Extensions[number]): boolean => type === extensionType.externalSenders

function sendersIn(extensions: Extensions): readonly ExternalSender[] {
  const found = extensions.find(isSenders)
  return found === undefined ? [] : decode(ExternalSenders, found.extensionData)
}

/** The group's extensions with one more external sender (RFC 9420 §12.1.8.1). */
function appointing(extensions: Extensions, sender: ExternalSender): Extensions {
  const extensionData = encode(ExternalSenders, [...sendersIn(extensions), sender])
  return [
    ...extensions.filter((each) => !isSenders(each)), { extensionType: extensionType.externalSenders, extensionData },
  ]
}
