import assert from 'node:assert/strict'
import { test } from 'node:test'
import { crash } from './run.ts'

const kills = 15

// Seeds that stay; `npm run crash` takes a new one each time.
for (const seed of ['coppice', 'oak']) {
  test(`ten people survive ${kills} kills, from seed ${seed}`, async (t) => {
    t.diagnostic(`npm run crash -- --runs ${kills} --seed ${seed}`)
    const report = await crash({ runs: kills, seed })
    t.diagnostic(`${report.kills} kills, ${report.epochs} epochs, ${report.deliveries} messages due, ${report.seconds} s`)
    assert.deepEqual(report.findings, [], `see ${report.folder ?? ''}`)
    // Else it would have proven nothing.
    assert.ok(report.deliveries > 0 && report.epochs > 0)
    assert.ok([...report.killedAt.values()].some(({ before, after }) => before + after > 0))
  })
}
