import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { test } from 'node:test'
import { crash } from './run.ts'

const kills = 15

for (const [what, seed] of [['a seed that stays', 'coppice'], ['a fresh seed', String(randomInt(2 ** 32))]] as const) {
  test(`ten people survive ${kills} kills: ${what}`, async (t) => {
    t.diagnostic(`npm run crash -- --runs ${kills} --seed ${seed}`)
    const report = await crash({ runs: kills, seed })
    t.diagnostic(`${report.kills} kills, ${report.epochs} epochs, ${report.deliveries} messages due, ${report.seconds} s`)
    assert.deepEqual(report.findings, [], `see ${report.folder ?? ''}`)
    // Else it would have proven nothing.
    assert.ok(report.deliveries > 0 && report.epochs > 0)
    assert.ok([...report.killedAt.values()].some(({ before, after }) => before + after > 0))
  })
}
