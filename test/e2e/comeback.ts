/**
 * Two people lose their computers, each with what they had prepared: Anna a file and her words, Cara a folder that grew and
 * hers. `npm run tour` shows it, comeback.test.ts asserts it; the steps are these.
 */
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs'
import path from 'node:path'
import type { Page } from 'playwright-core'
import { pngOf } from '../chat/pictures.ts'
import { backUpNow, checkBackup, isBackIn, keepFolder, openBackups, restoreBackup, saveFile, setUpOnPaper, tryOut } from './backing-up.ts'
import {
  conversationsOf, entriesOf, invoke, launch, say, seeMessage, setUp, showInvite, startChat, timeline,
  unlock, until, wait, type Running,
} from './harness.ts'

export type Guide = {
  readonly data: string
  /** How many messages there are in the group, beside those with files. */
  readonly spoken: number
  /** One line of what happens, with what was measured. */
  readonly tell: (line: string) => void
  readonly picture: (page: Page, name: string) => Promise<void>
}

/** Somebody who loses a computer. */
type Loser = {
  readonly name: string
  readonly words: string
  running: Running
}

const passphrase = 'maple anvil dust orbit quiet'
const hourMs = 60 * 60 * 1000
/** What is written to the recovery card a moment after a conversation began must be there before the computer is lost. */
const cardMs = 3_000

const seconds = (startedAt: number): string => `${((performance.now() - startedAt) / 1000).toFixed(1)} s`
const amount = (bytes: number): string => `${bytes.toLocaleString('en')} bytes`

/** The whole of it, from three windows that have never met to three that talk as before. */
export async function comeBack({ data, spoken, tell, picture }: Guide): Promise<void> {
  const realNow = Date.now
  const all: Running[] = []
  const start = async (profile: string): Promise<Running> => {
    const running = await launch(data, profile)
    all.push(running)
    return running
  }
  try {
    const running = await Promise.all([start('anna'), start('ben'), start('cara')])
    const { anna, cara, ben } = await meet(running, tell)
    await live({ anna, ben, cara }, spoken)
    tell(`they talk: ${String(spoken + 5)} messages, two pictures and a plan`)
    const places = await backUp({ anna, cara, data, tell, picture })
    const before = [await said(anna.running.page), await said(cara.running.page)] as const
    await lose([anna, cara], data)
    tell('both computers are gone: the folders of both profiles are deleted')

    await returnOf(anna, await start('anna'), { kind: 'file', place: places.file, passphrase }, { tell, picture })
    await returnOf(cara, await start('cara'), { kind: 'folder', place: places.folder }, { tell, picture })
    for (const [at, loser] of [anna, cara].entries()) {
      assert.deepEqual(await said(loser.running.page), before[at], `what was said is not what ${loser.name} had`)
      await seesPicture(loser.running.page)
      assert.deepEqual(await isBackIn(loser.running.page), [0, 2])
      assert.deepEqual(await adminsSeenBy(loser), { admins: [], mayAdd: false }, 'nothing is claimed that is not known yet')
    }
    await say(ben.page, 'Where are you two?')

    tell('a day goes by in which their old devices could have said no (the clock of the three processes is moved by 25 h)')
    Date.now = () => realNow() + 25 * hourMs
    assert.equal(await ben.quit(), 0)
    const benAgain = await start('ben')
    await letIn([anna, cara], benAgain, { tell, picture })
    for (const loser of [anna, cara]) assert.deepEqual(await adminsSeenBy(loser), { admins: ['Ben'], mayAdd: true })
    await talkAgain([anna, cara], benAgain, picture)
    for (const { complaints } of all) assert.deepEqual(complaints, [], 'a window complains')
    tell('what Ben says next arrives, and what they answer')
  } finally {
    await Promise.all(all.map((one) => one.quit()))
    Date.now = realNow
  }
}

/** From the list, where others' names stand in what was said last, too. */
const enter = (page: Page, title: string): Promise<void> => page.getByRole('navigation', { name: 'Conversations' })
  .getByRole('button', { name: new RegExp(`^${title}`) }).click()

async function agree(page: Page, title: string): Promise<void> {
  await enter(page, title)
  await page.getByRole('button', { name: 'Accept', exact: true }).click()
  await page.getByRole('textbox', { name: 'Message' }).waitFor()
}

type Cast = { readonly anna: Loser, readonly ben: Running, readonly cara: Loser }

async function meet([anna, ben, cara]: readonly [Running, Running, Running], tell: Guide['tell']): Promise<Cast> {
  const [words] = await Promise.all([
    Promise.all([setUpOnPaper(anna.page, 'Anna'), setUpOnPaper(cara.page, 'Cara')]), setUp(ben.page, 'Ben'),
  ])
  for (const [one, name] of [[anna, 'Anna'], [cara, 'Cara']] as const) {
    await startChat(one.page, await showInvite(ben.page))
    await agree(ben.page, name)
  }
  for (const name of ['New chat', 'New group']) await ben.page.getByRole('button', { name, exact: true }).first().click()
  const dialog = ben.page.getByRole('dialog', { name: 'New group' })
  await dialog.getByRole('textbox').first().fill('River garden')
  for (const name of ['Anna', 'Cara']) await dialog.getByText(name, { exact: true }).click()
  await dialog.getByRole('button', { name: 'Create group' }).click()
  await dialog.waitFor({ state: 'hidden' })
  for (const { page } of [anna, cara]) await agree(page, 'River garden')
  tell('Anna, Ben and Cara meet, two by two and in a group; Anna and Cara put their words on paper')
  return { anna: { name: 'Anna', words: words[0], running: anna }, ben, cara: { name: 'Cara', words: words[1], running: cara } }
}

const choose = (page: Page, name: string, mimeType: string, buffer: Buffer): Promise<void> =>
  page.locator('input[data-chooser]').setInputFiles([{ name, mimeType, buffer }])

async function send(page: Page, text: string): Promise<void> {
  await page.getByRole('textbox', { name: 'Message' }).fill(text)
  await page.getByRole('button', { name: 'Send', exact: true }).and(page.locator(':enabled')).click()
}

/** A history: many words in the group, pictures, and a plan that was fetched. */
async function live({ anna, ben, cara }: Cast, spoken: number): Promise<void> {
  const startedAt = performance.now()
  const { page } = anna.running
  for (const each of [page, ben.page, cara.running.page]) await enter(each, 'River garden')
  const [group] = (await conversationsOf(ben.page)).filter(({ title }) => title === 'River garden')
  for (let n = 1; n <= spoken; n++) {
    const speaker = n <= spoken / 2 ? page : ben.page
    assert.deepEqual(await invoke(speaker, 'message.send', {
      conversation: group?.id ?? '', key: n.toString(16).padStart(32, '0'), text: `Row ${String(n)} is sown.`,
    }), { ok: true, value: undefined })
  }
  await choose(page, 'Oak.png', 'image/png', pngOf({ width: 240, height: 160 }))
  await send(page, 'The oak this morning')
  await choose(cara.running.page, 'Alder.png', 'image/png', pngOf({ width: 200, height: 160 }))
  await send(cara.running.page, 'And the alder')
  await choose(ben.page, 'Plan.txt', 'text/plain', Buffer.from('A plan for Saturday. '.repeat(20_000)))
  await send(ben.page, 'The plan for Saturday')
  for (const each of [page, ben.page, cara.running.page]) {
    for (const text of ['The oak this morning', 'And the alder', 'The plan for Saturday']) await seeMessage(each, text)
    for (const name of ['Oak.png', 'Alder.png']) await widthOf(each, name)
  }
  for (const each of [page, cara.running.page]) {
    await each.getByRole('button', { name: 'Get Plan.txt' }).click()
    await each.getByRole('button', { name: 'Save Plan.txt' }).waitFor()
  }
  for (const [one, text] of [[anna, 'Only for Ben: thank you.'], [cara, 'Only for Ben: see you there.']] as const) {
    await enter(one.running.page, 'Ben')
    await say(one.running.page, text)
    await enter(ben.page, one.name)
    await seeMessage(ben.page, text)
  }
  await enter(ben.page, 'River garden')
  await wait(Math.max(0, cardMs - (performance.now() - startedAt)))
}

const widthOf = (page: Page, name: string): Promise<number> => timeline(page).getByRole('img', { name: `Picture ${name}` })
  .evaluate(async (image: HTMLImageElement) => { await image.decode(); return image.naturalWidth })

async function seesPicture(page: Page): Promise<void> {
  await enter(page, 'River garden')
  assert.deepEqual([await widthOf(page, 'Oak.png'), await widthOf(page, 'Alder.png')], [240, 200])
  await page.getByRole('button', { name: 'Save Plan.txt' }).waitFor()
}

/** All that somebody sees of what was said, by conversation. */
async function said(page: Page): Promise<readonly string[]> {
  const conversations = [...await conversationsOf(page)].sort((a, b) => a.title < b.title ? -1 : 1)
  const lines: string[] = []
  for (const { id, title } of conversations) {
    for (const entry of await entriesOf(page, id)) {
      if (entry.kind !== 'message') continue
      const files = (entry.attachments ?? []).map(({ name, size, state }) => `${name} ${String(size)} ${state}`)
      lines.push([title, entry.own ? 'I' : 'they', entry.text, ...files].join(' | '))
    }
  }
  return lines
}

async function adminsSeenBy({ running }: Loser) {
  const group = (await conversationsOf(running.page)).find(({ kind }) => kind === 'group')
  return { admins: group?.people.filter(({ admin }) => admin).map(({ name }) => name), mayAdd: group?.mayAdd }
}

const bytesIn = (place: string): number => {
  const stat = statSync(place)
  if (!stat.isDirectory()) return stat.size
  return readdirSync(place).reduce((sum, name) => sum + bytesIn(path.join(place, name)), 0)
}

async function backUp({ anna, cara, data, tell, picture }: Omit<Guide, 'spoken'> & Pick<Cast, 'anna' | 'cara'>) {
  const file = path.join(path.dirname(data), 'Anna.age')
  const folder = path.join(path.dirname(data), 'Backups of Cara')
  mkdirSync(folder)
  await openBackups(anna.running.page)
  await picture(anna.running.page, 'backups')
  let startedAt = performance.now()
  await saveFile(anna.running, file, passphrase)
  tell(`Anna saves a file, under a passphrase: ${amount(bytesIn(file))}, ${seconds(startedAt)}`)
  startedAt = performance.now()
  await checkBackup(anna.running, file, passphrase)
  tell(`  and has it checked: whole, ${seconds(startedAt)}`)
  await picture(anna.running.page, 'backup-checked')

  await openBackups(cara.running.page)
  await keepFolder(cara.running, folder)
  startedAt = performance.now()
  await backUpNow(cara.running)
  const first = bytesIn(folder)
  tell(`Cara begins a folder, which her words open: ${amount(first)}, ${seconds(startedAt)}`)
  await cara.running.page.keyboard.press('Escape')
  await say(cara.running.page, 'One more thing before I go.')
  await seeMessage(cara.running.page, 'One more thing before I go.')
  await openBackups(cara.running.page)
  startedAt = performance.now()
  await backUpNow(cara.running)
  const grown = bytesIn(folder) - first
  tell(`  and adds to it after one more message: ${amount(grown)} more are in it, ${seconds(startedAt)}`)
  assert.ok(grown > 0 && grown < first / 10, `the second backup wrote ${String(grown)} bytes after ${String(first)}`)
  await picture(cara.running.page, 'backups-folder')
  startedAt = performance.now()
  await tryOut(cara.running, folder, cara.words)
  tell(`  and tries it out beside her chats: nothing is missing in it, ${seconds(startedAt)}`)
  await picture(cara.running.page, 'backup-tried-out')
  return { file, folder }
}

async function lose(losers: readonly Loser[], data: string): Promise<void> {
  for (const { name, running } of losers) {
    assert.equal(await running.quit(), 0)
    const folder = path.join(data, 'profiles', name.toLowerCase())
    rmSync(folder, { recursive: true })
    assert.ok(!existsSync(folder))
  }
}

type Way = { readonly kind: 'file' | 'folder', readonly place: string, readonly passphrase?: string }

/** A new computer, from its first page to the conversations as they were. */
async function returnOf(loser: Loser, running: Running, way: Way, { tell, picture }: Pick<Guide, 'tell' | 'picture'>): Promise<void> {
  const { page } = running
  loser.running = running
  await picture(page, `new-${way.kind}`)
  await page.getByRole('button', { name: 'I have a backup', exact: true }).click()
  let startedAt = 0
  await restoreBackup(running, {
    ...way, words: loser.words,
    filled: async () => {
      await picture(page, `restore-${way.kind}`)
      startedAt = performance.now()
    },
  })
  tell(`${loser.name} restores the ${way.kind} on a new computer: ${seconds(startedAt)}`)
  await page.getByText('Back in 0 of 2 chats.').waitFor()
  await picture(page, `restored-${way.kind}`)
  await enter(page, 'River garden')
  await picture(page, `history-${way.kind}`)
}

async function letIn(losers: readonly Loser[], ben: Running, { tell, picture }: Pick<Guide, 'tell' | 'picture'>): Promise<void> {
  const startedAt = performance.now()
  await unlock(ben.page)
  for (const { name, running } of losers) {
    await until(`${name} is not back`, async () => {
      const [back, of] = await isBackIn(running.page)
      return back === of
    })
    await running.page.getByText('Back in all 2 chats.').waitFor()
  }
  tell(`Ben starts again and lets them in: back in 2 of 2 chats each, ${seconds(startedAt)}`)
  await enter(ben.page, 'River garden')
  await picture(ben.page, 'let-in')
}

async function talkAgain(losers: readonly Loser[], ben: Running, picture: Guide['picture']): Promise<void> {
  await say(ben.page, 'Welcome back!')
  for (const { name, running } of losers) {
    await seeMessage(running.page, 'Welcome back!')
    await say(running.page, `${name} is here again.`)
    await seeMessage(ben.page, `${name} is here again.`)
    await enter(ben.page, name)
    await say(ben.page, `And only for you, ${name}.`)
    await picture(running.page, `back-${name.toLowerCase()}`)
    await enter(running.page, 'Ben')
    await seeMessage(running.page, `And only for you, ${name}.`)
    await enter(ben.page, 'River garden')
  }
  await picture(ben.page, 'back-ben')
}
