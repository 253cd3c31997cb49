import {
  Aes256Gcm, CipherSuite, DhkemX25519HkdfSha256, HkdfSha256, type RecipientContext, type SenderContext,
} from '@hpke/core'
import { concat, encode, refHash, type Suite } from '../mls/index.ts'
import { LinkingCode } from '../identity/linking-code.ts'

/** HPKE in PSK mode (RFC 9180 §5.1.2), by @hpke/core: DHKEM(X25519, HKDF-SHA256), HKDF-SHA256, AES-256-GCM. */

const hpke = new CipherSuite({ kem: new DhkemX25519HkdfSha256(), kdf: new HkdfSha256(), aead: new Aes256Gcm() })

/** Used for one channel, never stored. */
export type Keys = { readonly publicKey: Uint8Array, readonly privateKey: CryptoKey }

export async function makeKeys(): Promise<Keys> {
  const { publicKey, privateKey } = await hpke.kem.generateKeyPair()
  return { publicKey: new Uint8Array(await hpke.kem.serializePublicKey(publicKey)), privateKey }
}

/** One direction of a channel: the code, and what was said in it before, which both ends must have seen alike. */
export type Direction = { readonly suite: Suite, readonly code: LinkingCode, readonly before: readonly Uint8Array[] }

const bufferOf = (bytes: Uint8Array): ArrayBuffer => new Uint8Array(bytes).buffer
const infoOf = ({ suite, code, before }: Direction): Uint8Array =>
  refHash(suite, 'Coppice linking direction 1', concat(encode(LinkingCode, code), ...before))
const pskOf = ({ suite, code }: Direction) => ({
  id: bufferOf(refHash(suite, 'Coppice linking psk 1', encode(LinkingCode, code))), key: bufferOf(code.psk),
})

export class Sealer {
  readonly enc: Uint8Array
  readonly #context: SenderContext

  private constructor(context: SenderContext) {
    this.#context = context
    this.enc = new Uint8Array(context.enc)
  }

  static async to(publicKey: Uint8Array, direction: Direction): Promise<Sealer> {
    const recipientPublicKey = await hpke.kem.deserializePublicKey(bufferOf(publicKey))
    const options = { recipientPublicKey, info: bufferOf(infoOf(direction)), psk: pskOf(direction) }
    return new Sealer(await hpke.createSenderContext(options))
  }

  async seal(plaintext: Uint8Array, aad: Uint8Array): Promise<Uint8Array> {
    return new Uint8Array(await this.#context.seal(bufferOf(plaintext), bufferOf(aad)))
  }
}

export class Opener {
  readonly #context: RecipientContext

  private constructor(context: RecipientContext) {
    this.#context = context
  }

  static async from(enc: Uint8Array, keys: Keys, direction: Direction): Promise<Opener> {
    const options = {
      recipientKey: keys.privateKey, enc: bufferOf(enc), info: bufferOf(infoOf(direction)), psk: pskOf(direction),
    }
    return new Opener(await hpke.createRecipientContext(options))
  }

  /** Rejects for anything but the next thing that was sealed. */
  async open(sealed: Uint8Array, aad: Uint8Array): Promise<Uint8Array> {
    return new Uint8Array(await this.#context.open(bufferOf(sealed), bufferOf(aad)))
  }
}
