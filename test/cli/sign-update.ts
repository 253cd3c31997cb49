/**
 * `node test/cli/sign-update.ts FOLDER [--rollout N]`: writes updates.json and its signature for the packages in a folder,
 * with the Ed25519 key in $COPPICE_UPDATE_KEY (PKCS 8 in base64, as `--new-key` prints it, with what the app is built with).
 */
import { createHash, createPrivateKey, createPublicKey, generateKeyPairSync, sign } from 'node:crypto'
import { readFileSync, readdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { parseArgs } from 'node:util'
import type { UpdateFile } from '../../main/updates/manifest.ts'
import { manifestName, readManifest, signatureName, signedBytes, writeManifest } from '../../main/updates/manifest.ts'
import { root } from '../e2e/harness.ts'

const { values, positionals: [folder] } = parseArgs({
  allowPositionals: true,
  options: { rollout: { type: 'string', default: '100' }, 'new-key': { type: 'boolean', default: false } },
})

const openOf = (secret: Parameters<typeof createPublicKey>[0]): string =>
  Buffer.from(createPublicKey(secret).export({ format: 'jwk' }).x ?? '', 'base64url').toString('base64')

/** As electron-builder.yml names the packages that update themselves. */
function fileOf(name: string, version: string): UpdateFile | undefined {
  const [, found, system, processor, kind] =
    /^coppice-(.+)-(linux|mac|win)-(x64|x86_64|arm64)\.(AppImage|dmg|exe)$/.exec(name) ?? []
  if (found === undefined) return undefined
  if (found !== version) throw new Error(`${name} is not of version ${version}`)
  const bytes = readFileSync(path.join(folder ?? '', name))
  const target = `${system ?? ''}-${processor === 'x86_64' ? 'x64' : processor ?? ''}-${kind ?? ''}`
  return { target, name, size: bytes.length, sha512: createHash('sha512').update(bytes).digest('hex') }
}

function signAll(folder: string): void {
  const key = process.env['COPPICE_UPDATE_KEY'] ?? ''
  if (key === '') throw new Error('COPPICE_UPDATE_KEY holds no key')
  const secret = createPrivateKey({ key: Buffer.from(key, 'base64'), format: 'der', type: 'pkcs8' })
  const { version } = JSON.parse(readFileSync(path.join(root, 'package.json'), 'utf8')) as { version: string }
  const files = readdirSync(folder).sort().flatMap((name) => fileOf(name, version) ?? [])
  if (files.length === 0) throw new Error('there is no package that updates itself')
  const manifest = writeManifest({ app: version, madeAt: Date.now(), rollout: Number(values.rollout), files })
  const signature = `${sign(undefined, signedBytes(manifest), secret).toString('base64')}\n`
  // What no app would take is not published.
  readManifest(manifest, signature, [openOf(secret)])
  writeFileSync(path.join(folder, manifestName), manifest)
  writeFileSync(path.join(folder, signatureName), signature)
  process.stdout.write(`${version}, for ${files.map(({ target }) => target).join(', ')}\n`)
}

try {
  if (values['new-key']) {
    const { privateKey } = generateKeyPairSync('ed25519')
    process.stdout.write(`COPPICE_UPDATE_KEY=${privateKey.export({ format: 'der', type: 'pkcs8' }).toString('base64')}\n` +
      `COPPICE_UPDATES_KEYS=${openOf(privateKey)}\n`)
  } else if (folder === undefined) throw new Error('name the folder of the packages')
  else signAll(folder)
} catch (error) {
  process.stderr.write(`sign-update: ${error instanceof Error ? error.message : String(error)}\n`)
  process.exitCode = 1
}
