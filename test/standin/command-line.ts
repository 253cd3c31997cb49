/**
 * Electron as far as the command line of the installed app goes: `node command-line.ts MAIN ARGUMENTS…` runs a built main in
 * it. Whoever asks Electron for anything but its version and its end, a window above all, ends the process with 99.
 */
import { registerHooks } from 'node:module'
import { pathToFileURL } from 'node:url'

const [main = '', ...args] = process.argv.slice(2)
// As in an installed app: the program, and what was typed behind it.
process.argv = [process.execPath, ...args]
Object.defineProperty(process, 'versions', { value: { ...process.versions, electron: '45.4.1' } })

const allowed: Readonly<Record<string, unknown>> = {
  isPackaged: true, getVersion: () => '0.0.1', exit: (code: number) => { process.exit(code) },
}
const refuse = (name: string): never => {
  process.stderr.write(`the command line used ${name} of Electron\n`)
  process.exit(99)
}
Object.assign(globalThis, { electronOfTest: { app: new Proxy(allowed, {
  get: (target, name) => Object.hasOwn(target, name) ? target[String(name)] : refuse(`app.${String(name)}`),
}) } })

registerHooks({
  resolve: (specifier, context, next) =>
    specifier === 'electron' ? { url: 'test:electron', format: 'module', shortCircuit: true } : next(specifier, context),
  load: (url, context, next) =>
    url !== 'test:electron' ? next(url, context)
      : { format: 'module', source: 'export const { app } = globalThis.electronOfTest', shortCircuit: true },
})
await import(pathToFileURL(main).href)
