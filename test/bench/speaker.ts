import {
  decode, encode, fromHex, generateKeyPackage, KeyPackage, toHex, type Suite,
} from '../../main/mls/index.ts'
import { leafCapabilities, leafExtensions, leafLifetime } from '../../main/chat/extensions.ts'
import { decodeKeyPackageRecord, inboxLog, keyPackageLog } from '../../main/chat/mail.ts'
import { createRoom, makeCommit, winCommit } from '../../main/chat/membership.ts'
import type { Claimed, RoomState } from '../../main/chat/room.ts'
import type { Self } from '../../main/chat/self.ts'
import { encryptItems } from '../../main/chat/send.ts'
import { authentication, encodeCredential } from '../../main/identity/credential.ts'
import { accountIdFor, deviceIdFor, makeGenesis } from '../../main/identity/genesis.ts'
import type { Delivery } from '../../main/ports.ts'

/** A device with an account, as its groups see it. Nothing of it is kept. */
function newSelf(suite: Suite): Self {
  const device = suite.signatureKeyPair()
  const genesis = makeGenesis(suite, { recovery: suite.signatureKeyPair(), device, createdAt: Date.now() })
  const accountId = accountIdFor(suite, genesis.genesis)
  const deviceId = deviceIdFor(suite, device.publicKey)
  return {
    accountId: toHex(accountId), deviceId: toHex(deviceId), suite, signatureKeyPair: device, formerKeys: [],
    credential: encodeCredential({ accountId, deviceId, genesis, path: [] }),
    leafExtensions: leafExtensions({ n: 0, hash: accountId }), authentication: authentication(suite),
  }
}

/** A member of the crowd: its KeyPackage is right, and nobody has its keys. */
export function newMember(suite: Suite): Claimed {
  const { accountId, deviceId, ...self } = newSelf(suite)
  const { keyPackage } = generateKeyPackage(suite, {
    ...self, capabilities: leafCapabilities(), lifetime: leafLifetime(Date.now()), lastResort: false,
  })
  return { accountId, deviceId, keyPackage: toHex(encode(KeyPackage, keyPackage)), token: '' }
}

/** Somebody who makes a group, lets an app in, and talks to it; without an app or a store, so that only that one costs. */
export class Speaker {
  readonly #self: Self
  #state: RoomState | undefined
  #said = 0

  constructor(suite: Suite) {
    this.#self = newSelf(suite)
  }

  get room(): RoomState {
    if (this.#state === undefined) throw new Error('there is no group yet')
    return this.#state
  }

  /** A group with the crowd and the device of that id, which gets its Welcome. */
  async invite(delivery: Delivery, app: { readonly accountId: string, readonly deviceId: string }, crowd: readonly Claimed[]) {
    const records = await delivery.read(keyPackageLog(app.deviceId), 0, 100)
    const offer = records.map(({ bytes }) => decodeKeyPackageRecord(bytes)).find(({ lastResort }) => lastResort === 0)
    if (offer === undefined) throw new Error('no KeyPackage')
    decode(KeyPackage, offer.keyPackage)
    const invited = { ...app, keyPackage: toHex(offer.keyPackage), token: '' }
    const moment = { self: this.#self, now: Date.now() }
    const created = createRoom(moment, {
      kind: 'group', name: 'A crowd', peer: '', intents: [{ type: 'add', members: [invited, ...crowd] }],
    })
    const { state } = makeCommit(created.state, moment, { commits: 0, messages: 0 })
    if (state.pending === undefined) throw new Error('nobody to add')
    const won = winCommit(state, state.pending, moment)
    const mail = won.publish.find(({ log }) => log === inboxLog(app.deviceId))
    this.#state = won.state
    if (mail === undefined || this.#state.members.length !== crowd.length + 2) throw new Error('somebody was left out')
    await delivery.append(mail.log, mail.bytes)
  }

  /** The next text messages, as they stand in the log: `text` gets their numbers. */
  say(count: number, text: (number: number) => string): { readonly log: string, readonly records: readonly Uint8Array[] } {
    const { suite, accountId } = this.#self
    const items = Array.from({ length: count }, () => {
      this.#said += 1
      return {
        version: 1, room: fromHex(this.room.room.id), position: BigInt(this.#said), id: suite.random(16), counter: 0,
        sentAt: BigInt(Date.now()), body: { type: 'text', text: text(this.#said) },
      } as const
    })
    const made = encryptItems(this.room, items, () => undefined, accountId)
    this.#state = made.state
    const [first] = made.records
    if (first === undefined) throw new Error('nothing was said')
    return { log: first.log, records: made.records.map(({ bytes }) => bytes) }
  }
}
