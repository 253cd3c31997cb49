/** Reads an asar archive and Electron's fuses, by code of our own: what one tool wrote is read back by another. */
import { createHash } from 'node:crypto'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'

type Node = {
  readonly files?: Readonly<Record<string, Node>>
  readonly size?: number
  readonly offset?: string
  readonly unpacked?: boolean
  readonly link?: string
  readonly integrity?: { readonly algorithm: string, readonly hash: string }
}

export type AsarFile = {
  readonly name: string
  /** Lies beside the archive, where no hash of it covers it when Electron loads it. */
  readonly unpacked: boolean
  readonly bytes: Uint8Array
  /** The bytes have the SHA-256 that the header gives. */
  readonly intact: boolean
}

/**
 * Every file of an archive, in order of name. Layout: a pickle of the header's size (4, size), one of the header
 * (size, length, JSON), then the files' bytes one after the other.
 */
export function readAsar(file: string): readonly AsarFile[] {
  const archive = readFileSync(file)
  const start = 8 + archive.readUInt32LE(4)
  const header = JSON.parse(archive.toString('utf8', 16, 16 + archive.readUInt32LE(12))) as Node
  const found: AsarFile[] = []
  const walk = (node: Node, name: string): void => {
    if (node.link !== undefined) throw new Error(`${name} is a link`)
    if (node.files !== undefined) {
      for (const [part, child] of Object.entries(node.files)) walk(child, name === '' ? part : `${name}/${part}`)
      return
    }
    const unpacked = node.unpacked === true
    const from = start + Number(node.offset)
    const bytes = unpacked
      ? readFileSync(path.join(`${file}.unpacked`, name))
      : archive.subarray(from, from + (node.size ?? 0))
    const hash = createHash('sha256').update(bytes).digest('hex')
    const intact = node.integrity?.algorithm === 'SHA256' && node.integrity.hash === hash
    found.push({ name, unpacked, bytes, intact })
  }
  walk(header, '')
  return found.sort((a, b) => a.name < b.name ? -1 : 1)
}

/** Writes all files of an archive into a folder, those beside it too. */
export function extractAsar(file: string, folder: string): void {
  for (const { name, bytes } of readAsar(file)) {
    const target = path.join(folder, name)
    mkdirSync(path.dirname(target), { recursive: true })
    writeFileSync(target, bytes)
  }
}

const sentinel = 'dL7pKGdnNz796PbbjQWNKmHXBZaB9tsX'

/** Electron's switches in its binary, in their order: after the sentinel a version, a length, a digit for each. */
export const fuseNames = [
  'runAsNode', 'enableCookieEncryption', 'enableNodeOptionsEnvironmentVariable', 'enableNodeCliInspectArguments',
  'enableEmbeddedAsarIntegrityValidation', 'onlyLoadAppFromAsar', 'loadBrowserProcessSpecificV8Snapshot',
  'grantFileProtocolExtraPrivileges', 'wasmTrapHandlers',
] as const
export type Fuses = Readonly<Record<typeof fuseNames[number], boolean>>

/** The fuses of a binary. Throws where a wire is missing, of another kind, or blown otherwise than off or on. */
export function readFuses(binary: Uint8Array): Fuses {
  const bytes = Buffer.from(binary)
  const at = bytes.indexOf(sentinel)
  if (at < 0) throw new Error('no fuse wire')
  const [version, length = 0] = bytes.subarray(at + sentinel.length)
  if (version !== 1 || length !== fuseNames.length) throw new Error(`a wire of version ${version} and length ${length}`)
  const wire = bytes.toString('latin1', at + sentinel.length + 2, at + sentinel.length + 2 + length)
  if (!/^[01]+$/.test(wire)) throw new Error(`the wire ${wire}`)
  return Object.fromEntries(fuseNames.map((name, index) => [name, wire[index] === '1'])) as Fuses
}

/** As Electron 45 leaves the factory. What stands for its binary in tests: a program that ends, and the wire. */
export const stubElectron = Buffer.concat([
  Buffer.from('#!/bin/sh\nexit 0\n# '), Buffer.from(sentinel), Buffer.from([1, 9]), Buffer.from('101100011\n'),
])
