import assert from 'node:assert/strict'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { Page } from 'playwright-core'
import type { Bridge, Change } from '../../preload/api.ts'
import type { IpcMain, InvokeEvent, WebContents, WindowOptions } from '../../main/electron.ts'
import { bindCalls } from '../../main/ipc.ts'
import { contentSecurityPolicy, origin, readFileMap, serve } from '../../main/window.ts'
import { hexId, newFixture } from './fixture.ts'
import { built, invoke, launchWith, newStandin, temporaryData, until, wait } from './harness.ts'
import type { Running } from './harness.ts'

declare const coppice: Bridge
declare const trustedTypes: { readonly createPolicy: (name: string, rules: object) => object }

describe('the window and its page', () => {
  const fixture = newFixture()
  let folder: Awaited<ReturnType<typeof temporaryData>>
  let running: Running
  let page: Page
  before(async () => {
    folder = await temporaryData()
    running = await launchWith(fixture.start, folder.data, 'first')
    page = running.page
  })
  after(async () => {
    await running.quit()
    await folder.remove()
  })

  test('a Call goes in and its Answer comes back', async () => {
    const answer = await invoke(page, 'app.open', {})
    assert.deepEqual(answer, { ok: true, value: {
      revision: 0, phase: { at: 'new', keychain: 'absent' }, profile: 'first', version: '0.1.0', conversations: [],
    } })
  })

  test('a Change reaches its receiver in order, until it is taken off', async () => {
    await page.evaluate(() => {
      const got: Change[] = []
      const stop = coppice.onChange((change) => {
        got.push(change)
        if (got.length === 3) stop()
      })
      Object.assign(window, { got })
    })
    for (const revision of [1, 2, 3, 4, 5]) fixture.show({ revision, removedEntries: [hexId] })
    // The answer of a Call made after the pushes arrives after them.
    await invoke(page, 'app.open', {})
    const got = await page.evaluate(() => (window as unknown as { got: Change[] }).got)
    assert.deepEqual(got, [1, 2, 3].map((revision) => ({ revision, removedEntries: [hexId] })))
  })

  test('the page gets two functions and nothing of Node or Electron', async () => {
    const seen = await page.evaluate(() => ({
      bridge: Object.keys(coppice).sort(), frozen: Object.isFrozen(coppice),
      names: ['require', 'process', 'module', 'Buffer', 'ipcRenderer', 'electron', '__standinCall', '__standinDeliver']
        .filter((name) => name in window),
    }))
    assert.deepEqual(seen, { bridge: ['call', 'onChange'], frozen: true, names: [] })
  })

  test('after a reload the page has a working bridge again', async () => {
    await page.reload()
    assert.equal((await invoke(page, 'app.open', {}) as { ok: boolean }).ok, true)
    await page.evaluate(() => { coppice.onChange((change) => { document.title = String(change.revision) }) })
    fixture.show({ revision: 7 })
    await until('the Change did not arrive', async () => await page.title() === '7')
  })

  test('the theme of the app reaches the page', async () => {
    const isDark = (): Promise<boolean> => page.evaluate(() => matchMedia('(prefers-color-scheme: dark)').matches)
    running.standin.electron.nativeTheme.themeSource = 'dark'
    await until('the page did not become dark', isDark)
    running.standin.electron.nativeTheme.themeSource = 'light'
    await until('the page did not become light', async () => !await isDark())
  })

  test('text is drawn with a font, not with boxes', async () => {
    const drawn = await page.evaluate(() => ['A', 'B', 'ñ', '7'].map((letter) => {
      const canvas = document.createElement('canvas')
      canvas.width = canvas.height = 40
      const context = canvas.getContext('2d')
      if (context === null) return ''
      context.font = '30px sans-serif'
      context.fillText(letter, 5, 32)
      return context.getImageData(0, 0, 40, 40).data.join()
    }))
    assert.equal(new Set(drawn).size, 4)
    assert.ok(drawn.every((pixels) => /[1-9]/.test(pixels)), 'nothing was drawn')
  })

  describe('the content security policy', () => {
    test('stands as a header on every response', async () => {
      const response = await page.reload()
      assert.ok(response !== null)
      assert.equal(response.headers()['content-security-policy'], contentSecurityPolicy)
      assert.equal(response.headers()['x-content-type-options'], 'nosniff')
    })

    test('refuses inline scripts, eval, and markup from strings', async () => {
      const outcome = await page.evaluate(async () => {
        const script = document.createElement('script')
        script.append('window.ran = true')
        document.body.append(script)
        const attempt = (run: () => unknown): string => {
          try { run(); return 'done' } catch (error) { return (error as Error).name }
        }
        await new Promise((resolve) => { setTimeout(resolve, 50) })
        return {
          inline: 'ran' in window,
          eval: attempt(() => Reflect.construct(Function, ['return 1'])),
          markup: attempt(() => { document.createElement('div').innerHTML = '<b>x</b>' }),
          policy: attempt(() => trustedTypes.createPolicy('other', {})),
        }
      })
      assert.deepEqual(outcome, { inline: false, eval: 'EvalError', markup: 'TypeError', policy: 'TypeError' })
    })

    test('refuses the network, frames and foreign pictures', async () => {
      const outcome = await page.evaluate(async () => {
        const violations: string[] = []
        document.addEventListener('securitypolicyviolation', (event) => { violations.push(event.effectiveDirective) })
        const fetched = await fetch('https://example.org/').then(() => 'done', () => 'refused')
        const own = await fetch('index.html').then(() => 'done', () => 'refused')
        const picture = new Image()
        const loaded = new Promise((resolve) => {
          picture.onload = () => { resolve('done') }
          picture.onerror = () => { resolve('refused') }
        })
        picture.src = 'https://example.org/x.png'
        const frame = document.createElement('iframe')
        frame.src = 'https://example.org/'
        document.body.append(frame)
        const answers = [fetched, own, await loaded]
        await new Promise((resolve) => { setTimeout(resolve, 50) })
        frame.remove()
        return { answers, violations: violations.sort() }
      })
      assert.deepEqual(outcome, {
        answers: ['refused', 'refused', 'refused'],
        violations: ['connect-src', 'connect-src', 'frame-src', 'img-src'],
      })
    })

    test('lets styles through that scripts set by CSSOM, and no style attribute from markup', async () => {
      const widths = await page.evaluate(() => {
        const byObject = document.createElement('div')
        byObject.style.width = '123px'
        byObject.style.cssText += 'height: 5px'
        const byAttribute = document.createElement('div')
        byAttribute.setAttribute('style', 'width: 123px')
        document.body.append(byObject, byAttribute)
        const widths = [byObject, byAttribute].map((element) => getComputedStyle(element).width === '123px')
        byObject.remove()
        byAttribute.remove()
        return widths
      })
      assert.deepEqual(widths, [true, false])
    })
  })

  describe('navigation and popups', () => {
    test('the page stays where it is, whatever asks for another address', async () => {
      const asked: string[] = []
      const contents = running.standin.electron.app as unknown as { windows: Set<{ webContents: WebContents }> }
      for (const window of contents.windows) {
        window.webContents.on('will-frame-navigate', (event) => { asked.push(event.url) })
      }
      const address = page.url()
      await page.evaluate(() => { location.href = 'https://example.org/by-script' })
      await until('nobody was asked', () => asked.length === 1)
      await page.evaluate(() => {
        const link = document.createElement('a')
        link.href = 'https://example.org/by-link'
        document.body.append(link)
        link.click()
        link.remove()
      })
      await until('nobody was asked', () => asked.length === 2)
      await page.evaluate(() => { location.href = 'assets/../other.html' })
      await until('nobody was asked', () => asked.length === 3)
      assert.deepEqual(asked, ['https://example.org/by-script', 'https://example.org/by-link', `${origin}other.html`])
      assert.equal(page.url(), address)
      assert.equal((await invoke(page, 'app.open', {}) as { ok: boolean }).ok, true)
    })

    test('window.open and links to a new window open nothing', async () => {
      await page.evaluate(() => { window.open('https://example.org/') })
      await page.evaluate(() => {
        const link = document.createElement('a')
        link.href = 'https://example.org/'
        link.target = '_blank'
        document.body.append(link)
        link.click()
        link.remove()
      })
      await wait(200)
      await until('a second window stayed open', () => page.context().pages().length === 1)
      assert.equal((await invoke(page, 'app.open', {}) as { ok: boolean }).ok, true)
    })
  })

  test('permissions are denied, but for putting text on the clipboard', async () => {
    const states = await page.evaluate(async () => {
      const names = ['geolocation', 'notifications', 'camera', 'microphone', 'clipboard-read', 'clipboard-write', 'midi']
      const states: Record<string, string> = {}
      for (const name of names) {
        states[name] = (await navigator.permissions.query({ name: name as PermissionName })).state
      }
      return states
    })
    assert.deepEqual(states, {
      'geolocation': 'denied', 'notifications': 'denied', 'camera': 'denied', 'microphone': 'denied',
      'clipboard-read': 'denied', 'clipboard-write': 'granted', 'midi': 'denied',
    })
  })

  test('a camera is allowed while the page shows its reader of QR codes, and nothing that listens', async () => {
    const states = (): Promise<readonly string[]> => page.evaluate(async () => {
      const names = ['camera', 'microphone'] as PermissionName[]
      const states = await Promise.all(names.map((name) => navigator.permissions.query({ name })))
      return states.map(({ state }) => state)
    })
    assert.deepEqual(await invoke(page, 'reader.open', { open: true }), { ok: true, value: { screen: false } })
    assert.deepEqual(await states(), ['granted', 'denied'])
    await invoke(page, 'reader.open', { open: false })
    assert.deepEqual(await states(), ['denied', 'denied'])
    // A page that begins anew has no reader yet.
    await invoke(page, 'reader.open', { open: true })
    await invoke(page, 'app.open', {})
    assert.deepEqual(await states(), ['denied', 'denied'])
    assert.deepEqual(fixture.asked.filter(({ name }) => name === 'reader.open'), [], 'the shell answers')
  })
})

for (const packaged of [false, true]) {
  test(`the window is made with every protection on, ${packaged ? 'and in the packed app without tools for developers' : 'run from its source'}`, async () => {
    const folder = await temporaryData()
    const fixture = newFixture()
    const standin = await newStandin(folder.data)
    Object.defineProperty(standin.electron.app, 'isPackaged', { value: packaged })
    const made: WindowOptions[] = []
    const { BrowserWindow } = standin.electron
    const electron = { ...standin.electron, BrowserWindow: class extends BrowserWindow {
      constructor(options: WindowOptions) { super(options); made.push(options) }
    } }
    await fixture.start(electron, { args: ['--data', folder.data] })
    standin.electron.app.quit()
    await standin.exited
    await folder.remove()
    const { preload, partition, ...preferences } = made[0]?.webPreferences ?? assert.fail('no window was made')
    assert.deepEqual(preferences, {
      sandbox: true, contextIsolation: true, nodeIntegration: false, webviewTag: false, spellcheck: false,
      devTools: !packaged,
    })
    assert.equal(preload, path.join(built, 'preload', 'index.cjs'))
    assert.ok(!partition.startsWith('persist:'), 'Chromium would keep its own files of the session')
  })
}

describe('the file map of app://', () => {
  const files = readFileMap(path.join(built, 'renderer'))
  const status = (url: string, method = 'GET'): number => serve(files, new Request(url, { method })).status

  test('holds the start page and serves it with its type', async () => {
    const response = serve(files, new Request(`${origin}index.html`))
    assert.equal(response.status, 200)
    assert.equal(response.headers.get('content-type'), 'text/html; charset=utf-8')
    assert.match(await response.text(), /<!doctype html>/i)
  })

  test('answers 404 to everything else, with the policy on that too', () => {
    for (const address of ['', 'index.html?x', 'INDEX.HTML', 'none.js', '../preload/index.cjs', '%2e%2e/package.json',
      '..%2fpackage.json', 'index.html/', 'assets', './/index.html']) {
      assert.equal(status(origin + address), 404, address)
    }
    assert.equal(status('app://other/index.html'), 404)
    assert.equal(status(`${origin}index.html`, 'POST'), 404)
    const response = serve(files, new Request(`${origin}none.js`))
    assert.equal(response.headers.get('content-security-policy'), contentSecurityPolicy)
  })
})

describe('the invoke channel', () => {
  type Listener = (event: InvokeEvent, ...values: unknown[]) => unknown
  const contents = {} as WebContents
  const own: InvokeEvent = { sender: contents, senderFrame: { url: `${origin}index.html`, parent: null } }
  const bind = (): { listener: Listener, handled: string[], reports: string[] } => {
    const handled: string[] = []
    const reports: string[] = []
    let listener: Listener = () => assert.fail('no listener was bound')
    const ipcMain: IpcMain = { handle: (_channel, bound) => { listener = bound } }
    bindCalls({
      ipcMain, contents, origin, report: (line) => { reports.push(line) },
      handle: (name) => {
        handled.push(name)
        if (name === 'conversation.draft') throw new TypeError('cannot read properties of undefined')
        return Promise.resolve({ ok: true, value: undefined as never })
      },
    })
    return { listener, handled, reports }
  }

  test('answers only the top frame of the own window on the own page', async () => {
    const { listener, handled } = bind()
    const foreign: readonly InvokeEvent[] = [
      { sender: {}, senderFrame: own.senderFrame },
      { sender: contents, senderFrame: null },
      { sender: contents, senderFrame: { url: `${origin}index.html`, parent: {} } },
      { sender: contents, senderFrame: { url: 'https://example.org/', parent: null } },
      { sender: contents, senderFrame: { url: 'app://coppice.example.org/', parent: null } },
      { sender: contents, senderFrame: { url: 'about:blank', parent: null } },
    ]
    for (const event of foreign) {
      assert.deepEqual(await listener(event, 'app.open', {}), { ok: false, code: 'not-allowed' })
    }
    assert.deepEqual(handled, [])
    assert.deepEqual(await listener(own, 'app.open', {}), { ok: true, value: undefined })
  })

  test('refuses names outside the table and arguments that its checks refuse', async () => {
    const { listener, handled } = bind()
    const wrong: readonly (readonly unknown[])[] = [
      [], ['app.open'], ['app.close', {}], ['constructor', {}], ['__proto__', {}], [{}, {}], [['app.open'], {}],
      ['app.open', { extra: 1 }], ['app.open', []], ['app.open', null], ['app.open', new Date()],
      ['profile.rename', {}], ['profile.rename', { name: '' }], ['profile.rename', { name: 'x'.repeat(81) }],
      ['profile.rename', { name: 7 }], ['conversation.leave', { conversation: '../../etc' }],
      ['message.send', { conversation: hexId, key: hexId, text: 'x'.repeat(20_001) }],
      ['entries.page', { conversation: hexId, before: -1, limit: 10 }],
      ['entries.page', { conversation: hexId, before: 0, limit: 0.5 }],
      ['conversation.add', { conversation: hexId, people: 'all', invites: [] }],
    ]
    for (const values of wrong) {
      assert.deepEqual(await listener(own, ...values), { ok: false, code: 'bad-argument' }, JSON.stringify(values))
    }
    assert.deepEqual(handled, [])
  })

  test('turns a bug into a code, and reports it without the argument', async () => {
    const { listener, reports } = bind()
    const answer = await listener(own, 'conversation.draft', { conversation: hexId, text: 'a secret plan' })
    assert.deepEqual(answer, { ok: false, code: 'bug' })
    assert.equal(reports.length, 1)
    assert.match(reports[0] ?? '', /bug in the call conversation\.draft: TypeError/)
    assert.doesNotMatch(reports[0] ?? '', /secret plan/)
  })
})
