import type { Suite } from '../mls/index.ts'
import type { BackupAttachment, BackupEntry } from '../chat/backup.ts'
import type { Fact } from '../../preload/api.ts'
import { base64 } from './base64.ts'

/**
 * A plain export as one page for any browser: nothing in it runs, and nothing is fetched. All that somebody wrote is text
 * of it and never markup; should that fail, its policy still allows neither scripts nor the network.
 */

export type Bytes = AsyncIterable<Uint8Array> | Iterable<Uint8Array>
export type PageChat = { readonly id: string, readonly title: string }

const style = `
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif }
body { max-width: 46rem; margin: 0 auto; padding: 1rem; overflow-wrap: anywhere }
h2 { margin: 3rem 0 1rem; border-bottom: 1px solid #8888 }
ol { list-style: none; padding: 0; margin: 0 }
li { margin: .75rem 0 }
li p { margin: .1rem 0; white-space: pre-wrap }
li.own { border-inline-start: 3px solid #4a7c59; padding-inline-start: .75rem }
li.note { text-align: center }
li.note, time, footer { font-size: .85rem; opacity: .75 }
time { margin-inline-start: .5rem }
img { display: block; max-width: 100%; max-height: 30rem; margin: .3rem 0 }
`

const text = new TextEncoder()
const bytesOf = (markup: string): Uint8Array => text.encode(markup)

/** Nothing of it can begin or end markup, in text and in attributes. */
export const escaped = (value: string): string => value.replace(/[&<>"'`]/g, (sign) => `&#${String(sign.charCodeAt(0))};`)
/** A name's own direction of writing ends with it. */
const named = (name: string): string => `<bdi>${escaped(name)}</bdi>`

const timeOf = (at: number): string => {
  // What no calendar knows is told as it is.
  if (at > 8.64e15) return String(at)
  const iso = new Date(at).toISOString()
  return `<time datetime="${iso}">${iso.slice(0, 16).replace('T', ' ')} UTC</time>`
}

export async function pageStart(
  suite: Suite, { title, chats, madeAt }: { readonly title: string, readonly chats: readonly PageChat[], readonly madeAt: number },
): Promise<Uint8Array> {
  const hash: Uint8Array[] = []
  for await (const digits of base64([suite.hash(bytesOf(style))])) hash.push(digits)
  const policy = `default-src 'none'; style-src 'sha256-${hash.map((digits) => new TextDecoder().decode(digits)).join('')}'; img-src data:; base-uri 'none'; form-action 'none'`
  const list = chats.length < 2 ? ''
    : `<nav><ul>${chats.map(({ id, title: name }) => `<li><a href="#c${escaped(id)}">${named(name)}</a></li>`).join('')}</ul></nav>`
  return bytesOf(`<!doctype html>
<html lang="en"><head><meta charset="utf-8"><meta http-equiv="Content-Security-Policy" content="${policy}">
<meta name="viewport" content="width=device-width"><meta name="referrer" content="no-referrer">
<title>${escaped(title)}</title><style>${style}</style></head>
<body><h1>${named(title)}</h1><p>${timeOf(madeAt)}</p>${list}
`)
}

export const pageEnd = (): Uint8Array => bytesOf('<footer>Exported from Coppice. Anybody who has this file can read it.</footer></body></html>\n')

export const chatStart = ({ id, title }: PageChat): Uint8Array =>
  bytesOf(`<section id="c${escaped(id)}"><h2>${named(title)}</h2><ol>\n`)
export const chatEnd = (): Uint8Array => bytesOf('</ol></section>\n')

export async function* entryItem(entry: BackupEntry, known: {
  readonly nameOf: (accountId: string) => string
  readonly attachment: (hash: string) => { readonly bytes: Bytes } | undefined
}): AsyncGenerator<Uint8Array> {
  const { nameOf } = known
  switch (entry.kind) {
    case 'gap': yield note(entry.at, `${entry.count === 0 ? 'Some' : String(entry.count)} messages are missing here.`); return
    case 'fact': yield note(entry.at, factWords(entry.fact, (accountId) => named(nameOf(accountId)))); return
    case 'message': {
      const words = entry.text === '' ? '' : `<p dir="auto">${escaped(entry.text)}</p>`
      yield bytesOf(`<li${entry.own ? ' class="own"' : ''}><b>${named(nameOf(entry.from))}</b>${timeOf(entry.at)}${words}`)
      for (const one of entry.attachments ?? []) yield* attachmentItem(one, known.attachment(one.hash))
      yield bytesOf('</li>\n')
    }
  }
}

const note = (at: number, markup: string): Uint8Array => bytesOf(`<li class="note">${markup}${timeOf(at)}</li>\n`)

/** What a page may show; everything else is kept to be saved. */
const pictures: ReadonlySet<string> = new Set(['image/png', 'image/jpeg', 'image/gif', 'image/webp'])

async function* attachmentItem(
  { name, mediaType }: BackupAttachment, found: { readonly bytes: Bytes } | undefined,
): AsyncGenerator<Uint8Array> {
  if (found === undefined) {
    yield bytesOf(`<p>${named(name)} (not on this computer)</p>`)
    return
  }
  const isPicture = pictures.has(mediaType)
  yield bytesOf(isPicture ? `<img alt="${escaped(name)}" src="data:${mediaType};base64,`
    : `<p><a download="${escaped(name)}" href="data:application/octet-stream;base64,`)
  yield* base64(found.bytes)
  yield bytesOf(isPicture ? '">' : `">${named(name)}</a></p>`)
}

/** In markup; names come as such. */
function factWords(fact: Fact, name: (accountId: string) => string): string {
  const all = (accountIds: readonly string[]): string => accountIds.map(name).join(', ')
  switch (fact.fact) {
    case 'created': return `${name(fact.by)} began this chat.`
    case 'joined': return `${name(fact.by)} let this person in.`
    case 'added': return `${name(fact.by)} added ${all(fact.who)}.`
    case 'removed': return `${name(fact.by)} removed ${all(fact.who)}.`
    case 'left': return `${name(fact.who)} left.`
    case 'renamed': return `${name(fact.by)} called this group ${named(fact.name)}.`
    case 'accepted': return `${name(fact.who)} accepted.`
    case 'returned': return `${name(fact.by)} let a device of ${name(fact.who)} back in.`
    case 'dropped': return `${name(fact.by)} took out a silent device of ${name(fact.who)}.`
    case 'moved': return `${name(fact.by)} took this group to a new place.`
    case 'continued': return `${name(fact.by)} went on with this group.`
    case 'linked': return `${name(fact.who)} linked ${named(fact.device)}.`
    case 'revoked': return `${named(fact.device)} of ${name(fact.who)} was taken back.`
    case 'closed': return `${name(fact.who)} closed their account.`
    case 'deleted': return `${name(fact.who)} deleted a message.`
    case 'timer': return fact.seconds === 0 ? `${name(fact.by)} turned off disappearing messages.`
      : `${name(fact.by)} turned on disappearing messages.`
    case 'changed': return `Something about ${name(fact.who)} changed.`
  }
}
