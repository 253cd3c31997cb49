import { logVerbosity, setLogVerbosity } from '@grpc/grpc-js'
import { parseArgs } from 'node:util'
import { supportedSuites } from '../interop/book.ts'
import { serve } from '../interop/server.ts'

// `npm run mls-client -- --port N`: the engine as a client of the MLS working group's interop interface, for its test
// runner or another one. SIGINT and SIGTERM end it. GREASE is an option, because some implementations do not ignore it.

const usage = `Usage: npm run mls-client -- --port N [--grease]
  --port N   0: any that is free
  --grease   offer values that others must ignore (RFC 9420 §13.5)`

async function main(): Promise<void> {
  const options = optionsOf(process.argv.slice(2))
  if (options === undefined) {
    console.error(usage)
    process.exitCode = 2
    return
  }
  setLogVerbosity(logVerbosity.NONE) // It would tell the same error once more.
  const server = await serve(options).catch((error: unknown) => {
    console.error(`Port ${options.port} cannot be served: ${error instanceof Error ? error.message : String(error)}`)
  })
  if (server === undefined) {
    process.exitCode = 1
    return
  }
  console.log(`Coppice serves MLSClient at 127.0.0.1:${server.port}, suites ${supportedSuites.join(' ')}`)
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => { void server.stop() })
}

function optionsOf(args: readonly string[]): { readonly port: number, readonly grease: boolean } | undefined {
  try {
    const { values: { port = '', grease = false } } = parseArgs({
      args: [...args], options: { port: { type: 'string' }, grease: { type: 'boolean' } },
    })
    return /^\d{1,5}$/.test(port) && Number(port) < 65_536 ? { port: Number(port), grease } : undefined
  } catch {
    return undefined
  }
}

await main()
