/** The words of attachments. */

/** What their codes mean to a person: part of codes.ts. */
export const fileCodes = {
  'file-too-large': 'This file is larger than 100 MB, which is the most that can be sent. Nothing was sent.',
  'files-too-many': 'That is more files than can wait to be sent. Send or remove some of the others first.',
  'picture-broken': 'This picture is damaged, so what it tells about its maker and place cannot be taken out of it. ' +
    'Nothing was sent; open it in a picture editor, save it anew, and send that.',
  'save-failed': 'The file could not be saved in this place. Nothing was changed there; choose another one.',
  'save-full': 'There is not enough room on this disk for the file. Nothing of it was left there.',
} as const
