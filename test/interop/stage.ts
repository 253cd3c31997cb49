import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { toHex } from '../../main/mls/index.ts'
import type { Remote } from './client.ts'
import type { ProposalDescription, RequestOf } from './definition.ts'
import type { Change, Renewal, Scenario, Step } from './scenarios.ts'

// Plays scenarios over gRPC, as the official test runner does, and compares all members after each step.

const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const text = (data: Uint8Array): string => new TextDecoder().decode(data)

/** How a scenario is played. */
export type Mode = {
  readonly suite: number
  /** Handshakes as PrivateMessages. */
  readonly encrypted: boolean
  /** Ratchet trees beside Welcomes and GroupInfos instead of inside. */
  readonly externalTree: boolean
  /** The suite that a ReInit changes to. */
  readonly otherSuite: number
}

type Waiting = { readonly message: Uint8Array, readonly change: Change | 'update' }
type Guest = { readonly transactionId: number, readonly keyPackage: Uint8Array }
type Said = { readonly by: string, readonly text: string, readonly ciphertext: Uint8Array }

/** Everybody in one scenario. Each person is played by one of the clients. */
export class Stage {
  readonly #clients: readonly Remote[]
  readonly #mode: Mode
  readonly #players = new Map<string, Remote>()
  /** The state of each member at their client. */
  #members = new Map<string, number>()
  readonly #guests = new Map<string, Guest>()
  readonly #signers = new Map<string, number>()
  readonly #psks = new Map<string, Uint8Array>()
  #waiting: Waiting[] = []
  readonly #said: Said[] = []
  #groupId = randomBytes(16)
  #suite: number

  constructor(clients: readonly Remote[], mode: Mode) {
    this.#clients = clients
    this.#mode = mode
    this.#suite = mode.suite
  }

  async play(scenario: Scenario): Promise<void> {
    for (const [at, step] of scenario.entries()) {
      try {
        await this.#take(step)
        await this.#agree()
      } catch (error) {
        throw new Error(`step ${at}, ${JSON.stringify(step, writable)}: ${String(error)}`, { cause: error })
      }
    }
    await this.#talk()
  }

  /** Lets all clients forget it. */
  async clear(): Promise<void> {
    await this.#free(this.#members)
    await this.#free(this.#signers)
    await this.#free(new Map(Array.from(this.#guests, ([name, { transactionId }]) => [name, transactionId])))
  }

  /** The call speaks of states; the server takes whatever has a number. */
  async #free(numbers: Map<string, number>): Promise<void> {
    for (const [name, stateId] of numbers) await this.#client(name).call('Free', { stateId })
    numbers.clear()
  }

  /** The client that plays somebody: the next one for each who appears. */
  #client(name: string): Remote {
    const client = this.#players.get(name) ?? this.#clients[this.#players.size % this.#clients.length]
    assert.ok(client !== undefined)
    this.#players.set(name, client)
    return client
  }

  #state(name: string): number {
    const state = this.#members.get(name)
    assert.ok(state !== undefined, `${name} is not in the group`)
    return state
  }

  #guest(name: string): Guest {
    const guest = this.#guests.get(name)
    assert.ok(guest !== undefined, `${name} has no KeyPackage`)
    return guest
  }

  async #leave(name: string): Promise<void> {
    await this.#free(new Map([[name, this.#state(name)]]))
    this.#members.delete(name)
  }

  #others(...names: readonly string[]): readonly string[] {
    return [...this.#members.keys()].filter((name) => !names.includes(name))
  }

  /** All members are in one epoch and derive the same from it. */
  async #agree(): Promise<void> {
    const views = new Set<string>()
    for (const [name, stateId] of this.#members) {
      const { stateAuthSecret } = await this.#client(name).call('StateAuth', { stateId })
      assert.ok(stateAuthSecret.length > 0)
      const request = { stateId, label: 'interop', context: bytes('scenario'), keyLength: 24 }
      const { exportedSecret } = await this.#client(name).call('Export', request)
      assert.equal(exportedSecret.length, 24)
      views.add(`${toHex(stateAuthSecret)} ${toHex(exportedSecret)}`)
    }
    assert.ok(views.size <= 1, `${[...this.#members.keys()].join(', ')} do not agree`)
  }

  /** The newest member is heard by the oldest one, and the other way round. */
  async #talk(): Promise<void> {
    const names = [...this.#members.keys()]
    const [first, last] = [names[0], names.at(-1)]
    if (this.#waiting.length > 0 || first === undefined || last === undefined || first === last) return
    for (const [speaker, listener] of [[first, last], [last, first]] as const) {
      await this.#take({ does: 'say', by: speaker, text: 'at the end' })
      await this.#take({ does: 'hear', by: listener, number: this.#said.length - 1 })
    }
  }

  async #take(step: Step): Promise<void> {
    switch (step.does) {
      case 'create': await this.#create(step); break
      case 'prepare': for (const name of step.who) await this.#prepare(name); break
      case 'share': await this.#share(step); break
      case 'propose': await this.#propose(step.by, step.what); break
      case 'commit': await this.#commit(step); break
      case 'say': await this.#say(step.by, step.text); break
      case 'hear': await this.#hear(step.by, step.number); break
      case 'enter': await this.#enter(step); break
      case 'knock': await this.#knock(step.who, step.through); break
      case 'appoint': await this.#appoint(step.signer, step.by); break
      case 'advise': await this.#advise(step); break
      case 'reinit': await this.#reinit(step); break
      case 'branch': await this.#branch(step)
    }
  }

  async #create({ by, inviting = [] }: Take<'create'>): Promise<void> {
    const { stateId } = await this.#client(by).call('CreateGroup', {
      groupId: this.#groupId, cipherSuite: this.#suite, encryptHandshake: this.#mode.encrypted, identity: bytes(by),
    })
    this.#members.set(by, stateId)
    for (const name of inviting) await this.#prepare(name)
    if (inviting.length === 0) return
    await this.#commit({ does: 'commit', by, changes: inviting.map((who) => ({ change: 'add', who })) })
  }

  async #prepare(name: string): Promise<void> {
    const request = { cipherSuite: this.#suite, identity: bytes(name) }
    const { transactionId, keyPackage } = await this.#client(name).call('CreateKeyPackage', request)
    this.#guests.set(name, { transactionId, keyPackage })
  }

  async #share({ psk, among }: Take<'share'>): Promise<void> {
    const pskSecret = randomBytes(32)
    this.#psks.set(psk, pskSecret)
    for (const name of among) {
      const stateOrTransactionId = this.#members.get(name) ?? this.#guest(name).transactionId
      await this.#client(name).call('StorePSK', { stateOrTransactionId, pskId: bytes(psk), pskSecret })
    }
  }

  async #propose(by: string, what: Change | 'update'): Promise<void> {
    const { proposal: message } = await this.#proposal(by, what)
    this.#waiting.push({ message, change: what })
  }

  #proposal(by: string, what: Change | 'update') {
    const [client, stateId] = [this.#client(by), this.#state(by)]
    if (what === 'update') return client.call('UpdateProposal', { stateId })
    switch (what.change) {
      case 'add': return client.call('AddProposal', { stateId, keyPackage: this.#guest(what.who).keyPackage })
      case 'remove': return client.call('RemoveProposal', { stateId, removedId: bytes(what.who) })
      case 'psk': return client.call('ExternalPSKProposal', { stateId, pskId: bytes(what.id) })
      case 'resume': return client.call('ResumptionPSKProposal', { stateId, epochId: what.epoch })
      case 'extensions': return client.call('GroupContextExtensionsProposal', { stateId, ...what })
      case 'reinit': return client.call('ReInitProposal', { stateId, ...this.#renewed(what) })
    }
  }

  /** The parameters of the group that comes next. */
  #renewed({ newSuite = false, newId = false, extensions = [] }: Renewal) {
    if (newSuite) this.#suite = this.#mode.otherSuite
    if (newId) this.#groupId = randomBytes(16)
    return { cipherSuite: this.#suite, groupId: this.#groupId, extensions }
  }

  #described(change: Change): ProposalDescription {
    const type = (proposalType: string, rest: Partial<ProposalDescription>): ProposalDescription =>
      ({ ...nothing, proposalType: bytes(proposalType), ...rest })
    switch (change.change) {
      case 'add': return type('add', { keyPackage: this.#guest(change.who).keyPackage })
      case 'remove': return type('remove', { removedId: bytes(change.who) })
      case 'psk': return type('externalPSK', { pskId: bytes(change.id) })
      case 'resume': return type('resumptionPSK', { epochId: change.epoch })
      case 'extensions': return type('groupContextExtensions', { extensions: change.extensions })
      case 'reinit': return type('reinit', this.#renewed(change))
    }
  }

  /** A commit of all that waits and of `changes`, which the members follow and by which those whom it adds join. */
  async #commit({ by, changes = [], forcePath = false }: Take<'commit'>): Promise<void> {
    const [waiting, client, stateId] = [this.#waiting, this.#client(by), this.#state(by)]
    this.#waiting = []
    const byReference = waiting.map(({ message }) => message)
    const byValue = changes.map((change) => this.#described(change))
    const made = await client.call('Commit', {
      stateId, byReference, byValue, forcePath, externalTree: this.#mode.externalTree,
    })
    this.#members.set(by, (await client.call('HandlePendingCommit', { stateId })).stateId)
    const [added, removed] = effectsOf([...waiting.map(({ change }) => change), ...changes])
    for (const name of removed) await this.#leave(name)
    await this.#follow(this.#others(by), { proposal: byReference, commit: made.commit })
    assert.equal(made.welcome.length > 0, added.length > 0)
    assert.equal(made.ratchetTree.length > 0, this.#mode.externalTree)
    for (const name of added) await this.#join(name, made)
  }

  async #follow(names: readonly string[], told: Omit<RequestOf<'HandleCommit'>, 'stateId'>): Promise<void> {
    for (const name of names) {
      const { stateId } = await this.#client(name).call('HandleCommit', { stateId: this.#state(name), ...told })
      this.#members.set(name, stateId)
    }
  }

  async #join(name: string, { welcome, ratchetTree }: { welcome: Uint8Array, ratchetTree: Uint8Array }): Promise<void> {
    const { transactionId } = this.#guest(name)
    this.#guests.delete(name)
    const { stateId } = await this.#client(name).call('JoinGroup', {
      transactionId, welcome, ratchetTree, encryptHandshake: this.#mode.encrypted, identity: bytes(name),
    })
    this.#members.set(name, stateId)
  }

  async #say(by: string, said: string): Promise<void> {
    const request = { stateId: this.#state(by), authenticatedData: bytes(`by ${by}`), plaintext: bytes(said) }
    const { ciphertext } = await this.#client(by).call('Protect', request)
    this.#said.push({ by, text: said, ciphertext })
  }

  async #hear(by: string, number: number): Promise<void> {
    const said = this.#said[number]
    assert.ok(said !== undefined)
    const request = { stateId: this.#state(by), ciphertext: said.ciphertext }
    const { plaintext, authenticatedData } = await this.#client(by).call('Unprotect', request)
    assert.equal(text(plaintext), said.text)
    assert.equal(text(authenticatedData), `by ${said.by}`)
  }

  #groupInfo(through: string) {
    const { externalTree } = this.#mode
    return this.#client(through).call('GroupInfo', { stateId: this.#state(through), externalTree })
  }

  async #enter({ who, through, again = false, psks = [] }: Take<'enter'>): Promise<void> {
    const { groupInfo, ratchetTree } = await this.#groupInfo(through)
    const { stateId, commit } = await this.#client(who).call('ExternalJoin', {
      groupInfo, ratchetTree, encryptHandshake: this.#mode.encrypted, identity: bytes(who), removePrior: again,
      psks: psks.map((id) => ({ pskId: bytes(id), pskSecret: this.#psks.get(id) ?? new Uint8Array(0) })),
    })
    if (again) await this.#leave(who)
    await this.#follow(this.#others(who), { proposal: [], commit })
    this.#members.set(who, stateId)
  }

  async #knock(who: string, through: string): Promise<void> {
    // The call has no place for a tree beside the GroupInfo.
    const { groupInfo } = await this.#client(through).call('GroupInfo', { stateId: this.#state(through) })
    const request = { groupInfo, identity: bytes(who) }
    const { transactionId, proposal: message } = await this.#client(who).call('NewMemberAddProposal', request)
    this.#guests.set(who, { transactionId, keyPackage: new Uint8Array(0) })
    this.#waiting.push({ message, change: { change: 'add', who } })
  }

  async #appoint(signer: string, by: string): Promise<void> {
    const request = { cipherSuite: this.#suite, identity: bytes(signer) }
    const { signerId, externalSender } = await this.#client(signer).call('CreateExternalSigner', request)
    this.#signers.set(signer, signerId)
    const appointed = await this.#client(by).call('AddExternalSigner', { stateId: this.#state(by), externalSender })
    this.#waiting.push({ message: appointed.proposal, change: { change: 'extensions', extensions: [] } })
  }

  async #advise({ signer, through, what }: Take<'advise'>): Promise<void> {
    const { groupInfo, ratchetTree } = await this.#groupInfo(through)
    const signerId = this.#signers.get(signer)
    assert.ok(signerId !== undefined, `${signer} is not appointed`)
    const { proposal: message } = await this.#client(signer).call('ExternalSignerProposal', {
      signerId, groupInfo, ratchetTree, description: this.#described(what),
    })
    this.#waiting.push({ message, change: what })
  }

  async #reinit({ committer, welcomer, proposed, forcePath = false }: Take<'reinit'>): Promise<void> {
    if (proposed !== undefined) await this.#propose(proposed.by, { change: 'reinit', ...proposed })
    const proposal = this.#waiting.map(({ message }) => message)
    this.#waiting = []
    const renewals = new Map<string, { readonly reinitId: number, readonly keyPackage: Uint8Array }>()
    const stateId = this.#state(committer)
    const { commit } = await this.#client(committer).call('ReInitCommit', { stateId, byReference: proposal })
    const pending = await this.#client(committer).call('HandlePendingReInitCommit', { stateId })
    renewals.set(committer, pending)
    for (const name of this.#others(committer)) {
      const request = { stateId: this.#state(name), proposal, commit }
      const renewal = await this.#client(name).call('HandleReInitCommit', request)
      assert.deepEqual(renewal.epochAuthenticator, pending.epochAuthenticator)
      renewals.set(name, renewal)
    }
    const reinitOf = (name: string): number => renewals.get(name)?.reinitId ?? 0
    const guests = this.#others(welcomer)
    const made = await this.#client(welcomer).call('ReInitWelcome', {
      reinitId: reinitOf(welcomer), forcePath, externalTree: this.#mode.externalTree,
      keyPackage: guests.map((name) => renewals.get(name)?.keyPackage ?? new Uint8Array(0)),
    })
    const { welcome, ratchetTree } = made
    const next = new Map([[welcomer, made.stateId]])
    for (const name of guests) {
      const request = { reinitId: reinitOf(name), welcome, ratchetTree }
      const joined = await this.#client(name).call('HandleReInitWelcome', request)
      assert.deepEqual(joined.epochAuthenticator, made.epochAuthenticator)
      next.set(name, joined.stateId)
    }
    this.#members = next
  }

  async #branch({ by, extensions = [], forcePath = false }: Take<'branch'>): Promise<void> {
    const guests = this.#others(by)
    for (const name of guests) await this.#prepare(name)
    const made = await this.#client(by).call('CreateBranch', {
      stateId: this.#state(by), groupId: randomBytes(16), extensions, forcePath, externalTree: this.#mode.externalTree,
      keyPackages: guests.map((name) => this.#guest(name).keyPackage),
    })
    const { welcome, ratchetTree } = made
    const branch = new Map([[by, made.stateId]])
    for (const name of guests) {
      const { transactionId } = this.#guest(name)
      this.#guests.delete(name)
      const request = { stateId: this.#state(name), transactionId, welcome, ratchetTree }
      const joined = await this.#client(name).call('HandleBranch', request)
      assert.deepEqual(joined.epochAuthenticator, made.epochAuthenticator)
      branch.set(name, joined.stateId)
    }
    // The group that was branched from goes on; then all attention is with the branch.
    await this.#commit({ does: 'commit', by: guests[0] ?? by })
    await this.#agree()
    await this.#free(this.#members)
    this.#members = branch
  }
}

type Take<D extends Step['does']> = Extract<Step, { readonly does: D }>

const nothing: ProposalDescription = {
  proposalType: bytes(''), keyPackage: bytes(''), removedId: bytes(''), pskId: bytes(''), epochId: 0n, extensions: [],
  groupId: bytes(''), cipherSuite: 0,
}

/** Who comes and who goes. */
function effectsOf(changes: readonly (Change | 'update')[]): readonly [readonly string[], readonly string[]] {
  const named = (change: 'add' | 'remove'): readonly string[] =>
    changes.flatMap((each) => each !== 'update' && each.change === change ? [each.who] : [])
  return [named('add'), named('remove')]
}

/** For messages of failures. */
const writable = (_: string, value: unknown): unknown => typeof value === 'bigint' ? value.toString() : value
