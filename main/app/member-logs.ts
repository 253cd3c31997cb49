import { leavesOf, type Group, type LeafNode } from '../mls/index.ts'
import type { DeviceLog } from '../identity/device-log.ts'
import { accountOf } from '../chat/account-of.ts'
import { agreement, dishonoured, headOf, nameOfHead } from '../chat/heads.ts'
import type { DeviceLogHead } from '../chat/extensions.ts'
import { alarm } from './alarms.ts'
import { refreshLog } from './device-log.ts'
import type { State } from './state.ts'
import type { Tasks } from './tasks.ts'

/** The device logs of everybody in the conversations: read when they are met, and compared with what their leaves say. */

const minuteMs = 60 * 1000
/** Often enough to hear of a revocation that no commit has brought. */
const rereadMs = 24 * 60 * minuteMs
/** A leaf may tell of an entry a moment before it can be read, and not for longer. */
export const aheadMs = 10 * minuteMs
/** Somebody who says that they close their account does so in seconds; it is looked for a while. */
const soonMs = 5_000
const expectedMs = 60 * minuteMs

export class MemberLogs {
  readonly #state: State
  readonly #readAt = new Map<string, number>()
  /** By which log each leaf was judged, and trees in which all are, by the version of the logs. */
  readonly #judged = new WeakMap<LeafNode, DeviceLog>()
  readonly #done = new WeakMap<Group['tree'], number>()
  #allReadAt = -Infinity
  /** When something that was not there yet is looked for again. */
  #againAt = Infinity
  #revoked = false
  readonly #aheadSince = new Map<string, number>()
  /** Accounts that are about to be closed, and since when that is known. */
  readonly #expected = new Map<string, number>()

  constructor(state: State) {
    this.#state = state
  }

  /** What somebody has just said of their account stands in its log soon. */
  expect(accountIds: readonly string[]): void {
    const now = this.#state.ports.now()
    for (const accountId of accountIds) {
      this.#expected.set(accountId, now)
      this.#againAt = Math.min(this.#againAt, now + soonMs)
    }
  }

  /** Looks soon, and again when it is time. `onRevoked`: somebody has taken a device back. */
  follow(tasks: Tasks, onRevoked: () => void): void {
    tasks.run('members', async () => {
      const waitMs = await this.#tend(() => tasks.isStopped)
      if (this.#revoked) onRevoked()
      this.#revoked = false
      if (waitMs !== undefined) tasks.wake('members', waitMs, () => { this.follow(tasks, onRevoked) })
    })
  }

  /** Reads and compares what is due. Gives how long until there is something to look at again, if there is. */
  async #tend(isStopped: () => boolean): Promise<number | undefined> {
    const { deviceLogs, ports } = this.#state
    const { version } = deviceLogs
    const isDaily = ports.now() - this.#allReadAt >= rereadMs
    const isTime = ports.now() >= this.#againAt
    if (isTime) this.#againAt = Infinity
    const trees = [...this.#state.rooms.values()].flatMap(({ group }) => group?.tree ?? [])
      .filter((tree) => isDaily || isTime || this.#done.get(tree) !== version)
    let waits = false
    for (const [accountId, leaves] of peopleIn(trees)) {
      if (isStopped()) return undefined
      if (await this.#look(accountId, leaves)) waits = true
    }
    if (isDaily) this.#allReadAt = ports.now()
    for (const tree of trees) this.#done.set(tree, version)
    if (waits) this.#againAt = Math.min(this.#againAt, ports.now() + minuteMs)
    return this.#againAt === Infinity ? undefined : Math.max(0, this.#againAt - ports.now())
  }

  /** Says whether some leaf has to be looked at again. */
  async #look(accountId: string, leaves: readonly LeafNode[]): Promise<boolean> {
    const { deviceLogs, ports } = this.#state
    const isAhead = leaves.some((leafNode) => {
      const [log, head] = [deviceLogs.get(accountId), headOf(leafNode)]
      return log === undefined || (head !== undefined && agreement(log, head) === 'ahead')
    })
    const age = ports.now() - (this.#readAt.get(accountId) ?? -Infinity)
    const isExpected = this.#expects(accountId)
    if (age >= rereadMs || (isAhead && age >= minuteMs) || isExpected) {
      const before = deviceLogs.get(accountId)
      const after = await refreshLog(this.#state, accountId)
      if (after !== before && after?.devices.some(({ revoked }) => revoked) === true) this.#revoked = true
      this.#readAt.set(accountId, ports.now())
    }
    const log = deviceLogs.get(accountId)
    // An account whose log nobody can find says nothing about itself.
    if (log === undefined) return true
    if (isExpected && this.#expects(accountId)) return true
    return leaves.filter((leafNode) => this.#judge(log, leafNode)).length > 0
  }

  #expects(accountId: string): boolean {
    const isOpen = this.#state.deviceLogs.get(accountId)?.closed === undefined
    return isOpen && this.#state.ports.now() - (this.#expected.get(accountId) ?? -Infinity) < expectedMs
  }

  /** Says whether the leaf has to be looked at again. */
  #judge(log: DeviceLog, leafNode: LeafNode): boolean {
    if (this.#judged.get(leafNode) === log) return false
    const head = headOf(leafNode)
    const found = head === undefined ? 'agrees' : agreement(log, head)
    if (head !== undefined && found === 'ahead' && this.#mayCome(log.accountId, head)) return true
    if (head !== undefined && found !== 'agrees') alarm(this.#state, log.accountId, 'split', nameOfHead(head))
    const n = dishonoured(log, leafNode)
    if (n !== undefined) alarm(this.#state, log.accountId, 'certificate', String(n))
    this.#judged.set(leafNode, log)
    return false
  }

  /** Two leaves that tell of different entries of one number cannot both be right, whatever comes. */
  #mayCome(accountId: string, head: DeviceLogHead): boolean {
    const now = this.#state.ports.now()
    const key = `${accountId} ${nameOfHead(head)}`
    const rival = [...this.#aheadSince.keys()].some((other) =>
      other !== key && other.startsWith(`${accountId} ${head.n} `))
    const since = this.#aheadSince.get(key) ?? now
    this.#aheadSince.set(key, since)
    return !rival && now - since < aheadMs
  }
}

function peopleIn(trees: readonly Group['tree'][]): ReadonlyMap<string, readonly LeafNode[]> {
  const people = new Map<string, LeafNode[]>()
  for (const { leafNode } of trees.flatMap((tree) => leavesOf(tree))) {
    const accountId = accountOf(leafNode)
    const leaves = people.get(accountId) ?? []
    people.set(accountId, leaves)
    leaves.push(leafNode)
  }
  return people
}
