/** The real app writes its log beside the profile, and the window shows it before it is copied. */
import assert from 'node:assert/strict'
import { readFileSync, statSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { isLine } from '../../main/events.ts'
import { launch, setUp, temporaryData } from './harness.ts'

test('what the app did is in its log and in the report, and the name is not', async (t) => {
  const { data, remove } = await temporaryData()
  t.after(remove)
  const { page, quit } = await launch(data)
  await setUp(page, 'Annegret')
  await page.getByRole('button', { name: 'Settings' }).click()
  await page.getByRole('button', { name: 'Show… (the report)' }).click()
  const shown = await page.getByRole('textbox', { name: 'What is in it' }).inputValue()
  assert.match(shown, /^\{[^\n]*"event":"report"[^\n]*"native":\["sha256",[^\n]*"open":true,"conversations":0,/)
  await page.getByRole('button', { name: 'Copy report' }).click()
  await page.getByRole('button', { name: 'Copied' }).waitFor()
  assert.equal(await quit(), 0)

  const file = path.join(data, 'profiles', 'default', 'log.jsonl')
  const lines = readFileSync(file, 'utf8').trimEnd().split('\n')
  const events = lines.map((line) => (JSON.parse(line) as { readonly event: string }).event)
  assert.deepEqual([events[0], events[1], events.at(-1)], ['started', 'opened', 'quit'])
  for (const line of [...lines, ...shown.split('\n')]) assert.ok(isLine(line) && !line.includes('Annegret'), line)
  assert.equal(statSync(file).mode & 0o777, 0o600)
})
