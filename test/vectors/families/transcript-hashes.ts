import assert from 'node:assert/strict'
import { decode, fromHex, toHex } from '../../../main/mls/codec.ts'
import {
  confirmationTag, confirmedTranscriptHash, interimTranscriptHash,
} from '../../../main/mls/schedule/transcript.ts'
import { Secret } from '../../../main/mls/secret.ts'
import type { SuiteOf } from '../../../main/mls/suite.ts'
import { AuthenticatedContent } from '../../../main/mls/wire/framing.ts'
import { suiteOfCase } from '../suite-of-case.ts'

type TranscriptHashes = {
  readonly cipher_suite: number
  readonly confirmation_key: string
  readonly authenticated_content: string
  readonly interim_transcript_hash_before: string
  readonly confirmed_transcript_hash_after: string
  readonly interim_transcript_hash_after: string
}

/** The transcript hashes of RFC 9420 §8.2 and the confirmation tag of §6.1. */
export function transcriptHashes(testCase: TranscriptHashes, suiteOf: SuiteOf): void {
  const suite = suiteOfCase(testCase, suiteOf)
  const { wireFormat, content, auth } = decode(AuthenticatedContent, fromHex(testCase.authenticated_content))
  assert.equal(content.content.type, 'commit')
  assert.ok(auth.confirmationTag !== undefined)

  const before = fromHex(testCase.interim_transcript_hash_before)
  const confirmed = confirmedTranscriptHash(suite, before, { wireFormat, content, signature: auth.signature })
  assert.equal(toHex(confirmed), testCase.confirmed_transcript_hash_after)
  const tag = confirmationTag(suite, new Secret(fromHex(testCase.confirmation_key)), confirmed)
  assert.equal(toHex(tag), toHex(auth.confirmationTag))
  assert.equal(toHex(interimTranscriptHash(suite, confirmed, tag)), testCase.interim_transcript_hash_after)
}
