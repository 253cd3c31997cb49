/** Argon2id (RFC 9106) away from the main thread, for one passphrase; its memory goes with the worker. */
import { argon2id } from 'hash-wasm'
import { parentPort, workerData } from 'node:worker_threads'

export type Argon2Task = {
  readonly passphrase: Uint8Array
  readonly salt: Uint8Array
  readonly memoryKiB: number
  readonly passes: number
}

const { passphrase, salt, memoryKiB, passes } = workerData as Argon2Task
const key = await argon2id({
  password: passphrase, salt, memorySize: memoryKiB, iterations: passes, parallelism: 1,
  hashLength: 32, outputType: 'binary',
})
passphrase.fill(0)
parentPort?.postMessage(key)
key.fill(0)
