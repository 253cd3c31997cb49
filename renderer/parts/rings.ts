/**
 * Growth rings: the picture of an account or a group, made from its id alone, so that it is the same on all devices
 * and cannot be chosen. Four or five broken concentric rings round a pith in a field of 100 by 100.
 */

export type Rings = {
  /** Of the disc behind the rings; degrees, 90 (leaf green) to 200 (water). */
  readonly hue: number
  readonly pith: { readonly hue: number, readonly radius: number }
  readonly arcs: readonly { readonly path: string, readonly width: number, readonly hue: number }[]
}

/** Numbers from 0 up to 1, drawn from all of `id` (sfc32, seeded by four running hashes over its characters). */
const draws = (id: string): (() => number) => {
  const seed = [0x9e3779b9, 0x243f6a88, 0xb7e15162, 0x85a308d3] as [number, number, number, number]
  for (let at = 0; at < id.length; at++) {
    const lane = (at & 3) as 0 | 1 | 2 | 3
    seed[lane] = Math.imul(seed[lane] ^ id.charCodeAt(at), 0x01000193) ^ (seed[lane] >>> 15)
  }
  let [a, b, c, counter] = seed
  const draw = (): number => {
    const mixed = (a + b + counter) | 0
    counter = (counter + 1) | 0
    a = b ^ (b >>> 9)
    b = (c + (c << 3)) | 0
    c = (c << 21) | (c >>> 11)
    c = (c + mixed) | 0
    return (mixed >>> 0) / 2 ** 32
  }
  for (let round = 0; round < 16; round++) draw()
  return draw
}

const round = (value: number): string => value.toFixed(1)

const arc = (radius: number, fromTurn: number, turns: number): string => {
  const point = (turn: number): string =>
    `${round(50 + radius * Math.cos(turn * 2 * Math.PI))} ${round(50 + radius * Math.sin(turn * 2 * Math.PI))}`
  const large = turns > 0.5 ? 1 : 0
  return `M${point(fromTurn)}A${round(radius)} ${round(radius)} 0 ${large} 1 ${point(fromTurn + turns)}`
}

/** The rings of `id`; the same id gives the same rings, always. */
export const ringsOf = (id: string): Rings => {
  const draw = draws(id)
  const hue = Math.round(90 + draw() * 110)
  const second = Math.round(Math.min(200, Math.max(90, hue + (draw() < 0.5 ? -1 : 1) * (22 + draw() * 24))))
  const many = draw() < 0.55 ? 5 : 4
  const width = many === 5 ? 4.6 : 5.2
  const step = (42 - 12) / (many - 1)
  const arcs: { path: string, width: number, hue: number }[] = []
  for (let ring = 0; ring < many; ring++) {
    const radius = 42 - ring * step + (draw() - 0.5) * 2
    const start = draw()
    const arcHue = draw() < 0.66 ? hue : second
    // Round line ends eat into a gap, so inner gaps are wider.
    const ends = width / radius / 6
    const gap = ends + 0.1 + draw() * 0.42
    const bound = 1 - gap
    const broken = draw() < 0.3
    const split = bound * (0.25 + draw() * 0.35)
    if (!broken) arcs.push({ path: arc(radius, start, bound), width, hue: arcHue })
    else {
      const rest = bound - split - ends - 0.07
      arcs.push({ path: arc(radius, start, split), width, hue: arcHue })
      arcs.push({ path: arc(radius, start + split + ends + 0.07, rest), width, hue: arcHue })
    }
  }
  return { hue, pith: { hue: draw() < 0.5 ? hue : second, radius: 4.8 }, arcs }
}
