import { opaque, struct, uint16, vector, type Infer } from '../codec.ts'
import { Credential } from './credential.ts'
import { draftExtensionType } from './drafts.ts'
import { limits } from './limits.ts'

/** RFC 9420 §7.2: the extension types that every client has and nobody lists. */
const defaultExtensionType = {
  applicationId: 0x0001,
  ratchetTree: 0x0002,
  requiredCapabilities: 0x0003,
  externalPub: 0x0004,
  externalSenders: 0x0005,
} as const
export const defaultExtensionTypes: ReadonlySet<number> = new Set(Object.values(defaultExtensionType))

/** RFC 9420 §17.3: extension types. */
export const extensionType = { ...defaultExtensionType, ...draftExtensionType } as const

/** RFC 9420 §7.2: `Extension`. */
export const Extension = struct({ extensionType: uint16, extensionData: opaque(limits.extensions) })
export type Extension = Infer<typeof Extension>

/** `Extension extensions<V>`. */
export const Extensions = vector(Extension, limits.extensions)
export type Extensions = Infer<typeof Extensions>

/** RFC 9420 §11.1: `RequiredCapabilities`. */
export const RequiredCapabilities = struct({
  extensionTypes: vector(uint16, limits.codes),
  proposalTypes: vector(uint16, limits.codes),
  credentialTypes: vector(uint16, limits.codes),
})
export type RequiredCapabilities = Infer<typeof RequiredCapabilities>

/** RFC 9420 §12.1.8.1: `ExternalSender`; the extension holds a vector of them. */
export const ExternalSender = struct({ signatureKey: opaque(limits.key), credential: Credential })
export type ExternalSender = Infer<typeof ExternalSender>
/** RFC 9420 §12.1.8.1: the `external_senders` extension's data, a list. */
export const ExternalSenders = vector(ExternalSender, limits.extensions)

/** RFC 9420 §12.4.3.2: `ExternalPub`, whose key carries a length of its own inside the extension data. */
export const ExternalPub = struct({ externalPub: opaque(limits.key) })

/** draft-ietf-mls-extensions: `AppDataDictionary`, data of application components. */
export const AppDataDictionary = struct({
  componentData: vector(struct({ componentId: uint16, data: opaque(limits.extensions) }), limits.extensions),
})
export type AppDataDictionary = Infer<typeof AppDataDictionary>

/** RFC 9420 §5.3.3: the application's own identifier of a leaf. */
export const ApplicationId = opaque(limits.identity)
