import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, test } from 'node:test'
import { findBrowser, findChromium, hasDisplay } from '../standin/browser.ts'
import { root } from './harness.ts'

/** Runs `npm start`'s program (the build is there already) and gives what it printed and its exit code. */
function run(environment: NodeJS.ProcessEnv): Promise<{ readonly code: number | null, readonly said: string }> {
  return new Promise((resolve) => {
    const child = spawn(process.execPath, [path.join(root, 'test', 'cli', 'start.ts')], { env: environment })
    let said = ''
    child.stdout.on('data', (chunk: Buffer) => { said += chunk.toString() })
    child.stderr.on('data', (chunk: Buffer) => { said += chunk.toString() })
    child.once('exit', (code) => { resolve({ code, said }) })
  })
}

const withoutDisplay = (): NodeJS.ProcessEnv => {
  const { DISPLAY: _x11, WAYLAND_DISPLAY: _wayland, ...environment } = process.env
  return environment
}

describe('npm start', () => {
  test('without a display it says so and gives the tour: two people talk, quit, and find everything again',
    { skip: process.platform !== 'linux' }, async () => {
      const { code, said } = await run(withoutDisplay())
      assert.equal(code, 0, said)
      assert.match(said, /^there is no display here, so here is a tour/)
      assert.match(said, /Anna +Hello Ben[^\n]*\n +Ben +I can read you/)
      const pictures = [...said.matchAll(/^ {2}(\S.*\.png)$/gm)].map((match) => match[1] ?? '')
      assert.ok(pictures.length >= 6, said)
      const png = Buffer.from([0x89, 0x50, 0x4e, 0x47])
      for (const picture of pictures) assert.deepEqual(readFileSync(picture).subarray(0, 4), png, picture)
    })

  test('on Linux a display is what DISPLAY or WAYLAND_DISPLAY names', { skip: process.platform !== 'linux' }, () => {
    assert.equal(hasDisplay({}), false)
    assert.equal(hasDisplay({ DISPLAY: '' }), false)
    assert.equal(hasDisplay({ DISPLAY: ':0' }), true)
    assert.equal(hasDisplay({ WAYLAND_DISPLAY: 'wayland-0' }), true)
  })
})

describe('the browser for the stand-in', () => {
  test('is what $CHROMIUM names, and a wrong name is an error, not a reason to take another', () => {
    assert.equal(findChromium({ CHROMIUM: process.execPath }), process.execPath)
    assert.throws(() => findChromium({ CHROMIUM: '/nowhere/chromium' }), /\$CHROMIUM names \/nowhere\/chromium/)
  })

  test('is found on every machine that can run the tests', async () => {
    const browser = await findBrowser()
    assert.ok(path.isAbsolute(browser.executable))
    assert.equal(browser.windowed, browser.source === 'machine')
  })
})
