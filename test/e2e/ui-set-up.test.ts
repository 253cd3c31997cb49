import assert from 'node:assert/strict'
import { after, afterEach, before, describe, test } from 'node:test'
import type { Page } from 'playwright-core'
import type { ErrorCode, Phase } from '../../preload/api.ts'
import { me, recoveryWords } from './ui-samples.ts'
import type { Shown } from './ui-window.ts'
import { newStage } from './ui-window.ts'

const stage = newStage()
before(() => stage.open())
after(() => stage.close())
afterEach(() => stage.check())

const start = (phase: Phase): Promise<Shown> => stage.show({ phase, conversations: [], entries: [] })

const press = (page: Page, name: string): Promise<void> => page.getByRole('button', { name, exact: true }).click()
const title = (page: Page, name: string): Promise<void> => page.getByRole('heading', { name }).waitFor()

/** Types the words that the check asks for, each put through `change`. */
const typeWords = async (page: Page, change: (word: string) => string): Promise<void> => {
  const fields = page.getByRole('textbox', { name: /^Word \d+$/ })
  for (const field of await fields.all()) {
    const id = await field.getAttribute('id')
    const label = await page.locator(`label[for="${id ?? ''}"]`).innerText()
    await field.fill(change(recoveryWords[Number(label.replace('Word ', '')) - 1] ?? ''))
  }
}

describe('set-up', () => {
  test('asks for a name, shows the words, checks three of them, and opens the conversations', async () => {
    const { page, bridge } = await start({ at: 'new', keychain: 'ok' })
    assert.equal(await page.getByLabel('Passphrase', { exact: true }).count(), 0, 'the keychain holds the key')
    await press(page, 'Create account')
    await page.getByText('A name is needed. It can be short.').waitFor()
    await page.getByLabel('Your name').fill(' Robin ')
    await page.keyboard.press('Enter')
    await title(page, 'Your recovery key')
    assert.deepEqual(bridge.argumentsOf('setup.create'), [{ name: 'Robin', passphrase: '' }])
    const shown = page.getByRole('list', { name: 'The 24 words' }).locator('.word')
    assert.deepEqual(await shown.allInnerTexts(), recoveryWords)

    await press(page, 'I wrote them down')
    assert.equal(await page.getByText('abandon').count(), 0, 'the words are gone while three are asked for')
    await press(page, 'Confirm')
    await page.getByText('All three words are needed.').waitFor()
    await typeWords(page, () => 'zebra')
    await press(page, 'Confirm')
    await page.getByText('One of the words is different.').waitFor()
    await press(page, 'Show the words again')
    await press(page, 'I wrote them down')
    await typeWords(page, (word) => ` ${word.toUpperCase()} `)
    await press(page, 'Confirm')
    await title(page, 'Nobody here yet')
    await page.getByText('Your recovery key is on paper. This computer has forgotten it.').waitFor()
    const positions = bridge.argumentsOf('recovery.confirm').at(-1)?.words.map(({ position }) => position) ?? []
    assert.equal(new Set(positions).size, 3)
    assert.equal(await page.getByText('is not on paper yet').count(), 0)
  })

  test('brings an account back by the 24 words, and says what is wrong with them', async () => {
    const { page, bridge } = await start({ at: 'new', keychain: 'ok' })
    await press(page, 'I have my 24 words')
    await title(page, 'Come back with the 24 words')
    const area = page.getByLabel('The 24 words')
    assert.equal(await area.evaluate((element) => element === document.activeElement), true)
    await press(page, 'Bring my account back')
    await page.getByText('All 24 words are needed.').waitFor()
    await area.fill(recoveryWords.with(2, 'zebra').join(' '))
    await page.getByLabel('What this computer is called').fill(' Desk ')
    await press(page, 'Bring my account back')
    await page.getByText('Not in the list of words: word 3.').waitFor()
    bridge.keychain = 'absent'
    await area.fill(recoveryWords.join(' '))
    await press(page, 'Bring my account back')
    await page.getByText('no keychain that can hold the key').waitFor()
    await page.getByLabel('Passphrase', { exact: true }).fill('seven oaks')
    await press(page, 'Bring my account back')
    await page.getByText('The two passphrases are different.').waitFor()
    await page.getByLabel('Repeat passphrase').fill('seven oaks')
    await press(page, 'Bring my account back')
    await title(page, 'Nobody here yet')
    assert.deepEqual(bridge.argumentsOf('setup.restore').at(-1),
      { words: recoveryWords.join(' '), name: 'Desk', passphrase: 'seven oaks' })
  })

  test('takes "later" for an answer, and keeps asking', async () => {
    const { page, bridge } = await start({ at: 'ready', me: { ...me, recovery: 'waiting' } })
    await press(page, 'Later')
    await title(page, 'Nobody here yet')
    assert.equal(bridge.argumentsOf('recovery.later').length, 1)
    await page.getByText('Your recovery key is not on paper yet.').waitFor()
    await press(page, 'Write it down')
    await title(page, 'Your recovery key')
  })

  test('asks for a passphrase twice where there is no keychain', async () => {
    const { page, bridge } = await start({ at: 'new', keychain: 'absent' })
    await page.getByLabel('Your name').fill('Robin')
    await press(page, 'Create account')
    await page.getByText('A passphrase is needed here.').waitFor()
    await page.getByLabel('Passphrase', { exact: true }).fill('seven oaks')
    await page.getByLabel('Repeat passphrase').fill('seven oak')
    await press(page, 'Create account')
    await page.getByText('The two passphrases are different.').waitFor()
    assert.equal(await page.getByLabel('Repeat passphrase').evaluate((field) => field === document.activeElement), true)
    assert.deepEqual(bridge.argumentsOf('setup.create'), [])
    bridge.answers['setup.create'] = () => ({ ok: false, code: 'passphrase-short' })
    await page.getByLabel('Repeat passphrase').fill('seven oaks')
    await press(page, 'Create account')
    await page.getByText('This passphrase is too short.').waitFor()
    delete bridge.answers['setup.create']
    await press(page, 'Create account')
    await title(page, 'Your recovery key')
    assert.equal(bridge.argumentsOf('setup.create').at(-1)?.passphrase, 'seven oaks')
  })

  test('falls back to a passphrase when the keychain turns out to be absent', async () => {
    const { page, bridge } = await start({ at: 'new', keychain: 'ok' })
    bridge.answers['setup.create'] = () => ({ ok: false, code: 'keychain-absent' })
    await page.getByLabel('Your name').fill('Robin')
    await press(page, 'Create account')
    await page.getByText('Choose a passphrase instead.').waitFor()
    await page.getByLabel('Passphrase', { exact: true }).waitFor()
  })
})

describe('opening a profile', () => {
  test('lets one pick who is here', async () => {
    const profiles = [{ profile: 'default', name: 'Robin' }, { profile: 'work' }]
    const { page, bridge } = await start({ at: 'choose', profiles })
    await page.getByRole('button', { name: 'work' }).click()
    await title(page, 'Locked')
    assert.deepEqual(bridge.argumentsOf('profile.choose'), [{ profile: 'work' }])
  })

  test('takes the right passphrase and says when it is not', async () => {
    const { page } = await start({ at: 'locked', need: 'passphrase', words: true })
    await page.getByLabel('Passphrase').fill('wrong')
    await press(page, 'Unlock')
    await page.getByText('This passphrase does not open the profile. Nothing is lost; try again.').waitFor()
    assert.equal(await page.getByLabel('Passphrase').inputValue(), '')
    await page.getByLabel('Passphrase').fill('correct horse')
    await page.keyboard.press('Enter')
    await title(page, 'Nobody here yet')
  })

  test('waits for a locked keychain and tries again', async () => {
    const { page, bridge } = await start({ at: 'locked', need: 'keychain', words: true })
    await title(page, 'The keychain is locked')
    bridge.answers['setup.unlock'] = () => ({ ok: false, code: 'keychain-locked' })
    await press(page, 'Try again')
    await page.getByRole('alert').getByText('unlock it, then try again').waitFor()
    assert.deepEqual(bridge.argumentsOf('setup.unlock'), [{ passphrase: '' }])
    delete bridge.answers['setup.unlock']
    bridge.passphrase = ''
    await press(page, 'Try again')
    await title(page, 'Nobody here yet')
  })

  const stops: readonly (readonly [ErrorCode, string])[] = [
    ['profile-busy', 'This profile is already open'], ['store-damaged', 'The history cannot be opened'],
    ['store-newer', 'This profile needs a newer Coppice'], ['store-full', 'The disk is full'],
    ['store-read-only', 'The folder cannot be written'], ['keychain-lost', 'The key is gone from the keychain'],
  ]
  for (const [code, heading] of stops) {
    test(`says in words why it stopped: ${code}`, async () => {
      const { page, bridge } = await start({ at: 'stopped', code, detail: 'process 4711', readable: false })
      await title(page, heading)
      const text = await page.locator('body').innerText()
      assert.doesNotMatch(text, /process 4711/, 'the technical name is one click deeper')
      await page.getByText('Technical name').click()
      await page.getByText(`${code}: process 4711`).waitFor()
      bridge.phase = { at: 'ready', me }
      await press(page, 'Try again')
      await title(page, 'Nobody here yet')
    })
  }
})
