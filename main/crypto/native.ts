import nodeCrypto from 'node:crypto'
import type { PrimitiveName } from '../events.ts'
import {
  composeSuites, portablePrimitives, type Primitives, type Random, type SuiteOf,
} from '../mls/index.ts'
import { nodeEcdh, nodeEcdsa, nodeGcm, nodeHash, plain, type NodeCrypto } from './node.ts'
import { aeadAgrees, agreementAgrees, ecdsaAgrees, ed25519Agrees, hashAgrees } from './probes.ts'
import { sodiumChaCha20Poly1305, sodiumEd25519, sodiumX25519, type Sodium } from './sodium.ts'

// The suites on sodium-native and node:crypto, 3 to 40 times as fast as the portable ones. Each primitive is tried at
// start, and replaced by the portable one where the host lacks it or judges differently: what the members of a group
// accept must not depend on their computers.

/** The libraries of native code that a process has. */
export type Host = { readonly sodium: Sodium | undefined, readonly node: NodeCrypto }

/** This process; without libsodium where its binary does not load. */
export const thisHost: Host = {
  sodium: await import('sodium-native').then((module) => module.default, () => undefined),
  node: nodeCrypto,
}

/** Fresh bytes of the operating system's generator. */
export const systemRandom: Random = (length) => plain(nodeCrypto.randomBytes(length))

/** The suites of RFC 9420 §17.1 on the fastest primitives that this host has and that agree with the portable ones. */
export function nativeSuites(random: Random): SuiteOf {
  return composeSuites(nativePrimitives(), random)
}

/** The primitives of `nativeSuites`; one that failed its probe is the same object as in `portablePrimitives`. */
export function nativePrimitives({ sodium, node }: Host = thisHost): Primitives {
  const { hashes, aeads, signatures, agreements } = portablePrimitives
  return {
    hashes: {
      sha256: choose(nodeHash(node, 'sha256'), hashes.sha256, hashAgrees),
      sha384: choose(nodeHash(node, 'sha384'), hashes.sha384, hashAgrees),
      sha512: choose(nodeHash(node, 'sha512'), hashes.sha512, hashAgrees),
    },
    aeads: {
      aes128gcm: choose(nodeGcm(node, 'aes-128-gcm'), aeads.aes128gcm, aeadAgrees(16)),
      aes256gcm: choose(nodeGcm(node, 'aes-256-gcm'), aeads.aes256gcm, aeadAgrees(32)),
      chacha20poly1305: choose(sodium && sodiumChaCha20Poly1305(sodium), aeads.chacha20poly1305, aeadAgrees(32)),
    },
    signatures: {
      ed25519: choose(sodium && sodiumEd25519(sodium), signatures.ed25519, ed25519Agrees),
      // Of Ed448 and X448, OpenSSL alone has native code, and Electron does not have OpenSSL.
      ed448: signatures.ed448,
      p256: choose(nodeEcdsa(node, 'p256'), signatures.p256, ecdsaAgrees('p256')),
      p384: choose(nodeEcdsa(node, 'p384'), signatures.p384, ecdsaAgrees('p384')),
      p521: choose(nodeEcdsa(node, 'p521'), signatures.p521, ecdsaAgrees('p521')),
    },
    agreements: {
      x25519: choose(sodium && sodiumX25519(sodium), agreements.x25519, agreementAgrees('x25519')),
      x448: agreements.x448,
      p256: choose(nodeEcdh(node, 'p256'), agreements.p256, agreementAgrees('p256')),
      p384: choose(nodeEcdh(node, 'p384'), agreements.p384, agreementAgrees('p384')),
      p521: choose(nodeEcdh(node, 'p521'), agreements.p521, agreementAgrees('p521')),
    },
  }
}

/** Which of `primitives` run on native code, and which are the portable ones. */
export function implementationsOf(primitives: Primitives): Implementations {
  const found: { native: PrimitiveName[], portable: PrimitiveName[] } = { native: [], portable: [] }
  for (const [kind, prefix] of primitiveKinds) {
    for (const [name, primitive] of Object.entries<unknown>(primitives[kind])) {
      const isPortable = primitive === (portablePrimitives[kind] as Readonly<Record<string, unknown>>)[name]
      found[isPortable ? 'portable' : 'native'].push((name.startsWith('p') ? `${prefix}-${name}` : name) as PrimitiveName)
    }
  }
  return found
}

type Implementations = { readonly native: readonly PrimitiveName[], readonly portable: readonly PrimitiveName[] }
/** ECDSA and ECDH are on curves of the same names. */
const primitiveKinds = [['hashes', ''], ['aeads', ''], ['signatures', 'ecdsa'], ['agreements', 'ecdh']] as const

function choose<T>(candidate: T | undefined, portable: T, agrees: (candidate: T, portable: T) => boolean): T {
  if (candidate === undefined) return portable
  try {
    return agrees(candidate, portable) ? candidate : portable
  } catch {
    return portable
  }
}
