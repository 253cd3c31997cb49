/** Files and folders that the person chooses in the system's own dialogues. Their paths stay on this side of the window. */
import { randomBytes } from 'node:crypto'
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { Place, Places } from '../ports.ts'
import type { Electron } from '../electron.ts'

const fileName = 'places.json'
/** `folder`: the profile's, where the places are kept that outlive the program. */
export function openPlaces(electron: Electron, folder: string): Places {
  const file = path.join(folder, fileName)
  const known = new Map<string, string>(readPlaces(file))
  const placeOf = (token: string): Place | undefined => {
    const found = known.get(token)
    return found === undefined ? undefined : { token, path: found }
  }
  const chosen = (found: string | undefined): Place | undefined => {
    if (found === undefined || found === '') return undefined
    const token = randomBytes(16).toString('hex')
    known.set(token, found)
    return { token, path: found }
  }
  return {
    choose: async (wanted) => {
      if (wanted.kind === 'save') {
        const { canceled, filePath } = await electron.dialog.showSaveDialog({ defaultPath: wanted.name })
        return canceled ? undefined : chosen(filePath)
      }
      const { filePaths } = await electron.dialog.showOpenDialog({
        properties: wanted.kind === 'open' ? ['openFile'] : ['openDirectory', 'createDirectory'],
      })
      return chosen(filePaths[0])
    },
    at: placeOf,
    keep: (tokens) => { writePlaces(file, tokens.flatMap((token) => placeOf(token) ?? [])) },
    nameOf: (place) => path.basename(place.path),
  }
}

/** What cannot be read has no places: the person chooses again. */
function readPlaces(file: string): readonly (readonly [string, string])[] {
  try {
    const places: unknown = JSON.parse(readFileSync(file, 'utf8'))
    if (typeof places !== 'object' || places === null) return []
    return Object.entries(places).filter((one): one is [string, string] => typeof one[1] === 'string')
  } catch {
    return []
  }
}

function writePlaces(file: string, places: readonly Place[]): void {
  if (places.length === 0) {
    rmSync(file, { force: true })
    return
  }
  writeFileSync(`${file}.part`, JSON.stringify(Object.fromEntries(places.map((place) => [place.token, place.path]))), { mode: 0o600 })
  renameSync(`${file}.part`, file)
}
