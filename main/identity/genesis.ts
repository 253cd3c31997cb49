import {
  encode, equal, fixed, refHash, signWithLabel, struct, verifyWithLabel,
  type Infer, type KeyPair, type Suite,
} from '../mls/index.ts'
import { milliseconds, versioned } from './fields.ts'

/** How an account begins: two keys, a time and a nonce, signed by both keys. There is no number, address or server. */

export const accountIdLength = 32
export const deviceIdLength = 16

/** SHA-256 of the encoded genesis. */
export const AccountId = fixed(accountIdLength)
export const DeviceId = fixed(deviceIdLength)
/** Ed25519 keys and signatures (RFC 8032 §5.1). */
export const IdentityKey = fixed(32)
export const IdentitySignature = fixed(64)

const genesisLabel = 'Coppice genesis 1'

/** Version 1, 89 bytes. */
export const Genesis = versioned(1, struct({
  recoveryPublicKey: IdentityKey,
  /** The signature key of the first device. */
  devicePublicKey: IdentityKey,
  createdAt: milliseconds,
  nonce: fixed(16),
}))
export type Genesis = Infer<typeof Genesis>

/** A genesis with the signatures of both keys over its encoding (SignWithLabel, RFC 9420 §5.1.2). */
export const SignedGenesis = struct({
  genesis: Genesis, recoverySignature: IdentitySignature, deviceSignature: IdentitySignature,
})
export type SignedGenesis = Infer<typeof SignedGenesis>

/** SHA-256 of the encoded genesis, without the signatures: 32 bytes. */
export const accountIdFor = (suite: Suite, genesis: Genesis): Uint8Array => suite.hash(encode(Genesis, genesis))

/**
 * The id of a device: the first 16 bytes of RefHash("Coppice device 1", its first signature public key) (RFC 9420
 * §5.2). It stays when the device renews its key.
 */
export const deviceIdFor = (suite: Suite, firstPublicKey: Uint8Array): Uint8Array =>
  refHash(suite, 'Coppice device 1', firstPublicKey).slice(0, deviceIdLength)

/** A new account's genesis. `createdAt` in milliseconds since 1970. */
export function makeGenesis(suite: Suite, options: {
  readonly recovery: KeyPair
  readonly device: KeyPair
  readonly createdAt: number
}): SignedGenesis {
  const { recovery, device, createdAt } = options
  const genesis: Genesis = {
    recoveryPublicKey: recovery.publicKey, devicePublicKey: device.publicKey, createdAt, nonce: suite.random(16),
  }
  const content = encode(Genesis, genesis)
  return {
    genesis,
    recoverySignature: signWithLabel(suite, recovery.privateKey, genesisLabel, content),
    deviceSignature: signWithLabel(suite, device.privateKey, genesisLabel, content),
  }
}

export type GenesisRefusal = 'same-key' | 'recovery-signature' | 'device-signature'

/** Why this is no genesis of any account, or `undefined`. The two keys differ: each has rights that the other lacks. */
export function verifyGenesis(suite: Suite, signed: SignedGenesis): GenesisRefusal | undefined {
  const { genesis, recoverySignature, deviceSignature } = signed
  const content = encode(Genesis, genesis)
  if (equal(genesis.recoveryPublicKey, genesis.devicePublicKey)) return 'same-key'
  if (!verifyWithLabel(suite, genesis.recoveryPublicKey, genesisLabel, content, recoverySignature)) {
    return 'recovery-signature'
  }
  return verifyWithLabel(suite, genesis.devicePublicKey, genesisLabel, content, deviceSignature)
    ? undefined : 'device-signature'
}
