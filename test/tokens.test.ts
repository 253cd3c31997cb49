import assert from 'node:assert/strict'
import { readFileSync, readdirSync } from 'node:fs'
import path from 'node:path'
import { describe, test } from 'node:test'

const renderer = path.resolve(import.meta.dirname, '..', 'renderer')
const read = (file: string): string => readFileSync(path.join(renderer, file), 'utf8')

type Colour = readonly [red: number, green: number, blue: number, alpha: number]

const colourOf = (written: string): Colour => {
  const hex = /^#([0-9a-f]{2})([0-9a-f]{2})([0-9a-f]{2})$/.exec(written)
  const part = (at: number): number => Number.parseInt(hex?.[at] ?? '', 16)
  if (hex !== null) return [part(1), part(2), part(3), 1]
  const rgb = /^rgb\((\d+) (\d+) (\d+) \/ (\d+)%\)$/.exec(written)
  assert(rgb, `not a colour: ${written}`)
  return [Number(rgb[1]), Number(rgb[2]), Number(rgb[3]), Number(rgb[4]) / 100]
}

/** Every token that is a pair of colours: light, dark. */
const tokens = new Map<string, readonly [Colour, Colour]>()
for (const [, name, light, dark] of read('styles/tokens.css')
  .matchAll(/^ {2}--([a-z0-9-]+): light-dark\((#[0-9a-f]{6}|rgb\([^)]*\)), (#[0-9a-f]{6}|rgb\([^)]*\))\);$/gm)) {
  if (name === undefined || light === undefined || dark === undefined) continue
  tokens.set(name, [colourOf(light), colourOf(dark)])
}

const themes = ['light', 'dark'] as const

const colour = (name: string, theme: 0 | 1): Colour => {
  const pair = tokens.get(name)
  assert(pair, `no token --${name}`)
  return pair[theme]
}

/** What is seen where `top` lies over an opaque colour. */
const over = (top: Colour, below: Colour): Colour => {
  const mixed = (at: 0 | 1 | 2): number => top[at] * top[3] + below[at] * (1 - top[3])
  return [mixed(0), mixed(1), mixed(2), 1]
}

/** WCAG 2.2, relative luminance and contrast ratio. */
const luminance = (of: Colour): number => {
  const linear = (at: 0 | 1 | 2): number => {
    const share = of[at] / 255
    return share <= 0.04045 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4
  }
  return 0.2126 * linear(0) + 0.7152 * linear(1) + 0.0722 * linear(2)
}
const contrast = (one: Colour, other: Colour): number => {
  const [dim = 0, bright = 0] = [luminance(one), luminance(other)].sort((a, b) => a - b)
  return (bright + 0.05) / (dim + 0.05)
}

/** Text tokens, and every ground that each of them stands on; "a+hover" is a with the pointer on it. */
const readable: Readonly<Record<string, readonly string[]>> = {
  'ink-1': ['paper', 'sunken', 'surface', 'leaf-soft', 'own', 'other', 'sunken+hover', 'surface+hover'],
  'ink-2': ['paper', 'sunken', 'surface', 'leaf-soft', 'own', 'other', 'sunken+hover', 'surface+hover'],
  'leaf': ['paper', 'sunken', 'surface', 'leaf-soft', 'sunken+hover'],
  'on-leaf': ['leaf'],
  'bark': ['other'],
  'warn': ['warn-soft', 'sunken', 'sunken+hover'],
  'alarm': ['paper', 'surface', 'other'],
  // Filled buttons for what cannot be undone, and notices in reverse.
  'surface': ['alarm'],
  'paper': ['ink-1'],
}

/** Shapes that mean something without a word beside them need 3 to 1 (WCAG 2.2, 1.4.11). */
const shapes: Readonly<Record<string, readonly string[]>> = {
  'leaf': ['paper', 'sunken', 'surface'],
  'ink-3': ['paper', 'surface'],
}

const styles = readdirSync(renderer, { recursive: true, encoding: 'utf8' })
  .filter((file) => file.endsWith('.svelte') || file.endsWith('.css')).filter((file) => !file.endsWith('tokens.css'))
  .map((file) => {
    const text = read(file)
    return { file, css: file.endsWith('.css') ? text : /<style>(.*)<\/style>/s.exec(text)?.[1] ?? '' }
  })

describe('the tokens', () => {
  test('are the table of the look, in both themes', () => {
    const hex = ([red, green, blue]: Colour): string =>
      `#${[red, green, blue].map((part) => part.toString(16).padStart(2, '0')).join('')}`
    const names = ['paper', 'sunken', 'surface', 'line', 'ink-1', 'ink-2', 'ink-3', 'leaf', 'on-leaf', 'leaf-soft',
      'own', 'other', 'bark', 'warn', 'warn-soft', 'alarm']
    const table = names.map((name) => [hex(colour(name, 0)), hex(colour(name, 1))].join(' '))
    assert.deepEqual(table, [
      '#f6f5f0 #0e1411', '#eeede6 #111814', '#ffffff #151d19', '#dedcd2 #26312b', '#1d241f #e6ece8', '#57605a #a5b0a9',
      '#858d87 #74807a', '#1a6b43 #58c48c', '#ffffff #062014', '#dcefe3 #173526', '#d3ecdd #1b4630', '#ffffff #1c2620',
      '#8a5a2b #d0a36d', '#8f5200 #e6b566', '#fbeed6 #3a2c10', '#b3261e #ff8a80',
    ])
  })

  for (const [kind, pairs, least] of [['text', readable, 4.5], ['shape', shapes, 3]] as const) {
    for (const [ink, grounds] of Object.entries(pairs)) {
      test(`--${ink} as ${kind} can be seen on ${grounds.join(', ')}`, () => {
        for (const ground of grounds) {
          for (const theme of [0, 1] as const) {
            const [base = '', hovered] = ground.split('+')
            const bare = colour(base, theme)
            const below = hovered === undefined ? bare : over(colour(hovered, theme), bare)
            const ratio = contrast(colour(ink, theme), below)
            const told = `${themes[theme]}: --${ink} on ${ground} has ${ratio.toFixed(2)}, needs ${String(least)}`
            assert(ratio >= least, told)
          }
        }
      })
    }
  }

  test('have no text colour beside those whose contrast is checked', () => {
    for (const { file, css } of styles) {
      for (const [, written = ''] of css.matchAll(/(?<![-\w])color: ([^;}]+)/g)) {
        const name = /^var\(--([a-z0-9-]+)\)$/.exec(written.trim())?.[1]
        const known = written.trim() === 'inherit' || (name !== undefined && name in readable)
        // A button that cannot be pressed is exempt (WCAG 2.2, 1.4.3).
        const disabled = css.includes(`:disabled { background: var(--sunken); color: ${written.trim()}`)
        assert(known || disabled, `${file}: color ${written}`)
      }
    }
  })

  test('are the only place where colours are written', () => {
    const own = ['Rings.svelte', 'QrCode.svelte']
    for (const { file, css } of styles) {
      if (own.some((name) => file.endsWith(name))) continue
      assert.doesNotMatch(css, /#[0-9a-f]{3,8}\b|rgb\(|hsl\(|light-dark\(/, file)
    }
  })
})
