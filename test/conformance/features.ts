/** A part of the standard, and the tests that show it: each is named by its file and its title. */
export type Feature = {
  readonly section: string
  readonly feature: string
  readonly tests: readonly ShowingTest[]
}

/** `title`: of a test or of a group of tests, as its file has it; `…` stands for what a template puts in. */
export type ShowingTest = { readonly file: string, readonly title: string }

const mls = (name: string, ...titles: readonly string[]): readonly ShowingTest[] =>
  titles.map((title) => ({ file: `test/mls/${name}.test.ts`, title }))
const crypto = (name: string, ...titles: readonly string[]): readonly ShowingTest[] =>
  titles.map((title) => ({ file: `test/crypto/${name}.test.ts`, title }))

/** Every row of the table in docs/conformance.md. What a row says of suites is read off the tests as they run. */
export const features: readonly Feature[] = [
  {
    section: '2.1', feature: 'strict decoding, with limits, and the same bytes again',
    tests: [
      { file: 'test/fuzz/codecs.test.ts', title: '… reads bytes strictly' },
      { file: 'test/fuzz/fuzz.test.ts', title: 'the engine takes whatever comes' },
      { file: 'test/fuzz/cost.test.ts', title: 'a GroupInfo is judged soon' },
    ],
  },
  {
    section: '5.1', feature: 'one verdict of all implementations on keys and signatures',
    tests: [
      ...crypto('eddsa', 'a crafted … signature gets one verdict'), ...crypto('nist', 'a … signature gets one verdict'),
      ...crypto('montgomery', '… judges a public key the same way on both implementations'),
      ...crypto('primitives', 'both implementations of suite … agree'),
    ],
  },
  { section: '5.1.3', feature: 'HPKE', tests: crypto('hpke', 'HPKE of the …') },
  {
    section: '5.3', feature: 'X.509 credentials',
    tests: mls('credentials', 'they meet, talk, and renew their certificates'),
  },
  {
    section: '5.3', feature: 'credential types of the application',
    tests: mls('types', 'credentials of the application\'s own type'),
  },
  {
    section: '6', feature: 'messages both ways',
    tests: mls('group', 'Alice creates a group, adds Bob, and they talk both ways'),
  },
  {
    section: '6.3.1', feature: 'padding',
    tests: mls('messages', 'a PrivateMessage is padded on request (RFC 9420 §15.1)'),
  },
  {
    section: '7.1', feature: 'unmerged leaves',
    tests: mls('messages',
      'is unmerged: paths are encrypted to the parents above and to that member, until somebody commits below'),
  },
  {
    section: '8.4', feature: 'external PSKs',
    tests: mls('group', 'a pre-shared key goes into the epoch, and who lacks it cannot decide'),
  },
  {
    section: '8.6', feature: 'resumption PSKs, of this group and of others',
    tests: [
      ...mls('group', 'the resumption secret of an epoch that is over is a pre-shared key for its members'),
      ...mls('psk', 'Alice and Bob put the secret of one group of theirs into another one'),
    ],
  },
  {
    section: '8.5', feature: 'exporter',
    tests: mls('messages',
      'the exporter gives all members the same, another one by label, context, length and epoch (§8.5)'),
  },
  {
    section: '8.7', feature: 'epoch authenticator',
    tests: mls('group', 'the epoch authenticator differs from epoch to epoch'),
  },
  {
    section: '9.2', feature: 'secrets that die are deleted',
    tests: mls('traps', 'secrets of past epochs are deleted by count',
      'secrets of past epochs are deleted by time, on the application\'s word'),
  },
  { section: '10', feature: 'KeyPackages of last resort', tests: mls('last-resort', 'a KeyPackage of last resort') },
  {
    section: '11.1', feature: 'required capabilities',
    tests: [{
      file: 'test/rules/commits.ts',
      title: 'when its group requires what some members lack (7.3.required-capabilities)',
    }],
  },
  {
    section: '11.2', feature: 'ReInit, to another suite as well',
    tests: mls('reinit', 'Alice proposes a ReInit by …, Bob commits it, Carol makes the new group'),
  },
  {
    section: '11.3', feature: 'branches',
    tests: mls('branch', 'Bob branches off with Carol: both groups go on, side by side'),
  },
  {
    section: '12.1.1', feature: 'Add, and joining by a Welcome',
    tests: mls('group', 'a fourth and a fifth person join a group that has talked for a while'),
  },
  {
    section: '12.1.2', feature: 'Update, in the clear and encrypted',
    tests: mls('group', 'Bob proposes an update by …, Alice commits it, and all have new keys'),
  },
  {
    section: '12.1.3', feature: 'Remove',
    tests: mls('group', 'Alice removes Bob, who sees it and can neither read nor send what follows'),
  },
  {
    section: '12.1.7', feature: 'GroupContextExtensions',
    tests: mls('group', 'the extensions of the group change, by value and by reference, and new members learn them'),
  },
  {
    section: '12.1.8', feature: 'external senders and new_member_proposal',
    tests: mls('outsiders', 'the warden finds Carol in the tree and removes her', 'Eve asks to be added, and is'),
  },
  {
    section: '12.2', feature: 'proposals by reference and by value mixed',
    tests: mls('group', 'one commit covers proposals by value and by reference from several members'),
  },
  {
    section: '12.4.3.2', feature: 'external commits',
    tests: mls('external', 'Dave joins with the tree … the GroupInfo, goes on as any member'),
  },
  {
    section: '12.4.3.2', feature: 'resync',
    tests: mls('external',
      'Dave lost his state and comes back: his old leaf goes, even where the new one stands elsewhere'),
  },
  {
    section: '12.4.3.3', feature: 'the ratchet tree outside of the Welcome',
    tests: mls('group', 'Bob joins by a Welcome that leaves the ratchet tree out, once the tree came another way'),
  },
  {
    section: '13', feature: 'unknown proposals, extensions and credentials carried through',
    tests: mls('types',
      'a value of a type that the engine does not know comes out of its bytes and goes back into them'),
  },
  { section: '13.5', feature: 'GREASE', tests: mls('types', 'GREASE values (RFC 9420 §13.5)') },
  {
    section: '14', feature: 'commits that lose a race',
    tests: mls('group', 'two commits race: the loser drops its own, follows the other and commits again'),
  },
  {
    section: '15.3', feature: 'messages out of order, with gaps, and late',
    tests: mls('group', 'messages out of order, with gaps, and from past epochs are read once'),
  },
  {
    section: 'mls-extensions', feature: 'SelfRemove',
    tests: mls('self-remove', 'a member leaves by a SelfRemove'),
  },
  {
    section: '', feature: 'a test for every rule, and for every line that refuses by one',
    tests: [
      { file: 'test/rules/rules.test.ts', title: 'every rule was seen to refuse' },
      { file: 'test/rules/rules.test.ts', title: 'every line of the engine that refuses by a rule was seen to do so' },
    ],
  },
  {
    section: '', feature: 'random walks of a group',
    tests: mls('group-walk', 'of … steps in suite … on the … implementation keeps everybody together'),
  },
  {
    section: '', feature: 'storing and loading, in every released format',
    tests: [
      {
        file: 'test/fixtures/fixtures.test.ts',
        title: 'talks on, and goes on to the next epochs, with who was invited',
      },
      { file: 'test/mls/group-storage.test.ts', title: 'a stored group' },
    ],
  },
]
