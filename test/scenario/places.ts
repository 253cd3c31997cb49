/** Where the backups of a test lie, in place of the dialogues of a system. */
import { existsSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { archive } from '../../main/archive/archive.ts'
import type { Place, Places, PlaceUse, Ports } from '../../main/ports.ts'
import { openScratch } from '../../main/sqlite/scratch.ts'

/** A token is the path. `chosen`: what the person chooses next; `file`: where it is kept what outlives the program. */
export class TestPlaces implements Places {
  chosen: string | undefined
  /** What the system hands over next. */
  handedOver: string | undefined
  file: string | undefined
  #kept: Partial<Record<PlaceUse, readonly string[]>> = {}
  readonly asked: Parameters<Places['choose']>[0][] = []

  choose(wanted: Parameters<Places['choose']>[0]): Promise<Place | undefined> {
    this.asked.push(wanted)
    return Promise.resolve(this.chosen === undefined ? undefined : this.at(this.chosen))
  }

  handed(): Place | undefined {
    const file = this.handedOver
    this.handedOver = undefined
    return file === undefined ? undefined : this.at(file)
  }

  at(token: string): Place | undefined {
    return token.startsWith('/') ? { token, path: token } : undefined
  }

  keep(use: PlaceUse, tokens: readonly string[]): void {
    this.#kept = { ...this.#read(), [use]: tokens }
    if (this.file === undefined) return
    if (Object.values(this.#kept).every(({ length }) => length === 0)) rmSync(this.file, { force: true })
    else writeFileSync(this.file, JSON.stringify(this.#kept))
  }

  kept(use: PlaceUse): readonly string[] {
    return this.#read()[use] ?? []
  }

  #read(): Partial<Record<PlaceUse, readonly string[]>> {
    if (this.file === undefined) return this.#kept
    return !existsSync(this.file) ? {} : JSON.parse(readFileSync(this.file, 'utf8')) as Partial<Record<PlaceUse, readonly string[]>>
  }

  nameOf({ path }: Place): string {
    return path.slice(path.lastIndexOf('/') + 1)
  }
}

/** What an app needs for backups; `folder`: the profile's. */
export const portsOfBackups = (folder: string, places: Places = new TestPlaces()): Pick<Ports, 'archive' | 'places' | 'scratch'> =>
  ({ archive, places, scratch: () => openScratch(folder) })
