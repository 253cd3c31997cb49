/** Where a build of the app looks for updates, and whose word counts: said when it was built (vite.config.ts). */
import type { UpdateSource } from './updater.ts'

/** Put in by the build; the source itself has none. */
declare const COPPICE_UPDATES: UpdateSource | undefined

export const builtSource = (): UpdateSource | undefined =>
  typeof COPPICE_UPDATES === 'undefined' ? undefined : COPPICE_UPDATES
