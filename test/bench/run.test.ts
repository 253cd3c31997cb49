import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import path from 'node:path'
import { test } from 'node:test'

test('npm run bench -- --quick prints all tables, in which both implementations agree about sizes', () => {
  const { status, stdout, stderr } = spawnSync(
    process.execPath, [path.join(import.meta.dirname, 'run.ts'), '--quick'], { encoding: 'utf8' })
  assert.equal(status, 0, stderr)
  const rows = stdout.split('\n').filter((line) => line.startsWith('| ')).map((line) =>
    line.split('|').slice(1, -1).map((cell) => cell.trim()))
  const isOfApp = ([what = '']: readonly string[]): boolean => /^(?:catching|\d+ messages|until|median of one|in a group|the dearest)/.test(what)
  const [times, weights] = [rows.filter((row) => row.length === 8), rows.filter((row) => row.length === 3 && !isOfApp(row))]
  const ofApp = rows.filter(isOfApp)
  assert.equal(ofApp.length, 7, stdout)
  for (const [what, first] of ofApp) assert.ok(/^(?:catching|median)/.test(what ?? '') || Number.parseFloat(first ?? '') > 0, what)
  assert.ok(times.length > 20 && weights.length > 10, stdout)
  for (const [what, ...cells] of times.slice(1)) {
    // One short run may be too short for the clock of the processor; not for all clocks.
    assert.ok(cells.every((cell) => Number.parseFloat(cell) >= 0) && cells.some((cell) => Number.parseFloat(cell) > 0), what)
  }
  for (const [what, ours, theirs] of weights.slice(1)) {
    // But for the names, which are of 7 and 6 letters.
    assert.ok(Math.abs(Number(ours) - Number(theirs)) <= 1, what)
  }
})
