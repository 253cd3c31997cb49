/** What a SIGKILL leaves before, or in the middle of, each step by which a process that writes backups changes the disk. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, statSync, utimesSync } from 'node:fs'
import path from 'node:path'
import { test, type TestContext } from 'node:test'
import { archive } from '../../main/archive/archive.ts'
import { backupsIn, quiet, readManifest } from '../../main/archive/folder.ts'
import { blobFile } from '../../main/archive/names.ts'
import type { Place } from '../../main/ports.ts'
import { filesOf, placeIn, talk, toWords, verified, words, written } from './samples.ts'
import { contentOf, earlier, folderSecret, later, now } from './shelf.ts'

const dayMs = 24 * 60 * 60 * 1000

type Role = 'file' | 'begin' | 'add'

/** `undefined`: it was killed; else in how many steps it came to its end. */
function run(role: Role, { path: place }: Place, step: number | 'copy', copies = ''): number | undefined {
  const { signal, status, stdout, stderr } = spawnSync(
    process.execPath, [path.join(import.meta.dirname, 'dying.ts'), role, place, String(step), copies], { encoding: 'utf8' })
  if (signal === 'SIGKILL') return undefined
  assert.equal(status, 0, stderr)
  return Number(stdout)
}

/** Every so often a process is killed. */
const killedEach = 6

/**
 * Every state that a kill can leave: copied by one process that comes to its end. Some are made by kills as well, and are
 * the same. `then`: what is true in each, and at the end. Gives the number of steps.
 */
async function throughSteps(t: TestContext, role: Role, {
  before = () => Promise.resolve(), then,
}: {
  readonly before?: (place: Place) => Promise<void>, readonly then: (place: Place, step: number, steps: number) => Promise<void>
}): Promise<number> {
  const { folder } = placeIn(t)
  const within = (name: string): Place =>
    ({ token: '', path: role === 'file' ? path.join(folder, name, 'mine.coppice-backup') : path.join(folder, name) })
  const begun = async (name: string): Promise<Place> => {
    mkdirSync(path.join(folder, name))
    await before(within(name))
    return within(name)
  }
  const last = await begun('last')
  mkdirSync(path.join(folder, 'copies'))
  const steps = run(role, last, 'copy', path.join(folder, 'copies')) ?? assert.fail('it was killed')
  for (let step = 1; step <= steps; step += 1) {
    const copy = path.join('copies', String(step))
    if (step % killedEach === 1 || step === steps) {
      const name = `killed ${String(step)}`
      assert.equal(run(role, await begun(name), step), undefined)
      assert.deepEqual(sizesIn(path.join(folder, name)), sizesIn(path.join(folder, copy)))
    }
    await then(within(copy), step, steps)
  }
  await then(last, steps + 1, steps)
  return steps
}

const sizesIn = (folder: string): readonly string[] =>
  readdirSync(folder, { recursive: true, encoding: 'utf8' }).sort().map((name) => {
    const found = statSync(path.join(folder, name))
    return found.isFile() ? `${name} ${String(found.size)}` : name
  })

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
  const steps = await throughSteps(t, 'file', { then: async (place, step, of) => {
    assert.equal(existsSync(place.path), step > of, String(step))
    if (existsSync(place.path)) assert.equal(await messagesIn(place), later.length)
    await archive.sweep(place)
    assert.deepEqual(readdirSync(path.dirname(place.path)), existsSync(place.path) ? [path.basename(place.path)] : [])
  } })
  assert.ok(steps > 5)
  const before = talk(2)
  await throughSteps(t, 'file', {
    before: (place) => written(place, filesOf(before)),
    then: async (place, step, of) => {
      assert.equal(await messagesIn(place), step > of ? later.length : before.length)
      await archive.sweep(place)
      assert.deepEqual(readdirSync(path.dirname(place.path)), [path.basename(place.path)])
    },
  })
})

test('of a folder\'s first backup: the next one completes it, and nothing is left over', async (t) => {
  const steps = await throughSteps(t, 'begin', { then: async (place, step) => {
    if (await archive.look(place) === 'nothing') await archive.begin(place, { secret: folderSecret, seal: await toWords() })
    assert.deepEqual((await archive.join(place, words)).unwrap(), folderSecret.unwrap())
    if ((await archive.list(place)).length > 0) assert.equal(await messagesIn(place), earlier.length)
    await complete(place, step)
  } })
  assert.ok(steps > 15, String(steps))
})

test('of a later one, and while old ones are pruned: the folder is whole each time, and the next one completes it', async (t) => {
  let old = 0
  let fresh = 0
  const steps = await throughSteps(t, 'add', {
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
  assert.ok(steps > 15 && old > 5 && fresh > 3, `${String(steps)}: ${String(old)} before, ${String(fresh)} after`)
})
