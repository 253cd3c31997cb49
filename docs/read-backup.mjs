// Prints the chats of a Coppice backup. Needs Node 20 or newer and `npm install age-encryption`; nothing of Coppice.
//   node read-backup.mjs FILE            asks for the passphrase, or for AGE-SECRET-KEY-PQ-1…
// The format: backup-format.md. Only for reading: it trusts age for the seal, holds all of it, and checks no manifest.
import { readFileSync } from 'node:fs'
import { createInterface } from 'node:readline/promises'
import { Decrypter } from 'age-encryption'

const [file] = process.argv.slice(2)
if (file === undefined) {
  process.stderr.write('usage: node read-backup.mjs FILE\n')
  process.exit(2)
}
const terminal = createInterface({ input: process.stdin, output: process.stderr })
const key = (await terminal.question('Passphrase or identity: ')).trim()
terminal.close()

const decrypter = new Decrypter()
if (key.startsWith('AGE-SECRET-KEY-')) decrypter.addIdentity(key)
else decrypter.addPassphrase(key)
const tar = Buffer.from(await decrypter.decrypt(readFileSync(file)))

const names = new Map()
const titles = new Map()
const entries = []
const take = {
  contacts: ({ accountId, name }) => names.set(accountId, name),
  account: ({ accountId, name }) => names.set(accountId, name),
  conversations: ({ id, name, peer }) => titles.set(id, name || names.get(peer) || id),
  entries: (entry) => entries.push(entry),
}
for (let at = 0; tar[at] !== 0;) {
  const name = tar.toString('latin1', at, tar.indexOf(0, at))
  const size = Number.parseInt(tar.toString('latin1', at + 124, at + 135), 8)
  const kind = name.split(/[/.]/)[0] ?? ''
  if (name.endsWith('.jsonl') && kind in take) {
    for (const line of tar.toString('utf8', at + 512, at + 512 + size).split('\n')) if (line !== '') take[kind](JSON.parse(line))
  }
  at += 512 + Math.ceil(size / 512) * 512
}
// What somebody wrote shall not steer the terminal.
const plain = (text) => text.replace(/[\u0000-\u001f\u007f-\u009f]/g, ' ')
for (const [id, title] of titles) {
  process.stdout.write(`\n# ${plain(title)}\n`)
  for (const entry of entries.filter(({ conversation }) => conversation === id)) {
    if (entry.kind !== 'message') continue
    const time = new Date(entry.at).toISOString().slice(0, 16).replace('T', ' ')
    const files = (entry.attachments ?? []).map((one) => ` [${one.name}: files/${one.hash}]`).join('')
    process.stdout.write(`${time}  ${plain(names.get(entry.from) ?? entry.from.slice(0, 8))}: ${plain(entry.text + files)}\n`)
  }
}
