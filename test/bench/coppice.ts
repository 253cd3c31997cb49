import { decode, encode } from '../../main/mls/codec.ts'
import {
  commit, createGroup, epochAuthenticator, generateKeyPackage, join, merge, MLSMessage, protect, receive, trusting,
  validateKeyPackage, type CommitOptions, type Group, type Suite,
} from '../../main/mls/index.ts'
import type { Candidate, Contender, Made, Seat } from './contender.ts'
import { clientOf } from './crowd.ts'

const authentication = trusting

export const coppice = (suite: Suite): Contender =>
  ({ name: 'Coppice', candidate: async (name) => candidateOf(suite, name) })

function candidateOf(suite: Suite, name: string): Candidate {
  const client = clientOf(suite, name)
  const { keyPackage, privateKeys } = generateKeyPackage(suite, client)
  return {
    keyPackage: encode(MLSMessage, { version: 1, body: { type: 'keyPackage', keyPackage } }),
    create: async () => seatOf(createGroup(suite, { groupId: suite.random(suite.hashLength), ...client })),
    join: async (message) => {
      const { body } = decode(MLSMessage, message)
      if (body.type !== 'welcome') throw new Error('no Welcome')
      const { privateKey: signaturePrivateKey } = client.signatureKeyPair
      return seatOf(join({
        suiteOf: () => suite, welcome: body.welcome, keyPackage, privateKeys, signaturePrivateKey, authentication,
      }).group)
    },
  }
}

/** Nothing is wiped: the same seats are used again. */
export function seatOf(group: Group): Seat {
  const made = (options: Partial<CommitOptions>): Made => {
    const { group: after, pending, message, welcome } = commit(group, { authentication, ...options })
    return {
      seat: seatOf(merge(after, pending).group),
      message: encode(MLSMessage, message),
      welcome: welcome && encode(MLSMessage, welcome),
    }
  }
  return {
    authenticator: epochAuthenticator(group),
    add: async (keyPackages) => made({
      proposals: keyPackages.map((message) => {
        const { body } = decode(MLSMessage, message)
        if (body.type !== 'keyPackage') throw new Error('no KeyPackage')
        return { type: 'add', keyPackage: validateKeyPackage(group.suite, body.keyPackage, { authentication }) }
      }),
    }),
    update: async () => made({}),
    process: async (message) => seatOf(receive(group, decode(MLSMessage, message), { authentication }).group),
    encrypt: async (data) => {
      const { group: after, message } = protect(group, data)
      return { seat: seatOf(after), message: encode(MLSMessage, message) }
    },
    decrypt: async (message) => {
      const received = receive(group, decode(MLSMessage, message), { authentication })
      if (received.type !== 'application') throw new Error('no data')
      return { seat: seatOf(received.group), data: received.data }
    },
  }
}
