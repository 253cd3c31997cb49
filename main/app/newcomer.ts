import { equal, toHex, type KeyPair, type Suite } from '../mls/index.ts'
import { encodeCredential, validateCredential } from '../identity/credential.ts'
import { foldDeviceLog } from '../identity/device-log.ts'
import { signPossession } from '../identity/entry.ts'
import { accountIdFor, deviceIdFor, verifyGenesis } from '../identity/genesis.ts'
import { pathTo } from '../identity/path.ts'
import { digitsOf } from '../identity/safety-number.ts'
import type { OwnAccount } from '../chat/documents.ts'
import {
  encodeLinking, introduce, sharedDigits, startsWithShared, typedDigits, type LinkingStage,
} from '../chat/linking.ts'
import { deviceLogOf } from '../chat/mail.ts'
import type { ArgumentOf, CallName, Link, LinkFailure } from '../../preload/api.ts'
import { PairingError, PortError, wipe, type Channel, type Ports, type Store } from '../ports.ts'
import { adoptAccount, nameFrom } from './account.ts'
import { hear, LinkSession, personMs, speak, stepMs, waitFor } from './link-session.ts'
import { suiteOfProduct } from './self.ts'

type Stage = Extract<LinkingStage, { type: 'new' }>
type Told = NonNullable<Stage['told']>

type Options = {
  readonly ports: Ports
  readonly store: Store
  readonly tell: (link: Link) => void
  /** It has an account now. */
  readonly arrived: (account: OwnAccount) => void
  /** It has none, and nothing of it is to stay. */
  readonly leave: () => Promise<void>
}

/** A computer that is to become a device of an account, from the code until "this is me". */
export class Newcomer {
  readonly #options: Options
  readonly #suite: Suite
  readonly #session: LinkSession
  #stage: Stage | undefined
  #typed: string | undefined
  #records: readonly Uint8Array[] = []
  #running: Promise<void> = Promise.resolve()

  constructor(options: Options) {
    this.#options = options
    this.#suite = suiteOfProduct(options.ports)
    this.#session = new LinkSession({ ports: options.ports, suite: this.#suite, role: 'new', tell: options.tell })
  }

  get link(): Link {
    return this.#session.link ?? { at: 'connecting', role: 'new' }
  }

  async begin(name: string, text: string): Promise<void> {
    const opening = await this.#session.begin(text)
    if (opening === undefined) return
    const key = this.#suite.signatureKeyPair()
    // Kept before anybody hears of it: whatever is certified later, its key is here.
    const { id: rendezvous, endKey } = opening.rendezvous
    this.#keep({ type: 'new', rendezvous, endKey, ...key, name: nameFrom(name), told: undefined })
    this.#run(async () => { await this.#converse(await opening.open(), key, nameFrom(name)) })
  }

  /**
   * After a restart. Once it knows its account, it waits for its certificate; before that the keys of the channel are
   * gone, and so is the attempt: false.
   */
  async resume(stage: LinkingStage): Promise<boolean> {
    const { rendezvous: id, endKey } = stage
    this.#session.rendezvous = { id, endKey, role: 'new' }
    if (stage.type !== 'new' || stage.told === undefined) {
      await this.#session.tellOther('gone')
      return false
    }
    this.#stage = stage
    this.#session.say({ at: 'waiting', role: 'new' })
    const { told } = stage
    this.#run(() => this.#awaitCertificate(told))
    return true
  }

  answer<N extends CallName>(name: N, argument: unknown): unknown {
    switch (name) {
      case 'link.digits': {
        this.#type((argument as ArgumentOf<'link.digits'>).digits)
        return undefined
      }
      case 'link.recognise': return this.#recognise()
      case 'link.cancel': return this.#cancel()
      default: throw new PortError('not-ready')
    }
  }

  /** The profile is closed. */
  async stop(): Promise<void> {
    const session = this.#session
    const isLost = this.#stage?.told === undefined && !session.isSettled
    session.over()
    if (isLost) await session.tellOther('gone')
    await this.#running
  }

  #type(text: string): void {
    const digits = typedDigits(text)
    if (this.#session.link?.at !== 'digits') throw new PortError('not-ready')
    if (digits === undefined) throw new PortError('bad-argument', 'digits')
    this.#typed = digits
  }

  async #recognise(): Promise<undefined> {
    const { ports, store, arrived } = this.#options
    const stage = this.#stage
    const told = stage?.told
    if (this.#session.link?.at !== 'recognise' || stage === undefined || told === undefined) {
      throw new PortError('not-ready')
    }
    const account = adoptAccount(ports, store, {
      adopted: { ...told, records: this.#records }, device: stage, deviceName: stage.name,
    })
    if (account === undefined) {
      await this.#fail('revoked')
      return undefined
    }
    this.#session.over()
    await this.#running
    const { rendezvous, endKey, name } = stage
    this.#write({ type: 'joining', rendezvous, endKey, name, groups: told.groups })
    arrived(account)
    return undefined
  }

  async #cancel(): Promise<undefined> {
    const session = this.#session
    const { isSettled } = session
    session.over()
    if (!isSettled) await session.tellOther('refused')
    await this.#running
    this.#forget()
    await this.#options.leave()
    return undefined
  }

  // -------------------------------------------------------------- the conversation

  async #converse(channel: Channel, key: KeyPair, name: string): Promise<void> {
    const { ports } = this.#options
    const { publicKey } = key
    const session = this.#session
    await speak(channel, introduce(this.#suite, key, channel.transcript, { publicKey, name, platform: ports.platform }))
    session.say({ at: 'digits', role: 'new' })
    await waitFor(channel, { limitMs: personMs, until: () => this.#typed !== undefined })
    const digits = this.#typed ?? ''
    // Whoever shows other digits is not at the other end of this channel, and learns nothing of what was typed.
    if (!startsWithShared(digits, sharedDigits(this.#suite, channel.transcript))) throw new PairingError('digits')
    await speak(channel, { type: 'digits', digits })
    session.say({ at: 'waiting', role: 'new' })
    const { genesis, issuer } = await hear(channel, 'account', stepMs)
    if (verifyGenesis(this.#suite, genesis) !== undefined) throw new PairingError('chain')
    const accountId = accountIdFor(this.#suite, genesis.genesis)
    const signature = signPossession(this.#suite, key, { accountId, issuer, operation: { type: 'add', publicKey, name } })
    await speak(channel, { type: 'possession', signature })
    const { type: _, ...welcome } = await hear(channel, 'welcome', personMs)
    if (this.#stage === undefined) return
    const told = { accountId, ...welcome }
    this.#keep({ ...this.#stage, told })
    await this.#awaitCertificate(told)
  }

  /** What certifies this device is an entry of the log and nothing else: so a restart finds it as well. */
  async #awaitCertificate(told: Told): Promise<void> {
    await this.#session.until(async () => {
      const why = await this.#session.ended()
      if (why !== undefined) throw new PairingError(why)
      const link = await this.#certified(told)
      if (link !== undefined) this.#session.say(link)
      return undefined
    })
  }

  /** The whole chain, as everybody else will judge it. */
  async #certified({ accountId, name, elder }: Told): Promise<Link | undefined> {
    const key = this.#stage
    if (key === undefined) return undefined
    const records = await this.#recordsOf(accountId)
    const { log } = foldDeviceLog(this.#suite, accountId, records)
    const own = log?.devices.find(({ publicKey }) => equal(publicKey, key.publicKey))
    if (log === undefined || own === undefined) return undefined
    if (own.revoked) throw new PairingError('revoked')
    const path = [...pathTo(log, key.publicKey)]
    const deviceId = deviceIdFor(this.#suite, key.publicKey)
    const credential = encodeCredential({ accountId, deviceId, genesis: log.genesis, path })
    if (validateCredential(this.#suite, credential, key.publicKey) !== undefined) throw new PairingError('chain')
    this.#records = records
    const others = log.devices.filter((one) => !one.revoked && one !== own)
    const devices = others.map((one) => one.deviceId === own.addedBy ? elder : one.name ?? '').filter((one) => one !== '')
    return {
      at: 'recognise', role: 'new', name, accountId: toHex(accountId), number: digitsOf(this.#suite, accountId), devices,
    }
  }

  async #recordsOf(accountId: Uint8Array): Promise<readonly Uint8Array[]> {
    const { delivery } = this.#session.line
    const log = deviceLogOf(toHex(accountId))
    const records: Uint8Array[] = []
    for (let after = 0; ;) {
      const batch = await delivery.read(log, after, 500)
      const last = batch.at(-1)
      // A log that gives the same again has nothing more to say.
      if (last === undefined || last.seq <= after) return records
      records.push(...batch.map(({ bytes }) => bytes))
      after = last.seq
    }
  }

  // -------------------------------------------------------------- the rest

  #run(work: () => Promise<void>): void {
    this.#running = work().catch(async (error: unknown) => {
      if (!this.#session.isOver()) await this.#fail(this.#session.reasonOf(error))
    }).catch((error: unknown) => {
      if (!(error instanceof PortError)) this.#options.ports.report(error)
    })
  }

  async #fail(why: LinkFailure): Promise<void> {
    await this.#session.tellOther(why)
    this.#forget()
    this.#session.say({ at: 'failed', role: 'new', why })
  }

  #keep(stage: Stage): void {
    this.#stage = stage
    this.#write(stage)
  }

  #forget(): void {
    wipe(this.#stage === undefined ? [] : [this.#stage.privateKey, this.#stage.endKey])
    this.#stage = undefined
    this.#write(undefined)
  }

  #write(stage: LinkingStage | undefined): void {
    const bytes = stage === undefined ? undefined : encodeLinking(stage)
    this.#options.store.commit({ documents: [{ kind: 'linking', key: 'own', bytes }] })
  }
}
