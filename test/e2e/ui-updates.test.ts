/** Updates in the settings, and from the page through the shell to a server and back. */
import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { after, afterEach, before, describe, test } from 'node:test'
import type { Page } from 'playwright-core'
import type { Answer, UpdateState } from '../../preload/api.ts'
import { installerFor } from '../../main/updates/install.ts'
import { UpdateServer } from '../updates/server.ts'
import { newFixture } from './fixture.ts'
import { invoke, launchWith, temporaryData } from './harness.ts'
import { ScriptedBridge } from './ui-bridge.ts'
import { newStage } from './ui-window.ts'

const press = (page: Page, name: string): Promise<void> => page.getByRole('button', { name, exact: true }).click()

describe('updates in the settings', () => {
  const stage = newStage()
  before(() => stage.open())
  after(() => stage.close())
  afterEach(() => stage.check())

  test('say who brings them, take the choice, and go from looking to installing', async () => {
    const { page, bridge } = await stage.show()
    await press(page, 'Settings')
    await page.getByRole('radio', { name: 'Ask' }).and(page.locator(':checked')).waitFor({ state: 'attached' })
    await page.getByText('Only what is signed by Coppice’s makers is taken').waitFor()
    await page.getByText('Automatic', { exact: true }).click()
    assert.deepEqual(bridge.argumentsOf('update.mode'), [{ mode: 'automatic' }])
    await page.getByText('and fetches it by itself').waitFor()

    bridge.update = { ...bridge.update, checkedAt: Date.now() }
    await press(page, 'Look now')
    await page.getByText(/^No newer version\. Looked /).waitFor()
    const tell = (update: Partial<UpdateState>): void => {
      bridge.update = { ...bridge.update, ...update }
      bridge.push({ shell: { update: bridge.update } })
    }
    const inDialog = (name: string): Promise<void> => page.getByRole('dialog').getByRole('button', { name, exact: true }).click()
    tell({ stage: 'offered', version: '0.2.0' })
    await inDialog('Fetch it')
    tell({ stage: 'fetching', done: 0.426 })
    await page.getByRole('dialog').getByText('Fetching version 0.2.0: 42 %').waitFor()
    await inDialog('Stop')
    assert.equal(bridge.argumentsOf('update.stop').length, 1)
    tell({ stage: 'ready' })
    await inDialog('Install it')
    tell({ stage: 'installed' })
    await page.getByText('Version 0.2.0 runs from the next start on.').waitFor()
    tell({ stage: 'idle', wrong: 'unsigned' })
    await page.getByText('somebody may be trying to give you another program').waitFor()
    assert.equal(bridge.argumentsOf('update.install').length, 1)
  })

  test('are said beside the chats, where they can be had at once; what comes by itself is not', async () => {
    const bridge = new ScriptedBridge()
    bridge.update = { ...bridge.update, stage: 'offered', version: '0.2.0' }
    const { page } = await stage.show(bridge)
    const news = page.getByRole('complementary', { name: 'Updates' })
    await news.getByText('Version 0.2.0 is there.').waitFor()
    await news.getByRole('button', { name: 'Fetch it' }).click()
    assert.equal(bridge.argumentsOf('update.fetch').length, 1)
    const tell = (update: Partial<UpdateState>): void => {
      bridge.update = { ...bridge.update, ...update }
      bridge.push({ shell: { update: bridge.update } })
    }
    tell({ stage: 'fetching', done: 0.4 })
    await news.getByRole('button', { name: 'Stop' }).click()
    assert.equal(bridge.argumentsOf('update.stop').length, 1)
    tell({ stage: 'ready' })
    await news.getByRole('button', { name: 'Install it' }).waitFor()
    for (const quiet of [{ stage: 'installed' }, { stage: 'fetching', mode: 'automatic' }, { stage: 'idle', mode: 'ask' }] as const) {
      tell(quiet)
      await news.waitFor({ state: 'detached' })
      tell({ stage: 'ready' })
      await news.waitFor()
    }
  })

  test('where somebody else keeps the app new, there is nothing to choose', async () => {
    const { page, bridge } = await stage.show()
    bridge.update = { keeper: 'system', mode: 'ask', stage: 'idle' }
    await press(page, 'Settings')
    await page.getByText('The app itself asks nobody.').waitFor()
    assert.equal(await page.getByRole('button', { name: 'Look now' }).count(), 0)
  })
})

test('a Call of the page looks, fetches and installs; the choice is kept beside the profiles', async (t) => {
  const server = new UpdateServer()
  const address = await server.open()
  t.after(() => server.close())
  const { data, remove } = await temporaryData()
  t.after(remove)
  const appImage = path.join(path.dirname(data), 'Coppice.AppImage')
  writeFileSync(appImage, 'the old version')
  const installer = installerFor({
    platform: 'linux', arch: 'x64', packaged: true, program: process.execPath, open: async () => '',
    environment: { APPIMAGE: appImage, APPDIR: path.dirname(process.execPath) },
  })
  assert.ok(installer !== undefined)
  const fixture = newFixture()
  fixture.updates = { source: { address, keys: [server.key.open] }, installer }
  const { page, quit } = await launchWith(fixture.start, data, 'anna')
  t.after(quit)
  const ask = async (name: 'state' | 'check' | 'fetch' | 'install'): Promise<UpdateState> => {
    const answer = await invoke(page, `update.${name}`, {}) as Answer<UpdateState>
    return answer.ok ? answer.value : assert.fail(answer.code)
  }
  assert.deepEqual(await ask('state'), { keeper: 'self', mode: 'ask', stage: 'idle' })
  const bytes = server.release('99.0.0')
  assert.equal((await ask('check')).stage, 'offered')
  assert.equal((await ask('fetch')).stage, 'ready')
  assert.equal((await ask('install')).stage, 'installed')
  assert.ok(readFileSync(appImage).equals(bytes))
  await invoke(page, 'update.mode', { mode: 'off' })
  assert.equal((JSON.parse(readFileSync(path.join(data, 'updates', 'updates.json'), 'utf8')) as { mode: string }).mode, 'off')
  assert.deepEqual(await invoke(page, 'update.mode', { mode: 'always' }), { ok: false, code: 'bad-argument' })
  assert.deepEqual(fixture.asked.filter(({ name }) => name.startsWith('update.')), [], 'the shell answers')
})
