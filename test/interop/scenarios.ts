import type { Extension } from './definition.ts'

// What the official test runner plays, as data of our own: every configuration that the interop interface comes with,
// told once, and played by `stage.ts` in every mode. Proposals that were sent wait for the next commit, which covers
// them all by reference; `changes` are its proposals by value.

type Names = readonly string[]

/** A change to a group, proposed by somebody. */
export type Change =
  | { readonly change: 'add', readonly who: string }
  | { readonly change: 'remove', readonly who: string }
  | { readonly change: 'psk', readonly id: string }
  | { readonly change: 'resume', readonly epoch: bigint }
  | { readonly change: 'extensions', readonly extensions: readonly Extension[] }
  | { readonly change: 'reinit' } & Renewal

/** What a group that replaces another has in common with it; the cipher suite is another one that all have. */
export type Renewal = {
  readonly newSuite?: boolean
  readonly newId?: boolean
  readonly extensions?: readonly Extension[]
}

export type Step =
  | { readonly does: 'create', readonly by: string, readonly inviting?: Names }
  /** Makes a KeyPackage. */
  | { readonly does: 'prepare', readonly who: Names }
  | { readonly does: 'share', readonly psk: string, readonly among: Names }
  | { readonly does: 'propose', readonly by: string, readonly what: Change | 'update' }
  | { readonly does: 'commit', readonly by: string, readonly changes?: readonly Change[], readonly forcePath?: boolean }
  | { readonly does: 'say', readonly by: string, readonly text: string }
  /** Reads what was said, by its number in the scenario. */
  | { readonly does: 'hear', readonly by: string, readonly number: number }
  /** Joins by an external commit. */
  | {
    readonly does: 'enter', readonly who: string, readonly through: string, readonly again?: boolean
    readonly psks?: Names
  }
  /** Proposes to be added. */
  | { readonly does: 'knock', readonly who: string, readonly through: string }
  /** Proposes somebody as an external sender. */
  | { readonly does: 'appoint', readonly signer: string, readonly by: string }
  | { readonly does: 'advise', readonly signer: string, readonly through: string, readonly what: Change }
  | {
    readonly does: 'reinit', readonly committer: string, readonly welcomer: string, readonly forcePath?: boolean
    /** Who proposes it and how; without it, the proposal that waits is committed. */
    readonly proposed?: { readonly by: string } & Renewal
  }
  | {
    readonly does: 'branch', readonly by: string, readonly extensions?: readonly Extension[]
    readonly forcePath?: boolean
  }

export type Scenario = readonly Step[]

/** Two extensions that every implementation has (RFC 9420 §11.1, §12.1.8.1), both empty. */
const nothingRequired: Extension = { extensionType: 3, extensionData: Uint8Array.of(0, 0, 0) }
const nobodyAppointed: Extension = { extensionType: 5, extensionData: Uint8Array.of(0) }
const extensions = [nothingRequired, nobodyAppointed] as const

const pair: Scenario = [{ does: 'create', by: 'ann', inviting: ['ben'] }]
const trio: Scenario = [{ does: 'create', by: 'ann', inviting: ['ben', 'cem'] }]
const five: Scenario = [{ does: 'create', by: 'ann', inviting: ['ben', 'cem', 'dia', 'eva'] }]
const guided: Scenario = [...trio, { does: 'appoint', signer: 'server', by: 'ann' }, { does: 'commit', by: 'ann' }]

/** A group in which everything is proposed at once, by reference and by value. */
const everything = (proposer: string): Scenario => [
  ...pair,
  { does: 'prepare', who: ['cem', 'dia'] },
  { does: 'propose', by: 'ann', what: { change: 'add', who: 'cem' } },
  { does: 'propose', by: 'ann', what: { change: 'add', who: 'dia' } },
  { does: 'commit', by: 'ann' },
  { does: 'prepare', who: ['eva', 'fay'] },
  ...['first', 'second'].map((psk) => ({ does: 'share', psk, among: ['ann', 'ben', 'eva', 'fay'] } as const)),
  { does: 'propose', by: proposer, what: { change: 'add', who: 'eva' } },
  { does: 'propose', by: proposer, what: { change: 'remove', who: 'cem' } },
  { does: 'propose', by: proposer, what: { change: 'extensions', extensions } },
  { does: 'propose', by: proposer, what: { change: 'psk', id: 'first' } },
  ...proposer === 'ann' ? [] : [{ does: 'propose', by: proposer, what: 'update' } as const],
  {
    does: 'commit', by: 'ann', changes: [
      { change: 'add', who: 'fay' }, { change: 'remove', who: 'dia' }, { change: 'psk', id: 'second' },
    ],
  },
  { does: 'commit', by: 'eva' },
  { does: 'propose', by: proposer, what: { change: 'resume', epoch: 3n } },
  { does: 'commit', by: 'fay', changes: [{ change: 'resume', epoch: 4n }, { change: 'extensions', extensions: [] }] },
]

const adding: Scenario = [
  { does: 'create', by: 'ann' },
  { does: 'prepare', who: ['ben'] },
  { does: 'propose', by: 'ann', what: { change: 'add', who: 'ben' } },
]

export const scenarios: Readonly<Record<string, Scenario>> = {
  'a Welcome without a path': [...adding, { does: 'commit', by: 'ann' }],
  'a Welcome with a path': [...adding, { does: 'commit', by: 'ann', forcePath: true }],
  'a Welcome with a PSK': [
    ...adding,
    { does: 'share', psk: 'between us', among: ['ann', 'ben'] },
    { does: 'propose', by: 'ann', what: { change: 'psk', id: 'between us' } },
    { does: 'commit', by: 'ann' },
  ],

  'an external commit': [{ does: 'create', by: 'ann' }, { does: 'enter', who: 'ben', through: 'ann' }],
  'an external commit with a PSK': [
    { does: 'create', by: 'ann' },
    { does: 'share', psk: 'between us', among: ['ann'] },
    { does: 'enter', who: 'ben', through: 'ann', psks: ['between us'] },
  ],
  'an external commit that removes the old leaf of who joins': [
    { does: 'create', by: 'ann' },
    { does: 'enter', who: 'ben', through: 'ann' },
    { does: 'enter', who: 'ben', through: 'ann', again: true },
  ],
  'an external commit to a larger group': [
    { does: 'create', by: 'ann', inviting: ['ben', 'cem', 'dia'] }, { does: 'enter', who: 'eva', through: 'dia' },
  ],

  'messages in order': [
    ...pair,
    ...['one', 'two', 'three'].map((text) => ({ does: 'say', by: 'ann', text } as const)),
    ...[0, 1, 2].map((number) => ({ does: 'hear', by: 'ben', number } as const)),
  ],
  'messages out of order in an epoch': [
    ...pair,
    ...['one', 'two', 'three'].map((text) => ({ does: 'say', by: 'ann', text } as const)),
    ...[2, 1, 0].map((number) => ({ does: 'hear', by: 'ben', number } as const)),
  ],
  'messages out of order over two epochs': [
    ...pair,
    ...['one', 'two'].map((text) => ({ does: 'say', by: 'ann', text } as const)),
    { does: 'commit', by: 'ann' },
    ...['three', 'four'].map((text) => ({ does: 'say', by: 'ann', text } as const)),
    ...[3, 2, 1, 0].map((number) => ({ does: 'hear', by: 'ben', number } as const)),
  ],

  'an empty commit': [...pair, { does: 'commit', by: 'ann' }],
  'Adds, with a path and without': [
    ...pair,
    { does: 'prepare', who: ['cem', 'dia', 'eva'] },
    { does: 'propose', by: 'ann', what: { change: 'add', who: 'cem' } },
    { does: 'propose', by: 'ben', what: { change: 'add', who: 'dia' } },
    { does: 'commit', by: 'ann', changes: [{ change: 'add', who: 'eva' }], forcePath: true },
    { does: 'prepare', who: ['fay', 'gil', 'hal'] },
    { does: 'propose', by: 'ann', what: { change: 'add', who: 'fay' } },
    { does: 'propose', by: 'ben', what: { change: 'add', who: 'gil' } },
    { does: 'commit', by: 'ann', changes: [{ change: 'add', who: 'hal' }] },
  ],
  Removes: [
    ...five,
    { does: 'propose', by: 'ann', what: { change: 'remove', who: 'cem' } },
    { does: 'propose', by: 'ben', what: { change: 'remove', who: 'dia' } },
    { does: 'commit', by: 'ann', changes: [{ change: 'remove', who: 'eva' }] },
  ],
  'an Update': [...pair, { does: 'propose', by: 'ben', what: 'update' }, { does: 'commit', by: 'ann' }],
  'extensions of the group': [
    ...pair,
    { does: 'propose', by: 'ann', what: { change: 'extensions', extensions } },
    { does: 'commit', by: 'ann' },
    { does: 'propose', by: 'ben', what: { change: 'extensions', extensions: [] } },
    { does: 'commit', by: 'ann' },
    { does: 'commit', by: 'ann', changes: [{ change: 'extensions', extensions: [nothingRequired] }] },
  ],
  'external PSKs, with a path and without': [
    ...pair,
    ...['first', 'second', 'third'].map((psk) => ({ does: 'share', psk, among: ['ann', 'ben'] } as const)),
    ...[true, false].flatMap((forcePath): Scenario => [
      { does: 'propose', by: 'ann', what: { change: 'psk', id: 'first' } },
      { does: 'propose', by: 'ben', what: { change: 'psk', id: 'second' } },
      { does: 'commit', by: 'ann', changes: [{ change: 'psk', id: 'third' }], forcePath },
    ]),
  ],
  'resumption PSKs': [
    ...pair,
    { does: 'commit', by: 'ann' },
    { does: 'commit', by: 'ann' },
    ...[1n, 2n].flatMap((epoch): Scenario => [
      { does: 'propose', by: 'ann', what: { change: 'resume', epoch } },
      { does: 'propose', by: 'ben', what: { change: 'resume', epoch: epoch + 1n } },
      { does: 'commit', by: 'ann', changes: [{ change: 'resume', epoch: epoch + 2n }], forcePath: true },
    ]),
  ],
  'everything at once, proposed by the committer': everything('ann'),
  'everything at once, proposed by another member': everything('ben'),

  'somebody asks to be added': [
    { does: 'create', by: 'ann' }, { does: 'knock', who: 'ben', through: 'ann' }, { does: 'commit', by: 'ann' },
  ],
  'an external Add': [
    ...guided,
    { does: 'prepare', who: ['dia'] },
    { does: 'advise', signer: 'server', through: 'ann', what: { change: 'add', who: 'dia' } },
    { does: 'commit', by: 'ann' },
  ],
  'an external Remove': [
    ...guided,
    { does: 'advise', signer: 'server', through: 'ann', what: { change: 'remove', who: 'ben' } },
    { does: 'commit', by: 'ann' },
  ],
  'external proposals of PSKs by two senders': [
    ...trio,
    ...['first', 'second'].map((psk) => ({ does: 'share', psk, among: ['ann', 'ben', 'cem'] } as const)),
    ...['server', 'other server'].flatMap((signer): Scenario =>
      [{ does: 'appoint', signer, by: 'ann' }, { does: 'commit', by: 'ann' }]),
    { does: 'advise', signer: 'server', through: 'ann', what: { change: 'psk', id: 'first' } },
    { does: 'advise', signer: 'other server', through: 'ben', what: { change: 'psk', id: 'second' } },
    { does: 'commit', by: 'ann' },
    { does: 'advise', signer: 'server', through: 'ann', what: { change: 'resume', epoch: 2n } },
    { does: 'commit', by: 'ben' },
  ],
  'an external change of the extensions': [
    ...guided,
    { does: 'advise', signer: 'server', through: 'ann', what: { change: 'extensions', extensions: [nothingRequired] } },
    { does: 'commit', by: 'ann' },
  ],
  'an external ReInit': [
    ...guided,
    {
      does: 'advise', signer: 'server', through: 'ann',
      what: { change: 'reinit', newId: true, newSuite: true, extensions: [nothingRequired] },
    },
    { does: 'reinit', committer: 'ann', welcomer: 'ben', forcePath: true },
  ],

  'a ReInit to another suite': renewed({ newSuite: true }),
  'a ReInit to another id': renewed({ newId: true }),
  'a ReInit to other extensions': renewed({ extensions }),
  'a ReInit with a path': renewed({ newId: true }, { forcePath: true }),
  'a ReInit that one member does alone': [
    ...five,
    { does: 'reinit', proposed: { by: 'ann', newId: true }, committer: 'ann', welcomer: 'ann' },
  ],

  'a branch': [...five, { does: 'branch', by: 'ann' }],
  'a branch with extensions': [...five, { does: 'branch', by: 'ann', extensions }],
  'a branch with a path': [...five, { does: 'branch', by: 'ann', forcePath: true }],
}

/** A ReInit that three members share the work of, and a commit in the group that it makes. */
function renewed(renewal: Renewal, { forcePath = false } = {}): Scenario {
  return [
    ...five,
    { does: 'reinit', proposed: { by: 'ann', ...renewal }, committer: 'ben', welcomer: 'cem', forcePath },
    { does: 'commit', by: 'dia' },
  ]
}

/**
 * A walk in the manner of the official deep one: commits of Adds, Removes and Updates at random, here both by value and
 * by reference, among them external ones. `below` gives whole numbers from zero.
 */
export function randomWalk(commits: number, below: (limit: number) => number): Scenario {
  const members = ['m0', 'm1', 'm2', 'm3']
  let last = 3
  const newcomer = (): string => `m${++last}`
  const take = (from: string[]): string => from.splice(below(from.length), 1)[0] ?? ''
  const steps: Step[] = [{ does: 'create', by: 'm0', inviting: ['m1', 'm2', 'm3'] }]
  const enter = (): void => {
    const again = below(2) === 0 && members.length > 1
    const who = again ? take(members) : newcomer()
    steps.push({ does: 'enter', who, through: members[below(members.length)] ?? '', again })
    members.push(who)
  }
  const commit = (): void => {
    const [idle, gone, updating] = [[...members], [] as string[], [] as string[]]
    for (let count = below(1 + Math.floor(idle.length * 0.4)); count > 0; count--) gone.push(take(idle))
    for (let count = below(1 + Math.floor(idle.length * 0.4)); count > 0; count--) updating.push(take(idle))
    const added = Array.from({ length: members.length > 8 ? 0 : below(4) }, newcomer)
    const changes = [
      ...added.map((who) => ({ change: 'add', who }) as const),
      ...gone.map((who) => ({ change: 'remove', who }) as const),
    ]
    const byReference = changes.filter(() => below(2) === 0)
    const proposers = [...idle, ...updating]
    if (added.length > 0) steps.push({ does: 'prepare', who: added })
    for (const by of updating) steps.push({ does: 'propose', by, what: 'update' })
    for (const what of byReference) steps.push({ does: 'propose', by: proposers[below(proposers.length)] ?? '', what })
    steps.push({
      does: 'commit', by: idle[below(idle.length)] ?? '', forcePath: below(2) === 0,
      changes: changes.filter((change) => !byReference.includes(change)),
    })
    members.splice(0, members.length, ...idle, ...updating, ...added)
  }
  while (commits-- > 0) {
    if (below(10) === 0) enter()
    else commit()
  }
  return steps
}
