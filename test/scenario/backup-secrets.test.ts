import assert from 'node:assert/strict'
import { mkdirSync, readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { decodeBackups } from '../../main/chat/backup-document.ts'
import { deriveRecovery } from '../../main/identity/recovery.ts'
import { sendFiles } from './attach.ts'
import { keyOfWords, opened, textsIn, wordsOf } from './backup.ts'
import { accountOn, suite } from './devices.ts'
import { hears } from './household.ts'
import { Scene } from './scene.ts'
import { gather } from './together.ts'
import { people } from './world.ts'
import { formsOf } from './witness.ts'

test('No key is in a backup: none of MLS, of a device, of the account, of a file on the log, nor of the backup itself', async (t) => {
  const scene = new Scene(t, true)
  const { all: [anna, ben, cara], end } = await people(['Anna', 'Ben', 'Cara'], scene.watch)
  t.after(end)
  const conversation = await gather(anna, ben, cara)
  await anna.say(conversation, 'a sentence under the alder')
  await hears(ben, conversation, 'a sentence under the alder')
  await sendFiles(anna, conversation, 'look', { name: 'a.pdf', bytes: Buffer.alloc(400_000, 'alder') })
  const words = await wordsOf(anna)
  const [file, folder] = [path.join(anna.folder, 'a.age'), path.join(anna.folder, 'a folder')]
  mkdirSync(folder)
  anna.places.chosen = file
  await anna.call('backup.export', { passphrase: '' })
  await anna.call('backup.keep', { token: folder, by: 'words', key: '', rhythm: 'off' })
  await anna.call('backup.now', {})

  const secrets = new Map<string, Uint8Array>(scene.all(anna, conversation))
  const { devicePrivateKey, recoverySeed, recoveryCardName } = accountOn(anna)
  assert.ok(recoverySeed !== undefined)
  secrets.set('device key', devicePrivateKey.unwrap()).set('recovery seed', recoverySeed.unwrap())
    .set('name of the recovery card', recoveryCardName).set('key of the store', anna.key)
  for (const purpose of ['signature', 'seal', 'backup'] as const) {
    secrets.set(`recovery ${purpose}`, deriveRecovery(suite, recoverySeed, purpose).unwrap())
  }
  for (const [reference, taken] of scene.stock(anna)) for (const [name, bytes] of taken) secrets.set(`${reference} ${name}`, bytes)
  const stored = anna.store?.document('backup', 'own')
  const kept = stored === undefined ? undefined : decodeBackups(stored).folder
  assert.ok(kept !== undefined)
  secrets.set('secret of the folder', kept.secret.unwrap())
  const attached = (anna.store?.entriesBefore(conversation, 0, 500) ?? []).flatMap(({ blobs = [] }) => blobs)
  assert.ok(attached.length > 0)
  for (const { blob, key } of attached) {
    secrets.set(`place of ${blob}`, Buffer.from(blob, 'hex')).set(`key of ${blob}`, Buffer.from(key, 'hex'))
  }
  assert.ok(secrets.size > 60, String(secrets.size))

  const inFile = await opened(file, keyOfWords(words))
  const inFolder = await opened(folder, keyOfWords(words))
  const sealed = [file, ...readdirSync(folder, { recursive: true, withFileTypes: true }).filter((one) => one.isFile())
    .map((one) => path.join(one.parentPath, one.name))].map((name) => readFileSync(name))
  for (const backup of [inFile, inFolder]) {
    assert.deepEqual(textsIn(backup), ['a sentence under the alder', 'look'])
    const everything = [...backup.values(), ...sealed]
    const found = [...secrets].filter(([, bytes]) => formsOf(bytes).some((form) => everything.some((one) => one.includes(form))))
    assert.deepEqual(found.map(([name]) => name), [])
    const spelt = words.split(' ')
    assert.equal(everything.some((one) => one.includes(spelt.slice(0, 3).join(' '))), false)
  }
  // The search finds what is there.
  const present = Buffer.from(conversation, 'hex')
  assert.ok(formsOf(present).some((form) => [...inFile.values()].some((one) => one.includes(form))))
})
