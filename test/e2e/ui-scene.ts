/** What a screen of the window is to the tests: a script, and how to get there. */
import type { Page } from 'playwright-core'
import type { Answer, CallName, Change } from '../../preload/api.ts'
import type { BridgeOptions } from './ui-bridge.ts'

export type Scene = {
  readonly script: BridgeOptions
  readonly answers?: Partial<Record<CallName, Answer<undefined>>>
  readonly act?: (page: Page) => Promise<void>
  /** What the window is told then. */
  readonly told?: readonly Omit<Change, 'revision'>[]
}

export const press = async (page: Page, name: string | RegExp): Promise<void> => {
  await page.getByRole('button', { name }).click()
}
