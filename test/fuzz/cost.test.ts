import assert from 'node:assert/strict'
import { describe, test } from 'node:test'
import { encode } from '../../main/mls/codec.ts'
import {
  createGroup, extensionType, groupInfo, MlsError, nodesOf, observe, RatchetTreeNodes, trusting,
  type Capabilities, type Extensions, type Node, type RuleId,
} from '../../main/mls/index.ts'
import { treeHash } from '../../main/mls/tree/hash.ts'
import { addLeaves, leafLimit, treeOf } from '../../main/mls/tree/ratchet-tree.ts'
import { limits } from '../../main/mls/wire/limits.ts'
import { bytes, implementations, World } from '../mls/group-world.ts'
import { resignInfo } from './seal.ts'

// The largest things that strangers can send, made to cost as much as they can: a GroupInfo of some megabytes, as it is
// in a Welcome to anybody who has published a KeyPackage. Whatever it is, it is judged in the time of an honest one.

const { suites } = implementations[0] ?? assert.fail()
const world = new World(suites('cost'), 1)
const { suite } = world
const person = world.person('mallory')

/** As many numbers as a list of capabilities may have, and those that it must have. */
const full = (...needed: readonly number[]): readonly number[] => {
  const count = limits.codes / 2
  return [...Array.from({ length: count - needed.length }, (_, at) => 0x8000 + at), ...needed]
}

const capabilities: Capabilities = {
  versions: full(1), cipherSuites: full(1), extensions: full(), proposals: full(), credentials: full(1),
}

/** Mallory's group, in whose place a GroupInfo tells of something else. */
const group = createGroup(suite, { groupId: bytes('large'), ...person.leaf, capabilities })

function judged({ nodes = nodesOf(group.tree), extensions = [] }: {
  readonly nodes?: readonly (Node | undefined)[]
  readonly extensions?: Extensions
}): { readonly rule: string | undefined, readonly ms: number } {
  const extensionData = encode(RatchetTreeNodes, nodes)
  const honest = groupInfo(group, { ratchetTree: false })
  // A tree that is too wide is refused before its hash is looked at.
  const hash = nodes.length > 2 * leafLimit ? bytes('') : treeHash(suite, treeOf(nodes))
  const info = resignInfo(suite, {
    ...honest,
    groupContext: { ...honest.groupContext, extensions, treeHash: hash },
    extensions: [{ extensionType: extensionType.ratchetTree, extensionData }],
  }, group.signaturePrivateKey)
  const from = process.cpuUsage()
  let rule: string | undefined
  try {
    observe({ suiteOf: world.suiteOf, groupInfo: info, authentication: trusting })
  } catch (error) {
    assert.ok(error instanceof MlsError, String(error))
    rule = error.rule
  }
  const { user, system } = process.cpuUsage(from)
  return { rule, ms: (user + system) / 1000 }
}

describe('a GroupInfo is judged soon', () => {
  const judgesSoon = (name: string, rule: RuleId | undefined, make: () => Parameters<typeof judged>[0]): void => {
    test(name, (context) => {
      const seen = judged(make())
      context.diagnostic(`${seen.ms.toFixed(0)} ms`)
      assert.equal(seen.rule, rule)
      assert.ok(seen.ms < 5000, `${seen.ms} ms`)
    })
  }

  /** Members, each with capabilities of its own that are as long as they may be. */
  const members = (): readonly (Node | undefined)[] => {
    const leafNodes = Array.from({ length: 60 }, (_, at) => world.guest(`member ${at}`, {
      ...capabilities, proposals: [...capabilities.proposals.slice(1), 0x4000 + at],
    }).keyPackage.leafNode)
    return nodesOf(addLeaves(group.tree, leafNodes).tree)
  }

  judgesSoon('of one member', undefined, () => ({}))
  judgesSoon('of a tree of four megabytes of nothing', '4.1.leaf-limit', () => ({
    nodes: [...new Array<undefined>(4_000_000), ...nodesOf(group.tree)],
  }))
  judgesSoon('of members with long lists, whose group has a longer one', '13.4.unique-extension', () => {
    const last = full().at(-1) ?? 0
    const extension = { extensionType: last, extensionData: new Uint8Array(0) }
    return { nodes: members(), extensions: new Array<typeof extension>(1_390_000).fill(extension) }
  })
})
