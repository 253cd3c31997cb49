import { decode, encode, fixed, struct, vector, type Extension, type Extensions, type GroupContext } from '../mls/index.ts'
import { versioned } from '../identity/fields.ts'
import { continuesExtension } from './extensions.ts'

/** Which groups a group goes on in place of, as its context says (continuation.ts). */

const replacedLimit = 16
const Continues = versioned(1, struct({ groupIds: vector(fixed(16), 16 * replacedLimit) }))

/** The newest first; none for a group that began by itself. Throws `MlsError` for bytes that say nothing. */
export function replacedBy({ extensions }: Pick<GroupContext, 'extensions'>): readonly Uint8Array[] {
  const extension = extensions.find(({ extensionType }) => extensionType === continuesExtension)
  return extension === undefined ? [] : decode(Continues, extension.extensionData).groupIds
}

/** The extensions of a group that goes on in place of this one. */
export const replacing = ({ groupId, extensions }: GroupContext): Extensions => {
  const groupIds = [groupId, ...replacedBy({ extensions })].slice(0, replacedLimit)
  const extension: Extension = { extensionType: continuesExtension, extensionData: encode(Continues, { groupIds }) }
  return [...extensions.filter(({ extensionType }) => extensionType !== continuesExtension), extension]
}
