import { fromHex, MlsError } from '../mls/index.ts'
import { openBlobChunk } from '../chat/blob.ts'
import { cleaned, headBytes, pictureTypeOf, pictureTypes } from '../chat/media.ts'
import { blobLog } from '../chat/transfer.ts'
import type { Attachment, AttachmentFailure } from '../../preload/api.ts'
import { pieceBytes, piecesOf, type StoredEntry } from '../ports.ts'
import { partialName, withState, type Known, type Spot } from './files.ts'
import { hasSiblings, sayFiles } from './shared-files.ts'
import { hashOf, shownPictureBytes, wholeOf } from './staging.ts'
import type { State } from './state.ts'
import { turn } from './tasks.ts'

/**
 * Attachments on their way in: chunk by chunk into pieces that belong to their entry alone, and only when all of it is
 * there and has the right hash, under that hash.
 */

/** So long a chunk may be on its way to the log after its message. */
const lateMs = 10 * 60 * 1000
const lateEveryMs = 5_000

/** So long another own device is waited for that may have it; what it puts there later is fetched all the same. */
const askedMs = 2 * 60 * 1000

/** Moves all of them. Gives how long until there may be more, if something is waited for. */
export async function tendFetches(state: State, isStopped: () => boolean): Promise<number | undefined> {
  const { files } = state
  const wanted: Spot[] = []
  let isLate = false
  for (const key of [...files.fetches.keys()]) {
    const known = files.known(key)
    if (isStopped()) return undefined
    if (known === undefined) {
      state.transact(files.fetchOver(key))
      continue
    }
    const askedAt = files.asked.get(key)
    const isAsked = askedAt !== undefined && state.ports.now() - askedAt < askedMs
    const came = isAsked ? 'late' : await get(state, key, known, isStopped)
    if (came === 'late') isLate = true
    if (came !== 'missing') continue
    if (askedAt === undefined && hasSiblings(state)) {
      files.asked.set(key, state.ports.now())
      wanted.push(known)
      isLate = true
    } else fail(state, known, 'expired')
  }
  sayFiles(state, 'filesWanted', wanted)
  return isLate ? lateEveryMs : undefined
}

/** `late`: it may still come. `missing`: the log does not have it. */
async function get(state: State, key: string, known: Known, isStopped: () => boolean): Promise<'late' | 'missing' | 'over'> {
  const { attachment: { hash, size }, place, entry, message } = known
  const name = partialName(state.self.suite, key)
  // Stopped, and maybe begun anew meanwhile.
  const fetch = state.files.fetches.get(key)
  const isOver = (): boolean => isStopped() || state.files.fetches.get(key) !== fetch
  const blob = { blob: fromHex(place.blob), key: fromHex(place.key), size }
  for (let piece = state.store.heldPieces(name); state.store.attachment(hash) === undefined; piece += 1) {
    if (piece === piecesOf(size)) {
      await finish(state, key, known, isOver)
      return 'over'
    }
    const record = await state.ports.delivery.slot(blobLog(place.blob), String(piece))
    if (isOver()) return 'over'
    if (record === undefined) {
      return state.ports.now() - message.at < lateMs ? 'late' : 'missing'
    }
    try {
      const bytes = openBlobChunk(state.self.suite, blob, piece, record.bytes)
      state.transact({ pieces: [{ hash: name, piece, bytes, size }] })
    } catch (error) {
      if (!(error instanceof MlsError)) throw error
      fail(state, known, 'broken')
      return 'over'
    }
    state.show({ files: [{ entry, hash, done: Math.min(size, (piece + 1) * pieceBytes), of: size }] })
    await turn(state.ports)
    if (isOver()) return 'over'
  }
  // It has come another way meanwhile.
  arrived(state, hash, state.store.piece(hash, 0), {})
  return 'over'
}

/** All of it is here: is it what its sender attached? */
async function finish(state: State, key: string, known: Known, isOver: () => boolean): Promise<void> {
  const { attachment: { hash, size } } = known
  const name = partialName(state.self.suite, key)
  const found = await hashOf(state, name, piecesOf(size))
  if (isOver()) return
  if (found !== hash) {
    fail(state, known, 'broken')
    return
  }
  const head = state.store.piece(name, 0)
  const type = head === undefined ? undefined : pictureTypeOf(head.subarray(0, headBytes))
  const seen = type === undefined || size > shownPictureBytes ? undefined : cleaned(type, wholeOf(state, name, size))
  arrived(state, hash, head, {
    rename: { from: name, to: hash }, ...seen === undefined ? {} : { width: seen.width, height: seen.height },
  })
}

/** Every entry that names it has it from now on; what it is, its content says. */
function arrived(state: State, hash: string, head: Uint8Array | undefined, made: {
  readonly rename?: { readonly from: string, readonly to: string }, readonly width?: number, readonly height?: number
}): void {
  const { rename, width, height } = made
  const type = head === undefined ? undefined : pictureTypeOf(head.subarray(0, headBytes))
  const here = ({ why: _, ...one }: Attachment): Attachment => ({
    ...one, state: 'here',
    mediaType: type ?? (pictureTypes.has(one.mediaType) ? 'application/octet-stream' : one.mediaType),
    ...width === undefined || height === undefined ? {} : { width, height },
  })
  const entries = state.store.entriesNaming(hash).flatMap((id): readonly StoredEntry[] => {
    const entry = state.store.entry(id)
    if (entry?.kind !== 'message') return []
    return [{ ...entry, attachments: entry.attachments?.map((one) => one.hash === hash && one.state !== 'here' ? here(one) : one) ?? [] }]
  })
  state.transact({ entries, ...rename === undefined ? {} : { renamedAttachments: [rename] } })
}

function fail(state: State, { message, index }: Known, why: AttachmentFailure): void {
  state.transact({ entries: [withState(message, index, 'gone', why)] })
}
