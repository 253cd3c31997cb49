/** Every screen of the window, by name, and how to get there. */
import type { Page } from 'playwright-core'
import type { Conversation, Person } from '../../preload/api.ts'
import type { BridgeOptions } from './ui-bridge.ts'
import { backupScenes } from './ui-backup-scenes.ts'
import { restoreScenes } from './ui-restore-scenes.ts'
import { closingScenes } from './ui-closing-scenes.ts'
import { deviceScenes } from './ui-device-scenes.ts'
import { expiryScenes } from './ui-expiry-scenes.ts'
import { fileScenes } from './ui-file-scenes.ts'
import {
  conversation, dayMs, fact, gap, idOf, jonas, me, message, now, person, recoveryWords, river, sampleConversations, sampleEntries,
  today,
} from './ui-samples.ts'
import { press, type Scene } from './ui-scene.ts'
import { shellScenes } from './ui-shell-scenes.ts'

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

/** The chats, with some people as this person trusts them. */
const trusting = (to: Readonly<Record<string, Partial<Person>>>): readonly Conversation[] =>
  sampleConversations.map((each) => ({ ...each, people: each.people.map((one) => ({ ...one, ...to[one.name] })) }))

const safety = async (page: Page): Promise<void> => {
  await chat('Jonas')(page)
  await page.getByRole('main').getByRole('button', { name: /^Safety number with Jonas/ }).click()
  await page.getByRole('img', { name: 'Code of the safety number' }).waitFor()
}

/** Names and texts of the greatest length, with and without a place to break the line. */
const longName = 'Maximiliana Friederike Wilhelmina von und zu Hohenberg-Sternfels, Vorsitzende'
const long = conversation('Donaudampfschifffahrtsgesellschaftskapitänsmützenabzeichenverordnungsausschuss', {
  kind: 'group', unread: 1_234, at: now, last: { at: now, text: 'x'.repeat(200), own: false },
  people: [person(longName, { admin: true, trust: 'verified', devices: 12 }), person('W'.repeat(80)), person('Robin')],
})
const longEntries = [
  message(long, longName, 'A paragraph that goes on. '.repeat(40), { at: now }),
  message(long, 'Robin', 'y'.repeat(500), { at: now }),
  gap(long, now, { reason: 'malformed', count: 1, rule: '12.4.2.confirmation-tag' }),
  message(long, 'W'.repeat(80), `first\n\n\`${'z'.repeat(120)}\`\n${'https://example.org/'.repeat(9)}`, { at: now }),
]

const asked = conversation('Orchard', { kind: 'group', at: now, people: [person('Mara'), person('Robin')] })

/** Read from a damaged file: some messages are gone, and of what came before nobody can say how many there were. */
const damaged: BridgeOptions = {
  phase: {
    at: 'ready', readOnly: 'store-damaged',
    me: { ...me, lock: { passphrase: false, keychain: false, afterMinutes: 0 } },
  },
  conversations: sampleConversations.filter(({ state }) => state !== 'request'),
  entries: [
    { ...gap(river, today(8, 0), { reason: 'damaged', count: 0 }), order: -1 }, ...sampleEntries,
    gap(river, today(12, 4), { reason: 'damaged', count: 3 }),
  ],
}

const noChats = { conversations: [], entries: [] }

export const scenes: Readonly<Record<string, Scene>> = {
  'search': {
    script: {},
    act: async (page) => {
      await page.getByRole('textbox', { name: 'Find chats and what was said' }).fill('at')
      await page.locator('mark').first().waitFor()
    },
  },
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
  'restore': {
    script: { ...noChats, phase: { at: 'new', keychain: 'ok' } },
    act: (page) => press(page, 'I have my 24 words'),
  },
  'restore-wrong': {
    script: { ...noChats, phase: { at: 'new', keychain: 'absent' } },
    answers: { 'setup.restore': { ok: false, code: 'card-missing' } },
    act: async (page) => {
      await press(page, 'I have my 24 words')
      await page.getByLabel('The 24 words').fill(recoveryWords.join(' '))
      for (const label of ['Passphrase', 'Repeat passphrase']) await page.getByLabel(label, { exact: true }).fill('seven oaks')
      await press(page, 'Bring my account back')
      await page.getByText('Nothing was found for these words').waitFor()
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
  'unlock': { script: { phase: { at: 'locked', need: 'passphrase', words: true } } },
  'unlock-wrong': {
    script: { phase: { at: 'locked', need: 'passphrase', words: true, hint: 'keychain-locked' } },
    answers: { 'setup.unlock': { ok: false, code: 'passphrase-wrong', detail: '8' } },
    act: async (page) => {
      await page.getByLabel('Passphrase').fill('wrong')
      await page.keyboard.press('Enter')
      await page.getByText('Wait 8 seconds').waitFor()
    },
  },
  'unlock-keychain': { script: { phase: { at: 'locked', need: 'keychain', words: true, hint: 'keychain-locked' } } },
  'unlock-lost': { script: { phase: { at: 'locked', need: 'passphrase', words: true, hint: 'keychain-lost' } } },
  'words-lost': { script: { phase: { at: 'locked', need: 'words', words: true, hint: 'keychain-lost' } } },
  'words-forgotten': {
    script: { phase: { at: 'locked', need: 'passphrase', words: true } },
    act: async (page) => {
      await press(page, 'Use the 24 words instead')
      await page.getByLabel('The 24 words').fill(recoveryWords.join(' ').replace('abuse', 'abbot'))
      for (const label of ['New passphrase', 'Repeat passphrase']) await page.getByLabel(label).fill('seven oaks')
      await press(page, 'Open')
      await page.getByText('Not in the list of words').waitFor()
    },
  },
  'stopped': { script: { phase: { at: 'stopped', code: 'store-damaged', detail: 'SQLITE_CORRUPT', readable: true } } },
  'stopped-slots': { script: { phase: { at: 'stopped', code: 'slots-damaged', readable: false } } },
  'stopped-aside': {
    script: { phase: { at: 'stopped', code: 'store-damaged', readable: false } },
    act: (page) => press(page, 'Restore a backup…'),
  },
  'stopped-restore': {
    script: { phase: { at: 'stopped', code: 'store-damaged', readable: false } },
    act: async (page) => {
      await press(page, 'Restore a backup…')
      await press(page, 'Go on')
      await page.getByText('is kept as').waitFor()
    },
  },
  'stopped-busy': { script: { phase: { at: 'stopped', code: 'profile-busy', readable: false } } },
  'read-only': { script: damaged, act: chat('River garden') },
  'read-only-list': { script: damaged },
  'empty': { script: noChats },
  'list': { script: { phase: { at: 'ready', me: { ...me, recovery: 'later' } } } },
  'group': { script: {}, act: chat('River garden') },
  'group-panel': { script: {}, act: panel },
  'silent-devices': {
    script: {
      conversations: [{ ...river, absent: [{ accountId: idOf('Ana'), name: 'Ana' }] }, ...sampleConversations.slice(1)],
      entries: [
        ...sampleEntries,
        fact(river, now, { fact: 'dropped', by: me.accountId, who: idOf('Ana'), absent: true }),
        fact(river, now, { fact: 'dropped', by: idOf('Mara'), who: idOf('Jonas'), absent: false }),
        fact(river, now, { fact: 'moved', by: idOf('Mara') }),
        fact(river, now, { fact: 'continued', by: idOf('Mara'), without: idOf('Jonas') }),
      ],
      idle: [
        { accountId: idOf('Kim'), deviceId: idOf('laptop').slice(0, 32), since: now - 127 * dayMs },
        { accountId: idOf('Jonas'), deviceId: idOf('phone').slice(0, 32), since: now - 94.5 * dayMs },
        { accountId: me.accountId, deviceId: idOf('own').slice(0, 32), since: now - 91 * dayMs },
      ],
    },
    act: async (page) => {
      await panel(page)
      await page.getByRole('heading', { name: 'Silent devices' }).scrollIntoViewIfNeeded()
    },
  },
  'remove-silent-device': {
    script: { idle: [{ accountId: idOf('Kim'), deviceId: idOf('laptop').slice(0, 32), since: now - 94 * dayMs }] },
    act: async (page) => {
      await panel(page)
      await press(page, /^Remove it/)
    },
  },
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
  'asking': {
    script: {
      conversations: [{ ...asked, asking: [{ deviceId: idOf('a laptop'), device: 'Old laptop', until: now + 540_000 }] }],
      entries: [message(asked, 'Mara', 'See you in spring.', { at: now })],
    },
    act: async (page) => {
      await chat('Orchard')(page)
      await page.getByRole('button', { name: 'This was not me' }).waitFor()
    },
  },
  'left': { script: {}, act: chat('Choir') },
  'request': { script: {}, act: chat('Lena Hartmann') },
  'request-namesake': {
    script: { known: [{ accountId: idOf('another Lena'), name: 'lena  hartmann' }] },
    act: async (page) => {
      await chat('Lena Hartmann')(page)
      await page.getByText('by another account').waitFor()
    },
  },
  'request-group': { script: {}, act: chat('Book club') },
  'new-chat': { script: {}, act: newChat },
  'read-code': {
    script: {},
    act: async (page) => {
      await newChat(page)
      await press(page, 'Read a QR code')
      await page.getByRole('button', { name: 'Use the camera' }).waitFor()
    },
  },
  'new-group': { script: {}, act: newGroup },
  'invite': {
    script: {},
    act: async (page) => {
      await press(page, 'Show my invite')
      await page.getByRole('img', { name: 'QR code' }).waitFor()
    },
  },
  'invites': {
    script: {},
    act: async (page) => {
      await press(page, 'Show my invite')
      await press(page, 'All your invites')
      await press(page, /^Show: /)
      await page.getByRole('img', { name: 'QR code' }).waitFor()
    },
  },
  'withdraw-invite': {
    script: {},
    act: async (page) => {
      await press(page, 'Show my invite')
      await press(page, 'All your invites')
      await press(page, /^Withdraw: /)
      await page.getByRole('alertdialog').waitFor()
    },
  },
  'safety-number': { script: { conversations: trusting({ Jonas: { trust: 'new', byInvite: true } }) }, act: safety },
  'safety-number-verified': {
    script: { conversations: trusting({ Jonas: { trust: 'verified' } }) },
    act: safety,
  },
  'safety-number-changed': {
    script: { conversations: trusting({ Jonas: { trust: 'changed', why: 'equivocation' } }) },
    act: safety,
  },
  'changed': {
    script: {
      conversations: trusting({ Jonas: { trust: 'changed', why: 'recovery' } }),
      entries: [
        ...sampleEntries, fact(jonas, now, { fact: 'changed', who: idOf('Jonas'), why: 'recovery' }),
        message(jonas, 'Robin', 'Until then!', { state: 'sending', deliveredTo: 0 }),
      ],
    },
    act: chat('Jonas'),
  },
  'changed-group': {
    script: {
      conversations: trusting({ Kim: { trust: 'changed', why: 'split' }, Oda: { trust: 'changed', why: 'replaced' } }),
    },
    act: panel,
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
  'report': {
    script: {},
    act: async (page) => {
      await press(page, 'Settings')
      await press(page, 'Show… (the report)')
      await page.getByText('4 lines').waitFor()
    },
  },
  'report-stopped': {
    script: { phase: { at: 'stopped', code: 'store-damaged', detail: 'SQLITE_CORRUPT', readable: true } },
    act: async (page) => {
      await press(page, 'Show the report')
      await page.getByText('4 lines').waitFor()
    },
  },
  'settings-no-passphrase': {
    script: { phase: { at: 'ready', me: { ...me, lock: { passphrase: false, keychain: true, afterMinutes: 0 } } } },
    act: (page) => press(page, 'Settings'),
  },
  'settings-lock': {
    script: { phase: { at: 'ready', me: { ...me, lock: { passphrase: true, keychain: false, afterMinutes: 5 } } } },
    act: (page) => press(page, 'Settings'),
  },
  'update-there': {
    script: {},
    act: async (page) => { await page.getByRole('button', { name: /Settings/ }).waitFor() },
    told: [{ shell: { update: { keeper: 'self', mode: 'ask', stage: 'offered', version: '0.2.0' } } }],
  },
  'settings-read-only': { script: damaged, act: (page) => press(page, 'Settings') },
  'passphrase-set': {
    script: { phase: { at: 'ready', me: { ...me, lock: { passphrase: false, keychain: true, afterMinutes: 0 } } } },
    act: async (page) => {
      await press(page, 'Settings')
      await press(page, 'Set…')
    },
  },
  'passphrase-change': {
    script: {},
    act: async (page) => {
      await press(page, 'Settings')
      await press(page, 'Change…')
      await page.getByLabel('Passphrase until now').fill('wrong')
      for (const label of ['New passphrase', 'Repeat passphrase']) await page.getByLabel(label).fill('seven oaks')
      await press(page, 'Change passphrase')
      await page.getByText('does not open the profile').waitFor()
    },
  },
  'passphrase-remove': {
    script: {},
    act: async (page) => {
      await press(page, 'Settings')
      await press(page, 'Remove… (the passphrase)')
    },
  },
  'remove-profile': {
    script: {},
    act: async (page) => {
      await press(page, 'Settings')
      await page.getByRole('button', { name: 'Remove…', exact: true }).click()
    },
  },
  ...deviceScenes,
  ...backupScenes,
  ...restoreScenes,
  ...closingScenes,
  ...expiryScenes,
  ...fileScenes,
  ...shellScenes,
}
