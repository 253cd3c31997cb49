import {
  createApplicationMessage, createCommit, createGroup, decodeMlsMessage, emptyPskIndex, encodeMlsMessage,
  generateKeyPackage, getCiphersuiteFromName, getCiphersuiteImpl, joinGroup, processPrivateMessage,
  processPublicMessage, type CiphersuiteImpl, type CiphersuiteName, type ClientState, type MLSMessage, type Proposal,
} from 'ts-mls'
import { bytes, forever } from '../mls/group-world.ts'
import type { Candidate, Contender, Made, Seat } from './contender.ts'

/** ts-mls with its default crypto provider, which uses WebCrypto where it can: its fastest one on Node. */
export async function tsMls(name: CiphersuiteName): Promise<Contender> {
  const suite = await getCiphersuiteImpl(getCiphersuiteFromName(name))
  return { name: 'ts-mls', candidate: (client) => candidateOf(suite, client) }
}

async function candidateOf(suite: CiphersuiteImpl, name: string): Promise<Candidate> {
  const { publicPackage, privatePackage } = await generateKeyPackage(
    { credentialType: 'basic', identity: bytes(name) },
    { versions: ['mls10'], ciphersuites: [suite.name], extensions: [], proposals: [], credentials: ['basic'] },
    forever, [], suite,
  )
  return {
    keyPackage: encodeMlsMessage({ version: 'mls10', wireformat: 'mls_key_package', keyPackage: publicPackage }),
    create: async () => {
      const groupId = suite.rng.randomBytes(32)
      return seatOf(suite, await createGroup(groupId, publicPackage, privatePackage, [], suite))
    },
    join: async (message) => {
      const { welcome } = decoded('mls_welcome', message)
      return seatOf(suite, await joinGroup(welcome, publicPackage, privatePackage, emptyPskIndex, suite))
    },
  }
}

function decoded<W extends MLSMessage['wireformat']>(
  wireformat: W, message: Uint8Array,
): Extract<MLSMessage, { readonly wireformat: W }> {
  const [value] = decodeMlsMessage(message, 0) ?? []
  if (value?.wireformat !== wireformat) throw new Error(`no ${wireformat}`)
  return value as Extract<MLSMessage, { readonly wireformat: W }>
}

function seatOf(suite: CiphersuiteImpl, state: ClientState): Seat {
  const made = async (extraProposals: Proposal[]): Promise<Made> => {
    const { newState, commit, welcome } = await createCommit(
      { state, cipherSuite: suite }, { extraProposals, wireAsPublicMessage: true, ratchetTreeExtension: true })
    return {
      seat: seatOf(suite, newState),
      message: encodeMlsMessage(commit),
      welcome: welcome && encodeMlsMessage({ version: 'mls10', wireformat: 'mls_welcome', welcome }),
    }
  }
  return {
    authenticator: state.keySchedule.epochAuthenticator,
    add: (keyPackages) => made(keyPackages.map((message) =>
      ({ proposalType: 'add', add: { keyPackage: decoded('mls_key_package', message).keyPackage } }))),
    update: () => made([]),
    process: async (message) => {
      const { publicMessage } = decoded('mls_public_message', message)
      return seatOf(suite, (await processPublicMessage(state, publicMessage, emptyPskIndex, suite)).newState)
    },
    encrypt: async (data) => {
      const { newState, privateMessage } = await createApplicationMessage(state, data, suite)
      const message = encodeMlsMessage({ version: 'mls10', wireformat: 'mls_private_message', privateMessage })
      return { seat: seatOf(suite, newState), message }
    },
    decrypt: async (message) => {
      const { privateMessage } = decoded('mls_private_message', message)
      const received = await processPrivateMessage(state, privateMessage, emptyPskIndex, suite)
      if (received.kind !== 'applicationMessage') throw new Error('no data')
      return { seat: seatOf(suite, received.newState), data: received.message }
    },
  }
}
