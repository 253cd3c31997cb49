/** Every screen, in both themes and at both widths. With $COPPICE_PICTURES set, each is saved there as a picture. */
import assert from 'node:assert/strict'
import { mkdir } from 'node:fs/promises'
import path from 'node:path'
import { after, afterEach, before, describe, test } from 'node:test'
import type { Page } from 'playwright-core'
import type { CallName } from '../../preload/api.ts'
import { ScriptedBridge } from './ui-bridge.ts'
import { scenes } from './ui-scenes.ts'
import { auditOf, newStage } from './ui-window.ts'

const folder = process.env['COPPICE_PICTURES'] ?? ''
const sizes = [{ width: 1400, height: 860 }, { width: 420, height: 800 }] as const

const stage = newStage()
before(async () => {
  await stage.open()
  if (folder !== '') await mkdir(folder, { recursive: true })
})
after(() => stage.close())
afterEach(() => stage.check())

/** What lies outside the window's width, by its text; nothing should. */
const overflowing = (page: Page): Promise<readonly string[]> => page.evaluate(() =>
  [...document.querySelectorAll('body *')].filter((element) => {
    const { right, width } = element.getBoundingClientRect()
    return width > 0 && right > window.innerWidth + 1 && element.checkVisibility({ visibilityProperty: true })
  }).map((element) => `${element.tagName} ${element.textContent.slice(0, 40)}`))

/** What lies under a picture although it comes after it. */
const underPicture = (page: Page): Promise<readonly string[]> => page.evaluate(() =>
  [...document.querySelectorAll('svg:has(text)')].flatMap((picture) => {
    const next = picture.nextElementSibling
    const isUnder = next !== null && next.getBoundingClientRect().top < picture.getBoundingClientRect().bottom - 1
    return isUnder ? [next.textContent.slice(0, 40)] : []
  }))

const inTheme = async (page: Page, theme: 'light' | 'dark', name: string): Promise<void> => {
  await page.emulateMedia({ colorScheme: theme, reducedMotion: 'reduce' })
  const width = page.viewportSize()?.width ?? 0
  if (folder !== '') await page.screenshot({ path: path.join(folder, `${name}-${String(width)}-${theme}.png`) })
}

for (const size of sizes) {
  describe(`every screen at ${String(size.width)} px passes the audit of axe and fits`, () => {
    for (const [name, { script, answers = {}, act, told = [] }] of Object.entries(scenes)) {
      test(name, async () => {
        const bridge = new ScriptedBridge(script)
        for (const [call, answer] of Object.entries(answers)) bridge.answers[call as CallName] = () => answer
        const { page } = await stage.show(bridge, size)
        await act?.(page)
        for (const change of told) bridge.push(change)
        await inTheme(page, 'light', name)
        // Colours do not hang on the width, nor the structure on the theme.
        assert.deepEqual(await auditOf(page, size === sizes[0] ? 'all' : 'structure'), [])
        await inTheme(page, 'dark', name)
        if (size === sizes[0]) assert.deepEqual(await auditOf(page, 'contrast'), [])
        assert.deepEqual(await overflowing(page), [])
        assert.deepEqual(await underPicture(page), [])
      })
    }
  })
}
