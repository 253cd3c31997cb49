/** What the stand-in has of a desktop: screens, whose number and size a test may change. */
import type { Display, Rectangle } from '../../main/electron.ts'

export class StandinScreen {
  areas: Rectangle[] = [{ x: 0, y: 0, width: 1920, height: 1040 }]
  getAllDisplays(): readonly Display[] { return this.areas.map((workArea) => ({ workArea })) }
  getPrimaryDisplay(): Display { return { workArea: this.areas[0] ?? { x: 0, y: 0, width: 1024, height: 700 } } }
}
