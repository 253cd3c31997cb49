/** The words of messages that go again. */
import { timerSeconds, type Fact } from '../../preload/api.ts'
import { subject, type Naming } from './grammar.ts'

const spans = new Map<number, string>([
  [timerSeconds[1], 'one hour'], [timerSeconds[2], 'one day'], [timerSeconds[3], 'one week'], [timerSeconds[4], 'four weeks'],
])
/** Others may send any number of seconds. */
export const span = (seconds: number): string => {
  const known = spans.get(seconds)
  if (known !== undefined) return known
  const [size, name] = ([[86_400, 'days'], [3_600, 'hours'], [60, 'minutes'], [1, 'seconds']] as const)
    .find(([unit]) => seconds >= 2 * unit) ?? [1, 'seconds']
  return `${String(Math.round(seconds / size))} ${name}`
}

export const deletedFact = ({ who }: Extract<Fact, { fact: 'deleted' }>, naming: Naming): string =>
  `${subject(who, naming)} deleted a message.`
export const timerFact = ({ by, seconds }: Extract<Fact, { fact: 'timer' }>, naming: Naming): string => seconds === 0
  ? `${subject(by, naming)} turned off disappearing messages. What is said from here on stays.`
  : `${subject(by, naming)} turned on disappearing messages: what is said from here on goes ${span(seconds)} after it was sent.`

const after = (seconds: number): string => seconds === 0 ? 'Off: messages stay' : `${span(seconds)} after sending`
const capitalised = (text: string): string => text.slice(0, 1).toUpperCase() + text.slice(1)

export const expiryWords = {
  title: 'Disappearing messages',
  after: (seconds: number): string => capitalised(after(seconds)),
  choices: timerSeconds.map((seconds): { readonly seconds: number, readonly label: string } => ({ seconds, label: capitalised(after(seconds)) })),
  text: 'Counts from the moment a message is sent, also if nobody has read it, and only for what is said from now on. ' +
    'Everybody in the chat sees the change. It keeps nobody from copying what they read.',
  fixed: 'Only an admin of this group can change this.',
  goes: (moment: string): string => `Disappears ${moment}`,
  delete: 'Delete message',
  ask: 'Delete this message?',
  here: 'Delete for me',
  hereText: 'It goes from all your devices. Others keep it, and are not told.',
  everyone: 'Delete for everybody',
  everyoneText: 'It goes from all devices in this chat, and a line says that you deleted a message. ' +
    'Somebody may have read or copied it already.',
} as const
