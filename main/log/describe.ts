import { constants } from 'node:os'
import path from 'node:path'
import { fileURLToPath } from 'node:url'
import { errorClasses, isForeignCode, isFrame, type Described, type Frame } from '../events.ts'
import { MlsError, rules, type RuleId } from '../mls/index.ts'
import { PortError } from '../ports.ts'

/**
 * What may be told of an error: its class, the code or rule that it carries, and where in this app it came from. Its
 * message never is: others write messages, and put into them what they stumbled over. `source` is the folder of main/.
 */
export function describe(error: unknown, source: string): Described {
  const none = { code: undefined, engine: undefined, rule: undefined, library: undefined }
  if (!(error instanceof Error)) return { ...none, of: 'none', place: [] }
  const place = framesOf(error, source)
  if (error instanceof MlsError) {
    return { ...none, of: 'MlsError', place, engine: error.code, rule: isRule(error.rule) ? error.rule : undefined }
  }
  if (error instanceof PortError) return { ...none, of: 'PortError', place, code: error.code }
  const of = errorClasses.find((one) => one === error.constructor.name) ?? 'other'
  const foreign = 'code' in error ? error.code : undefined
  return { ...none, of, place, library: isForeignCode(foreign) && isKnown(foreign) ? foreign : undefined }
}

const isRule = (rule: string | undefined): rule is RuleId => rule !== undefined && Object.hasOwn(rules, rule)

const isKnown = (code: string): boolean => !code.startsWith('E') || code.startsWith('ERR_') || code in constants.errno

/**
 * The functions of this app in the stack, innermost first. The stack begins with the message, which goes first: a line
 * of it may look like a frame. Where it cannot be found, because somebody changed it since, no frame is told.
 */
function framesOf(error: Error, source: string): readonly Frame[] {
  const { stack, message } = error
  const at = typeof stack === 'string' ? stack.indexOf(message) : -1
  if (stack === undefined || at < 0) return []
  return stack.slice(at + message.length).split('\n').flatMap((line) => frameOf(line, source) ?? []).slice(0, 8)
}

/** "    at async Sync.kick (file:///somewhere/main/app/sync.ts:51:5)", or without a name and parentheses. */
const stackLine = /^ {4}at (?:(?:async )?(?:new )?([\w$.#<>]+)(?: \[as [\w$.#]+\])? \()?(.+?):(\d+):\d+\)?$/

function frameOf(line: string, source: string): Frame | undefined {
  const [, name, place, number] = stackLine.exec(line) ?? []
  if (place === undefined || number === undefined) return undefined
  const file = path.relative(source, place.startsWith('file:') ? fileURLToPath(place) : place)
  const frame = `${name === undefined || name.includes('<') ? '' : `${name} `}main/${file.split(path.sep).join('/')}:${number}`
  return isFrame(frame) ? frame : undefined
}
