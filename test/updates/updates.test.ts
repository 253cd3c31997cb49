/** Updates from a real server: what is taken, and everything that is not. */
import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { sign } from 'node:crypto'
import { existsSync, mkdtempSync, mkdirSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { afterEach, beforeEach, describe, test } from 'node:test'
import type { UpdateState } from '../../preload/updates.ts'
import { installerFor, type Installer } from '../../main/updates/install.ts'
import { manifestName, signatureName, writeManifest } from '../../main/updates/manifest.ts'
import { Updater, type UpdaterOptions } from '../../main/updates/updater.ts'
import { fileOf, newKey, UpdateServer } from './server.ts'

const version = '1.2.3'
let server: UpdateServer
let address: string
let folder: string
let appImage: string
/** Where an AppImage shows what is in it. */
const mounted = path.dirname(process.execPath)
const program = process.execPath

beforeEach(async () => {
  server = new UpdateServer()
  address = await server.open()
  folder = mkdtempSync(path.join(tmpdir(), 'coppice-updates-'))
  appImage = path.join(folder, 'Coppice.AppImage')
  writeFileSync(appImage, 'the old version')
})
afterEach(async () => {
  await server.close()
  rmSync(folder, { recursive: true, force: true })
})

type World = { readonly updater: Updater, readonly told: UpdateState[], readonly timers: { delayMs: number, run: () => void }[] }

function open(more: Partial<UpdaterOptions> = {}): World {
  const told: UpdateState[] = []
  const timers: World['timers'] = []
  const updater = new Updater({
    version, folder: path.join(folder, 'updates'), source: { address, keys: [newKey().open, server.key.open] },
    installer: installerFor({
      platform: 'linux', arch: 'x64', packaged: true, environment: { APPIMAGE: appImage, APPDIR: mounted }, program, open: async () => '',
    }),
    load: fetch, now: () => Date.now(), random: () => 50, tell: (state) => { told.push(state) },
    after: (delayMs, run) => {
      const timer = { delayMs, run }
      timers.push(timer)
      return () => { timers.splice(timers.indexOf(timer), 1) }
    },
    quit: () => assert.fail('it quits'), report: (error) => { throw error },
    write: (file, content) => { writeFileSync(file, content) },
    ...more,
  })
  return { updater, told, timers }
}

/** Fires the one timer, and waits until it stands again. */
async function dayPasses({ timers }: World): Promise<void> {
  const [timer] = timers.splice(0)
  assert.ok(timer !== undefined)
  timer.run()
  while (timers.length === 0) await new Promise((resolve) => { setTimeout(resolve, 5) })
}

const leftovers = (): readonly string[] => existsSync(path.join(folder, 'updates'))
  ? readdirSync(path.join(folder, 'updates')).filter((name) => name.startsWith('download-')) : []

/** Looks, and finds nothing to take for this reason; the old version stays. */
async function refused(wrong: UpdateState['wrong'], { updater }: World = open()): Promise<void> {
  await updater.check()
  await updater.download()
  // Each step by itself: what is not the signed file is not kept until somebody installs it.
  assert.equal(updater.state.wrong, wrong)
  assert.notEqual(updater.state.stage, 'ready')
  assert.deepEqual(leftovers(), [])
  await updater.install()
  assert.equal(updater.state.wrong, wrong)
  assert.equal(readFileSync(appImage, 'utf8'), 'the old version')
  assert.deepEqual(leftovers(), [])
}

describe('a newer version, signed', () => {
  test('is offered, fetched, and put in the place of the old one', async () => {
    const bytes = server.release('1.3.0')
    const { updater, told } = open()
    await updater.check()
    assert.deepEqual([updater.state.stage, updater.state.version], ['offered', '1.3.0'])
    assert.deepEqual(server.asked, [manifestName, signatureName], 'nothing else is asked for before a yes')
    await updater.install()
    assert.equal(readFileSync(appImage, 'utf8'), 'the old version', 'nor installed')
    await updater.download()
    assert.equal(updater.state.stage, 'ready')
    assert.ok(told.some(({ stage, done = 0 }) => stage === 'fetching' && done > 0 && done < 1))
    await updater.install()
    assert.equal(updater.state.stage, 'installed')
    assert.ok(readFileSync(appImage).equals(bytes))
    assert.equal(statSync(appImage).mode & 0o777, 0o755)
    assert.deepEqual(readdirSync(folder).sort(), ['Coppice.AppImage', 'updates'])
    assert.deepEqual(leftovers(), [])
  })

  test('that was fetched is found again after a restart, and not fetched twice', async () => {
    server.release('1.3.0')
    const first = open()
    await first.updater.check()
    await first.updater.download()
    server.asked.length = 0
    const { updater } = open()
    await updater.check()
    assert.equal(updater.state.stage, 'ready')
    assert.deepEqual(server.asked, [manifestName, signatureName])
  })

  test('is stopped while it is fetched: nothing is left, nobody is blamed, and it is offered on', async () => {
    const bytes = server.release('1.3.0')
    const { updater } = open({ tell: ({ done = 0 }) => { if (done > 0 && done < 1) void updater.stopFetching() } })
    await updater.check()
    await updater.download()
    assert.deepEqual([updater.state.stage, updater.state.wrong, leftovers()], ['offered', undefined, []])
    const again = open()
    await again.updater.stopFetching()
    await again.updater.check()
    await again.updater.download()
    await again.updater.install()
    assert.ok(readFileSync(appImage).equals(bytes))
  })

  test('takes the place of an older one that was fetched, of which nothing stays', async () => {
    server.release('1.3.0')
    const first = open()
    await first.updater.check()
    await first.updater.download()
    assert.deepEqual(leftovers(), ['download-coppice-1.3.0-linux-x64.AppImage'])
    server.release('1.4.0')
    const { updater } = open()
    await updater.check()
    assert.deepEqual(leftovers(), [])
    server.asked.length = 0
    await Promise.all([updater.download(), updater.download(), updater.check()])
    assert.deepEqual(server.asked, ['coppice-1.4.0-linux-x64.AppImage'], 'one thing at a time')
    assert.deepEqual(leftovers(), ['download-coppice-1.4.0-linux-x64.AppImage'])
  })

  test('that was fetched or is in its place stays what it is, whatever is heard of next', async () => {
    const bytes = server.release('1.3.0')
    const { updater } = open()
    await updater.check()
    await updater.download()
    server.release('1.4.0')
    await updater.check()
    assert.deepEqual([updater.state.stage, updater.state.version], ['ready', '1.3.0'])
    await updater.install()
    await updater.check()
    assert.deepEqual([updater.state.stage, updater.state.version], ['installed', '1.3.0'])
    assert.ok(readFileSync(appImage).equals(bytes))
  })

  test('that comes only half leaves nothing behind, and the next try takes it', async () => {
    const bytes = server.release('1.3.0')
    const { updater } = open()
    await updater.check()
    server.cut = true
    await updater.download()
    assert.deepEqual([updater.state.stage, updater.state.wrong], ['offered', 'unreachable'])
    assert.deepEqual(leftovers(), [])
    server.cut = false
    await updater.download()
    await updater.install()
    assert.ok(readFileSync(appImage).equals(bytes))
  })

  test('may be signed by any of the keys of the app', async () => {
    const other = newKey()
    server.release('1.3.0', {}, other.secret)
    const { updater } = open({ source: { address, keys: [server.key.open, other.open] } })
    await updater.check()
    assert.equal(updater.state.stage, 'offered')
  })
})

describe('nothing is taken that', () => {
  test('is not signed, or by a stranger', async () => {
    server.release('1.3.0', {}, newKey().secret)
    await refused('unsigned')
    server.release('1.3.0')
    server.files.set(signatureName, Buffer.from(''))
    await refused('unsigned')
    server.files.set(signatureName, Buffer.from(`${'A'.repeat(86)}==\n`))
    await refused('unsigned')
    server.files.delete(signatureName)
    await refused('unreachable')
    server.release('1.3.0')
    await refused('unsigned', open({ source: { address, keys: [] } }))
    await refused('unsigned', open({ source: { address, keys: ['AAAA'] } }))
    // By our key, but for another use of it.
    const manifest = server.files.get(manifestName) ?? new Uint8Array()
    server.files.set(signatureName, Buffer.from(`${sign(undefined, manifest, server.key.secret).toString('base64')}\n`))
    await refused('unsigned')
  })

  test('was changed after it was signed, wherever', async () => {
    server.release('1.3.0')
    const manifest = Buffer.from(server.files.get(manifestName) ?? [])
    for (let at = 0; at < manifest.length; at += 29) {
      const changed = Buffer.from(manifest)
      changed[at] = (changed[at] ?? 0) ^ 1
      server.files.set(manifestName, changed)
      await refused('unsigned')
    }
    server.files.set(manifestName, Buffer.concat([manifest, Buffer.from(' ')]))
    await refused('unsigned')
  })

  test('is a file of another size or content than was signed', async () => {
    const bytes = Buffer.from(server.release('1.3.0'))
    const name = 'coppice-1.3.0-linux-x64.AppImage'
    bytes[200_000] = (bytes[200_000] ?? 0) ^ 1
    for (const other of [bytes, Buffer.concat([bytes, bytes]), bytes.subarray(1), Buffer.alloc(0)]) {
      server.files.set(name, other)
      await refused('tampered')
    }
    server.files.delete(name)
    await refused('unreachable')
  })

  test('has no end, or does not go on', async (t) => {
    server.release('1.3.0')
    let taken = 0
    const endless = (): Promise<Response> => Promise.resolve(new Response(new ReadableStream({
      pull: (stream) => {
        taken += 65_536
        assert.ok(taken < 10_000_000, 'it is taken without end')
        stream.enqueue(new Uint8Array(65_536))
      },
    })))
    await refused('malformed', open({ load: endless }))
    taken = 0
    await refused('tampered', open({ load: (asked, options) => asked.endsWith('.AppImage') ? endless() : fetch(asked, options) }))
    t.mock.timers.enable({ apis: ['setTimeout'] })
    /** Answers with so many bytes, and then with nothing until whoever waits gives up. */
    const silent = (after: Uint8Array | undefined) => (_asked: string, { signal }: { readonly signal: AbortSignal }): Promise<Response> =>
      new Promise((resolve, reject) => {
        signal.addEventListener('abort', () => { reject(new Error('given up')) })
        if (after !== undefined) {
          resolve(new Response(new ReadableStream({
            start: (stream) => {
              stream.enqueue(after)
              signal.addEventListener('abort', () => { stream.error(new Error('given up')) })
            },
          })))
        }
      })
    for (const after of [undefined, Buffer.from('{')]) {
      const { updater } = open({ load: silent(after) })
      const checked = updater.check()
      for (let turn = 0; turn < 20; turn += 1) await new Promise((resolve) => { setImmediate(resolve) })
      t.mock.timers.tick(29_999)
      assert.equal(updater.state.stage, 'checking')
      t.mock.timers.tick(1)
      await checked
      assert.equal(updater.state.wrong, 'unreachable')
    }
  })

  test('was changed on this disk after it was fetched', async () => {
    server.release('1.3.0')
    const { updater } = open()
    await updater.check()
    await updater.download()
    writeFileSync(path.join(folder, 'updates', leftovers()[0] ?? ''), 'something else')
    await updater.install()
    assert.deepEqual([updater.state.stage, updater.state.wrong], ['offered', 'tampered'])
    assert.equal(readFileSync(appImage, 'utf8'), 'the old version')
    // Nor is it put in place when that happens between the look and the move.
    const place = path.join(folder, 'changed')
    writeFileSync(place, 'something else')
    const installer = installerFor({ ...here, environment: { APPIMAGE: appImage, APPDIR: mounted } }) as Installer
    await assert.rejects(installer.install(place, fileOf(Buffer.from('what was signed'), 'x')), { wrong: 'tampered' })
    assert.equal(readFileSync(appImage, 'utf8'), 'the old version')
    assert.deepEqual(readdirSync(folder).sort(), ['Coppice.AppImage', 'changed', 'updates'])
  })

  test('is older than what runs, also if it is signed; the same is no news', async () => {
    for (const older of ['1.2.2', '0.9.9', '1.2.3-beta.9']) {
      server.release(older)
      await refused('older')
    }
    server.release(version)
    await refused(undefined)
  })

  test('is older than what was heard of, as somebody plays it again', async () => {
    const madeAt = Date.now()
    server.release('1.4.0', { madeAt: madeAt + 2 })
    await open().updater.check()
    server.release('1.3.0', { madeAt: madeAt + 1 })
    await refused('older')
    // The maintainers themselves may take a version back.
    server.release('1.3.1', { madeAt: madeAt + 3 })
    const { updater } = open()
    await updater.check()
    assert.equal(updater.state.version, '1.3.1')
  })

  test('is no word of ours, though it is signed', async () => {
    const whole = { app: '1.3.0', madeAt: 1, rollout: 100, files: [fileOf(new Uint8Array(9), 'a.AppImage')] }
    const broken: readonly object[] = [
      { ...whole, app: '1.3' }, { ...whole, app: '01.3.0' }, { ...whole, madeAt: -1 }, { ...whole, rollout: 101 },
      { ...whole, files: {} }, { ...whole, files: Array(100).fill(whole.files[0]) },
      ...['../a', 'a/b', '.a', 'a\\b', 'http:x', '', 'a'.repeat(101), '%2e%2e%2fa'].map((name) =>
        ({ ...whole, files: [{ ...whole.files[0], name }] })),
      ...[0, -1, 1.5, 2 ** 40].map((size) => ({ ...whole, files: [{ ...whole.files[0], size }] })),
      { ...whole, files: [{ ...whole.files[0], sha512: 'ab' }] },
    ]
    for (const one of broken) {
      server.put(writeManifest(one as never))
      await refused('malformed')
    }
    for (const bytes of ['', '[]', 'null', '{"format":"another"}', '\ufffe']) {
      server.put(Buffer.from(bytes))
      await refused('malformed')
    }
    server.put(Buffer.from('{"format":"coppice-updates","version":2}'))
    await refused('newer')
    server.put(Buffer.alloc(100_000, 'x'))
    await refused('malformed')
    server.put(writeManifest({ ...whole, files: [{ ...fileOf(new Uint8Array(9), 'a.exe'), target: 'win-x64-exe' }] }))
    await refused('not-here')
  })

  test('comes by an address that everybody can listen to', async () => {
    server.release('1.3.0')
    const asked: string[] = []
    const load = async (address: string): Promise<Response> => { asked.push(address); throw new Error('asked') }
    for (const heard of ['http://example.invalid/', 'ftp://127.0.0.1/', 'file:///srv/']) {
      await refused('unreachable', open({ source: { address: heard, keys: [server.key.open] }, load }))
    }
    assert.deepEqual(asked, [])
  })
})

describe('the person decides', () => {
  test('off: nothing is asked of the network; a click looks all the same; the choice stays', async () => {
    server.release('1.3.0')
    const world = open()
    world.updater.start()
    assert.equal(world.timers.length, 1)
    assert.equal(world.updater.choose('off'), true)
    assert.equal(world.timers.length, 0)
    const again = open()
    again.updater.start()
    assert.deepEqual([again.updater.state.mode, again.timers.length, server.asked.length], ['off', 0, 0])
    await again.updater.check()
    assert.equal(again.updater.state.stage, 'offered')
  })

  test('ask: it looks once a day by itself, and fetches nothing', async () => {
    const world = open()
    world.updater.start()
    await dayPasses(world)
    assert.equal(world.updater.state.wrong, 'unreachable')
    assert.ok((world.timers[0]?.delayMs ?? 0) > 20 * 60 * 60 * 1000)
    server.release('1.3.0')
    await dayPasses(world)
    assert.deepEqual([world.updater.state.stage, world.updater.state.wrong], ['offered', undefined])
  })

  test('automatic: it is there at the next start, and nobody was asked', async () => {
    const bytes = server.release('1.3.0')
    const world = open()
    world.updater.choose('automatic')
    await dayPasses(world)
    assert.equal(world.updater.state.stage, 'installed')
    assert.ok(readFileSync(appImage).equals(bytes))
    world.updater.stop()
    assert.deepEqual(world.timers, [])
  })

  test('automatic: where the app would have to end for it, it is fetched, and the person says when', async () => {
    const file = { ...fileOf(Buffer.from('an installer'), 'coppice-1.3.0-win-x64.exe'), target: 'win-x64-exe' }
    server.files.set(file.name, Buffer.from('an installer'))
    server.put(writeManifest({ app: '1.3.0', madeAt: Date.now(), rollout: 100, files: [file] }))
    const installed: string[] = []
    const world = open({ installer: { target: file.target, install: async (place) => { installed.push(place); return 'leaving' } } })
    world.updater.choose('automatic')
    await dayPasses(world)
    assert.deepEqual([world.updater.state.stage, installed], ['ready', []])
  })

  test('a staged release reaches its share of those who do not ask, and whoever asks', async () => {
    server.release('1.3.0', { rollout: 50 })
    const outside = open({ random: () => 50 })
    outside.updater.start()
    await dayPasses(outside)
    assert.equal(outside.updater.state.stage, 'idle')
    await outside.updater.check()
    assert.equal(outside.updater.state.stage, 'offered')
    rmSync(path.join(folder, 'updates'), { recursive: true })
    const inside = open({ random: () => 49 })
    inside.updater.start()
    await dayPasses(inside)
    assert.equal(inside.updater.state.stage, 'offered')
    // It stays in its share over restarts.
    const again = open({ random: () => 99 })
    again.updater.start()
    await dayPasses(again)
    assert.equal(again.updater.state.stage, 'offered')
  })

  test('a choice that cannot be kept is not made', () => {
    const { updater } = open({ write: () => { throw new Error('full') } })
    assert.equal(updater.choose('off'), false)
    assert.equal(updater.state.mode, 'ask')
  })
})

const here = { platform: 'linux', arch: 'x64', packaged: true, environment: {}, program, open: async () => '' } as const

describe('who keeps the app new', () => {
  test('where a package manager or a person does, nothing is asked of the network', async () => {
    const world = open({ installer: installerFor(here) })
    world.updater.start()
    await world.updater.check()
    assert.deepEqual([world.updater.state.keeper, world.timers.length, server.asked.length], ['system', 0, 0])
    const none = open({ source: undefined })
    await none.updater.check()
    assert.equal(none.updater.state.keeper, 'none')
  })

  test('Windows’ installer is started and this program ends; macOS is shown the image', async () => {
    const place = path.join(folder, 'installer')
    const seen = path.join(folder, 'seen')
    writeFileSync(place, `#!/bin/sh\necho "$@" > '${seen}.new'\nmv '${seen}.new' '${seen}'\n`, { mode: 0o755 })
    const windows = installerFor({ ...here, platform: 'win32' }) as Installer
    assert.equal(await windows.install(place, fileOf(new Uint8Array(), 'x')), 'leaving')
    while (!existsSync(seen)) await new Promise((resolve) => { setTimeout(resolve, 10) })
    assert.equal(readFileSync(seen, 'utf8'), '--updated /S --force-run\n')
    await assert.rejects(windows.install(path.join(folder, 'nothing'), fileOf(new Uint8Array(), 'x')), { wrong: 'not-installed' })
    const opened: string[] = []
    const mac = installerFor({ ...here, platform: 'darwin', open: async (file) => { opened.push(file); return '' } }) as Installer
    assert.equal(await mac.install('/x.dmg', fileOf(new Uint8Array(), 'x')), 'shown')
    assert.deepEqual(opened, ['/x.dmg'])
  })

  test('an AppImage that cannot be replaced stays as it is', async () => {
    server.release('1.3.0')
    const { updater } = open()
    await updater.check()
    await updater.download()
    rmSync(appImage)
    mkdirSync(path.join(appImage, 'in the way'), { recursive: true })
    await updater.install()
    assert.deepEqual([updater.state.stage, updater.state.wrong], ['ready', 'not-installed'])
    assert.deepEqual(readdirSync(folder).sort(), ['Coppice.AppImage', 'updates'])
  })
})

test('what the release signs is taken by an app that was built with its key, and is refused unsigned or half', async () => {
  const release = path.join(folder, 'release')
  mkdirSync(release)
  const script = path.resolve(import.meta.dirname, '..', 'cli', 'sign-update.ts')
  const run = (args: readonly string[], key?: string): { readonly status: number | null, readonly stdout: string } =>
    spawnSync(process.execPath, [script, ...args], {
      encoding: 'utf8', env: { ...process.env, COPPICE_UPDATE_KEY: key },
    })
  const [, secret, built] = /^COPPICE_UPDATE_KEY=(.+)\nCOPPICE_UPDATES_KEYS=(.+)\n$/.exec(run(['--new-key']).stdout) ?? []
  assert.equal(run([release], secret).status, 1, 'there is no package')
  const manifest = readFileSync(path.resolve(import.meta.dirname, '..', '..', 'package.json'), 'utf8')
  const { version: made } = JSON.parse(manifest) as { version: string }
  const names = [`coppice-${made}-linux-x86_64.AppImage`, `coppice-${made}-win-arm64.exe`, `coppice_${made}_amd64.deb`]
  for (const name of names) writeFileSync(path.join(release, name), name)
  assert.equal(run([release]).status, 1, 'there is no key')
  const { status, stdout } = run([release], secret)
  assert.deepEqual([status, stdout], [0, `${made}, for linux-x64-AppImage, win-arm64-exe\n`])
  for (const name of readdirSync(release)) server.files.set(name, readFileSync(path.join(release, name)))
  const { updater } = open({ version: '0.0.1', source: { address, keys: [built ?? ''] } })
  await updater.check()
  await updater.download()
  await updater.install()
  assert.equal(updater.state.stage, 'installed')
  assert.equal(readFileSync(appImage, 'utf8'), names[0])
  writeFileSync(path.join(release, 'coppice-9.9.9-win-x64.exe'), '')
  assert.equal(run([release], secret).status, 1, 'packages of two versions')
})
