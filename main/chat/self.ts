import type { StoredEntry } from '../ports.ts'
import { equal, MlsError, type Authentication, type Credential, type Extensions, type KeyPair, type Suite } from '../mls/index.ts'

/** This device, as its groups see it, and what every transition may ask. */
export type Self = {
  readonly accountId: string
  readonly deviceId: string
  readonly credential: Credential
  readonly signatureKeyPair: KeyPair
  /** Those that it had before, as long as something was made with them that others may still use. */
  readonly formerKeys: readonly KeyPair[]
  readonly leafExtensions: Extensions
  readonly suite: Suite
  readonly authentication: Authentication
}

/** The moment of a transition: the caller's clock, milliseconds since 1970. */
export type Moment = {
  readonly self: Self
  readonly now: number
  /** What is stored under an id, where the caller can say. */
  readonly entry?: (id: string) => StoredEntry | undefined
}

/** The device's key pair, the present one or a former one. Throws `MlsError('misuse')` for a key that it never had. */
export function ownKey({ signatureKeyPair, formerKeys }: Self, publicKey: Uint8Array): KeyPair {
  const own = [signatureKeyPair, ...formerKeys].find((pair) => equal(pair.publicKey, publicKey))
  if (own === undefined) throw new MlsError('misuse', 'not a key of this device')
  return own
}
