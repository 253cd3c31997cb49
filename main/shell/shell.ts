/** The life of one process: arguments, profile, window, quit. Knows neither the app nor its adapters. */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { asideCodes, calls, pushChannel } from '../../preload/api.ts'
import type { Answer, ArgumentOf, CallName, Change, Phase, ResultOf, Snapshot } from '../../preload/api.ts'
import type { Electron } from '../electron.ts'
import type { ShellNews } from '../../preload/shell.ts'
import { bindCalls } from '../ipc.ts'
import type { Handle } from '../ipc.ts'
import type { Connect } from '../network.ts'
import { openAddress, readAddress } from './address.ts'
import {
  UsageError, finishAside, folderOf, isWritable, parseArguments, prepareData, prepareProfile, profilesIn, setAside,
} from '../profiles.ts'
import { openWindow, origin, prepareElectron } from '../window.ts'
import type { Opened } from '../window.ts'
import { Desktop } from './desktop.ts'
import { Handed } from './handed.ts'
import { openPlaces } from './places.ts'
import { Links, claimLinks } from './link.ts'
import { saveFile } from './save.ts'
import { answerUpdate, openUpdates, type UpdateWishes } from './updates.ts'
import type { Updater } from '../updates/updater.ts'
import type { Places } from '../ports.ts'

/** What answers the Calls of one opened profile. `close` resolves when everything is saved. */
export type OpenApp = { readonly handle: Handle, readonly close: () => Promise<void> }

/** Where an app sits: its profile, its folders, and its way to the window. */
export type Seat = {
  readonly profile: string
  /** <data>/profiles/<profile>: the store's. */
  readonly folder: string
  /** <data>: the embedded delivery log, shared by all profiles, lies here. */
  readonly data: string
  readonly version: string
  readonly ui: { readonly show: (change: Change) => void }
  /** What the person chooses in the system's dialogues. */
  readonly places: Places
  /** How long nobody has touched this computer, in milliseconds. */
  readonly idleMs: () => number
  /** Where to put a file, the person is asked (save.ts). */
  readonly saveFile: (name: string, pieces: Iterable<Uint8Array>) => Promise<boolean>
  /** The one way to a network, by the proxy that the person chose: nothing may go by another. */
  readonly connect: Connect
}

export type ShellOptions = {
  /** The arguments of the command line, without the program. */
  readonly args: readonly string[]
  /** The folder of the build, with `renderer/` and `preload/`. */
  readonly built: string
  readonly open: (seat: Seat) => Promise<OpenApp>
  /** Tests play other systems; what they decide is how windows, menus and notifications behave. */
  readonly platform?: NodeJS.Platform
  /** Where to look for updates; nowhere, unless it is said. */
  readonly updates?: UpdateWishes
}

const firstProfile = 'default'
const say = (line: string): void => { process.stderr.write(`coppice: ${line}\n`) }
const codeOf = (error: unknown): string => error instanceof Error && 'code' in error ? String(error.code) : 'no reason given'
const sayBug = (error: unknown): void => { say(`bug: ${error instanceof Error ? error.stack ?? error.name : typeof error}`) }

/**
 * Runs the app in this process until it quits. Everything before the first `await` happens before Electron is ready,
 * where scheme, sandbox and folders must be set.
 */
export async function runShell(electron: Electron, options: ShellOptions): Promise<void> {
  const { app } = electron
  process.umask(0o077)
  prepareElectron(electron)
  const shell = new Shell(electron, options)
  try {
    shell.prepare()
  } catch (error) {
    if (!(error instanceof UsageError)) throw error
    say(error.message)
    app.exit(2)
    return
  }
  if (shell.isSecond) {
    say('this profile is open already; its window was brought to the front')
    app.quit()
    return
  }
  await app.whenReady()
  await shell.run()
}

class Shell {
  readonly #electron: Electron
  readonly #options: ShellOptions
  #data = ''
  #profile: string | undefined
  /** Electron's own folder where it may not write into the profile's. */
  #temporary: string | undefined
  #window: Opened | undefined
  readonly #desktop: Desktop
  readonly #links: Links
  readonly #handed: Handed
  #updates: Updater | undefined
  #current: OpenApp | undefined
  #closing: Promise<void> | undefined
  /** The phase that the window was told last. */
  #phase: Phase | undefined
  #closed = false
  #isAsking = false
  isSecond = false

  constructor(electron: Electron, options: ShellOptions) {
    this.#electron = electron
    this.#options = options
    this.#desktop = new Desktop({
      electron, platform: options.platform ?? process.platform,
      tell: (shell) => { this.#push({ revision: 0, shell }) },
      ask: async (name, argument) => calls[name].check(argument)
        ? this.#current?.handle(name, argument) ?? { ok: false, code: 'not-ready' } : { ok: false, code: 'bad-argument' },
    })
    const came = (news: ShellNews) => (): void => {
      this.#desktop.present()
      this.#push({ revision: 0, shell: news })
    }
    this.#links = new Links(electron, came({ link: true }))
    this.#handed = new Handed(electron, came({ backup: true }))
  }

  prepare(): void {
    const { app } = this.#electron
    const wishes = parseArguments(this.#options.args)
    this.#data = wishes.data ?? path.join(app.getPath('appData'), 'coppice')
    prepareData(this.#data)
    const known = profilesIn(this.#data)
    const profile = wishes.profile ?? (known.length > 1 ? undefined : known[0] ?? firstProfile)
    this.#desktop.hidden = wishes.hidden === true
    if (profile === undefined) app.setPath('userData', path.join(this.#data, 'chooser'))
    else if (!this.#claim(profile)) this.isSecond = true
    this.#links.hear(this.#options.args)
    this.#handed.hear(this.#options.args, process.cwd())
    app.on('window-all-closed', () => { app.quit() })
    app.on('will-quit', (event) => {
      if (this.#closed) return
      // The process waits until what the person did is saved; then it quits for good.
      event.preventDefault()
      this.#closing ??= this.#close()
    })
  }

  async run(): Promise<void> {
    const electron = this.#electron
    claimLinks(electron, this.#options.platform ?? process.platform)
    const desktop = this.#desktop
    if (this.#profile === undefined) this.#current = this.#picker()
    else this.#current = await this.#open(this.#profile)
    const updates = openUpdates({
      electron, platform: this.#options.platform ?? process.platform, data: this.#data, source: undefined,
      ...this.#options.updates, tell: (update) => { this.#push({ revision: 0, shell: { update } }) }, report: sayBug,
    })
    updates.start()
    this.#updates = updates
    const opened = openWindow(electron, {
      built: this.#options.built, place: desktop.place, spellcheck: desktop.prepareSpelling(),
      made: (window) => { desktop.attach(window) },
    })
    const { window, loaded } = opened
    this.#window = opened
    bindCalls({
      ipcMain: electron.ipcMain, contents: window.webContents, origin, report: say,
      handle: (name, argument) => this.#handle(name, argument),
    })
    await loaded
  }

  #handle<N extends CallName>(name: N, argument: unknown): Promise<Answer<ResultOf<N>>> {
    if (name === 'reader.open') {
      return Promise.resolve(this.#openReader((argument as ArgumentOf<'reader.open'>).open) as Answer<ResultOf<N>>)
    }
    // A page that begins anew shows no reader.
    if (name === 'app.open') this.#openReader(false)
    if (name === 'shell.link') return Promise.resolve({ ok: true, value: this.#links.take() as ResultOf<N> })
    const answer = this.#desktop.answer(name, argument)
    if (answer !== undefined) return Promise.resolve(answer)
    const ofUpdates = this.#updates === undefined ? undefined : answerUpdate(this.#updates, name, argument)
    if (ofUpdates !== undefined) return ofUpdates
    if (this.#current === undefined || this.#closing !== undefined) {
      return Promise.resolve({ ok: false, code: 'not-ready' })
    }
    if (name === 'profile.folder') return this.#showFolder() as Promise<Answer<ResultOf<N>>>
    if (name === 'shell.setAside') return this.#setAside(this.#current) as Promise<Answer<ResultOf<N>>>
    if (name === 'address.open') {
      return this.#openAddress((argument as ArgumentOf<'address.open'>).address) as Promise<Answer<ResultOf<N>>>
    }
    const asked = this.#current.handle(name, argument)
    return name === 'app.open' ? this.#opened(asked) : asked
  }

  async #opened<N extends CallName>(asked: Promise<Answer<ResultOf<N>>>): Promise<Answer<ResultOf<N>>> {
    const answer = await asked
    if (!answer.ok) return answer
    const snapshot = answer.value as Snapshot
    this.#phase = snapshot.phase
    this.#desktop.opened(snapshot)
    return answer
  }

  /** The profile that cannot be opened gives its place to a new one. The page takes the whole state anew then. */
  async #setAside(current: OpenApp): Promise<Answer<{ readonly name: string }>> {
    const phase = this.#phase
    const why = phase?.at === 'stopped' ? phase.code : phase?.at === 'ready' ? phase.readOnly : undefined
    if (this.#profile === undefined || !asideCodes.some((code) => code === why)) {
      return { ok: false, code: 'not-ready' }
    }
    this.#current = undefined
    this.#phase = undefined
    await current.close()
    let name: string | undefined
    try {
      name = setAside(this.#data, this.#profile)
    } catch (error) {
      say(`the profile could not be set aside: ${codeOf(error)}`)
    }
    this.#current = await this.#open(this.#profile)
    return name === undefined ? { ok: false, code: 'store-read-only' } : { ok: true, value: { name } }
  }

  /** From now on the page may use a camera, or no longer. */
  #openReader(open: boolean): Answer<ResultOf<'reader.open'>> {
    if (this.#window !== undefined) this.#window.gate.open = open
    return { ok: true, value: { screen: this.#window?.screen === true } }
  }

  /** Whatever state the profile is in: where it lies never crosses to the window. */
  async #showFolder(): Promise<Answer<undefined>> {
    if (this.#profile === undefined) return { ok: false, code: 'not-ready' }
    const wrong = await this.#electron.shell.openPath(folderOf(this.#data, this.#profile))
    return wrong === '' ? { ok: true, value: undefined } : { ok: false, code: 'folder-hidden' }
  }

  /** One question at a time: a page cannot pile them up until somebody clicks the wrong one. */
  async #openAddress(text: string): Promise<Answer<undefined>> {
    const address = readAddress(text)
    if (address === undefined) return { ok: false, code: 'address-refused' }
    if (this.#window === undefined || this.#isAsking) return { ok: false, code: 'not-ready' }
    this.#isAsking = true
    try {
      await openAddress(this.#electron, this.#window.window, address)
      return { ok: true, value: undefined }
    } catch {
      return { ok: false, code: 'address-unopened' }
    } finally {
      this.#isAsking = false
    }
  }

  /** Takes the profile for this process. False: another process has it, and was told to come to the front. */
  #claim(profile: string): boolean {
    const { app } = this.#electron
    const folder = prepareProfile(this.#data, profile)
    // Where nothing may be written the history can still be read; Electron needs a place for its lock all the same.
    if (!isWritable(folder)) this.#temporary = mkdtempSync(path.join(tmpdir(), 'coppice-'))
    const place = this.#temporary ?? folder
    app.setPath('userData', place)
    // Chromium's own files stay out of the way of the store's.
    const chromium = path.join(place, 'chromium')
    app.setPath('sessionData', chromium)
    if (!app.requestSingleInstanceLock()) return false
    this.#profile = profile
    const { data } = parseArguments(this.#options.args)
    this.#desktop.settle({ profile, folder, chromium, data })
    return true
  }

  async #open(profile: string): Promise<OpenApp> {
    try {
      finishAside(this.#data, profile)
    } catch (error) {
      say(`the profile could not be set aside: ${codeOf(error)}`)
      return this.#waitingRoom({ at: 'stopped', code: 'store-read-only', readable: false })
    }
    const folder = prepareProfile(this.#data, profile)
    const seat: Seat = {
      profile, data: this.#data, folder, places: openPlaces(this.#electron, folder, () => this.#handed.take()),
      version: this.#electron.app.getVersion(), ui: { show: (change) => { this.#show(change) } },
      idleMs: () => this.#electron.powerMonitor.getSystemIdleTime() * 1_000,
      connect: this.#desktop.network.connect,
      saveFile: (name, pieces) => saveFile(this.#electron, name, pieces),
    }
    try {
      // Before anything could go out.
      await this.#desktop.choose()
      return await this.#options.open(seat)
    } catch (error) {
      say(`bug while opening the profile: ${error instanceof Error ? error.stack ?? error.name : typeof error}`)
      return this.#waitingRoom({ at: 'stopped', code: 'bug', readable: false })
    }
  }

  #show(change: Change): void {
    this.#phase = change.phase ?? this.#phase
    this.#desktop.heard(change)
    this.#push(change)
  }

  #push(change: Change): void {
    const contents = this.#window?.window.webContents
    if (contents !== undefined && !contents.isDestroyed()) contents.send(pushChannel, change)
  }

  /** Several profiles and none was named: the window asks which one. */
  #picker(): OpenApp {
    const profiles = profilesIn(this.#data).map((profile) => ({ profile }))
    return this.#waitingRoom({ at: 'choose', profiles }, async (profile) => {
      if (!profiles.some((known) => known.profile === profile)) return { ok: false, code: 'profile-unknown' }
      if (this.#profile !== undefined || !this.#claim(profile)) return { ok: false, code: 'profile-busy' }
      this.#current = await this.#open(profile)
      // The page starts afresh with the profile's own state.
      this.#window?.window.webContents.reload()
      return { ok: true, value: undefined }
    })
  }

  /** Answers while there is no app: says which phase this is, and takes the choice of a profile. */
  #waitingRoom(phase: Phase, choose?: (profile: string) => Promise<Answer<undefined>>): OpenApp {
    const version = this.#electron.app.getVersion()
    const profile = this.#profile ?? ''
    const answer = (name: CallName, argument: unknown): Promise<Answer<unknown>> => {
      if (name === 'app.open') {
        return Promise.resolve({ ok: true, value: { revision: 0, phase, profile, version, conversations: [] } })
      }
      if (name === 'profile.choose' && choose !== undefined) return choose((argument as { profile: string }).profile)
      return Promise.resolve({ ok: false, code: 'not-ready' })
    }
    return { handle: answer as Handle, close: () => Promise.resolve() }
  }

  async #close(): Promise<void> {
    this.#updates?.stop()
    try {
      await this.#current?.close()
    } catch (error) {
      say(`bug while closing: ${error instanceof Error ? error.stack ?? error.name : typeof error}`)
    }
    if (this.#temporary !== undefined) rmSync(this.#temporary, { recursive: true, force: true })
    this.#closed = true
    this.#electron.app.quit()
  }
}
