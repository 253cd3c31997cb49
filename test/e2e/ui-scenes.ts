/** Every screen of the window, by name, and how to get there. */
import type { Page } from 'playwright-core'
import type { BridgeOptions } from './ui-bridge.ts'
import { conversation, gap, me, message, now, person } from './ui-samples.ts'

export type Scene = { readonly script: BridgeOptions, readonly act?: (page: Page) => Promise<void> }

const press = async (page: Page, name: string | RegExp): Promise<void> => {
  await page.getByRole('button', { name }).click()
}
const chat = (title: string) => async (page: Page): Promise<void> => {
  await press(page, new RegExp(`^${title}`))
  await page.getByRole('article').or(page.getByRole('button', { name: 'Accept' })).first().waitFor()
}

/** The info panel of the group of the drawings; where it does not fit beside the chat it must be opened. */
const panel = async (page: Page): Promise<void> => {
  await chat('River garden')(page)
  const about = page.getByRole('complementary', { name: 'About this chat' })
  if (!await about.isVisible()) await press(page, 'About this chat')
  await about.getByRole('img').waitFor()
}

const newChat = async (page: Page): Promise<void> => {
  await press(page, 'New chat')
  await page.getByLabel('Paste an invite').fill('coppice1nora')
  await page.getByText('Invite good until').waitFor()
}

const newGroup = async (page: Page): Promise<void> => {
  await press(page, 'New chat')
  await press(page, 'New group')
  await page.getByLabel('Group name').fill('Rowing')
  await page.getByRole('checkbox', { name: 'Mara' }).check()
  await page.getByLabel('Paste an invite').fill('coppice1nora')
  await page.getByText('2 people picked').waitFor()
}

/** Names and texts of the greatest length, with and without a place to break the line. */
const longName = 'Maximiliana Friederike Wilhelmina von und zu Hohenberg-Sternfels, Vorsitzende'
const long = conversation('Donaudampfschifffahrtsgesellschaftskapitänsmützenabzeichenverordnungsausschuss', {
  kind: 'group', unread: 1_234, at: now, last: { at: now, text: 'x'.repeat(200), own: false },
  people: [person(longName, { admin: true, verified: true, devices: 12 }), person('W'.repeat(80)), person('Robin')],
})
const longEntries = [
  message(long, longName, 'A paragraph that goes on. '.repeat(40), { at: now }),
  message(long, 'Robin', 'y'.repeat(500), { at: now }),
  gap(long, now, { reason: 'malformed', count: 1, rule: '12.4.2.confirmation-tag' }),
  message(long, 'W'.repeat(80), `first\n\n\`${'z'.repeat(120)}\`\n${'https://example.org/'.repeat(9)}`, { at: now }),
]

const asked = conversation('Orchard', { kind: 'group', at: now, people: [person('Mara'), person('Robin')] })

const noChats = { conversations: [], entries: [] }

export const scenes: Readonly<Record<string, Scene>> = {
  'choose': {
    script: { phase: { at: 'choose', profiles: [{ profile: 'default', name: 'Robin' }, { profile: 'work' }] } },
  },
  'set-up': { script: { ...noChats, phase: { at: 'new', keychain: 'ok' } } },
  'set-up-passphrase': {
    script: { ...noChats, phase: { at: 'new', keychain: 'absent' } },
    act: async (page) => {
      await page.getByLabel('Your name').fill('Robin')
      await page.getByLabel('Passphrase', { exact: true }).fill('seven oaks')
      await press(page, 'Create account')
    },
  },
  'recovery-words': { script: { ...noChats, phase: { at: 'ready', me: { ...me, recovery: 'waiting' } } } },
  'recovery-check': {
    script: { ...noChats, phase: { at: 'ready', me: { ...me, recovery: 'waiting' } } },
    act: async (page) => {
      await press(page, 'I wrote them down')
      await press(page, 'Confirm')
    },
  },
  'unlock': { script: { phase: { at: 'locked', need: 'passphrase' } } },
  'unlock-keychain': { script: { phase: { at: 'locked', need: 'keychain' } } },
  'stopped': { script: { phase: { at: 'stopped', code: 'store-damaged', detail: 'page 7' } } },
  'empty': { script: noChats },
  'list': { script: { phase: { at: 'ready', me: { ...me, recovery: 'later' } } } },
  'group': { script: {}, act: chat('River garden') },
  'group-panel': { script: {}, act: panel },
  'not-sent': { script: {}, act: chat('Family') },
  'direct': { script: {}, act: chat('Jonas') },
  'long': {
    script: { conversations: [long], entries: longEntries },
    act: async (page) => {
      await chat('Donau')(page)
      // On a narrow window the line of new messages and the first of them fill the screen.
      if (page.viewportSize()?.width === 420) await press(page, /to the newest/)
      await page.getByText('Why?').click()
    },
  },
  'recovering': {
    script: {
      conversations: [{ ...asked, recovering: { reason: 'aged', since: now, asked: 1 } }],
      entries: [message(asked, 'Mara', 'See you in spring.', { at: now })],
    },
    act: chat('Orchard'),
  },
  'left': { script: {}, act: chat('Choir') },
  'request': { script: {}, act: chat('Lena Hartmann') },
  'request-group': { script: {}, act: chat('Book club') },
  'new-chat': { script: {}, act: newChat },
  'new-group': { script: {}, act: newGroup },
  'invite': {
    script: {},
    act: async (page) => {
      await press(page, 'Show my invite')
      await page.getByRole('img', { name: 'QR code' }).waitFor()
    },
  },
  'add-people': {
    script: {},
    act: async (page) => {
      await panel(page)
      await press(page, 'Add people')
      await page.getByRole('checkbox', { name: 'Ana' }).check()
    },
  },
  'rename': {
    script: {},
    act: async (page) => {
      await panel(page)
      await press(page, 'Rename')
    },
  },
  'remove-person': {
    script: {},
    act: async (page) => {
      await panel(page)
      await press(page, 'Remove Kim')
    },
  },
  'settings': { script: {}, act: (page) => press(page, 'Settings') },
  'remove-profile': {
    script: {},
    act: async (page) => {
      await press(page, 'Settings')
      await press(page, 'Remove…')
    },
  },
}
