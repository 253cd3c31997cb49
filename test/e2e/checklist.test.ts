/**
 * Electron's security checklist (electronjs.org/docs/latest/tutorial/security), item by item in its order: what the app
 * asks of Electron, and what its page can do in a real browser engine.
 */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'
import type { Page } from 'playwright-core'
import type { WebContents, WindowOptions } from '../../main/electron.ts'
import { readAddress } from '../../main/shell/address.ts'
import { contentSecurityPolicy, origin, serve } from '../../main/window.ts'
import { StandinSession } from '../standin/session.ts'
import { newFixture } from './fixture.ts'
import { invoke, launchWith, root, temporaryData, until, type Running } from './harness.ts'

const projectFile = (name: string): string => readFileSync(path.join(root, name), 'utf8')

describe('Electron’s security checklist', () => {
  const fixture = newFixture()
  const made: WindowOptions[] = []
  const requests: string[] = []
  const screens = [{ id: 'screen:0', name: 'the first' }, { id: 'screen:1', name: 'the second' }] as const
  let folder: Awaited<ReturnType<typeof temporaryData>>
  let running: Running
  let page: Page
  before(async () => {
    folder = await temporaryData()
    running = await launchWith((electron, options) => {
      const { BrowserWindow } = electron
      return fixture.start({ ...electron, desktopCapturer: { getSources: async () => [...screens] }, BrowserWindow: class extends BrowserWindow {
        constructor(window: WindowOptions) { super(window); made.push(window) }
      } }, options)
    }, folder.data, 'first')
    page = running.page
    page.on('request', (request) => { requests.push(request.url()) })
  })
  after(async () => {
    await running.quit()
    await folder.remove()
  })
  const session = (): StandinSession => {
    const { electron } = running.standin
    const found = electron.session.fromPartition('coppice')
    return found instanceof StandinSession ? found : assert.fail('another session')
  }
  const preferences = (): Readonly<Record<string, unknown>> => made[0]?.webPreferences ?? assert.fail('no window was made')
  const fuses = (): string => projectFile('electron-builder.yml').split('electronFuses:')[1]?.split('\n\n')[0] ?? ''

  test('1. only load secure content', async () => {
    await page.reload()
    assert.ok(requests.length > 0)
    // Of the stand-in: app://coppice/ under the name that Chromium knows.
    assert.deepEqual(requests.filter((url) => !url.startsWith('https://coppice.app.invalid/')), [])
    assert.ok(!/https?:|ws:|\*/.test(contentSecurityPolicy), 'no foreign source is allowed')
  })

  test('2. no Node.js in the page', async () => {
    assert.equal(preferences()['nodeIntegration'], false)
    assert.deepEqual(await page.evaluate(() => ['require', 'process', 'module', 'global', 'Buffer'].filter((name) => name in window)), [])
  })

  test('3. context isolation', () => { assert.equal(preferences()['contextIsolation'], true) })

  test('4. process sandboxing', () => {
    assert.equal(preferences()['sandbox'], true)
    // For every renderer that could ever be made, and before there is one.
    const names = running.standin.calls.map(([name]) => name)
    assert.ok(names.includes('app.enableSandbox'))
    assert.ok(names.indexOf('app.enableSandbox') < names.indexOf('new BrowserWindow'))
  })

  test('5. session permission requests are handled', async () => {
    const asked = await page.evaluate(async () => ({
      place: await new Promise((resolve) => { navigator.geolocation.getCurrentPosition(() => { resolve('given') }, ({ code }) => { resolve(code) }) }),
      sound: await navigator.mediaDevices.getUserMedia({ audio: true }).then(() => 'given', (error: unknown) => (error as Error).name),
      note: await Notification.requestPermission(),
      clipboard: await navigator.clipboard.readText().then(() => 'given', (error: unknown) => (error as Error).name),
    }))
    assert.deepEqual(asked, { place: 1, sound: 'NotAllowedError', note: 'denied', clipboard: 'NotAllowedError' })
  })

  test('5. each of the two handlers denies by itself, but for what the clipboard and the reader of QR codes need', async () => {
    const { check, request } = session().handlers
    const names = ['clipboard-read', 'clipboard-sanitized-write', 'display-capture', 'fileSystem', 'fullscreen', 'geolocation', 'hid',
      'idle-detection', 'mediaKeySystem', 'midi', 'midiSysex', 'notifications', 'openExternal', 'pointerLock', 'serial',
      'storage-access', 'unknown', 'usb', 'window-management']
    const requested = (name: string, mediaTypes: readonly ('video' | 'audio')[] = []): boolean => {
      let granted: boolean | undefined
      request?.({} as WebContents, name, (answer) => { granted = answer }, { isMainFrame: true, mediaTypes })
      return granted ?? assert.fail('nobody answers')
    }
    const checked = (name: string, mediaType: 'video' | 'audio' | 'unknown' = 'unknown'): boolean =>
      check?.(null, name, origin, { isMainFrame: true, mediaType }) ?? assert.fail('nobody answers')
    const granted = (): readonly string[] => [
      ...names.filter((name) => requested(name)), ...names.filter((name) => checked(name)),
      ...([[], ['video'], ['audio'], ['video', 'audio']] as const).filter((types) => requested('media', types)).map(String),
      ...(['video', 'audio', 'unknown'] as const).filter((type) => checked('media', type)),
    ]
    const always = 'clipboard-sanitized-write'
    assert.deepEqual(granted(), [always, always])
    await invoke(page, 'reader.open', { open: true })
    assert.deepEqual(granted(), [always, 'display-capture', always, 'display-capture', 'video', 'video'])
    await invoke(page, 'reader.open', { open: false })
    assert.deepEqual(granted(), [always, always])
  })

  test('5. the screen is lent while the reader of QR codes is shown, and the first one alone', async () => {
    const lent = (): Promise<unknown> => new Promise((resolve) => { session().handlers.display?.({}, resolve) })
    assert.deepEqual(await lent(), {})
    assert.deepEqual(await invoke(page, 'reader.open', { open: true }), { ok: true, value: { screen: true } })
    assert.deepEqual(await lent(), { video: screens[0] })
    await invoke(page, 'reader.open', { open: false })
    assert.deepEqual(await lent(), {})
  })

  // The window's preferences are listed whole: none of the switches that weaken it is there under any value.
  for (const [item, name] of [['6. webSecurity is not disabled', 'webSecurity'],
    ['8. no insecure content is allowed', 'allowRunningInsecureContent'], ['9. no experimental features', 'experimentalFeatures'],
    ['10. no Blink features are switched on', 'enableBlinkFeatures']] as const) {
    test(item, () => {
      assert.ok(!(name in preferences()))
      assert.deepEqual(Object.keys(preferences()).sort(),
        ['contextIsolation', 'devTools', 'nodeIntegration', 'partition', 'preload', 'sandbox', 'spellcheck', 'webviewTag'])
    })
  }

  test('7. a content security policy', async () => {
    const response = await page.reload()
    assert.equal(response?.headers()['content-security-policy'], contentSecurityPolicy)
    // Whole, so that nothing is added or left out: base-uri, form-action and frame-ancestors fall back to nothing.
    assert.deepEqual(contentSecurityPolicy.split('; '), [
      "default-src 'none'", "script-src 'self'", "style-src 'self'", "img-src 'self' blob:", "font-src 'self'", "worker-src 'self'",
      "base-uri 'none'", "form-action 'none'", "frame-ancestors 'none'",
      "require-trusted-types-for 'script'", 'trusted-types svelte-trusted-html coppice-worker',
    ])
    const { headers } = serve(new Map(), new Request(`${origin}none`))
    assert.deepEqual(Object.fromEntries([...headers].filter(([name]) => name !== 'content-type')), {
      'content-security-policy': contentSecurityPolicy, 'x-content-type-options': 'nosniff', 'referrer-policy': 'no-referrer',
      'cross-origin-opener-policy': 'same-origin', 'cross-origin-resource-policy': 'same-origin', 'cache-control': 'no-store',
    })
  })

  test('11. and 12. no webview, whatever its options', async () => {
    assert.equal(preferences()['webviewTag'], false)
    const contents = [...(running.standin.electron.app as unknown as { windows: Set<{ webContents: WebContents & { emit: (name: string, event: object) => void } }> }).windows]
    let prevented = 0
    for (const { webContents } of contents) webContents.emit('will-attach-webview', { preventDefault: () => { prevented += 1 } })
    assert.equal(prevented, 1)
    assert.equal(await page.evaluate(() => document.createElement('webview').constructor.name), 'HTMLUnknownElement')
  })

  test('13. navigation is limited', async () => {
    const address = page.url()
    for (const target of ['https://example.org/', 'file:///etc/passwd', 'data:text/html,x', 'app://coppice/other.html']) {
      await page.evaluate((to) => { location.href = to }, target)
    }
    assert.equal((await invoke(page, 'app.open', {}) as { ok: boolean }).ok, true)
    assert.equal(page.url(), address)
  })

  test('14. no new windows', async () => {
    for (const { webContents } of (running.standin.electron.app as unknown as { windows: Set<{ webContents: { openHandler?: (details: { url: string }) => object } }> }).windows) {
      assert.deepEqual(webContents.openHandler?.({ url: 'https://example.org/' }), { action: 'deny' })
    }
    assert.equal(await page.evaluate(() => window.open(`${location.origin}/index.html`) === null), true)
  })

  test('15. shell.openExternal gets the web’s addresses only, and only after the person has said so', async () => {
    const { standin } = running
    const open = (address: string): Promise<unknown> => invoke(page, 'address.open', { address })
    for (const address of ['file:///etc/passwd', 'javascript:alert(1)', 'data:text/html,x', 'smb://host/share', 'ms-msdt:/id', 'vscode://x', 'mailto:a@b.example',
      'coppice:invite', 'app://coppice/index.html', '//example.org', '/etc/passwd', 'C:\\Windows\\calc.exe', 'https://', 'https://bank.example@evil.example/',
      'https://u:p@evil.example/', 'https://evil.example\\@bank.example/', 'https://exam\u202eple.org/', 'https://a\nb/', ' https://example.org/']) {
      assert.deepEqual(await open(address), { ok: false, code: 'address-refused' }, address)
    }
    assert.equal(standin.asked.length, 0)
    standin.answer = 0
    assert.deepEqual(await open('https://example.org/a?b#c'), { ok: true, value: undefined })
    assert.deepEqual(standin.browsed, [])
    const [question] = standin.asked
    assert.ok(question !== undefined)
    assert.deepEqual([question.defaultId, question.cancelId, question.buttons], [0, 0, ['Do not open', 'Open']])
    assert.match(question.detail, /https:\/\/example\.org\/a\?b#c/)
    standin.answer = 1
    await open('http://xn--bcher-kva.example/')
    // A name that looks like another one is asked about as what it is.
    await open('https://аррӏе.com/')
    assert.deepEqual(standin.browsed, ['http://xn--bcher-kva.example/', 'https://xn--80ak6aa92e.com/'])
    assert.match(standin.asked[1]?.detail ?? '', /not encrypted/)
    assert.equal(standin.asked[2]?.message, 'Open xn--80ak6aa92e.com in your browser?')
    // What is long is not shown whole, so that the name of the host stays where it is seen.
    await open(`https://example.org/${'a'.repeat(2_000)}`)
    assert.ok((standin.asked.at(-1)?.detail.length ?? 0) < 600)
    assert.ok(standin.browsed.join().endsWith('a'.repeat(2_000)))
    // A script of the page cannot pile questions up.
    const { dialog } = standin.electron
    const { showMessageBox } = dialog
    const waiting: ((click: { response: number }) => void)[] = []
    dialog.showMessageBox = () => new Promise((resolve) => { waiting.push(resolve) })
    const answers = page.evaluate(async () => {
      const bridge = (window as unknown as { coppice: { call: (name: string, argument: object) => Promise<{ ok: boolean }> } }).coppice
      return Promise.all(Array.from({ length: 50 }, () => bridge.call('address.open', { address: 'https://example.org/' })))
    })
    await until('nobody is asked', () => waiting.length > 0)
    assert.deepEqual(await open('https://example.org/'), { ok: false, code: 'not-ready' })
    waiting.forEach((click) => { click({ response: 1 }) })
    assert.equal((await answers).filter(({ ok }) => ok).length, 1)
    assert.equal(waiting.length, 1)
    dialog.showMessageBox = showMessageBox
    assert.equal(readAddress(`https://example.org/${'a'.repeat(2_000)}`)?.host, 'example.org')
    assert.deepEqual(fixture.asked.filter(({ name }) => name === 'address.open'), [], 'the shell answers')
  })

  test('16. a current version of Electron, pinned, the same for running and for packing', () => {
    const { devDependencies } = JSON.parse(projectFile('package.json')) as { devDependencies: Record<string, string> }
    assert.match(devDependencies['electron'] ?? '', /^\d+\.\d+\.\d+$/)
    assert.match(projectFile('electron-builder.yml'), new RegExp(`^electronVersion: ${devDependencies['electron'] ?? ''}$`, 'm'))
  })

  test('17. the sender of every message is looked at', () => {
    // One channel in all of main, bound in one place, whose check test/e2e/shell.test.ts plays.
    assert.match(projectFile('main/ipc.ts'), /if \(!isOwnPage\(event, contents, origin\)\) return refuse\('not-allowed'\)/)
    assert.doesNotMatch(projectFile('main/ipc.ts'), /ipcMain\.on\(/)
    assert.equal(projectFile('main/ipc.ts').split('ipcMain.handle(').length, 2)
  })

  test('18. no file: protocol, a protocol of its own instead', () => {
    assert.ok(page.url().startsWith('https://coppice.app.invalid/'))
    assert.equal(origin, 'app://coppice/')
    // Nothing that weakens it (bypassCSP, corsEnabled, allowServiceWorkers), and no session that Chromium keeps on the disk.
    const named = (name: string): readonly unknown[] => running.standin.calls.find(([each]) => each === name) ?? []
    assert.deepEqual(named('protocol.registerSchemesAsPrivileged'), ['protocol.registerSchemesAsPrivileged',
      [{ scheme: 'app', privileges: { standard: true, secure: true, codeCache: true } }]])
    assert.deepEqual(named('session.fromPartition'), ['session.fromPartition', 'coppice', { cache: false }])
    assert.match(fuses(), /grantFileProtocolExtraPrivileges: false/)
  })

  test('19. the fuses are set, each of them', () => {
    assert.deepEqual(Object.fromEntries(fuses().trim().split('\n').map((line) => line.trim().split(': '))), {
      runAsNode: 'false', enableCookieEncryption: 'true', enableNodeOptionsEnvironmentVariable: 'false',
      enableNodeCliInspectArguments: 'false', enableEmbeddedAsarIntegrityValidation: 'true', onlyLoadAppFromAsar: 'true',
      loadBrowserProcessSpecificV8Snapshot: 'false', grantFileProtocolExtraPrivileges: 'false', resetAdHocDarwinSignature: 'true',
    })
  })

  test('20. nothing of Electron is exposed to the page', async () => {
    const seen = await page.evaluate(() => {
      const bridge = (window as unknown as { coppice: object }).coppice
      let got: unknown[] = []
      ;(bridge as { onChange: (receive: (...all: unknown[]) => void) => void }).onChange((...all) => { got = all })
      Object.assign(window, { lastReceived: () => got.length })
      return { keys: Object.keys(bridge).sort(), types: Object.values(bridge).map((one) => typeof one), ipc: 'ipcRenderer' in window }
    })
    assert.deepEqual(seen, { keys: ['call', 'onChange'], types: ['function', 'function'], ipc: false })
    // Not even the event of a push, which would lead to ipcRenderer.
    fixture.show({ revision: 1 })
    await until('the Change did not arrive', async () => await page.evaluate(() => (window as unknown as { lastReceived: () => number }).lastReceived()) === 1)
  })
})

test('a script in the page finds no other way out of it', async (t) => {
  const folder = await temporaryData()
  const running = await launchWith(newFixture().start, folder.data, 'first')
  t.after(async () => {
    await running.quit()
    await folder.remove()
  })
  const outcome = await running.page.evaluate(async () => {
    const attempt = async (run: () => unknown): Promise<string> => {
      // What neither comes nor fails has not come.
      const silence = new Promise<string>((resolve) => { setTimeout(resolve, 1_000, 'silent') })
      try { return await Promise.race([Promise.resolve(run()).then(() => 'done'), silence]) } catch (error) { return (error as Error).name }
    }
    const opened = (url: string): Promise<string> => fetch(url).then(({ status }) => String(status), (error: unknown) => (error as Error).name)
    return {
      file: await opened('file:///etc/passwd'), package: await opened('../package.json'), preload: await opened('../preload/index.cjs'),
      socket: await attempt(() => new Promise((resolve, reject) => {
        const socket = new WebSocket('wss://example.org/')
        socket.onopen = resolve
        socket.onerror = () => { reject(new DOMException('refused', 'Refused')) }
      })),
      beacon: await attempt(() => new Promise((resolve, reject) => {
        document.addEventListener('securitypolicyviolation', () => { reject(new DOMException('refused', 'Refused')) }, { once: true })
        navigator.sendBeacon('https://example.org/', 'x')
        setTimeout(resolve, 500)
      })),
      service: await attempt(() => navigator.serviceWorker.register('worker.js')),
      worker: await attempt(() => new Promise((resolve, reject) => {
        const worker = new Worker(URL.createObjectURL(new Blob(['postMessage(1)'])))
        worker.onmessage = resolve
        worker.onerror = () => { reject(new DOMException('refused', 'Refused')) }
      })),
      module: await attempt(() => import(/* @vite-ignore */ ['data:text/javascript', 'export default 1'].join(','))),
      timer: await attempt(() => { (setTimeout as unknown as (code: string) => void)('window.ran = true') }),
      style: await attempt(() => {
        const style = document.createElement('style')
        style.append('body { background: url(https://example.org/) }')
        document.head.append(style)
        if (style.sheet !== null) return
        throw new DOMException('refused', 'Refused')
      }),
      plugin: await attempt(() => {
        const object = document.createElement('object')
        object.data = 'https://example.org/'
        document.body.append(object)
        return new Promise((resolve, reject) => { object.onload = resolve; object.onerror = () => { reject(new DOMException('refused', 'Refused')) } })
      }),
      base: await attempt(() => {
        const base = document.createElement('base')
        base.href = 'https://example.org/'
        document.head.append(base)
        if (!document.baseURI.startsWith('https://example.org/')) throw new DOMException('refused', 'Refused')
      }),
      form: await attempt(() => new Promise((resolve, reject) => {
        document.addEventListener('securitypolicyviolation', ({ effectiveDirective }) => {
          if (effectiveDirective === 'form-action') reject(new DOMException('refused', 'Refused'))
        })
        const form = document.createElement('form')
        form.action = 'https://example.org/'
        document.body.append(form)
        form.submit()
        setTimeout(resolve, 500)
      })),
      ran: 'ran' in window,
    }
  })
  assert.equal(outcome.ran, false)
  for (const [way, result] of Object.entries(outcome)) assert.ok(!['done', '200', true].includes(result), `${way}: ${String(result)}`)
})
