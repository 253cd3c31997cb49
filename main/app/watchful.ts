import { PortError, type Store } from '../ports.ts'

/** The same store, which also tells of what it refuses: a page that was whole at the start may not be later. */
export function watchful(store: Store, refused: (error: PortError) => void): Store {
  const told = <A extends readonly unknown[], R>(method: (...args: A) => R) => (...args: A): R => {
    try {
      return method(...args)
    } catch (error) {
      if (error instanceof PortError && error.code !== 'not-ready') refused(error)
      throw error
    }
  }
  return {
    commit: told((write) => { store.commit(write) }),
    document: told((kind, key) => store.document(kind, key)),
    documents: told((kind) => store.documents(kind)),
    group: told((id) => store.group(id)),
    entry: told((id) => store.entry(id)),
    present: told((ids) => store.present(ids)),
    entriesBefore: told((conversation, before, limit) => store.entriesBefore(conversation, before, limit)),
    unreadAfter: told((conversation, order) => store.unreadAfter(conversation, order)),
    lastOrder: told((conversation) => store.lastOrder(conversation)),
    segments: told(() => store.segments()),
    entriesIn: told((conversation, segment) => store.entriesIn(conversation, segment)),
    attachmentBytes: told(() => store.attachmentBytes()),
    search: told((wanted) => store.search(wanted)),
    expired: told((now, limit) => store.expired(now, limit)),
    nextExpiry: told(() => store.nextExpiry()),
    cursor: told((log) => store.cursor(log)),
    piece: told((hash, piece) => store.piece(hash, piece)),
    attachment: told((hash) => store.attachment(hash)),
    heldPieces: told((hash) => store.heldPieces(hash)),
    entriesNaming: told((hash) => store.entriesNaming(hash)),
    unnamedAttachments: told(() => store.unnamedAttachments()),
    close: () => { store.close() },
  }
}
