/** Updates of the app: who brings them, what is asked of whom, and why something was not taken. */
import type { UpdateKeeper, UpdateMode, UpdateStage, UpdateState, UpdateWrong } from '../../preload/api.ts'
import { ago } from './time.ts'

const keepers: Readonly<Record<Exclude<UpdateKeeper, 'self'>, string>> = {
  none: 'This copy does not know where newer versions are. Look where you got it from.',
  system: 'Whoever installed this copy keeps it new: a package manager, an administrator, or you. The app itself asks nobody.',
}

const modeTexts: Readonly<Record<UpdateMode, string>> = {
  off: 'The app asks nobody. Look now and then yourself: what is repaired in newer versions stays open in this one.',
  ask: 'Once a day the app looks for a newer version, and shows you when there is one.',
  automatic: 'Once a day the app looks for a newer version, and fetches it by itself. It is there at the next start, or, ' +
    'where the app has to end for it, when you say so.',
}

const wrongTexts: Readonly<Record<UpdateWrong, string>> = {
  'unreachable': 'Nobody answered, or the connection broke. Nothing has changed; it is tried again tomorrow, or now.',
  'malformed': 'What came is no word of Coppice’s makers. It was thrown away.',
  'unsigned': 'What came is not signed by Coppice’s makers: somebody may be trying to give you another program. ' +
    'It was thrown away.',
  'older': 'What came is older than what is known already: somebody may be trying to give you a version with known holes. ' +
    'It was thrown away.',
  'newer': 'This version is too old to read where newer ones are. Look where you got it from.',
  'not-here': 'There is a newer version, but not for this system.',
  'tampered': 'The file that came is not the one that was signed. It was thrown away.',
  'not-written': 'It could not be written to the disk: there may be no room. Nothing has changed.',
  'not-installed': 'It could not be put in the place of this version, which goes on as it is.',
}

export const updateWords = {
  title: 'Updates',
  keepers, modeTexts,
  modes: [['off', 'Off'], ['ask', 'Ask'], ['automatic', 'Automatic']] as const satisfies readonly (readonly [UpdateMode, string])[],
  trust: 'Only what is signed by Coppice’s makers is taken, and never an older version. Their server sees that somebody at ' +
    'your internet address asks, and nothing of you or your chats.',
  wrong: (wrong: UpdateWrong): string => wrongTexts[wrong],
  status({ stage, version = '', done = 0, checkedAt }: UpdateState, now: number): string {
    switch (stage) {
      case 'idle': return checkedAt === undefined ? '' : `No newer version. Looked ${ago(checkedAt, now)}.`
      case 'checking': return 'Looking…'
      case 'offered': return `Version ${version} is there.`
      case 'fetching': return `Fetching version ${version}: ${String(Math.floor(done * 100))} %`
      case 'ready': return `Version ${version} is here and checked.`
      case 'installed': return `Version ${version} runs from the next start on.`
    }
  },
  act: (stage: UpdateStage): string =>
    ({ idle: 'Look now', checking: '', offered: 'Fetch it', fetching: 'Stop', ready: 'Install it', installed: '' })[stage],
}
