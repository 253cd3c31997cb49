/** The pages about this computer, and the help: what they ask, and that the keyboard reaches everything. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { after, afterEach, before, describe, test } from 'node:test'
import type { Page } from 'playwright-core'
import type { ShellSettings } from '../../preload/api.ts'
import { licences } from '../../renderer/licences.ts'
import { root } from './harness.ts'
import { shell } from './ui-samples.ts'
import { newStage } from './ui-window.ts'

const stage = newStage()
before(() => stage.open())
after(() => stage.close())
afterEach(() => stage.check())

const open = async (page: Page, name: string): Promise<void> => {
  await page.getByRole('button', { name: 'Settings' }).click()
  await page.getByRole('button', { name: `Show… (${name})` }).click()
}
const focused = (page: Page): Promise<string> => page.evaluate(() => document.activeElement?.textContent.trim() ?? '')

describe('the pages about this computer', () => {
  test('notifications: how much they say, quiet for a while, and flashing', async () => {
    const { page, bridge } = await stage.show()
    await open(page, 'notifications')
    const asked = (): ShellSettings | undefined => bridge.argumentsOf('shell.change').at(-1)?.settings
    await page.getByRole('radio', { name: /Who writes, and what/ }).check()
    assert.equal(asked()?.notifications, 'text')
    await page.getByRole('radio', { name: /That there is a message/ }).check()
    assert.equal(asked()?.notifications, 'bare')
    await page.getByRole('switch', { name: 'Flash in the task bar' }).check()
    assert.deepEqual([asked()?.flash, asked()?.notifications], [true, 'bare'], 'the others stay')
    await page.getByRole('button', { name: 'For 1 hour' }).click()
    await page.getByText(/^Until .*13:0/).waitFor()
    await page.getByRole('button', { name: 'End it now' }).click()
    assert.equal(asked()?.quietUntil, 0)
    await page.getByRole('button', { name: 'Until tomorrow' }).click()
    const until = new Date(asked()?.quietUntil ?? 0)
    assert.deepEqual([until.getUTCDate(), until.getUTCHours()], [12, 8])
    // What the tray changes is seen here.
    bridge.push({ shell: { state: { ...shell, settings: { ...shell.settings, notifications: 'off' } } } })
    await page.getByRole('radio', { name: /Nothing/, checked: true }).waitFor()
  })

  test('network: half a place is not used, and what was refused is not shown as chosen', async () => {
    const { page, bridge } = await stage.show()
    await open(page, 'network')
    await page.getByRole('radio', { name: /Through Tor/ }).check()
    await page.getByText('This is the way now.').waitFor()
    assert.deepEqual(bridge.argumentsOf('shell.change').at(-1)?.settings.proxy, { mode: 'tor', host: '', port: 0 })
    await page.getByRole('radio', { name: /SOCKS5/ }).check()
    assert.equal(bridge.argumentsOf('shell.change').length, 1, 'a place is missing yet')
    bridge.answers['shell.change'] = () => ({ ok: false, code: 'proxy-malformed' })
    await page.getByLabel('Port', { exact: true }).fill('99999')
    await page.getByRole('button', { name: 'Use this proxy' }).click()
    await page.getByText('This is no place of a proxy').waitFor()
    delete bridge.answers['shell.change']
    await page.getByLabel('Name or address').fill(' proxy.example ')
    await page.getByLabel('Port', { exact: true }).fill('1080')
    await page.keyboard.press('Enter')
    await page.getByText('This is the way now.').waitFor()
    assert.deepEqual(bridge.shell.settings.proxy, { mode: 'socks5', host: 'proxy.example', port: 1080 })
    bridge.answers['shell.change'] = () => ({ ok: true, value: bridge.shell })
    await page.getByRole('radio', { name: /As this computer does/ }).click()
    await page.getByRole('radio', { name: /SOCKS5/, checked: true }).waitFor()
  })

  test('spelling begins with a language that is there, and is out of reach where there is none', async () => {
    const { page, bridge } = await stage.show()
    await open(page, 'spelling')
    await page.getByRole('switch', { name: 'Check spelling' }).check()
    await page.getByRole('checkbox', { name: 'British English', checked: true }).waitFor()
    await page.getByRole('checkbox', { name: 'German' }).check()
    assert.deepEqual(bridge.shell.settings.languages, ['en-GB', 'de'])
    const none = await stage.show({ shell: { ...shell, dictionaries: [] } })
    await open(none.page, 'spelling')
    assert.ok(await none.page.getByRole('switch', { name: 'Check spelling' }).isDisabled())
  })

  test('a setting that cannot be kept says so', async () => {
    const { page, bridge } = await stage.show()
    await open(page, 'starting, tray and screen')
    bridge.answers['shell.change'] = () => ({ ok: false, code: 'settings-not-kept' })
    await page.getByRole('switch', { name: 'Go on in the tray' }).click()
    await page.getByText('This could not be kept on this computer').waitFor()
  })
})

describe('the help', () => {
  test('opens by a key in every phase, walks by keys, and leads to the report', async () => {
    for (const phase of [{ at: 'new', keychain: 'ok' }, { at: 'locked', need: 'passphrase', words: true }] as const) {
      const { page } = await stage.show({ phase })
      await page.getByRole('button').first().waitFor()
      await page.keyboard.press('F1')
      await page.getByRole('heading', { name: 'Not protected' }).waitFor()
      await page.keyboard.press('Escape')
      await page.getByRole('heading', { name: 'Not protected' }).waitFor({ state: 'hidden' })
    }
    const { page } = await stage.show()
    await page.getByRole('button', { name: 'Settings' }).waitFor()
    await page.keyboard.press('Control+/')
    await page.getByText('Walk through the list').waitFor()
    assert.equal(await focused(page), 'What is protected')
    await page.keyboard.press('Tab')
    await page.keyboard.press('Tab')
    await page.keyboard.press('Enter')
    await page.getByText('Version 0.1.0').waitFor()
    await page.keyboard.press('Tab')
    assert.equal(await focused(page), 'Show the report')
    await page.keyboard.press('Enter')
    await page.getByRole('button', { name: 'Copy report' }).waitFor()
  })

  test('the menu opens its pages, but nothing over a dialog that somebody works in', async () => {
    const { page, bridge } = await stage.show()
    await page.getByRole('button', { name: 'Settings' }).waitFor()
    bridge.push({ shell: { command: 'about' } })
    await page.getByText('Version 0.1.0').waitFor()
    bridge.push({ shell: { command: 'new-chat' } })
    // A push takes its time to arrive.
    await new Promise((resolve) => { setTimeout(resolve, 300) })
    await page.keyboard.press('Escape')
    await page.getByText('Version 0.1.0').waitFor({ state: 'hidden' })
    assert.equal(await page.getByLabel('Paste an invite').count(), 0)
    bridge.push({ shell: { command: 'new-chat' } })
    await page.getByLabel('Paste an invite').waitFor()
    await page.keyboard.press('Escape')
    await page.getByLabel('Paste an invite').waitFor({ state: 'hidden' })
    bridge.push({ shell: { command: 'find' } })
    await page.waitForFunction(() => document.activeElement?.tagName === 'INPUT')
  })

  test('names what the app is made of, as docs/dependencies.md does', () => {
    const shipped = readFileSync(path.join(root, 'docs', 'dependencies.md'), 'utf8')
      .split('## Shipped')[1]?.split('What comes along')[0] ?? ''
    const rows = shipped.split('\n').map((line) => line.split('|').map((cell) => cell.trim()))
      .filter(([, name, place]) => name !== undefined && ['shell', 'native', 'main', 'window'].includes(place ?? ''))
      .map(([, name, , , licence]) => [name, licence])
    assert.ok(rows.length > 10)
    assert.deepEqual(licences, rows)
  })
})
