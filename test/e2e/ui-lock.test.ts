import assert from 'node:assert/strict'
import { after, afterEach, before, describe, test } from 'node:test'
import type { Page } from 'playwright-core'
import type { Lock } from '../../preload/api.ts'
import { ScriptedBridge } from './ui-bridge.ts'
import { me, recoveryWords, sampleConversations } from './ui-samples.ts'
import { newStage } from './ui-window.ts'

const stage = newStage()
before(() => stage.open())
after(() => stage.close())
afterEach(() => stage.check())

const press = (page: Page, name: string): Promise<void> => page.getByRole('button', { name, exact: true }).click()
const title = (page: Page, name: string): Promise<void> => page.getByRole('heading', { name, exact: true }).waitFor()
const withLock = (lock: Partial<Lock>) =>
  ({ phase: { at: 'ready', me: { ...me, lock: { ...me.lock, ...lock } } } }) as const

/** Whatever of the sample chats stands anywhere in the document: texts, names, attributes, the title. */
const traces = async (page: Page): Promise<readonly string[]> => {
  const html = await page.content() + await page.title()
  const said = sampleConversations.flatMap(({ title, last, draft }) => [title, last?.text ?? title, draft || title])
  return said.filter((text) => html.includes(text))
}

describe('locking', () => {
  test('button and keys lock; nothing of the chats stays in the window, and unlocking brings them back', async () => {
    const { page, bridge } = await stage.show()
    const locks: readonly (() => Promise<void>)[] = [
      () => press(page, 'Lock'), () => page.keyboard.press('Control+Alt+l'), () => page.keyboard.press('Meta+Alt+l'),
    ]
    for (const lock of locks) {
      await page.getByRole('button', { name: /^River garden/ }).click()
      await page.getByRole('article').first().waitFor()
      assert.ok((await traces(page)).length > 5)
      await lock()
      await title(page, 'Locked')
      assert.deepEqual(await traces(page), [])
      await page.getByLabel('Passphrase').fill(bridge.passphrase)
      await page.keyboard.press('Enter')
      await page.getByRole('heading', { name: 'Pick a chat' }).waitFor()
    }
    assert.equal(bridge.argumentsOf('lock.now').length, locks.length)
  })

  test('a dialog and its focus trap do not outlive it', async () => {
    const { page, bridge } = await stage.show()
    await press(page, 'Settings')
    await page.keyboard.press('Control+Alt+l')
    await title(page, 'Locked')
    assert.equal(await page.getByRole('dialog').count(), 0)
    await page.getByLabel('Passphrase').fill(bridge.passphrase)
    await page.keyboard.press('Enter')
    await page.getByRole('heading', { name: 'Pick a chat' }).waitFor()
    await press(page, 'Settings')
    await page.getByRole('dialog').waitFor()
  })

  test('what is being written is kept as a draft first', async () => {
    const { page, bridge } = await stage.show()
    await page.getByRole('button', { name: /^Family/ }).click()
    await page.getByRole('textbox', { name: 'Message' }).fill('I was about to say')
    await page.keyboard.press('Control+Alt+l')
    await title(page, 'Locked')
    const asked = bridge.asked.map(({ name }) => name)
    assert.equal(bridge.argumentsOf('conversation.draft').at(-1)?.text, 'I was about to say')
    assert.ok(asked.indexOf('conversation.draft') < asked.indexOf('lock.now'))
  })

  test('a letter that AltGr makes with L is that letter', async () => {
    const { page, bridge } = await stage.show()
    await page.getByRole('button', { name: /^Family/ }).click()
    await page.getByRole('textbox', { name: 'Message' }).evaluate((field) => {
      const event = new KeyboardEvent('keydown', {
        key: 'ł', code: 'KeyL', ctrlKey: true, altKey: true, modifierAltGraph: true, bubbles: true, cancelable: true,
      })
      field.dispatchEvent(event)
    })
    assert.deepEqual(bridge.argumentsOf('lock.now'), [])
  })

  test('without a passphrase there is no button, and the keys say what is missing', async () => {
    const { page } = await stage.show(withLock({ passphrase: false }))
    await page.getByRole('heading', { name: 'Pick a chat' }).waitFor()
    assert.equal(await page.getByRole('button', { name: 'Lock', exact: true }).count(), 0)
    await page.keyboard.press('Control+Alt+l')
    await page.getByText('Locking needs a passphrase. Set one in the settings first.').waitFor()
  })

  test('the main process hears now and then that somebody is there, and only where that matters', async () => {
    const { page, bridge } = await stage.show(withLock({ afterMinutes: 5 }))
    await page.getByRole('heading', { name: 'Pick a chat' }).waitFor()
    for (let count = 0; count < 20; count++) await page.mouse.move(100 + count, 300)
    await page.keyboard.press('Shift')
    await page.waitForTimeout(100)
    assert.equal(bridge.argumentsOf('lock.active').length, 1)
    await page.clock.fastForward(16_000)
    await page.mouse.wheel(0, 10)
    await page.mouse.click(200, 300)
    await page.waitForTimeout(100)
    assert.equal(bridge.argumentsOf('lock.active').length, 2)
    const { page: other, bridge: quiet } = await stage.show(withLock({ afterMinutes: 0 }))
    await other.getByRole('heading', { name: 'Pick a chat' }).waitFor()
    await other.mouse.move(300, 300)
    await other.keyboard.press('Shift')
    await other.waitForTimeout(100)
    assert.deepEqual(quiet.argumentsOf('lock.active'), [])
  })
})

describe('the passphrase in the settings', () => {
  const fill = async (page: Page, values: Readonly<Record<string, string>>): Promise<void> => {
    for (const [label, value] of Object.entries(values)) await page.getByLabel(label, { exact: true }).fill(value)
  }

  test('is set where there is none, typed twice', async () => {
    const { page, bridge } = await stage.show(withLock({ passphrase: false }))
    await press(page, 'Settings')
    await page.getByText('The keychain of this computer opens this profile by itself.').waitFor()
    assert.equal(await page.getByRole('group', { name: 'Lock by itself' }).count(), 0)
    await press(page, 'Set…')
    await press(page, 'Set passphrase')
    await page.getByText('A passphrase is needed here.').waitFor()
    await fill(page, { 'New passphrase': 'seven oaks', 'Repeat passphrase': 'seven oak' })
    await press(page, 'Set passphrase')
    await page.getByText('The two passphrases are different.').waitFor()
    assert.deepEqual(bridge.argumentsOf('passphrase.set'), [])
    bridge.answers['passphrase.set'] = () => ({ ok: false, code: 'passphrase-short' })
    await fill(page, { 'Repeat passphrase': 'seven oaks' })
    await press(page, 'Set passphrase')
    await page.getByText('This passphrase is too short.').waitFor()
    delete bridge.answers['passphrase.set']
    await press(page, 'Set passphrase')
    await page.getByText('The passphrase is set.').waitFor()
    assert.deepEqual(bridge.argumentsOf('passphrase.set').at(-1), { current: '', passphrase: 'seven oaks' })
    await page.getByRole('button', { name: 'Lock', exact: true }).waitFor()
  })

  test('is changed by who knows it; guessing makes one wait', async () => {
    const { page, bridge } = await stage.show()
    await press(page, 'Settings')
    await press(page, 'Change…')
    await fill(page, {
      'Passphrase until now': 'no idea', 'New passphrase': 'seven oaks', 'Repeat passphrase': 'seven oaks',
    })
    await press(page, 'Change passphrase')
    await page.getByText('This passphrase does not open the profile.').waitFor()
    bridge.answers['passphrase.set'] = () => ({ ok: false, code: 'passphrase-wrong', detail: '2' })
    await press(page, 'Change passphrase')
    await page.getByText('Wait 2 seconds').waitFor()
    assert.equal(await page.getByRole('button', { name: /^Wait/ }).isDisabled(), true)
    delete bridge.answers['passphrase.set']
    await fill(page, { 'Passphrase until now': 'correct horse' })
    await press(page, 'Change passphrase')
    await page.getByText('The passphrase is set.').waitFor()
    assert.deepEqual(bridge.argumentsOf('passphrase.set').at(-1),
      { current: 'correct horse', passphrase: 'seven oaks' })
  })

  test('is removed only where the keychain holds the key', async () => {
    const bare = await stage.show(withLock({ keychain: false }))
    await press(bare.page, 'Settings')
    await bare.page.getByRole('button', { name: 'Change…' }).waitFor()
    assert.equal(await bare.page.getByRole('button', { name: 'Remove…' }).count(), 1, 'the profile only')

    const { page, bridge } = await stage.show(withLock({ afterMinutes: 5 }))
    await press(page, 'Settings')
    await press(page, 'Remove… (the passphrase)')
    await fill(page, { 'Passphrase': 'no idea' })
    await press(page, 'Remove')
    await page.getByText('This passphrase does not open the profile.').waitFor()
    await fill(page, { 'Passphrase': 'correct horse' })
    await press(page, 'Remove')
    await page.getByText('The passphrase is removed.').waitFor()
    assert.deepEqual(bridge.argumentsOf('passphrase.remove').at(-1), { current: 'correct horse' })
    assert.equal(await page.getByRole('button', { name: 'Lock', exact: true }).count(), 0)
  })

  test('with it comes the time after which the app locks', async () => {
    const { page, bridge } = await stage.show()
    await press(page, 'Settings')
    const times = page.getByRole('group', { name: 'Lock by itself' })
    await times.getByRole('radio', { name: 'Off' }).waitFor()
    assert.equal(await times.getByRole('radio', { name: 'Off' }).isChecked(), true)
    await times.getByText('15 min').click()
    await page.getByText('After 15 minutes without input, at every start').waitFor()
    await times.getByRole('radio', { name: '15 min' }).press('ArrowRight')
    await page.getByText('After 60 minutes without input').waitFor()
    assert.deepEqual(bridge.argumentsOf('lock.after'), [{ minutes: 15 }, { minutes: 60 }])
  })
})

describe('opening what is locked', () => {
  const locked = { at: 'locked', need: 'passphrase', words: true } as const

  test('after a wrong passphrase the button counts down, and then works again', async () => {
    const { page, bridge } = await stage.show({ phase: locked })
    bridge.answers['setup.unlock'] = () => ({ ok: false, code: 'passphrase-wrong', detail: '3' })
    await page.getByLabel('Passphrase').fill('wrong')
    await press(page, 'Unlock')
    await page.getByRole('button', { name: 'Wait 3 seconds' }).waitFor()
    await page.getByLabel('Passphrase').fill('correct horse')
    await page.keyboard.press('Enter')
    assert.equal(bridge.argumentsOf('setup.unlock').length, 1, 'Enter waits as well')
    delete bridge.answers['setup.unlock']
    await page.getByRole('button', { name: 'Wait 1 second', exact: true }).waitFor()
    await press(page, 'Unlock')
    await page.getByRole('heading', { name: 'Pick a chat' }).waitFor()
  })

  test('says why the keychain did not open it, and asks a locked one again', async () => {
    const { page } = await stage.show({ phase: { ...locked, hint: 'keychain-lost' } })
    await page.getByText('The keychain of this computer no longer has the key of this profile.').waitFor()
    assert.equal(await page.getByRole('button', { name: 'Ask the keychain again' }).count(), 0)
    const { page: other, bridge } = await stage.show({ phase: { ...locked, hint: 'keychain-locked' } })
    bridge.passphrase = ''
    await press(other, 'Ask the keychain again')
    await other.getByRole('heading', { name: 'Pick a chat' }).waitFor()
    assert.deepEqual(bridge.argumentsOf('setup.unlock'), [{ passphrase: '' }])
  })

  test('the 24 words open it in place of a forgotten passphrase, which is chosen anew', async () => {
    const { page, bridge } = await stage.show({ phase: locked })
    await press(page, 'Use the 24 words instead')
    await press(page, 'Open')
    await page.getByText('All 24 words are needed.').waitFor()
    await page.getByLabel('The 24 words').fill(recoveryWords.slice(1).join(' '))
    await press(page, 'Open')
    await page.getByText('A passphrase is needed here.').waitFor()
    for (const label of ['New passphrase', 'Repeat passphrase']) await page.getByLabel(label).fill('seven oaks')
    await press(page, 'Open')
    await page.getByText('These are not 24 words.').waitFor()
    const wrong = recoveryWords.map((word) => word === 'able' || word === 'acid' ? 'tables' : word)
    await page.getByLabel('The 24 words').fill(wrong.join(' '))
    await press(page, 'Open')
    await page.getByText('Not in the list of words: word 3 and word 16.').waitFor()
    await page.getByLabel('The 24 words').fill(recoveryWords.join('\n'))
    await press(page, 'Open')
    await page.getByRole('heading', { name: 'Pick a chat' }).waitFor()
    assert.deepEqual(bridge.argumentsOf('setup.recover').at(-1),
      { words: recoveryWords.join('\n'), passphrase: 'seven oaks' })
  })

  test('a lost key goes back into the keychain, or under a passphrase where that cannot hold it', async () => {
    const phase = { at: 'locked', need: 'words', words: true, hint: 'keychain-lost' } as const
    const { page } = await stage.show({ phase })
    await page.getByText('The keychain then gets the key again.').waitFor()
    assert.equal(await page.getByLabel('New passphrase').count(), 0)
    assert.equal(await page.getByRole('button', { name: 'Back' }).count(), 0)
    await page.getByLabel('The 24 words').fill(recoveryWords.join(' '))
    await press(page, 'Open')
    await page.getByRole('heading', { name: 'Pick a chat' }).waitFor()

    const bridge = new ScriptedBridge({ phase })
    bridge.keychain = 'absent'
    const { page: other } = await stage.show(bridge)
    await other.getByLabel('The 24 words').fill(recoveryWords.join(' '))
    await press(other, 'Open')
    await other.getByText('The keychain cannot hold the key now').first().waitFor()
    for (const label of ['New passphrase', 'Repeat passphrase']) await other.getByLabel(label).fill('seven oaks')
    await press(other, 'Open')
    await other.getByRole('heading', { name: 'Pick a chat' }).waitFor()
  })

  test('without words there is no way by them', async () => {
    const { page } = await stage.show({ phase: { ...locked, words: false } })
    await title(page, 'Locked')
    assert.equal(await page.getByRole('button', { name: 'Use the 24 words instead' }).count(), 0)
  })
})

describe('what cannot be opened', () => {
  test('offers only what helps', async () => {
    const buttons = (page: Page): Promise<readonly string[]> => page.getByRole('button').allInnerTexts()
    const { page, bridge } = await stage.show({ phase: { at: 'stopped', code: 'store-damaged', readable: true } })
    await title(page, 'The history cannot be opened')
    assert.deepEqual(await buttons(page), ['Try again', 'Open for reading', 'Restore a backup…', 'Show the folder', 'Show the report'])
    await press(page, 'Show the folder')
    assert.deepEqual(bridge.argumentsOf('profile.folder'), [{}])
    bridge.answers['profile.folder'] = () => ({ ok: false, code: 'folder-hidden' })
    await press(page, 'Show the folder')
    await page.getByText('This computer has no program that shows folders.').waitFor()

    const broken = await stage.show({ phase: { at: 'stopped', code: 'store-damaged', readable: false } })
    await title(broken.page, 'The history cannot be opened')
    assert.deepEqual(await buttons(broken.page), ['Try again', 'Restore a backup…', 'Show the folder', 'Show the report'])
    const busy = await stage.show({ phase: { at: 'stopped', code: 'profile-busy', readable: false } })
    await title(busy.page, 'This profile is already open')
    assert.deepEqual(await buttons(busy.page), ['Try again', 'Show the report'])
  })

  test('makes room for a backup, after a question, and says where everything went', async () => {
    const { page, bridge } = await stage.show({ phase: { at: 'stopped', code: 'slots-damaged', readable: false } })
    const ask = async (): Promise<void> => {
      await press(page, 'Restore a backup…')
      await page.getByRole('alertdialog', { name: 'Make room for a backup?' }).waitFor()
    }
    await ask()
    await press(page, 'Cancel')
    assert.deepEqual(bridge.argumentsOf('shell.setAside'), [])
    bridge.answers['shell.setAside'] = () => ({ ok: false, code: 'store-read-only' })
    await ask()
    await press(page, 'Go on')
    await page.getByText('Coppice may not write to its folder.').waitFor()
    delete bridge.answers['shell.setAside']
    await press(page, 'Go on')
    await title(page, 'Restore a backup')
    await page.getByText('What was here before is kept as “default set aside”.').waitFor()
    await press(page, 'Back')
    await title(page, 'Welcome to Coppice')
    const reading = await stage.show({ phase: { at: 'stopped', code: 'store-damaged', readable: true } })
    await press(reading.page, 'Open for reading')
    await press(reading.page, 'Restore a backup…')
    await press(reading.page, 'Go on')
    await title(reading.page, 'Restore a backup')
    assert.equal(reading.bridge.argumentsOf('shell.setAside').length, 1)
    for (const code of ['store-newer', 'store-full', 'store-read-only', 'keychain-locked', 'bug'] as const) {
      const other = await stage.show({ phase: { at: 'stopped', code, readable: false } })
      await other.page.getByRole('button', { name: 'Try again' }).waitFor()
      assert.equal(await other.page.getByRole('button', { name: 'Restore a backup…' }).count(), 0, code)
    }
  })

  test('opens for reading: the history is there, nothing can be sent, and a notice says so', async () => {
    const { page, bridge } = await stage.show({ phase: { at: 'stopped', code: 'store-read-only', readable: true } })
    await press(page, 'Open for reading')
    await page.getByText('Open for reading only: the folder cannot be written. Nothing is sent or received.').waitFor()
    await page.getByRole('button', { name: /^River garden/ }).click()
    await page.getByText('I water on Friday.').waitFor()
    await page.getByText('This can only be read now.').waitFor()
    for (const name of ['New chat', 'Show my invite', 'Lock', 'Leave group', 'Add people', 'Rename', 'Remove Kim']) {
      assert.equal(await page.getByRole('button', { name, exact: true }).count(), 0, name)
    }
    assert.equal(await page.getByRole('textbox', { name: 'Message' }).count(), 0)
    await page.keyboard.press('Control+n')
    await page.keyboard.press('Control+Alt+l')
    assert.equal(await page.getByRole('dialog').count(), 0)
    await page.getByRole('button', { name: /^Family/ }).click()
    await page.getByText('Not sent. Your text is kept here.').waitFor()
    assert.equal(await page.getByRole('button', { name: 'Write it again' }).count(), 0)
    await press(page, 'Settings')
    const dialog = page.getByRole('dialog', { name: 'Settings' })
    // The cross that closes it, what is kept for this computer beside the profile, and Help with the report.
    assert.deepEqual(await dialog.getByRole('button').allInnerTexts(),
      ['', ...Array<string>(4).fill('Show…'), 'Look now', 'Show…', 'Show…'])
    const allowed = new Set([
      'app.open', 'setup.read', 'entries.page', 'conversation.details', 'conversation.read', 'delivery.usage', 'update.state',
    ])
    assert.deepEqual(bridge.asked.map(({ name }) => name).filter((name) => !allowed.has(name) && !name.startsWith('shell.')), [])
  })
})
