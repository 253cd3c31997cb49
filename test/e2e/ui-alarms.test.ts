/** From whatever says that something is wrong with a device to what can be done about it, over the scripted Bridge. */
import assert from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import type { Locator, Page } from 'playwright-core'
import * as samples from './ui-samples.ts'
import { newStage } from './ui-window.ts'

const stage = newStage()
before(() => stage.open())
after(() => stage.close())
afterEach(() => stage.check())

const press = (within: Page | Locator, name: string): Promise<void> =>
  within.getByRole('button', { name, exact: true }).click()

test('the list of devices is one click from an alarm, a refused request, and a chat whose codes differ', async () => {
  const { page, bridge } = await stage.show({ conversations: samples.sampleConversations.map((each) =>
    each.id === samples.river.id ? { ...each, codeDiffers: samples.deviceId('Work laptop') } : each) })
  for (const code of ['code-differs', 'veto-told', 'device-stolen', 'devices-split'] as const) {
    bridge.push({ notice: { code } })
    const notices = page.getByRole('status', { name: 'Notices' })
    await press(notices, 'Devices')
    await page.getByRole('dialog', { name: 'Your devices' }).waitFor()
    assert.equal(await notices.getByRole('button').count(), 0)
    await page.keyboard.press('Escape')
  }
  bridge.push({ notice: { code: 'delivery-unreachable' } })
  await page.getByText('Messages cannot be fetched or sent right now.').waitFor()
  assert.equal(await page.getByRole('status', { name: 'Notices' }).getByRole('button', { name: 'Devices' }).count(), 0)
  await page.getByRole('button', { name: /^River garden/ }).click()
  await press(page.getByRole('complementary', { name: 'About this chat' }), 'Devices')
  await page.getByRole('dialog', { name: 'Your devices' }).waitFor()
})
