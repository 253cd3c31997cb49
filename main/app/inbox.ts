import { fromHex, MlsError } from '../mls/index.ts'
import { matchesToken } from '../chat/invite.ts'
import { readMail, receiveWelcome, type Mail, type OwnKeyPackage } from '../chat/requests.ts'
import type { LogRecord } from '../ports.ts'
import { joinTwins } from './direct.ts'
import type { State } from './state.ts'

/** How many unanswered requests are kept; a flood of them must not fill the list. */
const requestLimit = 200

/** One record of this device's inbox: a Welcome becomes a request; anything else is skipped. */
export function onInbox(state: State, log: string, record: LogRecord): void {
  const mail = readMail(record.bytes)
  const reference = mail?.references.find((one) => state.keyPackages.has(one))
  const own = reference === undefined ? undefined : state.keyPackages.get(reference)
  const cursor = { log, seq: record.seq }
  if (mail === undefined || own === undefined) {
    state.transact({ cursors: [cursor] })
    return
  }
  try {
    welcome(state, { mail, own, cursor })
  } catch (error) {
    if (!(error instanceof MlsError)) throw error
    // Damaged on the way, or made by somebody who breaks the rules: said once, and the queue goes on.
    const detail = error.rule === undefined ? {} : { detail: error.rule }
    state.transact({ cursors: [cursor], notice: { code: 'invitation-broken', ...detail } })
  }
}

function welcome(state: State, input: {
  readonly mail: Mail, readonly own: OwnKeyPackage, readonly cursor: { readonly log: string, readonly seq: number }
}): void {
  const { mail, own, cursor } = input
  const invited = receiveWelcome(mail, own, {
    moment: state.moment(), suiteOf: state.ports.suiteOf, byInvite: holdsInvite(state, mail),
    known: (id) => state.rooms.get(id),
  })
  // RFC 9420 §10: a KeyPackage is used once, except one of last resort.
  const spent = own.lastResort ? [] : [own.reference]
  const wipe = own.lastResort ? [] : invited?.wipe ?? []
  const room = invited?.step.state.room
  if (invited === undefined || room === undefined || state.declined.has(room.id) || tooMany(state)) {
    state.transact({ cursors: [cursor], removedKeyPackages: spent, wipe })
    return
  }
  state.transact({
    steps: [invited.step], removedKeyPackages: spent, wipe, cursors: [cursor, ...startOf(mail, room.log)],
  })
  joinTwins(state, room.id)
}

const holdsInvite = (state: State, mail: Mail): boolean =>
  mail.mail.tokenProof.length > 0 && [...state.invites.values()].some((invite) =>
    invite.expiresAt > state.ports.now()
    && matchesToken(state.self.suite, fromHex(invite.token), mail.mail.welcome, mail.mail.tokenProof))

/** The group's logs are read from where they stood when this device was added; hints, so nothing depends on them. */
const startOf = (mail: Mail, log: string): readonly { readonly log: string, readonly seq: number }[] => [
  { log: `h.${log}`, seq: Number(mail.mail.commitsAfter) }, { log: `m.${log}`, seq: Number(mail.mail.messagesAfter) },
]

const tooMany = (state: State): boolean =>
  [...state.rooms.values()].filter(({ room }) => room.state === 'request').length >= requestLimit
