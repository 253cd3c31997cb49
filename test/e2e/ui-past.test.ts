/** What of the past was chosen for a computer that is being linked, as it is told there, over the scripted Bridge. */
import assert from 'node:assert/strict'
import { after, afterEach, before, test } from 'node:test'
import type { Link } from '../../preload/api.ts'
import { links } from './ui-samples.ts'
import { newStage } from './ui-window.ts'

const stage = newStage()
before(() => stage.open())
after(() => stage.close())
afterEach(() => stage.check())

test('tells what was chosen before it comes, while it comes, and when it is here', async () => {
  const { history: _, ...counting } = links.joining('new') as Extract<Link, { at: 'joining' }>
  const { page, bridge } = await stage.show({
    conversations: [], entries: [], phase: { at: 'linking', link: { ...counting, range: 'none' } },
  })
  await page.getByText('Chosen on the other computer: nothing of the past comes along.').waitFor()
  assert.equal(await page.getByRole('progressbar', { name: 'History' }).count(), 0)
  bridge.step({ ...counting, range: 'all' })
  await page.getByText('Chosen on the other computer: all messages come along.').waitFor()
  const past = page.getByRole('progressbar', { name: 'History: everything' })
  assert.equal(await past.getAttribute('aria-valuetext'), 'begins soon')
  bridge.step(links.joining('new'))
  await page.getByText('Chosen on the other computer: the messages of the last 30 days come along.').waitFor()
  const month = page.getByRole('progressbar', { name: 'History: the last 30 days' })
  assert.equal(await month.getAttribute('aria-valuetext'), '1,800 of 18,204, about 4 minutes left')
  bridge.step(links.done('new'))
  await page.getByText('The messages of the last 30 days are here.').waitFor()
})
