/** Files and folders that the person chooses in the system's own dialogues. Their paths stay on this side of the window. */
import { randomBytes } from 'node:crypto'
import { readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import type { Place, Places } from '../ports.ts'
import type { Electron } from '../electron.ts'

const fileName = 'places.json'
/** `folder`: the profile's, where the places are kept that outlive the program. `handed`: what the system handed over, once. */
export function openPlaces(electron: Electron, folder: string, handed: () => string | undefined): Places {
  const file = path.join(folder, fileName)
  const kept = readPlaces(file)
  const known = new Map([...kept.values()].flatMap((places) => [...places]))
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
    handed: () => chosen(handed()),
    at: placeOf,
    keep: (use, tokens) => {
      kept.set(use, new Map(tokens.flatMap((token) => {
        const place = placeOf(token)
        return place === undefined ? [] : [[token, place.path] as const]
      })))
      writePlaces(file, kept)
    },
    kept: (use) => [...kept.get(use)?.keys() ?? []],
    nameOf: (place) => path.basename(place.path),
  }
}

/** By what they are used for, each by its token. */
type Kept = Map<string, ReadonlyMap<string, string>>

/** What cannot be read has no places: the person chooses again. */
function readPlaces(file: string): Kept {
  try {
    return new Map(Object.entries(fieldsOf(JSON.parse(readFileSync(file, 'utf8')))).map(([use, places]) => [
      use, new Map(Object.entries(fieldsOf(places)).filter((one): one is [string, string] => typeof one[1] === 'string')),
    ]))
  } catch {
    return new Map()
  }
}

const fieldsOf = (value: unknown): Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null ? value as Readonly<Record<string, unknown>> : {}

function writePlaces(file: string, kept: Kept): void {
  if ([...kept.values()].every(({ size }) => size === 0)) {
    rmSync(file, { force: true })
    return
  }
  const text = JSON.stringify(Object.fromEntries([...kept].map(([use, places]) => [use, Object.fromEntries(places)])))
  writeFileSync(`${file}.part`, text, { mode: 0o600 })
  renameSync(`${file}.part`, file)
}
