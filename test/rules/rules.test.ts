import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import typescript from 'typescript'
import { rules } from '../../main/mls/index.ts'
import { refusals, refusing } from './refusals.ts'

// Every module of this folder plays violations. Only when all have run can it be said that none is missing, so that
// they run in one process, and what is demanded of all together stands at the end.

const root = path.resolve(import.meta.dirname, '../..')
for (const file of readdirSync(import.meta.dirname).sort()) {
  if (!file.endsWith('.test.ts')) await import(`./${file}`)
}

test('every rule was seen to refuse', () => {
  const seen = new Set<string>(refusals.map(({ rule }) => rule))
  assert.deepEqual(Object.keys(rules).filter((rule) => !seen.has(rule)), [])
})

test('every line of the engine that refuses by a rule was seen to do so', () => {
  const seen = new Set(refusals.map(({ site }) => site))
  assert.deepEqual(sitesOfEngine().filter((site) => !seen.has(site)), [])
})

/** Every call that may refuse by a rule: of the functions in `refusing`, and of an MlsError that names one. */
function sitesOfEngine(): readonly string[] {
  const folder = path.join(root, 'main/mls')
  return readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts'))
    .sort().flatMap((file) => sitesOf(path.join(folder, file)))
}

function sitesOf(file: string): readonly string[] {
  const source = typescript.createSourceFile(file, readFileSync(file, 'utf8'), typescript.ScriptTarget.Latest)
  const sites: string[] = []
  const visit = (node: typescript.Node): void => {
    if (isRefusing(node)) return
    if (isRefusal(node)) {
      const { line } = source.getLineAndCharacterOfPosition(node.getStart(source))
      sites.push(`${path.relative(root, file)}:${line + 1}`)
    }
    typescript.forEachChild(node, visit)
  }
  visit(source)
  return sites
}

/** The definition of a function through which the engine refuses. */
const isRefusing = (node: typescript.Node): boolean =>
  (typescript.isFunctionDeclaration(node) || typescript.isVariableDeclaration(node))
  && node.name !== undefined && typescript.isIdentifier(node.name) && refusing.has(node.name.text)

function isRefusal(node: typescript.Node): boolean {
  if (typescript.isCallExpression(node)) {
    return typescript.isIdentifier(node.expression) && refusing.has(node.expression.text)
  }
  return typescript.isNewExpression(node) && typescript.isIdentifier(node.expression)
    && node.expression.text === 'MlsError' && node.arguments?.length === 3
}
