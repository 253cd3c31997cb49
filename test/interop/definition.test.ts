import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { describe, test } from 'node:test'
import { toHex } from '../../main/mls/index.ts'
import { callNames, calls, parts, service } from './definition.ts'

// messages.json was made from the official service definition by another implementation of protobuf (Go's): each call
// with its request and its response, every field filled by the rule of `sample`.

const messages = JSON.parse(readFileSync(new URL('messages.json', import.meta.url), 'utf8')) as
  Readonly<Record<string, readonly [string, string]>>

/** A value for field `number` of that type. */
function sample(type: string, number: number): unknown {
  if (type.endsWith('[]')) return [1, 2].map(() => sample(type.slice(0, -2), number))
  switch (type) {
    case 'bytes': return Uint8Array.of(number, 255 - number)
    case 'string': return `s${number}`
    case 'uint32': return 60_000 + number
    case 'uint64': return 2n ** 40n + BigInt(number)
    case 'bool': return true
    default: return sampleOf(parts[type as keyof typeof parts])
  }
}
const sampleOf = (fields: Readonly<Record<string, string>>): object =>
  Object.fromEntries(Object.entries(fields).map(([name, type], at) => [name, sample(type, at + 1)]))

describe('the definition of the interop interface', () => {
  test('has the official calls', () => {
    assert.deepEqual([...callNames].sort(), Object.keys(messages).sort())
    for (const name of callNames) assert.equal(service[name].path, `/mls_client.MLSClient/${name}`)
  })

  for (const name of callNames) test(`gives the messages of ${name} their official bytes, and reads them`, () => {
    const [request, response] = calls[name].map(sampleOf) as [object, object]
    const { requestSerialize, requestDeserialize, responseSerialize, responseDeserialize } = service[name]
    const [requestBytes, responseBytes] = [requestSerialize(request), responseSerialize(response)]
    assert.deepEqual([toHex(requestBytes), toHex(responseBytes)], messages[name])
    assert.deepEqual(requestDeserialize(requestBytes), request)
    assert.deepEqual(responseDeserialize(responseBytes), response)
  })

  test('reads fields that were left out as their defaults', () => {
    const { requestDeserialize } = service.ExternalSignerProposal
    const none = new Uint8Array(0)
    assert.deepEqual(requestDeserialize(Buffer.alloc(0)), {
      signerId: 0, signerIndex: 0, groupInfo: none, ratchetTree: none, description: {
        proposalType: none, keyPackage: none, removedId: none, pskId: none, epochId: 0n, extensions: [],
        groupId: none, cipherSuite: 0,
      },
    })
  })
})
