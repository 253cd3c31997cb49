/** `npm run backup -- export FILE | verify PLACE`: the commands of the installed app, from the sources. */
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { startCli } from '../../main/index.ts'

const { version } = JSON.parse(readFileSync(path.join(import.meta.dirname, '../../package.json'), 'utf8')) as { version: string }
process.exitCode = await startCli(process.argv.slice(2), version)
