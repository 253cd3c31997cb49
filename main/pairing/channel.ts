import { encode, equal, fromHex, toHex, type Suite } from '../mls/index.ts'
import { rendezvousOf, type LinkingCode } from '../identity/linking-code.ts'
import type { LinkRole } from '../../preload/api.ts'
import {
  PairingError, PortError, type Channel, type Line, type LogRecord, type Patience, type Rendezvous,
} from '../ports.ts'
import { endIn, endKeyOf, readRecord, writeEnd } from './end.ts'
import { makeKeys, Opener, Sealer, type Direction, type Keys } from './hpke.ts'
import { commitment, keysHash, nonceLength, transcriptOf } from './nonces.ts'
import { frameLabel, PairingRecord, readerSlot, rendezvousLog } from './records.ts'

/**
 * A channel over a rendezvous log. The reader of the code speaks first, in the one slot of the log; each side's first
 * frame brings the key that opens its others. Each of a side's frames has its number, and HPKE's own counter with it
 * (RFC 9180 §5.2); a record that the log repeats is passed over, anything else that does not fit ends the channel.
 */

const pollMs = 100
/** How long the other device may take for what it does by itself. */
const stepMs = 60_000

const otherRole = (role: LinkRole): LinkRole => role === 'elder' ? 'new' : 'elder'

export const meetAt = (suite: Suite, code: LinkingCode, role: LinkRole): Rendezvous =>
  ({ id: rendezvousOf(suite, code), role, endKey: endKeyOf(suite, code.psk) })

type Seat = {
  readonly suite: Suite
  readonly line: Line
  readonly code: LinkingCode
  readonly rendezvous: Rendezvous
  readonly isReader: boolean
}

export class PairingChannel implements Channel {
  readonly #seat: Seat
  readonly #log: string
  #sealer: Sealer | undefined
  #opener: Opener | undefined
  #after = 0
  #sent = 0
  #received = 0
  /** Every record of either side so far, hexadecimal: at least once may be twice. */
  readonly #known = new Set<string>()
  readonly #waiting: LogRecord[] = []
  transcript: Uint8Array = new Uint8Array(0)

  private constructor(seat: Seat) {
    this.#seat = seat
    this.#log = rendezvousLog(seat.rendezvous.id)
  }

  /** The reader's end. */
  static async read(suite: Suite, line: Line, code: LinkingCode): Promise<PairingChannel> {
    const rendezvous = meetAt(suite, code, otherRole(code.role))
    const channel = new PairingChannel({ suite, line, code, rendezvous, isReader: true })
    const keys = await makeKeys()
    const first = await channel.#introduce(code.publicKey, [], keys.publicKey)
    const { bytes, enc } = await channel.#keyRecord(stepMs, 'gone')
    await channel.#listen(enc, keys, [first], bytes)
    await channel.#exchangeNonces([first, bytes])
    return channel
  }

  /** The end of who shows the code. */
  static async show(suite: Suite, line: Line, code: LinkingCode, keys: Keys): Promise<PairingChannel> {
    const channel = new PairingChannel({ suite, line, code, rendezvous: meetAt(suite, code, code.role), isReader: false })
    const { bytes, enc } = await channel.#keyRecord(code.expiresAt - line.now(), 'expired')
    const readerKey = await channel.#listen(enc, keys, [], bytes)
    const second = await channel.#introduce(readerKey, [bytes], new Uint8Array(0))
    await channel.#exchangeNonces([bytes, second])
    return channel
  }

  async send(message: Uint8Array): Promise<void> {
    const { role } = this.#seat.rendezvous
    const counter = this.#sent++
    const sealed = await this.#seal(message, counter)
    await this.#append(encode(PairingRecord, { type: 'frame', role, counter, sealed }))
  }

  async receive(patience: Patience): Promise<Uint8Array | undefined> {
    const next = await this.#next(patience, 'gone')
    if (next === undefined) return undefined
    if (next.record.type !== 'frame') throw new PairingError('tampered')
    const { counter, sealed } = next.record
    return this.#open(sealed, counter)
  }

  // -------------------------------------------------------------- the beginning

  /** The first frame of this side. */
  async #introduce(to: Uint8Array, before: readonly Uint8Array[], content: Uint8Array): Promise<Uint8Array> {
    const { rendezvous: { role }, isReader } = this.#seat
    this.#sealer = await opened(Sealer.to(to, this.#direction(before)))
    const counter = this.#sent++
    const sealed = await this.#seal(content, counter)
    const bytes = encode(PairingRecord, { type: 'key', role, enc: this.#sealer.enc, sealed })
    await this.#append(bytes, isReader ? readerSlot : undefined)
    return bytes
  }

  async #keyRecord(limitMs: number, silence: 'gone' | 'expired') {
    const next = await this.#next({ limitMs }, silence)
    if (next?.record.type !== 'key') throw new PairingError('tampered')
    // Only the slot decides between two readers.
    if (!this.#seat.isReader && next.slot !== readerSlot) throw new PairingError('tampered')
    return { bytes: next.bytes, enc: next.record.enc }
  }

  async #listen(enc: Uint8Array, keys: Keys, before: readonly Uint8Array[], bytes: Uint8Array): Promise<Uint8Array> {
    this.#opener = await opened(Opener.from(enc, keys, this.#direction(before)))
    const record = readRecord({ seq: 0, slot: undefined, bytes })
    if (record?.type !== 'key') throw new PairingError('tampered')
    return this.#open(record.sealed, 0)
  }

  #direction(before: readonly Uint8Array[]): Direction {
    const { suite, code } = this.#seat
    return { suite, code, before }
  }

  /** The keys are fixed by the two first records; then each side commits, and only then shows. */
  async #exchangeNonces(records: readonly Uint8Array[]): Promise<void> {
    const { suite, code, rendezvous: { role } } = this.#seat
    const keys = keysHash(suite, code, records)
    const own = suite.random(nonceLength)
    await this.send(commitment(suite, keys, role, own))
    const committed = await this.#step()
    await this.send(own)
    const other = await this.#step()
    const isKept = other.length === nonceLength && equal(committed, commitment(suite, keys, otherRole(role), other))
    if (!isKept) throw new PairingError('tampered')
    this.transcript = transcriptOf(suite, keys, role === 'elder' ? { elder: own, new: other } : { elder: other, new: own })
  }

  async #step(): Promise<Uint8Array> {
    const message = await this.receive({ limitMs: stepMs })
    if (message === undefined) throw new PairingError('gone')
    return message
  }

  // -------------------------------------------------------------- frames

  #label(role: LinkRole, counter: number): Uint8Array {
    return frameLabel({ rendezvous: fromHex(this.#seat.rendezvous.id), role, counter })
  }

  async #seal(message: Uint8Array, counter: number): Promise<Uint8Array> {
    if (this.#sealer === undefined) throw new PairingError('tampered')
    return this.#sealer.seal(message, this.#label(this.#seat.rendezvous.role, counter))
  }

  async #open(sealed: Uint8Array, counter: number): Promise<Uint8Array> {
    if (counter !== this.#received || this.#opener === undefined) throw new PairingError('tampered')
    const message = await opened(this.#opener.open(sealed, this.#label(otherRole(this.#seat.rendezvous.role), counter)))
    this.#received++
    return message
  }

  async #append(bytes: Uint8Array, slot?: string): Promise<void> {
    const { suite, line, rendezvous } = this.#seat
    this.#known.add(toHex(bytes))
    const answer = await this.#patiently(() => line.delivery.append(this.#log, bytes, slot))
    if (answer.type === 'accepted') return
    // Two have read the code, and one of them should not have: whoever shows it shall not go on with the first one.
    await this.#patiently(() => writeEnd(suite, line, rendezvous, 'used'))
    throw new PairingError('used')
  }

  /** The other side's next record; `undefined` when `until` came first. */
  async #next({ limitMs, until = () => false }: Patience, silence: 'gone' | 'expired') {
    const { line } = this.#seat
    const end = line.now() + limitMs
    for (;;) {
      if (line.isOver()) throw new PairingError('gone')
      await this.#look()
      while (this.#waiting.length > 0) {
        const found = this.#judge(this.#waiting.shift())
        if (found !== undefined) return found
      }
      if (until()) return undefined
      if (line.now() >= end) throw new PairingError(silence)
      await pause(line)
    }
  }

  async #look(): Promise<void> {
    const records = await this.#patiently(() => this.#seat.line.delivery.read(this.#log, this.#after, 50))
    this.#waiting.push(...records)
    this.#after = records.at(-1)?.seq ?? this.#after
  }

  /** Something the other side said, or nothing; anything else is not to be there. */
  #judge(logged: LogRecord | undefined) {
    const { suite, rendezvous } = this.#seat
    if (logged === undefined || this.#known.has(toHex(logged.bytes))) return undefined
    const record = readRecord(logged)
    if (record === undefined) throw new PairingError('tampered')
    if (record.type === 'end') {
      const why = endIn(suite, rendezvous, record)
      if (why !== undefined) throw new PairingError(why)
      return undefined
    }
    if (record.role === rendezvous.role) throw new PairingError('tampered')
    this.#known.add(toHex(logged.bytes))
    return { record, bytes: logged.bytes, slot: logged.slot }
  }

  /** The delivery service may be away for a while. */
  async #patiently<T>(work: () => Promise<T>): Promise<T> {
    const { line } = this.#seat
    const end = line.now() + stepMs
    for (;;) {
      try {
        return await work()
      } catch (error) {
        if (!(error instanceof PortError) || error.code !== 'delivery-unreachable' || line.now() >= end) throw error
        if (line.isOver()) throw new PairingError('gone')
        await pause(line)
      }
    }
  }
}

const pause = (line: Line): Promise<void> => new Promise((resolve) => { line.after(pollMs, resolve) })

/** HPKE gives no reason, and there is but one: these are not the other's bytes. */
async function opened<T>(work: Promise<T>): Promise<T> {
  try {
    return await work
  } catch {
    throw new PairingError('tampered')
  }
}
