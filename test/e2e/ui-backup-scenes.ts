/** The screens of backups: none yet, a folder and its troubles, while one is written, and before a plain export. */
import type { Page } from 'playwright-core'
import type { BackupFolder } from '../../preload/api.ts'
import { dayMs, now } from './ui-samples.ts'
import { press, type Scene } from './ui-scene.ts'

export const backupsPage = async (page: Page): Promise<void> => {
  await press(page, 'Settings')
  await press(page, 'Show… (the backups)')
  await page.getByRole('dialog', { name: 'Backups' }).waitFor()
}
export const folder: BackupFolder = {
  name: 'Attic', by: 'words', rhythm: 'daily', madeAt: now - dayMs / 2, bytes: 482_000_000, overdue: false,
}
const file = { madeAt: now - 9 * dayMs, bytes: 120_000_000 }

export const backupScenes: Readonly<Record<string, Scene>> = {
  'backups': { script: {}, act: backupsPage },
  'backups-folder': { script: { backup: { words: true, folder, file } }, act: backupsPage },
  'backups-failed': {
    script: { backup: { words: false, folder: { ...folder, name: 'x'.repeat(90), failed: 'backup-place', overdue: true } } },
    act: backupsPage,
  },
  'backups-overdue': {
    script: { backup: { words: true, folder: { ...folder, madeAt: now - 3 * dayMs, overdue: true } } },
    act: async (page) => { await page.getByText('A backup is overdue.').waitFor() },
  },
  'backups-running': {
    script: { backup: { words: true, folder, running: { kind: 'folder', done: 130_000_000, of: 480_000_000, leftMs: 190_000 } } },
    act: backupsPage,
  },
  'backups-new-folder': {
    script: {},
    act: async (page) => {
      await backupsPage(page)
      await press(page, 'Choose a folder…')
      await page.getByText('A passphrase', { exact: true }).click()
      await page.getByLabel('Passphrase', { exact: true }).fill('hunter2')
      await page.getByText('This would be guessed').waitFor()
      await press(page, 'Use this folder')
      await page.getByText('The two passphrases are different.').waitFor()
    },
  },
  'backups-plain': {
    script: {},
    act: async (page) => {
      await backupsPage(page)
      await press(page, 'Export…')
      await page.getByRole('alertdialog').waitFor()
    },
  },
}
