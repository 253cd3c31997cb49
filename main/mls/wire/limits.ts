/**
 * Limits in bytes for vectors, so that a hostile length cannot make the decoder allocate (RFC 9420 §2.1.2 lets a
 * vector have up to 2^30 - 1). Generous for every known cipher suite, post-quantum ones included.
 */
export const limits = {
  key: 8_192,
  signature: 16_384,
  hash: 255,
  identifier: 4_096,
  /** A list of code points, two octets each. */
  codes: 4_096,
  identity: 65_535,
  certificate: 1_048_576,
  extensions: 4_194_304,
  /** Ciphertexts and application data. */
  message: 16_777_216,
  /** Proposals of one commit, paths, ratchet trees, Welcomes: they grow with the group. */
  group: 268_435_456,
} as const
