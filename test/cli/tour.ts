/**
 * A tour through the real app, headless: Anna and Ben set up, meet by an invite, talk both ways; Anna links a laptop and
 * takes it back; they quit, come back, find everything again, and leave nothing behind. Then two people lose their computers
 * and come back by a backup and their words, with bytes and times; `--short` leaves that out. Prints what happens and where
 * the pictures are; ends with 1 when anything differs.
 */
import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { mkdir, readdir, rm } from 'node:fs/promises'
import path from 'node:path'
import type { Page } from 'playwright-core'
import { findBrowser } from '../standin/browser.ts'
import { comeBack } from '../e2e/comeback.ts'
import {
  accept, confirmWords, conversationsOf, entriesOf, invoke, launch, nameComputer, openConversation, root, say, seeMessage, setUp,
  showInvite, startChat, temporaryData, timeline, unlock,
} from '../e2e/harness.ts'
import type { Running } from '../e2e/harness.ts'

const pictures = path.join(root, 'tour')
const limitMs = 300_000
const talk = [
  ['Anna', 'Hello Ben, this is the first light.'],
  ['Ben', 'I can read you. Can you read me?'],
  ['Anna', 'Every word: “naïve”, дуб, ½ and 100 %.'],
  ['Ben', 'Then let us close both windows and see what stays.'],
] as const

type Line = { readonly who: string, readonly text: string, readonly state: string }

const tell = (line: string): void => { process.stdout.write(`${line}\n`) }

let shots = 0
async function picture(page: Page, name: string): Promise<void> {
  shots++
  const file = path.join(pictures, `${String(shots).padStart(2, '0')}-${name}.png`)
  // Movement under way would make every run's picture another one.
  await page.screenshot({ path: file, animations: 'disabled' })
}

/** In both themes, as wide as a screen and as narrow as half of one. */
async function everyLook(page: Page, name: string): Promise<void> {
  const before = page.viewportSize()
  for (const [width, height] of [[1400, 860], [420, 800]] as const) {
    for (const theme of ['light', 'dark'] as const) {
      await page.setViewportSize({ width, height })
      await page.emulateMedia({ colorScheme: theme })
      // The panel slides out of a window that became narrow.
      await page.waitForTimeout(200)
      await picture(page, `${name}-${String(width)}-${theme}`)
    }
  }
  if (before !== null) await page.setViewportSize(before)
  await page.emulateMedia({ colorScheme: 'light' })
}

/** What one of them sees of the only conversation there is. */
async function transcript(page: Page, other: string): Promise<readonly Line[]> {
  const conversations = await conversationsOf(page)
  assert.equal(conversations.length, 1, 'there should be one conversation')
  const entries = await entriesOf(page, conversations[0]?.id ?? '')
  return entries.flatMap((entry): readonly Line[] => {
    switch (entry.kind) {
      case 'message': return [{ who: entry.own ? 'I' : other, text: entry.text, state: entry.state }]
      case 'gap': return [{ who: '(gap)', text: entry.reason, state: '' }]
      case 'fact': return []
    }
  })
}

const expected = (me: string): readonly Line[] => talk.map(([who, text]) =>
  who === me ? { who: 'I', text, state: 'delivered' } : { who, text, state: 'received' })

/** Waits until both see the whole talk, all of it delivered. */
async function checkBoth(anna: Running, ben: Running): Promise<void> {
  for (const [running, me, other] of [[anna, 'Anna', 'Ben'], [ben, 'Ben', 'Anna']] as const) {
    for (const [, text] of talk) await seeMessage(running.page, text)
    let seen: readonly Line[] = []
    for (let tries = 0; tries < 100; tries++) {
      seen = await transcript(running.page, other)
      if (seen.every(({ state }) => state === 'delivered' || state === 'received')) break
      await running.page.waitForTimeout(100)
    }
    assert.deepEqual(seen, expected(me), `${me} does not see what was said`)
    assert.deepEqual(running.standin.complaints, [], `${me}'s window complains`)
  }
}

async function meet(anna: Running, ben: Running): Promise<void> {
  tell('Anna and Ben set up their profiles')
  await picture(anna.page, 'set-up')
  await setUp(anna.page, 'Anna')
  await picture(anna.page, 'empty')
  await setUp(ben.page, 'Ben')
  tell('Anna shows her invite, Ben pastes it')
  const invite = await showInvite(anna.page)
  await startChat(ben.page, invite)
  await openConversation(anna.page, 'Ben')
  await picture(anna.page, 'request')
  await accept(anna.page, 'Ben')
}

async function speak(anna: Running, ben: Running): Promise<void> {
  for (const [who, text] of talk) {
    const [speaker, listener] = who === 'Anna' ? [anna, ben] : [ben, anna]
    await say(speaker.page, text)
    await seeMessage(listener.page, text)
  }
}

const press = (page: Page, name: string | RegExp): Promise<void> =>
  page.getByRole('button', { name, exact: typeof name === 'string' }).click()

/** From Anna's code to the laptop that talks in her name. */
async function link(anna: Running, ben: Running, laptop: Running): Promise<void> {
  tell('Anna puts her words on paper, and links a laptop')
  await confirmWords(anna.page)
  await press(anna.page, 'Settings')
  await press(anna.page, 'Show… (the devices)')
  await press(anna.page, 'Link a device')
  await press(anna.page, /^Show a code here/)
  const code = await anna.page.getByRole('textbox', { name: 'Linking code' }).inputValue()
  await picture(anna.page, 'link-code')
  await press(laptop.page, 'I use Coppice on another computer already')
  await nameComputer(laptop.page, 'Laptop')
  await press(laptop.page, 'Read the code of the other one')
  await laptop.page.getByLabel('Or paste its text').fill(code)
  await picture(laptop.page, 'link-paste')
  await press(laptop.page, 'Go on')
  const digits = anna.page.locator('p.digits')
  await digits.waitFor()
  await picture(anna.page, 'link-digits')
  await laptop.page.getByLabel('Ten digits').fill(await digits.innerText())
  await picture(laptop.page, 'link-digits-typed')
  await laptop.page.keyboard.press('Enter')
  await anna.page.getByRole('dialog', { name: 'Link “Laptop”?' }).waitFor()
  await picture(anna.page, 'link-confirm')
  await press(anna.page, 'Link Laptop')
  await laptop.page.getByRole('heading', { name: 'Is this you?' }).waitFor()
  await picture(laptop.page, 'link-is-this-you')
  await press(laptop.page, 'This is me')
  await anna.page.getByRole('dialog', { name: '“Laptop” is linked' }).waitFor()
  await picture(anna.page, 'link-done')
  await press(anna.page, 'Done')
  await laptop.page.getByRole('dialog', { name: 'You are here too' }).waitFor()
  await picture(laptop.page, 'link-done-laptop')
  await press(laptop.page, 'Open my chats')
  await openConversation(laptop.page, 'Ben')
  await timeline(ben.page).getByText('Anna linked “Laptop”.').waitFor()
  await picture(ben.page, 'link-seen')
}

/** Anna takes the laptop back, by the line in the chat. */
async function takeBack(anna: Running, ben: Running, laptop: Running): Promise<void> {
  tell('Anna takes the laptop back')
  await press(anna.page, 'Undo: remove this device')
  await laptop.page.getByRole('region', { name: 'This computer was removed from your account' }).waitFor()
  await timeline(ben.page).getByText('Anna removed “Laptop”').waitFor()
  await picture(laptop.page, 'taken-back-laptop')
  await picture(ben.page, 'taken-back-seen')
  await press(anna.page, 'Settings')
  await press(anna.page, 'Show… (the devices)')
  await anna.page.getByText('1 removed device').click()
  await anna.page.getByText('Removed from 1 of 1 chats.').waitFor()
  await picture(anna.page, 'taken-back-devices')
  await anna.page.keyboard.press('Escape')
}

async function tour(data: string): Promise<void> {
  const [anna, ben] = [await launch(data, 'anna'), await launch(data, 'ben')]
  await meet(anna, ben)
  await speak(anna, ben)
  await checkBoth(anna, ben)
  await picture(anna.page, 'anna')
  await ben.page.emulateMedia({ colorScheme: 'dark' })
  await picture(ben.page, 'ben-dark')
  const laptop = await launch(data, 'laptop')
  await link(anna, ben, laptop)
  await takeBack(anna, ben, laptop)
  assert.deepEqual(laptop.standin.complaints, [], 'the window of the laptop complains')
  assert.equal(await laptop.quit(), 0)
  tell('both quit and start again')
  assert.deepEqual([await anna.quit(), await ben.quit()], [0, 0], 'both should quit in good order')

  const [annaAgain, benAgain] = [await launch(data, 'anna'), await launch(data, 'ben')]
  await unlock(annaAgain.page)
  await unlock(benAgain.page)
  await openConversation(annaAgain.page, 'Ben')
  await openConversation(benAgain.page, 'Anna')
  await checkBoth(annaAgain, benAgain)
  await picture(annaAgain.page, 'anna-again')
  tell('\nwhat both see, before and after:')
  for (const [who, text] of talk) tell(`  ${who.padEnd(5)} ${text}`)
  tell('\nboth remove their profiles from this computer')
  for (const [running, name] of [[annaAgain, 'Anna'], [benAgain, 'Ben']] as const) {
    assert.deepEqual(await invoke(running.page, 'profile.remove', { name }), { ok: true, value: undefined })
    await running.page.getByLabel('Your name').waitFor()
    await running.quit()
    const store = path.join(data, 'profiles', name.toLowerCase(), 'profile.sqlite')
    assert.ok(!existsSync(store), `${name}'s history is still here`)
  }
}

const limit = setTimeout(() => {
  process.stderr.write(`the tour did not end within ${limitMs / 1000} s\n`)
  process.exit(1)
}, limitMs)
const { data, remove } = await temporaryData()
try {
  const { source, executable } = await findBrowser()
  tell(`a tour of Coppice in ${source === 'npm' ? 'the headless browser from npm' : executable}`)
  await rm(pictures, { recursive: true, force: true })
  await mkdir(pictures, { recursive: true })
  await tour(data)
  if (!process.argv.includes('--short')) {
    tell('\neverything is lost, but a backup and the words')
    await comeBack({ data: path.join(path.dirname(data), 'lost', 'data'), spoken: 60, tell, picture: everyLook })
  }
  tell('\nthe tour ended well; pictures:')
  for (const file of (await readdir(pictures)).sort()) tell(`  ${path.join(pictures, file)}`)
} catch (error) {
  process.stderr.write(`the tour failed: ${error instanceof Error ? error.stack ?? error.message : 'unknown'}\n`)
  process.exitCode = 1
} finally {
  clearTimeout(limit)
  await remove()
}
// Windows that a failure left open would keep the process.
process.exit()
