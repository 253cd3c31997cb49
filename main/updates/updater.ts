/**
 * Keeps the app new: looks once a day, takes no word but a signed one, nothing older than what runs or was heard of, and
 * no file but the signed one. What the person chose, and the newest word heard, are kept in a small file; nothing of it
 * is secret.
 */
import { mkdirSync, readFileSync, readdirSync, rmSync } from 'node:fs'
import path from 'node:path'
import { updateModes, type UpdateMode, type UpdateStage, type UpdateState, type UpdateWrong } from '../../preload/updates.ts'
import { fetchBytes, fetchFile, isIntact, type Load } from './fetch.ts'
import type { Installer } from './install.ts'
import {
  UpdateError, isAfter, manifestLimit, manifestName, readManifest, signatureName, type Manifest, type UpdateFile,
} from './manifest.ts'

/** Where to ask, and whose word counts; see vite.config.ts. */
export type UpdateSource = { readonly address: string, readonly keys: readonly string[] }

export type UpdaterOptions = {
  readonly version: string
  /** For what is kept, and for downloads. */
  readonly folder: string
  readonly source: UpdateSource | undefined
  readonly installer: Installer | undefined
  readonly load: Load
  readonly now: () => number
  /** A whole number from 0 to below this. */
  readonly random: (below: number) => number
  /** Calls back later, unless what it gives is called. */
  readonly after: (delayMs: number, run: () => void) => () => void
  readonly tell: (state: UpdateState) => void
  /** The app must end, so that the installer can do its work. */
  readonly quit: () => void
  /** A bug: told, and taken for a check that failed. */
  readonly report: (error: unknown) => void
  /** Writes a small file whole or not at all. */
  readonly write: (file: string, content: string) => void
}

type Kept = {
  readonly mode: UpdateMode
  /** In which hundredth of all apps this one is: staged releases. */
  readonly bucket: number
  /** When the newest word that was heard was made: an older one is a replay. */
  readonly heardAt: number
}

type Offer = { readonly app: string, readonly file: UpdateFile }

const dayMs = 24 * 60 * 60 * 1000
const firstMs = 2 * 60 * 1000

export class Updater {
  readonly #options: UpdaterOptions
  readonly #file: string
  #kept: Kept
  #stage: UpdateStage = 'idle'
  #offer: Offer | undefined
  #done: number | undefined
  #checkedAt: number | undefined
  #wrong: UpdateWrong | undefined
  #busy: Promise<void> | undefined
  #fetching: AbortController | undefined
  #cancel: () => void = () => undefined

  constructor(options: UpdaterOptions) {
    this.#options = options
    this.#file = path.join(options.folder, 'updates.json')
    this.#kept = readKept(this.#file) ?? { mode: 'ask', bucket: options.random(100), heardAt: 0 }
  }

  get state(): UpdateState {
    const { source, installer } = this.#options
    return {
      keeper: source === undefined ? 'none' : installer === undefined ? 'system' : 'self', mode: this.#kept.mode,
      stage: this.#stage, ...this.#offer !== undefined && { version: this.#offer.app },
      ...this.#done !== undefined && { done: this.#done }, ...this.#checkedAt !== undefined && { checkedAt: this.#checkedAt },
      ...this.#wrong !== undefined && { wrong: this.#wrong },
    }
  }

  /** Looks soon, and then once a day, while the mode says so. The first word counts from the start on. */
  start(): void { this.#schedule(firstMs + this.#options.random(firstMs)) }
  stop(): void { this.#cancel() }

  #schedule(delayMs: number): void {
    this.#cancel()
    this.#cancel = () => undefined
    if (this.state.keeper !== 'self' || this.#kept.mode === 'off') return
    this.#cancel = this.#options.after(delayMs, () => {
      void this.#lookByItself().finally(() => { this.#schedule(dayMs - this.#options.random(dayMs / 8)) })
    })
  }

  async #lookByItself(): Promise<void> {
    await this.#run(() => this.#check(true))
    if (this.#kept.mode === 'automatic') await this.download()
    // Where nothing has to end for it, automatic means to the end.
    const quiet = this.#options.installer?.target.endsWith('-AppImage') === true
    if (this.#kept.mode === 'automatic' && quiet) await this.install()
  }

  /** False: the choice could not be kept, and the old one is in force. */
  choose(mode: UpdateMode): boolean {
    if (!this.#keep({ ...this.#kept, mode })) return false
    this.#schedule(mode === 'off' ? 0 : firstMs)
    return true
  }

  check(): Promise<void> { return this.#run(() => this.#check(false)) }
  download(): Promise<void> { return this.#run(() => this.#download()) }
  install(): Promise<void> { return this.#run(() => this.#install()) }
  /** Resolves when nothing of what was being fetched is left. */
  async stopFetching(): Promise<void> {
    this.#fetching?.abort()
    await this.#busy
  }

  /** One thing at a time; whoever asks meanwhile gets what is under way. */
  #run(act: () => Promise<void>): Promise<void> {
    this.#busy ??= (this.state.keeper === 'self' ? act() : Promise.resolve()).catch((error: unknown) => {
      this.#wrong = error instanceof UpdateError ? error.wrong : 'not-written'
      if (!(error instanceof UpdateError) && !(error instanceof Error && 'syscall' in error)) this.#options.report(error)
    }).finally(() => {
      this.#busy = undefined
      if (this.#stage === 'checking') this.#stage = this.#offer === undefined ? 'idle' : 'offered'
      if (this.#stage === 'fetching') this.#stage = 'offered'
      this.#done = undefined
      this.#options.tell(this.state)
    })
    return this.#busy
  }

  #move(stage: UpdateStage): void {
    this.#stage = stage
    this.#wrong = undefined
    this.#options.tell(this.state)
  }

  async #check(byItself: boolean): Promise<void> {
    // What is fetched or in its place stays so; the next start looks again.
    if (this.#stage === 'ready' || this.#stage === 'installed') return
    this.#move('checking')
    this.#offer = undefined
    const manifest = await this.#hear()
    this.#checkedAt = this.#options.now()
    this.#forget(manifest)
    if (!isAfter(this.#options.version, manifest.app)) {
      // The same version is no news, an older one no update.
      if (isAfter(manifest.app, this.#options.version)) throw new UpdateError('older')
      return
    }
    if (byItself && this.#kept.bucket >= manifest.rollout) return
    const file = manifest.files.find(({ target }) => target === this.#options.installer?.target)
    if (file === undefined) throw new UpdateError('not-here')
    this.#offer = { app: manifest.app, file }
    this.#move(await isIntact(this.#placeOf(file), file) ? 'ready' : 'offered')
  }

  /** The newest word, if it is one of ours and none that was overtaken. */
  async #hear(): Promise<Manifest> {
    const { load, source } = this.#options
    const bytes = await fetchBytes(load, this.#address(manifestName), manifestLimit)
    const signatures = await fetchBytes(load, this.#address(signatureName), manifestLimit)
    const manifest = readManifest(bytes, Buffer.from(signatures).toString('latin1'), source?.keys ?? [])
    if (manifest.madeAt < this.#kept.heardAt) throw new UpdateError('older')
    if (manifest.madeAt > this.#kept.heardAt && !this.#keep({ ...this.#kept, heardAt: manifest.madeAt })) {
      throw new UpdateError('not-written')
    }
    return manifest
  }

  async #download(): Promise<void> {
    const offer = this.#offer
    if (offer === undefined || this.#stage !== 'offered') return
    this.#move('fetching')
    let told = 0
    const tell = (done: number): void => {
      this.#done = done
      if (done - told < 0.01) return
      told = done
      this.#options.tell(this.state)
    }
    const { load } = this.#options
    const { file } = offer
    const fetching = new AbortController()
    this.#fetching = fetching
    try {
      await fetchFile({ load, address: this.#address(file.name), file, place: this.#placeOf(file), tell, stopped: fetching.signal })
      this.#move('ready')
    } catch (error) {
      // Whoever stopped it need not be told that nobody answered.
      if (!fetching.signal.aborted) throw error
    } finally {
      this.#fetching = undefined
    }
  }

  async #install(): Promise<void> {
    const { installer, quit } = this.#options
    const offer = this.#offer
    if (offer === undefined || installer === undefined || this.#stage !== 'ready') return
    const place = this.#placeOf(offer.file)
    if (!await isIntact(place, offer.file)) {
      rmSync(place, { force: true })
      this.#stage = 'offered'
      throw new UpdateError('tampered')
    }
    const how = await installer.install(place, offer.file)
    if (how === 'installed') {
      rmSync(place, { force: true })
      this.#move('installed')
    }
    if (how === 'leaving') quit()
  }

  /** Only https, but for a server on this computer. A name of the manifest has nothing in it that means another place. */
  #address(name: string): string {
    const address = new URL(name, this.#options.source?.address)
    const own = address.protocol === 'http:' && address.hostname === '127.0.0.1'
    if (address.protocol !== 'https:' && !own) throw new UpdateError('unreachable')
    return address.href
  }

  #placeOf(file: UpdateFile): string {
    mkdirSync(this.#options.folder, { recursive: true, mode: 0o700 })
    return path.join(this.#options.folder, `download-${file.name}`)
  }

  /** Downloads of other versions, and parts of those that were broken off. */
  #forget({ files }: Manifest): void {
    mkdirSync(this.#options.folder, { recursive: true, mode: 0o700 })
    const wanted = new Set(files.map(({ name }) => `download-${name}`))
    for (const name of readdirSync(this.#options.folder)) {
      if (name.startsWith('download-') && !wanted.has(name)) rmSync(path.join(this.#options.folder, name), { force: true })
    }
  }

  #keep(kept: Kept): boolean {
    try {
      mkdirSync(this.#options.folder, { recursive: true, mode: 0o700 })
      this.#options.write(this.#file, `${JSON.stringify({ version: 1, ...kept }, undefined, 2)}\n`)
    } catch {
      return false
    }
    this.#kept = kept
    return true
  }
}

/** Undefined where there is none. One that cannot be read leaves the choice at "ask", and forgets what was heard. */
function readKept(file: string): Kept | undefined {
  try {
    const { mode, bucket, heardAt } = JSON.parse(readFileSync(file, 'utf8')) as Partial<Kept>
    return updateModes.some((known) => known === mode) && Number.isInteger(bucket) && Number.isSafeInteger(heardAt)
      ? { mode, bucket, heardAt } as Kept : undefined
  } catch {
    return undefined
  }
}
