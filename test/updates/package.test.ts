/** Which package is this app's, and which version comes after which. */
import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { test } from 'node:test'
import { installerFor } from '../../main/updates/install.ts'
import { isAfter } from '../../main/updates/manifest.ts'
import { target } from './server.ts'

test('each system has its own package', (t) => {
  const folder = mkdtempSync(path.join(tmpdir(), 'coppice-updates-'))
  t.after(() => { rmSync(folder, { recursive: true }) })
  const appImage = path.join(folder, 'Coppice.AppImage')
  writeFileSync(appImage, 'the old version')
  const program = process.execPath
  const mounted = path.dirname(program)
  const here = { platform: 'linux', arch: 'x64', packaged: true, environment: {}, program, open: async () => '' } as const
  const environment = { APPIMAGE: appImage, APPDIR: mounted }
  assert.equal(installerFor({ ...here, environment })?.target, target)
  // Put there by somebody else, or not said rightly.
  for (const APPIMAGE of [path.join(folder, 'none', 'Coppice.AppImage'), 'Coppice.AppImage', '']) {
    assert.equal(installerFor({ ...here, environment: { ...environment, APPIMAGE } }), undefined)
  }
  // Started out of another AppImage: that one is not ours to replace.
  for (const APPDIR of [undefined, '', folder, path.join(folder, 'none'), mounted.slice(0, -1)]) {
    assert.equal(installerFor({ ...here, environment: { ...environment, APPDIR } }), undefined)
  }
  assert.equal(installerFor({ ...here, packaged: false, environment }), undefined)
  assert.equal(installerFor({ ...here, platform: 'win32' })?.target, 'win-x64-exe')
  assert.equal(installerFor({ ...here, platform: 'darwin', arch: 'arm64' })?.target, 'mac-arm64-dmg')
})

test('versions are compared by their numbers, and betas come before', () => {
  const order = ['0.9.0', '1.0.0-alpha.1', '1.0.0-beta.2', '1.0.0-beta.11', '1.0.0', '1.0.1', '1.2.0', '1.10.0', '2.0.0']
  for (const [at, one] of order.entries()) {
    for (const [other, two] of order.entries()) assert.equal(isAfter(one, two), at < other, `${one} ${two}`)
  }
  for (const odd of ['', '1', '1.2', 'v1.2.3', '1.2.3.4', '1.2.3-', '1.2.3+x', '1.02.3', '1.2.3-beta', '9999999.0.0']) {
    assert.ok(!isAfter(odd, '5.0.0') && !isAfter('0.0.1', odd), odd)
  }
})
