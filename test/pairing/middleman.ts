import { encode, fromHex } from '../../main/mls/index.ts'
import type { LinkingCode } from '../../main/identity/linking-code.ts'
import { makeKeys, Opener, Sealer, type Keys } from '../../main/pairing/hpke.ts'
import { frameLabel, PairingRecord, readerSlot, rendezvousLog } from '../../main/pairing/records.ts'
import type { Delivery, LogRecord } from '../../main/ports.ts'
import { suite } from '../scenario/devices.ts'
import { recordIn } from './pair.ts'

/** Somebody who has read an elder's code, speaks its protocol in the new device's role, and keeps to no rule of it. */
export class Middleman {
  readonly records: Uint8Array[] = []
  readonly #options: { readonly delivery: Delivery, readonly code: LinkingCode, readonly rendezvous: string }
  readonly #keys: Keys
  #sealer: Sealer | undefined
  #opener: Opener | undefined
  #sent = 0

  private constructor(options: Middleman['options'], keys: Keys) {
    this.#options = options
    this.#keys = keys
  }

  get options() { return this.#options }

  static async with(delivery: Delivery, code: LinkingCode, rendezvous: string): Promise<Middleman> {
    const middleman = new Middleman({ delivery, code, rendezvous }, await makeKeys())
    await middleman.#begin()
    return middleman
  }

  async #begin(): Promise<void> {
    const { code } = this.#options
    this.#sealer = await Sealer.to(code.publicKey, { suite, code, before: [] })
    const sealed = await this.#sealer.seal(this.#keys.publicKey, this.#label('new', this.#sent++))
    const bytes = encode(PairingRecord, { type: 'key', role: 'new', enc: this.#sealer.enc, sealed })
    this.records.push(bytes)
    await this.#append(bytes, readerSlot)
  }

  async send(message: Uint8Array): Promise<void> {
    const counter = this.#sent++
    const sealed = await this.#sealer?.seal(message, this.#label('new', counter)) ?? new Uint8Array(0)
    await this.#append(encode(PairingRecord, { type: 'frame', role: 'new', counter, sealed }))
  }

  /** All that the elder has put into the log so far. */
  async elders(): Promise<readonly LogRecord[]> {
    const { delivery, rendezvous } = this.#options
    const records = await delivery.read(rendezvousLog(rendezvous), 0, 50)
    return records.filter((one) => recordIn(one).role === 'elder')
  }

  /** What the elder's frame of that number says; waits for it. */
  async hear(counter: number): Promise<Uint8Array> {
    for (;;) {
      const logged = (await this.elders())[counter]
      if (logged !== undefined) return this.#open(logged, counter)
      await new Promise((resolve) => setTimeout(resolve, 5))
    }
  }

  async #open(logged: LogRecord, counter: number): Promise<Uint8Array> {
    const record = recordIn(logged)
    const { code } = this.#options
    if (record.type === 'end') throw new Error(record.why)
    if (record.type === 'key') {
      this.#opener = await Opener.from(record.enc, this.#keys, { suite, code, before: [...this.records] })
      this.records.push(logged.bytes)
    }
    return this.#opener?.open(record.sealed, this.#label('elder', counter)) ?? new Uint8Array(0)
  }

  async #append(bytes: Uint8Array, slot?: string): Promise<void> {
    await this.#options.delivery.append(rendezvousLog(this.#options.rendezvous), bytes, slot)
  }

  #label(role: 'elder' | 'new', counter: number): Uint8Array {
    return frameLabel({ rendezvous: fromHex(this.#options.rendezvous), role, counter })
  }
}
