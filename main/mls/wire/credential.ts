import { openChoice, opaque, struct, uint16, vector, type Infer } from '../codec.ts'
import { limits } from './limits.ts'

/** RFC 9420 §5.3: `Certificate`, a DER-encoded X.509 certificate. */
export const Certificate = struct({ certData: opaque(limits.certificate) })

/** RFC 9420 §17.5: credential types. */
export const credentialType = { basic: 1, x509: 2 } as const

/** RFC 9420 §5.3: `Credential`. A type that is not listed is carried through as opaque data. */
export const Credential = openChoice(uint16, {
  basic: [credentialType.basic, struct({ identity: opaque(limits.identity) })],
  x509: [credentialType.x509, struct({ certificates: vector(Certificate, limits.certificate) })],
}, limits.certificate)
export type Credential = Infer<typeof Credential>

/** The code point of a credential's type (RFC 9420 §17.5). */
export const credentialTypeOf = (credential: Credential): number =>
  credential.type === 'custom' ? credential.tag : credentialType[credential.type]
