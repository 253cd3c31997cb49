import assert from 'node:assert/strict'
import { readdirSync, readFileSync, truncateSync, writeFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { partsOf } from '../../main/app/backup-parts.ts'
import { archive } from '../../main/archive/archive.ts'
import { wholeOf } from '../../main/archive/file.ts'
import { tarEnd, tarHeader } from '../../main/archive/tar.ts'
import { entriesName, fileName } from '../../main/chat/backup.ts'
import { Secret } from '../../main/mls/index.ts'
import { PortError, type BackupFile, type BackupKey } from '../../main/ports.ts'
import type { ErrorCode } from '../../preload/api.ts'
import {
  at, bytesFile, conversation, filesOf, forged, lines, lists, message, picture, pictureHash, placeIn, talk,
  tarOf, verified, words, written, writtenTar,
} from './samples.ts'

const refused = (work: Promise<unknown>, code: ErrorCode, detail?: string): Promise<void> => assert.rejects(work, (error) => {
  assert.ok(error instanceof PortError, String(error))
  assert.deepEqual([error.code, detail === undefined ? undefined : error.detail], [code, detail])
  return true
})

describe('A backup that is checked', () => {
  test('says what it holds, and is as it was afterwards', async (t) => {
    const place = placeIn(t)
    await written(place, filesOf(talk(2_500)))
    const before = readFileSync(place.path)
    const { holds, counts } = await verified(place)
    assert.deepEqual(holds, {
      madeAt: at, accountId: lists.account.accountId, name: 'Anna', people: 1, conversations: 1, messages: 2_501,
      from: at + 1_000, to: at + 2_501_000, files: 1, missingFiles: 0,
    })
    const count = counts.get(conversation)
    assert.deepEqual([counts.size, count?.of, [0, 1, 2].map((segment) => count?.offset(segment))], [1, 2_501, [0, 999, 1_999]])
    assert.deepEqual(readFileSync(place.path), before)
    assert.deepEqual(readdirSync(place.folder), ['mine.age'])
  })

  test('says from when to when, in whatever order its messages were written', async (t) => {
    const place = placeIn(t)
    await written(place, filesOf([5, 1, 3].map((second, order) => message(order + 1, { at: at + second }))))
    const { holds } = await verified(place)
    assert.deepEqual([holds.from, holds.to], [at + 1, at + 5])
  })

  test('tells itself from another one of the same account', async (t) => {
    const place = placeIn(t)
    const idOf = async (files: readonly BackupFile[]): Promise<string> => {
      await written(place, files)
      return (await verified(place)).id
    }
    const one = await idOf(filesOf(talk(3)))
    assert.equal(await idOf(filesOf(talk(3))), one)
    assert.notEqual(await idOf(filesOf(talk(4))), one)
    assert.notEqual(await idOf(filesOf(talk(3), { about: { ...lists.about, madeAt: at + 1 } })), one)
  })

  test('may lack an attachment that its device did not have, and says so', async (t) => {
    const place = placeIn(t)
    await written(place, filesOf(talk(3)).filter(({ name }) => !name.startsWith('files/')))
    const { holds } = await verified(place)
    assert.deepEqual([holds.files, holds.missingFiles], [0, 1])
  })

  test('asks for what opens it, and can then be opened by a key of its own, which opens no other', async (t) => {
    const [place, another] = [placeIn(t), placeIn(t)]
    await written(place, filesOf(talk(3)))
    await written(another, filesOf(talk(3)), { type: 'passphrase', passphrase: 'correct horse' })
    assert.deepEqual([await archive.look(place), await archive.look(another)], ['words', 'passphrase'])
    const key = await archive.unlock(place, words)
    assert.equal(key.type, 'file')
    assert.equal((await verified(place, key)).holds.messages, 4)
    await refused(verified(another, key), 'backup-malformed')
    const byPassphrase = await archive.unlock(another, { type: 'passphrase', passphrase: 'correct horse' })
    assert.equal((await verified(another, byPassphrase)).holds.messages, 4)
    const wrong: readonly BackupKey[] = [
      { type: 'passphrase', passphrase: 'wrong horse' }, words, { type: 'words', secret: new Secret(new Uint8Array(32)) },
    ]
    for (const one of wrong) await refused(archive.unlock(another, one), 'backup-key')
    await refused(archive.unlock(place, { type: 'words', secret: new Secret(new Uint8Array(32)) }), 'backup-key')
    for (const start of [
      'age-encryption.org/v1\n-> scrypt\n', 'age-encryption.org/v2\n-> scrypt a 18\n--- a\n',
      `age-encryption.org/v1\n-> scrypt ${'a'.repeat(16_384)} 18\n--- a\n`,
    ]) {
      writeFileSync(place.path, start)
      await refused(archive.look(place), 'backup-malformed')
      await refused(archive.unlock(place, words), 'backup-malformed')
    }
  })

  test('is stopped in the middle', async (t) => {
    const place = placeIn(t)
    await written(place, filesOf(talk(30_000)))
    let seen = 0
    await refused(verified(place, words, { cancelled: () => seen > 0, progress: (bytes) => { seen = bytes } }), 'backup-cancelled')
  })
})

describe('Refused, with nothing changed:', () => {
  test('an octet flipped in every 64 KiB, and in each part of the header', async (t) => {
    const place = placeIn(t)
    await written(place, filesOf(talk(3_000)))
    const whole = readFileSync(place.path)
    const payload = whole.indexOf('\n', whole.indexOf('\n--- ') + 1) + 1
    const places = [0, 10, 30, payload - 20, payload, payload + 15]
    for (let flip = payload + 16 + 77; flip < whole.length; flip += 65_536) places.push(flip)
    places.push(whole.length - 1)
    assert.ok(places.length > 10, `${String(places.length)} places`)
    for (const flip of places) {
      const damaged = Buffer.from(whole)
      damaged[flip] = (damaged[flip] ?? 0) ^ 4
      writeFileSync(place.path, damaged)
      await assert.rejects(verified(place), (error) => error instanceof PortError
        && ['backup-malformed', 'backup-key'].includes(error.code), `octet ${String(flip)}`)
    }
  })

  test('cut off anywhere, and longer than it was', async (t) => {
    const place = placeIn(t)
    await written(place, filesOf(talk(3_000)))
    const whole = readFileSync(place.path)
    for (const length of [0, 5, 22, 1_500, 66_000, 65_536 * 4, whole.length - 16, whole.length - 1]) {
      writeFileSync(place.path, whole)
      truncateSync(place.path, length)
      await refused(verified(place), 'backup-malformed')
    }
    writeFileSync(place.path, Buffer.concat([whole, Buffer.alloc(1)]))
    await refused(verified(place), 'backup-malformed')
  })

  test('paths that lead out, links, folders, devices, doubled names', async (t) => {
    const place = placeIn(t)
    const about = lines('about.json', [lists.about])
    const first = [...tarOf([about])].slice(0, 3)
    const attacks: readonly (readonly [string, Uint8Array])[] = [
      ['name', forged('aa.jsonl', (header) => { header.fill(0, 0, 100).write('../../etc/passwd', 0) })],
      ['name', forged('aa.jsonl', (header) => { header.fill(0, 0, 100).write('/etc/passwd', 0) })],
      ['name', forged('aa.jsonl', (header) => { header.fill(0, 0, 100).write('entries/../../x', 0) })],
      ['name', forged('aa.jsonl', (header) => { header.fill(0, 0, 100).write('c:\\windows', 0) })],
      ...['1', '2', '3', '4', '5', '6', 'x', 'g', 'L', 'K'].map((kind): readonly [string, Uint8Array] =>
        ['kind', forged('account.jsonl', (header) => { header.write(kind, 156) })]),
      ['order', tarHeader('about.json', 0)],
      ['size', forged('account.jsonl', (header) => { header.write('77777777777', 124) })],
    ]
    for (const [what, header] of attacks) {
      await writtenTar(place, [...first, header, tarEnd()])
      await refused(verified(place), 'backup-malformed', what)
    }
    assert.deepEqual(readdirSync(place.folder), ['mine.age'])
  })

  test('ten million files are given up after the first 250,000', async (t) => {
    const place = placeIn(t)
    const head = [...tarOf(filesOf([]))].slice(0, -4)
    // The first 260,000 of them: a reader that went on would meet the cut.
    const many = function* (): Generator<Uint8Array> {
      yield* head
      for (let made = 0; made < 260_000; made += 500) {
        yield Buffer.concat(Array.from({ length: 500 }, (_, at) => tarHeader(entriesName(conversation, made + at), 0)))
      }
    }
    await writtenTar(place, many())
    await refused(verified(place), 'backup-malformed', 'count')
  })

  test('a list that is larger than any, before it is read', async () => {
    const huge = { size: 2 ** 28, bytes: [] }
    const parts = partsOf((async function* () { yield await Promise.resolve({ ...huge, name: 'account.jsonl' }) })())
    await refused(parts.next(), 'backup-malformed', 'account.jsonl')
    await refused(wholeOf({ ...huge, name: 'about.json' }), 'backup-malformed', 'about.json')
  })

  const wrong: readonly (readonly [string, readonly BackupFile[], ErrorCode, string?])[] = [
    ['of a newer version', filesOf(talk(1), { about: { ...lists.about, version: 2 } }), 'backup-newer', '2'],
    ['of another program', filesOf(talk(1), { about: { ...lists.about, format: 'other' } }), 'backup-malformed', 'about'],
    ['without an account', filesOf(talk(1)).filter(({ name }) => name !== 'account.jsonl'), 'backup-malformed', 'lists'],
    ['without its people', filesOf(talk(1)).filter(({ name }) => name !== 'contacts.jsonl'), 'backup-malformed', 'lists'],
    ['without its conversations', filesOf([]).filter(({ name }) => name !== 'conversations.jsonl'), 'backup-malformed', 'lists'],
    ['of two accounts', [...filesOf([]).filter(({ name }) => name !== 'account.jsonl'), lines('account.jsonl', [lists.account, lists.account])], 'backup-malformed', 'account'],
    ['with a conversation twice', filesOf(talk(1), { conversations: [lists.conversations[0], lists.conversations[0]] }), 'backup-malformed', 'conversations'],
    ['with entries of a conversation that is not in it', filesOf(talk(1), { conversations: [] }), 'backup-malformed', 'entries'],
    ['with entries in the wrong file', [...filesOf([message(1)]).slice(0, 4), lines(entriesName(conversation, 1), [message(1)])], 'backup-malformed', 'entries'],
    ['with entries of another conversation', [...filesOf([message(1)]).slice(0, 4), lines(entriesName(conversation, 0), [message(1, { conversation: '0e'.repeat(16) })])], 'backup-malformed', 'entries'],
    ['with entries out of order', [...filesOf([message(1)]).slice(0, 4), lines(entriesName(conversation, 0), [message(2), message(1)])], 'backup-malformed', 'entries'],
    ['with more lines than a list has', [...filesOf([message(1)]).slice(0, 4), bytesFile(entriesName(conversation, 0), Buffer.from('{}\n'.repeat(1_001)))], 'backup-malformed', 'entries'],
    ['with a line cut off', [...filesOf([message(1)]).slice(0, 4), bytesFile(entriesName(conversation, 0), Buffer.from('{"id":'))], 'backup-malformed', 'entries'],
    ['with an attachment that nothing names', [...filesOf([message(1)]), bytesFile(fileName(pictureHash), picture)], 'backup-malformed', 'files'],
    ['with an attachment of another hash', [...filesOf(talk(1)).slice(0, 5), bytesFile(fileName(pictureHash), Buffer.alloc(picture.length))], 'backup-malformed', 'hash'],
    ['with an attachment of another size', filesOf([message(1, { attachments: [{ hash: pictureHash, name: 'p', mediaType: '', size: 7 }] })]), 'backup-malformed', 'files'],
    ['with something else in it', [...filesOf([message(1)]), bytesFile('keys.json', Buffer.from('{}'))], 'backup-malformed', 'name'],
  ]
  for (const [what, files, code, detail] of wrong) {
    test(what, async (t) => {
      const place = placeIn(t)
      await writtenTar(place, tarOf(files.toSorted((a, b) => a.name < b.name ? -1 : 1)))
      const before = readFileSync(place.path)
      await refused(verified(place), code, detail)
      assert.deepEqual(readFileSync(place.path), before)
    })
  }

  test('nothing because of a clock: made in the future, before 1970, or at no time', async (t) => {
    const place = placeIn(t)
    for (const madeAt of [0, Date.UTC(2100, 0), Number.MAX_SAFE_INTEGER]) {
      await written(place, filesOf([message(1, { at: madeAt })], { about: { ...lists.about, madeAt } }))
      assert.deepEqual([(await verified(place)).holds.madeAt, (await verified(place)).holds.messages], [madeAt, 1])
    }
    await written(place, filesOf([message(1)], { about: { format: 'coppice-backup', version: 1, madeAt: -5.5 } }))
    assert.equal((await verified(place)).holds.madeAt, 0)
    await written(place, filesOf([message(1, { at: -1 })]))
    await refused(verified(place), 'backup-malformed', 'entries')
  })
})

