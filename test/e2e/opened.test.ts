/** Addresses `coppice:…` from outside: an invite reaches the window as if pasted; nothing else does. */
import assert from 'node:assert/strict'
import path from 'node:path'
import { describe, test } from 'node:test'
import { nativeSuites, systemRandom } from '../../main/crypto/native.ts'
import { writeLinkingCode } from '../../main/identity/linking-code.ts'
import { claimLinks, readLink } from '../../main/shell/link.ts'
import { createStandin } from '../standin/electron.ts'
import { findBrowser } from '../standin/browser.ts'
import { builtStart, invoke, launch, setUp, showInvite, temporaryData } from './harness.ts'

const invite = `coppice1-${'abcdefgh234567'.repeat(12)}`
const linking = `coppicelink1-${'abcdefgh234567'.repeat(12)}`

describe('an address', () => {
  test('of an invite is that invite, however the system writes it', () => {
    for (const address of [`coppice:${invite}`, `coppice://${invite}`, `COPPICE://${invite.toUpperCase()}/`,
      `coppice:invite/${invite}`, `coppice://invite/${invite}/`]) assert.deepEqual(readLink(address), { invite }, address)
  })

  test('never links a device, whatever it is wrapped in', () => {
    for (const address of [`coppice:${linking}`, `coppice://link/${linking}`, `coppice:invite/${linking}`,
      `coppice:${linking.toUpperCase()}`, `coppice:${invite}?then=${linking}`, `coppice:coppice%6cink1-aaaa`,
      `coppice:cop pice\u00adlink1-aaaa`, `coppice:coppice-link1-aaaa`]) {
      const read = readLink(address)
      assert.ok(read !== undefined && read.invite === undefined && read.refused !== undefined, address)
    }
    assert.deepEqual(readLink(`coppice:${linking}`), { refused: 'invite-linking' })
  })

  test('of anything else is no invite', () => {
    for (const address of ['coppice:', 'coppice://', `coppice:${invite}?x=1`, `coppice:${invite}#x`, `coppice:${invite} --data=/x`,
      `coppice:${invite}" --data=/x`, 'coppice:javascript:alert(1)', 'coppice://settings', 'coppice:../../etc/passwd',
      `coppice:coppice1-${'a'.repeat(5000)}`, `coppice:coppice0-aaaa`, `coppice:coppice1-`, 'coppice:coppicecard1-aaaa', 'coppice:xcoppice1-aaaa', `coppice:coppice1-\u0430aaa`,
      `coppice:${'x'.repeat(10_000_000)}`, `coppice:coppice1-a\u0000`, `coppice:user@${invite}`]) {
      assert.deepEqual(readLink(address), { refused: 'invite-malformed' }, address.slice(0, 80))
    }
    for (const other of ['', '--profile', 'x', `x coppice:${invite}`, `https://coppice/${invite}`, '/home/a/b.coppice-backup',
      `--data=coppice:${invite}`, ` coppice:${invite}`]) assert.equal(readLink(other), undefined, other)
  })
})

test('on Windows the app says who opens them, so that nothing in one is a switch; elsewhere the package says it', () => {
  const claimed: unknown[] = []
  const setAsDefaultProtocolClient = (...all: unknown[]): boolean => { claimed.push(all); return true }
  for (const platform of ['win32', 'linux', 'darwin'] as const) {
    for (const isPackaged of [true, false]) claimLinks({ app: { isPackaged, setAsDefaultProtocolClient } } as never, platform)
  }
  assert.deepEqual(claimed, [['coppice', process.execPath, ['--']]])
})

/** A whole and valid code that would link a device. */
function linkingCode(): string {
  const suite = nativeSuites(systemRandom)(1)
  assert.ok(suite !== undefined)
  return writeLinkingCode(suite, {
    role: 'new', publicKey: suite.random(32), psk: suite.random(32), expiresAt: Date.now() + 100_000, address: 'local',
  })
}

test('an invite opens the field for invites, a linking code is refused, and nothing happens by itself', async (t) => {
  const { data, remove } = await temporaryData()
  t.after(remove)
  const anna = await launch(data, 'anna')
  t.after(() => anna.quit())
  await setUp(anna.page, 'Anna')
  const text = await showInvite(anna.page)

  // Ben starts the app by the address, before he has an account.
  const standin = createStandin({ browser: await findBrowser(), appData: path.dirname(data) })
  const started = (await builtStart())(standin.electron, { args: ['--data', data, '--profile', 'ben', '--', `coppice:${text}`] })
  const page = await Promise.race([standin.page(), started.then(() => standin.page())])
  t.after(async () => {
    standin.electron.app.quit()
    await standin.exited
  })
  page.setDefaultTimeout(20_000)
  await setUp(page, 'Ben')
  const dialog = page.getByRole('dialog', { name: 'New chat' })
  await dialog.getByText('Anna', { exact: true }).waitFor()
  assert.equal(await dialog.getByRole('textbox').inputValue(), text)
  await page.keyboard.press('Escape')
  await dialog.waitFor({ state: 'detached' })
  assert.equal(await page.getByRole('navigation', { name: 'Conversations' }).getByText('Anna').count(), 0)

  // While it runs: a second process is started with the address, or macOS hands it over.
  standin.app.emit('second-instance', {}, ['coppice', '--allow-file-access', `coppice://invite/${text}`])
  await dialog.getByText('Anna', { exact: true }).waitFor()
  // One that comes while a dialog is open waits for its end; of several the newest counts.
  standin.app.emit('second-instance', {}, ['coppice', 'coppice:coppice1-aaaa'])
  const code = linkingCode()
  assert.match(code, /^coppicelink1-/)
  let prevented = 0
  standin.app.emit('open-url', { preventDefault: () => { prevented++ } }, `coppice:${code}`)
  assert.equal(prevented, 1)
  assert.equal(await dialog.getByRole('textbox').inputValue(), text)
  await page.keyboard.press('Escape')
  await page.getByText('This is not an invite: it would link a device to your account').waitFor()
  assert.equal(await page.getByRole('dialog').count(), 0)
  assert.ok(!(await page.content()).includes(code.slice(0, 60)))
  assert.deepEqual(await invoke(page, 'shell.link', {}), { ok: true, value: {} })
  assert.deepEqual(standin.complaints, [])
})
