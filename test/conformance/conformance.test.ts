import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { describe, test } from 'node:test'
import typescript from 'typescript'
import { families } from '../vectors/families.ts'
import { features } from './features.ts'
import { suiteIds } from './outcomes.ts'
import { featureTable } from './page.ts'

// docs/conformance.md is made by running tests. Here is seen that it does not speak of what is gone: whoever changes a
// title that it names makes it anew by `npm run conformance`.

const root = path.resolve(import.meta.dirname, '../..')

/** The titles of tests in a file, with … for what a template puts in. */
function titlesIn(file: string): ReadonlySet<string> {
  const text = readFileSync(path.join(root, file), 'utf8')
  const source = typescript.createSourceFile(file, text, typescript.ScriptTarget.Latest)
  const titles = new Set<string>()
  const visit = (node: typescript.Node): void => {
    if (typescript.isCallExpression(node) && typescript.isIdentifier(node.expression)
      && ['test', 'describe'].includes(node.expression.text)) {
      const [title] = node.arguments
      if (title !== undefined) titles.add(textOf(title))
    }
    typescript.forEachChild(node, visit)
  }
  visit(source)
  return titles
}

function textOf(title: typescript.Expression): string {
  if (typescript.isStringLiteralLike(title)) return title.text
  if (!typescript.isTemplateExpression(title)) return ''
  return title.head.text + title.templateSpans.map(({ literal }) => `…${literal.text}`).join('')
}

describe('docs/conformance.md', () => {
  const page = readFileSync(path.join(root, 'docs/conformance.md'), 'utf8')

  test('names tests that exist', () => {
    const gone = features.flatMap(({ tests }) => tests).filter(({ file, title }) => !titlesIn(file).has(title))
    assert.deepEqual(gone, [])
  })

  test('has every feature of the table, and no other', () => {
    const [before, after] = ['## Features', '## Official vectors'].map((heading) => page.indexOf(heading))
    const rows = page.slice(before, after).split('\n').filter((line) => line.startsWith('|'))
    // Section, feature and tests stand still; what lies between was seen by running.
    const still = (line: string): readonly string[] => {
      const cells = line.split(' | ')
      return [...cells.slice(0, 2), ...cells.slice(2 + suiteIds.length + 1)]
    }
    assert.deepEqual(rows.map(still), featureTable([]).split('\n').map(still))
  })

  test('has something seen in every row', () => {
    const rows = page.split('\n').filter((line) => line.startsWith('|'))
    assert.ok(rows.length > 80)
    assert.deepEqual(rows.filter((line) => !/\| (?:n|p|n p|✓|\d+|\d+ \/ \d+|---) \|/.test(line)), [])
  })

  test('counts the cases of every family of vectors', () => {
    for (const { prefix } of families) assert.ok(page.includes(`\n| ${prefix} | `), prefix)
  })
})
