import { still } from '../chat/room.ts'
import type { ArgumentOf, ResultOf } from '../../preload/api.ts'
import { piecesOf, PortError } from '../ports.ts'
import { contentIdOf } from './direct.ts'
import { attachmentAt, withState, type Known } from './files.ts'
import { isUnsent } from './removal.ts'
import { addPiece, beginAttachment, dropAttachment, endAttachment, sendAttachments, stageAgain } from './staging.ts'
import type { State } from './state.ts'
import type { Sync } from './sync.ts'

/** What an opened profile answers about attachments. */

type Opened = { readonly state: State, readonly sync: Sync }
type FileCall = `attachment.${'begin' | 'add' | 'end' | 'drop' | 'send' | 'again' | 'fetch' | 'stop' | 'read' | 'save'}`

export const fileAnswers: {
  readonly [N in FileCall]: (opened: Opened, argument: ArgumentOf<N>) => ResultOf<N> | Promise<ResultOf<N>>
} = {
  'attachment.begin': ({ state }, argument) => beginAttachment(state, argument),
  'attachment.add': ({ state }, argument) => { addPiece(state, argument); return undefined },
  'attachment.end': ({ state }, { attachment }) => endAttachment(state, attachment),
  'attachment.drop': ({ state }, { attachment }) => { dropAttachment(state, attachment); return undefined },
  'attachment.send': ({ state, sync }, argument) => {
    sendAttachments(state, argument)
    sync.kick(argument.conversation)
    return undefined
  },
  'attachment.again': ({ state }, argument) => stageAgain(state, found(state, argument)),
  'attachment.fetch': ({ state, sync }, argument) => {
    const { message, index, attachment } = found(state, argument)
    // Nothing comes of somebody whom this person has not accepted.
    if (state.room(message.conversation).room.state === 'request') throw new PortError('not-allowed')
    if (attachment.state !== 'offered' && attachment.state !== 'gone') return undefined
    state.transact({ entries: [withState(message, index, 'coming')] })
    sync.kick(message.conversation)
    return undefined
  },
  'attachment.stop': ({ state }, argument) => {
    const known = found(state, argument)
    const { message, index, attachment } = known
    if (attachment.state === 'coming') state.transact({ entries: [withState(message, index, 'offered')] })
    else if (state.files.isUploading(message.id)) takeBack(state, known)
    return undefined
  },
  'attachment.read': ({ state }, { hash, piece }) => {
    const bytes = state.store.attachment(hash) === undefined ? undefined : state.store.piece(hash, piece)
    if (bytes === undefined) throw new PortError('bad-argument', 'hash')
    return bytes
  },
  'attachment.save': async ({ state }, argument) => {
    const { attachment: { hash, name, size } } = found(state, argument)
    if (state.store.attachment(hash) === undefined) throw new PortError('bad-argument', 'hash')
    return { saved: await state.ports.saveFile(name, piecesIn(state, hash, size)) }
  },
}

function* piecesIn({ store }: State, hash: string, size: number): Generator<Uint8Array> {
  for (let piece = 0; piece < piecesOf(size); piece += 1) {
    const bytes = store.piece(hash, piece)
    if (bytes === undefined) throw new PortError('bad-argument', 'hash')
    yield bytes
  }
}

/** Throws PortError('bad-argument') for an entry that has no such attachment. */
function found(state: State, { entry, hash }: { readonly entry: string, readonly hash: string }): Known {
  const message = state.store.entry(entry)
  const index = message?.kind === 'message' ? message.attachments?.findIndex((one) => one.hash === hash) ?? -1 : -1
  const known = attachmentAt(state.store, { entry, index })
  if (known === undefined) throw new PortError('bad-argument', 'entry')
  return known
}

/** A message whose attachments are not all on the log yet: as if it had never been sent. */
function takeBack(state: State, { message }: Known): void {
  const contentId = contentIdOf(message.id)
  if (!isUnsent(state, contentId)) return
  state.transact({
    steps: [{ ...still(state.room(message.conversation)), removed: [message.id] }], removedOutbox: [contentId],
  })
}
