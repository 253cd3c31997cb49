import { decode, equal, fromHex, toHex } from '../mls/index.ts'
import type { Device } from '../identity/devices.ts'
import { possessionSigned, type Operation } from '../identity/entry.ts'
import { deviceIdFor, SignedGenesis } from '../identity/genesis.ts'
import {
  decodeLinking, encodeLinking, isIntroduced, ownDigits, sharedDigits, type LinkingStage, type NewDevice,
} from '../chat/linking.ts'
import { keyPackageLog } from '../chat/mail.ts'
import type { HistoryRange, Link, LinkFailure, Progress } from '../../preload/api.ts'
import { PairingError, PortError, type Channel } from '../ports.ts'
import { appendEntry, tendDeviceLog, wantEntry } from './device-log.ts'
import { hear, LinkSession, personMs, speak, stepMs, waitFor } from './link-session.ts'
import type { State } from './state.ts'
import type { Sync } from './sync.ts'
import { groupsOf } from './tend-devices.ts'
import { dropHistory, historyChosen, historyProgress, startHistory } from './transfer.ts'

/** Conversations that a device has not come into by then come as they can; the list of devices says in how many it is. */
const joiningMs = 60 * 60 * 1000

type Options = {
  readonly state: State
  readonly sync: Sync
  /** Puts this profile away: it was to become a device of the account, and is not to. */
  readonly leave: () => Promise<void>
}

/**
 * Linking, where there is an account: on the elder from its code until the new device is in all conversations, and on
 * the new one from when it has the account. Up to the `add` entry nothing outlives the process, and the other device is
 * told so; from then on both go on by what the device log says.
 */
export class Linking {
  readonly #options: Options
  #session: LinkSession | undefined
  #history: HistoryRange | undefined
  #isResumed = false
  #running: Promise<void> = Promise.resolve()

  constructor(options: Options) {
    this.#options = options
  }

  get link(): Link | undefined { return this.#session?.link }

  /** What a restart has interrupted; once, and before anything new is begun. */
  resume(): void {
    if (this.#isResumed) return
    this.#isResumed = true
    const stored = this.#options.state.store.document('linking', 'own')
    if (stored === undefined) return
    const stage = decodeLinking(stored)
    const session = this.#begin(stage.type === 'elder' ? 'elder' : 'new')
    session.rendezvous = { id: stage.rendezvous, endKey: stage.endKey, role: session.role }
    this.#run(session, () => this.#goOn(session, stage))
  }

  async #goOn(session: LinkSession, stage: LinkingStage): Promise<void> {
    switch (stage.type) {
      case 'joining': return this.#joinHere(session, stage)
      case 'elder': {
        const { device } = stage
        if (device !== undefined) session.say(this.#joining(device, groupsOf(this.#options.state, ''), undefined))
        // An entry that was stored goes out now, if it has not.
        const log = device === undefined ? undefined
          : await session.until(() => tendDeviceLog(this.#options.state))
        if (session.isOver()) return
        const isCertified = log?.devices.some(({ publicKey }) => device !== undefined && equal(publicKey, device.publicKey))
        if (device !== undefined && isCertified === true) return this.#join(session, device)
        await session.tellOther('gone')
        this.#putAway(session)
        return
      }
      case 'new': {
        const joining = { ...stage, type: 'joining', groups: stage.told?.groups ?? 0 } as const
        this.#keep(joining)
        return this.#joinHere(session, joining)
      }
    }
  }

  async start(text: string): Promise<void> {
    const { state } = this.#options
    this.resume()
    if (state.account.recovery.type !== 'confirmed') throw new PortError('words-first')
    if (this.#session?.isSettled === false) throw new PortError('not-ready')
    const session = this.#begin('elder')
    if (!this.#mayLink()) {
      session.say({ at: 'failed', role: 'elder', why: 'no-right' })
      return
    }
    const opening = await session.begin(text)
    if (opening === undefined || session.isOver()) return
    const { id, endKey } = opening.rendezvous
    this.#keep({ type: 'elder', rendezvous: id, endKey, device: undefined })
    this.#run(session, async () => {
      const device = await this.#meet(session, await opening.open())
      await this.#join(session, device)
    })
  }

  confirm(history: HistoryRange): void {
    if (this.#session?.link?.at !== 'confirm') throw new PortError('not-ready')
    this.#history = history
  }

  async cancel(): Promise<void> {
    const { state, leave } = this.#options
    const session = this.#session
    if (session === undefined) return
    const { isSettled } = session
    session.over()
    this.#session = undefined
    state.show({ link: { at: 'none' } })
    if (isSettled) return
    await session.tellOther('refused')
    await this.#running
    if (session.role === 'elder') {
      this.#undo()
      return
    }
    const own = state.self.signatureKeyPair.publicKey
    // The elder hears of it by the log if it can be reached, and nobody has this key any more in any case.
    await appendEntry(state, { type: 'revoke', publicKey: own, lastHonoured: state.devices.head.n })
      .catch((error: unknown) => { if (!(error instanceof PortError)) throw error })
    await leave()
  }

  /** Nothing more is done, because the profile is closed. */
  async stop(): Promise<void> {
    const session = this.#session
    if (session === undefined) return
    const { at } = session.link ?? {}
    session.over()
    if (!session.isSettled && at !== 'joining') await session.tellOther('gone')
    await this.#running
  }

  // -------------------------------------------------------------- the elder

  /** From the channel to the entry that certifies the new device. */
  async #meet(session: LinkSession, channel: Channel): Promise<NewDevice> {
    const { state } = this.#options
    const { suite } = state.self
    const device = await this.#introduced(session, channel)
    const genesis = decode(SignedGenesis, state.account.genesis)
    const issuer = state.self.signatureKeyPair.publicKey
    await speak(channel, { type: 'account', genesis, issuer })
    const operation: Operation = { type: 'add', publicKey: device.publicKey, name: device.name }
    const { signature } = await hear(channel, 'possession', stepMs)
    const possession = { accountId: fromHex(state.self.accountId), issuer, operation }
    if (!possessionSigned(suite, device.publicKey, possession, signature)) throw new PairingError('tampered')
    session.say({ at: 'confirm', role: 'elder', device: device.name, platform: device.platform })
    await waitFor(channel, { limitMs: personMs, until: () => this.#history !== undefined })
    if (session.isOver()) throw new PairingError('refused')
    if (!this.#mayLink()) throw new PairingError('no-right')
    this.#keepDevice(session, device)
    startHistory(state, toHex(deviceIdFor(suite, device.publicKey)), this.#history ?? 'none')
    const { of: groups } = groupsOf(state, '')
    session.say(this.#joining(device, { done: 0, of: groups }, this.#history))
    const { recoverySealKey, recoveryCardName, name } = state.account
    const { deviceName: elder } = state.me
    await speak(channel, { type: 'welcome', name, elder, recoverySealKey, recoveryCardName, groups })
    if (session.isOver()) throw new PairingError('refused')
    await session.until(() => appendEntry(state, operation, signature))
    return device
  }

  /** A device that has its key, and whose person has read this one's digits. */
  async #introduced(session: LinkSession, channel: Channel): Promise<NewDevice> {
    const { suite } = this.#options.state.self
    const { type: _, ...device } = await hear(channel, 'device', stepMs)
    if (!isIntroduced(suite, channel.transcript, device)) throw new PairingError('tampered')
    const digits = sharedDigits(suite, channel.transcript) + ownDigits(suite)
    session.say({ at: 'digits', role: 'elder', digits })
    const typed = await hear(channel, 'digits', personMs)
    if (typed.digits !== digits) throw new PairingError('digits')
    return device
  }

  /** Until the new device is in every conversation, and keeps KeyPackages for more. */
  async #join(session: LinkSession, device: Omit<NewDevice, 'platform'>): Promise<void> {
    const { state, sync } = this.#options
    sync.kick()
    await session.until(async () => {
      const refused = await session.ended()
      const own = this.#deviceOf(device.publicKey)
      if (own === undefined) {
        await tendDeviceLog(state)
        return undefined
      }
      if (refused !== undefined && !own.revoked) {
        this.#undo()
        throw new PairingError(refused)
      }
      if (own.revoked) throw new PairingError('revoked')
      const groups = groupsOf(state, own.deviceId)
      const history = historyProgress(state, own.deviceId)
      const range = historyChosen(state, own.deviceId)?.range
      session.say(this.#joining(device, groups, range, history))
      const stock = await state.ports.delivery.read(keyPackageLog(own.deviceId), 0, 1)
      if (stock.length === 0 || (groups.done < groups.of && state.ports.now() < own.addedAt + joiningMs)) return undefined
      // The past goes on by itself, also without this.
      if (history !== undefined) return undefined
      this.#keep(undefined)
      session.say({ at: 'done', role: 'elder', device: device.name, deviceId: own.deviceId, groups })
      return true
    })
  }

  #joining(
    device: { readonly name: string }, groups: Progress, range: HistoryRange | undefined,
    history?: ReturnType<typeof historyProgress>,
  ): Link {
    const past = history === undefined ? {} : { history }
    return { at: 'joining', role: 'elder', device: device.name, groups, ...rangeOf(range), ...past }
  }

  #deviceOf(key: Uint8Array): Device | undefined {
    return this.#options.state.devices.devices.find(({ publicKey }) => equal(publicKey, key))
  }

  #mayLink(): boolean {
    const { devices, self } = this.#options.state
    return devices.devices.some(({ deviceId, trusted, revoked }) => deviceId === self.deviceId && trusted && !revoked)
  }

  /** Takes back what was certified, or is stored to be. */
  #undo(): void {
    const { state, sync } = this.#options
    const stored = state.store.document('linking', 'own')
    const stage = stored === undefined ? undefined : decodeLinking(stored)
    const key = stage?.type === 'elder' ? stage.device?.publicKey : undefined
    if (key !== undefined) dropHistory(state, toHex(deviceIdFor(state.self.suite, key)))
    if (key !== undefined && this.#isWanted(key)) {
      wantEntry(state, { type: 'revoke', publicKey: key, lastHonoured: state.devices.head.n })
    }
    this.#keep(undefined)
    sync.kick()
  }

  #isWanted(key: Uint8Array): boolean {
    const { wantedEntries } = this.#options.state
    return this.#deviceOf(key) !== undefined || [...wantedEntries.values()].some(({ operation }) =>
      operation.type === 'add' && equal(operation.publicKey, key))
  }

  // -------------------------------------------------------------- the new device

  /** The conversations come by themselves; the elder said how many there are. */
  async #joinHere(session: LinkSession, stage: Extract<LinkingStage, { type: 'joining' }>): Promise<void> {
    const { state } = this.#options
    const { name: device } = stage
    await session.until(() => {
      const { done } = groupsOf(state, state.self.deviceId)
      const groups = { done, of: Math.max(done, stage.groups) }
      const history = historyProgress(state)
      const { range, isHere = false } = historyChosen(state, state.self.deviceId) ?? {}
      session.say({
        at: 'joining', role: 'new', device, groups, ...rangeOf(range), ...history === undefined ? {} : { history },
      })
      const isEarly = state.ports.now() < Number(state.account.createdAt) + joiningMs
      // What was chosen on the other device, and has not begun yet, is waited for as long; and that anybody says what was.
      if (((groups.done < groups.of || !isHere) && isEarly) || history !== undefined) return Promise.resolve(undefined)
      this.#keep(undefined)
      session.say({ at: 'done', role: 'new', device, deviceId: state.self.deviceId, groups, ...rangeOf(isHere ? range : undefined) })
      return Promise.resolve(true)
    })
  }

  // -------------------------------------------------------------- both

  #begin(role: 'elder' | 'new'): LinkSession {
    const { state } = this.#options
    this.#history = undefined
    const session = new LinkSession({
      ports: state.ports, suite: state.self.suite, role, tell: (link) => { state.show({ link }) },
    })
    this.#session = session
    return session
  }

  #run(session: LinkSession, work: () => Promise<void>): void {
    this.#running = work().catch(async (error: unknown) => {
      if (!session.isOver()) await this.#fail(session, session.reasonOf(error))
    }).catch((error: unknown) => {
      // The store is full or closed: the next start looks at what it has.
      if (!(error instanceof PortError)) this.#options.state.ports.report(error)
    })
  }

  async #fail(session: LinkSession, why: LinkFailure): Promise<void> {
    const { role } = session
    await session.tellOther(why)
    this.#keep(undefined)
    session.say({ at: 'failed', role, why })
  }

  #putAway(session: LinkSession): void {
    session.over()
    // Something new was begun meanwhile.
    if (this.#session !== session) return
    if (session.link !== undefined) this.#options.state.show({ link: { at: 'none' } })
    this.#session = undefined
    this.#keep(undefined)
  }

  #keepDevice(session: LinkSession, { publicKey, name, platform }: NewDevice): void {
    if (session.rendezvous === undefined) return
    const { id, endKey } = session.rendezvous
    this.#keep({ type: 'elder', rendezvous: id, endKey, device: { publicKey, name, platform } })
  }

  #keep(stage: LinkingStage | undefined): void {
    this.#options.state.transact({ linking: { bytes: stage === undefined ? undefined : encodeLinking(stage) } })
  }
}

const rangeOf = (range: HistoryRange | undefined) => range === undefined ? {} : { range }
