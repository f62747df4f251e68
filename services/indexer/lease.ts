/** The lease of a root: while one indexer has it, others of the same index leave the root alone. Two that both believe to have it do double work and no harm. */

import type { Clock } from '../ports/clock.ts'
import type { RecordingIndex } from '../ports/recording-index.ts'

export interface LeaseOptions {
  readonly root: string
  readonly holder: string
  readonly index: RecordingIndex
  readonly clock: Clock
}

/** Short, so that who starts again after a crash, or takes over, begins soon. */
const LEASE_MS = 6_000
const RENEW_EVERY_MS = LEASE_MS / 3
/** Who waits for it asks so often. */
export const ASK_EVERY_MS = 500

export class Lease {
  readonly #options: LeaseOptions

  constructor(options: LeaseOptions) {
    this.#options = options
  }

  /** False while another one has it. Throws as the index does. */
  async claim(signal: AbortSignal): Promise<boolean> {
    const { root, holder, index, clock } = this.#options
    const nowMs = clock.wallMs()
    return index.claim(root, { holder, nowMs, untilMs: nowMs + LEASE_MS }, signal)
  }

  /**
   * Runs `work` while the lease is renewed. Resolves when the work has ended or another one has the lease; throws what the work throws, and what the index
   * throws at a renewal.
   */
  async during(work: (signal: AbortSignal) => Promise<void>, signal: AbortSignal): Promise<void> {
    const lost = new AbortController()
    const over = new AbortController()
    const keeping = this.#keep(AbortSignal.any([signal, over.signal])).finally(() => lost.abort())
    keeping.catch(() => undefined)
    try {
      await work(AbortSignal.any([signal, lost.signal]))
    } catch (error) {
      if (signal.aborted || !lost.signal.aborted) throw error
    } finally {
      over.abort()
      await keeping
    }
  }

  /** Others need not wait until it runs out. */
  async release(signal: AbortSignal): Promise<void> {
    const { root, holder, index } = this.#options
    await index.release(root, holder, signal)
  }

  /** Until another one has it, or the signal aborts. Throws as the index does. */
  async #keep(signal: AbortSignal): Promise<void> {
    try {
      do await this.#options.clock.sleep(RENEW_EVERY_MS, signal)
      while (await this.claim(signal))
    } catch (error) {
      if (!signal.aborted) throw error
    }
  }
}
