/** A wait that ends with its time, its signal, or when somebody rings. */

import type { Clock } from '../ports/clock.ts'

export class Wakeup {
  readonly #clock: Clock
  #rung = false
  #wake: (() => void) | undefined

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Ends the wait that is under way, or the next one. */
  ring(): void {
    this.#rung = true
    this.#wake?.()
  }

  /** Throws the signal's reason when aborted. */
  async wait(ms: number, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    if (!this.#rung && ms > 0) {
      const over = new AbortController()
      this.#wake = () => over.abort()
      signal.addEventListener('abort', this.#wake, { once: true })
      await this.#clock.sleep(ms, over.signal).catch(() => undefined)
      signal.removeEventListener('abort', this.#wake)
      this.#wake = undefined
    }
    this.#rung = false
    signal.throwIfAborted()
  }
}
