/** Removing a device that came before this one, over the scripted Bridge. */
import assert from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import type { Locator, Page } from 'playwright-core'
import { devicesPage } from './ui-device-scenes.ts'
import * as samples from './ui-samples.ts'
import { newStage } from './ui-window.ts'

const stage = newStage()
before(() => stage.open())
after(() => stage.close())
afterEach(() => stage.check())

const start = stage.show
const press = (within: Page | Locator, name: string): Promise<void> =>
  within.getByRole('button', { name, exact: true }).click()

test('removes an older device by the 24 words', async () => {
  const { page, bridge } = await start()
  await devicesPage(page)
  bridge.push({ devices: bridge.devices.map((each) =>
    each.name === 'Desk at home' ? { ...each, mayRevoke: false, mayGrant: false, trusted: true } : each) })
  await press(page, 'Remove with the 24 words: Desk at home')
  const dialog = page.getByRole('dialog', { name: 'Remove “Desk at home”?' })
  await dialog.getByText('only the recovery key may remove it').waitFor()
  bridge.answers['recovery.revoke'] = () => ({ ok: false, code: 'words-foreign' })
  await press(dialog, 'Remove')
  await dialog.getByText('All 24 words are needed.').waitFor()
  await dialog.getByLabel('The 24 words').fill(samples.recoveryWords.join(' '))
  await press(dialog, 'Remove')
  await dialog.getByText('These are the words of another account.').waitFor()
  delete bridge.answers['recovery.revoke']
  await press(dialog, 'Remove')
  await dialog.waitFor({ state: 'detached' })
  await page.getByRole('progressbar', { name: 'Desk at home' }).waitFor()
  assert.deepEqual(bridge.argumentsOf('recovery.revoke').at(-1),
    { words: samples.recoveryWords.join(' '), deviceId: samples.deviceId('Desk at home') })
})
