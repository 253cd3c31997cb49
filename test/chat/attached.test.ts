import assert from 'node:assert/strict'
import { test } from 'node:test'
import { attachmentCount, attachmentLimit, fileName, type WireAttachment } from '../../main/chat/attached.ts'
import { decodeContent, encodeContent, isCounted, type Body } from '../../main/chat/content.ts'
import { bodyOfEntry, carriedBy, firstState, messageBody, saidIn } from '../../main/chat/said.ts'
import { MlsError, toHex } from '../../main/mls/index.ts'

const attachment = (changes: Partial<WireAttachment> = {}): WireAttachment => ({
  blob: new Uint8Array(16).fill(1), key: new Uint8Array(32).fill(2), hash: new Uint8Array(32).fill(3), size: 70_000,
  mediaType: 'image/png', name: 'oak.png', width: 640, height: 480, ...changes,
})

const throughWire = (body: Body): Body => decodeContent(encodeContent({
  id: new Uint8Array(16), sentAt: 0n, numbering: 0n, joined: 0n, base: 0, counter: 1, body,
})).body

test('a message with attachments comes through the wire, and text alone stays what older apps read', () => {
  const said = { text: 'the oak', attachments: [attachment()], expiresAfter: 3_600 }
  const body = messageBody(said)
  assert.equal(body.type, 'message')
  assert.ok(isCounted(body))
  assert.deepEqual(throughWire(body), body)
  assert.equal(messageBody({ ...said, attachments: [], expiresAfter: 0 }).type, 'text')
  assert.equal(messageBody({ ...said, attachments: [] }).type, 'message')
})

test('what a message may not have is refused on the wire', () => {
  const message = (attachments: readonly WireAttachment[]): Body => ({ type: 'message', text: '', attachments, expiresAfter: 0 })
  const refused = { name: 'MlsError' }
  assert.throws(() => throughWire(message([attachment({ size: attachmentLimit + 1 })])), refused)
  assert.throws(() => throughWire(message(Array(attachmentCount + 1).fill(attachment()) as WireAttachment[])), refused)
  assert.throws(() => throughWire(message([attachment({ key: new Uint8Array(16) })])), MlsError)
  // The same number, written by another hand.
  const bytes = encodeContent({
    id: new Uint8Array(16), sentAt: 0n, numbering: 0n, joined: 0n, base: 0, counter: 1, body: message([attachment()]),
  })
  const at = Buffer.from(bytes).indexOf(Buffer.from('0000000000011170', 'hex'))
  assert.ok(at > 0)
  bytes[at] = 1
  assert.throws(() => decodeContent(bytes), refused)
})

test('an entry carries what came with it, and can be said again as it was', () => {
  const said = { text: 'the oak', attachments: [attachment(), attachment({ mediaType: 'x; y', name: '', width: 0 })], expiresAfter: 60 }
  const carried = carriedBy(said, 1_000, () => 'offered')
  assert.equal(carried.expiresAt, 61_000)
  assert.deepEqual(carried.attachments?.[0], {
    hash: '03'.repeat(32), name: 'oak.png', mediaType: 'image/png', size: 70_000, width: 640, height: 480, state: 'offered',
  })
  assert.deepEqual(carried.attachments[1], {
    hash: '03'.repeat(32), name: 'file', mediaType: 'application/octet-stream', size: 70_000, state: 'offered',
  })
  const entry = {
    id: 'x', conversation: 'y', order: 1, at: 1_000, kind: 'message' as const, from: 'z', own: true, text: said.text,
    state: 'sent' as const, deliveredTo: 0, people: 2, devices: 2, ...carried,
  }
  const again = saidIn(bodyOfEntry(entry))
  assert.equal(again?.expiresAfter, 60)
  assert.deepEqual(again.attachments[0], said.attachments[0])
  assert.equal(toHex(again.attachments[1]?.key ?? new Uint8Array(0)), '02'.repeat(32))
})

test('small pictures come by themselves, and nothing before the person has accepted', () => {
  const none = (): boolean => false
  const picture = { hash: 'a', name: 'oak.png', mediaType: 'image/png', size: 70_000 }
  assert.equal(firstState(picture, { state: 'active' }, none), 'coming')
  assert.equal(firstState(picture, { state: 'request' }, none), 'offered')
  assert.equal(firstState({ ...picture, size: 6 * 1024 * 1024 }, { state: 'active' }, none), 'offered')
  assert.equal(firstState({ ...picture, mediaType: 'image/svg+xml' }, { state: 'active' }, none), 'offered')
  assert.equal(firstState(picture, { state: 'active' }, () => true), 'here')
})

test('a name is one that a file may have anywhere, and shows what it is', () => {
  const names: Readonly<Record<string, string>> = {
    'oak.png': 'oak.png', '../../etc/passwd': '_.._etc_passwd', 'C:\\Windows\\x.exe': 'C__Windows_x.exe', '': 'file',
    '.bashrc': 'bashrc', '...': 'file', 'con': '_con', 'LPT1.txt': '_LPT1.txt', 'a\nb.txt': 'a b.txt',
    'invoice\u202efdp.exe': 'invoice_fdp.exe', 'photo.jpg  ': 'photo.jpg', 'ends.': 'ends', 'Grüße aus Öland.pdf': 'Grüße aus Öland.pdf',
  }
  for (const [from, to] of Object.entries(names)) assert.equal(fileName(from), to, JSON.stringify(from))
  const long = fileName(`${'x'.repeat(300)}.tar.gz`)
  assert.ok(long.length <= 80 && long.endsWith('.gz'), long)
})
