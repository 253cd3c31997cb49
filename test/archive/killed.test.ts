/** Processes that write backups and are killed by SIGKILL before, or in the middle of, each step by which they change the disk. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, rmSync, utimesSync } from 'node:fs'
import path from 'node:path'
import { test, type TestContext } from 'node:test'
import { archive } from '../../main/archive/archive.ts'
import { backupsIn, quiet, readManifest } from '../../main/archive/folder.ts'
import { blobFile } from '../../main/archive/names.ts'
import type { Place } from '../../main/ports.ts'
import { filesOf, placeIn, talk, toWords, verified, words, written } from './samples.ts'
import { contentOf, earlier, folderSecret, later, now } from './shelf.ts'

const dayMs = 24 * 60 * 60 * 1000

/** `undefined`: it was killed; else in how many steps it came to its end. */
function run(role: 'file' | 'begin' | 'add', { path: place }: Place, step: number): number | undefined {
  const { signal, status, stdout, stderr } = spawnSync(
    process.execPath, [path.join(import.meta.dirname, 'dying.ts'), role, place, String(step)], { encoding: 'utf8' })
  if (signal === 'SIGKILL') return undefined
  assert.equal(status, 0, stderr)
  return Number(stdout)
}

/** A process for each step, and one that comes to its end. `then`: what is true after each. Gives the number of kills. */
async function throughSteps(t: TestContext, role: 'file' | 'begin' | 'add', {
  before = () => Promise.resolve(), then,
}: {
  readonly before?: (place: Place) => Promise<void>, readonly then: (place: Place, step: number) => Promise<void>
}): Promise<number> {
  for (let step = 1; ; step += 1) {
    const { folder } = placeIn(t)
    const place = { token: '', path: role === 'file' ? path.join(folder, 'mine.coppice-backup') : path.join(folder, 'shelf') }
    if (role !== 'file') mkdirSync(place.path)
    await before(place)
    const steps = run(role, place, step)
    await then(place, step)
    rmSync(folder, { recursive: true })
    if (steps === undefined) continue
    // Otherwise a step was not counted.
    assert.equal(steps, step - 1)
    return steps
  }
}

const everything = ({ path: folder }: Place): readonly string[] =>
  readdirSync(folder, { recursive: true, withFileTypes: true }).filter((one) => one.isFile())
    .map((one) => path.relative(folder, path.join(one.parentPath, one.name))).sort()
const messagesIn = async (place: Place): Promise<number> => (await verified(place)).holds.messages

/** Every file is one that some backup needs. */
async function demandNothingOver(place: Place, step: number): Promise<void> {
  const needed = new Set(['key.age'])
  for (const { backup } of await backupsIn(place.path)) {
    needed.add(`backups/${backup}`)
    const { manifest } = await readManifest(path.join(place.path, 'backups', backup), folderSecret, quiet)
    for (const one of manifest.entries) needed.add(`entries/${one.in}`)
    for (const { hash } of manifest.blobs) needed.add(`blobs/${blobFile(folderSecret, hash)}`)
  }
  assert.deepEqual(everything(place), [...needed].sort(), `after a kill at step ${String(step)}`)
}

/** As after three days: then what became of no use goes. */
function age(place: Place): void {
  for (const name of everything(place)) utimesSync(path.join(place.path, name), new Date(), new Date(now - 3 * dayMs))
}

async function complete(place: Place, step: number): Promise<void> {
  age(place)
  const { bytes } = await archive.add(place, folderSecret, contentOf(later))
  assert.ok(bytes > 0)
  await archive.prune(place, folderSecret, now)
  assert.equal(await messagesIn(place), later.length)
  await demandNothingOver(place, step)
}

test('of one file: nothing is under its name, or what was there before, until it is whole; what is left is swept', async (t) => {
  // The last step gives it its name.
  const steps = run('file', placeIn(t), 0) ?? assert.fail()
  const kills = await throughSteps(t, 'file', { then: async (place, step) => {
    assert.equal(existsSync(place.path), step > steps, String(step))
    if (existsSync(place.path)) assert.equal(await messagesIn(place), later.length)
    await archive.sweep(place)
    assert.deepEqual(readdirSync(path.dirname(place.path)), existsSync(place.path) ? [path.basename(place.path)] : [])
  } })
  assert.equal(kills, steps)
  assert.ok(kills > 5)
  const before = talk(2)
  await throughSteps(t, 'file', {
    before: (place) => written(place, filesOf(before)),
    then: async (place, step) => {
      assert.equal(await messagesIn(place), step > steps ? later.length : before.length)
      await archive.sweep(place)
      assert.deepEqual(readdirSync(path.dirname(place.path)), [path.basename(place.path)])
    },
  })
})

test('of a folder\'s first backup: the next one completes it, and nothing is left over', async (t) => {
  const kills = await throughSteps(t, 'begin', { then: async (place, step) => {
    if (await archive.look(place) === 'nothing') await archive.begin(place, { secret: folderSecret, seal: await toWords() })
    assert.deepEqual((await archive.join(place, words)).unwrap(), folderSecret.unwrap())
    if ((await archive.list(place)).length > 0) assert.equal(await messagesIn(place), earlier.length)
    await complete(place, step)
  } })
  assert.ok(kills > 15, String(kills))
})

test('of a later one, and while old ones are pruned: the folder is whole each time, and the next one completes it', async (t) => {
  let old = 0
  let fresh = 0
  const kills = await throughSteps(t, 'add', {
    before: async (place) => {
      await archive.begin(place, { secret: folderSecret, seal: await toWords() })
      await archive.add(place, folderSecret, contentOf(earlier))
      age(place)
    },
    then: async (place, step) => {
      const messages = await messagesIn(place)
      if (messages === earlier.length) old += 1
      else fresh += 1
      assert.ok(messages === earlier.length || messages === later.length)
      await complete(place, step)
    },
  })
  assert.ok(kills > 15 && old > 5 && fresh > 3, `${String(kills)}: ${String(old)} before, ${String(fresh)} after`)
})
