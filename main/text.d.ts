/**
 * The one thing that the pure folders (mls, identity, chat) need of their host beyond the language. Their tsconfigs
 * leave out Node's and the browser's types, so that they cannot name `process`, `fetch`, `Buffer` or `node:fs`.
 */
declare class TextEncoder {
  encode(text: string): Uint8Array<ArrayBuffer>
}
declare class TextDecoder {
  constructor(encoding?: 'utf-8', options?: { readonly fatal?: boolean, readonly ignoreBOM?: boolean })
  decode(bytes: Uint8Array): string
}
