import type { Archive } from '../ports.ts'
import { fileKeyOf, recipientOf, sealOf } from './age.ts'
import { measure, readFile, writeFile } from './file.ts'

/** Backups as the Archive port wants them. */
export const archive: Archive = { recipientOf, write: writeFile, read: readFile, measure, sealOf, unlock: fileKeyOf }
