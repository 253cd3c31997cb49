/** What the codes of the main process mean to a person. */
import type { ErrorCode } from '../../preload/api.ts'
import { backupCodes } from './backup.ts'
import { fileCodes } from './files.ts'
import { restoreCodes } from './restore.ts'

/** What a code means to a person: what happened, whether anything is lost, what comes next. */
const words: Readonly<Record<ErrorCode, string>> = {
  'bad-argument': 'Coppice could not take that in. Nothing was changed; check what you typed.',
  'not-ready': 'Coppice is still opening. Nothing was changed; try again in a moment.',
  'unknown-conversation': 'This chat is no longer on this computer.',
  'conversation-closed': 'This chat is closed, so nothing can be sent to it. What was said stays here.',
  'not-allowed': 'Only an admin of this group can do that. Nothing was changed.',
  'invite-malformed': 'This is not a whole invite. Copy all of it, from the first character to the last.',
  'invite-expired': 'This invite is too old. Ask for a new one.',
  'invite-own': 'This is your own invite. Send it to somebody else.',
  'invite-no-device': 'No device of this person can be found yet. ' +
    'Ask them to open Coppice once, then try again.',
  'invite-no-key': 'This person’s devices have no key left for a new chat. ' +
    'Ask them to open Coppice once, then try again.',
  'invite-newer': 'This invite was made by a newer Coppice. Update this app, then paste it again.',
  'invite-elsewhere': 'This invite is for another place where messages are kept, ' +
    'which this computer does not use.',
  'invite-linking': 'This is not an invite: it would link a device to your account, which could then ' +
    'read your messages. Nothing was changed. Somebody who calls it an invite means you no good.',
  'invitation-broken': 'An invitation to a chat arrived damaged and was put aside. ' +
    'Nothing else is affected; ask whoever sent it to invite you again.',
  'keys-drained': 'Somebody took all the keys that others need to write to you for the first time, and ' +
    'did not write. Nothing is lost: your chats go on, and there are new keys already.',
  'veto-told': 'Refused, and everybody was told. If that device was stolen, take it back under Devices.',
  'device-heard': 'This device has been heard of meanwhile, or is gone already. Nothing was changed.',
  'devices-split': 'One of your devices tells another history of your account than this one can read. ' +
    'Whoever carries your messages may be hiding something. Compare the lists of devices on both.',
  'code-differs': 'Two of your devices have different codes for one chat, so they do not see the same. Nothing is lost: ' +
    'what members saw is being compared, and whoever went the other way is let back in.',
  'trust-changed': 'Something changed about this person, and nothing is sent to them until you have looked ' +
    'at it. Open their page, then do this again.',
  'device-revoked': 'This device was taken out of your account. What was said stays here to read; ' +
    'nothing is sent or received any more. To use it again, remove this profile and link the device anew.',
  'device-untrusted': 'This computer was linked and has no rights yet, so it makes no copy that others could open. ' +
    'Give it the right to link and remove devices on one that has it; the 24 words seal a backup here all the same.',
  'device-stolen': 'One of your devices signed two different things at once, which only a copy of its ' +
    'key can do. Look at your devices now, and take back the one that you do not have in your hands.',
  'already-member': 'This person is already in the group.',
  'words-differ': 'One of the words is different. Nothing is lost: look at your paper again.',
  'words-count': 'These are not 24 words. Type or paste all of them, in order.',
  'words-unknown': 'Some of these are no words of a recovery key. Look at your paper again.',
  'words-order': 'One of the words is another one, or two have changed places. Look at your paper again.',
  ...backupCodes,
  ...fileCodes,
  ...restoreCodes,
  'card-missing': 'Nothing was found for these words where messages are kept. Nothing was changed: look at ' +
    'your paper again, and whether this is the right place.',
  'words-replaced': 'These words were replaced by newer ones. Nothing was changed: look for the newer paper.',
  'words-foreign': 'These are the words of another account. Nothing was changed.',
  'words-gone': 'The words were confirmed before, so this computer no longer has them.',
  'words-first': 'First confirm your 24 recovery words: they are the way back if a device is lost. ' +
    'Then link the other one.',
  'account-closed': 'This account was closed by its owner, for ever. Nothing can be sent to it, and nothing brings it back.',
  'account-closing': 'This account is being closed, which nobody can stop any more.',
  'account-elder': 'This computer has no right over all your other devices, so it cannot close the account by itself. ' +
    'Nothing was changed: type your 24 words, or do it on the computer that came first.',
  'name-differs': 'This is not the name of this profile. Nothing was removed.',
  'passphrase-wrong': 'This passphrase does not open the profile. Nothing is lost; try again.',
  'passphrase-wait': 'That was wrong too often. Nothing is lost: wait a moment, then try again.',
  'passphrase-short': 'This passphrase is too short. Use a few words that only you would put together.',
  'passphrase-missing': 'Locking needs a passphrase. Set one in the settings first.',
  'keychain-locked': 'The keychain of this computer is locked. ' +
    'Nothing is lost: unlock it, then try again.',
  'keychain-absent': 'This computer has no keychain that can hold the key. Choose a passphrase instead.',
  'keychain-lost': 'The keychain of this computer no longer has the key of this profile. ' +
    'The history is still here, but it needs that keychain to open.',
  'settings-not-kept': 'This could not be kept on this computer: its disk is full or may not be written to. ' +
    'Nothing was changed.',
  'proxy-malformed': 'This is no place of a proxy. Nothing was changed: a name or an address is needed, and a port ' +
    'between 1 and 65535.',
  'proxy-unreachable': 'Your proxy cannot be reached, or does not let this through. Nothing went out another way.',
  'network-held': 'It is not known by which way you want to go out, so nothing goes out. Choose under Settings, Network.',
  'slots-damaged': 'The small file that keeps the locked key of this profile is missing or damaged, ' +
    'and so is its copy. The history is still here: put back slots.json from a copy of the folder, then try again.',
  'store-full': 'The disk is full. Nothing that was saved is lost: make room, then try again.',
  'store-damaged': 'The file with your messages is damaged, so nothing is written to it any more. ' +
    'If you have a copy of the folder, put it back, then try again.',
  'store-read-only': 'Coppice may not write to its folder. Nothing is lost: ' +
    'allow writing there, then try again.',
  'store-newer': 'A newer Coppice has used this profile. Nothing is lost: update this app to open it.',
  'read-only': 'This profile is open for reading only. Nothing was sent or changed.',
  'address-refused': 'That is not an address of the web, so it was not opened.',
  'address-unopened': 'This computer has no program that opens such an address.',
  'folder-hidden': 'This computer has no program that shows folders.',
  'profile-busy': 'This profile is open in another Coppice on this computer. ' +
    'Close that one, or use its window.',
  'delivery-unreachable': 'Messages cannot be fetched or sent right now. ' +
    'What you write is kept and goes out by itself.',
  'too-large': 'This is too long for one message. Nothing was sent; send it in parts.',
  'profile-unknown': 'There is no profile of this name on this computer.',
  bug: 'Coppice made a mistake of its own. What was saved is still there; try again or restart the app.',
}

export const codeWords = (code: ErrorCode): string => words[code]

export const stoppedTitle = (code: ErrorCode): string => {
  switch (code) {
    case 'profile-busy': return 'This profile is already open'
    case 'store-damaged': return 'The history cannot be opened'
    case 'store-newer': return 'This profile needs a newer Coppice'
    case 'store-full': return 'The disk is full'
    case 'store-read-only': return 'The folder cannot be written'
    case 'keychain-lost': return 'The key is gone from the keychain'
    case 'keychain-locked': return 'The keychain is locked'
    case 'slots-damaged': return 'The key of this profile cannot be found'
    case 'profile-unknown': return 'No such profile'
    default: return 'Coppice had to stop'
  }
}

export const reasonOf = (code: ErrorCode): string => {
  switch (code) {
    case 'store-full': return 'the disk is full'
    case 'store-read-only': return 'the folder cannot be written'
    case 'account-closed': return 'this account was closed'
    case 'device-revoked': return 'this device was removed from your account'
    default: return 'the file is damaged'
  }
}
