import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { cleaned, headBytes, pictureTypeOf } from '../../main/chat/media.ts'
import { chunk, exif, jpegOf, pngOf } from './pictures.ts'

const secret = '52.5200 N 13.4050 E, by Anna'
const has = (bytes: Uint8Array, text: string): boolean => Buffer.from(bytes).includes(text)

describe('A picture that is sent', () => {
  test('is known by its first bytes, and by nothing else', () => {
    assert.equal(pictureTypeOf(pngOf().subarray(0, headBytes)), 'image/png')
    assert.equal(pictureTypeOf(jpegOf({}).subarray(0, headBytes)), 'image/jpeg')
    assert.equal(pictureTypeOf(Buffer.from('GIF89a\x01\0\x01\0')), 'image/gif')
    assert.equal(pictureTypeOf(Buffer.from('RIFF\0\0\0\0WEBPVP8 ')), 'image/webp')
    for (const text of ['<svg xmlns="http://www.w3.org/2000/svg"/>', 'GIF88a', 'RIFF\0\0\0\0WAVE', '', '%PDF-1.7']) {
      assert.equal(pictureTypeOf(Buffer.from(text)), undefined, text)
    }
  })

  test('as PNG loses its texts, its time and its EXIF, and nothing of what it looks like', () => {
    const bare = pngOf({ width: 12, height: 7, extra: [chunk('gAMA', Buffer.alloc(4))] })
    const bytes = pngOf({ width: 12, height: 7, extra: [
      chunk('tEXt', Buffer.from(`Author\0${secret}`)), chunk('iTXt', Buffer.from(`XML\0\0\0\0\0${secret}`)),
      chunk('eXIf', exif(1, secret)), chunk('tIME', Buffer.alloc(7)), chunk('gAMA', Buffer.alloc(4)), chunk('prVt', Buffer.from(secret)),
    ] })
    assert.ok(has(bytes, secret))
    const made = cleaned('image/png', Buffer.concat([bytes, Buffer.from(secret)]))
    assert.deepEqual(made, { bytes: new Uint8Array(bare), width: 12, height: 7 })
  })

  test('as JPEG loses all that was written beside it, also behind its end', () => {
    const bytes = jpegOf({ width: 300, height: 200, secret })
    assert.equal(bytes.toString('latin1').split(secret).length - 1, 8)
    const made = cleaned('image/jpeg', bytes)
    assert.ok(made !== undefined)
    assert.equal(has(made.bytes, secret), false)
    assert.deepEqual([made.width, made.height], [300, 200])
    for (const kept of ['JFIF', 'ICC_PROFILE', '\x05\x06\xff\xd9']) assert.ok(Buffer.from(made.bytes).includes(kept, 'latin1'), kept)
    for (const gone of ['Exif', 'MPF', 'Photoshop', 'ns.adobe']) assert.equal(has(made.bytes, gone), false, gone)
    assert.deepEqual(cleaned('image/jpeg', made.bytes), made)
  })

  test('keeps standing as its camera was held, by EXIF with nothing else in it', () => {
    for (const order of ['II', 'MM'] as const) {
      const made = cleaned('image/jpeg', jpegOf({ width: 300, height: 200, orientation: 6, order, secret }))
      assert.ok(made !== undefined)
      assert.deepEqual([made.width, made.height], [200, 300], 'as it is shown')
      assert.equal(has(made.bytes, secret), false)
      assert.ok(has(made.bytes, 'Exif'))
      const again = cleaned('image/jpeg', made.bytes)
      assert.deepEqual(again, made, 'its own EXIF says the same')
    }
  })

  test('as GIF and WebP loses comments and metadata too', () => {
    const block = (...parts: readonly string[]): string => parts.map((part) => String.fromCharCode(part.length) + part).join('') + '\0'
    const head = 'GIF89a\x03\0\x02\0\0\0\0'
    const loop = `!\xff${block('NETSCAPE2.0', '\x01\0\0')}`
    const image = `,\0\0\0\0\x03\0\x02\0\0\x02${block('\x84\x51')}`
    const gif = cleaned('image/gif', Buffer.from(`${head}!\xfe${block(secret)}${loop}!\xff${block('XMP DataXMP', secret)}${image};${secret}`, 'latin1'))
    assert.deepEqual(gif, { bytes: new Uint8Array(Buffer.from(`${head}${loop}${image};`, 'latin1')), width: 3, height: 2 })

    const riff = (...chunks: readonly Buffer[]): Buffer => {
      const body = Buffer.concat([Buffer.from('WEBP'), ...chunks])
      const length = Buffer.alloc(4)
      length.writeUInt32LE(body.length)
      return Buffer.concat([Buffer.from('RIFF'), length, body])
    }
    const part = (name: string, data: Buffer): Buffer => {
      const length = Buffer.alloc(4)
      length.writeUInt32LE(data.length)
      return Buffer.concat([Buffer.from(name), length, data, Buffer.alloc(data.length % 2)])
    }
    const canvas = (flags: number): Buffer => part('VP8X', Buffer.from([flags, 0, 0, 0, 99, 0, 0, 49, 0, 0]))
    const picture = part('VP8L', Buffer.from([0x2f, 1, 2, 3, 4]))
    const webp = cleaned('image/webp', riff(canvas(0x1c), picture, part('EXIF', Buffer.from(secret)), part('XMP ', Buffer.from(`${secret}x`))))
    assert.deepEqual(webp, { bytes: new Uint8Array(riff(canvas(0x10), picture)), width: 100, height: 50 })
  })

  test('that does not hold together is told so, wherever it is cut off, and nothing hangs', () => {
    for (const [type, bytes] of [['image/png', pngOf()], ['image/jpeg', jpegOf({})]] as const) {
      const whole = cleaned(type, bytes)
      assert.ok(whole !== undefined)
      const end = type === 'image/png' ? bytes.length : bytes.length - 'secret'.length
      for (let length = 0; length < end; length += 1) assert.equal(cleaned(type, bytes.subarray(0, length)), undefined, `${type} ${length}`)
    }
    for (const type of ['image/gif', 'image/webp', 'image/png', 'image/jpeg'] as const) {
      for (const octet of [0, 0x21, 0x2c, 0xff]) cleaned(type, new Uint8Array(1000).fill(octet))
    }
  })
})
