/** Starting by itself, and spelling: on real folders. */
import assert from 'node:assert/strict'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, describe, test } from 'node:test'
import { desktopEntry, startAtLogin, startsAtLogin, type LoginOptions } from '../../main/shell/login.ts'
import { languagesOf, prepareSpelling } from '../../main/shell/spelling.ts'
import type { Recorded } from '../standin/frame.ts'
import { StandinSession } from '../standin/session.ts'

const home = mkdtempSync(path.join(tmpdir(), 'coppice-test-'))
after(() => { rmSync(home, { recursive: true, force: true }) })

describe('starting at log-in', () => {
  const command = ['/opt/Coppice/coppice', '--profile', 'Ana María', '--hidden']
  const linux = (profile = 'default'): LoginOptions =>
    ({ electron: { app: { getPath: () => home } } as never, platform: 'linux', profile, command })

  test('on Linux is a file of XDG Autostart, one for each profile, that desktops may switch off', () => {
    const file = path.join(home, 'autostart', 'coppice.desktop')
    assert.equal(startsAtLogin(linux()), false)
    startAtLogin(linux(), true)
    assert.equal(startsAtLogin(linux()), true)
    assert.equal(readFileSync(file, 'utf8'), '[Desktop Entry]\nType=Application\nVersion=1.0\nName=Coppice\n' +
      'Exec="/opt/Coppice/coppice" "--profile" "Ana María" "--hidden"\nTerminal=false\nX-GNOME-Autostart-enabled=true\n')
    assert.equal(statSync(file).mode & 0o777, 0o644)
    assert.deepEqual(readdirSync(path.dirname(file)), ['coppice.desktop'])
    startAtLogin(linux('Ana María'), true)
    assert.ok(existsSync(path.join(home, 'autostart', 'coppice-Ana María.desktop')))
    for (const off of ['Hidden=true', 'X-GNOME-Autostart-enabled=false']) {
      writeFileSync(file, `[Desktop Entry]\n${off}\n`)
      assert.equal(startsAtLogin(linux()), false, off)
    }
    startAtLogin(linux(), false)
    startAtLogin(linux(), false)
    assert.ok(!existsSync(file))
    assert.equal(startsAtLogin(linux('Ana María')), true)
  })

  test('names programs as the specification reads them', () => {
    // The value's escapes first, then the line's quotes, then the codes that begin with "%".
    const parse = (entry: string): readonly string[] => {
      const value = (/^Exec=(.*)$/m.exec(entry)?.[1] ?? '').replace(/\\(.)/g, (_all, letter: string) => letter === 'n' ? '\n' : letter)
      return [...value.matchAll(/"((?:[^"\\]|\\.)*)"/g)]
        .map(([, part = '']) => part.replace(/\\(.)/g, '$1').replaceAll('%%', '%'))
    }
    const hard = ['/home/a b/"x"/$HOME/`id`/100%/back\\slash/coppice', '--data', 'C:\\n%u', 'plain']
    assert.deepEqual(parse(desktopEntry(hard)), hard)
    assert.equal(desktopEntry(hard).split('\n').length, desktopEntry(['x']).split('\n').length, 'nothing begins a line of its own')
  })

  test('cannot be kept where the folder cannot be made, and says so', () => {
    writeFileSync(path.join(home, 'blocked'), '')
    const options = { ...linux(), electron: { app: { getPath: () => path.join(home, 'blocked') } } as never }
    assert.throws(() => { startAtLogin(options, true) })
    assert.equal(startsAtLogin(options), false)
  })
})

describe('spelling', () => {
  const stage = (files: Readonly<Record<string, string>>, platform: NodeJS.Platform = 'linux') => {
    const system = mkdtempSync(path.join(home, 'system-'))
    const folder = path.join(mkdtempSync(path.join(home, 'profile-')), 'Dictionaries')
    for (const [name, content] of Object.entries(files)) writeFileSync(path.join(system, name), content)
    const calls: Recorded[] = []
    const session = new StandinSession('coppice', (...call) => { calls.push(call) })
    return { calls, folder, options: { session, platform, folder, systemFolders: [path.join(home, 'nowhere'), system] } }
  }
  const address = ['session.setSpellCheckerDictionaryDownloadURL', 'app://coppice/no-dictionaries/'] as const

  test('uses dictionaries of this computer, under the names that Chromium looks for', () => {
    const { calls, folder, options } = stage({
      'en_US.bdic': 'english', 'de_DE.bdic': 'deutsch', 'pt_BR.bdic': 'português', 'xx_YY.bdic': 'x', 'README': 'y', 'de_DE.dic': 'z',
    })
    assert.deepEqual(languagesOf(options), ['de', 'en-US', 'pt-BR'])
    assert.equal(prepareSpelling(options, { on: true, languages: ['en-US', 'de', 'en-GB'] }), true)
    assert.deepEqual(calls, [
      address, ['session.setSpellCheckerEnabled', true], ['session.setSpellCheckerLanguages', ['en-US', 'de']],
    ], 'of a language without a dictionary nothing is asked for')
    assert.deepEqual(readdirSync(folder).sort(), ['de-DE-3-0.bdic', 'en-US-10-1.bdic'])
    assert.equal(readFileSync(path.join(folder, 'en-US-10-1.bdic'), 'utf8'), 'english')
    // What lies there already is used, wherever it came from.
    rmSync(options.systemFolders[1] ?? '', { recursive: true })
    assert.deepEqual(languagesOf(options), ['de', 'en-US'])
  })

  test('is off without one: nothing is fetched, whatever was chosen', () => {
    const { calls, folder, options } = stage({ 'README': '' })
    assert.deepEqual(languagesOf(options), [])
    assert.equal(prepareSpelling(options, { on: true, languages: ['en-US'] }), false)
    assert.equal(prepareSpelling(options, { on: false, languages: [] }), false)
    const off = [address, ['session.setSpellCheckerEnabled', false], ['session.setSpellCheckerLanguages', []]]
    assert.deepEqual(calls, [...off, ...off])
    assert.ok(!existsSync(folder))
  })

  test('on macOS is the system’s own', () => {
    const { calls, options } = stage({}, 'darwin')
    assert.equal(languagesOf(options), undefined)
    assert.equal(prepareSpelling(options, { on: true, languages: [] }), true)
    assert.deepEqual(calls, [address, ['session.setSpellCheckerEnabled', true]])
  })

  test('a folder of this name is none of ours', () => {
    const { options } = stage({})
    mkdirSync(path.join(options.systemFolders[1] ?? '', 'README.bdic'))
    assert.deepEqual(languagesOf(options), [])
  })
})
