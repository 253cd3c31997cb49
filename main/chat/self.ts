import type { Authentication, Credential, Extensions, KeyPair, Suite } from '../mls/index.ts'

/** This device, as its groups see it, and what every transition may ask. */
export type Self = {
  readonly accountId: string
  readonly deviceId: string
  readonly credential: Credential
  readonly signatureKeyPair: KeyPair
  readonly leafExtensions: Extensions
  readonly suite: Suite
  readonly authentication: Authentication
}

/** The moment of a transition: the caller's clock, milliseconds since 1970. */
export type Moment = { readonly self: Self, readonly now: number }
