/**
 * Code points of drafts. Drafts move, so these stand here and nowhere else. As draft-ietf-mls-extensions suggests them
 * (after -10), but for what it has dropped and others have deployed.
 */
export const draftExtensionType = {
  /** A dictionary of application components. */
  appDataDictionary: 0x0006,
  /** A KeyPackage of last resort, as earlier drafts marked it: deployed. */
  lastResort: 0x000a,
} as const

export const draftProposalType = { selfRemove: 0x000a } as const

/** Application components, the keys of an `app_data_dictionary`. */
export const draftComponentId = {
  /** A KeyPackage of last resort, as the draft marks it now. */
  lastResortKeyPackage: 0x0004,
} as const
