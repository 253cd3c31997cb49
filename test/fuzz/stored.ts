import { isDeepStrictEqual } from 'node:util'
import { concat, decode, encode, type Codec } from '../../main/mls/codec.ts'
import {
  changedParts, decodePending, encodePending, groupFromParts, join, KeyPackagePrivate, merge, MLSMessage, MlsError,
  receive, type Group,
} from '../../main/mls/index.ts'
import { storedFormats } from '../../main/mls/group/storage.ts'
import { snapshot } from '../mls/group-world.ts'
import type { Scene } from './scene.ts'
import { demand, options, samplesOf, unchanged, use, type Target } from './target.ts'

// What is read from a store: it may be damaged, and must not do more damage.

type Part =
  | { readonly kind: 'head', readonly bytes: Uint8Array }
  | { readonly kind: 'node', readonly key: number, readonly bytes: Uint8Array }
  | { readonly kind: 'ratchet', readonly key: string, readonly bytes: Uint8Array }

function partsOf(group: Group): readonly Part[] {
  const { head, nodes, ratchets } = changedParts(group, undefined)
  return [
    ...head === undefined ? [] : [{ kind: 'head', bytes: head } as const],
    ...nodes.flatMap(([key, bytes]) => bytes === undefined ? [] : [{ kind: 'node', key, bytes } as const]),
    ...ratchets.flatMap(([key, bytes]) => bytes === undefined ? [] : [{ kind: 'ratchet', key, bytes } as const]),
  ]
}

function load({ world }: Scene, parts: readonly Part[]): Group {
  return groupFromParts(world.suiteOf, {
    head: parts.find(({ kind }) => kind === 'head')?.bytes ?? new Uint8Array(0),
    nodes: new Map(parts.flatMap((part) => part.kind === 'node' ? [[part.key, part.bytes] as const] : [])),
    ratchets: new Map(parts.flatMap((part) => part.kind === 'ratchet' ? [[part.key, part.bytes] as const] : [])),
  })
}

/** A stored group, one of whose parts is damaged, or missing where nothing is left of it. */
function partsTarget(scene: Scene): Target {
  const parts = partsOf(scene.bob.group)
  const messages = [...scene.messages.values()].map((message) => decode(MLSMessage, message))
  return {
    name: 'stored group',
    // The first octet says which part.
    ...samplesOf(parts.map(({ bytes }, at) => concat(Uint8Array.of(at), bytes)), indexed(parts)),
    feed: (input) => {
      const damaged = (input[0] ?? 0) % parts.length
      const bytes = input.slice(1)
      const loaded = load(scene, parts.flatMap((part, at) =>
        at !== damaged ? [part] : bytes.length === 0 ? [] : [{ ...part, bytes }]))
      demand(isDeepStrictEqual(snapshot(load(scene, partsOf(loaded))), snapshot(loaded)), 'not stored as it is')
      readAll(loaded, messages)
      use(loaded)
    },
  }
}

/** The format of a stored part behind the octet that says which it is. */
const indexed = (parts: readonly Part[]): Codec<unknown> => ({
  write: () => undefined,
  read: (reader) => {
    const part = parts[reader.uint(1) % parts.length]
    return part === undefined ? undefined : formatOf(part).read(reader)
  },
})

function formatOf(part: Part): Codec<unknown> {
  if (part.kind === 'head') return storedFormats.Head
  if (part.kind === 'node') return storedFormats.StoredNode
  if (part.key.endsWith('/past')) return storedFormats.StoredPast
  return part.key.includes('/p') ? storedFormats.StoredProposal : storedFormats.StoredSecret
}

function readAll(group: Group, messages: readonly MLSMessage[]): void {
  for (const message of messages) {
    try {
      receive(group, message, options)
    } catch (error) {
      if (!(error instanceof MlsError)) throw error
    }
  }
}

function pendingTarget({ world, bob: { group }, made }: Scene): Target {
  const stored = encodePending(group, made.pending)
  return {
    name: 'stored commit',
    ...samplesOf([stored], storedFormats.Pending),
    feed: (input) => {
      const { group: next } = merge(group, decodePending(world.suiteOf, group, input))
      use(next)
    },
    verify: unchanged(group),
    honest: () => { merge(group, decodePending(world.suiteOf, group, stored)) },
  }
}

function privateKeysTarget({ world, guest, invitation }: Scene): Target {
  const stored = encode(KeyPackagePrivate, guest.privateKeys)
  const { body } = invitation.welcome ?? { body: undefined }
  const joinWith = (input: Uint8Array): void => {
    if (body?.type !== 'welcome') return
    const { group } = join({
      suiteOf: world.suiteOf, welcome: body.welcome, keyPackage: guest.keyPackage,
      privateKeys: decode(KeyPackagePrivate, input),
      signaturePrivateKey: guest.person.signatureKeyPair.privateKey, ...options,
    })
    use(group)
  }
  return {
    name: 'stored private keys',
    ...samplesOf([stored], KeyPackagePrivate),
    feed: joinWith,
    honest: () => { joinWith(stored) },
  }
}

export const storedTargets = (scene: Scene): readonly Target[] =>
  [partsTarget(scene), pendingTarget(scene), privateKeysTarget(scene)]
