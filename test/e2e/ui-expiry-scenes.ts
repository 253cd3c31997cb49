/** The screens of messages that go again. */
import type { Page } from 'playwright-core'
import { fact, idOf, me, message, now, river, sampleConversations, sampleEntries } from './ui-samples.ts'
import { press, type Scene } from './ui-scene.ts'

const timed = { ...river, timer: 604_800 }
const script = {
  conversations: [timed, ...sampleConversations.slice(1)],
  entries: [
    ...sampleEntries,
    fact(timed, now, { fact: 'timer', by: idOf('Mara'), seconds: 604_800 }),
    fact(timed, now, { fact: 'deleted', who: me.accountId }),
    message(timed, 'Mara', 'The code of the gate until Sunday', { expiresAt: now + 604_800_000 }),
    message(timed, 'Robin', 'Written down nowhere', { expiresAt: now + 604_800_000 }),
  ],
}

const open = async (page: Page): Promise<void> => {
  await press(page, /^River garden/)
  await page.getByRole('article').filter({ hasText: 'Written down nowhere' }).waitFor()
}

const ask = async (page: Page): Promise<void> => {
  await open(page)
  const message = page.getByRole('article').filter({ hasText: 'Written down nowhere' })
  await message.hover()
  await message.getByRole('button', { name: 'Delete message' }).click()
  await page.getByRole('dialog').waitFor()
}

export const expiryScenes: Readonly<Record<string, Scene>> = {
  'disappearing': { script, act: open },
  'delete-message': { script, act: ask },
  'disappearing-panel': {
    script,
    act: async (page) => {
      await open(page)
      const about = page.getByRole('complementary', { name: 'About this chat' })
      if (!await about.isVisible()) await press(page, 'About this chat')
      await page.getByRole('heading', { name: 'Disappearing messages' }).scrollIntoViewIfNeeded()
    },
  },
}
