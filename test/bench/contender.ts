// What is measured: the same verbs for each implementation, from encoded bytes to encoded bytes. Seats are values, so
// that one can be used again and again.

export interface Contender {
  readonly name: string
  candidate(name: string): Promise<Candidate>
}

/** Somebody with a KeyPackage. */
export interface Candidate {
  readonly keyPackage: Uint8Array
  create(): Promise<Seat>
  join(welcome: Uint8Array): Promise<Seat>
}

/** One member's view of one epoch. */
export interface Seat {
  /** RFC 9420 §8.7. */
  readonly authenticator: Uint8Array
  /** One commit that adds all; the Welcome has the ratchet tree in it. */
  add(keyPackages: readonly Uint8Array[]): Promise<Made>
  /** An empty commit, which has a path (RFC 9420 §12.4). */
  update(): Promise<Made>
  process(commit: Uint8Array): Promise<Seat>
  encrypt(data: Uint8Array): Promise<{ readonly seat: Seat, readonly message: Uint8Array }>
  decrypt(message: Uint8Array): Promise<{ readonly seat: Seat, readonly data: Uint8Array }>
}

/** A commit, and the maker's seat in the epoch that it starts. */
export type Made = { readonly seat: Seat, readonly message: Uint8Array, readonly welcome: Uint8Array | undefined }
