import { onMount, tick } from 'svelte'
import { app } from '../state.svelte.ts'

/** An element and what it lies in, from the inside out. */
const ancestry = (element: Element | null): readonly Element[] =>
  element === null ? [] : [element, ...ancestry(element.parentElement)]

/**
 * While the calling component stands, everything behind it is inert. Afterwards the focus is where it was, or, where
 * that is gone, at the first button of the nearest thing around it that is left.
 */
export const modal = (): void => {
  const before = ancestry(document.activeElement)
  const giveBack = (): void => {
    const [left] = before.filter((element) => element.isConnected)
    if (document.activeElement !== document.body || left === undefined) return
    const target = left === before[0] ? left : left.querySelector('button')
    if (target instanceof HTMLElement) target.focus()
  }
  // Not before: where one takes the place of another, what is counted while it is made is lost.
  onMount(() => {
    app.modals++
    return () => {
      app.modals--
      void tick().then(giveBack)
    }
  })
}
