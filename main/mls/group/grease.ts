import { MlsError } from '../error.ts'
import type { Suite } from '../suite.ts'
import type { Extensions } from '../wire/extension.ts'
import { greaseValues, isGrease } from '../wire/grease.ts'
import type { Capabilities } from '../wire/node.ts'

// RFC 9420 §13.5: GREASE values, to be offered by those who want to learn early who does not ignore what is unknown.

/**
 * What a leaf says of its owner, with random GREASE values added wherever §13.5 wants some, for everything that makes
 * a leaf. Keep the capabilities without them for your own use.
 */
export function withGrease(suite: Suite, { capabilities, leafExtensions = [] }: {
  readonly capabilities: Capabilities
  readonly leafExtensions?: Extensions
}): { readonly capabilities: Capabilities, readonly leafExtensions: Extensions } {
  const { versions, cipherSuites, extensions, proposals, credentials } = capabilities
  const greased: Capabilities = {
    versions,
    cipherSuites: [...cipherSuites, ...selection(suite)],
    extensions: [...extensions, ...selection(suite)],
    proposals: [...proposals, ...selection(suite)],
    credentials: [...credentials, ...selection(suite)],
  }
  return { capabilities: greased, leafExtensions: [...leafExtensions, ...greaseExtensions(suite, greased)] }
}

/**
 * A GREASE extension with random data, for the `extensions` of a KeyPackage or GroupInfo, and nowhere else. `listed`:
 * the capabilities that `withGrease` gave, which must list it where a leaf stands beside it (RFC 9420 §10); `misuse`
 * when they list none.
 */
export function greaseExtensions(suite: Suite, listed?: Capabilities): Extensions {
  const [type] = listed === undefined ? selection(suite) : listed.extensions.filter(isGrease)
  if (type === undefined) throw new MlsError('misuse', 'these capabilities list no GREASE value: take withGrease first')
  const [length = 0] = suite.random(1)
  return [{ extensionType: type, extensionData: suite.random(length % 32) }]
}

/** One or two of the values, at random. */
const selection = (suite: Suite): readonly number[] =>
  [...new Set(Array.from(suite.random(2), (octet) => greaseValues[octet % greaseValues.length] ?? 0x0a0a))]
