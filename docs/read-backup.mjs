// Prints the chats of a Coppice backup. Needs Node 20 or newer and `npm install age-encryption`; nothing of Coppice.
//   node read-backup.mjs FILE|FOLDER     asks for the passphrase, or for AGE-SECRET-KEY-PQ-1…
// The format: backup-format.md. Only for reading: it trusts age for the seal, holds all of it, and checks no manifest.
import { readdirSync, readFileSync, statSync } from 'node:fs'
import path from 'node:path'
import { createInterface } from 'node:readline/promises'
import { Decrypter } from 'age-encryption'

const [place] = process.argv.slice(2)
if (place === undefined) {
  process.stderr.write('usage: node read-backup.mjs FILE|FOLDER\n')
  process.exit(2)
}
const terminal = createInterface({ input: process.stdin, output: process.stderr })
const typed = (await terminal.question('Passphrase or identity: ')).trim()
terminal.close()

const open = async (file, key) => {
  const decrypter = new Decrypter()
  if (key.startsWith('AGE-SECRET-KEY-')) decrypter.addIdentity(key)
  else decrypter.addPassphrase(key)
  return Buffer.from(await decrypter.decrypt(readFileSync(file)))
}
/** The files in a tar, by name. */
const untar = (tar) => {
  const files = new Map()
  for (let at = 0; at < tar.length && tar[at] !== 0;) {
    const size = Number.parseInt(tar.toString('latin1', at + 124, at + 135), 8)
    files.set(tar.toString('latin1', at, tar.indexOf(0, at)), tar.subarray(at + 512, at + 512 + size))
    at += 512 + Math.ceil(size / 512) * 512
  }
  return files
}
/** Of a later version nothing is guessed. */
const demandKnown = (backup) => {
  const { format, version } = JSON.parse(backup.get('about.json') ?? '{}')
  if (format === 'coppice-backup' && version === 1) return
  process.stderr.write(format !== 'coppice-backup' ? 'This is no backup of Coppice.\n'
    : `This backup was made by a newer Coppice (format ${version}); this reader knows format 1. Get a newer one.\n`)
  process.exit(1)
}
/** The lists and entries of the newest backup in a folder. */
const readFolder = async () => {
  const identity = (await open(path.join(place, 'key.age'), typed)).toString().trim()
  const newest = readdirSync(path.join(place, 'backups')).filter((name) => name.endsWith('.age')).sort().at(-1)
  const files = untar(await open(path.join(place, 'backups', newest), identity))
  demandKnown(files)
  const { entries } = JSON.parse(files.get('manifest.json'))
  for (const name of new Set(entries.map((one) => one.in))) {
    const stored = untar(await open(path.join(place, 'entries', name), identity))
    for (const one of entries) if (one.in === name) files.set(one.name, stored.get(one.name))
  }
  return files
}
const files = statSync(place).isDirectory() ? await readFolder() : untar(await open(place, typed))
demandKnown(files)

const names = new Map()
const titles = new Map()
const entries = []
const take = {
  contacts: ({ accountId, name }) => names.set(accountId, name),
  account: ({ accountId, name }) => names.set(accountId, name),
  conversations: ({ id, name, peer }) => titles.set(id, name || names.get(peer) || id),
  entries: (entry) => entries.push(entry),
}
for (const kind of ['account', 'contacts', 'conversations', 'entries']) {
  for (const [name, bytes] of [...files].filter(([each]) => each.split(/[/.]/)[0] === kind).sort(([a], [b]) => a < b ? -1 : 1)) {
    if (name.endsWith('.jsonl')) for (const line of bytes.toString().split('\n')) if (line !== '') take[kind](JSON.parse(line))
  }
}
// What somebody wrote shall not steer the terminal.
const plain = (text) => text.replace(/[\u0000-\u001f\u007f-\u009f]/g, ' ')
for (const [id, title] of titles) {
  process.stdout.write(`\n# ${plain(title)}\n`)
  for (const entry of entries.filter(({ conversation }) => conversation === id)) {
    if (entry.kind !== 'message') continue
    const time = new Date(entry.at).toISOString().slice(0, 16).replace('T', ' ')
    const attached = (entry.attachments ?? []).map((one) => ` [${one.name}: files/${one.hash}]`).join('')
    process.stdout.write(`${time}  ${plain(names.get(entry.from) ?? entry.from.slice(0, 8))}: ${plain(entry.text + attached)}\n`)
  }
}
