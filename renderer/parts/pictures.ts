/** Pictures to look for a QR code in, whatever they come from. */

export type PictureSource =
  | { readonly from: 'image', readonly image: Blob }
  /** Shown in `preview` while they come. */
  | { readonly from: 'camera' | 'screen', readonly preview: HTMLVideoElement }

/** Why there is no picture. `refused`: by the system or the person; `absent`: there is no camera. */
export class NoPicture extends Error {
  readonly why: 'unreadable' | 'refused' | 'absent'

  constructor(why: NoPicture['why']) {
    super(why)
    this.why = why
  }
}

/** Longer sides are scaled down: no code needs them, and every pixel takes memory. */
const sideLimit = 4_096
const betweenMs = 120

/**
 * The pictures of a source: one of an image, and of a camera or the screen one after the other until `signal` ends
 * them; nothing of the camera is in use after that. Whoever takes a picture closes it. Throws NoPicture.
 */
export async function* pictures(source: PictureSource, signal: AbortSignal): AsyncGenerator<ImageBitmap, void> {
  if (source.from === 'image') {
    yield await pictureIn(source.image)
    return
  }
  const { preview } = source
  const stream = await streamOf(source.from)
  try {
    preview.srcObject = stream
    await preview.play().catch(() => undefined)
    while (!signal.aborted && stream.active) {
      // No frame yet: there will be one.
      const picture = await createImageBitmap(preview).catch(() => undefined)
      if (picture !== undefined) yield picture
      await new Promise((resolve) => { setTimeout(resolve, betweenMs) })
    }
  } finally {
    for (const track of stream.getTracks()) track.stop()
    preview.srcObject = null
  }
}

async function pictureIn(image: Blob): Promise<ImageBitmap> {
  try {
    const picture = await createImageBitmap(image)
    const scale = sideLimit / Math.max(picture.width, picture.height)
    if (scale >= 1) return picture
    const smaller = await createImageBitmap(picture, {
      resizeWidth: Math.ceil(picture.width * scale), resizeHeight: Math.ceil(picture.height * scale), resizeQuality: 'high',
    })
    picture.close()
    return smaller
  } catch {
    throw new NoPicture('unreadable')
  }
}

async function streamOf(from: 'camera' | 'screen'): Promise<MediaStream> {
  try {
    if (from === 'screen') return await navigator.mediaDevices.getDisplayMedia({ video: true, audio: false })
    return await navigator.mediaDevices.getUserMedia({
      video: { facingMode: 'environment', width: { ideal: 1_280 } }, audio: false,
    })
  } catch (error) {
    const absent = error instanceof DOMException && ['NotFoundError', 'OverconstrainedError'].includes(error.name)
    throw new NoPicture(absent ? 'absent' : 'refused')
  }
}
