/** The search index: the words of messages in sealed blocks (schema/0002.sql), kept in step with the entries. */
import type Database from 'better-sqlite3'
import type { StoredEntry, Wanted } from '../ports.ts'
import { searchedIn, wordsOf } from '../words.ts'
import { unseal } from './seal.ts'
import type { Seal, Sealed } from './seal.ts'

/** A block of so many bytes gets no more lines: what a message writes is bounded, and a search reads few rows. */
const blockBytes = 4096

/** Where an entry stands. */
export type Place = { readonly conversation: string, readonly position: number }
type BlockRow = { readonly key: Uint8Array, readonly sealed: Uint8Array }

/** One line for each message: its position, its time, and each word after a space. Words hold none of these signs. */
type Line = { readonly at: number, readonly words: string }
type Block = {
  readonly conversation: string
  readonly first: number
  /** Where the next block begins. */
  readonly end: number
  readonly lines: Map<number, Line>
  last: number
  size: number
  isChanged: boolean
}

const encoder = new TextEncoder()
const decoder = new TextDecoder()

const lineOf = (position: number, { at, words }: Line): string => `${position}\t${at}\t${words}\n`

function linesIn(row: BlockRow): Map<number, Line> {
  const lines = decoder.decode(unseal(row)).split('\n').slice(0, -1)
  return new Map(lines.map((line) => {
    const [position, at, words = ''] = line.split('\t')
    return [Number(position), { at: Number(at), words }]
  }))
}

const wordsIn = (entry: StoredEntry): string =>
  entry.kind === 'message' ? wordsOf(searchedIn(entry)).map((word) => ` ${word}`).join('') : ''

/** What one transaction changes: entries next to each other write their block once. `flush` comes at its end. */
export type Index = {
  readonly put: (entry: StoredEntry) => void
  readonly remove: (place: Place) => void
  readonly flush: () => void
}

/** Gives the function that begins with each transaction. */
export function prepareIndex(database: Database.Database, seal: Seal): () => Index {
  const { read, write } = prepareBlocks(database, seal)
  return () => {
    let open: Block | undefined
    const flush = (): void => {
      if (open?.isChanged === true) write(open)
      open = undefined
    }
    const enter = ({ conversation, position }: Place): Block => {
      if (open?.conversation === conversation && open.first <= position && position < open.end) return open
      flush()
      open = read({ conversation, position })
      return open
    }
    const remove = (place: Place): void => {
      const block = enter(place)
      if (block.lines.delete(place.position)) block.isChanged = true
    }
    return {
      put: (entry) => {
        const place = { conversation: entry.conversation, position: entry.order }
        const line = { at: entry.at, words: wordsIn(entry) }
        if (line.words === '') {
          remove(place)
          return
        }
        let block = enter(place)
        const before = block.lines.get(place.position)
        if (before?.words === line.words && before.at === line.at) return
        if (block.size >= blockBytes && place.position > block.last) {
          flush()
          block = open = emptyBlock(place, block.end)
        }
        block.lines.set(place.position, line)
        block.last = Math.max(block.last, place.position)
        block.size += line.words.length
        block.isChanged = true
      },
      remove,
      flush,
    }
  }
}

const emptyBlock = ({ conversation, position }: Place, end: number): Block =>
  ({ conversation, first: position, end, lines: new Map(), last: 0, size: 0, isChanged: false })

function prepareBlocks(database: Database.Database, seal: Seal) {
  const find = database.prepare<[string, number], BlockRow & { readonly first: number }>(
    `SELECT first, keys.key, sealed FROM words JOIN keys ON number = key_number
     WHERE conversation = ? AND first <= ? ORDER BY first DESC LIMIT 1`)
  const next = database.prepare<[string, number], number | null>(
    'SELECT min(first) FROM words WHERE conversation = ? AND first > ?').pluck()
  const put = database.prepare<Pick<Block, 'conversation' | 'first'> & { readonly at: number } & Sealed>(
    `INSERT INTO words (conversation, first, at, key_number, sealed)
     VALUES (@conversation, @first, @at, @keyNumber, @sealed)
     ON CONFLICT (conversation, first) DO UPDATE
     SET at = excluded.at, key_number = excluded.key_number, sealed = excluded.sealed`)
  const drop = database.prepare<[string, number]>('DELETE FROM words WHERE conversation = ? AND first = ?')
  return {
    /** The block that a position belongs to: a new one where none begins before it. */
    read: (place: Place): Block => {
      const { conversation, position } = place
      const row = find.get(conversation, position)
      const end = next.get(conversation, position) ?? Infinity
      if (row === undefined) return emptyBlock(place, end)
      const lines = linesIn(row)
      return {
        conversation, first: row.first, end, lines, last: Math.max(...lines.keys()), size: row.sealed.length,
        isChanged: false,
      }
    },
    write: ({ conversation, first, lines }: Block): void => {
      if (lines.size === 0) {
        drop.run(conversation, first)
        return
      }
      const text = Array.from(lines, ([position, line]) => lineOf(position, line)).join('')
      const at = Math.max(...Array.from(lines.values(), (line) => line.at))
      put.run({ conversation, first, at, ...seal(encoder.encode(text)) })
    },
  }
}

/** Gives the function that finds where the newest messages stand. */
export function prepareSearch(database: Database.Database): (wanted: Wanted) => readonly Place[] {
  const blocks = database.prepare<[], BlockRow & { readonly conversation: string, readonly at: number }>(
    'SELECT conversation, at, keys.key, sealed FROM words JOIN keys ON number = key_number ORDER BY at DESC')
  return ({ text, limit, except }) => {
    // The longest is the rarest.
    const words = wordsOf(text).map((word) => ` ${word}`).sort((a, b) => b.length - a.length)
    let found: (Place & { readonly at: number })[] = []
    if (words.length === 0) return found
    for (const row of blocks.iterate()) {
      const last = found[limit - 1]
      // What is left is older than all that was found.
      if (last !== undefined && row.at < last.at) break
      const { conversation } = row
      if (except?.has(conversation) === true) continue
      const lines = matchesIn(decoder.decode(unseal(row)), words)
      if (lines.length === 0) continue
      found.push(...lines.map((line) => ({ conversation, ...line })))
      found = found.sort((a, b) => b.at - a.at || b.position - a.position).slice(0, limit)
    }
    return found
  }
}

/** The lines of a block that have all of it. */
function matchesIn(block: string, words: readonly string[]): readonly { position: number, at: number }[] {
  const [rarest = '', ...rest] = words
  const found: { position: number, at: number }[] = []
  let at = block.indexOf(rarest)
  while (at >= 0) {
    const line = block.slice(block.lastIndexOf('\n', at) + 1, block.indexOf('\n', at))
    if (rest.every((each) => line.includes(each))) {
      const [position, time] = line.split('\t')
      found.push({ position: Number(position), at: Number(time) })
    }
    at = block.indexOf(rarest, block.indexOf('\n', at))
  }
  return found
}
