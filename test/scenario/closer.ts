/**
 * A process that closes its account, held at one place until it is killed: `closer.ts FOLDER NAME KEY STEP WHEN`. WHEN is
 * `before` or `after` what the step appends to a log (or, at `deleting`, `before` the profile goes).
 */
import { closingDocument } from '../../main/chat/documents.ts'
import { Person } from './world.ts'

const [folder = '', name = '', key = '', step = '', when = ''] = process.argv.slice(2)
const person = new Person(name, folder, new Uint8Array(Buffer.from(key, 'hex')))

const hold = (): Promise<never> => {
  process.stdout.write('held\n')
  return new Promise<never>(() => { setInterval(() => undefined, 1_000) })
}
const isThere = (): boolean => {
  const stored = person.store?.document('setting', 'closing')
  return stored !== undefined && closingDocument.decode(stored).step === step
}

/** The kinds of logs that a step writes to. */
const kinds: Readonly<Record<string, string>> = { telling: 'm', leaving: 'm', closing: 'u' }
person.through = (delivery) => ({
  address: delivery.address,
  read: (log, after, limit) => delivery.read(log, after, limit),
  slot: (log, slot) => delivery.slot(log, slot),
  watch: (logs, wake) => delivery.watch(logs, wake),
  close: () => delivery.close(),
  append: async (log, bytes, slot) => {
    const isMine = isThere() && log.startsWith(`${kinds[step] ?? ''}.`)
    if (isMine && when === 'before') return hold()
    const answer = await delivery.append(log, bytes, slot)
    return isMine ? hold() : answer
  },
})
const { vaultIn } = person
person.vaultIn = (place) => step === 'deleting' ? { ...vaultIn(place), destroy: hold } : vaultIn(place)
await person.start()
await person.call('account.close', { name, words: '' })
