import type { SuiteOf } from '../../main/mls/suite.ts'
import { cryptoBasics } from './families/crypto-basics.ts'
import { deserialization } from './families/deserialization.ts'
import { keySchedule } from './families/key-schedule.ts'
import { messageProtection } from './families/message-protection.ts'
import { messagesFamily } from './families/messages.ts'
import { passiveClient } from './families/passive-client.ts'
import { pskSecretFamily } from './families/psk-secret.ts'
import { secretTreeFamily } from './families/secret-tree.ts'
import { transcriptHashes } from './families/transcript-hashes.ts'
import { treeMath } from './families/tree-math.ts'
import { treeOperations } from './families/tree-operations.ts'
import { treeValidation } from './families/tree-validation.ts'
import { treeKem } from './families/treekem.ts'
import { welcomeFamily } from './families/welcome.ts'

/** One family of official test vectors: how the names of its files begin, and what each of their cases must show. */
export type Family = {
  readonly prefix: string
  /** Throws on any mismatch. The runner calls it only for suites that `suiteOf` has. */
  readonly verify: (testCase: unknown, suiteOf: SuiteOf) => void
}

/** A case's shape is the vector format's; the JSON is taken at its word, and a wrong shape fails the case. */
const family = <T>(prefix: string, verify: (testCase: T, suiteOf: SuiteOf) => void): Family =>
  ({ prefix, verify: (testCase, suiteOf) => { verify(testCase as T, suiteOf) } })

/** Every family that this engine covers, a row each. Add rows here and nothing else. */
export const families: readonly Family[] = [
  family('tree-math', treeMath),
  family('crypto-basics', cryptoBasics),
  family('deserialization', deserialization),
  family('messages', messagesFamily),
  family('key-schedule', keySchedule),
  family('psk_secret', pskSecretFamily),
  family('secret-tree', secretTreeFamily),
  family('transcript-hashes', transcriptHashes),
  family('message-protection', messageProtection),
  family('tree-operations', treeOperations),
  family('tree-validation', treeValidation),
  family('treekem', treeKem),
  family('welcome', welcomeFamily),
  family('passive-client', passiveClient),
]
