import { decode, leafAt, MlsError, MLSMessage, provenSender, type LeafNode } from '../mls/index.ts'
import type { LogRecord } from '../ports.ts'
import { deviceIdOf } from '../identity/credential.ts'
import { attemptLimit } from './membership.ts'
import type { Room, RoomState } from './room.ts'
import { groupLog, openRecord } from './sealed.ts'

/** Rubbish in the slots of an epoch, and who is known to have put it there. */

/** The room after a record that is a commit for nobody: the next attempt, and one more suspect where it has a maker. */
export function spoilt(
  state: RoomState, { error, record }: { readonly error: MlsError, readonly record: LogRecord }, now: number,
): Partial<Room> {
  const { attempt, suspects } = state.room
  const maker = error.rule === '12.4.2.confirmation-tag' ? undefined : makerOf(state, record)
  return {
    attempt: attempt + 1, ...attempt + 1 >= attemptLimit ? { spoiltAt: now } : {},
    ...maker === undefined || suspects.includes(maker) ? {} : { suspects: [...suspects, maker] },
  }
}

/** The leaf that signed the commit in a record of this epoch, as its signature and its membership tag prove. */
export function provenCommitter(state: RoomState, record: Pick<LogRecord, 'bytes'>): LeafNode | undefined {
  return committed(state, record)?.leaf
}

/**
 * The device that made an invalid commit, where only that one can have: what a commit references travels beside it, and
 * any member could leave that out, or put a signed commit's tags wrong; the signed rest is its maker's alone.
 */
function makerOf(state: RoomState, record: Pick<LogRecord, 'bytes'>): string | undefined {
  const found = committed(state, record)
  return found === undefined || found.references ? undefined : deviceIdOf(found.leaf.credential)
}

function committed(
  { group, room, seals }: RoomState, { bytes }: Pick<LogRecord, 'bytes'>,
): { readonly leaf: LeafNode, readonly references: boolean } | undefined {
  const seal = seals.find(({ epoch }) => epoch === group?.context.epoch)
  if (group === undefined || seal === undefined) return undefined
  try {
    const last = openRecord(group.suite, seal, groupLog('h', room.log), bytes).at(-1)
    if (last === undefined) return undefined
    const message = decode(MLSMessage, last)
    if (message.body.type !== 'publicMessage') return undefined
    const { content } = message.body.publicMessage.content
    const sender = content.type === 'commit' ? provenSender(group, message) : undefined
    const leaf = sender === undefined ? undefined : leafAt(group.tree, sender)
    if (leaf === undefined || content.type !== 'commit') return undefined
    return { leaf, references: content.commit.proposals.some(({ type }) => type === 'reference') }
  } catch (error) {
    if (error instanceof MlsError) return undefined
    throw error
  }
}
