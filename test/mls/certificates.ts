import { X509Certificate } from 'node:crypto'
import { concat, toHex, type Authentication, type Credential, type KeyPair, type Suite } from '../../main/mls/index.ts'

// Certificates for tests, written by hand in DER, and an authentication service that reads them (RFC 9420 §5.3).

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)

/** A DER value: tag, length, contents. */
function der(tag: number, ...contents: readonly Uint8Array[]): Uint8Array {
  const body = concat(...contents)
  const length = body.length < 0x80 ? [body.length] : [0x82, body.length >> 8, body.length & 0xff]
  return concat(Uint8Array.of(tag, ...length), body)
}

const sequence = (...contents: readonly Uint8Array[]): Uint8Array => der(0x30, ...contents)
const bits = (value: Uint8Array): Uint8Array => der(0x03, Uint8Array.of(0), value)
/** RFC 8410: id-Ed25519. */
const ed25519 = sequence(der(0x06, Uint8Array.of(0x2b, 0x65, 0x70)))
const commonName = (name: string): Uint8Array =>
  sequence(der(0x31, sequence(der(0x06, Uint8Array.of(0x55, 0x04, 0x03)), der(0x0c, bytes(name)))))
const truth = der(0x01, Uint8Array.of(0xff))
/** RFC 5280 §4.2.1.9: a CA. */
const caConstraint = sequence(sequence(
  der(0x06, Uint8Array.of(0x55, 0x1d, 0x13)), truth, der(0x04, sequence(truth)),
))

/** Whoever signs certificates: a name and an Ed25519 key. */
export type Issuer = { readonly name: string, readonly keys: KeyPair }

/** A certificate (RFC 5280 §4.1) for an Ed25519 key. */
export function certify(suite: Suite, { issuer, name, key, ca = false }: {
  readonly issuer: Issuer
  readonly name: string
  readonly key: Uint8Array
  readonly ca?: boolean
}): Uint8Array {
  const toBeSigned = sequence(
    der(0xa0, der(0x02, Uint8Array.of(2))), der(0x02, Uint8Array.of(1)), ed25519, commonName(issuer.name),
    sequence(der(0x17, bytes('200101000000Z')), der(0x17, bytes('491231235959Z'))),
    commonName(name), sequence(ed25519, bits(key)), ...ca ? [der(0xa3, caConstraint)] : [],
  )
  const signature = suite.sign(issuer.keys.privateKey, toBeSigned)
  return sequence(toBeSigned, ed25519, bits(signature))
}

export const chainOf = (...certificates: readonly Uint8Array[]): Credential =>
  ({ type: 'x509', certificates: certificates.map((certData) => ({ certData })) })

const read = (credential: Credential): readonly X509Certificate[] | undefined => {
  try {
    return credential.type === 'x509' ? credential.certificates.map(({ certData }) => new X509Certificate(certData))
      : undefined
  } catch {
    return undefined
  }
}

const rawKey = ({ publicKey }: X509Certificate): string =>
  toHex(new Uint8Array(Buffer.from(publicKey.export({ format: 'jwk' }).x ?? '', 'base64url')))

/** Whether each is issued by the next one, and the last one is the anchor or issued by it. */
const isChain = (certificates: readonly X509Certificate[], anchor: X509Certificate): boolean =>
  certificates.every((each, at) => {
    if (each.fingerprint256 === anchor.fingerprint256) return at === certificates.length - 1
    const issuer = certificates[at + 1] ?? anchor
    return issuer.ca && each.checkIssued(issuer) && each.verify(issuer.publicKey)
  })

const nameOf = (credential: Credential): string => read(credential)?.[0]?.subject ?? 'nobody'

/** What `Authentication` asks of one that takes X.509, with one anchor; without times, and enough for tests only. */
export const certified = (root: Uint8Array): Authentication => {
  const anchor = new X509Certificate(root)
  return {
    validate: (credential, signatureKey) => {
      const certificates = read(credential)
      const [end] = certificates ?? []
      if (certificates === undefined || end === undefined) return 'no certificate'
      if (rawKey(end) !== toHex(signatureKey)) return 'another key'
      return isChain(certificates, anchor) ? undefined : 'no chain'
    },
    validateSuccessor: (before, after) => nameOf(before) === nameOf(after) ? undefined : 'another name',
    clientOf: nameOf,
  }
}
