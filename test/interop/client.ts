import { Client, credentials, type ServiceError } from '@grpc/grpc-js'
import { service, type CallName, type RequestOf, type ResponseOf } from './definition.ts'

/** Calls a client of the interop interface, ours or another. */
export class Remote {
  readonly #client: Client

  constructor(port: number) {
    this.#client = new Client(`127.0.0.1:${port}`, credentials.createInsecure(), {
      'grpc.max_receive_message_length': -1, 'grpc.max_send_message_length': -1,
    })
  }

  /** What is left out of the request has its default. Rejects with a `ServiceError`. */
  call<C extends CallName>(name: C, request: Partial<RequestOf<C>>): Promise<ResponseOf<C>> {
    return this.send(name, service[name].requestSerialize(request))
  }

  /** A request as bytes. */
  send<C extends CallName>(name: C, request: Buffer): Promise<ResponseOf<C>> {
    const { path, responseDeserialize } = service[name]
    return new Promise((resolve, reject) => {
      const answer = (error: ServiceError | null, response?: object): void => {
        if (error === null) resolve(response as ResponseOf<C>)
        else reject(error)
      }
      this.#client.makeUnaryRequest(path, (bytes: Buffer) => bytes, responseDeserialize, request, answer)
    })
  }

  close(): void {
    this.#client.close()
  }
}
