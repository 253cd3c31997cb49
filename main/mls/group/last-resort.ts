import { decode } from '../codec.ts'
import { MlsError } from '../error.ts'
import { draftComponentId } from '../wire/drafts.ts'
import { AppDataDictionary, extensionType, type Extension } from '../wire/extension.ts'
import type { KeyPackage } from '../wire/key-package.ts'

// KeyPackages of last resort (RFC 9420 §10, §16.8), which may be used more than once. Two marks are in use.

/** The one that is made: an extension without data, as others have deployed it. */
export const lastResortMark: Extension = { extensionType: extensionType.lastResort, extensionData: new Uint8Array(0) }

/** Whether a KeyPackage says of itself that it is one of last resort (RFC 9420 §16.8), in either way. */
export const isLastResort = ({ extensions }: Pick<KeyPackage, 'extensions'>): boolean => extensions.some(isMark)

function isMark({ extensionType: type, extensionData }: Extension): boolean {
  if (type === extensionType.lastResort) return extensionData.length === 0
  // draft-ietf-mls-extensions: "the `component_id` with an empty `data` field".
  return type === extensionType.appDataDictionary && componentsIn(extensionData).some(({ componentId, data }) =>
    componentId === draftComponentId.lastResortKeyPackage && data.length === 0)
}

/** None where the data are not a dictionary: RFC 9420 §10 has unknown extensions of a KeyPackage ignored. */
function componentsIn(data: Uint8Array): AppDataDictionary['componentData'] {
  try {
    const { componentData } = decode(AppDataDictionary, data)
    // "The entries in the `component_data` MUST be sorted by `component_id`", and each is there once.
    const sorted = componentData.every(({ componentId }, at) => componentId > (componentData[at - 1]?.componentId ?? -1))
    return sorted ? componentData : []
  } catch (error) {
    if (error instanceof MlsError) return []
    throw error
  }
}
