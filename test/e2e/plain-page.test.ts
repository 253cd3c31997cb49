/** A plain export as a browser shows it: hostile names and texts stay text, nothing runs, nothing is fetched. */
import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import path from 'node:path'
import { test } from 'node:test'
import { pathToFileURL } from 'node:url'
import { chromium } from 'playwright-core'
import { pngOf, sendFiles } from '../scenario/attach.ts'
import { directBetween, groupOf, hears, village } from '../scenario/household.ts'
import { Refused } from '../scenario/world.ts'
import { findBrowser } from '../standin/browser.ts'

const run = 'window.hurt=1;document.title=1'
const hostile = [
  `<script>${run}</script>`, `</p></li></ol><img src=x onerror="${run}">`, `"><svg onload=${run}>`, `' onmouseover='${run}`,
  `<style>body{display:none}</style>`, `<meta http-equiv="refresh" content="0;url=http://127.0.0.1:9/">`,
  `<iframe srcdoc="<script>parent.hurt=1</script>"></iframe>`, `<base href="http://127.0.0.1:9/"><form action=x>`,
  '<!--', ']]>', '&lt;b&gt; &amp;', '\u202Egnp.exe', '${run}{{run}}<%= run %>', `javascript:${run}`, 'line\nbreak\ttab',
]
const wicked = `<b onclick=${run}>"'&`

test('a page of hostile names, texts and files shows them as they are, and does nothing', async (t) => {
  const { all: [mara, jonas, kim] } = await village(t, ['Mara', 'Jonas', 'Kim'])
  const direct = await directBetween(mara, jonas)
  const group = await groupOf(mara, jonas, kim)
  await mara.say(group, 'not for this one')
  await jonas.call('profile.rename', { name: wicked })
  await mara.call('conversation.rename', { conversation: group, name: `</title>${wicked}` })
  for (const text of hostile) await jonas.say(direct, text)
  await hears(mara, direct, hostile.at(-1) ?? '')
  const picture = pngOf({ width: 4, height: 3 })
  await sendFiles(mara, direct, 'files', { name: `"><script>${run}</script>.png`, mediaType: 'image/png', bytes: picture })
  await sendFiles(mara, direct, 'a drawing', {
    name: 'x.svg', mediaType: 'image/svg+xml', bytes: Buffer.from(`<svg xmlns="http://www.w3.org/2000/svg"><script>${run}</script></svg>`),
  })
  await sendFiles(mara, direct, 'a page', { name: 'x.html', mediaType: 'text/html', bytes: Buffer.from(`<script>${run}</script>`) })
  const file = path.join(mara.folder, 'page.html')
  mara.places.chosen = file
  const made = await mara.call('backup.plain', { conversation: '', format: 'html' })
  assert.equal(readFileSync(file).length, made?.bytes)

  const found = await findBrowser()
  const browser = await chromium.launch({
    executablePath: found.executable, headless: true, env: { ...process.env, ...found.environment },
    args: ['--no-sandbox', '--disable-gpu', '--disable-background-networking', '--disable-component-update', '--no-first-run'],
  })
  t.after(() => browser.close())
  const page = await browser.newPage()
  const asked: string[] = []
  const thrown: string[] = []
  page.on('request', (request) => { if (!/^(?:file|data):/.test(request.url())) asked.push(request.url()) })
  page.on('dialog', (dialog) => { thrown.push(dialog.message()); void dialog.dismiss() })
  await page.goto(pathToFileURL(file).href)
  const shown = await page.evaluate(() => ({
    hurt: 'hurt' in window, title: document.title, texts: [...document.querySelectorAll('li p[dir]')].map((one) => one.textContent),
    tags: [...new Set([...document.querySelectorAll('*')].map((one) => one.localName))].sort(),
    handlers: [...document.querySelectorAll('*')].flatMap((one) => one.getAttributeNames()).filter((name) => name.startsWith('on')),
    pictures: [...document.querySelectorAll('img')].map((one) => [one.alt, one.naturalWidth, one.naturalHeight]),
    links: [...document.querySelectorAll('a')].map((one) => [one.download, one.href.slice(0, 37)]),
    display: getComputedStyle(document.body).maxWidth,
  }))
  assert.equal(shown.hurt, false)
  assert.equal(shown.title, 'Mara')
  for (const text of hostile) assert.ok(shown.texts.includes(text), text)
  assert.deepEqual(shown.tags, ['a', 'b', 'bdi', 'body', 'footer', 'h1', 'h2', 'head', 'html', 'img', 'li', 'meta', 'nav', 'ol',
    'p', 'section', 'style', 'time', 'title', 'ul'])
  assert.deepEqual(shown.handlers, [])
  assert.deepEqual(shown.pictures.map(([, ...size]) => size), [[4, 3]])
  assert.ok(shown.links.filter(([download]) => download !== '').every(([, href]) => href === 'data:application/octet-stream;base64,'))
  assert.equal(shown.links.filter(([download]) => download !== '').length, 2)
  // Its own style is the one that its policy lets pass: 46rem.
  assert.equal(shown.display, '736px')
  assert.deepEqual([asked, thrown], [[], []])
  assert.ok((await page.getByRole('heading', { level: 2 }).allTextContents()).includes(`</title>${wicked}`))
  if (process.env['COPPICE_PICTURES'] !== undefined) {
    await page.screenshot({ path: path.join(process.env['COPPICE_PICTURES'], 'plain-page.png') })
  }

  const one = path.join(mara.folder, 'one.jsonl')
  mara.places.chosen = one
  await mara.call('backup.plain', { conversation: direct, format: 'jsonl' })
  const lines = readFileSync(one, 'utf8').trimEnd().split('\n').map((line) => JSON.parse(line) as Record<string, unknown>)
  assert.deepEqual(lines.flatMap(({ type, text }) => type === 'entry' && hostile.includes(String(text)) ? [text] : []), hostile)
  assert.deepEqual([...new Set(lines.map(({ type }) => type))], ['account', 'contact', 'conversation', 'entry'])
  assert.equal(lines.filter(({ type }) => type === 'conversation').length, 1)
  // Of one chat nothing of another, nor who is in it.
  assert.deepEqual([...new Set(lines.flatMap(({ type, conversation }) => type === 'entry' ? [conversation] : []))], [direct])
  assert.deepEqual(lines.flatMap(({ type, name }) => type === 'contact' ? [name] : []), [wicked])
  const onePage = path.join(mara.folder, 'one.html')
  mara.places.chosen = onePage
  await mara.call('backup.plain', { conversation: direct, format: 'html' })
  for (const word of ['not for this one', 'Kim']) assert.ok(!readFileSync(onePage, 'utf8').includes(word), word)
  await assert.rejects(mara.call('backup.plain', { conversation: 'ab'.repeat(16), format: 'html' }),
    (error) => error instanceof Refused && error.code === 'unknown-conversation')
})
