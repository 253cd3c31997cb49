import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import { decode, equal, toHex } from '../../main/mls/index.ts'
import { decodeKeyPackageRecord, keyPackageLog } from '../../main/chat/mail.ts'
import { logHeadIn } from '../../main/chat/extensions.ts'
import { openSqliteDelivery } from '../../main/delivery/sqlite.ts'
import { decodeCredential, validateCredential } from '../../main/identity/credential.ts'
import { KeyPackage } from '../../main/mls/index.ts'
import { accountOn, linkedDevice, logOf, suite } from './devices.ts'
import { people, until, type Person } from './world.ts'

/** The KeyPackages that a device offers. */
async function offeredBy(person: Person): Promise<readonly KeyPackage[]> {
  const delivery = openSqliteDelivery({ file: person.deliveryFile })
  try {
    const records = await delivery.read(keyPackageLog(toHex(accountOn(person).deviceId)), 0, 500)
    return records.filter(({ slot }) => slot?.startsWith('claim.') === false)
      .map(({ bytes }) => decode(KeyPackage, decodeKeyPackageRecord(bytes).keyPackage))
  } finally {
    await delivery.close()
  }
}

async function household(t: TestContext) {
  const { all: [anna], end } = await people(['Anna'])
  const others: Person[] = []
  t.after(async () => {
    for (const other of others) await other.stop()
    await end()
  })
  const link = async (elder: Person, name: string): Promise<Person> => {
    const other = await linkedDevice(elder, name)
    others.push(other)
    return other
  }
  return { anna, link }
}

describe('A second device', () => {
  test('is of the same account, under a path from the genesis, and its KeyPackages say so', async (t) => {
    const { anna, link } = await household(t)
    const laptop = await link(anna, 'Laptop')
    const [one, other] = [accountOn(anna), accountOn(laptop)]
    assert.deepEqual(one.genesis, other.genesis)
    assert.equal(other.path.length, 1)
    assert.equal(other.name, 'Anna')
    const offered = await until('KeyPackages of the laptop', async () => {
      const found = await offeredBy(laptop)
      return found.length > 50 && found
    })
    const { head } = await logOf(anna)
    for (const { leafNode } of offered) {
      assert.equal(validateCredential(suite, leafNode.credential, leafNode.signatureKey), undefined)
      assert.deepEqual(decodeCredential(leafNode.credential).path, other.path)
      assert.deepEqual(logHeadIn(leafNode.extensions), { ...head })
    }
    assert.deepEqual(anna.bugs, [])
    assert.deepEqual(laptop.bugs, [])
  })

  test('shows itself to the first one, whose leaves tell of it from then on', async (t) => {
    const { anna, link } = await household(t)
    await until('the stock', async () => (await offeredBy(anna)).length > 50)
    await link(anna, 'Laptop')
    const head = (await logOf(anna)).head
    const { conversation } = await until('a group under the new head', async () => {
      const made = await anna.call('conversation.group', { name: 'Notes', people: [], invites: [] })
      const parts = anna.store?.group(made.conversation)
      const told = [...parts?.nodes.values() ?? []].some((node) => includes(node, head.hash))
      return told && made
    })
    assert.ok(conversation)
    // What was offered under the older head stays.
    assert.ok((await offeredBy(anna)).length > 50)
  })
})

const includes = (bytes: Uint8Array, part: Uint8Array): boolean =>
  bytes.some((_, at) => equal(bytes.subarray(at, at + part.length), part))
