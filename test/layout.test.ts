/**
 * The house rules as a table: who may import whom, no cycles, budgets of lines, and what lies at the top level.
 * ARCHITECTURE.md says why; this file says what.
 */
import assert from 'node:assert/strict'
import { existsSync, readFileSync, readdirSync } from 'node:fs'
import { isBuiltin } from 'node:module'
import path from 'node:path'
import { describe, test } from 'node:test'
import typescript from 'typescript'

const root = path.resolve(import.meta.dirname, '..')
const lineBudget = 500
const functionBudget = 70

type Row = {
  /** The files that this row is for: a file, or a folder with a slash at its end. The longest match counts. */
  readonly files: string
  /** What they may import: files and folders of the project. Their own folder is always allowed. */
  readonly imports?: readonly string[]
  /** What they may import types from, and nothing that runs. */
  readonly types?: readonly string[]
  readonly packages?: readonly string[]
  /** Node's own modules, by name; 'all' for every one. */
  readonly node?: readonly string[] | 'all'
}

// Inside the engine: one layer may import the ones before it.
const mlsBase = [
  'main/mls/codec.ts', 'main/mls/error.ts', 'main/mls/points.ts', 'main/mls/rules.ts', 'main/mls/secret.ts',
]
const mlsWire = [...mlsBase, 'main/mls/wire/']
const mlsSuite = [
  ...mlsWire, 'main/mls/primitives.ts', 'main/mls/suite.ts', 'main/mls/hpke.ts', 'main/mls/labelled.ts',
]
const mlsTree = [...mlsSuite, 'main/mls/tree/', 'main/mls/schedule/']
const appImports = [
  'main/app/', 'main/events.ts', 'main/ports.ts', 'main/words.ts', 'main/chat/', 'main/identity/', 'main/mls/index.ts',
  'preload/api.ts',
]
const uiPackages = ['svelte', 'bits-ui', 'virtua', 'qr', '@lucide/svelte', 'intl-messageformat']

const table: readonly Row[] = [
  { files: 'preload/check.ts' },
  { files: 'preload/closing.ts', imports: ['preload/check.ts'] },
  { files: 'preload/backup.ts', imports: ['preload/check.ts', 'preload/codes.ts'] },
  { files: 'preload/codes.ts' },
  { files: 'preload/devices.ts', imports: ['preload/check.ts'] },
  { files: 'preload/files.ts', imports: ['preload/check.ts'] },
  { files: 'preload/restore.ts', imports: ['preload/check.ts'], types: ['preload/codes.ts'] },
  { files: 'preload/expiry.ts', imports: ['preload/check.ts'] },
  { files: 'preload/shell.ts', imports: ['preload/check.ts', 'preload/updates.ts'] },
  { files: 'preload/updates.ts', imports: ['preload/check.ts'] },
  {
    files: 'preload/api.ts',
    imports: [
      'preload/backup.ts', 'preload/check.ts', 'preload/closing.ts', 'preload/codes.ts', 'preload/devices.ts',
      'preload/expiry.ts', 'preload/files.ts',
      'preload/restore.ts', 'preload/shell.ts',
    ],
  },
  { files: 'preload/index.ts', imports: ['preload/api.ts'], packages: ['electron'] },
  { files: 'renderer/', imports: ['preload/api.ts'], packages: uiPackages },

  ...mlsBase.map((files) => ({ files, imports: mlsBase })),
  { files: 'main/mls/wire/', imports: mlsBase },
  { files: 'main/mls/primitives.ts', imports: mlsBase },
  { files: 'main/mls/suite.ts', imports: mlsSuite },
  {
    files: 'main/mls/portable.ts', imports: mlsSuite, packages: ['@noble/curves', '@noble/hashes', '@noble/ciphers'],
  },
  { files: 'main/mls/hpke.ts', imports: mlsSuite },
  { files: 'main/mls/labelled.ts', imports: mlsSuite },
  { files: 'main/mls/tree/', imports: mlsTree },
  { files: 'main/mls/schedule/', imports: mlsTree },
  { files: 'main/mls/group/', imports: mlsTree },
  { files: 'main/mls/index.ts', imports: ['main/mls/'] },

  { files: 'main/identity/', imports: ['main/mls/index.ts'], packages: ['@scure/bip39'] },
  {
    files: 'main/chat/', imports: ['main/mls/index.ts', 'main/identity/'],
    types: ['preload/api.ts', 'main/ports.ts'],
  },
  { files: 'main/events.ts', imports: ['main/mls/index.ts', 'preload/'] },
  { files: 'main/words.ts' },
  { files: 'main/stored.ts', types: ['main/mls/index.ts', 'preload/api.ts'] },
  {
    files: 'main/ports.ts', imports: ['main/stored.ts'],
    types: ['main/events.ts', 'main/identity/linking-code.ts', 'main/mls/index.ts', 'preload/api.ts'],
  },
  { files: 'main/app.ts', imports: appImports },
  { files: 'main/app/', imports: appImports },

  {
    files: 'main/crypto/', imports: ['main/mls/index.ts'], types: ['main/events.ts'], packages: ['sodium-native'],
    node: ['node:crypto', 'node:worker_threads'],
  },
  {
    files: 'main/sqlite/', imports: ['main/ports.ts', 'main/words.ts', 'main/mls/index.ts'], types: ['preload/api.ts'],
    packages: ['better-sqlite3'], node: ['node:crypto', 'node:fs', 'node:os', 'node:path', 'node:url'],
  },
  {
    files: 'main/keychain/', imports: ['main/ports.ts', 'main/mls/index.ts'], packages: ['keytar', 'hash-wasm'],
    node: ['node:fs', 'node:path', 'node:url', 'node:crypto', 'node:worker_threads', 'node:module'],
  },
  {
    files: 'main/delivery/', imports: ['main/ports.ts', 'main/mls/index.ts'], packages: ['better-sqlite3'],
    node: ['node:fs', 'node:path', 'node:url', 'node:crypto'],
  },

  {
    files: 'main/pairing/', imports: ['main/ports.ts', 'main/mls/index.ts', 'main/identity/'],
    types: ['preload/api.ts'], packages: ['@hpke/core'],
  },

  {
    files: 'main/archive/', imports: ['main/ports.ts', 'main/mls/index.ts'],
    packages: ['age-encryption', '@scure/base', '@noble/ciphers', 'hash-wasm'],
    node: ['node:crypto', 'node:fs', 'node:fs/promises', 'node:path', 'node:worker_threads'],
  },

  {
    files: 'main/log/', imports: ['main/events.ts', 'main/ports.ts', 'main/mls/index.ts'],
    node: ['node:crypto', 'node:fs', 'node:os', 'node:path', 'node:url'],
  },

  { files: 'main/electron.ts' },
  { files: 'main/ipc.ts', imports: ['preload/api.ts'], types: ['main/electron.ts'] },
  { files: 'main/window.ts', types: ['main/electron.ts'], node: ['node:fs', 'node:path'] },
  // The one file that may open a connection.
  { files: 'main/network.ts', imports: ['main/ports.ts'], node: ['node:net'] },
  { files: 'main/profiles.ts', node: ['node:fs', 'node:path', 'node:util'] },
  {
    files: 'main/updates/', imports: ['preload/updates.ts'],
    node: ['node:child_process', 'node:crypto', 'node:fs', 'node:path'],
  },
  {
    files: 'main/shell/',
    imports: [
      'preload/api.ts', 'preload/shell.ts', 'main/ipc.ts', 'main/network.ts', 'main/ports.ts', 'main/window.ts', 'main/profiles.ts',
      'main/updates/',
    ],
    types: ['main/electron.ts', 'preload/updates.ts'], node: ['node:crypto', 'node:fs', 'node:fs/promises', 'node:os', 'node:path', 'node:url'],
  },
  {
    files: 'main/cli.ts', imports: ['main/app/', 'main/ports.ts', 'main/profiles.ts', 'preload/api.ts'],
    types: ['main/shell/'], node: ['node:os', 'node:path', 'node:readline', 'node:stream', 'node:util'],
  },
  { files: 'main/index.ts', imports: ['main/'], packages: ['electron'], node: 'all' },

  { files: 'test/standin/', types: ['main/electron.ts'], packages: ['playwright-core'], node: 'all' },
  {
    files: 'test/', imports: ['main/', 'preload/', 'renderer/'], node: 'all',
    packages: ['playwright-core', 'typescript', 'fast-check', 'axe-core', '@hpke/core', '@hpke/dhkem-x448', 'svelte', 'qr',
      'better-sqlite3', 'sodium-native', '@noble/curves', '@noble/hashes', '@noble/ciphers', 'ts-mls', '@grpc/grpc-js',
      '@grpc/proto-loader', 'age-encryption'],
  },
]

const topLevel = [
  'package.json', 'package-lock.json', 'tsconfig.json', 'electron-builder.yml', 'vite.config.ts', 'eslint.config.ts',
  'main', 'renderer', 'preload', 'test', 'assets', 'docs',
  'README.md', 'ARCHITECTURE.md', 'CHANGELOG.md', 'SECURITY.md', 'LICENSE',
]
/** Made by the tools, ignored by git. */
const made = ['node_modules', 'dist', 'release', 'tour']

// ---------------------------------------------------------------- reading the source

type Import = { readonly from: string, readonly to: string, readonly line: number, readonly typeOnly: boolean }
type Source = {
  readonly file: string
  readonly text: string
  readonly imports: readonly Import[]
  readonly functions: readonly { readonly name: string, readonly line: number, readonly lines: number }[]
}

const sources: readonly Source[] = ['main', 'preload', 'renderer', 'test'].flatMap((folder) =>
  readdirSync(path.join(root, folder), { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile() && /\.(?:ts|svelte)$/.test(entry.name))
    .map((entry) => path.relative(root, path.join(entry.parentPath, entry.name)).split(path.sep).join('/')))
  .sort()
  .map(readSource)

function readSource(file: string): Source {
  const text = readFileSync(path.join(root, file), 'utf8')
  // Of a component only the scripts are code; blank lines in place of the rest keep the numbers right.
  const code = file.endsWith('.svelte') ? scriptsOf(text) : text
  const tree = typescript.createSourceFile(file, code, typescript.ScriptTarget.Latest, true)
  const lineAt = (position: number): number => tree.getLineAndCharacterOfPosition(position).line + 1
  const imports: Import[] = []
  const functions: { name: string, line: number, lines: number }[] = []
  const add = (specifier: typescript.Node, typeOnly: boolean): void => {
    if (!typescript.isStringLiteralLike(specifier)) return
    const to = specifier.text.startsWith('.')
      ? path.posix.join(path.posix.dirname(file), specifier.text)
      : specifier.text
    imports.push({ from: file, to, line: lineAt(specifier.getStart()), typeOnly })
  }
  const visit = (node: typescript.Node): void => {
    if (typescript.isImportDeclaration(node)) {
      add(node.moduleSpecifier, node.importClause?.phaseModifier === typescript.SyntaxKind.TypeKeyword)
    } else if (typescript.isExportDeclaration(node) && node.moduleSpecifier !== undefined) {
      add(node.moduleSpecifier, node.isTypeOnly)
    } else if (typescript.isCallExpression(node) && node.expression.kind === typescript.SyntaxKind.ImportKeyword) {
      if (node.arguments[0] !== undefined) add(node.arguments[0], false)
    } else if (typescript.isImportTypeNode(node) && typescript.isLiteralTypeNode(node.argument)) {
      add(node.argument.literal, true)
    } else if (typescript.isFunctionLike(node) && 'body' in node && node.body !== undefined && !isStory(node)) {
      functions.push({ name: nameOf(node), line: lineAt(node.getStart()), lines: codeLines(node.getText()) })
    }
    typescript.forEachChild(node, visit)
  }
  visit(tree)
  return { file, text, imports, functions }
}

function scriptsOf(component: string): string {
  const blank = (part: string): string => part.replace(/[^\n]/g, ' ')
  let code = ''
  let end = 0
  for (const match of component.matchAll(/(<script\b[^>]*>)([\s\S]*?)<\/script>/g)) {
    const start = match.index + (match[1] ?? '').length
    code += blank(component.slice(end, start)) + (match[2] ?? '')
    end = start + (match[2] ?? '').length
  }
  return code + blank(component.slice(end))
}

/** A callback of node:test: it tells a story and may be long. */
function isStory(node: typescript.Node): boolean {
  const call = node.parent
  return typescript.isCallExpression(call) && /^(?:describe|test|before|after)\b/.test(call.expression.getText())
}

function nameOf(node: typescript.SignatureDeclaration): string {
  const { parent } = node
  if (node.name !== undefined) return node.name.getText()
  return typescript.isVariableDeclaration(parent) ? parent.name.getText() : '(unnamed)'
}

/** Lines that are neither empty nor comment. */
function codeLines(text: string): number {
  return text.replace(/\/\*[\s\S]*?\*\//g, '').split('\n').filter((line) => !/^\s*(?:\/\/.*)?$/.test(line)).length
}

// ---------------------------------------------------------------- the rules

const isIn = (file: string, place: string): boolean => place.endsWith('/') ? file.startsWith(place) : file === place

const rowOf = (file: string): Row | undefined =>
  table.filter((row) => isIn(file, row.files)).sort((a, b) => b.files.length - a.files.length)[0]

/** '@noble/curves/ed25519.js' is of '@noble/curves'. */
const packageOf = (specifier: string): string =>
  specifier.split('/').slice(0, specifier.startsWith('@') ? 2 : 1).join('/')

/** Why an import is against the table, or undefined. */
function refusal({ from, to, typeOnly }: Import): string | undefined {
  const row = rowOf(from)
  if (row === undefined) return 'this file has no row in the table'
  if (isBuiltin(to)) {
    return row.node === 'all' || row.node?.includes(to) === true ? undefined : `Node's ${to} is not for ${row.files}`
  }
  if (!/^(?:main|preload|renderer|test)\//.test(to)) {
    return row.packages?.includes(packageOf(to)) === true ? undefined : `the package ${to} is not for ${row.files}`
  }
  const own = row.files.endsWith('/') && isIn(to, row.files)
  if (own || row.imports?.some((place) => isIn(to, place)) === true) return undefined
  if (row.types?.some((place) => isIn(to, place)) === true) return typeOnly ? undefined : `only types of ${to}`
  return `${to} is not for ${row.files}`
}

/** Every circle of imports, each told once, as a path that ends where it begins. */
function cyclesIn(graph: ReadonlyMap<string, readonly string[]>): readonly string[] {
  const found: string[] = []
  const done = new Set<string>()
  const walk = (file: string, trail: readonly string[]): void => {
    const at = trail.indexOf(file)
    if (at >= 0) found.push([...trail.slice(at), file].join(' -> '))
    if (at >= 0 || done.has(file)) return
    for (const next of graph.get(file) ?? []) walk(next, [...trail, file])
    done.add(file)
  }
  for (const file of graph.keys()) walk(file, [])
  return found
}

describe('the layout of the project', () => {
  test('every import stands in the table', () => {
    const refused = sources.flatMap(({ imports }) => imports).flatMap((one) => {
      const why = refusal(one)
      return why === undefined ? [] : [`${one.from}:${one.line}: ${why}`]
    })
    assert.deepEqual(refused, [])
  })

  test('no file imports itself in a circle, not even by types', () => {
    const graph = new Map(sources.map(({ file, imports }) => [file, imports.map(({ to }) => to)]))
    assert.deepEqual(cyclesIn(graph), [])
  })

  test('every row of the table is for files that exist', () => {
    const idle = table.filter(({ files }) => !existsSync(path.join(root, files))).map(({ files }) => files)
    assert.deepEqual(idle, [])
  })

  test(`files have at most ${lineBudget} lines`, () => {
    const long = sources.map(({ file, text }) => ({ file, lines: text.split('\n').length - 1 }))
    assert.deepEqual(long.filter(({ lines }) => lines > lineBudget), [])
  })

  test(`functions have at most ${functionBudget} lines of code`, () => {
    const long = sources.flatMap(({ file, functions }) => functions
      .filter(({ lines }) => lines > functionBudget)
      .map(({ name, line, lines }) => `${file}:${line}: ${name} has ${lines}`))
    assert.deepEqual(long, [])
  })

  test('the top level holds what the design names, and dot files', () => {
    const found = readdirSync(root).filter((name) => !name.startsWith('.') && !made.includes(name))
    assert.deepEqual(found.filter((name) => !topLevel.includes(name)), [])
  })
})

describe('the rules themselves', () => {
  const one = (from: string, to: string, typeOnly = false): Import => ({ from, to, line: 1, typeOnly })

  test('refuse what crosses a wall', () => {
    const crossings = [
      one('preload/api.ts', 'preload/index.ts'), one('renderer/main.ts', 'main/ports.ts', true),
      one('renderer/main.ts', 'node:fs'), one('main/mls/codec.ts', 'main/mls/suite.ts'),
      one('main/mls/wire/commit.ts', 'main/mls/group/state.ts', true), one('main/mls/group/state.ts', 'node:crypto'),
      one('main/mls/suite.ts', '@noble/hashes/sha2.js'), one('main/chat/room.ts', 'main/ports.ts'),
      one('main/chat/room.ts', 'main/mls/codec.ts'), one('main/app.ts', 'main/sqlite/store.ts'),
      one('main/app.ts', 'main/electron.ts', true), one('main/sqlite/store.ts', 'main/delivery/sqlite.ts'),
      one('main/sqlite/store.ts', 'keytar'), one('main/window.ts', 'electron', true), one('main/new/file.ts', 'x'),
    ]
    assert.deepEqual(crossings.filter((crossing) => refusal(crossing) === undefined), [])
    const allowed = [
      one('main/chat/room.ts', 'main/ports.ts', true), one('main/chat/room.ts', 'main/mls/index.ts'),
      one('main/mls/portable.ts', '@noble/curves/ed25519.js'), one('main/index.ts', 'main/sqlite/store.ts'),
      one('renderer/views/App.svelte', 'svelte/transition'),
    ]
    assert.deepEqual(allowed.flatMap((crossing) => refusal(crossing) ?? []), [])
  })

  test('find a circle however long it is', () => {
    assert.deepEqual(cyclesIn(new Map([['a', ['b']], ['b', ['c', 'd']], ['c', []], ['d', ['b']]])), ['b -> d -> b'])
    assert.deepEqual(cyclesIn(new Map([['a', ['b', 'c']], ['b', ['c']], ['c', []]])), [])
  })

  test('read imports, and count lines of code', () => {
    const { imports, functions } = readSource('test/layout.test.ts')
    assert.ok(imports.some(({ to, typeOnly }) => to === 'typescript' && !typeOnly))
    assert.ok(functions.some(({ name }) => name === 'refusal'))
    assert.equal(codeLines('{\n\n// note\n/* more\n notes */\nreturn 1\n}'), 3)
    const component = '<b>x</b>\n<script lang="ts">\nimport x from "y"\n</script>'
    assert.match(scriptsOf(component), /^ +\n +\nimport x from "y"\n/)
  })
})
