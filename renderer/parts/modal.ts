import { onDestroy, tick } from 'svelte'
import { app } from '../state.svelte.ts'

/** While the calling component stands, everything behind it is inert; afterwards focus is where it was. */
export const modal = (): void => {
  const before = document.activeElement
  app.modals++
  onDestroy(() => {
    app.modals--
    void tick().then(() => {
      if (before instanceof HTMLElement && before.isConnected && document.activeElement === document.body) before.focus()
    })
  })
}
