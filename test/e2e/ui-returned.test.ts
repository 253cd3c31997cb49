/** What a person sees of a device that came back by their 24 words, over the scripted Bridge. */
import assert from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import type { Locator, Page } from 'playwright-core'
import { ScriptedBridge } from './ui-bridge.ts'
import * as samples from './ui-samples.ts'
import { newStage } from './ui-window.ts'

const stage = newStage()
before(() => stage.open())
after(() => stage.close())
afterEach(() => stage.check())

const { returned } = samples
const press = (within: Page | Locator, name: string): Promise<void> =>
  within.getByRole('button', { name, exact: true }).click()

test('is asked above the list and in every chat, and a no leads on to what else there is to do', async () => {
  const { page, bridge } = await stage.show()
  bridge.push({ devices: [...samples.ownDevices, returned] })
  bridge.devices = [...samples.ownDevices, returned]
  const alert = page.getByRole('alert')
  await alert.getByText('Was that you?').waitFor()
  await alert.getByText(/“Another laptop” came to your account with your 24 words.*tomorrow at/).waitFor()
  for (const title of ['River garden', 'Jonas']) {
    await page.getByRole('button', { name: new RegExp(`^${title}`) }).click()
    await page.getByText(/comes into this chat tomorrow at .*Was that you\?/).waitFor()
  }
  assert.equal(await page.getByRole('button', { name: 'It was not me: Another laptop' }).count(), 2)
  await page.getByRole('button', { name: 'It was not me: Another laptop' }).first().click()
  await press(page.getByRole('alertdialog', { name: 'Refuse “Another laptop”?' }), 'Refuse it')
  assert.deepEqual(bridge.argumentsOf('devices.returned'), [{ deviceId: returned.deviceId, mine: false }])
  const dialog = page.getByRole('dialog', { name: 'Refused. What to do now' })
  await dialog.getByText('is kept out of your chats and taken back from your account.').waitFor()
  assert.equal(await alert.count(), 0)
  await press(dialog, 'Replace the 24 words…')
  await page.getByRole('dialog', { name: 'Replace the recovery key' }).waitFor()
})

test('a yes asks once more, and the question is gone', async () => {
  const { page, bridge } = await stage.show({ devices: [...samples.ownDevices, returned] })
  await press(page, 'It was me: Another laptop')
  const sure = page.getByRole('alertdialog', { name: 'Let “Another laptop” in?' })
  await sure.getByText('Say so only if you typed your 24 words on that computer yourself.').waitFor()
  await press(sure, 'It was me, let it in')
  await page.getByRole('alert').waitFor({ state: 'detached' })
  assert.deepEqual(bridge.argumentsOf('devices.returned'), [{ deviceId: returned.deviceId, mine: true }])
})

test('a computer without the right says no, and takes it back by the words; a refusal of the app is said', async () => {
  const bridge = new ScriptedBridge({ devices: [...samples.ownDevices, { ...returned, mayRevoke: false }] })
  const { page } = await stage.show(bridge)
  await page.getByText('This computer may not say that it was you.').waitFor()
  assert.equal(await page.getByRole('button', { name: 'It was me: Another laptop' }).count(), 0)
  await press(page, 'It was not me: Another laptop')
  const sure = page.getByRole('alertdialog')
  bridge.answers['devices.returned'] = () => ({ ok: false, code: 'store-full' })
  await press(sure, 'Refuse it')
  await sure.getByRole('alert').waitFor()
  delete bridge.answers['devices.returned']
  await press(sure, 'Refuse it')
  const dialog = page.getByRole('dialog', { name: 'Refused. What to do now' })
  await press(dialog, 'Take it back with the 24 words…')
  const byWords = page.getByRole('dialog', { name: 'Remove “Another laptop”?' })
  await byWords.getByLabel('The 24 words').fill(samples.recoveryWords.join(' '))
  await press(byWords, 'Remove')
  await byWords.waitFor({ state: 'detached' })
  assert.deepEqual(bridge.argumentsOf('recovery.revoke').map(({ deviceId }) => deviceId), [returned.deviceId])
  await dialog.getByRole('button', { name: 'Take it back with the 24 words…' }).waitFor({ state: 'detached' })
})
