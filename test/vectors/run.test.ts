import assert from 'node:assert/strict'
import { execFile } from 'node:child_process'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { after, before, describe, test } from 'node:test'

// The command behind `npm run vectors -- DIR`, on cases of our own: it must notice a wrong one.

const command = path.join(import.meta.dirname, '../cli/vectors.ts')
const good = { vlbytes_header: '04', length: 4 }

describe('the command for vectors', () => {
  let folder = ''
  before(async () => { folder = await mkdtemp(path.join(tmpdir(), 'coppice-vectors-')) })
  after(async () => { await rm(folder, { recursive: true }) })

  const run = (...words: readonly string[]) => new Promise<{ code: number, lines: readonly string[] }>((resolve) => {
    execFile(process.execPath, [command, ...words], (error, stdout) => {
      resolve({ code: Number(error?.code ?? 0), lines: stdout.trim().split('\n') })
    })
  })
  const save = (name: string, value: unknown) => writeFile(path.join(folder, name), JSON.stringify(value))

  test('counts what passes and what it skips, the portable total last', async () => {
    await save('deserialization.json', [good, good])
    await save('crypto-basics.json', [{ cipher_suite: 0x0a0a }])
    await save('something-new.json', [{}, {}, {}])
    const { code, lines } = await run(folder)
    assert.equal(code, 0)
    assert.deepEqual(lines.filter((line) => /^\d/.test(line)), Array(2).fill('2 passed, 0 failed, 4 skipped'))
    assert.match(lines.at(-2) ?? '', /portable/)
    assert.equal(lines.filter((line) => line.startsWith('native ')).length, 3)
    assert.equal(lines.filter((line) => line.startsWith('portable ')).length, 3)
  })

  test('fails when a case is wrong, and says which', async () => {
    await save('deserialization.json', [good, { ...good, length: 5 }])
    const { code, lines } = await run(folder)
    assert.equal(code, 1)
    assert.equal(lines.at(-1), '1 passed, 1 failed, 4 skipped')
    assert.ok(lines.some((line) => line.includes('case 1:')))
  })

  test('fails when a file is no list of cases', async () => {
    await save('deserialization.json', { cases: [good] })
    assert.equal((await run(folder)).code, 1)
    await writeFile(path.join(folder, 'deserialization.json'), '[{')
    assert.equal((await run(folder)).code, 1)
  })

  test('does not call an empty or a missing folder a success', async () => {
    assert.equal((await run(path.join(folder, 'nowhere'))).code, 2)
  })
})
