import { logVerbosity, setLogVerbosity } from '@grpc/grpc-js'
import { parseArgs } from 'node:util'
import { supportedSuites } from '../interop/book.ts'
import { serve } from '../interop/server.ts'

// `npm run mls-client -- --port N`: the engine as a client of the MLS working group's interop interface, for its test
// runner or another one. SIGINT and SIGTERM end it.

const usage = 'Usage: npm run mls-client -- --port N   (0: any that is free)'

async function main(): Promise<void> {
  const port = portOf(process.argv.slice(2))
  if (port === undefined) {
    console.error(usage)
    process.exitCode = 2
    return
  }
  setLogVerbosity(logVerbosity.NONE) // It would tell the same error once more.
  const server = await serve(port).catch((error: unknown) => {
    console.error(`Port ${port} cannot be served: ${error instanceof Error ? error.message : String(error)}`)
  })
  if (server === undefined) {
    process.exitCode = 1
    return
  }
  console.log(`Coppice serves MLSClient at 127.0.0.1:${server.port}, suites ${supportedSuites.join(' ')}`)
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => { void server.stop() })
}

function portOf(args: readonly string[]): number | undefined {
  try {
    const { values: { port } } = parseArgs({ args: [...args], options: { port: { type: 'string' } } })
    return port !== undefined && /^\d{1,5}$/.test(port) && Number(port) < 65_536 ? Number(port) : undefined
  } catch {
    return undefined
  }
}

await main()
