import { openSqliteDelivery } from '../../main/delivery/sqlite.ts'
import { decodeOutboxItem, roomDocument } from '../../main/chat/documents.ts'
import { inboxLog } from '../../main/chat/mail.ts'
import { groupLog } from '../../main/chat/sealed.ts'
import { toHex } from '../../main/mls/index.ts'
import { decodeAccount } from '../../main/chat/documents.ts'
import type { Delivery, Store } from '../../main/ports.ts'
import type { Person } from '../scenario/world.ts'

/** Looks past every fault at what is in the log. */
const logs = new Map<string, Delivery>()
function logOf(person: Person): Delivery {
  const known = logs.get(person.deliveryFile) ?? openSqliteDelivery({ file: person.deliveryFile })
  logs.set(person.deliveryFile, known)
  return known
}

/** What a person's app has still to do, in words; nothing when it is at rest. */
export async function busyWith(person: Person, store: Store): Promise<readonly string[]> {
  const busy: string[] = []
  const rooms = store.documents('room').map(({ bytes }) => roomDocument.decode(bytes))
  const open = new Set(rooms.filter(({ state }) => state === 'active').map(({ id }) => id))
  const unread = async (log: string): Promise<void> => {
    const [record] = await logOf(person).read(log, store.cursor(log), 1)
    if (record !== undefined) busy.push(`${log.slice(0, 8)} has unread records from ${record.seq}`)
  }
  for (const kind of ['publish', 'pending', 'waiting'] as const) {
    const amount = store.documents(kind).length
    if (amount > 0) busy.push(`${amount} ${kind}`)
  }
  const waiting = store.documents('outbox').filter(({ bytes }) => open.has(toHex(decodeOutboxItem(bytes).room)))
  if (waiting.length > 0) busy.push(`${waiting.length} outbox`)
  const account = store.document('account', 'own')
  if (account !== undefined) await unread(inboxLog(toHex(decodeAccount(account).deviceId)))
  for (const room of rooms) {
    if (store.group(room.id) === undefined) continue
    const what = ['request', 'creating'].includes(room.state) ? room.state : room.leaving ? 'leaving'
      : room.recovery !== undefined ? `recovery (${room.recovery.reason})`
        : room.intents.length > 0 ? room.intents.map(({ type }) => type).join()
          : room.state === 'active' && room.receiptsDue.length > 0 ? 'receipts' : undefined
    if (what !== undefined) busy.push(`${room.id.slice(0, 6)}: ${what}`)
    for (const kind of ['h', 'm'] as const) await unread(groupLog(kind, room.log))
  }
  return busy.map((one) => `${person.name}: ${one}`)
}
