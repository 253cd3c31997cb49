/** Finds the QR codes in a picture: seconds of work on a noisy one, so it is done beside the window. */
import { decodeQRBatch } from 'qr/decode.js'

export type ToRead = { readonly id: number, readonly picture: ImageBitmap, readonly thorough: boolean }
export type WasRead = { readonly id: number, readonly texts: readonly string[] }

/** One frame of a camera is followed by the next; a picture that somebody chose is all there is. */
const frameMs = 100
const thoroughMs = 4_000

async function textsIn(picture: ImageBitmap, thorough: boolean): Promise<readonly string[]> {
  const { width, height } = picture
  const context = new OffscreenCanvas(width, height).getContext('2d', { willReadFrequently: true })
  if (context === null) return []
  // What is see-through in a picture is white paper to whoever looks at it.
  context.fillStyle = '#ffffff'
  context.fillRect(0, 0, width, height)
  context.drawImage(picture, 0, 0)
  picture.close()
  const { data } = context.getImageData(0, 0, width, height)
  const [found = []] = await decodeQRBatch([{ width, height, data }], {
    effort: thorough ? Infinity : 2, timeLimit: thorough ? thoroughMs : frameMs,
  })
  return found.filter((text) => typeof text === 'string')
}

addEventListener('message', (event: MessageEvent<ToRead>) => {
  const { id, picture, thorough } = event.data
  void textsIn(picture, thorough).catch((): readonly string[] => []).then((texts) => {
    postMessage({ id, texts } satisfies WasRead)
  })
})
