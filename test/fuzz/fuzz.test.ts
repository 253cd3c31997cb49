import assert from 'node:assert/strict'
import { randomInt } from 'node:crypto'
import { describe, test } from 'node:test'
import { fuzz, type Tally } from './run.ts'

// Short slices of `npm run fuzz`, one of them of a new seed each time. FUZZ_SEED repeats it.

describe('the engine takes whatever comes', () => {
  const seed = process.env['FUZZ_SEED'] ?? String(randomInt(2 ** 32))

  async function feed(options: Parameters<typeof fuzz>[0]): Promise<readonly Tally[]> {
    const { tallies, findings } = await fuzz(options)
    assert.deepEqual(findings, [])
    assert.ok(tallies.length > 100)
    for (const { name, slowestMs } of tallies) assert.ok(slowestMs < 10_000, `${name}: ${slowestMs} ms for one sample`)
    return tallies
  }

  test('of a seed that is always the same, much of which is more than noise', async () => {
    for (const { name, cases, outcomes } of await feed({ seed: 'always', suites: [1], cases: 25 })) {
      if (name.startsWith('format')) continue
      const understood = Object.entries(outcomes).filter(([outcome]) => !outcome.startsWith('malformed'))
      const count = understood.reduce((sum, [, times]) => sum + times, 0)
      assert.ok(count > cases / 5, `${name}: ${count} of ${cases} samples were decoded`)
    }
  })

  test(`of FUZZ_SEED=${seed}`, async () => {
    await feed({ seed, suites: [Number(seed) % 2 === 0 ? 2 : 3], cases: 12 })
  })
})

describe('the fuzzer notices a target that', () => {
  const common = { seed: 'broken', suites: [], cases: 300, heapMb: 64 } as const
  for (const [broken, message, hangMs] of [
    ['throws', /^TypeError: not an MlsError/, 20_000],
    ['hangs', /does not end/, 1500],
    ['allocates', /^arrays of \d+ bytes/, 20_000],
    ['hoards', /memory/, 20_000],
    ['changes', /a group has changed/, 20_000],
    ['forgets', /nobody any more/, 20_000],
    ['miscopies', /not written again/, 20_000],
  ] as const) {
    test(broken, async () => {
      const { findings } = await fuzz({ ...common, broken, hangMs })
      assert.deepEqual(findings.map(({ target }) => target), [broken])
      assert.match(findings[0]?.message ?? '', message)
    })
  }

  test('and can be shown its sample again', async () => {
    const { findings: [found] } = await fuzz({ ...common, broken: 'throws' })
    const { findings: [again] } = await fuzz({ ...common, broken: 'throws', seed: 'another', input: found?.hex ?? '' })
    assert.equal(again?.hex, found?.hex)
  })
})
