import { fromHex } from '../mls/index.ts'
import { chunksOf, sealBlobChunk } from '../chat/blob.ts'
import { blobLog } from '../chat/transfer.ts'
import type { Upload } from '../chat/documents.ts'
import { pieceBytes } from '../ports.ts'
import { contentIdOf } from './direct.ts'
import { attachmentAt, type Known } from './files.ts'
import type { State } from './state.ts'
import { turn } from './tasks.ts'

/**
 * Attachments on their way out. The entry is stored before the first chunk goes, and its message goes when the last one
 * is on the log. A chunk sealed again is the same record in the same slot, so any end of the program costs a few of them.
 */

/** After so many chunks it is stored how far it is. */
const storedEvery = 16

/** Moves all of them; `done` with the conversation of one that is. Rejects as the delivery service does. */
export async function tendUploads(state: State, isStopped: () => boolean, done: (known: Known, upload: Upload) => void): Promise<void> {
  for (const key of [...state.files.uploads.keys()]) {
    if (isStopped()) return
    const known = state.files.known(key)
    const upload = state.files.uploads.get(key)
    if (upload === undefined) continue
    if (known === undefined || state.store.attachment(known.attachment.hash) === undefined) {
      giveUp(state, key, upload.why === 'send' ? known : undefined)
      continue
    }
    if (!await put(state, key, { known, upload, isStopped })) continue
    state.transact(state.files.uploadStep(key, undefined))
    done(known, upload)
  }
}

/** Its bytes are not here any more. A message that waits for them does not go, and its person is told. */
function giveUp(state: State, key: string, waiting: Known | undefined): void {
  state.transact({
    ...state.files.uploadStep(key, undefined),
    ...waiting === undefined ? {} : {
      entries: [{ ...waiting.message, state: 'failed' }], removedOutbox: [contentIdOf(waiting.message.id)],
    },
  })
}

/** Says whether all of it is on the log now. */
async function put(
  state: State, key: string, { known, upload, isStopped }: { readonly known: Known, readonly upload: Upload, readonly isStopped: () => boolean },
): Promise<boolean> {
  const { attachment: { hash, size }, place, entry } = known
  const blob = { blob: fromHex(place.blob), key: fromHex(place.key), size }
  const chunks = chunksOf(size)
  for (let chunk = upload.done; chunk < chunks; chunk += 1) {
    const bytes = state.store.piece(hash, chunk)
    if (bytes === undefined) return false
    const sealed = sealBlobChunk(state.self.suite, blob, chunk, bytes)
    await state.ports.delivery.append(blobLog(place.blob), sealed, String(chunk))
    // Taken back, or its entry is gone.
    if (isStopped() || !state.files.uploads.has(key)) return false
    const isLast = chunk + 1 === chunks
    if ((chunk + 1) % storedEvery === 0 && !isLast) {
      state.transact(state.files.uploadStep(key, { ...upload, done: chunk + 1 }))
    }
    state.show({ files: [{ entry, hash, done: Math.min(size, (chunk + 1) * pieceBytes), of: size }] })
    if (!isLast) await turn(state.ports)
  }
  return !isStopped() && attachmentAt(state.store, known) !== undefined
}
