import { toHex } from '../mls/index.ts'
import type { OwnWord } from '../chat/self-group.ts'
import { encodeTransfer, type Transfer } from '../chat/transfer.ts'
import type { Folding } from './folding.ts'

/** What own devices say of a transfer of the past (transfer.ts): where it lies, and how it ended. */

type Word = Extract<OwnWord, { readonly type: 'history' | 'historyDone' | 'historyBroken' }>

export function onTransferWord(folding: Folding, word: Word): void {
  const { state } = folding
  switch (word.type) {
    case 'history': {
      if (toHex(word.to) !== state.self.deviceId || state.transfers.has(toHex(word.id))) return
      // A newer offer takes the place of one that came to nothing.
      for (const transfer of state.transfers.values()) if (transfer.role.type === 'new') drop(folding, transfer)
      const { id, key, to: device, entries } = word
      put(folding, {
        version: 1, id, key, device, startedAt: state.ports.now(), done: 0, of: entries, chunk: 0, role: { type: 'new' },
      })
      return
    }
    case 'historyDone': {
      const transfer = state.transfers.get(toHex(word.id))
      if (transfer?.role.type === 'elder') drop(folding, transfer)
      return
    }
    case 'historyBroken': {
      // So old that it is begun again, in a new log.
      const transfer = state.transfers.get(toHex(word.id))
      if (transfer?.role.type === 'elder') put(folding, { ...transfer, startedAt: 0 })
    }
  }
}

function put({ state, also }: Folding, transfer: Transfer): void {
  const key = toHex(transfer.id)
  also.documents.push({ kind: 'transfer', key, bytes: encodeTransfer(transfer) })
  // Nothing else may happen for long that would make this device look.
  also.then.push(() => { state.transfers.set(key, transfer); state.files.wake?.() })
}

function drop({ state, also }: Folding, transfer: Transfer): void {
  const key = toHex(transfer.id)
  also.documents.push({ kind: 'transfer', key, bytes: undefined })
  also.then.push(() => { state.transfers.delete(key) })
  also.wipe.push(transfer.key)
}
