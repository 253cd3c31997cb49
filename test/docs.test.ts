import assert from 'node:assert/strict'
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { describe, test } from 'node:test'
import { pathToFileURL } from 'node:url'
import typescript from 'typescript'

// The samples of a page are one program, in the order of the page: it compiles with the project's own settings, and
// it runs. What a sample asserts is true.

const root = path.resolve(import.meta.dirname, '..')
const docs = path.join(root, 'docs')

/** The samples of a page at the lines where they stand, with nothing between them. */
function samplesOf(page: string): string {
  let inside = false
  return page.split('\n').map((line) => {
    const fence = line.startsWith('```')
    const shown = inside && !fence ? line : ''
    if (fence) inside = !inside && line === '```ts'
    return shown
  }).join('\n')
}

/** The project's own settings of the compiler. */
function settings(): typescript.CompilerOptions {
  const read: unknown = typescript.readConfigFile(path.join(root, 'tsconfig.json'), typescript.sys.readFile).config
  return typescript.parseJsonConfigFileContent(read, typescript.sys, root).options
}

const parsed = new Map<string, typescript.SourceFile | undefined>()

/** What the compiler has against a program in the folder of the pages, at its strictest. */
function complaints(program: string): readonly string[] {
  const file = path.join(docs, 'samples.ts')
  const options = settings()
  const own = typescript.createSourceFile(file, program, typescript.ScriptTarget.Latest)
  const host = typescript.createCompilerHost(options)
  const { getSourceFile, fileExists } = host
  host.fileExists = (name) => name === file || fileExists(name)
  host.getSourceFile = (name, ...others) => {
    if (name === file) return own
    if (!parsed.has(name)) parsed.set(name, getSourceFile(name, ...others))
    return parsed.get(name)
  }
  const compiled = typescript.createProgram([file], options, host)
  return typescript.getPreEmitDiagnostics(compiled, own).map(({ start = 0, messageText }) => {
    const { line } = own.getLineAndCharacterOfPosition(start)
    return `line ${line + 1}: ${typescript.flattenDiagnosticMessageText(messageText, '\n')}`
  })
}

/** Runs a program as if it lay in the folder of the pages. */
async function run(program: string): Promise<void> {
  const folder = mkdtempSync(path.join(tmpdir(), 'coppice-docs-'))
  try {
    const file = path.join(folder, 'samples.ts')
    writeFileSync(file, program.replaceAll(/ from '(\.[^']*)'/g, (_, name: string) =>
      ` from '${pathToFileURL(path.join(docs, name)).href}'`))
    await import(pathToFileURL(file).href)
  } finally {
    rmSync(folder, { recursive: true })
  }
}

describe('the samples of docs/mls.md', () => {
  const program = samplesOf(readFileSync(path.join(docs, 'mls.md'), 'utf8'))

  test('compile', () => { assert.deepEqual(complaints(program), []) })
  test('run', () => run(program))
})

describe('a broken sample', () => {
  const page = (sample: string): string => `# A page\n\n\`\`\`sh\nnot a sample\n\`\`\`\n\n\`\`\`ts\n${sample}\n\`\`\`\n`

  test('does not compile, and says at which line of the page', () => {
    assert.deepEqual(complaints(samplesOf(page("import { receive } from '../main/mls/index.ts'\n\nreceive()"))),
      ['line 10: Expected 3 arguments, but got 0.'])
    assert.deepEqual(complaints(samplesOf(page('export const fine: number = 1'))), [])
  })

  test('does not run to its end', async () => {
    await assert.rejects(run(samplesOf(page("import { fromHex } from '../main/mls/index.ts'\nfromHex('xy')"))),
      /not hexadecimal digits/)
  })
})

/** Functions of groups that have nothing to refuse. */
const neverThrow: ReadonlySet<string> = new Set([
  'hasValidProposal', 'newPskId', 'resumptionPsk', 'withOwnEpochs', 'withGrease', 'isLastResort', 'droppedSecrets',
  'epochAuthenticator', 'forgetPast', 'changedParts', 'encodePending', 'provenSender',
])
const codes = /`(?:misuse|malformed|refused|undecided|unsupported|gone)`/

describe('the door of the engine', () => {
  const door = path.join(root, 'main/mls/index.ts')
  const program = typescript.createProgram([door], settings())
  const checker = program.getTypeChecker()
  const module = checker.getSymbolAtLocation(program.getSourceFile(door) ?? assert.fail())
  const exported = checker.getExportsOfModule(module ?? assert.fail())
    .map((symbol) => symbol.flags & typescript.SymbolFlags.Alias ? checker.getAliasedSymbol(symbol) : symbol)
    .map((symbol) => {
      const [declaration] = symbol.declarations ?? []
      const type = declaration && checker.getTypeOfSymbolAtLocation(symbol, declaration)
      return {
        name: symbol.name,
        text: typescript.displayPartsToString(symbol.getDocumentationComment(checker)),
        isFunction: (type?.getCallSignatures().length ?? 0) > 0,
        file: path.relative(root, declaration?.getSourceFile().fileName ?? root),
      }
    })

  test('says of everything what it is', () => {
    assert.ok(exported.length > 100)
    assert.deepEqual(exported.filter(({ text }) => text === '').map(({ name }) => name), [])
  })

  test('cites the section for every function of the protocol', () => {
    const functions = exported.filter(({ isFunction, file }) =>
      isFunction && /^main\/mls\/(?:group\/(?!storage)|tree|wire|labelled)/.test(file))
    assert.ok(functions.length > 40)
    assert.deepEqual(functions.filter(({ text }) => !/§|Appendix|draft-/.test(text)).map(({ name }) => name), [])
  })

  test('says of every function of groups how it fails', () => {
    const functions = exported.filter(({ isFunction, file }) => isFunction && file.startsWith('main/mls/group/'))
    assert.deepEqual([...neverThrow].filter((name) => !functions.some((each) => each.name === name)), [])
    assert.deepEqual(functions.filter(({ name, text }) => codes.test(text) === neverThrow.has(name))
      .map(({ name }) => name), [])
  })
})
