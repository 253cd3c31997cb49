/** The app at home in the desktop: what it asks of the `electron` module, by arguments and order. */
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { describe, test } from 'node:test'
import type { Page } from 'playwright-core'
import type { Answer, ShellSettings, ShellState } from '../../preload/api.ts'
import { readSettings } from '../../main/shell/settings.ts'
import type { Recorded } from '../standin/frame.ts'
import { newFixture, type Fixture } from './fixture.ts'
import { invoke, launchWith, newStandin, root, temporaryData, until, wait, type Running } from './harness.ts'

type Home = { readonly data: string, readonly file: string, readonly fixture: Fixture, readonly open: () => Promise<Running> }

/** A data folder with the profile `anna`, for one test. */
async function at(platform: NodeJS.Platform, story: (home: Home) => Promise<void>): Promise<void> {
  const folder = await temporaryData()
  const fixture = newFixture()
  fixture.platform = platform
  const { data } = folder
  const file = path.join(data, 'profiles', 'anna', 'shell.json')
  try {
    await story({ data, file, fixture, open: () => launchWith(fixture.start, data, 'anna') })
  } finally {
    await folder.remove()
  }
}

const stateOf = async (page: Page): Promise<ShellState> => {
  const answer = await invoke(page, 'shell.settings', {}) as Answer<ShellState>
  return answer.ok ? answer.value : assert.fail(answer.code)
}
const change = async (page: Page, more: Partial<ShellSettings>): Promise<Answer<ShellState>> => {
  const { settings } = await stateOf(page)
  return await invoke(page, 'shell.change', { settings: { ...settings, ...more } }) as Answer<ShellState>
}
const named = (calls: readonly Recorded[], ...names: readonly string[]): readonly Recorded[] =>
  calls.filter(([name]) => names.includes(name))
const ofWindow = (calls: readonly Recorded[]): readonly Recorded[] =>
  calls.filter(([name]) => /^(?:new BrowserWindow|window\.|contents\.)/.test(name))

describe('the place of the window', () => {
  test('size, place, zoom and what fills the screen come back after a restart', () => at('linux', async ({ open }) => {
    const first = await open()
    assert.deepEqual(ofWindow(first.standin.calls), [
      ['new BrowserWindow', { x: undefined, y: undefined, width: 1200, height: 800, show: false }], ['window.show'],
    ])
    const window = first.standin.window()
    window.moveTo({ x: 300, y: 120, width: 900, height: 700 })
    window.webContents.emit('zoom-changed', {}, 'in')
    window.webContents.emit('zoom-changed', {}, 'in')
    window.maximize()
    await first.quit()
    const second = await open()
    assert.deepEqual(ofWindow(second.standin.calls), [
      ['new BrowserWindow', { x: 300, y: 120, width: 900, height: 700, show: false }],
      ['contents.setZoomLevel', 1], ['window.maximize'], ['window.show'],
    ])
    second.standin.window().setFullScreen(true)
    await wait(600)
    await second.page.reload()
    await until('the zoom was lost with the page', () => named(second.standin.calls, 'contents.setZoomLevel').length === 2)
    await second.quit()
    const third = await open()
    assert.deepEqual(ofWindow(third.standin.calls).slice(1), [
      ['contents.setZoomLevel', 1], ['window.maximize'], ['window.show'], ['window.setFullScreen', true],
    ])
    await third.quit()
  }))

  test('a screen that is gone, or smaller, leaves no window out of reach', () => at('linux', async ({ data, fixture, open }) => {
    const first = await open()
    first.standin.screen.areas.push({ x: 1920, y: 0, width: 2560, height: 1440 })
    first.standin.window().moveTo({ x: 2400, y: 200, width: 1600, height: 1100 })
    await first.quit()
    const placeOn = async (...areas: Running['standin']['screen']['areas']): Promise<unknown> => {
      const standin = await newStandin(path.dirname(data))
      standin.screen.areas = areas
      await fixture.start(standin.electron, { args: ['--data', data, '--profile', 'anna'] })
      standin.electron.app.quit()
      await standin.exited
      return ofWindow(standin.calls)[0]?.[1]
    }
    const small = { x: 0, y: 0, width: 1366, height: 720 }
    const beside = { x: 1920, y: 0, width: 2560, height: 1440 }
    assert.deepEqual(await placeOn(small, beside), { x: 2400, y: 200, width: 1600, height: 1100, show: false })
    assert.deepEqual(await placeOn(small), { x: undefined, y: undefined, width: 1366, height: 720, show: false })
  }))

  test('what cannot be understood is not taken, and not overwritten without a word', () => at('linux', async ({ file, open }) => {
    mkdirSync(path.dirname(file), { recursive: true })
    for (const content of ['', '{', 'null', '[]', '{"version":2,"settings":{}}', '{"version":1,"settings":{"tray":1}}']) {
      writeFileSync(file, content)
      assert.equal(readSettings(file).lost, true, content)
      assert.deepEqual(readSettings(file).place, undefined)
    }
    const running = await open()
    assert.equal((await stateOf(running.page)).lost, true)
    running.standin.window().moveTo({ x: 1, y: 1, width: 600, height: 600 })
    await wait(600)
    assert.equal(readFileSync(file, 'utf8'), '{"version":1,"settings":{"tray":1}}')
    running.standin.answer = 1
    assert.equal((await change(running.page, { tray: true })).ok, true)
    assert.equal((await stateOf(running.page)).lost, false)
    await running.quit()
    assert.equal(readSettings(file).settings.tray, true)
    writeFileSync(file, readFileSync(file, 'utf8').replace('"x": 1,', '"x": "1",'))
    assert.deepEqual([readSettings(file).lost, readSettings(file).place], [false, undefined])
  }))

  test('settings that cannot be kept are refused, and the old ones stay', () => at('linux', async ({ file, open }) => {
    const running = await open()
    assert.equal((await change(running.page, { flash: true })).ok, true)
    const before = readFileSync(file, 'utf8')
    mkdirSync(`${file}.new`)
    assert.deepEqual(await change(running.page, { flash: false }), { ok: false, code: 'settings-not-kept' })
    assert.equal((await stateOf(running.page)).settings.flash, true)
    assert.equal(readFileSync(file, 'utf8'), before)
    assert.deepEqual(await invoke(running.page, 'shell.change', { settings: { flash: true } }),
      { ok: false, code: 'bad-argument' })
    await running.quit()
  }))
})

describe('closing and quitting', () => {
  test('the button of the window ends the app on Linux and Windows', async () => {
    for (const platform of ['linux', 'win32'] as const) {
      await at(platform, async ({ open, fixture }) => {
        const running = await open()
        await running.standin.window().close()
        assert.equal(await running.standin.exited, 0)
        assert.equal(fixture.closes, 1)
      })
    }
  })

  test('with the tray chosen the app goes on without a window, and comes back', () => at('linux', async ({ open, fixture }) => {
    const running = await open()
    const window = running.standin.window()
    await change(running.page, { tray: true })
    await window.close()
    assert.deepEqual(running.standin.calls.at(-1), ['window.hide'])
    assert.equal((await invoke(running.page, 'app.open', {}) as Answer<unknown>).ok, true, 'it goes on')
    running.standin.app.emit('second-instance', {}, [])
    assert.deepEqual(running.standin.calls.slice(-2), [['window.show'], ['window.focus']])
    assert.equal(await running.quit(), 0)
    assert.equal(fixture.closes, 1)
  }))

  test('on macOS the app outlives its window by custom, and leaves full screen first', () => at('darwin', async ({ open }) => {
    const running = await open()
    const window = running.standin.window()
    await window.close()
    assert.deepEqual(running.standin.calls.at(-1), ['window.hide'])
    running.standin.app.emit('activate')
    window.minimize()
    running.standin.app.emit('activate')
    assert.deepEqual(running.standin.calls.slice(-5),
      [['window.show'], ['window.focus'], ['window.restore'], ['window.show'], ['window.focus']])
    window.setFullScreen(true)
    await window.close()
    assert.deepEqual(running.standin.calls.at(-1), ['window.setFullScreen', false])
    await until('it is still there', () => running.standin.calls.at(-1)?.[0] === 'window.hide')
    assert.equal(await running.quit(), 0)
  }))

  test('a computer that goes off ends the app in good order', async () => {
    await at('linux', async ({ open, fixture }) => {
      const running = await open()
      await change(running.page, { tray: true })
      running.standin.goOff()
      assert.equal(await running.standin.exited, 0)
      assert.equal(fixture.closes, 1)
    })
    await at('win32', async ({ open, fixture }) => {
      const running = await open()
      running.standin.window().emit('session-end')
      assert.equal(await running.standin.exited, 0)
      assert.equal(fixture.closes, 1)
    })
  })

  test('started by the system it stays in the tray, where that was chosen', () => at('linux', async ({ data, file, fixture }) => {
    const start = async (): Promise<readonly Recorded[]> => {
      const standin = await newStandin(path.dirname(data))
      await fixture.start(standin.electron, { args: ['--data', data, '--profile', 'anna', '--hidden'] })
      const page = await standin.page()
      await change(page, { tray: true })
      const calls = [...standin.calls]
      standin.electron.app.quit()
      await standin.exited
      return calls
    }
    assert.deepEqual(named(await start(), 'window.show'), [['window.show']], 'without a tray nobody could find it')
    assert.ok(existsSync(file))
    assert.deepEqual(named(await start(), 'window.show'), [])
  }))
})

describe('the settings of this computer', () => {
  const tor = { mode: 'fixed_servers', proxyRules: 'socks5://127.0.0.1:9050', proxyBypassRules: '<-loopback>' }

  test('hold before anything could go out, and before there is a window', () => at('linux', async ({ open, fixture, file }) => {
    const first = await open()
    assert.deepEqual(named(first.standin.calls, 'app.setProxy'), [['app.setProxy', { mode: 'system' }]])
    const proxy = { mode: 'tor', host: '', port: 0 } as const
    assert.equal((await change(first.page, { proxy, protection: true, autostart: true })).ok, true)
    assert.deepEqual(named(first.standin.calls, 'app.setProxy', 'window.setContentProtection').slice(1),
      [['window.setContentProtection', true], ['app.setProxy', tor]])
    assert.ok(existsSync(path.join(path.dirname(path.dirname(path.dirname(path.dirname(file)))), 'autostart', 'coppice-anna.desktop')))
    assert.deepEqual(await change(first.page, { proxy: { mode: 'http', host: 'a b', port: 80 } }), { ok: false, code: 'proxy-malformed' })
    await first.quit()

    const second = await open()
    const { calls } = second.standin
    const order = ['app.setProxy', 'session.closeAllConnections', 'session.setSpellCheckerDictionaryDownloadURL',
      'session.setSpellCheckerEnabled', 'new BrowserWindow', 'window.setContentProtection', 'window.show']
      .map((name) => calls.findIndex(([each]) => each === name))
    assert.ok(order.every((place, index) => place >= 0 && place > (order[index - 1] ?? -1)), String(order))
    assert.deepEqual(named(calls, 'app.setProxy', 'session.setProxy').map((call) => call.at(-1)), [tor, tor, tor])
    assert.deepEqual(named(calls, 'session.setSpellCheckerEnabled'), [['session.setSpellCheckerEnabled', false]])
    const { settings } = await stateOf(second.page)
    assert.deepEqual([settings.autostart, settings.protection, settings.proxy.mode], [true, true, 'tor'])
    assert.equal((await change(second.page, { autostart: false })).ok, true)
    assert.equal((await stateOf(second.page)).settings.autostart, false)
    // The seat of the app has the same way out.
    await assert.rejects(async () => fixture.seats.at(-1)?.connect({ host: 'example.org', port: 443 }), /proxy-unreachable/)
    await second.quit()
  }))

  test('that are lost let nothing out until the person has chosen again', () => at('linux', async ({ open, fixture, file }) => {
    mkdirSync(path.dirname(file), { recursive: true })
    writeFileSync(file, '{"version":1,"settings":')
    const running = await open()
    const [proxy] = named(running.standin.calls, 'app.setProxy')
    assert.deepEqual(proxy?.[1], { mode: 'fixed_servers', proxyRules: 'socks5://127.0.0.1:1', proxyBypassRules: '<-loopback>' })
    await assert.rejects(async () => fixture.seats.at(-1)?.connect({ host: 'example.org', port: 443 }), /network-held/)
    assert.deepEqual(await change(running.page, {}), { ok: false, code: 'network-held' }, 'nobody said so')
    running.standin.answer = 1
    assert.equal((await change(running.page, {})).ok, true)
    assert.deepEqual(named(running.standin.calls, 'app.setProxy').at(-1), ['app.setProxy', { mode: 'system' }])
    await running.quit()
  }))

  test('of the network change by a question of the system, which no script of the page can answer', () => at('linux', async ({ open }) => {
    const running = await open()
    const tor = { mode: 'tor', host: '', port: 0 } as const
    assert.equal((await change(running.page, { proxy: tor })).ok, true)
    assert.deepEqual(running.standin.asked, [], 'nobody need be asked about Tor')
    const refused = await change(running.page, { proxy: { mode: 'http', host: 'mallory.example', port: 80 }, flash: true })
    assert.ok(refused.ok)
    assert.deepEqual([refused.value.settings.proxy, refused.value.settings.flash], [tor, true])
    assert.deepEqual(running.standin.asked.map(({ message, buttons, defaultId, cancelId }) => [message, buttons, defaultId, cancelId]),
      [['Change how Coppice goes out?', ['Keep it as it is', 'Change it'], 0, 0]])
    assert.equal(named(running.standin.calls, 'app.setProxy').length, 2)
    running.standin.answer = 1
    const allowed = await change(running.page, { proxy: { mode: 'system', host: '', port: 0 } })
    assert.equal(allowed.ok && allowed.value.settings.proxy.mode, 'system')
    await running.quit()
  }))

  test('are kept by the system where it starts the app: on macOS and Windows', async () => {
    for (const platform of ['darwin', 'win32'] as const) {
      await at(platform, async ({ data, open }) => {
        const running = await open()
        await change(running.page, { autostart: true })
        assert.equal((await stateOf(running.page)).settings.autostart, true)
        await change(running.page, { autostart: true, flash: true })
        const args = [root, '--profile', 'anna', '--data', data, '--hidden']
        assert.deepEqual(named(running.standin.calls, 'app.setLoginItemSettings'),
          [['app.setLoginItemSettings', platform === 'win32' ? { openAtLogin: true, args } : { openAtLogin: true }]])
        await running.quit()
      })
    }
  })
})
