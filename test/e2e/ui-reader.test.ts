/** The reader of QR codes: a picture of a file, a pasted one, the screen, and the camera of the running app. */
import assert from 'node:assert/strict'
import path from 'node:path'
import { after, afterEach, before, describe, test } from 'node:test'
import type { Locator, Page } from 'playwright-core'
import { findBrowser } from '../standin/browser.ts'
import { createStandin } from '../standin/electron.ts'
import { builtStart, launch, setUp, showInvite, temporaryData } from './harness.ts'
import { emptyPng, pngOf, writeVideo } from './qr-pictures.ts'
import { ScriptedBridge } from './ui-bridge.ts'
import { newStage } from './ui-window.ts'

const invite = 'coppice1nora'

const reader = (page: Page): Locator => page.getByRole('group', { name: 'Read a QR code' })
const status = (page: Page): Locator => reader(page).getByRole('status')

const openReader = async (page: Page): Promise<void> => {
  await page.getByRole('button', { name: 'New chat' }).click()
  await page.getByRole('button', { name: 'Read a QR code' }).click()
  await reader(page).waitFor()
}
const choose = async (page: Page, buffer: Buffer, name = 'code.png'): Promise<void> => {
  await page.locator('input[type=file]').setInputFiles({ name, mimeType: 'image/png', buffer })
}
const seeNora = async (page: Page): Promise<void> => {
  await page.getByText('Nora', { exact: true }).waitFor()
  assert.equal(await page.getByRole('textbox', { name: 'Paste an invite' }).inputValue(), invite)
}

/** As a person who has a picture, or a text, on the clipboard. */
const paste = (page: Page, content: { readonly image?: Buffer, readonly text?: string }): Promise<void> =>
  page.evaluate(({ bytes, text }) => {
    const clipboardData = new DataTransfer()
    if (bytes !== undefined) clipboardData.items.add(new File([Uint8Array.from(bytes)], 'image.png', { type: 'image/png' }))
    if (text !== undefined) clipboardData.setData('text/plain', text)
    const event = new ClipboardEvent('paste', { clipboardData, bubbles: true, cancelable: true })
    document.activeElement?.dispatchEvent(event)
  }, { bytes: content.image === undefined ? undefined : [...content.image], text: content.text })

describe('the reader of QR codes', () => {
  const stage = newStage()
  before(() => stage.open())
  after(() => stage.close())
  afterEach(() => stage.check())

  test('reads a picture from a file', async () => {
    const { page } = await stage.show()
    await openReader(page)
    await choose(page, pngOf(invite))
    await seeNora(page)
  })

  test('reads a pasted picture, and a pasted text', async () => {
    const { page } = await stage.show()
    for (const content of [{ image: pngOf(invite) }, { text: ` ${invite}\n` }]) {
      await openReader(page)
      await page.getByRole('button', { name: 'Choose a picture…' }).focus()
      await paste(page, content)
      await seeNora(page)
      await page.keyboard.press('Escape')
    }
  })

  test('a code that links a device, shown as an invite, is named for what it is', async () => {
    const bridge = new ScriptedBridge()
    bridge.answers['invite.read'] = () => ({ ok: false, code: 'invite-linking' })
    const { page } = await stage.show(bridge)
    await openReader(page)
    await choose(page, pngOf('coppicelink1-aaaa'))
    await page.getByRole('alert').getByText('it would link a device to your account').waitFor()
    assert.deepEqual(bridge.argumentsOf('invite.read'), [{ invite: 'coppicelink1-aaaa' }])
    assert.equal(await page.getByRole('button', { name: 'Start chat' }).isDisabled(), true)
  })

  test('says what is wrong with a picture without a code, and with a file that is none', async () => {
    const { page } = await stage.show()
    await openReader(page)
    await choose(page, emptyPng())
    await status(page).getByText('No QR code can be seen').waitFor()
    await choose(page, Buffer.from('not a picture'))
    await status(page).getByText('not a picture that can be read').waitFor()
    await choose(page, pngOf(invite))
    await seeNora(page)
  })

  test('looks on the screen only where the host gives it, and stops what it opened', async () => {
    const without = await stage.show()
    await openReader(without.page)
    assert.equal(await reader(without.page).getByRole('button', { name: 'Look on the screen' }).count(), 0)

    const bridge = new ScriptedBridge()
    bridge.screen = true
    const { page } = await stage.show(bridge)
    await openReader(page)
    // In place of the system's picture of the screen: one that shows the code after a moment.
    await page.evaluate(async (bytes) => {
      const picture = await createImageBitmap(new Blob([Uint8Array.from(bytes)], { type: 'image/png' }))
      const canvas = document.createElement('canvas')
      canvas.width = 900
      canvas.height = 700
      const context = canvas.getContext('2d')
      let frames = 0
      const draw = (): void => {
        context?.fillRect(0, 0, 900, 700)
        if (frames++ > 5) context?.drawImage(picture, 300, 200)
        setTimeout(draw, 50)
      }
      draw()
      const stream = canvas.captureStream(20)
      Object.assign(window, { stream })
      navigator.mediaDevices.getDisplayMedia = () => Promise.resolve(stream)
    }, [...pngOf(invite)])
    await reader(page).getByRole('button', { name: 'Look on the screen' }).click()
    await seeNora(page)
    assert.equal(await page.evaluate(() => (window as unknown as { stream: MediaStream }).stream.active), false)
    assert.deepEqual(bridge.argumentsOf('reader.open'), [{ open: true }, { open: true }, { open: false }])
  })

  test('says so where the system refuses the camera, and can be left alone', async () => {
    const { page } = await stage.show()
    await openReader(page)
    await page.evaluate(() => {
      navigator.mediaDevices.getUserMedia = () => Promise.reject(new DOMException('no', 'NotAllowedError'))
    })
    await reader(page).getByRole('button', { name: 'Use the camera' }).click()
    await status(page).getByText('does not let Coppice use the camera').waitFor()
  })
})

test('a camera reads the invite of another person in the running app', async (t) => {
  const folder = await temporaryData()
  const ana = await launch(folder.data, 'ana')
  await setUp(ana.page, 'Ana')
  const shown = await showInvite(ana.page)
  const video = path.join(path.dirname(folder.data), 'camera.y4m')
  await writeVideo(video, shown)
  const standin = createStandin({
    browser: await findBrowser(), appData: path.dirname(folder.data),
    browserArguments: [
      '--use-fake-ui-for-media-stream', '--use-fake-device-for-media-stream',
      `--use-file-for-fake-video-capture=${video}`,
    ],
  })
  await (await builtStart())(standin.electron, { args: ['--data', folder.data, '--profile', 'ben'] })
  const page = await standin.page()
  try {
    await setUp(page, 'Ben')
    const cameras = await page.evaluate(async () => {
      const devices = await navigator.mediaDevices.enumerateDevices()
      return devices.filter(({ kind }) => kind === 'videoinput').length
    })
    if (cameras === 0) {
      t.skip('this browser has no camera that plays a file')
      return
    }
    const asked = (): Promise<string> => page.evaluate(() =>
      navigator.mediaDevices.getUserMedia({ video: true }).then((stream) => {
        for (const track of stream.getTracks()) track.stop()
        return 'granted'
      }, (error: unknown) => (error as DOMException).name))
    assert.equal(await asked(), 'NotAllowedError', 'the camera is denied where no reader is')
    await openReader(page)
    await reader(page).getByRole('button', { name: 'Use the camera' }).click()
    await page.getByText('Ana', { exact: true }).waitFor()
    assert.equal(await page.getByRole('textbox', { name: 'Paste an invite' }).inputValue(), shown)
    assert.equal(await asked(), 'NotAllowedError', 'and denied again when the reader has gone')
    assert.deepEqual(standin.complaints, [])
  } finally {
    standin.electron.app.quit()
    await standin.exited
    await ana.quit()
    await folder.remove()
  }
})
