/** Binds the Call table of preload/api.ts to the one channel of invokes. */
import { calls, invokeChannel } from '../preload/api.ts'
import type { Answer, CallName, ErrorCode, ResultOf } from '../preload/api.ts'
import type { InvokeEvent, IpcMain, WebContents } from './electron.ts'

/** One handler for every Call; it gets only arguments that the table's check let through. */
export type Handle = <N extends CallName>(name: N, argument: unknown) => Promise<Answer<ResultOf<N>>>

export type Binding = {
  readonly ipcMain: IpcMain
  /** Whose invokes are answered. */
  readonly contents: WebContents
  /** What the address of the calling page must begin with. */
  readonly origin: string
  readonly handle: Handle
  /** Where a bug is reported: the name of the Call and the stack, never its argument. */
  readonly report: (line: string) => void
}

/** Answers invokes: sender check, argument check, then `handle`. Whatever goes wrong leaves as a code. */
export function bindCalls({ ipcMain, contents, origin, handle, report }: Binding): void {
  ipcMain.handle(invokeChannel, async (event, name, argument): Promise<Answer<unknown>> => {
    if (!isOwnPage(event, contents, origin)) return refuse('not-allowed')
    if (!isCallName(name) || !calls[name].check(argument)) return refuse('bad-argument')
    try {
      return await handle(name, argument)
    } catch (error) {
      report(`bug in the call ${name}: ${error instanceof Error ? error.stack ?? error.name : typeof error}`)
      return refuse('bug')
    }
  })
}

const refuse = (code: ErrorCode): Answer<never> => ({ ok: false, code })

const isCallName = (name: unknown): name is CallName => typeof name === 'string' && Object.hasOwn(calls, name)

/** Only the top frame of our window, and only while it shows our own page. */
function isOwnPage(event: InvokeEvent, contents: WebContents, origin: string): boolean {
  const frame = event.senderFrame
  return event.sender === contents && frame !== null && frame.parent === null && frame.url.startsWith(origin)
}
