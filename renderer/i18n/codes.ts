/** What the codes of the main process mean to a person. */
import type { ErrorCode } from '../../preload/api.ts'

/** What a code means to a person: what happened, whether anything is lost, what comes next. */
export const codeWords = (code: ErrorCode): string => {
  switch (code) {
    case 'bad-argument': return 'Coppice could not take that in. Nothing was changed; check what you typed.'
    case 'not-ready': return 'Coppice is still opening. Nothing was changed; try again in a moment.'
    case 'unknown-conversation': return 'This chat is no longer on this computer.'
    case 'conversation-closed': return 'This chat is closed, so nothing can be sent to it. What was said stays here.'
    case 'not-allowed': return 'Only an admin of this group can do that. Nothing was changed.'
    case 'invite-malformed': return 'This is not a whole invite. Copy all of it, from the first character to the last.'
    case 'invite-expired': return 'This invite is too old. Ask for a new one.'
    case 'invite-own': return 'This is your own invite. Send it to somebody else.'
    case 'invite-no-device': return 'No device of this person can be found yet. ' +
      'Ask them to open Coppice once, then try again.'
    case 'invite-no-key': return 'This person’s devices have no key left for a new chat. ' +
      'Ask them to open Coppice once, then try again.'
    case 'invite-newer': return 'This invite was made by a newer Coppice. Update this app, then paste it again.'
    case 'invite-elsewhere': return 'This invite is for another place where messages are kept, ' +
      'which this computer does not use.'
    case 'invite-linking': return 'This is not an invite: it would link a device to your account, which could then ' +
      'read your messages. Nothing was changed. Somebody who calls it an invite means you no good.'
    case 'invitation-broken': return 'An invitation to a chat arrived damaged and was put aside. ' +
      'Nothing else is affected; ask whoever sent it to invite you again.'
    case 'keys-drained': return 'Somebody took all the keys that others need to write to you for the first time, and ' +
      'did not write. Nothing is lost: your chats go on, and there are new keys already.'
    case 'device-heard': return 'This device has been heard of meanwhile, or is gone already. Nothing was changed.'
    case 'devices-split': return 'One of your devices tells another history of your account than this one can read. ' +
      'Whoever carries your messages may be hiding something. Compare the lists of devices on both.'
    case 'trust-changed': return 'Something changed about this person, and nothing is sent to them until you have looked ' +
      'at it. Open their page, then do this again.'
    case 'device-revoked': return 'This device was taken out of your account. What was said stays here to read; ' +
      'nothing is sent or received any more. To use it again, remove this profile and link the device anew.'
    case 'device-stolen': return 'One of your devices signed two different things at once, which only a copy of its ' +
      'key can do. Look at your devices now, and take back the one that you do not have in your hands.'
    case 'already-member': return 'This person is already in the group.'
    case 'words-differ': return 'One of the words is different. Nothing is lost: look at your paper again.'
    case 'words-count': return 'These are not 24 words. Type or paste all of them, in order.'
    case 'words-unknown': return 'Some of these are no words of a recovery key. Look at your paper again.'
    case 'words-order': return 'One of the words is another one, or two have changed places. Look at your paper again.'
    case 'card-missing': return 'Nothing was found for these words where messages are kept. Nothing was changed: look at ' +
      'your paper again, and whether this is the right place.'
    case 'words-replaced': return 'These words were replaced by newer ones. Nothing was changed: look for the newer paper.'
    case 'words-foreign': return 'These are the words of another account. Nothing was changed.'
    case 'words-gone': return 'The words were confirmed before, so this computer no longer has them.'
    case 'words-first': return 'First confirm your 24 recovery words: they are the way back if a device is lost. ' +
      'Then link the other one.'
    case 'name-differs': return 'This is not the name of this profile. Nothing was removed.'
    case 'passphrase-wrong': return 'This passphrase does not open the profile. Nothing is lost; try again.'
    case 'passphrase-wait': return 'That was wrong too often. Nothing is lost: wait a moment, then try again.'
    case 'passphrase-short': return 'This passphrase is too short. Use a few words that only you would put together.'
    case 'passphrase-missing': return 'Locking needs a passphrase. Set one in the settings first.'
    case 'keychain-locked': return 'The keychain of this computer is locked. ' +
      'Nothing is lost: unlock it, then try again.'
    case 'keychain-absent': return 'This computer has no keychain that can hold the key. Choose a passphrase instead.'
    case 'keychain-lost': return 'The keychain of this computer no longer has the key of this profile. ' +
      'The history is still here, but it needs that keychain to open.'
    case 'slots-damaged': return 'The small file that keeps the locked key of this profile is missing or damaged, ' +
      'and so is its copy. The history is still here: put back slots.json from a copy of the folder, then try again.'
    case 'store-full': return 'The disk is full. Nothing that was saved is lost: make room, then try again.'
    case 'store-damaged': return 'The file with your messages is damaged, so nothing is written to it any more. ' +
      'If you have a copy of the folder, put it back, then try again.'
    case 'store-read-only': return 'Coppice may not write to its folder. Nothing is lost: ' +
      'allow writing there, then try again.'
    case 'store-newer': return 'A newer Coppice has used this profile. Nothing is lost: update this app to open it.'
    case 'read-only': return 'This profile is open for reading only. Nothing was sent or changed.'
    case 'folder-hidden': return 'This computer has no program that shows folders.'
    case 'profile-busy': return 'This profile is open in another Coppice on this computer. ' +
      'Close that one, or use its window.'
    case 'delivery-unreachable': return 'Messages cannot be fetched or sent right now. ' +
      'What you write is kept and goes out by itself.'
    case 'too-large': return 'This is too long for one message. Nothing was sent; send it in parts.'
    case 'profile-unknown': return 'There is no profile of this name on this computer.'
    case 'bug': return 'Coppice made a mistake of its own. What was saved is still there; try again or restart the app.'
  }
}

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
    default: return 'the file is damaged'
  }
}
