/**
 * Whoever has their own script in the window, on the channel that the window has: every Call with what no honest window
 * would send, all of them in floods, and all that they can answer searched for what must never cross.
 */
import assert from 'node:assert/strict'
import { test, type TestContext } from 'node:test'
import { State } from '../../main/app/state.ts'
import { bindCalls } from '../../main/ipc.ts'
import type { InvokeEvent, WebContents } from '../../main/electron.ts'
import { calls, errorCodes, type Answer, type CallName } from '../../preload/api.ts'
import { pngOf, sendFiles } from './attach.ts'
import { argumentsOf, callNames, type Known } from './every-call.ts'
import { Guarded, passphrase } from './guarded.ts'
import { secretsIn } from './ledger.ts'
import { people, until, type Person } from './world.ts'

const origin = 'app://coppice/'

/** The channel between a window and this person's app, as Electron would bind it. */
function channelTo(person: Person): { readonly ask: (name: unknown, argument: unknown) => Promise<Answer<unknown>>, readonly reports: string[] } {
  const contents = {} as WebContents
  const own: InvokeEvent = { sender: contents, senderFrame: { url: `${origin}index.html`, parent: null } }
  const reports: string[] = []
  let listener: (event: InvokeEvent, ...values: unknown[]) => unknown = () => assert.fail('nobody listens')
  bindCalls({
    ipcMain: { handle: (_channel, bound) => { listener = bound } }, contents, origin,
    handle: (name, argument) => person.answer(name, argument as never), report: (line) => { reports.push(line) },
  })
  return { reports, ask: async (name, argument) => await listener(own, name, argument) as Answer<unknown> }
}

async function chatting(t: TestContext) {
  const { all: [ben, cara], end } = await people(['Ben', 'Cara'])
  const anna = new Guarded('Anna', ben.folder)
  t.after(async () => {
    await anna.stop()
    await end()
  })
  await anna.begin(passphrase)
  const invite = await ben.invite()
  const { conversation } = await anna.call('conversation.direct', { invite })
  await ben.accept()
  await anna.say(conversation, 'a sentence under the alder')
  await until('Ben reads it', async () => (await ben.texts(conversation)).length === 1)
  const [device] = await anna.call('devices.list', {})
  const other = (await anna.conversation(conversation))?.people.find(({ own }) => !own)
  assert.ok(device !== undefined && other !== undefined)
  const { id: inviteId } = await anna.call('invite.make', {})
  const known: Known = { conversation, accountId: other.accountId, deviceId: device.deviceId, invite, inviteId }
  return { anna, ben, cara, known }
}

// ---------------------------------------------------------------- sizes

/** The longest text, list and bytes, and the largest number, that a field takes: by its name, or for one Call alone. */
const largest: Readonly<Record<string, number>> = {
  'address': 2_048, 'attachments[]': 20, 'bytes': 2 ** 18, 'code': 4_096, 'current': 1_024, 'digits': 20, 'entries[]': 100,
  'entries[].': 100, 'entry': 100, 'invite': 4_096, 'invites[]': 100, 'invites[].': 4_096, 'mediaType': 100, 'name': 80,
  'attachment.begin name': 1_000, 'passphrase': 1_024, 'people[]': 500, 'profile': 40, 'settings.languages[]': 10,
  'settings.proxy.host': 253, 'text': 20_000, 'search text': 200, 'token': 400, 'backup.keep token': 64, 'typed': 1_024,
  'backup.keep key': 1_024, 'words': 1_000, 'words[]': 3, 'words[].word': 20, 'words[].position': 24,
  'shell.shown conversation': 64, 'settings.proxy.port': 65_535, 'piece': 1_000, 'entries.page limit': 500, 'search limit': 100,
  ...Object.fromEntries(['before', 'order', 'size', 'settings.quietUntil'].map((name) => [name, Number.MAX_SAFE_INTEGER])),
}
const identifier = 'a'.repeat(64)
const isIdentifier = 'identifier'

type Field = { readonly path: string, readonly of: (size: number) => unknown }

/** Every field of an argument, and the argument with another size of it. */
function* fieldsIn(value: unknown, around: (value: unknown) => unknown, path = ''): Generator<Field> {
  if (typeof value === 'string') yield { path, of: (size) => around('a'.repeat(size)) }
  if (typeof value === 'number') yield { path, of: around }
  if (value instanceof Uint8Array) yield { path, of: (size) => around(new Uint8Array(size)) }
  else if (Array.isArray(value)) {
    const [one = path === 'settings.languages' ? 'en' : identifier] = value as unknown[]
    yield { path: `${path}[]`, of: (size) => around(Array<unknown>(size).fill(one)) }
    if (value.length > 0) yield* fieldsIn(one, (other) => around([other]), `${path}[].`)
  } else if (typeof value === 'object' && value !== null) {
    const inside = path === '' || path.endsWith('.') ? path : `${path}.`
    for (const [key, part] of Object.entries(value)) {
      yield* fieldsIn(part, (other) => around({ ...value, [key]: other }), `${inside}${key}`)
    }
  }
}

/** Undefined for one of a few words or numbers. */
function largestOf(takes: (size: number) => boolean): number | typeof isIdentifier | undefined {
  if (takes(64) && !takes(63) && !takes(65)) return isIdentifier
  if (![1, 2].every(takes)) return undefined
  let good = 2
  let bad = good
  while (takes(bad)) bad = Math.min(bad * 2, Number.MAX_SAFE_INTEGER + 1)
  while (bad - good > 1) {
    const middle = Math.floor((good + bad) / 2)
    if (takes(middle)) good = middle
    else bad = middle
  }
  return good
}

test('no Call takes more in any of its fields than a person can mean', () => {
  const known = { conversation: identifier, accountId: identifier, deviceId: identifier, invite: 'i', inviteId: identifier }
  const seen = new Set<string>()
  for (const name of callNames) {
    for (const { path, of } of fieldsIn(argumentsOf[name](known), (value) => value)) {
      const found = largestOf((size) => calls[name].check(of(size)))
      if (found === undefined || found === isIdentifier) continue
      const at = `${name} ${path}` in largest ? `${name} ${path}` : path
      seen.add(at)
      assert.equal(found, largest[at], `${name} ${path}`)
    }
  }
  assert.deepEqual(Object.keys(largest).filter((at) => !seen.has(at)), [])
})

// ---------------------------------------------------------------- fuzz

const huge = Buffer.alloc(100 * 2 ** 20, 'a').toString('latin1')
const many = Array.from({ length: 100_000 }, () => 'a'.repeat(64))
const deep = (() => {
  let value: unknown = 'end'
  for (let depth = 0; depth < 1_000; depth += 1) value = { text: value }
  return value
})()
const wide = Object.fromEntries(many.map((_, at) => [`key${at}`, at]))

class Foreign { readonly name = 'Eve' }

/** What comes through a structured clone, and what does not even do that. */
const oddities: readonly unknown[] = [
  undefined, null, true, false, 0, -0, -1, 1.5, NaN, Infinity, 2 ** 53, 10n, '', ' ', '\0', '\ud800', 'constructor', '__proto__', '../../etc/passwd',
  'a'.repeat(33), 'A'.repeat(64), huge, [], [[]], many, {}, deep, wide, new Map([['name', 'Eve']]), new Set(['Eve']), new Date(), /x/,
  new Error('Eve'), new Uint8Array(64), new ArrayBuffer(64), new Foreign(), Object.create({ name: 'Eve' }),
  JSON.parse('{"__proto__": {"name": "Eve"}, "name": "Eve"}'), { toString: 'x', valueOf: 1 }, { length: 3, 0: 'a' },
]

/** Arguments that are nearly right. */
function* bent(right: Readonly<Record<string, unknown>>): Generator {
  yield* oddities
  yield { ...right, more: 1 }
  yield { ...right, toString: 'x' }
  yield Object.assign(Object.create({ polluted: true }) as object, right)
  yield [right]
  yield Object.entries(right)
  for (const key of Object.keys(right)) {
    yield Object.fromEntries(Object.entries(right).filter(([name]) => name !== key))
    for (const odd of oddities) yield { ...right, [key]: odd }
    yield { ...right, [key]: [right[key]] }
    if (Array.isArray(right[key])) yield { ...right, [key]: [...right[key] as unknown[], ...oddities] }
  }
}

/** The window cannot reach these itself; what closes the profile would end the story. */
const closing: ReadonlySet<CallName> = new Set(['lock.now', 'profile.remove', 'account.close'])

function assertTyped(name: CallName, answer: Answer<unknown>): void {
  if (answer.ok) return
  assert.ok((errorCodes as readonly string[]).includes(answer.code) && answer.code !== 'bug', `${name}: ${answer.code}`)
  // A detail is a name or a number, and never what was sent.
  assert.ok((answer.detail ?? '').length < 100, name)
}

for (const phase of ['new', 'ready', 'locked'] as const) {
  test(`every Call with wrong types, sizes and prototypes is refused by a code, in the phase '${phase}'`, async (t) => {
    const { anna, ben, known } = await chatting(t)
    const person = phase === 'new' ? new Guarded('Eve', ben.folder) : anna
    if (phase === 'new') {
      await person.start()
      t.after(() => person.stop())
    }
    if (phase === 'locked') await anna.call('lock.now', {})
    const { ask, reports } = channelTo(person)
    let refused = 0
    for (const name of callNames) {
      for (const argument of bent(argumentsOf[name](known))) {
        // What is right by chance is a Call like another, and answered like one.
        const answer = closing.has(name) || name.startsWith('setup.') ? await refusedAtOnce(ask, name, argument) : await ask(name, argument)
        if (answer === undefined) continue
        assertTyped(name, answer)
        if (!answer.ok && answer.code === 'bad-argument') refused += 1
      }
    }
    for (const name of [...oddities, 'toString', '__proto__', 'hasOwnProperty', 'app.open\0']) {
      assert.deepEqual(await ask(name, {}), { ok: false, code: 'bad-argument' })
    }
    assert.ok(refused > 2_000, `${refused} refusals`)
    assert.deepEqual([...person.bugs, ...reports], [])
    assert.equal(({} as Record<string, unknown>)['polluted'] ?? ({} as Record<string, unknown>)['name'], undefined)
    // Nothing is broken: the story goes on.
    if (phase === 'new') return
    if (phase === 'locked') await anna.call('setup.unlock', { passphrase })
    await ben.say(known.conversation, 'still here')
    await until('Anna reads it', async () => (await anna.texts(known.conversation)).includes('still here'))
    assert.deepEqual(anna.bugs, [])
  })
}

/** Of Calls that would change the phase only what the table's checks refuse is tried. */
async function refusedAtOnce(
  ask: (name: unknown, argument: unknown) => Promise<Answer<unknown>>, name: CallName, argument: unknown,
): Promise<Answer<unknown> | undefined> {
  return calls[name].check(argument) ? undefined : ask(name, argument)
}

test('a flood of Calls does not keep messages from coming in, nor the person from being answered', async (t) => {
  const { anna, ben, known } = await chatting(t)
  const { ask } = channelTo(anna)
  const flood = { on: true, answered: 0, asked: 0 }
  t.after(() => { flood.on = false })
  const harmless = ['app.open', 'search', 'entries.page', 'conversation.details', 'person.safety', 'devices.list', 'people.known'] as const
  // As fast as messages of a process come, and without waiting for an answer.
  const pour = async (): Promise<void> => {
    while (flood.on) {
      for (let at = 0; at < 50; at += 1) {
        const name = harmless[flood.asked % harmless.length]
        assert.ok(name !== undefined)
        flood.asked += 1
        void ask(name, flood.asked % 3 === 0 ? { text: huge } : argumentsOf[name](known)).then(() => { flood.answered += 1 })
      }
      await new Promise((resolve) => { setImmediate(resolve) })
    }
  }
  const poured = pour()
  await ben.say(known.conversation, 'through the flood')
  await until('Anna reads it', async () => (await anna.texts(known.conversation)).includes('through the flood'))
  await anna.say(known.conversation, 'and back')
  await until('Ben reads it', async () => (await ben.texts(known.conversation)).includes('and back'))
  flood.on = false
  await poured
  assert.ok(flood.asked > 100, `${flood.asked} asked`)
  await until('all are answered', () => Promise.resolve(flood.answered === flood.asked))
  assert.deepEqual(anna.bugs, [])
})

/** The bytes of every secret that any app of this process holds at any time from now on. */
function collectSecrets(t: TestContext): ReadonlySet<string> {
  const found = new Set<string>()
  const { transact } = State.prototype
  t.after(() => { State.prototype.transact = transact })
  const collect = (state: State): void => {
    for (const secret of secretsIn(state).keys()) {
      const bytes = secret.unwrap()
      if (bytes.length >= 16 && bytes.some((octet) => octet !== 0)) found.add(Buffer.from(bytes).toString('hex'))
    }
  }
  State.prototype.transact = function (this: State, transaction): void {
    collect(this)
    transact.call(this, transaction)
    collect(this)
  }
  return found
}

/** All that a script can read in what crossed, bytes as hexadecimal digits. */
const readable = (crossed: unknown): string => JSON.stringify(crossed, (_key, value: unknown) =>
  value instanceof Uint8Array || value instanceof ArrayBuffer ? Buffer.from(value as Uint8Array).toString('hex') : value)

function assertNothingSecret(crossed: unknown, secrets: ReadonlySet<string>, never: readonly string[]): void {
  const text = readable(crossed)
  for (const secret of secrets) {
    const bytes = Buffer.from(secret, 'hex')
    for (const form of [secret, bytes.toString('base64').replace(/=+$/, ''), bytes.toString('base64url'), JSON.stringify([...bytes]).slice(1, -1)]) {
      assert.ok(!text.includes(form), 'a secret crossed')
    }
  }
  for (const word of never) assert.ok(!text.includes(word), `${word} crossed`)
}

/** A picture that Ben sends to Anna is hers to read, and nobody else's on this computer, by whatever name. */
async function assertNoForeignPicture(anna: Person, ben: Person, cara: Person, { conversation, accountId }: Known): Promise<void> {
  const [picture] = await sendFiles(ben, conversation, 'for Anna alone', {
    name: 'oak.png', mediaType: 'image/png', bytes: pngOf({ width: 4, height: 4 }),
  })
  const { entries } = await ben.call('entries.page', { conversation, before: 0, limit: 500 })
  const [hash = '', entry = ''] = [picture?.hash, entries.at(-1)?.id]
  const [own, stranger] = [channelTo(anna), channelTo(cara)]
  await until('the picture comes', async () => (await own.ask('attachment.read', { hash, piece: 0 })).ok)
  for (const name of [hash, conversation, accountId]) {
    assert.deepEqual(await stranger.ask('attachment.read', { hash: name, piece: 0 }), { ok: false, code: 'bad-argument', detail: 'hash' })
  }
  for (const name of ['attachment.fetch', 'attachment.save', 'attachment.again', 'attachment.stop'] as const) {
    assert.deepEqual(await stranger.ask(name, { entry, hash }), { ok: false, code: 'bad-argument', detail: 'entry' }, name)
  }
  assert.equal(cara.saved.size, 0)
}

test('a script in the window gets no key, no path and no stack trace by any Call or Change', async (t) => {
  const secrets = collectSecrets(t)
  const { anna, ben, cara, known } = await chatting(t)
  const words = await anna.call('recovery.words', {})
  await anna.call('recovery.confirm', { words: [3, 9, 24].map((position) => ({ position, word: words[position - 1] ?? '' })) })
  await assertNoForeignPicture(anna, ben, cara, known)
  // Somebody whom Anna has not answered.
  const { conversation: request } = await cara.call('conversation.direct', { invite: (await anna.call('invite.show', {})).text })
  await cara.say(request, 'the words of a stranger')
  await until('Anna has a request', async () => (await anna.conversation(request))?.state === 'request')
  const { ask } = channelTo(anna)
  const crossed: unknown[] = []
  const last: readonly CallName[] = ['conversation.decline', 'conversation.leave', 'lock.now', 'app.open']
  for (const conversation of [request, known.conversation]) {
    for (const name of callNames.filter((one) => !last.includes(one))) {
      crossed.push(await ask(name, argumentsOf[name]({ ...known, conversation })))
    }
    // The words of a request are nobody's to read before it is accepted; accepting shows in the list.
    if (conversation === request) assert.equal((await anna.conversation(request))?.state, 'active')
  }
  for (const name of last) crossed.push(await ask(name, argumentsOf[name](known)))
  assert.ok(secrets.size > 200, `${secrets.size} secrets were held`)
  const anywhere = [anna.folder, '.sqlite', 'file://', 'node_modules', '\\n    at ', words.slice(0, 3).join(' '), words.slice(0, 3).join('","')]
  assertNothingSecret([crossed, anna.changes], secrets, anywhere)
  // The search can fail.
  const [one = ''] = secrets
  assert.throws(() => { assertNothingSecret([Buffer.from(one, 'hex').toString('base64')], secrets, []) })
  assert.throws(() => { assertNothingSecret([new Uint8Array(Buffer.from(one, 'hex'))], secrets, []) })
  for (const person of [anna, ben, cara]) assert.deepEqual(person.bugs, [])
})
