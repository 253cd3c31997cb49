/**
 * What the shell keeps for this computer: one small JSON file beside the profile, written whole or not at all, read
 * before the profile is opened. Nothing secret is in it.
 */
import { closeSync, fsyncSync, openSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { keptSettings, type KeptSettings } from '../../preload/shell.ts'
import { isWindowPlace, type WindowPlace } from './place.ts'

/** Of the format; a file of another one is not read. */
const version = 1

export const firstSettings: KeptSettings = {
  notifications: 'name', quietUntil: 0, flash: false, tray: false, spelling: false, languages: [], protection: false,
  proxy: { mode: 'system', host: '', port: 0 },
}

export type Kept = {
  readonly settings: KeptSettings
  readonly place: WindowPlace | undefined
  /**
   * There is a file, and it cannot be read. What it said about the network is not known, so nothing may go there by
   * another way than the person chose.
   */
  readonly lost: boolean
}

export function readSettings(file: string): Kept {
  let content: string
  try {
    content = readFileSync(file, 'utf8')
  } catch (error) {
    const isNew = error instanceof Error && 'code' in error && error.code === 'ENOENT'
    return { settings: firstSettings, place: undefined, lost: !isNew }
  }
  try {
    const { version: written, settings, place } = JSON.parse(content) as Record<string, unknown>
    if (written !== version || !keptSettings(settings)) throw new TypeError('another format')
    return { settings, place: isWindowPlace(place) ? place : undefined, lost: false }
  } catch {
    return { settings: firstSettings, place: undefined, lost: true }
  }
}

/** Throws what the file system throws; the old file is there then as it was. */
export function writeSettings(file: string, { settings, place }: Omit<Kept, 'lost'>): void {
  writeWhole(file, `${JSON.stringify({ version, settings, place }, undefined, 2)}\n`, 0o600)
}

/** A crash leaves the old file or the new one. */
export function writeWhole(file: string, content: string, mode: number): void {
  const beside = `${file}.new`
  try {
    const descriptor = openSync(beside, 'w', mode)
    try {
      writeFileSync(descriptor, content)
      fsyncSync(descriptor)
    } finally {
      closeSync(descriptor)
    }
    renameSync(beside, file)
  } catch (error) {
    rmSync(beside, { force: true })
    throw error
  }
}
