import { concat, equal, fromHex, signWithLabel, toHex, verifyWithLabel, type KeyPair } from '../mls/index.ts'
import { recoveryKeyPair } from '../identity/recovery.ts'
import type { OwnAccount } from '../chat/documents.ts'
import { PortError } from '../ports.ts'
import type { Wish } from './registers.ts'
import type { State } from './state.ts'

/**
 * Other own devices learn where the new words lead when the recovery key was replaced: what is sealed to it, and the name
 * of its card. The new key itself has signed that, so that nobody else, not even another own device, can send them
 * anywhere else; and it counts when the account's log says that it is this key's turn.
 */

const key = 'recovery'
const label = 'Coppice recovery keys 1'

type Keys = Pick<OwnAccount, 'recoverySealKey' | 'recoveryCardName'>

const signed = (accountId: string, { recoverySealKey, recoveryCardName }: Keys): Uint8Array =>
  concat(fromHex(accountId), recoverySealKey, recoveryCardName)

export const recoveryWish = ({ self: { suite, accountId } }: Pick<State, 'self'>, keys: Keys, by: KeyPair): Wish => ({
  key, value: {
    sealKey: toHex(keys.recoverySealKey), cardName: toHex(keys.recoveryCardName),
    signature: toHex(signWithLabel(suite, by.privateKey, label, signed(accountId, keys))),
  },
})

/** What the register says, if the recovery key that is in force has signed it. */
function toldKeys({ self: { suite, accountId }, devices }: State, value: unknown): Keys | undefined {
  if (typeof value !== 'object' || value === null) return undefined
  const { sealKey, cardName, signature } = value as { readonly [K in 'sealKey' | 'cardName' | 'signature']?: unknown }
  if (!isHex(sealKey, 32) || !isHex(cardName, 32) || !isHex(signature, 64)) return undefined
  const keys = { recoverySealKey: fromHex(sealKey), recoveryCardName: fromHex(cardName) }
  return verifyWithLabel(suite, devices.recoveryPublicKey, label, signed(accountId, keys), fromHex(signature)) ? keys : undefined
}

const isHex = (value: unknown, length: number): value is string =>
  typeof value === 'string' && value.length === 2 * length && /^[0-9a-f]*$/.test(value)

/** Takes them into use on this device, where another one has replaced the recovery key; the old words open nothing here. */
export function adoptTold(state: State): void {
  const { account, registers, ports, devices } = state
  const keys = toldKeys(state, registers.value(key))
  if (keys === undefined || equal(keys.recoverySealKey, account.recoverySealKey)) return
  // The seed of the words that were replaced, if nobody has confirmed them here.
  const spent = account.recoverySeed
  const isOwn = spent !== undefined && equal(publicKeyOf(state, spent), devices.recoveryPublicKey)
  state.transact({
    account: { ...account, ...keys, ...isOwn ? {} : { recoverySeed: undefined, recovery: { type: 'confirmed' } } },
    wipe: spent === undefined || isOwn ? [] : [spent],
  })
  try {
    ports.vault.sealTo(keys.recoverySealKey)
  } catch (error) {
    // It is tried again at the next start.
    if (!(error instanceof PortError)) throw error
  }
}

function publicKeyOf({ self: { suite } }: State, seed: NonNullable<OwnAccount['recoverySeed']>): Uint8Array {
  const { publicKey, privateKey } = recoveryKeyPair(suite, seed)
  privateKey.wipe()
  return publicKey
}
