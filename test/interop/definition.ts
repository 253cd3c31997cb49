import { fromJSON, type MethodDefinition as LoadedMethod } from '@grpc/proto-loader'
import type { MethodDefinition } from '@grpc/grpc-js'

// The interface `mls_client.MLSClient`, by which the test runner of the MLS working group drives implementations. Here
// it is data: types, wire format and the table of calls follow from it. Fields stand in the order of their numbers,
// which count from 1, and have the interface's names in camel case.

/** Messages within messages. */
export const parts = {
  PreSharedKey: { pskId: 'bytes', pskSecret: 'bytes' },
  Extension: { extensionType: 'uint32', extensionData: 'bytes' },
  /** `proposalType`: add, remove, externalPSK, resumptionPSK, groupContextExtensions or reinit, as UTF-8. */
  ProposalDescription: {
    proposalType: 'bytes', keyPackage: 'bytes', removedId: 'bytes', pskId: 'bytes', epochId: 'uint64',
    extensions: 'Extension[]', groupId: 'bytes', cipherSuite: 'uint32',
  },
} as const

const stateOnly = { stateId: 'uint32' } as const
const proposal = { proposal: 'bytes' } as const
const joined = { stateId: 'uint32', epochAuthenticator: 'bytes' } as const
const guest = {
  transactionId: 'uint32', keyPackage: 'bytes', initPriv: 'bytes', encryptionPriv: 'bytes', signaturePriv: 'bytes',
} as const
const commitRequest = {
  stateId: 'uint32', byReference: 'bytes[]', byValue: 'ProposalDescription[]', forcePath: 'bool', externalTree: 'bool',
} as const
const committed = { commit: 'bytes', welcome: 'bytes', ratchetTree: 'bytes' } as const
const handleCommit = { stateId: 'uint32', proposal: 'bytes[]', commit: 'bytes' } as const
const reinitialized = { reinitId: 'uint32', keyPackage: 'bytes', epochAuthenticator: 'bytes' } as const
const subgroup = {
  stateId: 'uint32', welcome: 'bytes', ratchetTree: 'bytes', epochAuthenticator: 'bytes',
} as const

/** Every call with its request and its response. */
export const calls = {
  Name: [{}, { name: 'string' }],
  SupportedCiphersuites: [{}, { ciphersuites: 'uint32[]' }],

  CreateGroup: [{ groupId: 'bytes', cipherSuite: 'uint32', encryptHandshake: 'bool', identity: 'bytes' }, stateOnly],
  CreateKeyPackage: [{ cipherSuite: 'uint32', identity: 'bytes' }, guest],
  JoinGroup: [{
    transactionId: 'uint32', welcome: 'bytes', encryptHandshake: 'bool', identity: 'bytes', ratchetTree: 'bytes',
  }, joined],
  ExternalJoin: [{
    groupInfo: 'bytes', ratchetTree: 'bytes', encryptHandshake: 'bool', identity: 'bytes', removePrior: 'bool',
    psks: 'PreSharedKey[]',
  }, { stateId: 'uint32', commit: 'bytes', epochAuthenticator: 'bytes' }],

  GroupInfo: [{ stateId: 'uint32', externalTree: 'bool' }, { groupInfo: 'bytes', ratchetTree: 'bytes' }],
  StateAuth: [stateOnly, { stateAuthSecret: 'bytes' }],
  Export: [
    { stateId: 'uint32', label: 'string', context: 'bytes', keyLength: 'uint32' }, { exportedSecret: 'bytes' },
  ],
  Protect: [{ stateId: 'uint32', authenticatedData: 'bytes', plaintext: 'bytes' }, { ciphertext: 'bytes' }],
  Unprotect: [{ stateId: 'uint32', ciphertext: 'bytes' }, { authenticatedData: 'bytes', plaintext: 'bytes' }],
  StorePSK: [{ stateOrTransactionId: 'uint32', pskId: 'bytes', pskSecret: 'bytes' }, {}],

  AddProposal: [{ stateId: 'uint32', keyPackage: 'bytes' }, proposal],
  UpdateProposal: [stateOnly, proposal],
  RemoveProposal: [{ stateId: 'uint32', removedId: 'bytes' }, proposal],
  ExternalPSKProposal: [{ stateId: 'uint32', pskId: 'bytes' }, proposal],
  ResumptionPSKProposal: [{ stateId: 'uint32', epochId: 'uint64' }, proposal],
  GroupContextExtensionsProposal: [{ stateId: 'uint32', extensions: 'Extension[]' }, proposal],

  Commit: [commitRequest, committed],
  HandleCommit: [handleCommit, joined],
  HandlePendingCommit: [stateOnly, joined],

  ReInitProposal: [
    { stateId: 'uint32', cipherSuite: 'uint32', groupId: 'bytes', extensions: 'Extension[]' }, proposal,
  ],
  ReInitCommit: [commitRequest, committed],
  HandlePendingReInitCommit: [stateOnly, reinitialized],
  HandleReInitCommit: [handleCommit, reinitialized],
  ReInitWelcome: [{ reinitId: 'uint32', keyPackage: 'bytes[]', forcePath: 'bool', externalTree: 'bool' }, subgroup],
  HandleReInitWelcome: [{ reinitId: 'uint32', welcome: 'bytes', ratchetTree: 'bytes' }, joined],

  CreateBranch: [{
    stateId: 'uint32', groupId: 'bytes', extensions: 'Extension[]', keyPackages: 'bytes[]', forcePath: 'bool',
    externalTree: 'bool',
  }, subgroup],
  HandleBranch: [
    { stateId: 'uint32', transactionId: 'uint32', welcome: 'bytes', ratchetTree: 'bytes' }, joined,
  ],

  NewMemberAddProposal: [{ groupInfo: 'bytes', identity: 'bytes' }, {
    transactionId: 'uint32', proposal: 'bytes', initPriv: 'bytes', encryptionPriv: 'bytes', signaturePriv: 'bytes',
  }],
  CreateExternalSigner: [
    { cipherSuite: 'uint32', identity: 'bytes' }, { signerId: 'uint32', externalSender: 'bytes' },
  ],
  AddExternalSigner: [{ stateId: 'uint32', externalSender: 'bytes' }, proposal],
  ExternalSignerProposal: [{
    signerId: 'uint32', signerIndex: 'uint32', groupInfo: 'bytes', ratchetTree: 'bytes',
    description: 'ProposalDescription',
  }, proposal],

  Free: [stateOnly, {}],
} as const

type Scalars = {
  readonly bytes: Uint8Array
  readonly string: string
  readonly uint32: number
  readonly uint64: bigint
  readonly bool: boolean
}
type Fields = Readonly<Record<string, string>>
type ValueOf<T> = T extends `${infer One}[]` ? readonly ValueOf<One>[]
  : T extends keyof Scalars ? Scalars[T]
    : T extends keyof typeof parts ? MessageOf<(typeof parts)[T]> : never
/** What a message holds; a field that did not come has the default of proto3: zero, false or empty. */
type MessageOf<F> = { readonly [K in keyof F]: ValueOf<F[K]> }

export type CallName = keyof typeof calls
export type RequestOf<C extends CallName> = MessageOf<(typeof calls)[C][0]>
export type ResponseOf<C extends CallName> = MessageOf<(typeof calls)[C][1]>
export type Extension = MessageOf<typeof parts.Extension>
export type ProposalDescription = MessageOf<typeof parts.ProposalDescription>

export const callNames = Object.keys(calls) as readonly CallName[]

// ---------------------------------------------------------------- for gRPC

const isPart = (type: string): type is keyof typeof parts => Object.hasOwn(parts, type)

const descriptorOf = (fields: Fields) => ({
  edition: 'proto3',
  fields: Object.fromEntries(Object.entries(fields).map(([name, type], at) => [name, {
    type: type.replace('[]', ''), id: at + 1, ...(type.endsWith('[]') ? { rule: 'repeated' } : {}),
  }])),
})

/** Everything in the form that the loader of protobuf definitions takes. */
function loadService(): Readonly<Record<string, LoadedMethod<object, object>>> {
  const nested: Record<string, object> = {}
  const methods: Record<string, { requestType: string, responseType: string }> = {}
  for (const [name, fields] of Object.entries(parts)) nested[name] = descriptorOf(fields)
  for (const [name, [request, response]] of Object.entries(calls)) {
    const [requestType, responseType] = [`${name}Request`, `${name}Response`]
    nested[requestType] = descriptorOf(request)
    nested[responseType] = descriptorOf(response)
    methods[name] = { requestType, responseType }
  }
  nested['MLSClient'] = { methods }
  const loaded = fromJSON({ nested: { mls_client: { nested } } }, { longs: String })
  return loaded['mls_client.MLSClient'] as Readonly<Record<string, LoadedMethod<object, object>>>
}

/** A value as the loader decoded it, with plain bytes, whole numbers and nothing missing. */
function received(type: string, value: unknown): unknown {
  if (type.endsWith('[]')) {
    return (value as readonly unknown[] | undefined ?? []).map((each) => received(type.slice(0, -2), each))
  }
  if (isPart(type)) return receivedMessage(parts[type], value as object | undefined ?? {})
  switch (type) {
    case 'bytes': return new Uint8Array(value as Uint8Array | undefined ?? [])
    case 'uint64': return BigInt(value as string | undefined ?? 0)
    case 'uint32': return value ?? 0
    case 'bool': return value ?? false
    default: return value ?? ''
  }
}

const receivedMessage = (fields: Fields, value: object): object => Object.fromEntries(Object.entries(fields)
  .map(([name, type]) => [name, received(type, (value as Readonly<Record<string, unknown>>)[name])]))

/** A value as the loader encodes it: it knows no BigInt. */
function sent(value: unknown): unknown {
  if (typeof value === 'bigint') return value.toString()
  if (Array.isArray(value)) return value.map(sent)
  if (typeof value !== 'object' || value === null || value instanceof Uint8Array) return value
  return Object.fromEntries(Object.entries(value).map(([name, each]) => [name, sent(each)]))
}

/** The service for @grpc/grpc-js: what its handlers and clients see has the types from above. */
export const service: Readonly<Record<CallName, MethodDefinition<object, object>>> = (() => {
  const loaded = loadService()
  return Object.fromEntries(callNames.map((name) => {
    const method = loaded[name]
    if (method === undefined) throw new Error(`the definition lost the call ${name}`)
    const [request, response] = calls[name]
    const { path, requestStream, responseStream } = method
    return [name, {
      path, requestStream, responseStream,
      requestSerialize: (value: object) => method.requestSerialize(sent(value) as object),
      responseSerialize: (value: object) => method.responseSerialize(sent(value) as object),
      requestDeserialize: (bytes: Buffer) => receivedMessage(request, method.requestDeserialize(bytes)),
      responseDeserialize: (bytes: Buffer) => receivedMessage(response, method.responseDeserialize(bytes)),
    }]
  })) as Record<CallName, MethodDefinition<object, object>>
})()
