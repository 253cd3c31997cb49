/**
 * A process that talks until it is killed: `talker.ts FOLDER NAME KEY CONVERSATION COUNT`. Each line has a fixed key, as
 * the window gives it, so that a Call whose answer a kill swallowed can be made again.
 */
import { createHash } from 'node:crypto'
import { Person } from './world.ts'

const [folder = '', name = '', key = '', conversation = '', count = '0'] = process.argv.slice(2)
const person = new Person(name, folder, new Uint8Array(Buffer.from(key, 'hex')))
await person.start()
for (let line = 1; line <= Number(count); line++) {
  const messageKey = createHash('sha256').update(`${name} ${line}`).digest('hex').slice(0, 32)
  await person.call('message.send', { conversation, key: messageKey, text: `${name} ${line}` })
  if (line % 10 === 0) process.stdout.write(`${line}\n`)
  // Room for what comes in, as a person who types leaves it.
  if (line % 5 === 0) await new Promise((resolve) => setTimeout(resolve, 5))
}
process.stdout.write('said\n')
// What is under way goes on until the parent kills this process or closes its input.
process.stdin.resume()
process.stdin.once('end', () => { void person.stop().then(() => { process.exit(0) }) })
