/** Files and pictures through the real windows: chosen, dropped and pasted here, seen, fetched and saved there. */
import assert from 'node:assert/strict'
import { readFileSync, readdirSync, statSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import type { Page } from 'playwright-core'
import { jpegOf, pngOf } from '../chat/pictures.ts'
import { accept, launch, say, seeMessage, setUp, showInvite, startChat, temporaryData, timeline, until } from './harness.ts'

const press = (page: Page, name: string): Promise<void> => page.getByRole('button', { name, exact: true }).click()

const choose = (page: Page, ...files: readonly { name: string, mimeType: string, buffer: Buffer }[]): Promise<void> =>
  page.locator('input[data-chooser]').setInputFiles([...files])

/** As a person who drops a file on the window, or has one on the clipboard. */
const hand = (page: Page, how: 'drop' | 'paste', bytes: Buffer): Promise<void> => page.evaluate(({ how, bytes }) => {
  const data = new DataTransfer()
  data.items.add(new File([Uint8Array.from(bytes)], `${how}.png`, { type: 'image/png' }))
  const target = document.querySelector('textarea')
  target?.dispatchEvent(how === 'paste' ? new ClipboardEvent('paste', { clipboardData: data, bubbles: true, cancelable: true })
    : new DragEvent('drop', { dataTransfer: data, bubbles: true, cancelable: true }))
}, { how, bytes: [...bytes] })

/** The picture is decoded and drawn: how wide it is. */
const widthOf = (page: Page, name: string): Promise<number> => page.getByRole('img', { name: `Picture ${name}` })
  .evaluate(async (image: HTMLImageElement) => { await image.decode(); return image.naturalWidth })

const sendReady = (page: Page): Promise<void> =>
  page.getByRole('button', { name: 'Send', exact: true }).and(page.locator(':enabled')).click()

test('Anna sends a picture and a plan, Ben sees the one and saves the other; what is dropped and pasted goes too', async (t) => {
  const { data, remove } = await temporaryData()
  t.after(remove)
  const anna = await launch(data, 'anna')
  t.after(() => anna.quit())
  const ben = await launch(data, 'ben')
  t.after(() => ben.quit())
  await setUp(anna.page, 'Anna')
  await setUp(ben.page, 'Ben')
  await startChat(ben.page, await showInvite(anna.page))
  await accept(anna.page, 'Ben')
  await say(anna.page, 'Here it comes.')
  await seeMessage(ben.page, 'Here it comes.')

  const plan = Buffer.from('A plan for Saturday. '.repeat(30_000))
  await choose(anna.page, { name: 'Oak.png', mimeType: 'image/png', buffer: pngOf({ width: 90, height: 60 }) },
    { name: 'Plan.txt', mimeType: 'text/plain', buffer: plan })
  await anna.page.getByRole('textbox', { name: 'Message' }).fill('The oak, and the plan')
  await sendReady(anna.page)
  await seeMessage(ben.page, 'The oak, and the plan')
  for (const { page } of [anna, ben]) assert.equal(await widthOf(page, 'Oak.png'), 90)

  await press(ben.page, 'Look at Oak.png')
  const viewer = ben.page.getByRole('dialog', { name: 'Oak.png' })
  await viewer.getByRole('img', { name: 'Picture Oak.png' }).waitFor()
  await ben.page.keyboard.press('Escape')
  await viewer.waitFor({ state: 'hidden' })

  await press(ben.page, 'Get Plan.txt')
  await ben.page.getByRole('button', { name: 'Save Plan.txt' }).waitFor()
  if (process.env['COPPICE_E2E'] !== 'electron') {
    const target = path.join(path.dirname(data), 'Plan of Ben.txt')
    // The dialogue is closed: nothing happens.
    await press(ben.page, 'Save Plan.txt')
    await until('the name was proposed', () => ben.standin.proposed.length === 1)
    ben.standin.saveTo = target
    await press(ben.page, 'Save Plan.txt')
    await ben.page.getByText('Saved.').waitFor()
    assert.deepEqual(readFileSync(target), plan)
    assert.deepEqual(ben.standin.proposed, ['Plan.txt', 'Plan.txt'])
    assert.deepEqual(readdirSync(path.dirname(target)).filter((name) => name.endsWith('.part')), [])
    if (process.platform !== 'win32') assert.equal(statSync(target).mode & 0o777, 0o600)
  }

  for (const how of ['drop', 'paste'] as const) {
    await anna.page.getByRole('textbox', { name: 'Message' }).focus()
    await hand(anna.page, how, pngOf({ width: how === 'drop' ? 33 : 44, height: 30 }))
    await anna.page.getByRole('list', { name: 'Files to send' }).waitFor()
    await sendReady(anna.page)
    await timeline(ben.page).getByRole('img', { name: `Picture ${how}.png` }).waitFor()
    assert.equal(await widthOf(ben.page, `${how}.png`), how === 'drop' ? 33 : 44)
  }

  // What cannot be sent says why, and can be taken away.
  await choose(anna.page, { name: 'Broken.jpg', mimeType: 'image/jpeg', buffer: jpegOf({}).subarray(0, 90) })
  await anna.page.getByText('This picture is damaged').waitFor()
  assert.ok(await anna.page.getByRole('button', { name: 'Send', exact: true }).isDisabled())
  await press(anna.page, 'Do not send Broken.jpg')
  await anna.page.getByText('This picture is damaged').waitFor({ state: 'hidden' })

  // Ben looks at the picture while Anna takes the message back: it is gone under his eyes.
  await press(ben.page, 'Look at Oak.png')
  await viewer.getByRole('img', { name: 'Picture Oak.png' }).waitFor()
  const message = anna.page.getByRole('article').filter({ hasText: 'The oak, and the plan' })
  await message.hover()
  await message.getByRole('button', { name: 'Delete message' }).click()
  await press(anna.page, 'Delete for everybody')
  await viewer.waitFor({ state: 'hidden' })
  for (const [{ page }, who] of [[anna, 'You'], [ben, 'Anna']] as const) {
    await timeline(page).getByText(`${who} deleted a message.`).waitFor()
    assert.equal(await timeline(page).getByRole('img', { name: 'Picture Oak.png' }).count(), 0)
  }
  assert.deepEqual([...anna.complaints, ...ben.complaints], [])
})
