import assert from 'node:assert/strict'
import { describe, test, type TestContext } from 'node:test'
import { toHex } from '../../main/mls/index.ts'
import { sharedDigits } from '../../main/chat/linking.ts'
import type { LinkingCode } from '../../main/identity/linking-code.ts'
import { commitment, keysHash, nonceLength, transcriptOf } from '../../main/pairing/nonces.ts'
import { hpkePairing } from '../../main/pairing/pairing.ts'
import { PairingError } from '../../main/ports.ts'
import { suite } from '../scenario/devices.ts'
import { Middleman } from './middleman.ts'
import { Meeting } from './pair.ts'

const pairing = hpkePairing(suite)

/** An elder whose code somebody else has read first. */
async function caught(t: TestContext) {
  const meeting = new Meeting(t)
  const { code, rendezvous, open } =
    await pairing.show({ role: 'elder', address: 'local', expiresAt: meeting.now + 300_000 })
  const opening = open(meeting.line())
  // It may be refused before a test comes to wait for that.
  opening.catch(() => undefined)
  const middleman = await Middleman.with(meeting.delivery, code, rendezvous.id)
  assert.equal((await middleman.hear(0)).length, 0)
  const keys = keysHash(suite, code, middleman.records)
  return { opening, middleman, keys, meeting }
}

/**
 * A middleman shows a code of their own to the new device and reads the elder's. The elder's person types what the elder
 * shows on the new device, so both channels have to have the same six digits.
 */
describe('a middleman who grinds the digits', () => {
  const own = (at: number): Uint8Array => {
    const nonce = new Uint8Array(nonceLength)
    new DataView(nonce.buffer).setUint32(0, at)
    return nonce
  }

  test('has to commit before they see what to fit, and is found out when they fit it afterwards', async (t) => {
    const { opening, middleman, keys } = await caught(t)
    const committed = await middleman.hear(1)
    // The elder waits: nothing but its key and its commitment is there, however long nobody commits.
    await new Promise((resolve) => setTimeout(resolve, 100))
    assert.equal((await middleman.elders()).length, 2)
    await middleman.send(commitment(suite, keys, 'new', own(0)))
    const elder = await middleman.hear(2)
    assert.deepEqual(commitment(suite, keys, 'elder', elder), committed)

    // Now everything is known, and a nonce for three given digits is found at once, one for six in a thousand times that.
    const wanted = '123'
    let tries = 0
    const digitsWith = (nonce: Uint8Array): string => sharedDigits(suite, transcriptOf(suite, keys, { elder, new: nonce }))
    while (!digitsWith(own(tries)).startsWith(wanted)) tries++
    assert.ok(tries < 50_000, `${tries} tries`)
    assert.ok(!digitsWith(own(0)).startsWith(wanted) || tries === 0)
    // It is not the one that they committed to, and there is no second answer to the same commitment.
    await middleman.send(own(tries === 0 ? 1 : tries))
    await assert.rejects(opening, (error) => error instanceof PairingError && error.why === 'tampered')
  })

  test('who keeps to what they committed to gets digits that nobody chose', async (t) => {
    const seen = new Set<string>()
    for (let run = 0; run < 5; run++) {
      const { opening, middleman, keys } = await caught(t)
      await middleman.hear(1)
      // The same nonce each time: what differs is the elder's, which nobody knew.
      await middleman.send(commitment(suite, keys, 'new', own(7)))
      const elder = await middleman.hear(2)
      await middleman.send(own(7))
      const channel = await opening
      assert.deepEqual(channel.transcript, transcriptOf(suite, keys, { elder, new: own(7) }))
      seen.add(sharedDigits(suite, channel.transcript))
    }
    assert.ok(seen.size >= 4)
  })

  test('has no second answer in a nonce of another length either', async (t) => {
    const { opening, middleman, keys } = await caught(t)
    await middleman.hear(1)
    // Longer than it may be: where one ends and the other begins would be theirs to choose.
    const long = suite.random(nonceLength + 1)
    await middleman.send(commitment(suite, keys, 'new', long))
    await middleman.hear(2)
    await middleman.send(long)
    await assert.rejects(opening, (error) => error instanceof PairingError && error.why === 'tampered')
  })

  test('cannot pass on between two channels what was said in one of them', () => {
    const code = (psk = suite.random(32)): LinkingCode =>
      ({ role: 'elder', publicKey: suite.random(32), psk, expiresAt: 1, address: 'local' })
    const [elders, theirs] = [code(), code()]
    const records = [suite.random(80), suite.random(80)]
    const keys = keysHash(suite, elders, records)
    for (const other of [
      keysHash(suite, theirs, records), keysHash(suite, { ...elders, psk: theirs.psk }, records),
      keysHash(suite, elders, [suite.random(80), ...records.slice(1)]),
      keysHash(suite, elders, [...records.slice(0, 1), suite.random(80)]),
    ]) {
      const nonces = { elder: own(1), new: own(2) }
      assert.notDeepEqual(commitment(suite, other, 'new', own(2)), commitment(suite, keys, 'new', own(2)))
      assert.notDeepEqual(transcriptOf(suite, other, nonces), transcriptOf(suite, keys, nonces))
    }
    // Each side's part counts: neither alone decides about the digits.
    const seen = [[own(1), own(2)], [own(3), own(2)], [own(1), own(3)], [own(2), own(1)]] as const
    const transcripts = seen.map(([elder, other]) => toHex(transcriptOf(suite, keys, { elder, new: other })))
    assert.equal(new Set(transcripts).size, seen.length)
    assert.notDeepEqual(commitment(suite, keys, 'elder', own(1)), commitment(suite, keys, 'new', own(1)))
  })

  test('cannot repeat the elder’s commitment and nonce as their own', async (t) => {
    const { opening, middleman } = await caught(t)
    await middleman.send(await middleman.hear(1))
    await middleman.send(await middleman.hear(2))
    await assert.rejects(opening, (error) => error instanceof PairingError && error.why === 'tampered')
  })
})
