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
const mainEntries = ['main/index.ts', 'main/keychain/argon2.worker.ts'].map((file) => at(file)).filter(existsSync)

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
  plugins: [svelte({ configFile: false, compilerOptions: { runes: true } }), schema],
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
    main: onNode('dist/main', 'es', mainEntries),
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
