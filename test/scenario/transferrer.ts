/** A process on one side of a transfer of the past, until it is killed: `transferrer.ts FOLDER NAME KEY`. */
import { Person } from './world.ts'

const [folder = '', name = '', key = ''] = process.argv.slice(2)
const person = new Person(name, folder, new Uint8Array(Buffer.from(key, 'hex')))
const slow = (): Promise<void> => new Promise((resolve) => { setTimeout(resolve, 40) })
// So slow that a kill meets it on the way.
person.through = (delivery) => ({
  address: delivery.address,
  read: (log, after, limit) => delivery.read(log, after, limit),
  watch: (logs, wake) => delivery.watch(logs, wake),
  close: () => delivery.close(),
  slot: async (log, slot) => {
    if (log.startsWith('b.')) await slow()
    return delivery.slot(log, slot)
  },
  append: async (log, bytes, slot) => {
    if (log.startsWith('b.')) await slow()
    return delivery.append(log, bytes, slot)
  },
})
await person.start()
process.stdout.write('started\n')
