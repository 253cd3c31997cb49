/**
 * A scripted Bridge over data in memory: it drives the window into states that are hard to reach otherwise. A fixture
 * of tests only; what the real main process does is tested with the real one.
 */
import { calls } from '../../preload/api.ts'
import type {
  Answer, ArgumentOf, BackupStatus, CallName, Change, Closing, Conversation, Details, Entry, EntryPage, ErrorCode, Invite, InvitePreview, Link,
  Lock, MadeInvite, Me, OwnDevice, Person, Phase, ResultOf, Safety, ShellState, UpdateState,
} from '../../preload/api.ts'
import { isMatch, marksIn, wordsOf } from '../../main/words.ts'
import { ScriptedFiles } from './ui-files.ts'
import { answerBackup, isOfBackups } from './ui-backup-script.ts'
import * as samples from './ui-samples.ts'

type Asked = { readonly name: CallName, readonly argument: unknown }
type Refusal = { readonly ok: false, readonly code: ErrorCode, readonly detail?: string }
type Override = (argument: never) => Answer<unknown> | Promise<Answer<unknown>>

const asksPassphrase: Phase = { at: 'locked', need: 'passphrase', words: true }

export type BridgeOptions = {
  readonly phase?: Phase
  readonly conversations?: readonly Conversation[]
  readonly entries?: readonly Entry[]
  readonly known?: ResultOf<'people.known'>
  /** Silent devices, the same in every chat. */
  readonly idle?: Details['idle']
  readonly devices?: readonly OwnDevice[]
  readonly link?: Link
  readonly closing?: Closing
  readonly backup?: BackupStatus
  readonly shell?: ShellState
}

export class ScriptedBridge {
  readonly asked: Asked[] = []
  /** Answers in place of the usual ones, by name of the Call. */
  readonly answers: Partial<Record<CallName, Override>> = {}
  /** Invites that can be read, by their text. */
  readonly invites = new Map<string, InvitePreview>()
  phase: Phase
  revision = 1
  readonly conversations: Map<string, Conversation>
  entries: Entry[]
  known: ResultOf<'people.known'>
  idle: Details['idle']
  /** The passphrase that opens a locked profile. */
  passphrase = 'correct horse'
  devices: readonly OwnDevice[]
  link: Link | undefined
  closing: Closing | undefined
  backup: BackupStatus
  made: readonly MadeInvite[] = samples.madeInvites
  readonly files = new ScriptedFiles()
  /** Whether the host lets the reader of QR codes see the screen. */
  screen = false
  /** Whether the keychain takes a key. */
  keychain: 'ok' | 'absent' = 'ok'
  shell: ShellState
  update: UpdateState = { keeper: 'self', mode: 'ask', stage: 'idle' }
  #receive: (change: Change) => void = () => undefined
  /** What the window must not know while the app is locked. */
  #lockedAway: Conversation[] = []

  constructor({ phase, conversations, entries, known, idle, devices, link, closing, backup, shell }: BridgeOptions = {}) {
    this.shell = shell ?? samples.shell
    this.devices = devices ?? samples.ownDevices
    this.link = link
    this.closing = closing
    this.backup = backup ?? { words: true }
    this.phase = phase ?? { at: 'ready', me: samples.me }
    this.conversations = new Map((conversations ?? samples.sampleConversations).map((each) => [each.id, each]))
    this.entries = [...entries ?? samples.sampleEntries]
    this.known = known ?? ['Ana', 'Jonas', 'Kim', 'Leo', 'Mara', 'Oda', 'Sam']
      .map((name) => ({ accountId: samples.idOf(name), name }))
    this.idle = idle ?? []
    this.invites.set('coppice1nora', {
      accountId: samples.idOf('Nora'), name: 'Nora', expiresAt: samples.now + 14 * samples.dayMs,
    })
  }

  onChange(receive: (change: Change) => void): void {
    this.#receive = receive
  }

  /** Tells the window, with the next revision. */
  push(change: Omit<Change, 'revision'>): void {
    this.revision++
    if (change.phase !== undefined) this.phase = change.phase
    for (const { people, ...each } of change.conversations ?? []) {
      this.conversations.set(each.id, { ...each, people: people ?? this.#chat(each.id).people })
    }
    for (const id of change.removedConversations ?? []) this.conversations.delete(id)
    const replaced = new Set([...change.removedEntries ?? [], ...(change.entries ?? []).map(({ id }) => id)])
    this.entries = [...this.entries.filter(({ id }) => !replaced.has(id)), ...change.entries ?? []]
    this.#receive({ revision: this.revision, ...change })
  }

  /** Somebody writes: the entry and the conversation's new last line in one Change, whose people are as they were. */
  receive(entry: Extract<Entry, { kind: 'message' }>): void {
    const { people: _people, ...chat } = this.#chat(entry.conversation)
    this.push({
      entries: [entry],
      conversations: [{
        ...chat, at: entry.at, unread: chat.unread + (entry.own ? 0 : 1),
        last: { at: entry.at, text: entry.text, from: entry.from, own: entry.own },
      }],
    })
  }

  /** The arguments of every Call of this name so far. */
  argumentsOf<N extends CallName>(name: N): readonly ArgumentOf<N>[] {
    return this.asked.filter((each) => each.name === name).map(({ argument }) => argument as ArgumentOf<N>)
  }

  async call(name: CallName, argument: unknown): Promise<Answer<unknown>> {
    this.asked.push({ name, argument })
    if (!(calls[name].check as (value: unknown) => boolean)(argument)) {
      return { ok: false, code: 'bad-argument', detail: `${name}: ${JSON.stringify(argument)}` }
    }
    const override = this.answers[name]
    if (override !== undefined) return override(argument as never)
    return { ok: true, ...this.#answer(name, argument as never) }
  }

  #chat(id: string): Conversation {
    const chat = this.conversations.get(id)
    if (chat === undefined) throw new Error(`the script has no conversation ${id}`)
    return chat
  }

  #alter(id: string, more: Partial<Conversation>, fact?: Extract<Entry, { kind: 'fact' }>['fact']): void {
    const changed = { ...this.#chat(id), ...more }
    this.push({
      conversations: [changed], ...fact === undefined ? {} : { entries: [samples.fact(changed, samples.now, fact)] },
    })
  }

  #me(more: Partial<Me>): void {
    const me = this.phase.at === 'ready' ? this.phase.me : { ...samples.me, recovery: 'waiting' as const }
    this.push({ phase: { at: 'ready', me: { ...me, ...more } } })
  }

  #answer(name: CallName, argument: never): { value: unknown } | Refusal {
    const of = <N extends CallName>(_name: N): ArgumentOf<N> => argument
    const value = <N extends CallName>(_name: N, result: ResultOf<N>): { value: unknown } => ({ value: result })
    if (isOfBackups(name)) return answerBackup(this, name, argument)
    switch (name) {
      case 'app.open': return value(name, {
        revision: this.revision, phase: this.phase, profile: 'default', version: '0.1.0',
        conversations: [...this.conversations.values()], ...this.link === undefined ? {} : { link: this.link },
        ...this.closing === undefined ? {} : { closing: this.closing }, backup: this.backup,
      })
      case 'app.report': return value(name, { lines: samples.reportLines })
      case 'profile.choose': this.push({ phase: asksPassphrase }); break
      case 'setup.create': this.#me({ name: of(name).name, recovery: 'waiting' }); break
      case 'setup.unlock':
        if (of(name).passphrase !== this.passphrase) return { ok: false, code: 'passphrase-wrong' }
        this.push({ phase: { at: 'ready', me: samples.me }, conversations: this.#lockedAway.splice(0) })
        break
      case 'setup.recover': case 'setup.restore': return this.#recover(of(name))
      case 'setup.read': return this.#read()
      case 'profile.folder': case 'lock.active': case 'address.open': break
      case 'reader.open': return value(name, { screen: this.screen })
      case 'lock.now':
        if (!this.#hasPassphrase()) return { ok: false, code: 'passphrase-missing' }
        this.#lockedAway = [...this.conversations.values()]
        this.push({ phase: asksPassphrase, removedConversations: [...this.conversations.keys()] })
        break
      case 'lock.after': this.#lock({ afterMinutes: of(name).minutes }); break
      case 'passphrase.set': return this.#setPassphrase(of(name).current, of(name).passphrase)
      case 'passphrase.remove': return this.#setPassphrase(of(name).current, '')
      case 'recovery.words': return value(name, samples.recoveryWords)
      case 'recovery.confirm':
        if (of(name).words.some(({ position, word }) => samples.recoveryWords[position - 1] !== word)) {
          return { ok: false, code: 'words-differ' }
        }
        this.#me({ recovery: 'confirmed' })
        break
      case 'recovery.later': this.#me({ recovery: 'later' }); break
      case 'profile.rename': this.#me({ name: of(name).name }); break
      case 'profile.remove':
        this.push({ phase: { at: 'new', keychain: 'ok' }, removedConversations: [...this.conversations.keys()] })
        break
      case 'account.close': this.push({ closing: { at: 'waiting', done: 0, of: 0, away: false } }); break
      case 'account.keep': this.push({ closing: { at: 'none' } }); break
      case 'invite.show': return value(name, this.#invite())
      case 'invite.read': return this.#readInvite(of(name).invite)
      case 'conversation.direct': return this.#direct(of(name).invite)
      case 'conversation.group': return this.#group(of(name))
      case 'conversation.accept': this.#accept(of(name).conversation); break
      case 'conversation.decline': this.push({ removedConversations: [of(name).conversation] }); break
      case 'conversation.rename': this.#alter(of(name).conversation, { title: of(name).name }); break
      case 'conversation.add': this.#add(of(name)); break
      case 'conversation.remove': this.#remove(of(name)); break
      case 'conversation.drop': this.#drop(of(name)); break
      case 'conversation.leave': this.#alter(of(name).conversation, { state: 'left' }); break
      case 'conversation.details': return value<'conversation.details'>(name, this.#details(of(name).conversation))
      case 'delivery.usage': return value(name, { bytes: 12_400_000, keptDays: 60 })
      case 'people.known': return value(name, this.known)
      case 'entries.page': return value(name, this.#page(of(name)))
      case 'search': return value(name, this.#search(of(name)))
      case 'message.send': this.#send(of(name)); break
      case 'conversation.read': this.#seen(of(name)); break
      case 'conversation.draft': this.#alter(of(name).conversation, { draft: of(name).text }); break
      default: return this.#meeting(name, argument)
    }
    return { value: undefined }
  }

  /** Whom one meets: safety numbers and invites. */
  #meeting(name: CallName, argument: never): { value: unknown } | Refusal {
    const of = <N extends CallName>(_name: N): ArgumentOf<N> => argument
    const value = <N extends CallName>(_name: N, result: ResultOf<N>): { value: unknown } => ({ value: result })
    switch (name) {
      case 'person.safety': return value(name, this.#safety(of(name).accountId))
      case 'person.compare': return value<'person.compare'>(name, this.#compare(of(name)))
      case 'person.trust': this.#trust(of(name).accountId, { trust: of(name).trust }); break
      case 'person.replaces': this.#trust(of(name).accountId, { trust: 'changed', why: 'replaced' }); break
      case 'invite.list': return value(name, this.made)
      case 'invite.make': {
        const made = samples.madeInvite(`new ${String(this.made.length)}`)
        this.made = [made, ...this.made]
        return value(name, made)
      }
      case 'invite.withdraw': {
        const { invite } = of(name)
        this.made = this.made.map((each) => each.id === invite ? { ...each, withdrawn: true } : each)
        break
      }
      default: return this.#household(name, argument)
    }
    return { value: undefined }
  }

  /** Own devices: linking, the devices page, and what all of them agree upon. */
  #household(name: CallName, argument: never): { value: unknown } | Refusal {
    const of = <N extends CallName>(_name: N): ArgumentOf<N> => argument
    const value = <N extends CallName>(_name: N, result: ResultOf<N>): { value: unknown } => ({ value: result })
    switch (name) {
      case 'message.remove': {
        const { conversation, entries, everyone } = of(name)
        if (!everyone) this.push({ removedEntries: entries })
        else this.push({ entries: this.entries.filter(({ id }) => entries.includes(id)).map(({ id, order, at }) =>
          ({ id, conversation, order, at, kind: 'fact', fact: { fact: 'deleted', who: samples.me.accountId }, devices: 0 })) })
        break
      }
      case 'conversation.timer': {
        const { conversation, seconds } = of(name)
        this.#alter(conversation, { timer: seconds }, { fact: 'timer', by: samples.me.accountId, seconds })
        break
      }
      case 'conversation.keep': {
        const { conversation, ...kept } = of(name)
        this.#alter(conversation, kept)
        break
      }
      case 'shell.settings': return value(name, this.shell)
      case 'shell.change':
        this.shell = { ...this.shell, settings: of(name).settings, lost: false }
        return value(name, this.shell)
      case 'shell.shown': break
      case 'shell.setAside':
        this.push({ phase: { at: 'new', keychain: this.keychain } })
        return value(name, { name: 'default set aside' })
      case 'update.state': case 'update.check': case 'update.fetch': case 'update.stop': case 'update.install':
        return value(name, this.update)
      case 'update.mode':
        this.update = { ...this.update, mode: of(name).mode }
        return value(name, this.update)
      case 'devices.list': return value(name, this.devices)
      case 'devices.number': return value(name, '903712333053384718646761890855')
      case 'recovery.rotate': {
        const { words } = of(name)
        if (words.trim() !== samples.recoveryWords.join(' ')) return { ok: false, code: 'words-foreign' }
        this.#me({ recovery: 'waiting' })
        break
      }
      case 'devices.renew': break
      case 'devices.rename': this.#device(of(name).deviceId, { name: of(name).name }); break
      case 'devices.returned': {
        const { deviceId, mine } = of(name)
        this.devices = this.devices.map(({ asked, ...each }) => each.deviceId !== deviceId ? { ...each, ...asked === undefined ? {} : { asked } }
          : { ...each, revoked: !mine && each.mayRevoke })
        this.push({ devices: this.devices })
        break
      }
      case 'devices.grant': this.#device(of(name).deviceId, { trusted: true, mayGrant: false }); break
      case 'recovery.revoke': case 'devices.revoke': this.#device(of(name).deviceId, { revoked: true, mayRevoke: false, mayGrant: false }); break
      case 'setup.link': this.step(this.#linkFrom(of(name).code, 'new')); break
      case 'link.start': this.step(this.#linkFrom(of(name).code, 'elder')); break
      case 'link.digits': this.step({ at: 'waiting', role: 'new' }); break
      case 'link.confirm': this.step(samples.links.joining('elder')); break
      case 'link.recognise': this.step(samples.links.joining('new')); break
      case 'link.cancel': this.step(undefined); break
      case 'shell.link': return { value: {} }
      // No backup was opened outside.
      case 'restore.handed': break
      default: return { value: this.files.answer(name, argument) }
    }
    return { value: undefined }
  }

  #device(id: string, more: Partial<OwnDevice>): void {
    this.devices = this.devices.map((each) => each.deviceId === id ? { ...each, ...more } : each)
    this.push({ devices: this.devices })
  }

  #linkFrom(code: string, role: 'elder' | 'new'): Link {
    if (code === '') return samples.links.showing(role)
    return code.startsWith('coppicelink1-') ? { at: 'connecting', role } : { at: 'failed', role, why: 'malformed' }
  }

  /** Linking comes to this step, or is over: as a phase of its own where this computer has no account yet. */
  step(link: Link | undefined): void {
    const { at } = this.phase
    const left = this.link
    this.link = link
    if (at === 'ready') this.push({ link: link ?? { at: 'none' } })
    else if (link !== undefined) this.push({ phase: { at: 'linking', link } })
    else this.push({ phase: left?.at === 'done' ? { at: 'ready', me: samples.me } : { at: 'new', keychain: this.keychain } })
  }

  #personOf(accountId: string): Person {
    const all = [...this.conversations.values()].flatMap(({ people }) => people)
    const found = all.find((each) => each.accountId === accountId)
    if (found === undefined) throw new Error(`the script has no person ${accountId}`)
    return found
  }

  #safety(accountId: string): Safety {
    const { name, trust, why, byInvite } = this.#personOf(accountId)
    return {
      name, trust, byInvite, ...why === undefined ? {} : { why }, since: samples.now - samples.dayMs,
      digits: samples.digits, code: `code for ${name}`,
    }
  }

  #compare({ accountId, code }: ArgumentOf<'person.compare'>): ResultOf<'person.compare'> {
    const { name, trust } = this.#personOf(accountId)
    if (code.startsWith('coppicelink1-')) return 'linking'
    if (!code.startsWith('code ')) return 'malformed'
    if (code !== `code of ${name}`) return 'differs'
    if (trust !== 'changed') this.#trust(accountId, { trust: 'verified' })
    return 'match'
  }

  #trust(accountId: string, to: Pick<Person, 'trust' | 'why'>): void {
    const conversations = [...this.conversations.values()].map((each) => ({
      ...each,
      people: each.people.map(({ why: _, ...person }) =>
        person.accountId === accountId ? { ...person, ...to } : { ...person, ..._ === undefined ? {} : { why: _ } }),
    }))
    this.push({ conversations })
  }

  #recover({ words, passphrase }: Pick<ArgumentOf<'setup.restore'>, 'words' | 'passphrase'>): { value: undefined } | Refusal {
    const given = words.trim().split(/\s+/)
    if (given.length !== 24) return { ok: false, code: 'words-count', detail: String(given.length) }
    const wrong = given.flatMap((word, at) => word === samples.recoveryWords[at] ? [] : [at + 1])
    if (wrong.length > 0) return { ok: false, code: 'words-unknown', detail: wrong.join(' ') }
    if (this.keychain === 'absent' && passphrase === '') return { ok: false, code: 'keychain-absent' }
    this.#me({ recovery: 'confirmed' })
    return { value: undefined }
  }

  #read(): { value: undefined } {
    const code = this.phase.at === 'stopped' ? this.phase.code : 'store-damaged'
    const me = { ...samples.me, lock: { passphrase: false, keychain: false, afterMinutes: 0 as const } }
    const conversations = samples.sampleConversations.filter(({ state }) => state !== 'request')
    this.push({ phase: { at: 'ready', me, readOnly: code }, conversations })
    return { value: undefined }
  }

  #lock(more: Partial<Lock>): void {
    const { lock } = this.phase.at === 'ready' ? this.phase.me : samples.me
    this.#me({ lock: { ...lock, ...more } })
  }

  #hasPassphrase(): boolean {
    return this.phase.at === 'ready' && this.phase.me.lock.passphrase
  }

  #setPassphrase(current: string, passphrase: string): { value: undefined } | Refusal {
    if (this.#hasPassphrase() && current !== this.passphrase) return { ok: false, code: 'passphrase-wrong' }
    this.passphrase = passphrase
    this.#lock({ passphrase: passphrase !== '', ...passphrase === '' ? { afterMinutes: 0 } : {} })
    return { value: undefined }
  }

  #details(id: string): Details {
    return { ...samples.detailsOf(this.#chat(id)), idle: this.idle }
  }

  #drop({ conversation, deviceId }: ArgumentOf<'conversation.drop'>): void {
    this.idle = this.idle.filter((device) => device.deviceId !== deviceId)
    this.#alter(conversation, { devices: this.#chat(conversation).devices - 1, epochAt: samples.now })
  }

  #invite(): Invite {
    const text = `coppice1${samples.idOf('invite')}${samples.idOf('token')}`
    return { text, expiresAt: samples.now + 14 * samples.dayMs }
  }

  #readInvite(invite: string): { value: InvitePreview } | Refusal {
    const preview = this.invites.get(invite)
    return preview === undefined ? { ok: false, code: 'invite-malformed' } : { value: preview }
  }

  #direct(invite: string): { value: { conversation: string } } | Refusal {
    const preview = this.invites.get(invite)
    if (preview === undefined) return { ok: false, code: 'invite-malformed' }
    const chat = samples.conversation(preview.name, { at: samples.now })
    const created = samples.fact(chat, samples.now, { fact: 'created', by: samples.me.accountId })
    this.push({ conversations: [chat], entries: [created] })
    return { value: { conversation: chat.id } }
  }

  #group({ name, people, invites }: ArgumentOf<'conversation.group'>): { value: { conversation: string } } {
    const members = [...this.#people(people, invites), samples.person('Robin', { admin: true })]
    const chat = samples.conversation(name, { kind: 'group', at: samples.now, people: members })
    this.push({ conversations: [chat] })
    return { value: { conversation: chat.id } }
  }

  #people(accounts: readonly string[], invites: readonly string[]): Conversation['people'] {
    const names = [
      ...accounts.map((account) => this.known.find(({ accountId }) => accountId === account)?.name),
      ...invites.map((invite) => this.invites.get(invite)?.name),
    ]
    return names.filter((name) => name !== undefined).map((name) => samples.person(name))
  }

  #accept(id: string): void {
    const { request: _request, ...chat } = this.#chat(id)
    this.push({
      conversations: [{ ...chat, state: 'active' }],
      entries: [samples.fact(chat, samples.now, { fact: 'accepted', who: samples.me.accountId })],
    })
  }

  #add({ conversation, people, invites }: ArgumentOf<'conversation.add'>): void {
    const chat = this.#chat(conversation)
    const added = this.#people(people, invites)
    const all = [...chat.people, ...added]
    const who = added.map(({ accountId }) => accountId)
    this.#alter(conversation, { people: all, devices: chat.devices + added.length, epochAt: samples.now },
      { fact: 'added', by: samples.me.accountId, who })
  }

  #remove({ conversation, accountId }: ArgumentOf<'conversation.remove'>): void {
    const people = this.#chat(conversation).people.filter((person) => person.accountId !== accountId)
    const devices = people.reduce((sum, person) => sum + person.devices, 0)
    this.#alter(conversation, { people, devices, epochAt: samples.now },
      { fact: 'removed', by: samples.me.accountId, who: [accountId] })
  }

  #page({ conversation, before, limit }: ArgumentOf<'entries.page'>): EntryPage {
    const all = this.entries
      .filter((entry) => entry.conversation === conversation && (before === 0 || entry.order < before))
      .sort((one, other) => one.order - other.order)
    const entries = all.slice(-limit)
    return { entries, more: all.length > entries.length, names: { [samples.idOf('Pia')]: 'Pia' } }
  }

  /** As main/app/search.ts does, over what the script has. */
  #search({ text, limit }: ArgumentOf<'search'>): ResultOf<'search'> {
    const words = wordsOf(text)
    const all = this.entries.filter((entry) => entry.kind === 'message')
      .filter((entry) => words.length > 0 && isMatch(entry.text, words))
      .sort((one, other) => other.at - one.at)
    return {
      found: all.slice(0, limit).map((entry) => ({ entry, marks: marksIn(entry.text, words) })),
      more: all.length > limit,
      names: Object.fromEntries(['Ana', 'Jonas', 'Kim', 'Leo', 'Mara', 'Oda', 'Sam', 'Robin'].map((name) => [samples.idOf(name), name])),
    }
  }

  #send({ conversation, key, text }: ArgumentOf<'message.send'>): void {
    const chat = this.#chat(conversation)
    const entry = samples.message(chat, 'Robin', text, { id: key, state: 'sending', deliveredTo: 0 })
    this.receive(entry)
    this.push({ entries: [{ ...entry, state: 'sent' }] })
    this.push({ entries: [{ ...entry, state: 'delivered', deliveredTo: chat.people.length - 1 }] })
  }

  #seen({ conversation, order }: ArgumentOf<'conversation.read'>): void {
    const chat = this.#chat(conversation)
    const unread = this.entries.filter((entry) => entry.conversation === conversation && entry.order > order &&
      entry.kind === 'message' && !entry.own).length
    this.push({ conversations: [{ ...chat, unread: Math.min(chat.unread, unread) }] })
  }
}
