/**
 * The outside of a window of the stand-in: its place on a screen that is not there, and whether it is seen. It does what
 * Electron says that a window does, and writes down what it was asked to do.
 */
import { EventEmitter } from 'node:events'
import type { NativeImage, Rectangle } from '../../main/electron.ts'

/** A call to the `electron` module: its name, and its arguments. */
export type Recorded = readonly [name: string, ...values: unknown[]]
export type Record = (...call: Recorded) => void

export class StandinFrame extends EventEmitter {
  readonly #record: Record
  #bounds: Rectangle
  #visible = false
  #focused = false
  #minimized = false
  #maximized = false
  #fullScreen = false

  constructor(record: Record, bounds: Rectangle) {
    super()
    this.#record = record
    this.#bounds = bounds
  }

  isMinimized(): boolean { return this.#minimized }
  isMaximized(): boolean { return this.#maximized }
  isFullScreen(): boolean { return this.#fullScreen }
  isFocused(): boolean { return this.#focused }
  isVisible(): boolean { return this.#visible }
  getNormalBounds(): Rectangle { return this.#bounds }

  show(): void {
    this.#record('window.show')
    this.#visible = true
    this.emit('show')
    if (this.#focused) return
    this.#focused = true
    this.emit('focus')
  }

  hide(): void {
    this.#record('window.hide')
    this.#visible = false
    this.blur()
  }

  focus(): void {
    this.#record('window.focus')
    this.#focused = true
    this.emit('focus')
  }

  restore(): void {
    this.#record('window.restore')
    this.#minimized = false
  }

  maximize(): void {
    this.#record('window.maximize')
    this.#maximized = true
    this.emit('maximize')
  }

  setFullScreen(on: boolean): void {
    this.#record('window.setFullScreen', on)
    this.#fullScreen = on
    // Electron tells of it when the animation is over.
    setTimeout(() => { this.emit(on ? 'enter-full-screen' : 'leave-full-screen') }, 20)
  }


  setContentProtection(on: boolean): void { this.#record('window.setContentProtection', on) }
  flashFrame(on: boolean): void { this.#record('window.flashFrame', on) }
  setOverlayIcon(image: NativeImage | null, description: string): void {
    this.#record('window.setOverlayIcon', image === null ? null : 'image', description)
  }

  // ---------------------------------------------------------------- what a person does

  blur(): void {
    this.#focused = false
    this.emit('blur')
  }

  minimize(): void {
    this.#minimized = true
    this.blur()
  }

  moveTo(bounds: Rectangle): void {
    this.#bounds = bounds
    this.emit('move')
    this.emit('resize')
  }

  /** Gives whether it may close. */
  protected mayClose(): boolean {
    let prevented = false
    this.emit('close', { preventDefault: () => { prevented = true } })
    return !prevented
  }
}
