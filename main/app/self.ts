import { decode, encode, toHex, type KeyPair, type Secret, type Suite } from '../mls/index.ts'
import { authentication, encodeCredential } from '../identity/credential.ts'
import { DeviceLogRecord } from '../identity/device-log.ts'
import type { LogHead } from '../identity/entry.ts'
import { accountIdFor, SignedGenesis } from '../identity/genesis.ts'
import type { OwnAccount } from '../chat/documents.ts'
import { leafExtensions } from '../chat/extensions.ts'
import type { Self } from '../chat/self.ts'
import { PortError, type Ports } from '../ports.ts'

/** The cipher suite of the product's groups and of all identity operations: Ed25519, X25519, AES-128-GCM, SHA-256. */
export const productSuite = 1

/** The suite of every group that this app makes. Throws PortError('bug') on a host without it. */
export function suiteOfProduct(ports: Pick<Ports, 'suiteOf'>): Suite {
  const suite = ports.suiteOf(productSuite)
  if (suite === undefined) throw new PortError('bug', 'cipher suite 1 is missing')
  return suite
}

/** This device as its groups see it, as far as it has read its own device log: its genesis alone without a `head`. */
export function selfOf(ports: Pick<Ports, 'suiteOf'>, account: OwnAccount, head?: LogHead): Self {
  const suite = suiteOfProduct(ports)
  const { deviceId, path } = account
  const genesis = decode(SignedGenesis, account.genesis)
  const accountId = accountIdFor(suite, genesis.genesis)
  const signatureKeyPair: KeyPair = { publicKey: account.devicePublicKey, privateKey: account.devicePrivateKey }
  return {
    accountId: toHex(accountId), deviceId: toHex(deviceId), suite, signatureKeyPair,
    formerKeys: account.formerKeys,
    credential: encodeCredential({ accountId, deviceId, genesis, path: [...path] }),
    leafExtensions: leafExtensions(head ?? { n: 0, hash: accountId }),
    authentication: authentication(suite),
  }
}

/** The first record of the account's device log. */
export const genesisRecordOf = (account: OwnAccount): Uint8Array =>
  encode(DeviceLogRecord, { type: 'genesis', signed: decode(SignedGenesis, account.genesis) })

/** Every secret of the account, to be wiped when it is put away. */
export const secretsOf = (account: OwnAccount): readonly Secret[] => [
  account.devicePrivateKey, ...account.formerKeys.map(({ privateKey }) => privateKey),
  ...[account.nextKey?.privateKey, account.recoverySeed, account.nextRecoverySeed].flatMap((seed) => seed ?? []),
]
