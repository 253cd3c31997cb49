/** The screens of files and pictures. */
import type { Page } from 'playwright-core'
import type { Conversation } from '../../preload/api.ts'
import { file, picture } from './ui-files.ts'
import { idOf, jonas, message, river, sampleConversations, sampleEntries, today } from './ui-samples.ts'
import { press, type Scene } from './ui-scene.ts'

const meadow = picture('Meadow in the evening.png', 480, 320)
const tall = picture('Oak.png', 300, 400)
const wide = picture('Panorama from the tower, the long one with the whole valley in it.png', 900, 200)

const entries = [
  message(jonas, 'Jonas', 'From the tower:', { at: today(12, 0), attachments: [wide] }),
  message(jonas, 'Robin', '', { at: today(12, 1), attachments: [meadow, tall] }),
  message(jonas, 'Jonas', 'And the plan for Saturday.', { at: today(12, 2), attachments: [
    file('Plan for Saturday.pdf', 1_830_000), file('route-with-a-name-that-goes-on-and-on-and-never-comes-to-an-end.gpx', 64_200, { state: 'offered' }),
    file('Film of the tower.mp4', 83_000_000, { state: 'coming' }),
  ] }),
  message(jonas, 'Jonas', '', { at: today(12, 3), attachments: [
    file('Old map.png', 4_100_000, { mediaType: 'image/png', width: 800, height: 600, state: 'gone', why: 'expired' }),
    file('Torn.zip', 910_000, { state: 'gone', why: 'broken' }),
  ] }),
  message(jonas, 'Robin', 'The recordings', { at: today(12, 4), state: 'sending', deliveredTo: 0, attachments: [file('Recordings.zip', 40_000_000)] }),
]
const [first, , third, , last] = entries
const withFiles: Scene['script'] = {
  conversations: sampleConversations.map((each): Conversation => each.id === jonas.id
    ? { ...jonas, at: today(12, 4), last: { at: today(12, 4), text: '', own: false, attached: { count: 1, name: 'x.png', mediaType: 'image/png' } } }
    : each.id === river.id ? { ...river, last: { at: today(12, 4), text: '', from: idOf('Mara'), own: false, attached: { count: 3, name: 'x', mediaType: 'x/y' } } } : each),
  entries: [...sampleEntries, ...entries],
}

const chat = async (page: Page): Promise<void> => {
  await press(page, /^Jonas/)
  await page.getByRole('img', { name: 'Picture Oak.png' }).or(page.getByText('Torn.zip')).first().waitFor()
}

/** Chooses these files as the system's dialogue would. */
export const choose = (page: Page, ...files: readonly { readonly name: string, readonly mimeType: string, readonly buffer: Buffer }[]): Promise<void> =>
  page.locator('input[data-chooser]').setInputFiles([...files])

export const fileScenes: Readonly<Record<string, Scene>> = {
  'files-pictures': {
    script: { ...withFiles, entries: [...sampleEntries, ...entries.slice(0, 2)] },
    act: async (page) => {
      await press(page, /^Jonas/)
      await page.getByRole('img', { name: 'Picture Oak.png' }).waitFor()
    },
  },
  'files-rows': {
    script: withFiles,
    act: chat,
    told: [
      { files: [{ entry: third?.id ?? '', hash: third?.attachments?.[2]?.hash ?? '', done: 31_000_000, of: 83_000_000 }] },
      { files: [{ entry: last?.id ?? '', hash: last?.attachments?.[0]?.hash ?? '', done: 9_000_000, of: 40_000_000 }] },
    ],
  },
  'files-viewer': {
    script: { ...withFiles, entries: [...sampleEntries, ...first === undefined ? [] : [first], ...entries.slice(1, 2)] },
    act: async (page) => {
      await press(page, /^Jonas/)
      await press(page, 'Look at Meadow in the evening.png')
      await page.getByRole('dialog').getByRole('img').waitFor()
    },
  },
  'files-tray': {
    script: withFiles,
    act: async (page) => {
      await chat(page)
      const buffer = Buffer.alloc(300_000)
      await choose(page, { name: 'Seeds.pdf', mimeType: 'application/pdf', buffer }, { name: 'Notes about the beans along the wall.txt', mimeType: 'text/plain', buffer })
      await page.getByRole('button', { name: 'Send', exact: true }).and(page.locator(':enabled')).waitFor()
    },
  },
}
