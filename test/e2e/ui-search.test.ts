import assert from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import type { Locator, Page } from 'playwright-core'
import { ScriptedBridge } from './ui-bridge.ts'
import * as samples from './ui-samples.ts'
import { auditOf, newStage } from './ui-window.ts'

const stage = newStage()
before(() => stage.open())
after(() => stage.close())
afterEach(() => stage.check())

const list = (page: Page): Locator => page.getByRole('navigation', { name: 'Conversations' })
const field = (page: Page): Locator => list(page).getByRole('textbox', { name: 'Find chats and what was said' })
const messages = (page: Page): Locator => list(page).getByRole('list', { name: 'Messages' })

test('messages are found while one types: where, when and by whom, with the match marked', async () => {
  const { page, bridge } = await stage.show()
  await field(page).waitFor()
  await page.keyboard.press('Control+f')
  await page.locator('search input:focus').waitFor()
  await page.keyboard.type('GAT')
  await messages(page).getByRole('listitem').first().waitFor()
  const shown = await messages(page).getByRole('listitem').evaluateAll((all) =>
    all.map((each) => each.textContent.replace(/\s+/g, ' ').trim()))
  assert.deepEqual(shown, [
    'River garden 12:03 Mara: The gate code changed, see the note at the shed.',
    'River garden 10:05 You: See you at the gate.',
    'River garden 09:31 Mara: …Someone should be at the gate.',
  ])
  assert.deepEqual(await messages(page).locator('mark').allInnerTexts(), ['gat', 'gat', 'gat'])
  // One question for what was typed in one go.
  assert.deepEqual(bridge.argumentsOf('search'), [{ text: 'GAT', limit: 50 }])
  assert.deepEqual(await auditOf(page, 'all'), [])
  await messages(page).getByRole('button').nth(1).click()
  await page.getByRole('heading', { name: 'River garden' }).waitFor()
  assert.equal(await field(page).inputValue(), 'GAT')
})

test('the arrows walk from the chats into the messages, Enter opens, and Escape clears', async () => {
  const { page } = await stage.show()
  await field(page).waitFor()
  await page.keyboard.press('Control+k')
  await page.locator('search input:focus').waitFor()
  await page.keyboard.type('heron')
  await messages(page).getByRole('listitem').waitFor()
  await page.keyboard.press('ArrowDown')
  await messages(page).locator('button:focus').waitFor()
  await page.keyboard.press('Enter')
  await page.getByRole('heading', { name: 'Jonas' }).waitFor()
  // The chat takes the focus when it is there.
  await page.locator('textarea:focus').waitFor()
  await page.keyboard.press('Control+k')
  await page.locator('search input:focus').waitFor()
  await page.keyboard.type('jonas')
  await messages(page).waitFor({ state: 'detached' })
  await page.keyboard.press('Escape')
  assert.equal(await field(page).inputValue(), '')
  assert.equal(await list(page).getByRole('listitem').count(), samples.sampleConversations.length)
})

test('nothing found is said once it is known, and a new message turns up by itself', async () => {
  const { page, bridge } = await stage.show()
  await field(page).fill('rhubarb')
  await list(page).getByText('No chat and no message matches “rhubarb”.').waitFor()
  bridge.receive(samples.message(samples.jonas, 'Jonas', 'Rhubarb, anyone?', { at: samples.now }))
  await messages(page).getByText('Rhubarb, anyone?').waitFor()
  assert.equal(await list(page).getByRole('status').count(), 0)
})

test('texts without an end, and more than fits, stay within the list', async () => {
  const many = Array.from({ length: 60 }, (_, at) =>
    samples.message(samples.jonas, 'Jonas', `${'x'.repeat(300)} needle${'y'.repeat(300)}`, { at: samples.now - at }))
  const bridge = new ScriptedBridge({ entries: many })
  const { page } = await stage.show(bridge, { width: 420, height: 800, theme: 'dark' })
  await field(page).fill('needle')
  await list(page).getByText('There are older ones.').waitFor()
  assert.equal(await messages(page).getByRole('listitem').count(), 50)
  assert.ok(await page.evaluate(() => document.documentElement.scrollWidth <= window.innerWidth))
  assert.deepEqual(await auditOf(page, 'all'), [])
})
