/** A story whose traces are searched: what a thief of the computer has, and the secrets that it must not give. */
import assert from 'node:assert/strict'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import path from 'node:path'
import type { TestContext } from 'node:test'
import { decodeOwnKeyPackage, decodeSeals, roomDocument } from '../../main/chat/documents.ts'
import type { Room } from '../../main/chat/room.ts'
import type { Seal } from '../../main/chat/sealed.ts'
import { openLog } from '../../main/log/log.ts'
import { groupFromParts, type Group, type Secret } from '../../main/mls/index.ts'
import { secretsOfTree } from '../../main/mls/schedule/secret-tree.ts'
import { prepareReads, type Reads } from '../../main/sqlite/read.ts'
import { overhear } from './overhear.ts'
import { suites, until, type Person } from './world.ts'
import { everythingIn, placesOf, Witness } from './witness.ts'

export type Taken = ReadonlyMap<string, Uint8Array>

/** Some people whose stores are watched, and all that they leave on the disk. */
export class Scene {
  readonly folder: string
  readonly encrypted: boolean
  readonly witnesses = new Map<Person, Witness>()
  readonly #reads = new Map<Person, Reads>()
  readonly #printed = overhear()

  constructor(t: TestContext, encrypted: boolean) {
    this.encrypted = encrypted
    const before = process.env['TMPDIR']
    const around = mkdtempSync(path.join(tmpdir(), 'coppice-gone-'))
    this.folder = path.join(around, 'all')
    mkdirSync(this.folder)
    // Profiles, delivery and whatever anybody puts into a temporary file.
    process.env['TMPDIR'] = this.folder
    t.after(() => {
      this.#printed.end()
      if (before === undefined) delete process.env['TMPDIR']
      else process.env['TMPDIR'] = before
      rmSync(around, { recursive: true, force: true })
    })
  }

  readonly watch = (person: Person): void => {
    const witness = new Witness(this.encrypted)
    this.witnesses.set(person, witness)
    person.logIn = (folder) => openLog({
      folder, source: path.resolve(import.meta.dirname, '../../main'), version: '0', native: [], portable: [],
      now: () => Date.now(),
    })
    person.storeOptions = { open: (file, key) => {
      const database = witness.open(file, key)
      this.#reads.set(person, prepareReads(database))
      return database
    } }
  }

  reads(person: Person): Reads {
    const reads = this.#reads.get(person)
    assert.ok(reads !== undefined)
    return reads
  }

  /** Where a secret of these people can be got from; what was printed counts too. */
  #placesOf(bytes: Uint8Array, of: readonly Person[], everything: ReadonlyMap<string, Buffer>): readonly string[] {
    return placesOf(bytes, everything, of.flatMap((person) => this.witnesses.get(person) ?? []))
  }

  #everything(): ReadonlyMap<string, Buffer> {
    const everything = new Map(everythingIn(this.folder, this.encrypted ? [...this.witnesses.keys()] : []))
    return everything.set('what was printed', this.#printed.heard())
  }

  /** The apps' logs are among what is searched, and not empty. */
  assertLogged(): void {
    const logs = [...this.#everything()].filter(([name]) => name.endsWith('log.jsonl'))
    assert.equal(logs.filter(([, content]) => content.length > 0).length, this.witnesses.size)
  }

  assertThere(taken: Taken, ...of: readonly Person[]): void {
    const everything = this.#everything()
    assert.ok(taken.size > 0)
    for (const [name, bytes] of taken) {
      assert.ok(bytes.length >= 16, name)
      for (const one of of) {
        assert.notDeepEqual(this.#placesOf(bytes, [one], everything), [], `${one.name}'s ${name} is nowhere`)
      }
    }
  }

  /** Soon: the WAL is emptied a little later. */
  async assertGone(taken: Taken, ...of: readonly Person[]): Promise<void> {
    assert.ok(taken.size > 0)
    let left: readonly string[] = []
    await until('what was deleted is gone', () => {
      const everything = this.#everything()
      left = Array.from(taken).flatMap(([name, bytes]) =>
        this.#placesOf(bytes, of, everything).map((place) => `${name}: ${place}`))
      return Promise.resolve(left.length === 0)
    }, 5_000).catch(() => { assert.deepEqual(left, []) })
  }

  group(person: Person, conversation: string): Group {
    const parts = this.reads(person).group(conversation)
    assert.ok(parts !== undefined)
    return groupFromParts(suites, parts)
  }

  room(person: Person, conversation: string): Room {
    const bytes = this.reads(person).document('room', conversation)
    assert.ok(bytes !== undefined)
    return roomDocument.decode(bytes)
  }

  seals(person: Person, conversation: string): readonly Seal[] {
    const seals = this.reads(person).document('seals', conversation)
    return seals === undefined ? [] : decodeSeals(seals)
  }

  /** When the epochs ended whose keys are still kept. */
  ends(person: Person, conversation: string): readonly number[] {
    return this.seals(person, conversation).map(({ endedAt }) => Number(endedAt)).filter((at) => at > 0)
  }

  /** Everything of a conversation's group. */
  all(person: Person, conversation: string): Taken {
    const parts = [this.schedule, this.late, this.keys].flatMap((part) => [...part.call(this, person, conversation)])
    return new Map(parts)
  }

  /** What dies with the epoch: the key schedule's secrets that nobody needs for late messages. */
  schedule(person: Person, conversation: string): Taken {
    const { initSecret, exporterSecret, externalSecret, membershipKey, epochAuthenticator } =
      this.group(person, conversation).secrets
    return named({ initSecret, exporterSecret, externalSecret, membershipKey, epochAuthenticator })
  }

  /** What stays for late messages for a day. */
  late(person: Person, conversation: string): Taken {
    const { secrets: { senderDataSecret, resumptionPsk }, secretTree, context } = this.group(person, conversation)
    const seal = this.seals(person, conversation).find(({ epoch }) => epoch === context.epoch)
    assert.ok(seal !== undefined)
    const tree = secretsOfTree(secretTree).filter(({ length }) => length >= 16)
    return named({ senderDataSecret, resumptionPsk, seal: seal.key, ...Object.fromEntries(
      tree.map((secret, at) => [`secret ${at} of the secret tree`, secret])) })
  }

  /** The HPKE private keys of the own leaf and above it. */
  keys(person: Person, conversation: string): Taken {
    return named(Object.fromEntries(Array.from(this.group(person, conversation).keys, ([node, { privateKey }]) =>
      [`private key of node ${node}`, privateKey])))
  }

  /** The init and leaf keys of what is in the stock, by reference. */
  stock(person: Person): ReadonlyMap<string, Taken> {
    return new Map(this.reads(person).documents('key-package').map(({ key, bytes }) => {
      const { initPrivateKey, encryptionPrivateKey } = decodeOwnKeyPackage(key, bytes).privateKeys
      return [key, named({ initPrivateKey, encryptionPrivateKey })]
    }))
  }
}

const named = (secrets: Readonly<Record<string, Secret>>): Taken =>
  new Map(Object.entries(secrets).map(([name, secret]) => [name, secret.unwrap().slice()]))
