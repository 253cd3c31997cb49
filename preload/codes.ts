/** Text for people is made in the renderer from these; `detail` is never a secret. */
export const errorCodes = [
  'bad-argument', 'not-ready', 'unknown-conversation', 'conversation-closed', 'not-allowed',
  'invite-malformed', 'invite-expired', 'invite-own', 'invite-no-device', 'invite-no-key', 'invite-newer', 'invite-elsewhere', 'invite-linking', 'invitation-broken',
  'keys-drained', 'veto-told', 'device-heard', 'device-revoked', 'device-untrusted', 'device-stolen', 'devices-split', 'code-differs', 'already-member', 'trust-changed', 'words-first', 'words-differ', 'words-gone',
  'name-differs', 'account-closed', 'account-closing', 'account-elder',
  'words-count', 'words-unknown', 'words-order', 'words-foreign',
  'passphrase-wrong', 'passphrase-wait', 'passphrase-short', 'passphrase-missing',
  'keychain-locked', 'keychain-absent', 'keychain-lost', 'slots-damaged',
  'store-full', 'store-damaged', 'store-read-only', 'store-newer', 'read-only', 'folder-hidden', 'address-refused', 'address-unopened',
  'profile-busy', 'delivery-unreachable', 'settings-not-kept', 'proxy-malformed', 'proxy-unreachable', 'network-held',
  'card-missing', 'words-replaced', 'backup-malformed', 'backup-newer', 'backup-key', 'backup-space', 'backup-place',
  'backup-cancelled', 'backup-changed', 'backup-words', 'backup-running', 'backup-foreign', 'backup-other',
  'too-large', 'file-too-large', 'files-too-many', 'picture-broken', 'file-unreadable', 'save-failed', 'save-full', 'profile-unknown', 'bug',
] as const
