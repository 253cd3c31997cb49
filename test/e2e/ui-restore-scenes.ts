/** The screens of backups that are read: on a new computer, and on the page of backups. */
import type { Page } from 'playwright-core'
import type { BackupHolds, ChosenBackup } from '../../preload/api.ts'
import { backupsPage } from './ui-backup-scenes.ts'
import { dayMs, now, sampleConversations } from './ui-samples.ts'
import { press, type Scene } from './ui-scene.ts'

export const chosen: ChosenBackup = { token: 'one', name: 'Coppice 2026-02-28.age', bytes: 120_000_000, sealed: 'passphrase' }
export const holds: BackupHolds = {
  madeAt: now - 9 * dayMs, accountId: 'aa'.repeat(32), name: 'Robin', people: 14, conversations: 14, messages: 20_481,
  from: now - 900 * dayMs, to: now - 9 * dayMs, files: 311, missingFiles: 2, bytes: 120_000_000,
}

const choosing = (kind: 'passphrase' | 'words') =>
  ({ 'restore.choose': { ok: true, value: { ...chosen, sealed: kind } as unknown as undefined } } as const)

export const restorePage = async (page: Page): Promise<void> => {
  await press(page, 'I have a backup')
  await page.getByRole('heading', { name: 'Restore a backup' }).waitFor()
}

const choose = async (page: Page): Promise<void> => {
  await press(page, 'Choose a file…')
  await page.getByText(chosen.name).waitFor()
}

const fresh = { phase: { at: 'new', keychain: 'ok' } } as const

export const restoreScenes: Readonly<Record<string, Scene>> = {
  'restore-backup': { script: fresh, act: restorePage },
  'restore-backup-passphrase': {
    script: fresh, answers: choosing('passphrase'),
    act: async (page) => {
      await restorePage(page)
      await choose(page)
      await press(page, 'Restore it')
      await page.getByText('The passphrase is missing.').waitFor()
    },
  },
  'restore-backup-words': {
    script: { phase: { at: 'new', keychain: 'absent' } }, answers: choosing('words'),
    act: async (page) => { await restorePage(page); await choose(page) },
  },
  'restore-backup-wordless': {
    script: fresh, answers: choosing('passphrase'),
    act: async (page) => {
      await restorePage(page)
      await choose(page)
      await page.getByRole('switch').check()
    },
  },
  'past-only': {
    script: { conversations: sampleConversations.map((each) => ({ ...each, state: 'left' as const, origin: 'backup' as const, unread: 0 })) },
    act: async (page) => {
      await press(page, /^River garden/)
      await page.getByText('This is what your backup had.').waitFor()
    },
  },
  'backups-checking': {
    script: {}, act: backupsPage, told: [{ restore: { at: 'checking', done: 40_000_000, of: 120_000_000, leftMs: 21_000 } }],
  },
  'backups-checked': { script: {}, act: backupsPage, told: [{ restore: { at: 'checked', holds } }] },
  'backups-rehearsed': {
    script: {}, act: backupsPage,
    told: [{ restore: { at: 'rehearsed', holds, rehearsal: {
      same: 20_000, differing: 1, missingHere: 481, conversationsMissingHere: 2, missingThere: 12, newer: 12,
    } } }],
  },
  'backups-broken': { script: {}, act: backupsPage, told: [{ restore: { at: 'failed', code: 'backup-malformed', detail: 'age' } }] },
  'coming-back': {
    script: { conversations: sampleConversations.map((each, at) =>
      ({ ...each, origin: 'card' as const, ...at % 3 === 0 ? { recovering: { reason: 'restored' as const, since: now, asked: 1 } } : {} })) },
    act: (page) => press(page, 'What is it waiting for?'),
    told: [{ restore: { at: 'restoring', done: 40_000_000, of: 120_000_000, leftMs: 210_000 } }],
  },
}
