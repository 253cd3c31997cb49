import assert from 'node:assert/strict'
import { fromHex, toHex } from '../../../main/mls/codec.ts'
import {
  decryptWithLabel, deriveSecret, deriveTreeSecret, encryptWithLabel, expandWithLabel, refHash, signWithLabel,
  verifyWithLabel,
} from '../../../main/mls/labelled.ts'
import type { SuiteOf } from '../../../main/mls/suite.ts'
import { privateKeyOf, suiteOfCase } from '../suite-of-case.ts'

type CryptoBasics = {
  readonly cipher_suite: number
  readonly ref_hash: { readonly label: string, readonly value: string, readonly out: string }
  readonly expand_with_label: {
    readonly secret: string, readonly label: string, readonly context: string, readonly length: number
    readonly out: string
  }
  readonly derive_secret: { readonly secret: string, readonly label: string, readonly out: string }
  readonly derive_tree_secret: {
    readonly secret: string, readonly label: string, readonly generation: number, readonly length: number
    readonly out: string
  }
  readonly sign_with_label: {
    readonly priv: string, readonly pub: string, readonly content: string, readonly label: string
    readonly signature: string
  }
  readonly encrypt_with_label: {
    readonly priv: string, readonly pub: string, readonly label: string, readonly context: string
    readonly plaintext: string, readonly kem_output: string, readonly ciphertext: string
  }
}

/** The labelled functions of RFC 9420 §5.1, §5.2, §8 and §9.1. */
export function cryptoBasics(testCase: CryptoBasics, suiteOf: SuiteOf): void {
  const suite = suiteOfCase(testCase, suiteOf)

  const ref = testCase.ref_hash
  assert.equal(toHex(refHash(suite, ref.label, fromHex(ref.value))), ref.out)

  const expand = testCase.expand_with_label
  const expanded = expandWithLabel(suite, fromHex(expand.secret), expand.label, fromHex(expand.context), expand.length)
  assert.equal(toHex(expanded), expand.out)

  const derive = testCase.derive_secret
  assert.equal(toHex(deriveSecret(suite, fromHex(derive.secret), derive.label)), derive.out)

  const tree = testCase.derive_tree_secret
  const derived = deriveTreeSecret(suite, fromHex(tree.secret), tree.label, tree.generation, tree.length)
  assert.equal(toHex(derived), tree.out)

  const sign = testCase.sign_with_label
  const content = fromHex(sign.content)
  const publicKey = fromHex(sign.pub)
  assert.ok(verifyWithLabel(suite, publicKey, sign.label, content, fromHex(sign.signature)))
  const signature = signWithLabel(suite, privateKeyOf(suite, sign.priv), sign.label, content)
  assert.ok(verifyWithLabel(suite, publicKey, sign.label, content, signature))
  assert.ok(!verifyWithLabel(suite, publicKey, `${sign.label}!`, content, signature))

  const encrypt = testCase.encrypt_with_label
  const key = { publicKey: fromHex(encrypt.pub), privateKey: privateKeyOf(suite, encrypt.priv) }
  const context = fromHex(encrypt.context)
  const sealed = { kemOutput: fromHex(encrypt.kem_output), ciphertext: fromHex(encrypt.ciphertext) }
  assert.equal(toHex(decryptWithLabel(suite, key, encrypt.label, context, sealed)), encrypt.plaintext)
  const again = encryptWithLabel(suite, key.publicKey, encrypt.label, context, fromHex(encrypt.plaintext))
  assert.equal(toHex(decryptWithLabel(suite, key, encrypt.label, context, again)), encrypt.plaintext)
}
