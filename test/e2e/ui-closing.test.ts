/** Closing an account, over the scripted Bridge. */
import assert from 'node:assert/strict'
import { after, afterEach, before, describe, test } from 'node:test'
import type { Locator, Page } from 'playwright-core'
import { closeDialog, withoutJonas, younger } from './ui-closing-scenes.ts'
import * as samples from './ui-samples.ts'
import { newStage } from './ui-window.ts'

const stage = newStage()
before(() => stage.open())
after(() => stage.close())
afterEach(() => stage.check())

const press = (within: Page | Locator, name: string): Promise<void> =>
  within.getByRole('button', { name, exact: true }).click()
const title = (page: Page, name: string): Promise<void> => page.getByRole('heading', { level: 1, name, exact: true }).waitFor()

describe('closing the account', () => {
  test('asks for its name, and can be called off until something was done', async () => {
    const { page, bridge } = await stage.show()
    await closeDialog(page)
    const dialog = page.getByRole('dialog')
    await dialog.getByText('Nobody can undo it, not even you.').waitFor()
    assert.equal(await dialog.getByLabel('Your 24 words').count(), 0)
    const action = dialog.getByRole('button', { name: 'Close for ever' })
    await dialog.getByLabel('Type “Robin” to go on').fill('robin')
    assert.equal(await action.isDisabled(), true)
    await dialog.getByLabel('Type “Robin” to go on').fill('Robin')
    await action.click()
    await title(page, 'This account is being closed')
    assert.deepEqual(bridge.argumentsOf('account.close'), [{ name: 'Robin', words: '' }])
    await press(page, 'Keep the account')
    await page.getByText('The account stays as it was. Nothing was done.').waitFor()
    assert.equal(await page.getByRole('dialog').count(), 0)
    await page.getByRole('button', { name: 'Settings' }).waitFor()
  })

  test('needs the 24 words where another device is above this one', async () => {
    const { page, bridge } = await stage.show({ devices: younger })
    await closeDialog(page)
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Type “Robin” to go on').fill('Robin')
    bridge.answers['account.close'] = () => ({ ok: false, code: 'words-foreign' })
    await dialog.getByLabel('Your 24 words').fill('abandon')
    await press(dialog, 'Close for ever')
    await dialog.getByText('These are the words of another account.').waitFor()
    delete bridge.answers['account.close']
    await dialog.getByLabel('Your 24 words').fill(samples.recoveryWords.join(' '))
    await press(dialog, 'Close for ever')
    await title(page, 'This account is being closed')
    assert.deepEqual(bridge.argumentsOf('account.close').at(-1), { name: 'Robin', words: samples.recoveryWords.join(' ') })
  })

  test('shows how far it is, says when nobody can be reached, and what cannot be stopped any more', async () => {
    const { page, bridge } = await stage.show()
    bridge.push({ closing: { at: 'telling', done: 3, of: 14, away: false } })
    await page.getByRole('status').getByText('3 of 14 chats told').waitFor()
    assert.equal(await page.getByRole('button', { name: 'Keep the account' }).count(), 0)
    await page.getByText('This cannot be stopped any more.').waitFor()
    const step = page.locator('[aria-current=step]')
    assert.match(await step.innerText(), /Tell everybody/)
    bridge.push({ closing: { at: 'leaving', done: 3, of: 14, away: true } })
    await page.getByRole('alert').getByText('Nobody can be reached right now.').waitFor()
    assert.match(await step.innerText(), /Leave all chats/)
    bridge.push({ closing: { at: 'closing', done: 0, of: 0, away: false } })
    bridge.push({ closing: { at: 'deleting', done: 0, of: 0, away: false } })
    await page.getByText('Deleting this profile.').waitFor()
    bridge.push({ phase: { at: 'new', keychain: 'ok' } })
    await title(page, 'Welcome to Coppice')
  })

  test('is told on the other computers, which keep what was said', async () => {
    const { page } = await stage.show({ phase: { at: 'ready', me: samples.me, readOnly: 'account-closed' } })
    await page.getByRole('region', { name: 'This account was closed' }).getByText('nothing brings the account back').waitFor()
    await page.getByRole('button', { name: /^Jonas/ }).click()
    await page.getByText('Saturday works').last().waitFor()
    assert.equal(await page.getByRole('textbox', { name: 'Message' }).count(), 0)
    await press(page, 'Remove this profile…')
    await page.getByLabel('Type “Robin” to go on').waitFor()
  })

  test('leaves a contact nothing to write to, and what was said', async () => {
    const { page } = await stage.show({ conversations: withoutJonas })
    const row = page.getByRole('navigation', { name: 'Conversations' }).getByRole('button', { name: /^Jonas/ })
    await row.getByText('Closed the account').waitFor()
    await row.click()
    await page.getByText('Jonas closed this account, so nobody would read what you write.').waitFor()
    assert.equal(await page.getByRole('textbox', { name: 'Message' }).count(), 0)
  })
})
