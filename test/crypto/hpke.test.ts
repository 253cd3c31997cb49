import assert from 'node:assert/strict'
import { createCipheriv, createDecipheriv } from 'node:crypto'
import { describe, test } from 'node:test'
import {
  AeadId, Aes128Gcm, Aes256Gcm, CipherSuite, DhkemP256HkdfSha256, DhkemP384HkdfSha384, DhkemP521HkdfSha512,
  DhkemX25519HkdfSha256, HkdfSha256, HkdfSha384, HkdfSha512, type AeadInterface, type KemInterface,
} from '@hpke/core'
import { DhkemX448HkdfSha512 } from '@hpke/dhkem-x448'
import { hpkeExportReceiver, hpkeExportSender, hpkeOpen, hpkeSealer } from '../../main/mls/hpke.ts'
import type { KeyPair, Suite } from '../../main/mls/suite.ts'
import { pairs } from './suites.ts'

// Our HPKE against @hpke/core, an implementation of RFC 9180 that shares nothing with it but X448, which is noble's in
// both (montgomery.test.ts has OpenSSL's).

const bytesOf = (data: ArrayBufferLike | ArrayBufferView): Uint8Array =>
  ArrayBuffer.isView(data) ? new Uint8Array(data.buffer, data.byteOffset, data.byteLength) : new Uint8Array(data)
const bufferOf = (data: Uint8Array): ArrayBuffer => new Uint8Array(data).buffer

/** @hpke/core has this AEAD in a package of its own; OpenSSL's does as well. */
const chaCha20Poly1305: AeadInterface = {
  id: AeadId.Chacha20Poly1305, keySize: 32, nonceSize: 12, tagSize: 16,
  createEncryptionContext: (key) => ({
    seal: async (nonce, data, aad) => {
      const cipher = createCipheriv('chacha20-poly1305', bytesOf(key), bytesOf(nonce), { authTagLength: 16 })
      cipher.setAAD(bytesOf(aad), { plaintextLength: data.byteLength })
      return bufferOf(Buffer.concat([cipher.update(bytesOf(data)), cipher.final(), cipher.getAuthTag()]))
    },
    open: async (nonce, data, aad) => {
      const sealed = bytesOf(data)
      const decipher = createDecipheriv('chacha20-poly1305', bytesOf(key), bytesOf(nonce), { authTagLength: 16 })
      decipher.setAAD(bytesOf(aad), { plaintextLength: sealed.length - 16 })
      decipher.setAuthTag(sealed.subarray(-16))
      return bufferOf(Buffer.concat([decipher.update(sealed.subarray(0, -16)), decipher.final()]))
    },
  }),
}

/** By their code points (RFC 9180 §7). */
const kems: Readonly<Record<number, () => KemInterface>> = {
  0x0010: () => new DhkemP256HkdfSha256(),
  0x0011: () => new DhkemP384HkdfSha384(),
  0x0012: () => new DhkemP521HkdfSha512(),
  0x0020: () => new DhkemX25519HkdfSha256(),
  0x0021: () => new DhkemX448HkdfSha512(),
}
const kdfs = { 1: () => new HkdfSha256(), 2: () => new HkdfSha384(), 3: () => new HkdfSha512() } as const
const aeads: Readonly<Record<number, () => AeadInterface>> = {
  1: () => new Aes128Gcm(), 2: () => new Aes256Gcm(), 3: () => chaCha20Poly1305,
}

function otherSuite(suite: Suite): CipherSuite {
  const [kem, kdf, aead] = [kems[suite.kem]?.(), kdfs[suite.kdf as keyof typeof kdfs](), aeads[suite.aead]?.()]
  assert.ok(kem !== undefined && aead !== undefined)
  return new CipherSuite({ kem, kdf, aead })
}

const info = new TextEncoder().encode('a context')
const aad = Uint8Array.of(1, 2, 3)
const plaintext = new TextEncoder().encode('the shared secret of a path')
const label = new TextEncoder().encode('MLS 1.0 external init secret')

async function otherKeys(other: CipherSuite, key: KeyPair) {
  const privateKey = await other.kem.deserializePrivateKey(bufferOf(key.privateKey.unwrap()))
  const publicKey = await other.kem.deserializePublicKey(bufferOf(key.publicKey))
  return { privateKey, publicKey }
}

for (const suite of pairs.flatMap(({ native, portable }) => [native, portable])) {
  const name = `${suite === pairs[suite.id - 1]?.native ? 'native' : 'portable'} suite ${suite.id}`
  describe(`HPKE of the ${name}`, () => {
    const key = suite.deriveKeyPair(Uint8Array.of(suite.id))

    test('derives the same key pair as @hpke/core', async () => {
      const other = otherSuite(suite)
      const seed = suite.random(66)
      const theirs = await other.kem.deriveKeyPair(bufferOf(seed))
      const theirPublicKey = new Uint8Array(await other.kem.serializePublicKey(theirs.publicKey))
      assert.deepEqual(suite.deriveKeyPair(seed).publicKey, theirPublicKey)
    })

    test('opens what @hpke/core seals, and exports the same', async () => {
      const other = otherSuite(suite)
      const { publicKey } = await otherKeys(other, key)
      const sender = await other.createSenderContext({ recipientPublicKey: publicKey, info })
      const ciphertext = new Uint8Array(await sender.seal(plaintext, aad))
      const kemOutput = new Uint8Array(sender.enc)
      assert.deepEqual(hpkeOpen(suite, key, info, aad, { kemOutput, ciphertext }), plaintext)
      const exported = hpkeExportReceiver(suite, { key, kemOutput, info, exporterContext: label, length: 32 })
      assert.deepEqual(exported.unwrap(), new Uint8Array(await sender.export(label, 32)))
    })

    test('seals what @hpke/core opens, and exports the same', async () => {
      const other = otherSuite(suite)
      const { privateKey: recipientKey } = await otherKeys(other, key)
      const sealed = hpkeSealer(suite, info)(key.publicKey, aad, plaintext)
      const recipient = await other.createRecipientContext({ recipientKey, enc: bufferOf(sealed.kemOutput), info })
      assert.deepEqual(new Uint8Array(await recipient.open(sealed.ciphertext, aad)), plaintext)

      const { kemOutput, exported } = hpkeExportSender(suite, key.publicKey, info, label, 32)
      const receiver = await other.createRecipientContext({ recipientKey, enc: bufferOf(kemOutput), info })
      assert.deepEqual(exported.unwrap(), new Uint8Array(await receiver.export(label, 32)))
    })

    test('refuses another key, context, additional data or ciphertext', () => {
      const sealed = hpkeSealer(suite, info)(key.publicKey, aad, plaintext)
      const refused = { name: 'MlsError', code: 'refused', rule: '5.1.3.open' }
      const stranger = suite.deriveKeyPair(Uint8Array.of(99))
      assert.throws(() => hpkeOpen(suite, stranger, info, aad, sealed), refused)
      assert.throws(() => hpkeOpen(suite, key, aad, aad, sealed), refused)
      assert.throws(() => hpkeOpen(suite, key, info, info, sealed), refused)
      const changed = sealed.ciphertext.map((octet, at) => at === 3 ? octet ^ 4 : octet)
      assert.throws(() => hpkeOpen(suite, key, info, aad, { ...sealed, ciphertext: changed }), refused)
      const short = { ...sealed, ciphertext: sealed.ciphertext.slice(0, 15) }
      assert.throws(() => hpkeOpen(suite, key, info, aad, short), refused)
    })

    test('never makes the same KEM output twice', () => {
      const outputs = Array.from({ length: 5 }, () => suite.encapsulate(key.publicKey).kemOutput.join())
      assert.equal(new Set(outputs).size, 5)
    })
  })
}
