import assert from 'node:assert/strict'
import { after, afterEach, before, describe, test } from 'node:test'
import type { Locator, Page } from 'playwright-core'
import { ScriptedBridge } from './ui-bridge.ts'
import * as samples from './ui-samples.ts'
import { newStage } from './ui-window.ts'

const stage = newStage()
before(() => stage.open())
after(() => stage.close())
afterEach(() => stage.check())

const start = stage.show

const list = (page: Page): Locator => page.getByRole('navigation', { name: 'Conversations' })
const row = (page: Page, title: string): Locator => list(page).getByRole('button', { name: new RegExp(`^${title}`) })
const log = (page: Page): Locator => page.getByRole('log', { name: 'Messages' })
const composer = (page: Page): Locator => page.getByRole('textbox', { name: 'Message' })
const bubble = (page: Page, text: string): Locator => log(page).getByRole('article').filter({ hasText: text })

/** Waits until something of the script is so. */
const until = async (sentence: string, holds: () => boolean): Promise<void> => {
  for (let tries = 0; tries < 100; tries++) {
    if (holds()) return
    await new Promise((resolve) => { setTimeout(resolve, 20) })
  }
  assert.fail(sentence)
}

/** How far the timeline is from its end, in pixels. */
const toEndPx = (page: Page): Promise<number> =>
  log(page).evaluate((element) => Math.round(element.scrollHeight - element.scrollTop - element.clientHeight))

const longTalk = (chat = samples.jonas, many = 5_000): readonly ReturnType<typeof samples.message>[] =>
  Array.from({ length: many }, (_, at) => samples.message(chat, at % 3 === 0 ? 'Robin' : 'Jonas',
    `Line ${String(at + 1)}. ${'And so on. '.repeat(at % 7)}`, { at: samples.now - (many - at) * samples.minuteMs }))

describe('the list of conversations', () => {
  test('shows what was said last, when, and what is new, the newest first', async () => {
    const { page } = await start()
    const rows = list(page).getByRole('listitem')
    const titles = await rows.getByRole('button').evaluateAll((all) => all.map((each) => each.textContent.trim()))
    assert.deepEqual(titles.map((title) => title.replace(/\s+/g, ' ')), [
      'River garden 12:04 Mara: the gate code changed 3 3 new',
      'Family 11:58 You: On my way',
      'Works council 11:20 Kim: The minutes of Monday are ready, please have a look before noon 12 12 new',
      'Jonas verified 10:41 Saturday works',
      'Choir Yesterday You left',
      'Bike repair Yesterday Draft: shall we meet at the workshop?',
      'Lena Hartmann Mon Wants to talk with you 1 request',
      'Book club Sun Invites you to this group 1 request',
      'Ana not compared 30 Jan See you there',
    ])
    assert.equal(await page.title(), '(15) Coppice')
  })

  test('is filtered by title and by people, and Ctrl K leads there', async () => {
    const { page } = await start()
    await row(page, 'River garden').waitFor()
    await page.keyboard.press('Control+k')
    await page.keyboard.type('HEINZ')
    await list(page).getByText('No chat and no message matches “HEINZ”.').waitFor()
    await page.keyboard.press('Escape')
    assert.equal(await list(page).getByRole('listitem').count(), 9)
    await page.keyboard.type('oda')
    assert.deepEqual(await list(page).getByRole('listitem').locator('.title').allInnerTexts(),
      ['River garden', 'Choir', 'Book club'])
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'River garden' }).waitFor()
  })

  test('is walked with the arrow keys, and Tab passes it in one step', async () => {
    const { page } = await start()
    const focused = (): Promise<string | undefined> =>
      page.evaluate(() => document.activeElement?.querySelector(':scope > .top > .title')?.textContent)
    await row(page, 'River garden').waitFor()
    await page.keyboard.press('Control+k')
    await page.keyboard.press('ArrowDown')
    assert.equal(await focused(), 'River garden')
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('ArrowDown')
    assert.equal(await focused(), 'Works council')
    await page.keyboard.press('End')
    assert.equal(await focused(), 'Ana')
    await page.keyboard.press('Home')
    assert.equal(await list(page).locator('li button[tabindex="0"]').count(), 1)
    await page.keyboard.press('ArrowDown')
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Family' }).waitFor()
    assert.equal(await composer(page).evaluate((element) => element === document.activeElement), true)
    await page.keyboard.press('Alt+ArrowDown')
    await page.getByRole('heading', { name: 'Works council' }).waitFor()
    await page.keyboard.press('Alt+ArrowUp')
    await page.getByRole('heading', { name: 'Family' }).waitFor()
  })

  test('holds 300 conversations and moves one up when something is said in it', async () => {
    const many = Array.from({ length: 300 }, (_, at) =>
      samples.conversation(`Chat ${String(at + 1)}`, { at: samples.now - (at + 1) * samples.minuteMs }))
    const bridge = new ScriptedBridge({ conversations: many, entries: [] })
    const { page } = await start(bridge)
    await row(page, 'Chat 300').waitFor()
    const last = many[299]
    assert(last)
    bridge.receive(samples.message(last, 'Chat 300', 'Up I go', { at: samples.now }))
    await list(page).getByText('Up I go').waitFor()
    assert.match(await list(page).getByRole('listitem').first().innerText(), /^Chat 300/)
  })

  test('invites who has no chats yet', async () => {
    const { page } = await start({ conversations: [], entries: [] })
    await page.getByRole('heading', { name: 'Nobody here yet' }).waitFor()
    await page.getByRole('button', { name: 'Paste an invite' }).click()
    await page.getByRole('dialog', { name: 'New chat' }).waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: 'Show my invite' }).click()
    await page.getByRole('dialog', { name: 'Your invite' }).waitFor()
  })
})

describe('the timeline', () => {
  test('groups bubbles by sender and tells facts and gaps in words', async () => {
    const { page } = await start({}, { height: 1500 })
    await row(page, 'River garden').click()
    await log(page).getByText('Mara added Kim. 9 devices can read from here on.').waitFor()
    await log(page).getByText('2 messages from Jonas did not arrive. Ask Jonas to send them again.').waitFor()
    for (const day of ['Yesterday', 'Today']) await log(page).getByRole('heading', { name: day, exact: true }).waitFor()
    assert.equal(await bubble(page, 'The delivery comes').locator('.name').innerText(), 'Mara')
    assert.equal(await bubble(page, 'I can do it until nine').locator('.name').count(), 0, 'it stands once in a run')
    assert.match(await bubble(page, 'I take nine').innerText(), /09:40\s*·\s*delivered$/)
    assert.match(await bubble(page, 'See you at the gate').innerText(), /10:05\s*·\s*delivered to 2 of 4$/)
  })

  test('draws a line before what is new, and tells that it was read', async () => {
    const { page, bridge } = await start()
    await row(page, 'River garden').click()
    await log(page).getByText('3 new').waitFor()
    const line = await log(page).getByText('3 new').boundingBox()
    const first = await bubble(page, 'The gate code changed').boundingBox()
    const before = await bubble(page, 'See you at the gate').boundingBox()
    assert(line && first && before && before.y < line.y && line.y < first.y)
    await until('nothing was told as read', () => bridge.argumentsOf('conversation.read').length > 0)
    assert.equal(bridge.argumentsOf('conversation.read').at(-1)?.order, samples.riverEntries.at(-1)?.order)
    await until('still unread', () => bridge.conversations.get(samples.river.id)?.unread === 0)
    assert.equal(await log(page).getByText('3 new').count(), 1, 'the line stays while the chat is open')
  })

  test('says what was not sent, keeps the text, and gives it back to be written again', async () => {
    const { page } = await start()
    await row(page, 'Family').click()
    await bubble(page, 'Are you there?').getByText('sending').waitFor()
    await log(page).getByText('Not sent. Your text is kept here.').waitFor()
    await log(page).getByRole('button', { name: 'Write it again' }).click()
    assert.equal(await composer(page).inputValue(), 'On my way')
  })

  test('opens 5,000 messages at the newest and keeps its place while older ones come', async () => {
    const { page, bridge } = await start({ entries: longTalk() })
    await row(page, 'Jonas').click()
    await bubble(page, 'Line 5000.').waitFor()
    assert(await toEndPx(page) <= 24, `opened ${String(await toEndPx(page))} px from the end`)
    assert(await log(page).getByRole('article').count() < 60, 'only what is near the screen is in the document')
    await log(page).hover()
    for (let turn = 0; turn < 6; turn++) {
      const anchor = log(page).getByRole('article').nth(4)
      await anchor.waitFor()
      await page.mouse.wheel(0, -900)
      await page.waitForTimeout(120)
    }
    assert(bridge.argumentsOf('entries.page').length >= 2, 'older pages were fetched')
    const visible = log(page).getByRole('article').filter({ visible: true }).nth(5)
    const text = (await visible.locator('.text').innerText()).split('.')[0] ?? ''
    const held = bubble(page, `${text}.`)
    const yBefore = (await held.boundingBox())?.y
    bridge.receive(samples.message(samples.jonas, 'Jonas', 'A new one at the end', { at: samples.now }))
    await page.getByRole('button', { name: /to the newest/ }).waitFor()
    assert.equal((await held.boundingBox())?.y, yBefore, 'a new message at the end moves nothing')
    await page.getByRole('button', { name: /to the newest/ }).click()
    await bubble(page, 'A new one at the end').waitFor()
    assert(await toEndPx(page) <= 24)
  })

  test('does not jump when an older page arrives', async () => {
    const bridge = new ScriptedBridge({ entries: longTalk(samples.jonas, 400) })
    const { page } = await start(bridge)
    await row(page, 'Jonas').click()
    await bubble(page, 'Line 400.').waitFor()
    // From here on a page comes only when it is let go.
    const gates: (() => void)[] = []
    const answer = bridge.call.bind(bridge)
    bridge.call = async (name, argument) => {
      if (name === 'entries.page') await new Promise<void>((resolve) => { gates.push(resolve) })
      return answer(name, argument)
    }
    await log(page).evaluate((element) => { element.scrollTop = 300 })
    await until('no page was asked for', () => gates.length === 1)
    await page.waitForTimeout(100)
    const anchors = log(page).getByRole('article').filter({ visible: true })
    const texts = await anchors.locator('.text').allInnerTexts()
    const text = texts[Math.floor(texts.length / 2)]?.split('.')[0] ?? ''
    const y = (await bubble(page, `${text}.`).boundingBox())?.y ?? Number.NaN
    const height = await log(page).evaluate((element) => element.scrollHeight)
    gates.shift()?.()
    await page.waitForFunction((before) => {
      const log = document.querySelector('[role=log]')
      return log !== null && log.scrollHeight > before + 2_000
    }, height)
    await page.waitForTimeout(150)
    const moved = ((await bubble(page, `${text}.`).boundingBox())?.y ?? Number.NaN) - y
    assert(Math.abs(moved) <= 2, `“${text}” moved by ${String(moved)} px`)
  })

  test('follows new messages at the end, and only there', async () => {
    const { page, bridge } = await start({ entries: longTalk(samples.jonas, 120) })
    await row(page, 'Jonas').click()
    await bubble(page, 'Line 120.').waitFor()
    for (const text of ['One more', 'And another']) {
      bridge.receive(samples.message(samples.jonas, 'Jonas', text))
      await bubble(page, text).waitFor()
    }
    await page.waitForTimeout(100)
    assert(await toEndPx(page) <= 24)
    await log(page).hover()
    await page.mouse.wheel(0, -1200)
    await page.getByRole('button', { name: 'To the newest' }).waitFor()
    bridge.receive(samples.message(samples.jonas, 'Jonas', 'Unseen'))
    await page.getByRole('button', { name: '1 new, to the newest' }).click()
    await bubble(page, 'Unseen').waitFor()
    await log(page).getByText('1 new').waitFor()
  })

  test('lets Tab pass the messages, and arrows walk through them', async () => {
    const { page } = await start({ entries: longTalk(samples.jonas, 120) })
    await row(page, 'Jonas').click()
    await bubble(page, 'Line 120.').waitFor()
    const isReached = async (line: string): Promise<void> => {
      await bubble(page, line).getByRole('button', { name: 'Delete message' }).and(page.locator(':focus')).waitFor()
    }
    await page.keyboard.press('Shift+Tab')
    await page.keyboard.press('Shift+Tab')
    await isReached('Line 120.')
    // Only what is near the screen is there to be walked to.
    const go = async (key: 'ArrowUp' | 'ArrowDown', line: string): Promise<void> => {
      await bubble(page, line).waitFor({ state: 'attached' })
      await page.keyboard.press(key)
      await isReached(line)
    }
    for (let line = 119; line >= 106; line--) await go('ArrowUp', `Line ${String(line)}.`)
    for (let line = 107; line <= 120; line++) await go('ArrowDown', `Line ${String(line)}.`)
    await page.keyboard.press('ArrowDown')
    await isReached('Line 120.')
    await page.waitForFunction(() => document.querySelectorAll('.delete[tabindex="0"]').length === 1)
    await page.keyboard.press('Shift+Tab')
    await log(page).and(page.locator(':focus')).waitFor()
  })

  test('opens at the line of new messages on a slow computer too, and nothing below it counts as read', async () => {
    const conversation = { ...samples.jonas, unread: 5 }
    // Few enough to fit into the window, if they were not so high.
    const entries = Array.from({ length: 5 }, (_, at) =>
      samples.message(conversation, 'Jonas', `Page ${String(at)}. ${'It goes on. '.repeat(300)}`, { at: samples.now }))
    const { page, bridge } = await start({ conversations: [conversation], entries })
    // What measures the window has its first turn only after many frames.
    await page.evaluate(() => {
      const busyUntil = performance.now() + 500
      window.ResizeObserver = class extends window.ResizeObserver {
        constructor(hear: ResizeObserverCallback) {
          super((...told) => {
            const leftMs = busyUntil - performance.now()
            if (leftMs > 0) setTimeout(() => { hear(...told) }, leftMs)
            else hear(...told)
          })
        }
      }
    })
    await row(page, 'Jonas').click()
    await page.getByRole('button', { name: /to the newest/ }).waitFor()
    await page.waitForTimeout(600)
    assert(await toEndPx(page) > 600, `${String(await toEndPx(page))} px from the end`)
    assert.ok((bridge.conversations.get(conversation.id)?.unread ?? 0) > 2)
  })

  test('stays at the end when what is below it grows, or the window gets smaller', async () => {
    const { page } = await start({ entries: longTalk(samples.jonas, 120) })
    await row(page, 'Jonas').click()
    await bubble(page, 'Line 120.').waitFor()
    const isAtEnd = async (): Promise<void> => {
      await page.waitForTimeout(100)
      assert(await toEndPx(page) <= 24, `${String(await toEndPx(page))} px from the end`)
      assert.equal(await page.getByRole('button', { name: 'To the newest' }).count(), 0)
    }
    await composer(page).fill('a\nb\nc\nd\ne\nf')
    await isAtEnd()
    await page.setViewportSize({ width: 1400, height: 500 })
    await isAtEnd()
    // Who reads further up is not moved, also by a window in which everything fits.
    await log(page).hover()
    await page.mouse.wheel(0, -1200)
    await page.getByRole('button', { name: 'To the newest' }).waitFor()
    await composer(page).fill('')
    await page.waitForTimeout(100)
    assert(await toEndPx(page) > 600)
  })

  test('announces what arrives, and nothing that was there before', async () => {
    const { page, bridge } = await start()
    await row(page, 'River garden').click()
    await bubble(page, 'compost').waitFor()
    const said = page.locator('[aria-live="polite"]')
    assert.equal(await said.innerText(), '')
    bridge.receive(samples.message(samples.river, 'Mara', 'Rain tonight'))
    await said.filter({ hasText: 'Mara: Rain tonight' }).waitFor({ state: 'attached' })
    assert.equal(await log(page).getAttribute('aria-live'), 'off')
  })

  test('an address in a message is asked to be opened, and the page stays', async () => {
    const { page, bridge } = await start()
    await row(page, 'River garden').click()
    bridge.receive(samples.message(samples.river, 'Mara', 'Seeds are at https://seeds.example/beans?a=1, or `https://no.example`'))
    const link = log(page).getByRole('link')
    await link.waitFor()
    assert.equal(await link.count(), 1)
    const before = page.url()
    await link.click()
    await link.focus()
    await page.keyboard.press('Enter')
    await until('it was not asked', () => bridge.argumentsOf('address.open').length === 2)
    assert.deepEqual(bridge.argumentsOf('address.open')[0], { address: 'https://seeds.example/beans?a=1' })
    assert.equal(page.url(), before)
    bridge.answers['address.open'] = () => ({ ok: false, code: 'address-refused' })
    await link.click()
    await page.getByText('not an address of the web').waitFor()
  })
})

describe('the composer', () => {
  test('sends with Enter, breaks the line with Shift Enter, and shows how far the message got', async () => {
    const { page, bridge } = await start()
    await row(page, 'Jonas').click()
    await composer(page).fill('First line')
    await page.keyboard.press('Shift+Enter')
    await page.keyboard.type('second line')
    assert.equal(bridge.argumentsOf('message.send').length, 0)
    await page.keyboard.press('Enter')
    await bubble(page, 'First line').getByText('delivered').waitFor()
    const [sent] = bridge.argumentsOf('message.send')
    assert.equal(sent?.text, 'First line\nsecond line')
    assert.match(sent.key, /^[0-9a-f]{32}$/)
    assert.equal(await composer(page).inputValue(), '')
    await page.keyboard.press('Enter')
    assert.equal(bridge.argumentsOf('message.send').length, 1, 'nothing is not sent')
    assert(await toEndPx(page) <= 24)
  })

  test('keeps a draft for each chat and shows it in the list', async () => {
    const { page, bridge } = await start()
    await row(page, 'Bike repair').click()
    assert.equal(await composer(page).inputValue(), 'shall we meet at the workshop?')
    await composer(page).fill('shall we meet at noon?')
    await row(page, 'Jonas').click()
    assert.equal(await composer(page).inputValue(), '')
    await list(page).getByText('Draft: shall we meet at noon?').waitFor()
    await composer(page).fill('Half a thou')
    await until('the draft was not kept', () => bridge.argumentsOf('conversation.draft').at(-1)?.text === 'Half a thou')
    await row(page, 'Bike repair').click()
    assert.equal(await composer(page).inputValue(), 'shall we meet at noon?')
  })

  test('gives the text back when it was not taken, and says why', async () => {
    const { page, bridge } = await start()
    bridge.answers['message.send'] = () => ({ ok: false, code: 'store-full' })
    await row(page, 'Jonas').click()
    await composer(page).fill('Important')
    await page.keyboard.press('Enter')
    await page.getByRole('status').getByText('The disk is full. Nothing that was saved is lost').waitFor()
    assert.equal(await composer(page).inputValue(), 'Important')
  })

  test('grows with the text up to a limit, and refuses what is too long for one message', async () => {
    const { page } = await start()
    await row(page, 'Jonas').click()
    const height = async (): Promise<number> => (await composer(page).boundingBox())?.height ?? 0
    const one = await height()
    await composer(page).fill('a\nb\nc')
    assert(await height() > one + 30)
    await composer(page).fill('x\n'.repeat(60))
    assert(await height() <= 200)
    await composer(page).fill('x'.repeat(20_001))
    await page.getByText('This is too long for one message. Send it in parts.').waitFor()
    assert.equal(await page.getByRole('button', { name: 'Send' }).isDisabled(), true)
  })

  test('makes room for words where a chat is closed', async () => {
    const { page } = await start()
    await row(page, 'Choir').click()
    await page.getByText('You left this group. What was said until then stays here.').waitFor()
    assert.equal(await composer(page).count(), 0)
  })
})

describe('what changes', () => {
  test('is merged by revision, and a hole takes everything anew', async () => {
    const { page, bridge } = await start()
    await row(page, 'Jonas').click()
    await bubble(page, 'Saturday works').waitFor()
    const opened = bridge.argumentsOf('app.open').length
    // The Change with this message never reaches the window.
    bridge.entries.push(samples.message(samples.jonas, 'Jonas', 'Missed on the way'))
    bridge.revision++
    bridge.receive(samples.message(samples.jonas, 'Jonas', 'Seen'))
    await bubble(page, 'Missed on the way').waitFor()
    await bubble(page, 'Seen').waitFor()
    assert.equal(await bubble(page, 'Seen').count(), 1)
    assert.equal(bridge.argumentsOf('app.open').length, opened + 1)
  })

  test('says a notice once', async () => {
    const { page, bridge } = await start()
    await row(page, 'Jonas').waitFor()
    bridge.push({ notice: { code: 'delivery-unreachable' } })
    const notice = page.getByRole('status').getByText('What you write is kept and goes out by itself.')
    await notice.waitFor()
    await page.getByRole('button', { name: 'Close' }).click()
    await notice.waitFor({ state: 'detached' })
  })

  test('closes a conversation that is gone', async () => {
    const { page, bridge } = await start()
    await row(page, 'Jonas').click()
    await bubble(page, 'Saturday works').waitFor()
    bridge.push({ removedConversations: [samples.jonas.id] })
    await page.getByRole('heading', { name: 'Pick a chat' }).waitFor()
    assert.equal(await row(page, 'Jonas').count(), 0)
  })
})

describe('messages that go', () => {
  test('a message is deleted for oneself, or an own one for everybody', async () => {
    const { page, bridge } = await start()
    await row(page, 'River garden').click()
    bridge.receive(samples.message(samples.river, 'Mara', 'Not meant for here'))
    const ask = async (message: string): Promise<void> => {
      await bubble(page, message).hover()
      await bubble(page, message).getByRole('button', { name: 'Delete message' }).click()
    }
    await ask('Not meant for here')
    const dialog = page.getByRole('dialog', { name: 'Delete this message?' })
    await dialog.waitFor()
    assert.equal(await dialog.getByRole('button', { name: 'Delete for everybody' }).count(), 0, 'it is another’s')
    await page.keyboard.press('Escape')
    await dialog.waitFor({ state: 'detached' })
    assert.equal(bridge.argumentsOf('message.remove').length, 0)
    await ask('Not meant for here')
    await dialog.getByRole('button', { name: 'Delete for me' }).click()
    await bubble(page, 'Not meant for here').waitFor({ state: 'detached' })
    await composer(page).fill('Too much')
    await page.keyboard.press('Enter')
    await bubble(page, 'Too much').waitFor()
    await ask('Too much')
    await dialog.getByRole('button', { name: 'Delete for everybody' }).click()
    await log(page).getByText('You deleted a message.').waitFor()
    assert.deepEqual(bridge.argumentsOf('message.remove').map(({ everyone }) => everyone), [false, true])
  })

  test('the timer is chosen beside the chat, and said in it', async () => {
    const { page, bridge } = await start()
    await row(page, 'River garden').click()
    await page.getByRole('combobox', { name: 'Disappearing messages' }).selectOption('One week after sending')
    await log(page).getByText('You turned on disappearing messages').waitFor()
    assert.deepEqual(bridge.argumentsOf('conversation.timer').map(({ seconds }) => seconds), [604_800])
  })
})
