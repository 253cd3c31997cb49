/** A process that takes in a backup until it is killed: `restorer.ts FOLDER NAME KEY TOKEN [anew]`. Without a token it goes on. */
import { Person } from './world.ts'

const [folder = '', name = '', key = '', token = '', anew] = process.argv.slice(2)
const person = new Person(name, folder, new Uint8Array(Buffer.from(key, 'hex')))
await person.start()
if (token !== '' && anew !== undefined) {
  await person.call('setup.restoreBackup', { token, typed: 'correct horse', words: '', name: 'Reading computer', passphrase: '' })
} else if (token !== '') await person.call('restore.start', { token, typed: 'correct horse' })
process.stdout.write('begun\n')
process.stdin.resume()
