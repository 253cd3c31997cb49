/** Where the backups of a test lie, in place of the dialogues of a system. */
import { archive } from '../../main/archive/archive.ts'
import type { Place, Places, Ports } from '../../main/ports.ts'
import { openScratch } from '../../main/sqlite/scratch.ts'

/** A token is the path. `chosen`: what the person chooses next. */
export class TestPlaces implements Places {
  chosen: string | undefined
  kept: readonly string[] = []
  readonly asked: Parameters<Places['choose']>[0][] = []

  choose(wanted: Parameters<Places['choose']>[0]): Promise<Place | undefined> {
    this.asked.push(wanted)
    return Promise.resolve(this.chosen === undefined ? undefined : this.at(this.chosen))
  }

  at(token: string): Place | undefined {
    return token.startsWith('/') ? { token, path: token } : undefined
  }

  keep(use: 'folder' | 'restore', tokens: readonly string[]): void {
    if (use === 'folder') this.kept = tokens
  }

  nameOf({ path }: Place): string {
    return path.slice(path.lastIndexOf('/') + 1)
  }
}

/** What an app needs for backups; `folder`: the profile's. */
export const portsOfBackups = (folder: string, places: Places = new TestPlaces()): Pick<Ports, 'archive' | 'places' | 'scratch'> =>
  ({ archive, places, scratch: () => openScratch(folder) })
