/** What the scripted Bridge answers of backups. */
import type { ArgumentOf, BackupStatus, CallName, Change, ResultOf } from '../../preload/api.ts'
import { backupCalls } from '../../preload/backup.ts'
import * as samples from './ui-samples.ts'

type Script = { backup: BackupStatus, push(change: Omit<Change, 'revision'>): void }

export const isOfBackups = (name: CallName): name is keyof typeof backupCalls => name in backupCalls

export function answerBackup(script: Script, name: keyof typeof backupCalls, argument: never): { value: unknown } {
  const change = (more: Partial<BackupStatus>): void => {
    script.backup = { ...script.backup, ...more }
    script.push({ backup: script.backup })
  }
  const of = <N extends CallName>(_name: N): ArgumentOf<N> => argument
  const value = <N extends CallName>(_name: N, result: ResultOf<N>): { value: unknown } => ({ value: result })
  switch (name) {
    case 'backup.status': return value(name, script.backup)
    case 'backup.words': change({ words: true }); break
    case 'backup.export':
      change({ file: { madeAt: samples.now, bytes: 12_400_000 } })
      return value(name, { bytes: 12_400_000 })
    case 'backup.choose': return value(name, { token: 'disk', name: 'On the disk', holds: 'nothing' })
    case 'backup.keep': {
      const { by, rhythm } = of(name)
      change({ folder: { name: 'On the disk', by, rhythm, madeAt: 0, bytes: 0, overdue: false } })
      break
    }
    case 'backup.rhythm': {
      const { folder } = script.backup
      if (folder !== undefined) change({ folder: { ...folder, rhythm: of(name).rhythm } })
      break
    }
    case 'backup.now': return value(name, { bytes: 340_000 })
    case 'backup.forget': {
      const { folder: _, ...rest } = script.backup
      script.backup = rest
      change({})
      break
    }
    case 'backup.plain': return value(name, { bytes: 3_200_000 })
    case 'backup.cancel': break
  }
  return { value: undefined }
}
