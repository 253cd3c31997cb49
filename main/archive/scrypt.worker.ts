/** scrypt (RFC 7914) away from the main thread, for one passphrase; its memory goes with the worker. */
import { scrypt } from 'hash-wasm'
import { parentPort, workerData } from 'node:worker_threads'

export type ScryptTask = { readonly passphrase: Uint8Array, readonly salt: Uint8Array, readonly workFactor: number }

const { passphrase, salt, workFactor } = workerData as ScryptTask
const key = await scrypt({
  password: passphrase, salt, costFactor: 2 ** workFactor, blockSize: 8, parallelism: 1, hashLength: 32,
  outputType: 'binary',
})
passphrase.fill(0)
parentPort?.postMessage(key)
key.fill(0)
