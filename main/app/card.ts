import { decode, encode, fromHex, leavesOf, toHex, type Group } from '../mls/index.ts'
import { Card, cardLog, writeCard, type CardGroup } from '../identity/card.ts'
import { deviceIdOf } from '../identity/credential.ts'
import { SignedGenesis } from '../identity/genesis.ts'
import { accountOf } from '../chat/account-of.ts'
import { groupIdOf, type RoomState } from '../chat/room.ts'
import type { State } from './state.ts'

/** Keeps the recovery card true: what the 24 words alone will find (identity/card.ts). */

/** How many devices of a group stand on the card: those that are asked first are asked by the first request. */
const helperLimit = 10

/** Writes the card anew when what it says has changed; kept before it is published. */
export function tendCard(state: State): void {
  const { account, ports, self } = state
  const card: Card = {
    genesis: decode(SignedGenesis, account.genesis), name: account.name, address: ports.delivery.address, madeAt: 0,
    groups: [...state.rooms.values()].flatMap((room) => groupOf(state, room)),
  }
  const digest = toHex(self.suite.hash(encode(Card, card)))
  const content = `${toHex(account.recoveryCardName)} ${toHex(self.signatureKeyPair.publicKey)} ${digest}`
  if (content === state.cardContent) return
  const bytes = writeCard(self.suite, { ...card, madeAt: ports.now() }, {
    credential: self.credential, key: self.signatureKeyPair, sealKey: account.recoverySealKey,
    cardName: account.recoveryCardName,
  })
  state.transact({
    cardContent: content,
    publish: [{ log: cardLog(account.recoveryCardName), slot: '', bytes, target: { type: 'record' } }],
  })
}

function groupOf(state: State, { room, group }: RoomState): readonly CardGroup[] {
  // The own group is found again through the own devices.
  if (room.kind === 'self' || room.state !== 'active' || room.leaving) return []
  // One that this device has not come back to yet is still to be found.
  const helpers = group === undefined ? room.helpers.map(bytesOf) : helpersIn(group, state.self.deviceId)
  if (helpers.length === 0) return []
  return [{
    groupId: fromHex(groupIdOf(room)), log: fromHex(room.log), kind: room.kind,
    title: room.kind === 'direct' ? state.contacts.get(room.peer)?.name ?? '' : room.name, helpers,
  }]
}

const found = new WeakMap<Group['tree'], CardGroup['helpers']>()

/** The first other devices by leaf order, which changes least. */
function helpersIn({ tree }: Group, own: string): CardGroup['helpers'] {
  const known = found.get(tree)
  if (known !== undefined) return known
  const helpers = leavesOf(tree).map(({ leafNode }) => ({ accountId: accountOf(leafNode), deviceId: deviceIdOf(leafNode.credential) }))
    .filter(({ deviceId }) => deviceId !== own).slice(0, helperLimit)
    .map(bytesOf)
  found.set(tree, helpers)
  return helpers
}

const bytesOf = ({ accountId, deviceId }: RoomState['room']['helpers'][number]) =>
  ({ accountId: fromHex(accountId), deviceId: fromHex(deviceId) })
