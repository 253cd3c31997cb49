/** Menus, tray, badge and notifications: what the app asks of the `electron` module, and what it does when they are used. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { after, before, beforeEach, describe, test } from 'node:test'
import type { Answer, Conversation, NotificationLevel, ShellCommand, ShellSettings, ShellState } from '../../preload/api.ts'
import { trayImage } from '../../main/shell/icon.ts'
import { applicationMenu } from '../../main/shell/menu.ts'
import type { Zoom } from '../../main/shell/place.ts'
import { tomorrow } from '../../main/shell/tray.ts'
import { createDesktop, StandinImage, StandinMenu } from '../standin/desktop.ts'
import type { Recorded } from '../standin/frame.ts'
import { newFixture, type Fixture } from './fixture.ts'
import { invoke, launchWith, root, temporaryData, until, wait, type Running } from './harness.ts'
import * as samples from './ui-samples.ts'

const gatherMs = 500

/** One app that is open, on one system; its Changes are the test's. */
function stage(platform: NodeJS.Platform) {
  const fixture: Fixture = newFixture()
  fixture.platform = platform
  let folder: Awaited<ReturnType<typeof temporaryData>>
  let running: Running
  let revision = 0
  const show = (more: Omit<Parameters<Fixture['show']>[0], 'revision'>): void => { fixture.show({ revision: ++revision, ...more }) }
  before(async () => {
    folder = await temporaryData()
    running = await launchWith(fixture.start, folder.data, 'anna')
    show({ phase: { at: 'ready', me: samples.me }, conversations: chats })
    running.standin.window().blur()
  })
  after(async () => {
    await running.quit()
    await folder.remove()
  })
  return {
    fixture, show,
    get revision() { return revision },
    get standin() { return running.standin },
    get page() { return running.page },
    /** What was asked for since this was last called, of these names. */
    calls: (...names: readonly string[]): readonly Recorded[] => {
      const { calls } = running.standin
      return calls.splice(0).filter(([name]) => names.some((each) => name.startsWith(each)))
    },
    settle: async (more: Partial<ShellSettings>): Promise<void> => {
      const state = await invoke(running.page, 'shell.settings', {}) as Answer<ShellState>
      assert.ok(state.ok)
      const answer = await invoke(running.page, 'shell.change', { settings: { ...state.value.settings, ...more } })
      assert.equal((answer as Answer<unknown>).ok, true)
    },
    say: async (conversation: Conversation, text: string): Promise<Conversation> => {
      const from = conversation.people.find(({ own }) => !own)?.accountId ?? ''
      const said = { ...conversation, unread: conversation.unread + 1, last: { at: 1, text, from, own: false } }
      show({ conversations: [said] })
      await wait(gatherMs)
      return said
    },
  }
}

const direct = samples.conversation('Mara', { unread: 0 })
const group = samples.conversation('Rowing', {
  kind: 'group', unread: 0, people: [samples.person('Jonas'), samples.person('Robin')],
})
const muted = samples.conversation('Noise', { unread: 0, muted: true })
const chats = [direct, group, muted]

describe('menus', () => {
  const wishes = { packaged: true, open: true, writable: true, lockable: true }
  const made = (mac: boolean, more: Partial<typeof wishes> = {}) => {
    const acts: (ShellCommand | Zoom)[] = []
    const menu = new StandinMenu(applicationMenu({
      mac, ...wishes, ...more, act: (command) => { acts.push(command) }, zoom: (how) => { acts.push(how) },
    }), () => undefined)
    return { menu, acts }
  }

  test('have what each system has, where it has it', () => {
    const top = (mac: boolean) => made(mac).menu.entries.map(({ label }) => label)
    assert.deepEqual(top(true), ['Coppice', 'File', 'Edit', 'View', 'Window', 'Help'])
    assert.deepEqual(top(false), ['File', 'Edit', 'View', 'Window', 'Help'])
    const labelsOf = (mac: boolean, at: number) => made(mac).menu.entries[at]?.submenu?.map(({ label }) => label ?? '-')
    assert.deepEqual(labelsOf(true, 0), ['About Coppice', '-', 'Settings…', 'Lock', '-', 'Services', '-', 'Hide Coppice',
      'Hide others', 'Show all', '-', 'Quit Coppice'])
    assert.deepEqual(labelsOf(true, 1), ['New chat…', 'New group…', '-', 'Close window'])
    assert.deepEqual(labelsOf(false, 0), ['New chat…', 'New group…', '-', 'Settings…', 'Lock', '-', 'Quit Coppice'])
    assert.deepEqual(labelsOf(false, 4), ['What is protected', 'Shortcuts', 'Report…', '-', 'About Coppice'])
  })

  test('do what they say, each by a key of its own', () => {
    for (const mac of [true, false]) {
      const { menu, acts } = made(mac)
      for (const label of ['New chat…', 'New group…', 'Settings…', 'Lock', 'Find', 'What is protected', 'Shortcuts',
        'Report…', 'About Coppice', 'Larger', 'Smaller', 'Normal size']) menu.click(label)
      assert.deepEqual(acts, ['new-chat', 'new-group', 'settings', 'lock', 'find', 'help', 'shortcuts', 'report', 'about',
        'in', 'out', 'reset'])
      const keys = menu.all.flatMap(({ accelerator }) => accelerator ?? [])
      assert.equal(new Set(keys).size, keys.length)
      assert.ok(menu.all.every(({ role, click, submenu, type }) => [role, click, submenu, type].some(Boolean)))
    }
  })

  test('offer nothing that cannot be done, and no tools for developers in the packaged app', () => {
    const { menu } = made(false, { open: false, writable: false, lockable: false })
    const off = menu.all.filter(({ enabled }) => enabled === false).map(({ label }) => label)
    assert.deepEqual(off, ['New chat…', 'New group…', 'Settings…', 'Lock', 'Find', 'Report…'])
    const roles = (packaged: boolean) => made(false, { packaged }).menu.all.map(({ role }) => role)
    assert.ok(!roles(true).includes('toggleDevTools') && !roles(true).includes('reload'))
    assert.ok(roles(false).includes('toggleDevTools'))
  })
})

describe('pictures that are drawn', () => {
  test('differ when something is new, and macOS gets black and clear alone', () => {
    const { module: { nativeImage } } = createDesktop(() => undefined)
    const draw = (mac: boolean, unread: boolean): StandinImage => {
      const image = trayImage(nativeImage, { mac, unread })
      assert.ok(image instanceof StandinImage)
      return image
    }
    assert.notDeepEqual(draw(false, true).pixels, draw(false, false).pixels)
    const { pixels, template } = draw(true, true)
    assert.equal(template, true)
    assert.ok(pixels.every((part, at) => at % 4 === 3 || part === 0))
    for (const image of [draw(false, false), draw(true, false)]) {
      const shown = image.pixels.filter((part, at) => at % 4 === 3 && part > 0).length / image.size ** 2
      assert.ok(shown > 0.2 && shown < 0.9, String(shown))
      // Colours are multiplied by alpha, so none is brighter.
      assert.ok(image.pixels.every((part, at) => part <= (image.pixels[at - at % 4 + 3] ?? 0)))
    }
  })
})

describe('on Linux', () => {
  const at = stage('linux')
  beforeEach(async () => {
    await invoke(at.page, 'shell.shown', { conversation: '' })
    at.show({ conversations: chats })
    await at.settle({ notifications: 'name', quietUntil: 0, tray: false, flash: false })
    at.standin.window().blur()
    at.calls()
  })

  test('a menu is set, whose entries reach the page and bring the window to the front', async () => {
    await at.page.evaluate(() => { document.title = '' })
    await at.page.waitForFunction(() => document.body.innerText.includes('Rowing'))
    at.standin.menu().click('Settings…')
    await at.page.getByRole('heading', { name: 'Settings' }).waitFor()
    assert.deepEqual(at.calls('window'), [['window.show'], ['window.focus']])
    await at.page.keyboard.press('Escape')
    at.standin.menu().click('Larger')
    assert.deepEqual(at.calls('contents'), [['contents.setZoomLevel', 0.5]])
    at.standin.menu().click('Normal size')
  })

  test('a right click offers what can be done there', () => {
    const contents = at.standin.window().webContents
    const here = { isEditable: false, selectionText: '', misspelledWord: '', dictionarySuggestions: [] }
    contents.emit('context-menu', {}, here)
    contents.emit('context-menu', {}, { ...here, selectionText: 'oak' })
    contents.emit('context-menu', {}, { ...here, isEditable: true, misspelledWord: 'ook', dictionarySuggestions: ['oak'] })
    assert.deepEqual(at.calls('menu'), [
      ['menu.popup', ['Copy']],
      ['menu.popup', ['oak', '-', 'Cut', 'Copy', 'Paste', 'Paste as plain text', '-', 'Select all']],
    ])
  })

  test('notifications say as much as is wanted, and never more', async () => {
    const shownAt = async (notifications: NotificationLevel): Promise<readonly unknown[]> => {
      await at.settle({ notifications })
      at.show({ conversations: chats })
      at.calls()
      await at.say(direct, 'the <b>key</b> &lt; under the mat')
      await at.say(group, 'at six')
      return at.calls('notification.show').map(([, ...said]) => said)
    }
    assert.deepEqual(await shownAt('off'), [])
    assert.deepEqual(await shownAt('bare'), [['Coppice', 'New message'], ['Coppice', 'New message']])
    assert.deepEqual(await shownAt('name'), [['Mara', 'New message'], ['Rowing', 'New message from Jonas']])
    // What would be markup to a desktop of Linux is none.
    assert.deepEqual(await shownAt('text'),
      [['Mara', 'the ‹b›key‹/b› ＆lt; under the mat'], ['Rowing', 'Jonas: at six']])
    assert.deepEqual(at.standin.notifications.slice(-2).map(({ options: { hasReply } }) => hasReply), [false, false], 'only macOS has it')
    await at.say({ ...group, unread: 1 }, `${'a'.repeat(239)}\u{1f333}${'b'.repeat(10_000)}`)
    assert.equal(at.standin.notifications.at(-1)?.options.body, `Jonas: ${'a'.repeat(239)}…`, 'no half of a sign')
    at.calls()
    await at.settle({ notifications: 'bare' })
    assert.deepEqual(at.calls('notification'), [['notification.close', 'Mara'], ['notification.close', 'Rowing']],
      'what says more than is wanted now is taken back')
  })

  test('one that is looked at, a muted one and the own words make no sound; another one does', async () => {
    await at.say(muted, 'noise')
    at.show({ conversations: [{ ...direct, unread: 1, last: { at: 1, text: 'mine', own: true } }] })
    await wait(gatherMs)
    at.standin.window().show()
    await invoke(at.page, 'shell.shown', { conversation: direct.id })
    await at.say(direct, 'seen')
    assert.deepEqual(at.calls('notification'), [])
    await at.say(group, 'elsewhere')
    assert.deepEqual(at.calls('notification'), [['notification.show', 'Rowing', 'New message from Jonas']])
    at.standin.window().blur()
    await at.say({ ...direct, unread: 5 }, 'not seen')
    assert.deepEqual(at.calls('notification'), [['notification.show', 'Mara', 'New message']])
  })

  test('of a request it says only that there is one, at every level', async () => {
    await at.settle({ notifications: 'text' })
    at.calls()
    const asked = samples.conversation('Mallory', { state: 'request', unread: 1, request: { from: 'x', byInvite: false } })
    await at.say(asked, 'buy this')
    assert.deepEqual(at.calls('notification'), [['notification.show', 'Coppice', 'Somebody wants to talk with you.']])
    at.show({ removedConversations: [asked.id] })
    assert.deepEqual(at.calls('notification'), [['notification.close', 'Coppice']], 'it was declined, here or elsewhere')
  })

  test('what was read elsewhere is withdrawn, also before it was shown', async () => {
    await at.say(group, 'one')
    at.show({ conversations: [{ ...group, unread: 0 }] })
    assert.deepEqual(at.calls('notification').map(([name]) => name), ['notification.show', 'notification.close'])
    at.show({ conversations: [{ ...direct, unread: 1, last: { at: 1, text: 'x', own: false } }] })
    at.show({ conversations: [direct] })
    await wait(gatherMs)
    assert.deepEqual(at.calls('notification'), [])
  })

  test('many at once are one for each chat, and sound once', async () => {
    let now = direct
    for (let times = 0; times < 50; times++) {
      now = { ...now, unread: times + 1, last: { at: times, text: String(times), own: false } }
      at.show({ conversations: [now] })
    }
    await wait(gatherMs)
    await at.say(now, 'the last')
    assert.deepEqual(at.standin.notifications.slice(-2).map(({ options: { silent } }) => silent), [false, true])
    assert.deepEqual(at.calls('notification').map(([name]) => name),
      ['notification.show', 'notification.close', 'notification.show'])
  })

  test('a click opens its chat', async () => {
    await at.say(group, 'come')
    const opened = at.page.evaluate(() => new Promise((resolve) => {
      (window as unknown as { coppice: { onChange: (f: (change: { shell?: unknown }) => void) => void } })
        .coppice.onChange(({ shell }) => { if (shell !== undefined) resolve(shell) })
    }))
    at.calls()
    at.standin.notifications.at(-1)?.emit('click')
    assert.deepEqual(at.calls('window', 'notification'), [['notification.close', 'Rowing'], ['window.show'], ['window.focus']])
    assert.deepEqual(await opened, { open: group.id })
    // The page that opened it goes, so that nothing is looked at.
    at.fixture.answers['app.open'] = { ok: true, value: {
      revision: at.revision, phase: { at: 'ready', me: samples.me }, profile: 'anna', version: '1', conversations: chats,
    } }
    const asked = at.fixture.asked.filter(({ name }) => name === 'app.open').length
    await at.page.reload()
    await until('the page did not come back', () =>
      at.fixture.asked.filter(({ name }) => name === 'app.open').length > asked)
    await wait(100)
  })

  test('a computer that came by the words is asked about once, also where it is quiet, and until somebody has answered', async () => {
    await at.settle({ quietUntil: Date.now() + 3_600_000 })
    at.calls()
    const devices = [...samples.ownDevices, samples.returned]
    for (let times = 0; times < 2; times++) at.show({ devices })
    assert.deepEqual(at.calls('notification'),
      [['notification.show', 'Was that you?', 'A computer came to your account with your 24 words.']])
    at.show({ devices: samples.ownDevices })
    assert.deepEqual(at.calls('notification'), [['notification.close', 'Was that you?']])
    await at.settle({ quietUntil: 0, notifications: 'off' })
    at.calls()
    at.show({ devices })
    assert.deepEqual(at.calls('notification'), [])
  })

  test('locking takes everything back, and says that alone', async () => {
    await at.settle({ notifications: 'text' })
    await at.say(group, 'secret')
    at.calls()
    at.show({ phase: { at: 'locked', need: 'passphrase', words: true }, removedConversations: chats.map(({ id }) => id) })
    await wait(gatherMs)
    assert.deepEqual(at.calls('notification'), [['notification.close', 'Rowing'], ['notification.show', 'Coppice is locked', '']])
    assert.equal(at.standin.menu().all.find(({ label }) => label === 'New chat…')?.enabled, false)
    at.show({ phase: { at: 'ready', me: samples.me }, conversations: [{ ...group, unread: 3 }, direct, muted] })
    await wait(gatherMs)
    assert.deepEqual(at.calls('notification'), [['notification.close', 'Coppice is locked']], 'what was there is no news')
  })

  test('the number at the icon counts what is not muted; the tray says it too, and can be quiet', async () => {
    await at.settle({ tray: true })
    assert.deepEqual(at.calls('new', 'tray'), [
      ['new Tray'], ['tray.setToolTip', 'Coppice'],
      ['tray.setContextMenu', ['Show Coppice', '-', 'Quiet for 1 hour', 'Quiet until tomorrow', '-', 'Lock', 'Quit Coppice']],
    ])
    at.show({ conversations: [{ ...group, unread: 2 }, { ...muted, unread: 9 }] })
    assert.deepEqual(at.calls('app', 'tray'),
      [['app.setBadgeCount', 2], ['tray.setToolTip', 'Coppice: 2 new messages'], ['tray.setImage']])
    at.standin.tray().emit('click')
    assert.deepEqual(at.calls('window'), [['window.show'], ['window.focus']])
    at.standin.window().blur()

    const before = Date.now()
    at.standin.tray().menu?.click('Quiet for 1 hour')
    const state = await invoke(at.page, 'shell.settings', {}) as Answer<ShellState>
    assert.ok(state.ok)
    const until = state.value.settings.quietUntil - before - 3_600_000
    assert.ok(until >= 0 && until < 5_000)
    await at.settle({ flash: true })
    at.calls()
    await at.say(direct, 'psst')
    assert.deepEqual(at.calls('notification', 'window'), [], 'it is quiet, and counts all the same')
    at.standin.tray().menu?.click('No longer quiet')
    await at.say({ ...direct, unread: 4 }, 'loud')
    assert.deepEqual(at.calls('notification', 'window'),
      [['window.flashFrame', true], ['notification.show', 'Mara', 'New message']])
    at.standin.window().show()
    assert.deepEqual(at.calls('window.flashFrame'), [['window.flashFrame', false]])
    await at.settle({ tray: false, flash: false })
    assert.deepEqual(at.calls('tray.destroy'), [['tray.destroy']])
  })

  test('quiet ends by itself, and until tomorrow means until the morning', async () => {
    await at.settle({ quietUntil: Date.now() + 800 })
    await at.say(direct, 'early')
    assert.deepEqual(at.calls('notification'), [])
    await wait(500)
    await at.say({ ...direct, unread: 2 }, 'late')
    assert.equal(at.calls('notification').length, 1)
    const night = new Date(2026, 9, 24, 23, 30).getTime()
    assert.deepEqual(new Date(tomorrow(night)), new Date(2026, 9, 25, 8, 0))
  })
})

describe('on macOS a notification takes a reply', () => {
  const at = stage('darwin')

  test('which is sent like any message, or waits as the draft', async () => {
    await at.say(direct, 'lunch?')
    const notification = at.standin.notifications.at(-1)
    assert.equal(notification?.options.hasReply, true)
    assert.equal(notification.options.replyPlaceholder, 'Reply')
    notification.emit('reply', { reply: 'at one' })
    await until('nothing was sent', () => at.fixture.asked.some(({ name }) => name === 'message.send'))
    const sent = at.fixture.asked.find(({ name }) => name === 'message.send')?.argument as Record<string, string>
    assert.deepEqual([sent['conversation'], sent['text'], /^[0-9a-f]{32}$/.test(sent['key'] ?? '')], [direct.id, 'at one', true])

    at.fixture.answers['message.send'] = { ok: false, code: 'conversation-closed' }
    at.fixture.answers['conversation.draft'] = { ok: true, value: undefined }
    at.show({ conversations: [{ ...direct, draft: 'begun', unread: 0 }] })
    at.standin.notifications.at(-1)?.emit('reply', { reply: 'or two' })
    await until('the draft is not kept', () => at.fixture.asked.some(({ name }) => name === 'conversation.draft'))
    assert.deepEqual(at.fixture.asked.at(-1)?.argument, { conversation: direct.id, text: 'begun\nor two' })
    await until('nobody is told', () => at.standin.notifications.at(-1)?.options.body.startsWith('Your reply was not sent') === true)
    assert.equal(at.fixture.asked.filter(({ name }) => name === 'message.send').length, 2)

    await at.settle({ notifications: 'bare' })
    await at.say({ ...direct, unread: 4 }, 'again')
    assert.equal(at.standin.notifications.at(-1)?.options.hasReply, false, 'who does not see whom it goes to cannot answer')
  })
})

describe('on Windows', () => {
  const at = stage('win32')

  test('the task bar shows that something is new, and the app has the name of its installer', async () => {
    const config = readFileSync(path.join(root, 'electron-builder.yml'), 'utf8')
    assert.deepEqual(at.calls('app.setAppUserModelId'), [['app.setAppUserModelId', /^appId: (\S+)$/m.exec(config)?.[1]]])
    await at.say(direct, 'hello')
    at.show({ conversations: [direct] })
    assert.deepEqual(at.calls('app', 'window.setOverlayIcon'), [
      ['app.setBadgeCount', 1], ['window.setOverlayIcon', 'image', 'Coppice: 1 new message'],
      ['app.setBadgeCount', 0], ['window.setOverlayIcon', null, 'Coppice'],
    ])
    // Nothing stays on the screen when the app ends.
    await at.say({ ...direct, unread: 7 }, 'bye')
    at.calls()
    at.standin.app.emit('before-quit')
    assert.deepEqual(at.calls('notification'), [['notification.close', 'Mara']])
  })
})
