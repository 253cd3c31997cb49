/**
 * A process that sends a file, or gets one, until it is killed: `carrier.ts FOLDER NAME KEY CONVERSATION send SIZE`, or
 * `... get`. It says "moved" with each piece that has come further, and "done".
 */
import { createHash } from 'node:crypto'
import type { Change } from '../../preload/api.ts'
import { stage } from './attach.ts'
import { Person, until } from './world.ts'

const [folder = '', name = '', key = '', conversation = '', role = '', size = '0'] = process.argv.slice(2)
const person = new Person(name, folder, new Uint8Array(Buffer.from(key, 'hex')))
person.shown = ({ files = [] }: Change) => { for (const { done } of files) process.stdout.write(`moved ${done}\n`) }
await person.start()

/** The same bytes for every run. */
const noise = (length: number): Uint8Array => {
  const bytes = new Uint8Array(length)
  for (let at = 0; at < length; at += 32) bytes.set(createHash('sha256').update(`${at}`).digest().subarray(0, length - at), at)
  return bytes
}

const messages = async () => (await person.entries(conversation)).flatMap((entry) =>
  entry.kind === 'message' && entry.attachments !== undefined ? [{ entry, attachment: entry.attachments[0] }] : [])

if (role === 'send') {
  if ((await messages()).length === 0) {
    const { attachment } = await stage(person, { name: 'noise.bin', bytes: noise(Number(size)) })
    await person.call('attachment.send', { conversation, key: '5e'.repeat(16), text: 'noise', attachments: [attachment] })
  }
  await until('it is sent', async () => (await messages()).some(({ entry }) => entry.state !== 'sending'), 60_000)
} else {
  const found = await until('the message is here', async () => (await messages())[0])
  await person.call('attachment.fetch', { entry: found.entry.id, hash: found.attachment?.hash ?? '' })
  await until('it is here', async () => (await messages())[0]?.attachment?.state === 'here', 60_000)
}
process.stdout.write('done\n')
process.stdin.resume()
process.stdin.once('end', () => { void person.stop().then(() => { process.exit(0) }) })
