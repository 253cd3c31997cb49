import { randomInt } from 'node:crypto'
import { existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { parseArgs } from 'node:util'
import { Simulation } from '../chaos/simulation.ts'

// `npm run simulate -- --clients 50 --operations 10000 --seed S`: months of people's life on a delivery that cannot be
// trusted, in one process and a virtual time. Prints JSON; exit code 1 when anything was lost or somebody stays apart.

const { values } = parseArgs({ options: {
  clients: { type: 'string', default: '50' }, operations: { type: 'string', default: '10000' }, seed: { type: 'string' },
} })
const seed = values.seed ?? String(randomInt(2 ** 32))
process.stderr.write(`seed ${seed}\n`)
const result = await new Simulation({
  clients: Number(values.clients), operations: Number(values.operations), seed,
  // Durable writes to a disk are another test's business.
  folder: existsSync('/dev/shm') ? '/dev/shm' : tmpdir(),
  progress: (line) => { process.stderr.write(`${line}\n`) },
}).run()
process.stdout.write(`${JSON.stringify(result, undefined, 2)}\n`)
process.exitCode = result.converged ? 0 : 1
