import { svelte } from '@sveltejs/vite-plugin-svelte'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { builtinModules } from 'node:module'
import path from 'node:path'
import type { Plugin, UserConfig } from 'vite'

const here = import.meta.dirname
const at = (...parts: readonly string[]): string => path.join(here, ...parts)

/** Stay in node_modules: Electron itself, Node's own, and packages with a native part. */
const external = [
  'electron', ...builtinModules, ...builtinModules.map((name) => `node:${name}`),
  'better-sqlite3', 'keytar', 'sodium-native',
]

/**
 * Entries of the main process. A worker is an entry of its own, so that it lies beside index.js under its own name:
 * `new URL('./argon2.worker.' + extension, import.meta.url)` finds it built and unbuilt.
 */
const mainEntries = ['main/index.ts', 'main/keychain/argon2.worker.ts', 'main/archive/scrypt.worker.ts']
  .map((file) => at(file)).filter(existsSync)

/** Puts the numbered migrations where the bundle finds them by the same relative path as the source: ./schema/. */
const schema: Plugin = {
  name: 'coppice:schema',
  applyToEnvironment: (environment) => environment.name === 'main',
  generateBundle() {
    const folder = at('main/sqlite/schema')
    if (!existsSync(folder)) return
    for (const file of readdirSync(folder).filter((name) => name.endsWith('.sql'))) {
      this.emitFile({ type: 'asset', fileName: `schema/${file}`, source: readFileSync(path.join(folder, file)) })
    }
  },
}

/** The licences of what is bundled ask for it: their texts lie beside each bundle. */
const licences: Plugin = {
  name: 'coppice:licences',
  generateBundle(_options, bundle) {
    const folders = new Set<string>()
    for (const part of Object.values(bundle)) {
      for (const id of part.type === 'chunk' ? part.moduleIds : []) {
        const folder = /^\0?(.*node_modules\/(?:@[^/]+\/)?[^/]+)\//.exec(id)?.[1]
        if (folder !== undefined) folders.add(folder)
      }
    }
    const texts = [...folders].sort().map((folder) => {
      const { name, version } = JSON.parse(readFileSync(path.join(folder, 'package.json'), 'utf8')) as Record<string, string>
      const file = readdirSync(folder).find((entry) => /^licen[cs]e(?:\.md|\.txt)?$/i.test(entry))
      if (file === undefined) throw new Error(`${String(name)} brings no licence`)
      return `${String(name)} ${String(version)}\n\n${readFileSync(path.join(folder, file), 'utf8').trim()}\n`
    })
    if (texts.length > 0) {
      this.emitFile({ type: 'asset', fileName: 'licences.txt', source: texts.join(`\n${'-'.repeat(80)}\n\n`) })
    }
  },
}

/**
 * Where a build looks for updates, and whose signatures count (32 bytes each, in base64, with commas between). Without
 * both it looks nowhere.
 */
const { COPPICE_UPDATES_FROM: address = '', COPPICE_UPDATES_KEYS: keys = '' } = process.env
const updates = address === '' || keys === '' ? undefined : { address, keys: keys.split(',') }
if (updates?.keys.some((key) => Buffer.from(key, 'base64').length !== 32) === true) {
  throw new Error('COPPICE_UPDATES_KEYS holds something else than Ed25519 keys of 32 bytes in base64')
}
if (updates !== undefined && (!address.startsWith('https://') || !address.endsWith('/'))) {
  throw new Error('COPPICE_UPDATES_FROM is no https:// address that ends in "/"')
}

const onNode = (outDir: string, format: 'es' | 'cjs', input: readonly string[]) => ({
  consumer: 'server' as const,
  resolve: { noExternal: true as const, external },
  build: {
    outDir: at(outDir), target: 'node24', ssr: true, minify: false, emptyOutDir: true,
    rolldownOptions: {
      input: [...input], external, checks: { bundlerTimings: false },
      output: {
        format,
        entryFileNames: format === 'cjs' ? '[name].cjs' : '[name].js',
        chunkFileNames: '[name]-[hash].js',
      },
    },
  },
})

/** One configuration, three bundles: the window (dist/renderer), the main process and the preload script. */
const config: UserConfig = {
  root: at('renderer'),
  base: './',
  plugins: [svelte({ configFile: false, compilerOptions: { runes: true } }), schema, licences],
  logLevel: 'warn',
  build: { sourcemap: true, reportCompressedSize: false, rolldownOptions: { checks: { bundlerTimings: false } } },
  environments: {
    client: {
      build: {
        outDir: at('dist/renderer'), emptyOutDir: true, target: 'chrome140', modulePreload: { polyfill: false },
        // The policy of the window forbids data: addresses.
        assetsInlineLimit: 0,
      },
    },
    main: {
      ...onNode('dist/main', 'es', mainEntries),
      define: { COPPICE_UPDATES: updates === undefined ? 'undefined' : JSON.stringify(updates) },
    },
    preload: onNode('dist/preload', 'cjs', [at('preload/index.ts')]),
  },
  worker: { format: 'es' },
  builder: {
    async buildApp(builder) {
      for (const environment of Object.values(builder.environments)) {
        if (environment.name in { client: 0, main: 0, preload: 0 }) await builder.build(environment)
      }
    },
  },
}
export default config
