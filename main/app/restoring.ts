import { decodeJob, type RestoreJob } from '../chat/restore-job.ts'
import type { Restore } from '../../preload/api.ts'
import { PortError, type BackupKey, type BackupWork, type Place, type Ports, type Scratch, type Store } from '../ports.ts'
import { checkBackup, type Checked, type Present } from './backup-check.ts'
import { partsOf, type BackupPart } from './backup-parts.ts'
import { formerOf, StateKeeper, StoreKeeper } from './keepers.ts'
import { blankJob, jobDocuments, keyTyped, placeAt } from './opened-backup.ts'
import { differenceOf } from './rehearsal.ts'
import { suiteOfProduct } from './self.ts'
import type { State } from './state.ts'
import type { Documents } from './stored-rooms.ts'
import { Taking, type Keeper } from './take-backup.ts'
import { turn } from './tasks.ts'

/**
 * Work on a backup beside everything else that an opened profile does: checking it, trying it out, taking it in. One at a
 * time; it can be stopped, and taking in goes on after any end of the program.
 */

const tellMs = 250

/** The profile that works on a backup. */
export type Host = {
  readonly ports: Ports
  readonly store: Store
  /** Whose backups it takes. */
  readonly accounts: ReadonlySet<string>
  readonly rooms: State['rooms']
  readonly keeper: Keeper
  readonly commit: (documents: Documents) => void
  readonly show: (restore: Restore) => void
}

export const hostOf = (state: State): Host => ({
  ports: state.ports, store: state.store, rooms: state.rooms,
  accounts: new Set([state.self.accountId, ...[formerOf(state)].filter((one) => one !== undefined)]),
  keeper: new StateKeeper(state), commit: (documents) => { state.transact({ documents }) },
  show: (restore) => { state.show({ restore }) },
})

type Work = { readonly place: Place, readonly key: BackupKey, readonly progress: Progress }

export class Restoring {
  readonly #host: Host
  #now: Restore = { at: 'none' }
  #running: Promise<void> | undefined
  #cancelled = false
  #stopped = false

  constructor(host: Host) {
    this.#host = host
    const job = this.#job()
    if (job?.going !== undefined) this.#now = { at: 'restoring', done: 0, of: 0, leftMs: 0 }
    job?.going?.key.wipe()
  }

  get restore(): Restore {
    return this.#now
  }

  // -------------------------------------------------------------- what the person asks for

  async verify(token: string, typed: string): Promise<void> {
    await this.#begin('checking', token, typed, async (work) => {
      const checked = await this.#check(work)
      return { at: 'checked', holds: await this.#holds(checked, work.place) }
    })
  }

  /** Takes it into a profile of its own, which is deleted again, and compares. */
  async rehearse(token: string, typed: string): Promise<void> {
    await this.#begin('rehearsing', token, typed, async (work) => {
      const { ports } = this.#host
      work.progress.passes = 2
      // As nothing of it is there.
      const checked = await this.#check(work, () => new Set())
      work.progress.next()
      const scratch: Scratch = ports.scratch()
      try {
        const bases = new Map<string, number>()
        await this.#take(work, new StoreKeeper(scratch.store, ports.now), {
          checked, get: (id) => bases.get(id), set: (id, base) => { bases.set(id, base); return [] },
        })
        const rehearsal = await differenceOf(scratch.store, this.#host, checked)
        return { at: 'rehearsed', holds: await this.#holds(checked, work.place), rehearsal }
      } finally {
        scratch.discard()
      }
    })
  }

  /** It is stored that it goes on before anybody is told that it has begun. */
  async start(token: string, typed: string): Promise<void> {
    await this.#begin('restoring', token, typed, (work) => this.#restore(work, token), (key) => { this.#keepGoing(token, key) })
  }

  /** Stops what goes on, or puts away what has ended. */
  async cancel(): Promise<void> {
    this.#cancelled = true
    await this.#running
    this.#say({ at: 'none' })
  }

  /** After a restart. */
  resume(): void {
    const job = this.#job()
    if (job?.going === undefined) return
    const { token, key: secret } = job.going
    try {
      const place = placeAt(this.#host.ports, token)
      this.#run('restoring', place, { type: 'file', secret }, (work) => this.#restore(work, token))
    } catch (error) {
      this.#failed(error)
    }
  }

  /** Nothing more is done, because the profile is closed; the next start goes on. */
  async stop(): Promise<void> {
    this.#stopped = true
    this.#cancelled = true
    await this.#running
  }

  // -------------------------------------------------------------- how it is done

  async #begin(
    at: Going, token: string, typed: string, work: (work: Work) => Promise<Restore>, first: (key: BackupKey) => void = () => undefined,
  ): Promise<void> {
    this.#demandIdle()
    const place = placeAt(this.#host.ports, token)
    const key = await keyTyped(this.#host.ports, place, typed)
    try {
      this.#demandIdle()
      first(key)
    } catch (error) {
      // Something else was begun meanwhile, or the app was locked.
      if (key.type !== 'passphrase') key.secret.wipe()
      throw error
    }
    this.#run(at, place, key, work)
  }

  #demandIdle(): void {
    if (this.#running !== undefined || this.#stopped) throw new PortError('not-ready')
  }

  #keepGoing(token: string, key: BackupKey): void {
    if (key.type === 'passphrase') throw new PortError('bug', 'a passphrase is not kept')
    const before = this.#job() ?? blankJob
    before.going?.key.wipe()
    this.#host.ports.places.keep('restore', [token])
    this.#host.commit(jobDocuments({ ...before, going: { token, key: key.secret } }))
  }

  #run(at: Going, place: Place, key: BackupKey, work: (work: Work) => Promise<Restore>): void {
    this.#demandIdle()
    this.#cancelled = false
    const progress = new Progress(this.#host.ports, (told) => { this.#say({ at, ...told }) })
    progress.tell(true)
    this.#running = (async () => {
      try {
        progress.of = await this.#host.ports.archive.measure(place)
        progress.tell(true)
        this.#say(await work({ place, key, progress }))
      } catch (error) {
        this.#failed(error)
      } finally {
        if (key.type !== 'passphrase') key.secret.wipe()
        this.#running = undefined
      }
    })()
  }

  #failed(error: unknown): void {
    if (this.#stopped) return
    const isWorld = error instanceof PortError
    if (!isWorld) this.#host.ports.report(error)
    const code = isWorld ? error.code : 'bug'
    // The key of the backup goes; where its entries have their place stays.
    const job = this.#job()
    if (job?.going !== undefined) {
      this.#host.commit(jobDocuments({ ...job, going: undefined }))
      job.going.key.wipe()
      this.#host.ports.places.keep('restore', [])
    }
    if (code === 'backup-cancelled') this.#say({ at: 'none' })
    else this.#say({ at: 'failed', code, ...isWorld && error.detail !== undefined ? { detail: error.detail } : {} })
  }

  #job(): RestoreJob | undefined {
    const bytes = this.#host.store.document('restore', 'own')
    return bytes === undefined ? undefined : decodeJob(bytes)
  }

  #work({ progress }: Work): BackupWork {
    return { cancelled: () => this.#cancelled, progress: (bytes) => { progress.at(bytes) } }
  }

  async #check(work: Work, present: Present = (ids) => this.#host.store.present(ids)): Promise<Checked> {
    const { ports, accounts } = this.#host
    const checked = await checkBackup(suiteOfProduct(ports), this.#parts(work), present)
    if (!accounts.has(checked.holds.accountId)) throw new PortError('backup-other')
    return checked
  }

  async* #parts(work: Work): AsyncGenerator<BackupPart> {
    for await (const part of partsOf(this.#host.ports.archive.read(work.place, work.key, this.#work(work)))) {
      yield part
      await turn(this.#host.ports)
    }
  }

  async #holds({ holds }: Checked, place: Place) {
    return { ...holds, bytes: await this.#host.ports.archive.measure(place) }
  }

  async #restore(work: Work, token: string): Promise<Restore> {
    const { ports, keeper, commit } = this.#host
    work.progress.passes = 2
    if (work.key.type === 'passphrase') throw new PortError('bug', 'a passphrase is not kept')
    const going = { token, key: work.key.secret }
    const before = this.#job() ?? blankJob
    before.going?.key.wipe()
    // All of it is sound before any of it is taken in.
    const checked = await this.#check(work)
    work.progress.next()
    let job: RestoreJob = before.id === checked.id ? { ...before, going }
      : { id: checked.id, startedAt: ports.now(), added: checked.missing, bases: new Map(), going }
    commit(jobDocuments(job))
    await this.#take(work, keeper, {
      checked, get: (id) => job.bases.get(id),
      set: (id, base) => {
        job = { ...job, bases: new Map([...job.bases, [id, base]]) }
        return jobDocuments(job)
      },
    })
    commit([{ kind: 'restore', key: 'own', bytes: undefined }])
    ports.places.keep('restore', [])
    return { at: 'restored', holds: await this.#holds(checked, work.place), added: job.added }
  }

  async #take(work: Work, keeper: Keeper, { checked, ...bases }: {
    readonly checked: Checked, readonly get: (id: string) => number | undefined
    readonly set: (id: string, base: number) => ReturnType<typeof jobDocuments>
  }): Promise<void> {
    const taking = new Taking({ keeper, checked, bases })
    for await (const part of this.#parts(work)) await taking.take(part)
  }

  #say(restore: Restore): void {
    this.#now = restore
    if (!this.#stopped) this.#host.show(restore)
  }
}

type Told = { readonly done: number, readonly of: number, readonly leftMs: number }
type Going = 'checking' | 'rehearsing' | 'restoring'

/** Told now and then. A backup that is read twice has twice its bytes. */
class Progress {
  readonly #ports: Pick<Ports, 'now'>
  readonly #say: (told: Told) => void
  readonly #startedAt: number
  #toldAt = 0
  #before = 0
  #done = 0
  of = 0
  passes = 1

  constructor(ports: Pick<Ports, 'now'>, say: (told: Told) => void) {
    this.#ports = ports
    this.#say = say
    this.#startedAt = ports.now()
  }

  at(bytes: number): void {
    this.#done = this.#before + bytes
    this.tell(false)
  }

  next(): void {
    this.#before += this.of
  }

  tell(isFirst: boolean): void {
    const now = this.#ports.now()
    // A clock that was set back tells at once as well.
    if (!isFirst && Math.abs(now - this.#toldAt) < tellMs) return
    this.#toldAt = now
    const of = this.of * this.passes
    const passed = Math.max(0, now - this.#startedAt)
    const leftMs = this.#done === 0 ? 0 : Math.round(passed * Math.max(0, of - this.#done) / this.#done)
    this.#say({ done: Math.min(this.#done, of), of, leftMs })
  }
}
