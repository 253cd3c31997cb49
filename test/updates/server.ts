/** A server of updates on this computer, honest or not, and the maintainers' keys. */
import { createHash, generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { manifestName, signatureName, signedBytes, writeManifest } from '../../main/updates/manifest.ts'
import type { Manifest, UpdateFile } from '../../main/updates/manifest.ts'

export const target = 'linux-x64-AppImage'

/** A pair of keys; `open` is what the app has built in. */
export function newKey(): { readonly secret: KeyObject, readonly open: string } {
  const { privateKey, publicKey } = generateKeyPairSync('ed25519')
  const { x } = publicKey.export({ format: 'jwk' })
  return { secret: privateKey, open: Buffer.from(x ?? '', 'base64url').toString('base64') }
}

export const fileOf = (bytes: Uint8Array, name: string): UpdateFile =>
  ({ target, name, size: bytes.length, sha512: createHash('sha512').update(bytes).digest('hex') })

export class UpdateServer {
  readonly key = newKey()
  /** What is served, by name. */
  readonly files = new Map<string, Uint8Array>()
  readonly asked: string[] = []
  /** Sends half of a file and then nothing, until it is told otherwise. */
  cut = false
  readonly #server = createServer((request, response) => {
    const name = (request.url ?? '').slice(1)
    this.asked.push(name)
    const bytes = this.files.get(name)
    if (bytes === undefined) {
      response.writeHead(404).end()
      return
    }
    response.writeHead(200, { 'content-length': bytes.length })
    if (!this.cut) response.end(bytes)
    else response.write(bytes.subarray(0, bytes.length / 2), () => { response.destroy() })
  })

  async open(): Promise<string> {
    await new Promise<void>((resolve) => { this.#server.listen(0, '127.0.0.1', resolve) })
    return `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}/`
  }

  close(): Promise<void> {
    this.#server.closeAllConnections()
    return new Promise((resolve) => { this.#server.close(() => { resolve() }) })
  }

  /** Puts a release there, signed by the maintainers' key or another. Gives its package. */
  release(app: string, more: Partial<Manifest> = {}, secret = this.key.secret): Uint8Array {
    const bytes = randomBytes(300_000)
    const name = `coppice-${app}-linux-x64.AppImage`
    this.files.set(name, bytes)
    this.put(writeManifest({ app, madeAt: Date.now(), rollout: 100, files: [fileOf(bytes, name)], ...more }), secret)
    return bytes
  }

  put(manifest: Uint8Array, secret = this.key.secret): void {
    this.files.set(manifestName, manifest)
    this.files.set(signatureName, Buffer.from(`${sign(undefined, signedBytes(manifest), secret).toString('base64')}\n`))
  }
}
