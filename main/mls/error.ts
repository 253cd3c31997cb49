/**
 * Why the engine did not do what was asked. Nothing else is ever thrown by it.
 *
 * - `malformed`: bytes that are not the encoding they should be (RFC 9420 §2.1); `rule` says which requirement.
 * - `refused`: a well-formed value that breaks a validation rule; `rule` names the row of `rules.ts`.
 * - `undecided`: cannot be judged yet, because something is missing (a proposal, a PSK): never "invalid". `rule`, if
 *   there is one, wants it to be there.
 * - `unsupported`: a cipher suite, version, or type that this implementation does not have.
 * - `gone`: the keys that it needs were deleted, as they must be (RFC 9420 §9.2).
 * - `misuse`: the caller asked for something that makes no sense; the message says the cure.
 */
export type MlsErrorCode = 'malformed' | 'refused' | 'undecided' | 'unsupported' | 'gone' | 'misuse'

/** The one error of the engine. Its message never contains secret bytes. */
export class MlsError extends Error {
  override readonly name = 'MlsError'
  readonly code: MlsErrorCode
  /** A row of `rules.ts`, which stands above this file and so cannot name its type here. */
  readonly rule: string | undefined

  constructor(code: MlsErrorCode, message: string, rule?: string) {
    super(message)
    this.code = code
    this.rule = rule
  }
}

/** A value that cannot be there unless this program has a bug: for `switch` without default and lookups. */
export const impossible = (what: string): never => {
  throw new MlsError('misuse', `a case that cannot happen: ${what}`)
}
