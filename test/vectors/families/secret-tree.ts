import assert from 'node:assert/strict'
import { fromHex, toHex } from '../../../main/mls/codec.ts'
import { senderDataKey } from '../../../main/mls/group/protect.ts'
import { keyFor, secretTree, type RatchetKind } from '../../../main/mls/schedule/secret-tree.ts'
import { Secret } from '../../../main/mls/secret.ts'
import type { SuiteOf } from '../../../main/mls/suite.ts'
import type { LeafIndex } from '../../../main/mls/wire/node.ts'
import { suiteOfCase } from '../suite-of-case.ts'

type SecretTreeCase = {
  readonly cipher_suite: number
  readonly sender_data: {
    readonly sender_data_secret: string, readonly ciphertext: string, readonly key: string, readonly nonce: string
  }
  readonly encryption_secret: string
  readonly leaves: readonly (readonly Generation[])[]
}
type Generation = {
  readonly generation: number
  readonly handshake_key: string
  readonly handshake_nonce: string
  readonly application_key: string
  readonly application_nonce: string
}

/** The secret tree of RFC 9420 §9 and the sender data keys of §6.3.2. */
export function secretTreeFamily(testCase: SecretTreeCase, suiteOf: SuiteOf): void {
  const suite = suiteOfCase(testCase, suiteOf)
  const { sender_data_secret, ciphertext, key, nonce } = testCase.sender_data
  const senderData = senderDataKey(suite, new Secret(fromHex(sender_data_secret)), fromHex(ciphertext))
  assert.equal(toHex(senderData.key), key)
  assert.equal(toHex(senderData.nonce), nonce)

  let tree = secretTree(new Secret(fromHex(testCase.encryption_secret)), testCase.leaves.length)
  for (const [leaf, generations] of testCase.leaves.entries()) {
    for (const expected of generations) {
      const keyOf = (kind: RatchetKind) => {
        const taken = keyFor(suite, tree, leaf as LeafIndex, kind, expected.generation)
        tree = taken.tree
        return [toHex(taken.key.unwrap()), toHex(taken.nonce.unwrap())]
      }
      assert.deepEqual(keyOf('handshake'), [expected.handshake_key, expected.handshake_nonce])
      assert.deepEqual(keyOf('application'), [expected.application_key, expected.application_nonce])
    }
  }
}
