import { concat } from './codec.ts'
import { MlsError } from './error.ts'
import { check } from './rules.ts'
import { Secret } from './secret.ts'
import { labelledKdf, type KeyPair, type Suite } from './suite.ts'
import type { HPKECiphertext } from './wire/node.ts'

// HPKE (RFC 9180) in base mode on the primitives of a suite: the hot path, synchronous. MLS seals one message under
// each context (RFC 9420 §5.1.3), so that the sequence number of RFC 9180 §5.2 is always 0.

const none = new Uint8Array(0)
const modeBase = Uint8Array.of(0)

const pair = (value: number): readonly number[] => [value >> 8, value & 0xff]

/** RFC 9180 §5.1: `suite_id` of the key schedule. */
const suiteIdOf = (suite: Suite): Uint8Array =>
  Uint8Array.of(0x48, 0x50, 0x4b, 0x45, ...pair(suite.kem), ...pair(suite.kdf), ...pair(suite.aead)) // "HPKE"

/** RFC 9180 §5.1: `key_schedule_context` for mode_base. */
function keyScheduleContext(suite: Suite, info: Uint8Array): Uint8Array {
  const labelled = labelledKdf(suite, suiteIdOf(suite))
  return concat(
    modeBase, labelled.extract(none, 'psk_id_hash', none), labelled.extract(none, 'info_hash', info))
}

/** RFC 9180 §5.1: KeySchedule for mode_base; consumes the shared secret. */
function keySchedule(suite: Suite, sharedSecret: Secret, context: Uint8Array) {
  const labelled = labelledKdf(suite, suiteIdOf(suite))
  const secret = labelled.extract(sharedSecret.unwrap(), 'secret', none)
  sharedSecret.wipe()
  return {
    key: () => labelled.expand(secret, 'key', context, suite.keyLength),
    nonce: () => labelled.expand(secret, 'base_nonce', context, suite.nonceLength),
    /** RFC 9180 §5.3: Context.Export. */
    exported: (exporterContext: Uint8Array, length: number): Secret => {
      const exporterSecret = labelled.expand(secret, 'exp', context, suite.hashLength)
      const exported = new Secret(labelled.expand(exporterSecret, 'sec', exporterContext, length))
      exporterSecret.fill(0)
      return exported
    },
    wipe: () => { secret.fill(0) },
  }
}

/** SealBase to one public key; throws `MlsError('refused')` for an invalid one. */
export type HpkeSeal = (publicKey: Uint8Array, aad: Uint8Array, plaintext: Uint8Array) => HPKECiphertext

/**
 * SealBase (RFC 9180 §6.1) for any number of recipients: `info`, which in a Welcome is as long as the group is large,
 * is hashed once.
 */
export function hpkeSealer(suite: Suite, info: Uint8Array): HpkeSeal {
  const context = keyScheduleContext(suite, info)
  return (publicKey, aad, plaintext) => {
    const { sharedSecret, kemOutput } = suite.encapsulate(publicKey)
    const schedule = keySchedule(suite, sharedSecret, context)
    const key = schedule.key()
    const ciphertext = suite.seal(key, schedule.nonce(), aad, plaintext)
    key.fill(0)
    schedule.wipe()
    return { kemOutput, ciphertext }
  }
}

/** OpenBase (RFC 9180 §6.1). Throws `MlsError('refused')` when the ciphertext does not open. */
export function hpkeOpen(
  suite: Suite, key: KeyPair, info: Uint8Array, aad: Uint8Array, sealed: HPKECiphertext,
): Uint8Array {
  const schedule = keySchedule(suite, suite.decapsulate(sealed.kemOutput, key), keyScheduleContext(suite, info))
  const aeadKey = schedule.key()
  const plaintext = suite.open(aeadKey, schedule.nonce(), aad, sealed.ciphertext)
  aeadKey.fill(0)
  schedule.wipe()
  check('5.1.3.open', plaintext !== undefined)
  return plaintext
}

function checkExportLength(suite: Suite, length: number): void {
  // RFC 9180 §5.3: L is at most 255 * Nh.
  if (length > 255 * suite.hashLength) throw new MlsError('misuse', 'an HPKE export has at most 255 hashes')
}

/** SetupBaseS and Context.Export (RFC 9180 §5.1.1, §5.3), as external initialization needs them (RFC 9420 §8.3). */
export function hpkeExportSender(
  suite: Suite, publicKey: Uint8Array, info: Uint8Array, exporterContext: Uint8Array, length: number,
): { readonly kemOutput: Uint8Array, readonly exported: Secret } {
  checkExportLength(suite, length)
  const { sharedSecret, kemOutput } = suite.encapsulate(publicKey)
  const schedule = keySchedule(suite, sharedSecret, keyScheduleContext(suite, info))
  const exported = schedule.exported(exporterContext, length)
  schedule.wipe()
  return { kemOutput, exported }
}

/** SetupBaseR and Context.Export (RFC 9180 §5.1.1, §5.3). Throws `MlsError('refused')` for an invalid KEM output. */
export function hpkeExportReceiver(
  suite: Suite,
  { key, kemOutput, info, exporterContext, length }: {
    readonly key: KeyPair
    readonly kemOutput: Uint8Array
    readonly info: Uint8Array
    readonly exporterContext: Uint8Array
    readonly length: number
  },
): Secret {
  checkExportLength(suite, length)
  const schedule = keySchedule(suite, suite.decapsulate(kemOutput, key), keyScheduleContext(suite, info))
  const exported = schedule.exported(exporterContext, length)
  schedule.wipe()
  return exported
}
