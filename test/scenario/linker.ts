/**
 * A process on one side of linking, until it is killed: `linker.ts FOLDER NAME KEY`. Reads Calls, one JSON line each;
 * says what linking has come to whenever that changes, and what the Calls gave.
 */
import { createInterface } from 'node:readline'
import type { CallName } from '../../preload/api.ts'
import { linkOn } from './link.ts'
import { Person } from './world.ts'

const [folder = '', name = '', key = ''] = process.argv.slice(2)
const person = new Person(name, folder, new Uint8Array(Buffer.from(key, 'hex')))
const say = (line: object): void => { process.stdout.write(`${JSON.stringify(line)}\n`) }
await person.start()
let told = ''
const look = setInterval(() => {
  void linkOn(person).then((link) => {
    const next = JSON.stringify(link ?? { at: 'none' })
    if (next !== told) say({ link: link ?? { at: 'none' } })
    told = next
  })
}, 10)
for await (const line of createInterface({ input: process.stdin })) {
  const [call, argument] = JSON.parse(line) as [CallName, never]
  await person.call(call, argument).then(() => { say({ answer: call }) }, (error: unknown) => {
    say({ error: String(error) })
  })
}
clearInterval(look)
await person.stop()
process.exit(0)
