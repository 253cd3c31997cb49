import { readFileSync, writeFileSync } from 'node:fs'
import path from 'node:path'
import { Person, random, until } from '../scenario/world.ts'

/** Who takes part, kept in a file of the folder in which everything lies: processes and later looks read it. */
export type Actor = {
  readonly name: string
  /** The key of the profile's store, hexadecimal. */
  readonly key: string
  readonly accountId: string
  readonly invite: string
}
export type Cast = { readonly seed: string, readonly people: readonly Actor[] }

const names = ['Anna', 'Ben', 'Cara', 'Dan', 'Eva', 'Finn', 'Gita', 'Hugo', 'Iris', 'Jon']

const fileOf = (folder: string): string => path.join(folder, 'cast.json')
export const readCast = (folder: string): Cast => JSON.parse(readFileSync(fileOf(folder), 'utf8')) as Cast

export const personOf = (folder: string, { name, key }: Actor): Person =>
  new Person(name, folder, new Uint8Array(Buffer.from(key, 'hex')))

type Invited = { readonly person: Person, readonly invite: string }

/** The first one makes it. */
async function makeGroup(name: string, [maker, ...others]: readonly Invited[]): Promise<string> {
  if (maker === undefined) throw new Error('nobody makes a group')
  const invites = others.map(({ invite }) => invite)
  const { conversation } = await maker.person.call('conversation.group', { name, people: [], invites })
  for (const { person } of others) await person.accept()
  for (const { person } of [maker, ...others]) {
    await until(`all are in ${name}`, async () =>
      (await person.conversation(conversation))?.people.length === others.length + 1)
  }
  return conversation
}

/**
 * Ten people in three groups: one of all, one of seven with an admin, and one of seven whose admin has left, so that all
 * of them change it.
 */
export async function makeCast(folder: string, seed: string): Promise<Cast> {
  const persons = names.map((name) => new Person(name, folder, random(32)))
  const people: Actor[] = []
  for (const person of persons) {
    await person.start()
    await person.call('setup.create', { name: person.name, passphrase: '' })
    const { phase } = await person.call('app.open', {})
    people.push({
      name: person.name, key: Buffer.from(person.key).toString('hex'), invite: await person.invite(),
      accountId: phase.at === 'ready' ? phase.me.accountId : '',
    })
  }
  const all = persons.map((person, at) => ({ person, invite: people[at]?.invite ?? '' }))
  await makeGroup('Everybody', all)
  await makeGroup('With an admin', all.slice(1, 8))
  const free = await makeGroup('Without an admin', all.slice(2))
  await persons[2]?.call('conversation.leave', { conversation: free })
  for (const { person } of all.slice(3)) {
    await until('the admin is out', async () => (await person.conversation(free))?.people.length === 7)
  }
  for (const person of persons) await person.stop()
  const cast: Cast = { seed, people }
  writeFileSync(fileOf(folder), JSON.stringify(cast))
  return cast
}
