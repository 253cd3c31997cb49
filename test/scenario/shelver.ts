/**
 * A process that makes a backup until it is killed: `shelver.ts FOLDER NAME KEY file | plain | folder PLACE`. It says
 * "begun" when the first of it is written, and "done".
 */
import { Person } from './world.ts'

const [folder = '', name = '', key = '', role = '', place = ''] = process.argv.slice(2)
const person = new Person(name, folder, new Uint8Array(Buffer.from(key, 'hex')))
let told = false
person.shown = ({ backup }) => {
  if (told || (backup?.running?.done ?? 0) === 0) return
  told = true
  process.stdout.write('begun\n')
}
await person.start()
person.places.chosen = place
if (role === 'file') await person.call('backup.export', { passphrase: '' })
if (role === 'plain') await person.call('backup.plain', { conversation: '', format: 'jsonl' })
if (role === 'folder') await person.call('backup.now', {})
process.stdout.write('done\n')
process.stdin.resume()
