import assert from 'node:assert/strict'
import { readdirSync } from 'node:fs'
import path from 'node:path'
import { describe, test } from 'node:test'
import { families } from './families.ts'
import { familyOf, implementations, runFile, vectorsFolder, type Implementation } from './run.ts'

/**
 * The official vectors on one implementation, every case of them. Each implementation has a test file of its own, so
 * that both run at the same time: the curves of the portable one are slow.
 */
export function testOfficialVectors(name: Implementation['name']): void {
  const folder = vectorsFolder()
  if (folder === undefined) {
    const reason = 'THE OFFICIAL VECTORS WERE SKIPPED: set MLS_VECTORS to the folder of the *.json files'
    console.warn(reason)
    test('the official MLS test vectors', { skip: reason })
    return
  }
  const implementation = implementations.find((each) => each.name === name)
  assert.ok(implementation !== undefined)
  const files = readdirSync(folder).filter((file) => file.endsWith('.json'))
  describe(`the ${name} implementation agrees with the official vectors`, () => {
    for (const family of families) {
      test(`of ${family.prefix}`, () => {
        const own = files.filter((file) => familyOf(file) === family)
        assert.notEqual(own.length, 0, `no file of ${family.prefix} in ${folder}`)
        for (const file of own) {
          const { passed, failures, skipped } = runFile(path.join(folder, file), implementation)
          assert.deepEqual(failures, [], file)
          assert.notEqual(passed, 0, `no case of ${file} ran`)
          assert.equal(skipped, 0, `cases of ${file} were skipped`)
        }
      })
    }
  })
}
