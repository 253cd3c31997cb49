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

/** What the compiler has against a program in the folder of the pages, at its strictest. */
function complaints(program: string): readonly string[] {
  const file = path.join(docs, 'samples.ts')
  const settings = path.join(root, 'tsconfig.json')
  const read: unknown = typescript.readConfigFile(settings, typescript.sys.readFile).config
  const { options } = typescript.parseJsonConfigFileContent(read, typescript.sys, root)
  const host = typescript.createCompilerHost(options)
  const { getSourceFile, fileExists } = host
  host.fileExists = (name) => name === file || fileExists(name)
  host.getSourceFile = (name, languageVersion, ...others) => name === file
    ? typescript.createSourceFile(name, program, languageVersion)
    : getSourceFile(name, languageVersion, ...others)
  const compiled = typescript.createProgram([file], options, host)
  return typescript.getPreEmitDiagnostics(compiled, compiled.getSourceFile(file)).map(({ start = 0, messageText }) => {
    const { line } = typescript.getLineAndCharacterOfPosition(typescript.createSourceFile(file, program, options.target ?? 99), start)
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
