/** Argon2id (RFC 9106) away from the main thread, for one passphrase; its memory goes with the worker. */
import { argon2id } from 'hash-wasm'
import { parentPort, workerData } from 'node:worker_threads'

export type Argon2Task = {
  readonly passphrase: Uint8Array
  readonly salt: Uint8Array
  readonly memoryKiB: number
  readonly passes: number
  /** 32 bytes that both threads share: what is sent as a message leaves copies behind. */
  readonly key: Uint8Array
}

const { passphrase, salt, memoryKiB, passes, key } = workerData as Argon2Task
const found = await argon2id({
  password: passphrase, salt, memorySize: memoryKiB, iterations: passes, parallelism: 1,
  hashLength: 32, outputType: 'binary',
})
passphrase.fill(0)
key.set(found)
found.fill(0)
parentPort?.postMessage('done')
