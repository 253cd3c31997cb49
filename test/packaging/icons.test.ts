import assert from 'node:assert/strict'
import { readFileSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { before, describe, test } from 'node:test'
import { assets, drawIcons, picturesIn } from './icons.ts'
import type { Picture } from './icons.ts'

/** How far two pictures are from each other: 0 to 255 on average. Browser engines smooth edges a little differently. */
function distance(a: Picture, b: Picture): number {
  assert.equal(a.size, b.size)
  let sum = 0
  for (let at = 0; at < a.pixels.length; at++) sum += Math.abs((a.pixels[at] ?? 0) - (b.pixels[at] ?? 0))
  return sum / a.pixels.length
}

describe('the icons', () => {
  let drawn: ReadonlyMap<string, Uint8Array> = new Map()
  before(async () => { drawn = await drawIcons() })

  test('are those that assets/icon.svg gives, in every size and container', () => {
    for (const [file, bytes] of drawn) {
      const committed = picturesIn(file, readFileSync(path.join(assets, file)))
      const fresh = picturesIn(file, bytes)
      assert.deepEqual(committed.map(({ size }) => size), fresh.map(({ size }) => size), `npm run icons: ${file}`)
      for (const [at, picture] of fresh.entries()) {
        assert.ok(distance(picture, committed[at] as Picture) < 1, `npm run icons: ${file}, ${picture.size} pixels`)
      }
    }
  })

  test('are all there, and no others', () => {
    const there = readdirSync(assets, { recursive: true, withFileTypes: true }).filter((entry) => entry.isFile())
      .map((entry) => path.relative(assets, path.join(entry.parentPath, entry.name)).split(path.sep).join('/'))
      .filter((file) => /\.(?:png|ico|icns)$/.test(file))
    assert.deepEqual(there.sort(), [...drawn.keys()].sort())
  })

  test('show something: opaque in the middle, clear at the corners, and another drawing is noticed', () => {
    const [large] = picturesIn('x.png', drawn.get('icons/512x512.png') ?? new Uint8Array())
    assert.ok(large !== undefined)
    assert.equal(large.pixels[3], 0)
    assert.equal(large.pixels[(256 * 512 + 256) * 4 + 3], 255)
    const mirrored = Uint8Array.from(large.pixels).reverse()
    assert.ok(distance(large, { size: 512, pixels: mirrored }) > 10)
  })
})
