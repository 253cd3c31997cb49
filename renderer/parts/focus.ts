/** Moves the focus to what has just been drawn, so that the keyboard and a screen reader go on there. */
export const focusNow = (element: HTMLElement): void => { element.focus({ preventScroll: true }) }
