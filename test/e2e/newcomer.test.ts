/** From the first start to the first message, through the real windows and by keys alone: counted, and against the clock. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { accept, launch, seeMessage, setUp, showInvite, temporaryData, testPassphrase } from './harness.ts'

/** What a person's hands take for one key and for one thing to decide, in milliseconds (keystroke-level model). */
const keyMs = 280
const decideMs = 1_350

test('a newcomer with an invite writes the first message within a minute', async (t) => {
  const folder = await temporaryData()
  const anna = await launch(folder.data, 'anna')
  await setUp(anna.page, 'Anna')
  const invite = await showInvite(anna.page)
  const startedAt = Date.now()
  const ben = await launch(folder.data, 'ben')
  const { page } = ben
  const steps: string[] = []
  let keys = 0
  const step = (what: string, amount: number): void => { steps.push(what); keys += amount }
  await page.getByRole('textbox', { name: 'Your name', exact: true }).waitFor()
  await page.keyboard.type('Ben')
  step('name', 3)
  // This computer of the test has no keychain; with one, these two are not asked for.
  for (const again of ['passphrase', 'passphrase again']) {
    await page.keyboard.press('Tab')
    await page.keyboard.type(testPassphrase)
    step(again, testPassphrase.length + 1)
  }
  await page.keyboard.press('Enter')
  step('create', 1)
  const later = page.getByRole('button', { name: 'Later', exact: true })
  await later.waitFor()
  await later.press('Enter')
  step('later', 1)
  await page.getByRole('button', { name: 'Paste an invite' }).waitFor()
  // Ctrl V, as the system does it: the headless browser has no clipboard of a person.
  await page.evaluate((text) => {
    const clipboardData = new DataTransfer()
    clipboardData.setData('text/plain', text)
    document.body.dispatchEvent(new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true }))
  }, invite)
  step('paste', 1)
  await page.getByText('Invite good until').waitFor()
  await page.getByRole('textbox', { name: 'Paste an invite' }).press('Enter')
  step('start', 1)
  const message = page.getByRole('textbox', { name: 'Message', exact: true })
  await message.waitFor()
  await message.pressSequentially('Hello')
  await page.keyboard.press('Enter')
  step('message', 6)
  await seeMessage(page, 'Hello')
  const machineMs = Date.now() - startedAt
  await accept(anna.page, 'Ben')
  await seeMessage(anna.page, 'Hello')
  const personMs = keys * keyMs + steps.length * decideMs
  t.diagnostic(`${String(steps.length)} steps, ${String(keys)} keys: ${String(Math.round(machineMs / 100) / 10)} s of the ` +
    `machine, about ${String(Math.round(personMs / 1000))} s of the person`)
  assert.ok(machineMs + personMs < 60_000)
  await Promise.all([ben.quit(), anna.quit()])
  await folder.remove()
})
