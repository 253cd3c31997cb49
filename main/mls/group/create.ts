import { MlsError } from '../error.ts'
import type { KeyPair, Suite } from '../suite.ts'
import type { Credential } from '../wire/credential.ts'
import type { Extensions } from '../wire/extension.ts'
import type { Capabilities, Lifetime } from '../wire/node.ts'
import type { Group } from './state.ts'

/** A new group with one member at epoch 0 (RFC 9420 §11). `groupId`: random, `suite.hashLength` bytes by preference. */
export function createGroup(suite: Suite, options: {
  readonly groupId: Uint8Array
  readonly credential: Credential
  readonly signatureKeyPair: KeyPair
  readonly capabilities: Capabilities
  readonly lifetime: Lifetime
  readonly leafExtensions?: Extensions
  /** Of the GroupContext (RFC 9420 §8.1). */
  readonly extensions?: Extensions
}): Group {
  void suite; void options
  throw new MlsError('unsupported', 'not written yet')
}
