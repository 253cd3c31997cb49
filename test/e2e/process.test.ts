import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, statSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, test } from 'node:test'
import type { Bridge } from '../../preload/api.ts'
import { UsageError, parseArguments, prepareData } from '../../main/profiles.ts'
import { newFixture } from './fixture.ts'
import { invoke, launchWith, newStandin, root, temporaryData, until } from './harness.ts'

declare const coppice: Bridge

describe('the life of the process', () => {
  test('quit waits until the app has saved', async () => {
    const folder = await temporaryData()
    const fixture = newFixture()
    fixture.closeMs = 300
    process.umask(0o022)
    const running = await launchWith(fixture.start, folder.data)
    assert.equal(process.umask(0o077), 0o077, 'what it writes is nobody else’s to read')
    assert.equal(await running.quit(), 0)
    assert.equal(fixture.closes, 1)
    await folder.remove()
  })

  test('closing the window quits the app', async () => {
    const folder = await temporaryData()
    const fixture = newFixture()
    const running = await launchWith(fixture.start, folder.data)
    await running.page.close()
    assert.equal(await running.standin.exited, 0)
    assert.equal(fixture.closes, 1)
    await folder.remove()
  })

  test('a second start of a profile brings the first to the front and ends', async () => {
    const folder = await temporaryData()
    const first = await launchWith(newFixture().start, folder.data, 'anna')
    let focused = 0
    const { windows } = first.standin.electron.app as unknown as { windows: Set<{ on: (e: string, f: () => void) => void }> }
    for (const window of windows) window.on('focus', () => { focused++ })

    const fixture = newFixture()
    const second = await newStandin(folder.data)
    await fixture.start(second.electron, { args: ['--data', folder.data, '--profile', 'anna'] })
    assert.equal(await second.exited, 0)
    assert.equal(fixture.seats.length, 0, 'the second instance opened the profile')
    await until('the first did not come to the front', () => focused === 1)

    // The same from another process.
    const script = `
      import { newFixture } from './test/e2e/fixture.ts'
      import { newStandin } from './test/e2e/harness.ts'
      const standin = await newStandin(process.argv[1])
      await newFixture().start(standin.electron, { args: ['--data', process.argv[1], '--profile', 'anna'] })
      process.exit(await standin.exited)`
    const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', script, folder.data], { cwd: root })
    let said = ''
    child.stderr.on('data', (chunk: Buffer) => { said += chunk.toString() })
    assert.equal(await new Promise((resolve) => { child.once('exit', resolve) }), 0)
    assert.match(said, /open already/)
    await until('the first did not come to the front', () => focused === 2)

    await first.quit()
    const again = await launchWith(newFixture().start, folder.data, 'anna')
    await again.quit()
    await folder.remove()
  })

  test('a profile whose process was killed opens again', async () => {
    const folder = await temporaryData()
    const script = `
      import { newFixture } from './test/e2e/fixture.ts'
      import { launchWith } from './test/e2e/harness.ts'
      await launchWith(newFixture().start, process.argv[1], 'anna')
      console.log('open')`
    const child = spawn(process.execPath, ['--input-type=module-typescript', '-e', script, folder.data], { cwd: root })
    await new Promise((resolve) => { child.stdout.once('data', resolve) })
    child.kill('SIGKILL')
    await new Promise((resolve) => { child.once('exit', resolve) })
    const fixture = newFixture()
    const running = await launchWith(fixture.start, folder.data, 'anna')
    assert.equal(fixture.seats.length, 1)
    await running.quit()
    await folder.remove()
  })
})

describe('profiles', () => {
  const setUp = (data: string, ...names: readonly string[]): void => {
    for (const name of names) {
      mkdirSync(path.join(data, 'profiles', name), { recursive: true })
      writeFileSync(path.join(data, 'profiles', name, 'profile.sqlite'), '')
    }
  }

  test('two profiles and no --profile: the window asks, and opens the chosen one', async () => {
    const folder = await temporaryData()
    setUp(folder.data, 'anna', 'ben')
    const fixture = newFixture()
    const running = await launchWith(fixture.start, folder.data)
    const { page } = running
    const open = async (): Promise<{ phase: unknown, profile: string }> =>
      (await invoke(page, 'app.open', {}) as { value: { phase: unknown, profile: string } }).value
    assert.deepEqual((await open()).phase, { at: 'choose', profiles: [{ profile: 'anna' }, { profile: 'ben' }] })
    assert.deepEqual(await invoke(page, 'invite.show', {}), { ok: false, code: 'not-ready' })
    assert.deepEqual(await invoke(page, 'profile.choose', { profile: 'eve' }), { ok: false, code: 'profile-unknown' })
    assert.equal(fixture.seats.length, 0)

    // A backup that is opened meanwhile waits for the one that is chosen.
    running.standin.app.emit('second-instance', {}, ['coppice', 'old.coppice-backup'], '/papers')
    assert.deepEqual(await invoke(page, 'restore.handed', {}), { ok: false, code: 'not-ready' })

    const holder = await launchWith(newFixture().start, folder.data, 'ben')
    assert.deepEqual(await invoke(page, 'profile.choose', { profile: 'ben' }), { ok: false, code: 'profile-busy' })
    await holder.quit()

    const reloaded = page.waitForEvent('load')
    await page.evaluate(() => { void coppice.call('profile.choose', { profile: 'ben' }) })
    await reloaded
    await until('the profile did not open', async () => (await open()).profile === 'ben')
    assert.deepEqual((await open()).phase, { at: 'new', keychain: 'absent' })
    assert.equal(fixture.seats[0]?.places.handed()?.path, path.resolve('/papers/old.coppice-backup'))
    assert.equal(fixture.seats[0].places.handed(), undefined, 'once')
    await running.quit()
    await folder.remove()
  })

  test('one profile opens by itself, and the first is called default', async () => {
    const folder = await temporaryData()
    const fixture = newFixture()
    await (await launchWith(fixture.start, folder.data)).quit()
    assert.equal(fixture.seats[0]?.profile, 'default')
    setUp(folder.data, 'anna')
    await (await launchWith(fixture.start, folder.data)).quit()
    assert.equal(fixture.seats[1]?.profile, 'anna')
    await folder.remove()
  })

  test('the folders are closed to others', { skip: process.platform === 'win32' }, async () => {
    const folder = await temporaryData()
    const fixture = newFixture()
    mkdirSync(folder.data)
    chmodSync(folder.data, 0o755)
    await (await launchWith(fixture.start, folder.data, 'anna')).quit()
    for (const part of ['', 'profiles', 'profiles/anna']) {
      assert.equal(statSync(path.join(folder.data, part)).mode & 0o777, 0o700, part)
    }
    await folder.remove()
  })

  test('a folder that holds something else is not taken as the data folder', async () => {
    const folder = await temporaryData()
    mkdirSync(folder.data)
    chmodSync(folder.data, 0o755)
    writeFileSync(path.join(folder.data, 'letter.txt'), 'dear')
    assert.throws(() => { prepareData(folder.data) }, UsageError)
    assert.equal(statSync(folder.data).mode & 0o777, 0o755)
    const standin = await newStandin(folder.data)
    await newFixture().start(standin.electron, { args: ['--data', folder.data] })
    assert.equal(await standin.exited, 2)
    assert.throws(() => { prepareData(path.join(folder.data, 'letter.txt', 'data')) }, UsageError, 'cannot be made')
    assert.ok(!existsSync(path.join(folder.data, 'profiles')))
    await folder.remove()
  })

  test('arguments are read, and impossible profile names refused', () => {
    assert.deepEqual(parseArguments([]), {})
    assert.deepEqual(parseArguments(['--profile', 'second', '--enable-logging']), { profile: 'second' })
    assert.deepEqual(parseArguments(['--data=/x/y', '--profile=Ana María']), { profile: 'Ana María', data: '/x/y' })
    for (const name of ['', '..', '.', 'a/b', 'a\\b', '-x', ' a', 'a ', 'a\0', 'x'.repeat(41), 'con', 'COM1']) {
      assert.throws(() => parseArguments([`--profile=${name}`]), UsageError, JSON.stringify(name))
    }
    assert.throws(() => parseArguments(['--profile']), UsageError)
    assert.throws(() => parseArguments(['--data']), UsageError)
  })
})
