/** Everything is lost but a backup and the 24 words, through the real windows: the steps of `npm run tour`, asserted. */
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { comeBack } from './comeback.ts'
import { temporaryData } from './harness.ts'

test('Anna comes back from a file, Cara from a folder: history, files, both chats, and what is said next', async (t) => {
  const { data, remove } = await temporaryData()
  t.after(remove)
  const lines: string[] = []
  await comeBack({ data, spoken: 12, tell: (line) => { lines.push(line) }, picture: () => Promise.resolve() })
  assert.ok(lines.some((line) => line.includes('back in 2 of 2 chats each')))
  for (const line of lines) t.diagnostic(line)
})
