import {
  Metadata, Server, ServerCredentials, status, type sendUnaryData, type ServerUnaryCall, type UntypedHandleCall,
} from '@grpc/grpc-js'
import { MlsError, type MlsErrorCode } from '../../main/mls/index.ts'
import { Book } from './book.ts'
import { callNames, service, type CallName } from './definition.ts'
import { memberCalls, type Handlers } from './member-calls.ts'
import { outsiderCalls } from './outsider-calls.ts'
import { subgroupCalls } from './subgroup-calls.ts'

const handlers: Handlers = { ...memberCalls, ...subgroupCalls, ...outsiderCalls }

/** What went wrong, in the words of gRPC. */
const statusByCode: Readonly<Record<MlsErrorCode, status>> = {
  malformed: status.INVALID_ARGUMENT,
  refused: status.FAILED_PRECONDITION,
  undecided: status.UNAVAILABLE,
  unsupported: status.UNIMPLEMENTED,
  gone: status.NOT_FOUND,
  misuse: status.INVALID_ARGUMENT,
}

export type InteropServer = {
  readonly port: number
  /** How many states, transactions and signers are held. */
  readonly held: () => number
  /** Answers what has begun, for a second at most, and ends. */
  readonly stop: () => Promise<void>
}

/**
 * Serves the interop interface on the loopback address. `port` 0: any that is free. `grease`: with values that others
 * must ignore (RFC 9420 §13.5).
 */
export async function serve({ port, grease }: {
  readonly port: number
  readonly grease: boolean
}): Promise<InteropServer> {
  const book = new Book({ grease })
  // Welcomes of large groups are longer than the limit of 4 MiB that is the default.
  const server = new Server({ 'grpc.max_receive_message_length': -1, 'grpc.max_send_message_length': -1 })
  server.addService(service, Object.fromEntries(callNames.map((name) => [name, answering(book, name)])))
  const bound = await new Promise<number>((resolve, reject) => {
    server.bindAsync(`127.0.0.1:${port}`, ServerCredentials.createInsecure(), (error, actual) => {
      if (error === null) resolve(actual)
      else reject(error)
    })
  })
  return { port: bound, held: () => book.size, stop: () => stop(server) }
}

async function stop(server: Server): Promise<void> {
  const impatient = setTimeout(() => { server.forceShutdown() }, 1000)
  await new Promise<void>((resolve) => { server.tryShutdown(() => { resolve() }) })
  clearTimeout(impatient)
}

/** A handler for gRPC: an error is an answer, and never the end of the server. */
function answering(book: Book, name: CallName): UntypedHandleCall {
  const handle = handlers[name] as (book: Book, request: object) => object
  return (call: ServerUnaryCall<object, object>, respond: sendUnaryData<object>) => {
    try {
      respond(null, handle(book, call.request))
    } catch (error) {
      respond(failure(name, error))
    }
  }
}

/** The code and the rule of an MlsError, as text for people and as metadata for programs. */
function failure(name: CallName, error: unknown) {
  if (!(error instanceof MlsError)) {
    console.error(`${name}: a bug of this client:`, error)
    return { code: status.INTERNAL, details: error instanceof Error ? error.message : String(error) }
  }
  const metadata = new Metadata()
  metadata.set('mls-code', error.code)
  if (error.rule !== undefined) metadata.set('mls-rule', error.rule)
  const place = error.rule === undefined ? error.code : `${error.code} by ${error.rule}`
  return { code: statusByCode[error.code], details: `${place}: ${error.message}`, metadata }
}
