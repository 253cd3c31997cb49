import { Secret, toHex } from '../mls/index.ts'
import { entriesName } from '../chat/backup.ts'
import { decodeBackups, encodeBackups, type BackupDocument, type KeptFolder } from '../chat/backup-document.ts'
import { deriveRecovery } from '../identity/recovery.ts'
import {
  errorCodes, type ArgumentOf, type BackupFolder, type BackupRhythm, type BackupRun, type BackupStatus, type ChosenFolder,
  type ErrorCode, type ResultOf,
} from '../../preload/api.ts'
import { PortError, type BackupKey, type BackupSeal, type BackupWork, type Place } from '../ports.ts'
import { seedFrom } from './account.ts'
import { attachmentOf, backupFiles, entriesNamed, keptSegments, listsOf, sizeOf } from './backup-files.ts'
import { partsOf } from './backup-parts.ts'
import { plainExport } from './plain.ts'
import { backupRecipient, keepRecipient } from './recipient.ts'
import { checkPassphrase } from './refusals.ts'
import type { State } from './state.ts'
import { turn } from './tasks.ts'

const hourMs = 60 * 60 * 1000
const dayMs = 24 * hourMs
const rhythmMs: Readonly<Record<Exclude<BackupRhythm, 'off'>, number>> = { daily: dayMs, weekly: 7 * dayMs }
/** The first look at the schedule after a start: the window is there before. */
const startMs = 5_000
/** How often progress is told. */
const tellMs = 200

type Running = { readonly kind: BackupRun['kind'], readonly startedAt: number, done: number, of: number, isCancelled: boolean
  toldAt: number }

/** The backups of an opened profile: one at a time. */
export class Backups {
  readonly #state: State
  #document: BackupDocument
  #running: Running | undefined
  #work: Promise<unknown> = Promise.resolve()
  #isKeeping = false
  #isStopped = false
  #cancelLook: (() => void) | undefined

  constructor(state: State) {
    this.#state = state
    const stored = state.store.document('backup', 'own')
    this.#document = stored === undefined ? { folder: undefined, fileAt: 0, fileBytes: 0n } : decodeBackups(stored)
  }

  get told(): BackupStatus {
    const { folder, fileAt, fileBytes } = this.#document
    return {
      words: backupRecipient(this.#state) !== undefined || this.#state.account.recoverySeed !== undefined,
      ...this.#running === undefined ? {} : { running: this.#toldRun(this.#running) },
      ...folder === undefined ? {} : { folder: this.#toldFolder(folder) },
      ...fileAt === 0 ? {} : { file: { madeAt: fileAt, bytes: Number(fileBytes) } },
    }
  }

  /** What this device can still learn of the words it learns now; and the schedule begins. */
  resume(): void {
    keepRecipient(this.#state).catch(this.#report)
    this.#sweep().catch(this.#report)
    this.#lookIn(startMs)
  }

  async stop(): Promise<void> {
    this.#isStopped = true
    this.#cancelLook?.()
    this.cancel()
    await this.#work
    this.#document.folder?.secret.wipe()
  }

  cancel(): void {
    if (this.#running !== undefined) this.#running.isCancelled = true
  }

  // -------------------------------------------------------------- one file

  async exportFile({ passphrase }: ArgumentOf<'backup.export'>): Promise<ResultOf<'backup.export'>> {
    const { ports } = this.#state
    const seal = await this.#sealFor(passphrase)
    this.#demandIdle()
    const place = await ports.places.choose({ kind: 'save', name: `Coppice ${this.#today()}.coppice-backup` })
    return place === undefined ? undefined : this.exportTo(place, seal)
  }

  async exportTo(place: Place, seal: BackupSeal): Promise<{ readonly bytes: number }> {
    const state = this.#state
    const segments = keptSegments(state)
    const made = await this.#run('file', sizeOf(state, segments), (work, expectedBytes) => this.#swept(place, () =>
      state.ports.archive.write(place, { ...work, seal, expectedBytes, files: backupFiles(state, segments) })))
    this.#keep({ fileAt: state.ports.now(), fileBytes: BigInt(made.bytes) })
    return made
  }

  /** An empty passphrase: to the recovery key. */
  async #sealFor(passphrase: string): Promise<BackupSeal> {
    if (passphrase === '') return { type: 'recipient', recipient: await this.#recipient() }
    checkPassphrase(passphrase)
    return { type: 'passphrase', passphrase }
  }

  async #recipient(): Promise<string> {
    await keepRecipient(this.#state)
    const recipient = backupRecipient(this.#state)
    if (recipient === undefined) throw new PortError('backup-words')
    return recipient
  }

  /** What is left of a file whose writing is killed goes at the next start: where it lies is kept until it is whole. */
  async #swept<T>(place: Place, write: () => Promise<T>): Promise<T> {
    this.#keepWriting([place.token])
    try {
      return await write()
    } finally {
      this.#keepWriting([])
    }
  }

  async #sweep(): Promise<void> {
    const { archive, places } = this.#state.ports
    const tokens = places.kept('file')
    for (const token of tokens) {
      const place = places.at(token)
      if (place !== undefined) await archive.sweep(place)
    }
    if (tokens.length > 0 && this.#running === undefined) this.#keepWriting([])
  }

  /** A profile that can only be read keeps no place; its backups are made all the same. */
  #keepWriting(tokens: readonly string[]): void {
    try {
      this.#state.ports.places.keep('file', tokens)
    } catch {
      // Then nothing is swept.
    }
  }

  // -------------------------------------------------------------- a folder

  async choose(): Promise<ChosenFolder | undefined> {
    const { archive, places } = this.#state.ports
    const place = await places.choose({ kind: 'folder' })
    if (place === undefined) return undefined
    return { token: place.token, name: places.nameOf(place), holds: await archive.look(place) }
  }

  /** One at a time: of two secrets for one folder, the one in use must be the one that its key holds. */
  async keep(argument: ArgumentOf<'backup.keep'>): Promise<void> {
    this.#demandIdle()
    this.#isKeeping = true
    const work = this.#keepFolder(argument)
    this.#work = work.catch(() => undefined)
    try {
      await work
    } finally {
      this.#isKeeping = false
    }
  }

  async #keepFolder({ token, by, key, rhythm }: ArgumentOf<'backup.keep'>): Promise<void> {
    const { archive, now, places, random } = this.#state.ports
    const place = places.at(token)
    if (place === undefined) throw new PortError('backup-place')
    const isBegun = await archive.look(place) !== 'nothing'
    const seal = isBegun ? undefined : await this.#sealFor(by === 'words' ? '' : key)
    const secret = isBegun ? await this.#join(place, by, key) : new Secret(random(32))
    if (seal !== undefined) await archive.begin(place, { secret, seal })
    const old = this.#document.folder?.secret
    places.keep('folder', [token])
    this.#keep({ folder: {
      secret, token, writer: random(8), by, sealedTo: seal?.type === 'recipient' ? seal.recipient : '', rhythm,
      since: now(), madeAt: 0, triedAt: 0, bytes: 0n, failed: '',
    } })
    old?.wipe()
    this.#lookIn(0)
  }

  async #join(place: Place, by: 'words' | 'passphrase', text: string): Promise<Secret> {
    const { archive } = this.#state.ports
    const key = this.#keyOf(by, text)
    try {
      const secret = await archive.join(place, key)
      await this.#demandOwn(place, key)
      return secret
    } finally {
      if (key.type !== 'passphrase') key.secret.wipe()
    }
  }

  #keyOf(by: 'words' | 'passphrase', text: string): BackupKey {
    if (by === 'passphrase') return { type: 'passphrase', passphrase: text }
    const seed = seedFrom(text)
    const secret = deriveRecovery(this.#state.self.suite, seed, 'backup')
    seed.wipe()
    return { type: 'words', secret }
  }

  /** Somebody else's backups are not added to. */
  async #demandOwn(place: Place, key: BackupKey): Promise<void> {
    const { archive } = this.#state.ports
    if ((await archive.list(place)).length === 0) return
    const work = { cancelled: () => false, progress: () => undefined }
    for await (const part of partsOf(archive.read(place, key, work))) {
      if (part.type !== 'account') continue
      if (part.account.accountId !== this.#state.self.accountId) throw new PortError('backup-foreign')
      return
    }
  }

  forget(): void {
    this.#demandIdle()
    const { folder } = this.#document
    this.#state.ports.places.keep('folder', [])
    this.#keep({ folder: undefined })
    folder?.secret.wipe()
  }

  setRhythm(rhythm: BackupRhythm): void {
    const { folder } = this.#document
    if (folder === undefined) throw new PortError('backup-place')
    this.#keep({ folder: { ...folder, rhythm } })
    this.#lookIn(0)
  }

  async now(): Promise<{ readonly bytes: number }> {
    const { folder } = this.#document
    const place = folder === undefined ? undefined : this.#state.ports.places.at(folder.token)
    if (folder === undefined) throw new PortError('backup-place')
    const startedAt = this.#state.ports.now()
    this.#demandIdle()
    try {
      if (place === undefined) throw new PortError('backup-place')
      const { bytes, total } = await this.#add(folder, place)
      this.#change({ madeAt: this.#state.ports.now(), triedAt: startedAt, bytes: BigInt(total), failed: '' })
      return { bytes }
    } catch (error) {
      const code = error instanceof PortError ? error.code : 'bug'
      if (code !== 'backup-cancelled' && !this.#isStopped) this.#change({ triedAt: startedAt, failed: code })
      throw error
    }
  }

  async #add(folder: KeptFolder, place: Place): Promise<{ readonly bytes: number, readonly total: number }> {
    const state = this.#state
    const { archive, now } = state.ports
    const segments = keptSegments(state)
    return this.#run('folder', segments.reduce((sum, { size }) => sum + size, 0), async (work) => {
      await this.#sealAnew(folder, place)
      const added = await archive.add(place, folder.secret, {
        ...work, writer: toHex(folder.writer), madeAt: now(), lists: listsOf(state),
        entries: segments.map(({ conversation, segment, stamp, size }) =>
          ({ name: entriesName(conversation, segment), stamp, size })),
        entry: async (name) => {
          await turn(state.ports)
          return entriesNamed(state, name)
        },
        attachment: (hash) => attachmentOf(state, hash),
      })
      await archive.prune(place, folder.secret, now())
      return added
    })
  }

  /** A recovery key that was replaced opens nothing any more: the folder's secret is sealed to the one in force. */
  async #sealAnew(folder: KeptFolder, place: Place): Promise<void> {
    const recipient = folder.by === 'words' ? backupRecipient(this.#state) : undefined
    if (recipient === undefined || recipient === folder.sealedTo) return
    await this.#state.ports.archive.begin(place, { secret: folder.secret, seal: { type: 'recipient', recipient } })
    this.#change({ sealedTo: recipient })
  }

  // -------------------------------------------------------------- for anybody to read

  async exportPlain({ conversation, format }: ArgumentOf<'backup.plain'>): Promise<ResultOf<'backup.plain'>> {
    const state = this.#state
    const plain = plainExport(state, { conversation, format })
    this.#demandIdle()
    const place = await state.ports.places.choose({ kind: 'save', name: `Coppice ${this.#today()}.${format}` })
    if (place === undefined) return undefined
    return this.#run('plain', plain.expectedBytes, (work, expectedBytes) => this.#swept(place, () =>
      state.ports.archive.writePlain(place, { ...work, expectedBytes, pieces: plain.pieces() })))
  }

  // -------------------------------------------------------------- the schedule

  #lookIn(delayMs: number): void {
    this.#cancelLook?.()
    if (this.#isStopped) return
    this.#cancelLook = this.#state.ports.after(delayMs, () => {
      this.#lookIn(hourMs)
      if (this.#isDue()) this.now().catch(this.#report)
      else this.tell()
    })
  }

  #isDue(): boolean {
    const { folder } = this.#document
    if (folder === undefined || folder.rhythm === 'off' || this.#running !== undefined || this.#isKeeping) return false
    const now = this.#state.ports.now()
    const sinceTried = now - folder.triedAt
    // A clock that has gone back must not put it off.
    if (folder.failed !== '' && sinceTried >= 0 && sinceTried < hourMs) return false
    const since = now - folder.madeAt
    return since < 0 || since >= rhythmMs[folder.rhythm]
  }

  #toldFolder({ token, by, rhythm, since, madeAt, bytes, failed }: KeptFolder): BackupFolder {
    const { now, places } = this.#state.ports
    const place = places.at(token)
    const age = now() - Math.max(since, madeAt)
    return {
      name: place === undefined ? '' : places.nameOf(place), by, rhythm, madeAt, bytes: Number(bytes),
      ...isCode(failed) ? { failed } : {},
      overdue: rhythm !== 'off' && age > 1.5 * rhythmMs[rhythm],
    }
  }

  // -------------------------------------------------------------- one at a time

  #demandIdle(): void {
    if (this.#running !== undefined || this.#isKeeping || this.#isStopped) throw new PortError('backup-running')
  }

  async #run<T>(kind: BackupRun['kind'], of: number, work: (work: BackupWork, of: number) => Promise<T>): Promise<T> {
    this.#demandIdle()
    const running: Running = { kind, startedAt: this.#state.ports.now(), done: 0, of, isCancelled: false, toldAt: 0 }
    this.#running = running
    this.tell()
    const result = work({
      cancelled: () => running.isCancelled,
      progress: (done, whole = running.of) => {
        running.done = done
        running.of = Math.max(whole, done)
        const now = this.#state.ports.now()
        if (Math.abs(now - running.toldAt) < tellMs) return
        running.toldAt = now
        this.tell()
      },
    }, of)
    this.#work = result.catch(() => undefined)
    try {
      return await result
    } finally {
      this.#running = undefined
      this.tell()
    }
  }

  #toldRun({ kind, startedAt, done, of }: Running): BackupRun {
    const spentMs = Math.max(0, this.#state.ports.now() - startedAt)
    return { kind, done, of, leftMs: done === 0 ? 0 : Math.round(spentMs * (of - done) / done) }
  }

  tell(): void {
    if (!this.#isStopped) this.#state.show({ backup: this.told })
  }

  #change(folder: Partial<KeptFolder>): void {
    if (this.#document.folder !== undefined) this.#keep({ folder: { ...this.#document.folder, ...folder } })
  }

  #keep(change: Partial<BackupDocument>): void {
    const document = { ...this.#document, ...change }
    this.#state.transact({
      documents: [{ kind: 'backup', key: 'own', bytes: encodeBackups(document) }],
      then: [() => { this.#document = document }],
    })
    this.tell()
  }

  #today(): string {
    return new Date(this.#state.ports.now()).toISOString().slice(0, 10)
  }

  readonly #report = (error: unknown): void => {
    if (!(error instanceof PortError) || error.code === 'bug') this.#state.ports.report(error)
  }
}

const isCode = (code: string): code is ErrorCode => (errorCodes as readonly string[]).includes(code)
