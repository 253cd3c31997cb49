/**
 * A process that opens a profile by its passphrase, says the store's key in hexadecimal and where the profile lies, and
 * locks the app at the first line that it reads.
 */
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { openStore } from '../../main/sqlite/store.ts'
import { Guarded, passphrase } from './guarded.ts'

const folder = mkdtempSync(path.join(tmpdir(), 'coppice-scenario-'))
const anna = new Guarded('Anna', folder)
let key = ''
anna.options = {
  keychain: undefined,
  openStore: (options) => {
    // Digit by digit: no copy of the bytes may come from here.
    key = ''
    for (const byte of options.key) key += byte.toString(16).padStart(2, '0')
    return openStore(options)
  },
}
await anna.start()
await anna.call('setup.create', { name: 'Anna', passphrase })
await anna.restart()
await anna.call('setup.unlock', { passphrase })
await anna.invite()
process.stdout.write(`${key} ${anna.ownFolder}\n`)
process.stdin.once('data', () => {
  void anna.call('lock.now', {}).then(() => {
    process.stdout.write('locked\n')
    rmSync(folder, { recursive: true, force: true })
  })
})
