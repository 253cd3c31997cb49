import assert from 'node:assert/strict'
import { test } from 'node:test'
import { authentication, deviceIdOf } from '../../main/identity/credential.ts'
import { policyIn, withPolicy } from '../../main/chat/policy.ts'
import { groupLog, sealOf, sealRecord } from '../../main/chat/sealed.ts'
import { openSqliteDelivery } from '../../main/delivery/sqlite.ts'
import { commit, encode, leafAt, MLSMessage, type OwnProposal } from '../../main/mls/index.ts'
import type { Delivery } from '../../main/ports.ts'
import { held, leafOf, sendLetter, spoilEpoch, type Held } from './attacker.ts'
import { accountOf, asItIs, assertTogether, code, gather, has, hasMoved, hear, withoutLetters } from './together.ts'
import { people, until } from './world.ts'

const minuteMs = 60_000

/** One whose inboxes look empty. */
const withoutInbox = (delivery: Delivery): Delivery => ({
  ...withoutLetters(delivery), append: (log, bytes, slot) => delivery.append(log, bytes, slot),
  read: (log, after, limit) => log.startsWith('i.') ? Promise.resolve([]) : delivery.read(log, after, limit),
})

/** What an attacker may try by letter: a move of its own, which removes whom it likes. */
function forgedMove({ group, log }: Held, victim: string) {
  const { suite, context } = group
  const policy = { ...policyIn(context), log: suite.random(16) }
  const proposals: readonly OwnProposal[] = [
    { type: 'remove', removed: leafOf(group, victim) },
    { type: 'groupContextExtensions', extensions: withPolicy(context.extensions, policy) },
  ]
  const { message } = commit(group, { proposals, authentication: authentication(suite), forcePath: true })
  const record = sealRecord(suite, sealOf(group), groupLog('h', log), [encode(MLSMessage, message)])
  return { type: 'move' as const, groupId: context.groupId, record }
}

test('signed rubbish in all slots of an epoch: an admin moves the group without its maker, killed in between', async (t) => {
  const { all: [anna, ben, carol, dave], end } = await people(['Anna', 'Ben', 'Carol', 'Dave'])
  t.after(end)
  const conversation = await gather(anna, ben, carol, dave)
  await assertTogether([anna, ben, carol, dave], conversation, 'before')
  const [annas, bens] = [await accountOf(anna), await accountOf(ben)]
  await anna.stop()
  await dave.stop()
  await carol.stop()
  const state = held(carol, conversation)
  const delivery = openSqliteDelivery({ file: ben.deliveryFile })
  t.after(() => delivery.close())
  await spoilEpoch(delivery, state, 'signed')
  // Carol is a suspect; whom she throws out stays.
  const bensDevice = leafAt(state.group.tree, leafOf(state.group, bens))
  assert.ok(bensDevice !== undefined)
  await sendLetter(delivery, state.group, deviceIdOf(bensDevice.credential), forgedMove(state, annas))
  // What is said goes through; what is changed waits.
  await ben.say(conversation, 'while it is stuck')
  // Dave reads the group's logs, and does not get letters yet.
  dave.through = withoutInbox
  await dave.start()
  await hear(dave, conversation, 'while it is stuck')
  // Anna's process ends when all is stored and nothing sent.
  anna.through = withoutLetters
  await anna.start()
  await hasMoved(anna, conversation)
  await dave.say(conversation, 'said in the old place')
  await until('it is sent', async () => (await dave.entries(conversation)).every((entry) =>
    entry.kind !== 'message' || entry.state !== 'sending'))
  await anna.stop()
  assert.equal(await has(ben, conversation, 'moved'), false)
  anna.through = asItIs
  await anna.start()
  await hasMoved(ben, conversation)
  for (const one of [anna, ben]) await hear(one, conversation, 'said in the old place')
  await dave.stop()
  dave.through = asItIs
  await dave.start()
  await hasMoved(dave, conversation)
  for (const one of [anna, ben, dave]) {
    const chat = await one.conversation(conversation)
    assert.deepEqual(chat?.people.map(({ name }) => name).sort(), ['Anna', 'Ben', 'Dave'])
  }
  await assertTogether([anna, ben, dave], conversation, 'after')
  await anna.call('conversation.rename', { conversation, name: 'Willow' })
  for (const one of [ben, dave]) {
    await until(`${one.name} sees the name`, async () => (await one.conversation(conversation))?.title === 'Willow')
  }
  // The old place is of use to nobody: Carol can neither read on nor spoil the next epoch.
  await carol.start()
  await carol.say(conversation, 'still here?')
  await anna.restart()
  await assertTogether([anna, ben, dave], conversation, 'at last')
  assert.deepEqual((await carol.texts(conversation)).filter((text) => text.endsWith('after') || text.endsWith('last')), [])
})

test('rubbish of nobody in particular, and an admin who does not come: another member moves the group', async (t) => {
  const { all: [anna, ben, carol], end } = await people(['Anna', 'Ben', 'Carol'])
  t.after(end)
  const conversation = await gather(anna, ben, carol)
  await assertTogether([anna, ben, carol], conversation, 'before')
  for (const one of [anna, ben, carol]) await one.stop()
  const delivery = openSqliteDelivery({ file: ben.deliveryFile })
  await spoilEpoch(delivery, held(carol, conversation), 'unsigned')
  await delivery.close()
  for (const one of [ben, carol]) await one.start()
  await ben.say(conversation, 'are you there?')
  await hear(carol, conversation, 'are you there?')
  assert.equal(await has(ben, conversation, 'moved'), false)
  for (const one of [ben, carol]) one.now = () => Date.now() + 11 * minuteMs
  for (const one of [ben, carol]) await one.restart()
  for (const one of [ben, carol]) await hasMoved(one, conversation)
  await assertTogether([ben, carol], conversation, 'after')
  await anna.start()
  await hasMoved(anna, conversation)
  await assertTogether([anna, ben, carol], conversation, 'at last')
})

test('two members move the group at once: one of the moves stays, and nobody is left in the other', async (t) => {
  const { all: [anna, ben, carol], end } = await people(['Anna', 'Ben', 'Carol'])
  t.after(end)
  const conversation = await gather(anna, ben, carol)
  await assertTogether([anna, ben, carol], conversation, 'before')
  for (const one of [anna, ben, carol]) await one.stop()
  const delivery = openSqliteDelivery({ file: ben.deliveryFile })
  await spoilEpoch(delivery, held(carol, conversation), 'unsigned')
  await delivery.close()
  for (const one of [anna, ben, carol]) one.through = (own) => withoutLetters(withoutInbox(own))
  for (const one of [ben, carol]) await one.start()
  // Ben has seen it, and his turn comes while Anna's is there as well.
  await ben.say(conversation, 'hello?')
  await hear(carol, conversation, 'hello?')
  for (const one of [anna, ben]) one.now = () => Date.now() + 11 * minuteMs
  await ben.restart()
  await anna.start()
  for (const one of [anna, ben]) await hasMoved(one, conversation)
  const codes = await Promise.all([anna, ben].map((one) => code(one, conversation)))
  assert.notEqual(codes[0], codes[1])
  for (const one of [anna, ben, carol]) {
    one.through = asItIs
    await one.restart()
  }
  await until('all are in one epoch', async () => new Set(
    await Promise.all([anna, ben, carol].map((one) => code(one, conversation)))).size === 1)
  await assertTogether([anna, ben, carol], conversation, 'after')
})
