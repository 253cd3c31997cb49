import workerAddress from './qr.worker.ts?worker&url'
import type { ToRead, WasRead } from './qr.worker.ts'

declare const trustedTypes: {
  readonly createPolicy: (name: string, rules: { readonly createScriptURL: () => string }) => {
    readonly createScriptURL: (address: string) => string
  }
}

/** The one script that the window may start beside its own; whatever is asked for, it is this. */
let policy: ReturnType<typeof trustedTypes.createPolicy> | undefined
const startWorker = (): Worker => {
  policy ??= trustedTypes.createPolicy('coppice-worker', { createScriptURL: () => workerAddress })
  return new Worker(policy.createScriptURL(''), { type: 'module' })
}

/** Reads QR codes in a worker of its own, one picture at a time. */
export class QrDecoder {
  #worker: Worker | undefined
  readonly #waiting = new Map<number, (texts: readonly string[]) => void>()
  #last = 0

  /** The texts of all codes in the picture, which is used up. `thorough`: takes seconds rather than miss one. */
  read(picture: ImageBitmap, thorough: boolean): Promise<readonly string[]> {
    this.#worker ??= this.#start()
    const id = ++this.#last
    const worker = this.#worker
    return new Promise((resolve) => {
      this.#waiting.set(id, resolve)
      worker.postMessage({ id, picture, thorough } satisfies ToRead, [picture])
    })
  }

  #start(): Worker {
    const worker = startWorker()
    worker.addEventListener('message', ({ data }: MessageEvent<WasRead>) => {
      this.#waiting.get(data.id)?.(data.texts)
      this.#waiting.delete(data.id)
    })
    // A picture that the decoder chokes on holds no code; the next one gets a fresh worker.
    worker.addEventListener('error', () => { this.close() })
    return worker
  }

  close(): void {
    this.#worker?.terminate()
    this.#worker = undefined
    for (const resolve of this.#waiting.values()) resolve([])
    this.#waiting.clear()
  }
}
