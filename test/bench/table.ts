/** A table in Markdown, padded so that it can be read as it is. */
export class Table {
  readonly #rows: (readonly string[])[] = []

  constructor(...head: readonly string[]) {
    this.add(...head)
  }

  add(...row: readonly string[]): void {
    this.#rows.push(row)
  }

  toString(): string {
    const [head = [], ...body] = this.#rows
    const widths = head.map((_, at) => Math.max(...this.#rows.map((row) => row[at]?.length ?? 0)))
    const line = (row: readonly string[]): string => {
      const [first = '', ...rest] = row
      const numbers = rest.map((cell, at) => cell.padStart(widths[at + 1] ?? 0))
      return `| ${[first.padEnd(widths[0] ?? 0), ...numbers].join(' | ')} |`
    }
    const rule = widths.map((width, at) => `${'-'.repeat(width + 1)}${at === 0 ? '-' : ':'}`).join('|')
    return [line(head), `|${rule}|`, ...body.map(line)].join('\n')
  }
}
