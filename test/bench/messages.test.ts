import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nativeSuites, systemRandom } from '../../main/crypto/native.ts'
import type { Store, StoreWrite } from '../../main/ports.ts'
import { inCrowd, newCrowd } from './messages.ts'

// What the app stores and tells for one message in a group of 60 and in one of 240, weighed: nothing of it may grow.

const suite = nativeSuites(systemRandom)(1) ?? assert.fail('suite 1 is not there')

const bytesOf = ({ documents = [], groups = [], entries = [] }: StoreWrite): number => {
  const parts = groups.flatMap(({ parts }) => parts === undefined ? []
    : [parts.head, ...Array.from(parts.nodes, ([, bytes]) => bytes), ...Array.from(parts.ratchets, ([, bytes]) => bytes)])
  return [...documents.map(({ bytes }) => bytes), ...parts].reduce((sum, bytes) => sum + (bytes?.length ?? 0), 0)
    + JSON.stringify(entries).length
}

/** Bytes stored and told, and transactions, for a second message: the first one of a sender splits the secret tree. */
async function weigh(size: number) {
  let [stored, transactions] = [0, 0]
  const weighed = (store: Store): Store => new Proxy(store, {
    get: (of, name) => {
      if (name === 'commit') {
        return (write: StoreWrite): void => {
          stored += bytesOf(write)
          transactions += 1
          of.commit(write)
        }
      }
      const member: unknown = Reflect.get(of, name, of)
      return typeof member === 'function' ? (member as (...given: unknown[]) => unknown).bind(of) : member
    },
  })
  const { anna, receive, send, end } = await inCrowd(suite, newCrowd(suite, size - 2), weighed)
  try {
    const of = async (run: () => Promise<unknown>) => {
      await run()
      await run()
      ;[stored, transactions] = [0, 0]
      const before = anna.changes.length
      await run()
      const changes = anna.changes.slice(before)
      assert.ok(changes.length > 0 && stored > 0)
      assert.ok(changes.every(({ conversations = [] }) => conversations.every(({ people }) => people === undefined)))
      return { stored, transactions, told: JSON.stringify(changes).length, changes: changes.length }
    }
    return { received: await of(receive), sent: await of(send) }
  } finally {
    await end()
  }
}

test('a message in a large group is stored and told in as many bytes as in a small one', async () => {
  const [small, large] = [await weigh(60), await weigh(240)]
  for (const which of ['received', 'sent'] as const) {
    const [before, after] = [small[which], large[which]]
    assert.deepEqual([after.transactions, after.changes], [before.transactions, before.changes], which)
    // But for the digits of numbers, and the random ends of lists.
    for (const what of ['stored', 'told'] as const) {
      assert.ok(Math.abs(after[what] - before[what]) <= before[what] * 0.03, `${which}, ${what}: ${before[what]}, then ${after[what]}`)
    }
  }
})
