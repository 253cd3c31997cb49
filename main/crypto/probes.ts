import {
  concat, equal, fromHex, portablePrimitives, toHex, type AeadPrimitive, type AgreementPrimitive, type HashPrimitive,
  type SignaturePrimitive,
} from '../mls/index.ts'

// Probes: a few inputs on which a candidate must do as the portable primitive does. For the curves the answers are
// written down, because noble takes longer to compute them than a start may last; a test asks noble for them.

const sample = (length: number): Uint8Array => Uint8Array.from({ length }, (_, at) => (at * 7 + 1) & 0xff)
const message = new TextEncoder().encode('coppice')

function refuses(agree: () => Uint8Array | undefined): boolean {
  try {
    return agree() === undefined
  } catch {
    return true
  }
}

export function hashAgrees(candidate: HashPrimitive, portable: HashPrimitive): boolean {
  return [0, 1, 64, 128, 200].every((length) => {
    const data = sample(length)
    return equal(candidate.hash(data), portable.hash(data))
      && equal(candidate.mac(data, data), portable.mac(data, data))
  })
}

export const aeadAgrees = (keyLength: number) => (candidate: AeadPrimitive, portable: AeadPrimitive): boolean => {
  const key = sample(keyLength)
  const nonce = sample(12)
  return [0, 1, 100].every((length) => {
    const data = sample(length)
    const sealed = portable.seal(key, nonce, data, data)
    const opened = candidate.open(key, nonce, data, sealed)
    const changed = sealed.map((octet, at) => at === 0 ? octet ^ 1 : octet)
    return equal(candidate.seal(key, nonce, data, data), sealed) && opened !== undefined && equal(opened, data)
      && refuses(() => candidate.open(key, nonce, data, changed))
  })
}

/** For each curve: a private key's length, and the SHA-256 of its public key and of what both agree on. */
const agreements = {
  x25519: [32, '27f9f20d583f7899870d24f1ffba75e07555f6bbf858745a40255977f532b743'],
  p256: [32, '9d4dc7aa653ec6c00f14f849199b142b3526d8a18d9d911b7e8f975c22de89f4'],
  p384: [48, '6e3c7cd7628da3b7a4b680dedd7d436b66ebdc0f9bdfb515c5f7846d9bfd2385'],
  p521: [66, '3d6dab3b2820d20d928b241ddaf283f2f9ab7acc77b4b80a62bdda630300a716'],
} as const

export const agreementAgrees = (curve: keyof typeof agreements) => (candidate: AgreementPrimitive): boolean => {
  const [length, expected] = agreements[curve]
  const privateKey = sample(length)
  const publicKey = candidate.publicKeyOf(privateKey)
  const shared = candidate.agree(privateKey, publicKey)
  // A point of small order, or one that is not on the curve: coordinates of zeros.
  const wrong = publicKey.map((octet, at) => curve !== 'x25519' && at === 0 ? octet : 0)
  return shared !== undefined
    && toHex(portablePrimitives.hashes.sha256.hash(concat(publicKey, shared))) === expected
    && refuses(() => candidate.agree(privateKey, wrong))
}

/** For each curve: a private key's length, and a signature by it over "coppice" whose S is in the upper half. */
const ecdsaCases = {
  p256: [32, '30450220280ea5700d0972cf2d43f6dd06588bd51c5bc2fdc9fbef988313c1f06df8000e'
    + '02210086344d727ede88e3af31dab5be83946d25e71bc3ddb0b49fb839b779301b870e'],
  p384: [48, '3066023100d8b579aa4a078988f9c91e4d5d9a08d71402945f0f4493d21fb80cfd330e39cd0a5123fe2e6f02d726f82d735d63a009'
    + '023100eb4ae64d473dbc860659fc68bf9107d7eb64d2b4360e899a4b57d18eefd410642b836b4d3d0ba110d14aa6b3ed61dce1'],
  p521: [66, '308188'
    + '0242012bc6a483c45eb0209f0bcb43011b117b0da72420e219da9e1ce9d4408bb3be89'
    + 'ce3039a65a84ee7483eb15765e2cba4f4b94fed44fd590c7a914b0691f6d823d1b'
    + '024201cebfa3c23f2825b26a749fe1101d7bd429097c391a4d4a89aa34ad79db1bca6a'
    + 'b185d9782792bcca120cd58e9717127feeea5ff75a777649c1d186fd7edfac46c2'],
} as const

export const ecdsaAgrees = (curve: keyof typeof ecdsaCases) => (candidate: SignaturePrimitive): boolean => {
  const [length, signature] = ecdsaCases[curve]
  const privateKey = sample(length)
  const publicKey = candidate.publicKeyOf(privateKey)
  return candidate.verify(publicKey, message, fromHex(signature))
    && candidate.verify(publicKey, message, candidate.sign(privateKey, message))
    && !candidate.verify(publicKey, sample(21), fromHex(signature))
}

/**
 * Signatures over "coppice": an honest one, and five on which Ed25519 libraries disagree: a mixed-order A, a mixed-order
 * R, a small-order A, a small-order R, and S + L. noble's own `verify` accepts the first two of them and the fourth;
 * here all five are refused.
 */
const honestKey = '17ffad8068dc0de9935d36636f3ad1b5de6de3413b12388e453b05f2a4c1d3db'
const honestR = '7db0dc9222f3c183457ddde4c708de8e5ea6bf3d5c4404cca14b32729a05c32a'
const ed25519Cases: readonly (readonly [key: string, signature: string, valid: boolean])[] = [
  [honestKey, `${honestR}d7a01f2b40c9eaf0a72c14dc030dfbcbf814d53557c598fb431337844cb45401`, true],
  ['d63c01223147541df4e170763e9e2788a8bf5971f52a93c5829dbe6f5ff6bba9',
    `${honestR}d5a745edca3be3665fc2b3332255e17fb7e1aef4533ae0c4283f5782b98a3a0f`, false],
  [honestKey, '6999d5cb5126005c325892f1c6eab824b310708befff12fbaf45dda050cb12f0'
    + '5d708eafc45d523716da6c4b234d81e566287916794475d6d00be3e03894dc02', false],
  ['c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a',
    `${honestR}b168de3a00000000000000000000000000000000000000000000000000000000`, false],
  [honestKey, 'c7176a703d4dd84fba3c0b760d10670f2a2053fa2c39ccc64ec7fd7792ac037a'
    + '0b0fc4e6cbcc45d4e11528cdd41ae46923c9368e95edcd11c20621480db05105', false],
  [honestKey, `${honestR}c47415885a2cfd487ec90b7fe206dae0f814d53557c598fb431337844cb45411`, false],
]

/** The public key of `sample(32)`, and its signature over "coppice". */
const ed25519Key = 'e4030998cfd5ad1723c169f956aa0b9eb8619b5992bd612c2af428ebc79f8df0'
const ed25519Signature = '0fe2a336a0d031f4249b3cb9c271d2467d5c08f724ff052d226b5b7874a8b97b'
  + 'fdb4efa03ade7192f4b5bdfa63fa52bae0ff00b24024dca256551f8a9d27580d'

export function ed25519Agrees(candidate: SignaturePrimitive): boolean {
  const privateKey = sample(32)
  return toHex(candidate.publicKeyOf(privateKey)) === ed25519Key
    && toHex(candidate.sign(privateKey, message)) === ed25519Signature
    && ed25519Cases.every(([key, crafted, valid]) =>
      candidate.verify(fromHex(key), message, fromHex(crafted)) === valid)
}
