/** The same app without a window: backups by the command line. Secrets are asked for on the terminal, never in arguments. */
import { homedir } from 'node:os'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { Writable } from 'node:stream'
import { parseArgs } from 'node:util'
import type { Answer, ArgumentOf, BackupStatus, CallName, ErrorCode, ResultOf } from '../preload/api.ts'
import { checkBackup } from './app/backup-check.ts'
import { partsOf } from './app/backup-parts.ts'
import { keyTyped } from './app/opened-backup.ts'
import { suiteOfProduct } from './app/self.ts'
import { PortError, type Archive, type Places, type Ports } from './ports.ts'
import { isProfileName, prepareData, prepareProfile, profilesIn, UsageError } from './profiles.ts'
import type { OpenApp, Seat } from './shell/shell.ts'

const usage = `usage: backup export FILE [--passphrase] [--profile NAME] [--data FOLDER]
       backup verify FILE-OR-FOLDER

export   seals everything so that your 24 words open it, or, with --passphrase, a passphrase that is asked for
verify   reads all of a backup, changes nothing, and says what it holds`

/** What is wrong, and the cure; a code alone says the rest. */
const sentences: Readonly<Partial<Record<ErrorCode, string>>> = {
  'backup-key': 'this does not open the backup; try the passphrase or the words it was made with',
  'backup-malformed': 'this is no whole backup of Coppice: a part of it is missing or was changed',
  'backup-newer': 'this backup was made by a newer Coppice; update this one, then try again',
  'backup-place': 'this place cannot be used: it is gone, or may not be read or written',
  'backup-space': 'there is not enough room on this disk',
  'backup-words': 'this computer does not know the key of your words any more; type them in on the page of backups once',
  'passphrase-wrong': 'that passphrase does not open this profile',
  'profile-busy': 'the app is running with this profile; make the backup there, on the page of backups, or quit it first',
}

/** Where questions are asked; what is typed is not shown. */
export type Terminal = { readonly ask: (question: string) => Promise<string>, readonly say: (line: string) => void }

export type CliOptions = {
  readonly args: readonly string[]
  readonly version: string
  readonly terminal: Terminal
  readonly archive: Archive
  readonly suiteOf: Ports['suiteOf']
  readonly open: (seat: Seat) => Promise<OpenApp>
  /** Throws PortError('profile-busy') where another process has that profile's folder open. */
  readonly demandFree: (folder: string) => void
}

/**
 * The command in the arguments of the installed app, which is its first word; `undefined`: the window is wanted. Switches
 * of Chromium may stand before it (`--no-sandbox`), none of ours: a profile may be called "backup".
 */
export function commandIn(args: readonly string[]): readonly string[] | undefined {
  const at = args.findIndex((argument) => !argument.startsWith('--') || /^--(?:profile|data|hidden)?(?:=|$)/.test(argument))
  return args[at] === 'backup' ? args.slice(at + 1) : undefined
}

/** Runs one command and gives the exit code: 0, 1 for what the world refused, 2 for what was asked wrongly. */
export async function runCli(options: CliOptions): Promise<number> {
  const { terminal } = options
  try {
    return await run(options)
  } catch (error) {
    if (error instanceof UsageError) {
      terminal.say(error.message)
      return 2
    }
    if (!(error instanceof PortError)) throw error
    const sentence = sentences[error.code]
    terminal.say(`refused: ${error.code}${sentence === undefined ? '' : `: ${sentence}`}`)
    return 1
  }
}

async function run(options: CliOptions): Promise<number> {
  const { positionals: [command, place, ...more], values } = argumentsIn(options.args)
  if (place === undefined || more.length > 0) throw new UsageError(usage)
  switch (command) {
    case 'export': return exportTo(options, path.resolve(place), values)
    case 'verify': return verify(options, path.resolve(place))
    default: throw new UsageError(usage)
  }
}

function argumentsIn(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args], allowPositionals: true,
      options: { passphrase: { type: 'boolean' }, profile: { type: 'string' }, data: { type: 'string' } },
    })
  } catch (error) {
    // A passphrase behind the option would stand in the list of processes for everybody.
    throw new UsageError(`${error instanceof Error ? error.message : ''}\n${usage}`)
  }
}

type Values = ReturnType<typeof argumentsIn>['values']

async function exportTo(options: CliOptions, place: string, values: Values): Promise<number> {
  const { terminal, open, demandFree } = options
  const seat = seatOf(options, place, values)
  // Before a passphrase is asked for, and before anything is touched that the app at work there relies on.
  demandFree(seat.folder)
  const app = await open(seat)
  const call = async <N extends CallName>(name: N, argument: ArgumentOf<N>): Promise<ResultOf<N>> => {
    const answer = await app.handle(name, argument) as Answer<ResultOf<N>>
    if (!answer.ok) throw new PortError(answer.code, answer.detail)
    return answer.value
  }
  try {
    let { phase } = await call('app.open', {})
    if (phase.at === 'locked' && phase.need === 'passphrase') {
      await call('setup.unlock', { passphrase: await terminal.ask('Passphrase of the profile: ') })
      phase = (await call('app.open', {})).phase
    }
    if (phase.at === 'stopped') throw new PortError(phase.code)
    if (phase.at !== 'ready') throw new PortError('not-ready')
    const made = await call('backup.export', { passphrase: values.passphrase === true ? await newPassphrase(terminal) : '' })
    terminal.say(`saved: ${String(made?.bytes ?? 0)} bytes`)
    return 0
  } finally {
    await app.close()
  }
}

async function newPassphrase(terminal: Terminal): Promise<string> {
  const passphrase = await terminal.ask('Passphrase for the backup: ')
  if (passphrase === '') throw new PortError('passphrase-missing')
  if (await terminal.ask('The same again: ') !== passphrase) throw new UsageError('the two passphrases are different')
  return passphrase
}

function seatOf({ version, terminal }: CliOptions, place: string, values: Values): Seat {
  const data = path.resolve(values.data ?? path.join(settingsFolder(), 'coppice'))
  prepareData(data)
  const known = profilesIn(data)
  const profile = values.profile ?? (known.length === 1 ? known[0] : undefined)
  if (profile === undefined || !isProfileName(profile) || !known.includes(profile)) {
    throw new UsageError(known.length === 0 ? `there is no profile in ${data}` : `which profile? --profile ${known.join(' | ')}`)
  }
  let toldAt = 0
  const progress = ({ running }: BackupStatus): void => {
    if (running === undefined || Date.now() - toldAt < 1_000) return
    toldAt = Date.now()
    terminal.say(`${String(Math.floor(100 * running.done / Math.max(1, running.of)))} %`)
  }
  return {
    profile, data, version, folder: prepareProfile(data, profile), places: onePlace(place),
    ui: { show: ({ backup }) => { if (backup !== undefined) progress(backup) } },
    idleMs: () => 0, saveFile: () => Promise.resolve(false),
    // Nothing goes to a network without the window, whose proxy it would have to go by.
    connect: () => Promise.reject(new PortError('network-held')),
  }
}

/** Where Electron keeps settings (`appData`). */
function settingsFolder(): string {
  const { APPDATA, XDG_CONFIG_HOME } = process.env
  switch (process.platform) {
    case 'win32': return APPDATA ?? path.join(homedir(), 'AppData', 'Roaming')
    case 'darwin': return path.join(homedir(), 'Library', 'Application Support')
    default: return XDG_CONFIG_HOME ?? path.join(homedir(), '.config')
  }
}

/** The place that was named is the one that is chosen. The folder of scheduled backups is left to the app with a window. */
const onePlace = (place: string): Places => ({
  choose: () => Promise.resolve({ token: 'named', path: place }),
  handed: () => undefined,
  at: (token) => token === 'named' ? { token, path: place } : undefined,
  keep: () => undefined,
  kept: () => [],
  nameOf: (one) => path.basename(one.path),
})

async function verify({ terminal, archive, suiteOf }: CliOptions, place: string): Promise<number> {
  const at = { token: 'named', path: place }
  const sealed = await archive.look(at)
  if (sealed === 'nothing') throw new PortError('backup-malformed', 'empty')
  const typed = await terminal.ask(sealed === 'words' ? 'Your 24 words: ' : 'Passphrase of the backup: ')
  const key = await keyTyped({ archive, suiteOf }, at, typed)
  const work = { cancelled: () => false, progress: () => undefined }
  const { holds } = await checkBackup(suiteOfProduct({ suiteOf }), partsOf(archive.read(at, key, work)))
  const day = (time: number): string => new Date(time).toISOString().slice(0, 10)
  terminal.say(`whole: ${String(holds.messages)} messages in ${String(holds.conversations)} chats with ${String(holds.people)} people`)
  if (holds.messages > 0) terminal.say(`from ${day(holds.from)} to ${day(holds.to)}, made ${day(holds.madeAt)}`)
  terminal.say(`attachments: ${String(holds.files)}, not in it: ${String(holds.missingFiles)}; ${String(await archive.measure(at))} bytes`)
  return 0
}

/** The terminal of this process; from a pipe, a line for each question. */
export function openTerminal(): Terminal & { readonly close: () => void } {
  const isTyped = process.stdin.isTTY
  // Nothing of what is typed is shown.
  const muted = new Writable({ write: (_chunk, _encoding, done) => { done() } })
  const lines = createInterface({ input: process.stdin, output: muted, terminal: isTyped })
  const waiting: ((line: string) => void)[] = []
  const come: string[] = []
  let isOver = false
  lines.on('line', (line) => {
    const next = waiting.shift()
    if (next === undefined) come.push(line)
    else next(line)
  })
  lines.on('close', () => {
    isOver = true
    for (const next of waiting.splice(0)) next('')
  })
  lines.on('SIGINT', () => { process.exit(130) })
  return {
    ask: async (question) => {
      process.stderr.write(question)
      const line = come.shift() ?? (isOver ? '' : await new Promise<string>((resolve) => { waiting.push(resolve) }))
      process.stderr.write('\n')
      return line
    },
    say: (line) => { process.stderr.write(`coppice: ${line}\n`) },
    close: () => { lines.close() },
  }
}
