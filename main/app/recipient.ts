import { equal, fromHex, toHex, type Secret } from '../mls/index.ts'
import { certifyRecipient, isCertified } from '../identity/backup-recipient.ts'
import { deriveRecovery, recoveryKeyPair } from '../identity/recovery.ts'
import { PortError, type Ports } from '../ports.ts'
import { seedFrom } from './account.ts'
import { suiteOfProduct } from './self.ts'
import type { State } from './state.ts'

/**
 * The public half of the key that backups are sealed to. All own devices keep it alike, as a register; it counts where
 * the recovery key that is in force has certified it, whoever said it.
 */
export const recipientKey = 'backup'

export type RecipientWord = { readonly recipient: string, readonly signature: string }

/** `undefined`: this device does not know it, and has to ask for the words. */
export function backupRecipient({ registers, self, devices }: State): string | undefined {
  const { recipient, signature } = registers.value(recipientKey) as Partial<RecipientWord> | undefined ?? {}
  if (typeof recipient !== 'string' || recipient.length > 4_096) return undefined
  if (typeof signature !== 'string' || !/^[0-9a-f]{128}$/.test(signature)) return undefined
  const content = { accountId: fromHex(self.accountId), recipient, signature: fromHex(signature) }
  return isCertified(self.suite, devices.recoveryPublicKey, content) ? recipient : undefined
}

/** What the recovery key says of itself. The seed is not needed any more once this has been called. */
export async function recipientOfSeed(
  ports: Ports, { accountId, seed }: { readonly accountId: Uint8Array, readonly seed: Secret },
): Promise<RecipientWord> {
  const suite = suiteOfProduct(ports)
  const recovery = recoveryKeyPair(suite, seed)
  const secret = deriveRecovery(suite, seed, 'backup')
  try {
    const recipient = await ports.archive.recipientOf(secret)
    return { recipient, signature: toHex(certifyRecipient(suite, recovery, { accountId, recipient })) }
  } finally {
    recovery.privateKey.wipe()
    secret.wipe()
  }
}

/** As long as this device has the recovery seed, it need not ask for the words. */
export async function keepRecipient(state: State): Promise<void> {
  const { recoverySeed } = state.account
  if (recoverySeed !== undefined && backupRecipient(state) === undefined) await learn(state, recoverySeed)
}

/** From the words. Rejects with PortError with what is wrong with them: 'words-foreign' for those of another key. */
export async function learnRecipient(state: State, words: string): Promise<void> {
  const seed = seedFrom(words)
  try {
    const { publicKey, privateKey } = recoveryKeyPair(state.self.suite, seed)
    privateKey.wipe()
    if (!equal(publicKey, state.devices.recoveryPublicKey)) throw new PortError('words-foreign')
    await learn(state, seed)
  } finally {
    seed.wipe()
  }
}

async function learn(state: State, seed: Secret): Promise<void> {
  const value = await recipientOfSeed(state.ports, { accountId: fromHex(state.self.accountId), seed })
  state.transact({ registers: [{ key: recipientKey, value }] })
}
