import assert from 'node:assert/strict'
import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { test } from 'node:test'
import { Simulation } from './simulation.ts'

// Short pieces of `npm run simulate`, which takes a new seed each time; here the seeds stay.

for (const seed of ['first', 'second']) {
  test(`months on a delivery that cannot be trusted, from seed ${seed}: nothing is lost, and all are together`, async () => {
    const folder = existsSync('/dev/shm') ? '/dev/shm' : tmpdir()
    const progress = (): void => undefined
    const result = await new Simulation({ clients: 6, operations: 150, seed, folder, progress }).run()
    assert.ok(result.converged, JSON.stringify(result, undefined, 2))
    assert.ok(result.messages > 50 && result.retries > 0, 'something has happened')
  })
}
