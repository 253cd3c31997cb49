import { status, type ServiceError } from '@grpc/grpc-js'
import assert from 'node:assert/strict'
import { spawn } from 'node:child_process'
import { randomBytes, randomInt } from 'node:crypto'
import { once } from 'node:events'
import path from 'node:path'
import { createInterface } from 'node:readline'
import { after, before, describe, test } from 'node:test'
import { seededRandom } from '../mls/group-world.ts'
import { supportedSuites } from './book.ts'
import { Remote } from './client.ts'
import { callNames } from './definition.ts'
import { randomWalk, scenarios, type Scenario } from './scenarios.ts'
import { serve, type InteropServer } from './server.ts'
import { Stage, type Mode } from './stage.ts'

// The server is driven over real gRPC. INTEROP_SEED repeats a random walk.

const seed = process.env['INTEROP_SEED'] ?? String(randomInt(2 ** 32))
const bytes = (text: string): Uint8Array => new TextEncoder().encode(text)
const otherSuite = (suite: number): number => supportedSuites.find((each) => each !== suite) ?? suite

const modes: readonly Omit<Mode, 'suite' | 'otherSuite'>[] = [false, true].flatMap((encrypted) =>
  [false, true].map((externalTree) => ({ encrypted, externalTree })))
const nameOf = ({ encrypted, externalTree }: Omit<Mode, 'suite' | 'otherSuite'>): string =>
  `handshakes ${encrypted ? 'encrypted' : 'in clear'}, trees ${externalTree ? 'outside' : 'inside'}`

describe('the server of the interop interface', () => {
  let servers: readonly InteropServer[]
  let clients: readonly Remote[]

  // Two clients of one server, and one of another, which offers GREASE.
  before(async () => {
    const [plain, greasing] = [await serve({ port: 0, grease: false }), await serve({ port: 0, grease: true })]
    servers = [plain, greasing]
    clients = [plain, greasing, plain].map(({ port }) => new Remote(port))
  })
  after(async () => {
    for (const client of clients) client.close()
    for (const server of servers) await server.stop()
  })

  /** Plays it, and sees that nothing of it stays at the server. */
  async function play(scenario: Scenario, mode: Mode): Promise<void> {
    const held = servers.map((server) => server.held())
    const stage = new Stage(clients, mode)
    await stage.play(scenario)
    await stage.clear()
    assert.deepEqual(servers.map((server) => server.held()), held, 'something of the scenario is still held')
  }

  for (const mode of modes) describe(`plays in suite 1 with ${nameOf(mode)}:`, () => {
    for (const [name, scenario] of Object.entries(scenarios)) {
      test(name, () => play(scenario, { ...mode, suite: 1, otherSuite: otherSuite(1) }))
    }
  })

  // The scenarios that touch the most, on the other suites.
  const broad = Object.entries(scenarios).filter(([name]) => /by another member|ReInit to another suite/.test(name))
  for (const suite of supportedSuites.slice(1)) describe(`plays in suite ${suite}:`, () => {
    for (const [name, scenario] of broad) {
      test(name, () => play(scenario, { suite, otherSuite: otherSuite(suite), encrypted: true, externalTree: true }))
    }
  })

  for (const mode of modes.slice(1, 3)) test(`walks at random, INTEROP_SEED=${seed}, ${nameOf(mode)}`, async () => {
    const random = seededRandom(`interop ${seed} ${nameOf(mode)}`)
    const below = (limit: number): number => new DataView(random(4).buffer).getUint32(0) % limit
    await play(randomWalk(20, below), { ...mode, suite: 1, otherSuite: 1 })
  })

  describe('answers errors and goes on:', () => {
    const failing = async (answer: Promise<unknown>): Promise<ServiceError> => {
      const error = await answer.then(() => undefined, (reason: unknown) => reason as ServiceError)
      assert.ok(error !== undefined, 'the call should fail')
      return error
    }
    let client: Remote
    before(() => { client = clients[0] as Remote })
    const create = (identity: string) => client.call('CreateGroup', {
      groupId: randomBytes(16), cipherSuite: 1, identity: bytes(identity),
    })
    /** A group of two: their states. */
    async function pair(): Promise<readonly [number, number]> {
      const { stateId } = await create('ann')
      const { transactionId, keyPackage } =
        await client.call('CreateKeyPackage', { cipherSuite: 1, identity: bytes('ben') })
      const { proposal } = await client.call('AddProposal', { stateId, keyPackage })
      const { welcome } = await client.call('Commit', { stateId, byReference: [proposal] })
      await client.call('HandlePendingCommit', { stateId })
      const joined = await client.call('JoinGroup', { transactionId, welcome })
      return [stateId, joined.stateId]
    }

    test('a refusal carries the code and the rule of the engine', async () => {
      const [ann, ben] = await pair()
      const { proposal } = await client.call('UpdateProposal', { stateId: ann })
      const error = await failing(client.call('Commit', { stateId: ann, byReference: [proposal] }))
      assert.equal(error.code, status.FAILED_PRECONDITION)
      assert.match(error.details, /^refused by 12\.2\.own-update: /)
      assert.deepEqual(error.metadata.get('mls-code'), ['refused'])
      assert.deepEqual(error.metadata.get('mls-rule'), ['12.2.own-update'])
      // It was not committed: the other one does.
      const { commit } = await client.call('Commit', { stateId: ben, byReference: [proposal] })
      const { epochAuthenticator } = await client.call('HandlePendingCommit', { stateId: ben })
      const followed = await client.call('HandleCommit', { stateId: ann, commit })
      assert.deepEqual(followed.epochAuthenticator, epochAuthenticator)
    })

    test('a damaged commit leaves the state as it was, and the right one is followed', async () => {
      const [ann, ben] = await pair()
      const { commit } = await client.call('Commit', { stateId: ann })
      const { stateAuthSecret } = await client.call('StateAuth', { stateId: ben })
      const damaged = commit.map((octet, at) => at === commit.length - 1 ? octet ^ 1 : octet)
      const error = await failing(client.call('HandleCommit', { stateId: ben, commit: damaged }))
      assert.deepEqual(error.metadata.get('mls-rule'), ['6.2.membership-tag'])
      assert.deepEqual((await client.call('StateAuth', { stateId: ben })).stateAuthSecret, stateAuthSecret)
      const { epochAuthenticator } = await client.call('HandlePendingCommit', { stateId: ann })
      const followed = await client.call('HandleCommit', { stateId: ben, commit })
      assert.deepEqual(followed.epochAuthenticator, epochAuthenticator)
    })

    test('a commit that lost is dropped, and a commit is accepted once', async () => {
      const [ann, ben] = await pair()
      await client.call('Commit', { stateId: ben })
      const { commit } = await client.call('Commit', { stateId: ann, forcePath: true })
      await client.call('HandlePendingCommit', { stateId: ann })
      await client.call('HandleCommit', { stateId: ben, commit })
      for (const stateId of [ann, ben]) {
        const error = await failing(client.call('HandlePendingCommit', { stateId }))
        assert.equal(error.code, status.INVALID_ARGUMENT)
      }
    })

    test('a suite that is not there is unsupported', async () => {
      const error = await failing(client.call('CreateGroup', { cipherSuite: 0xa0a0, identity: bytes('ann') }))
      assert.equal(error.code, status.UNIMPLEMENTED)
      assert.deepEqual(error.metadata.get('mls-code'), ['unsupported'])
    })

    test('numbers that stand for nothing, or for something else', async () => {
      const { transactionId } = await client.call('CreateKeyPackage', { cipherSuite: 1, identity: bytes('ben') })
      for (const stateId of [0, 0xffff_ffff, transactionId]) {
        const error = await failing(client.call('StateAuth', { stateId }))
        assert.equal(error.details, `misuse: there is no state ${stateId}`)
      }
      const { stateId } = await create('ann')
      await client.call('Free', { stateId })
      assert.equal((await failing(client.call('Free', { stateId }))).code, status.INVALID_ARGUMENT)
    })

    test('nothing and noise for every call', async () => {
      const [ann] = await pair()
      const { transactionId } = await client.call('CreateKeyPackage', { cipherSuite: 1, identity: bytes('ben') })
      // Whatever these are for, they are not that; a field that a call does not have is left out.
      for (const noise of [new Uint8Array(0), bytes('noise'), randomBytes(5000)]) for (const name of callNames) {
        if (name === 'Free') continue
        const request = {
          stateId: ann, stateOrTransactionId: ann, transactionId, reinitId: ann, signerId: ann, cipherSuite: 1,
          welcome: noise, ratchetTree: noise, groupInfo: noise, ciphertext: noise, commit: noise, externalSender: noise,
          proposal: [noise], byReference: [noise], keyPackages: [noise], removedId: noise,
          keyPackage: name === 'ReInitWelcome' ? [noise] : noise,
          description: { proposalType: noise }, byValue: [{ proposalType: noise }],
          extensions: [{ extensionType: 5, extensionData: noise }, { extensionType: 5, extensionData: noise }],
        }
        await client.call(name, request as object).catch((error: unknown) => {
          assert.notEqual((error as ServiceError).code, status.INTERNAL, `${name}: ${String(error)}`)
        })
      }
      assert.equal((await client.call('Name', {})).name, 'Coppice')
    })

    test('bytes that are no message of the interface', async () => {
      const error = await failing(client.send('StateAuth', Buffer.from('ffff', 'hex')))
      assert.equal(error.code, status.INTERNAL) // gRPC's own answer: the call does not reach the table.
      assert.equal((await client.call('Name', {})).name, 'Coppice')
    })
  })
})

describe('npm run mls-client', () => {
  const command = path.resolve(import.meta.dirname, '../cli/mls-client.ts')

  test('serves on a port until it is told to end', { timeout: 60_000 }, async () => {
    const child = spawn(process.execPath, [command, '--port', '0'], { stdio: ['ignore', 'pipe', 'inherit'] })
    const ended = once(child, 'exit')
    const [line] = await once(createInterface(child.stdout), 'line') as [string]
    const port = /127\.0\.0\.1:(\d+), suites 1 2 3/.exec(line)?.[1]
    assert.ok(port !== undefined, line)
    const client = new Remote(Number(port))
    assert.deepEqual((await client.call('SupportedCiphersuites', {})).ciphersuites, supportedSuites)
    client.close()
    await fails(['--port', port], { line: /^Port \d+ cannot be served: /, code: 1 })
    child.kill('SIGTERM')
    assert.deepEqual(await ended, [0, null])
  })

  for (const args of [[], ['--port', '65536'], ['--host', 'x']]) {
    test(`asks for a port when it is given ${JSON.stringify(args)}`, () =>
      fails(args, { line: /^Usage: npm run mls-client -- --port N/, code: 2 }))
  }

  /** Ends at once with that first line of complaint. */
  async function fails(args: readonly string[], { line, code }: { readonly line: RegExp, readonly code: number }) {
    const child = spawn(process.execPath, [command, ...args], { stdio: ['ignore', 'ignore', 'pipe'] })
    const ended = once(child, 'exit')
    const [complaint] = await once(createInterface(child.stderr), 'line') as [string]
    assert.match(complaint, line)
    assert.deepEqual(await ended, [code, null])
  }
})
