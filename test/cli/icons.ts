/** `npm run icons`: draws the icon files in assets/ anew from assets/icon.svg. Their test says when that is due. */
import { mkdirSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { assets, drawIcons } from '../packaging/icons.ts'

mkdirSync(path.join(assets, 'icons'), { recursive: true })
for (const [file, bytes] of await drawIcons()) {
  writeFileSync(path.join(assets, file), bytes)
  process.stdout.write(`assets/${file}: ${bytes.length} bytes\n`)
}
