/**
 * Secrets in memory: of every transaction of every app in this process, what it no longer holds afterwards is zero, and
 * what it still holds is not.
 */
import assert from 'node:assert/strict'
import { State, type Transaction } from '../../main/app/state.ts'
import { Secret } from '../../main/mls/index.ts'

/** Every secret that can be reached from a value, with a way to it. */
export function secretsIn(value: unknown): ReadonlyMap<Secret, string> {
  const found = new Map<Secret, string>()
  const seen = new Set<object>()
  const visit = (at: unknown, way: string): void => {
    if (typeof at !== 'object' || at === null || at instanceof Uint8Array || seen.has(at)) return
    seen.add(at)
    if (at instanceof Secret) found.set(at, way)
    else if (at instanceof Map) for (const [key, one] of at) visit(one, `${way}.${String(key)}`)
    else for (const [key, one] of Object.entries(at)) visit(one, `${way}.${key}`)
  }
  visit(value, '')
  return found
}

const secretsOf = ({ rooms, keyPackages, account, transfers }: State): ReadonlyMap<Secret, string> =>
  secretsIn({ rooms, keyPackages, account, transfers })

const isZero = (secret: Secret): boolean => secret.unwrap().every((octet) => octet === 0)

/** `wiped` and `forgotten` count what died, with a transaction and with the profile; `faults` should not be. */
type Ledger = { readonly faults: string[], wiped: number, forgotten: number, readonly end: () => void }

/** Looks on at all transactions from now on. */
export function keepLedger(): Ledger {
  const { transact, forget } = State.prototype
  const end = (): void => { Object.assign(State.prototype, { transact, forget }) }
  const ledger: Ledger = { faults: [], wiped: 0, forgotten: 0, end }
  const look = (state: State, what: string, change: () => void): void => {
    const before = secretsOf(state)
    change()
    const after = secretsOf(state)
    for (const [secret, way] of before) {
      if (after.has(secret)) continue
      ledger.wiped += 1
      if (!isZero(secret)) ledger.faults.push(`${what}: ${way} is dropped and not wiped`)
    }
    for (const [secret, way] of after) {
      if (what === 'transact' && isZero(secret)) ledger.faults.push(`${what}: ${way} is held and wiped`)
    }
  }
  State.prototype.transact = function (this: State, transaction: Transaction): void {
    look(this, 'transact', () => { transact.call(this, transaction) })
    for (const secret of [transaction.wipe ?? [], ...transaction.steps?.map((step) => step.wipe) ?? []].flat()) {
      if (!isZero(secret)) ledger.faults.push('a secret that was given to be wiped is not')
    }
  }
  State.prototype.forget = function (this: State): void {
    const all = secretsOf(this)
    assert.ok(all.size > 0)
    forget.call(this)
    ledger.forgotten += all.size
    for (const [secret, way] of all) if (!isZero(secret)) ledger.faults.push(`forget: ${way} is not wiped`)
  }
  return ledger
}
