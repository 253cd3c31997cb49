/** The screens of closing an account: on the computer that does it, on another one, and at a contact. */
import type { Page } from 'playwright-core'
import type { Closing } from '../../preload/api.ts'
import { device, deviceId, fact, idOf, jonas, me, now, ownDevices, river, sampleConversations, sampleEntries } from './ui-samples.ts'
import { press, type Scene } from './ui-scene.ts'

export const closeDialog = async (page: Page): Promise<void> => {
  await press(page, 'Settings')
  await press(page, 'Close… (the account)')
  await page.getByRole('dialog', { name: 'Close this account for ever?' }).waitFor()
}
const page = (closing: Partial<Closing>): Scene => ({
  script: { closing: { at: 'telling', done: 3, of: 14, away: false, ...closing } },
  act: (window) => window.getByRole('heading', { name: 'This account is being closed' }).waitFor(),
})
export const younger = [
  device('ThinkPad', { isThis: true, addedBy: deviceId('Desk at home'), mayRevoke: true }),
  device('Desk at home', { addedBy: 'genesis', trusted: true, mayRevoke: false }),
]
export const withoutJonas = sampleConversations.map((each) =>
  each.id === jonas.id ? { ...each, gone: true as const, state: 'left' as const } : each)

export const closingScenes: Readonly<Record<string, Scene>> = {
  'close-account': { script: {}, act: closeDialog },
  'close-account-words': {
    script: { devices: younger },
    act: async (window) => {
      await closeDialog(window)
      await window.getByLabel('Type “Robin” to go on').fill('Robin')
      await press(window, 'Close for ever')
      await window.getByText('All 24 words are needed.').waitFor()
    },
  },
  'closing-waiting': page({ at: 'waiting', done: 0, of: 0, away: true }),
  'closing-telling': page({}),
  'closing-leaving': page({ at: 'leaving', done: 13 }),
  'closing-end': page({ at: 'closing' }),
  'closed-elsewhere': {
    script: { phase: { at: 'ready', me, readOnly: 'account-closed' }, devices: ownDevices.map((one) => ({ ...one, revoked: true })) },
    act: async (window) => {
      await press(window, /^Jonas/)
      await window.getByRole('article').first().waitFor()
    },
  },
  'closed-contact': {
    script: {
      conversations: withoutJonas,
      entries: [
        ...sampleEntries, fact(jonas, now, { fact: 'closed', who: idOf('Jonas') }),
        fact(river, now, { fact: 'closed', who: idOf('Jonas') }),
      ],
    },
    act: async (window) => {
      await press(window, /^Jonas/)
      await window.getByText('Jonas closed this account.').waitFor()
    },
  },
}
