/** The screens of own devices: linking on both sides, the devices page, and how chats are kept on all of them. */
import type { Page } from 'playwright-core'
import type { Link, LinkFailure, Phase } from '../../preload/api.ts'
import type { BridgeOptions } from './ui-bridge.ts'
import {
  bike, choir, council, dayMs, device, deviceId, fact, idOf, links, me, now, ownDevices, returned, river, sampleConversations, sampleEntries,
} from './ui-samples.ts'
import { press, type Scene } from './ui-scene.ts'

const noChats = { conversations: [], entries: [] }
const onNew = (link: Link): BridgeOptions => ({ ...noChats, phase: { at: 'linking', link } })
const setUp: BridgeOptions = { ...noChats, phase: { at: 'new', keychain: 'ok' } }

export const devicesPage = async (page: Page): Promise<void> => {
  await press(page, 'Settings')
  await press(page, 'Show… (the devices)')
  await page.getByRole('dialog', { name: 'Your devices' }).waitFor()
}
const linkDialog = async (page: Page): Promise<void> => {
  await devicesPage(page)
  await press(page, 'Link a device')
  await page.getByRole('dialog', { name: 'Link a device' }).waitFor()
}
/** Linking was under way when the window was opened. */
const elder = (link: Link): Scene => ({
  script: { link },
  act: async (page) => {
    await page.getByRole('button', { name: 'Show', exact: true }).click()
    await page.getByRole('dialog').waitFor()
  },
})
const failed = (role: 'elder' | 'new', why: LinkFailure): Link => ({ at: 'failed', role, why })
const linkHere = async (page: Page): Promise<void> => {
  await press(page, 'I use Coppice on another computer already')
  await page.getByLabel('Name of this computer').fill('Work laptop')
}

const kept = sampleConversations.map((each) => {
  if (each.id === bike.id) return { ...each, pinned: true }
  if (each.id === council.id) return { ...each, muted: true }
  return each.id === choir.id ? { ...each, archived: true } : each
})

export const deviceScenes: Readonly<Record<string, Scene>> = {
  'link-here': { script: setUp, act: linkHere },
  'link-here-passphrase': {
    script: { ...noChats, phase: { at: 'new', keychain: 'absent' } },
    act: async (page) => {
      await linkHere(page)
      await page.getByLabel('Passphrase', { exact: true }).fill('seven oaks')
      await press(page, 'Show a code here')
    },
  },
  'link-here-read': {
    script: setUp,
    act: async (page) => {
      await linkHere(page)
      await press(page, 'Read the code of the other one')
      await page.getByRole('button', { name: 'Use the camera' }).waitFor()
    },
  },
  'link-new-showing': { script: onNew(links.showing('new')) },
  'link-new-over': {
    script: onNew({ ...links.showing('new'), expiresAt: now - 1 } as Link),
    act: (page) => page.getByText('This code is over.').waitFor(),
  },
  'link-new-connecting': { script: onNew({ at: 'connecting', role: 'new' }) },
  'link-new-digits': {
    script: onNew(links.typing),
    act: async (page) => {
      await page.getByLabel('Ten digits').fill('4821077')
      await press(page, 'Go on')
    },
  },
  'link-new-waiting': { script: onNew({ at: 'waiting', role: 'new' }) },
  'link-new-recognise': { script: onNew(links.recognise) },
  'link-new-joining': { script: onNew(links.joining('new')) },
  'link-new-done': { script: onNew(links.done('new')) },
  'link-new-failed': { script: onNew(failed('new', 'digits')) },
  'link-start': { script: {}, act: linkDialog },
  'link-words-first': {
    script: { phase: { at: 'ready', me: { ...me, recovery: 'later' } } }, act: linkDialog,
  },
  'link-read': {
    script: {},
    act: async (page) => {
      await linkDialog(page)
      await press(page, /^Read the code of the other one/)
      await page.getByRole('button', { name: 'Use the camera' }).waitFor()
      await press(page, 'Go on')
    },
  },
  'link-showing': elder(links.showing('elder')),
  'link-digits': elder(links.digits),
  'link-confirm': elder(links.confirm),
  'link-joining': elder(links.joining('elder')),
  'link-done': elder(links.done('elder')),
  'link-failed': elder(failed('elder', 'used')),
  'link-banner': { script: { link: links.joining('elder') } },
  'devices': { script: {}, act: devicesPage },
  'devices-end': {
    script: {},
    act: async (page) => {
      await devicesPage(page)
      await page.getByText('2 removed devices').click()
      await page.getByText('2 removed devices').scrollIntoViewIfNeeded()
      await page.getByText('Netbook').scrollIntoViewIfNeeded()
    },
  },
  'recovery-rotate': {
    script: {},
    act: async (page) => {
      await devicesPage(page)
      await press(page, 'Replace… (the recovery key)')
      await press(page, 'Replace them')
    },
  },
  'device-rename': {
    script: {},
    act: async (page) => {
      await devicesPage(page)
      await press(page, 'Rename Desk at home')
      await page.getByLabel('Name of the device').fill('')
      await press(page, 'Save')
    },
  },
  'device-remove': {
    script: {},
    act: async (page) => {
      await devicesPage(page)
      await press(page, 'Remove Work laptop')
      await page.getByRole('alertdialog').waitFor()
    },
  },
  'device-grant': {
    script: {},
    act: async (page) => {
      await devicesPage(page)
      await press(page, 'Give it that right: Desk at home')
      await page.getByRole('alertdialog').waitFor()
    },
  },
  'devices-no-right': {
    script: {
      phase: { at: 'ready', me: { ...me, recovery: 'later' } },
      devices: [
        device('ThinkPad', { isThis: true, addedBy: deviceId('Desk at home'), mayRevoke: true }),
        device('Desk at home', { addedBy: 'recovery', addedAt: now - 300 * 86_400_000, trusted: true, mayRevoke: false }),
      ],
    },
    act: devicesPage,
  },
  'devices-by-words': {
    script: {
      devices: [
        device('ThinkPad', { isThis: true, addedBy: 'recovery', mayRevoke: true }),
        device('Desk at home', { addedBy: 'genesis', trusted: true, mayRevoke: false }),
      ],
    },
    act: async (page) => {
      await devicesPage(page)
      await press(page, 'Remove with the 24 words: Desk at home')
    },
  },
  'revoked': {
    script: { phase: { at: 'ready', me, readOnly: 'device-revoked' } satisfies Phase, devices: ownDevices },
    act: async (page) => {
      await press(page, /^Jonas/)
      await page.getByRole('article').first().waitFor()
    },
  },
  'code-differs': {
    script: { conversations: sampleConversations.map((each) =>
      each.id === river.id ? { ...each, codeDiffers: deviceId('Work laptop') } : each) },
    act: async (page) => {
      await press(page, /^River garden/)
      const about = page.getByRole('complementary', { name: 'About this chat' })
      if (!await about.isVisible()) await press(page, 'About this chat')
      await about.getByText('Your device “Work laptop” had another code').scrollIntoViewIfNeeded()
    },
  },
  'returned': { script: { devices: [...ownDevices, returned] } },
  'returned-chat': {
    script: { devices: [...ownDevices, { ...returned, mayRevoke: false }] },
    act: async (page) => {
      await press(page, /^River garden/)
      await page.getByRole('article').first().waitFor()
    },
  },
  'returned-in': {
    script: { devices: [...ownDevices, { ...returned, groups: 14, asked: { until: now - dayMs } }] },
    act: async (page) => {
      await press(page, 'It was me: Another laptop')
      await page.getByRole('alertdialog').waitFor()
    },
  },
  'returned-refused': {
    script: { devices: [...ownDevices, { ...returned, mayRevoke: false }] },
    act: async (page) => {
      await press(page, 'It was not me: Another laptop')
      await press(page, 'Refuse it')
      await page.getByRole('dialog', { name: 'Refused. What to do now' }).waitFor()
    },
  },
  'device-lines': {
    script: {
      entries: [
        ...sampleEntries,
        fact(river, now, { fact: 'linked', who: idOf('Mara'), device: 'Tablet' }),
        fact(river, now, { fact: 'linked', who: me.accountId, device: 'As it was called then', deviceId: deviceId('Work laptop') }),
        fact(river, now, { fact: 'revoked', by: idOf('Jonas'), who: idOf('Jonas'), device: 'Old phone' }),
        fact(river, now, { fact: 'revoked', by: idOf('Mara'), who: me.accountId, device: 'Netbook' }),
      ],
    },
    act: async (page) => {
      await press(page, /^River garden/)
      await page.getByRole('article').first().waitFor()
      await page.getByText('Undo: remove this device').waitFor()
    },
  },
  'kept': {
    script: { conversations: kept },
    act: async (page) => {
      await press(page, 'Archived (1)')
      await page.getByRole('button', { name: /^Family/ }).click({ button: 'right' })
      await page.getByRole('menuitem', { name: 'Mute' }).waitFor()
    },
  },
}
