/** Whether the index answers: said once when it goes and once when it is back, and asked by one prober for all roots. */

import { delayMs } from '../core/delay.ts'
import { codeOf, type ErrorCode } from '../core/errors.ts'
import type { Clock, Random } from '../ports/clock.ts'
import type { RecordingIndex } from '../ports/recording-index.ts'
import type { IndexerChange, IndexerStatus } from './changes.ts'

export interface IndexLinkOptions {
  readonly index: RecordingIndex
  readonly clock: Clock
  readonly random: Random
  tell(change: IndexerChange): void
}

/** Everything that came is to be indexed within ten seconds of its return, so it is asked often. */
const AGAIN = { firstMs: 200, maxMs: 2_000 }
const AWAY: ReadonlySet<ErrorCode | undefined> = new Set([
  'store-unavailable',
  'store-misconfigured',
  'batch-refused',
] as const)

export class IndexLink {
  readonly #options: IndexLinkOptions
  #away: IndexerStatus['away'] = null
  #probing: Promise<void> | undefined

  constructor(options: IndexLinkOptions) {
    this.#options = options
  }

  get away(): IndexerStatus['away'] {
    return this.#away
  }

  /** Whether the error means that the index is away, or says something that waiting may mend. */
  isAway(error: unknown): boolean {
    if (!AWAY.has(codeOf(error))) return false
    if (this.#away === null) {
      const reason = error instanceof Error ? error.message : String(error)
      this.#away = { sinceMs: this.#options.clock.wallMs(), reason }
      this.#options.tell({ kind: 'index-away', reason })
    }
    return true
  }

  /** Resolves when a write could succeed. Throws what waiting does not mend, and the signal's reason. */
  async untilBack(signal: AbortSignal): Promise<void> {
    this.#probing ??= this.#probe(signal).finally(() => {
      this.#probing = undefined
    })
    await this.#probing
  }

  async #probe(signal: AbortSignal): Promise<void> {
    const { index, clock, random, tell } = this.#options
    for (let attempt = 1; this.#away !== null; attempt++) {
      await clock.sleep(delayMs(attempt, { ...AGAIN, chance: random.next() }), signal)
      try {
        await index.probe(signal)
        const awayMs = clock.wallMs() - this.#away.sinceMs
        this.#away = null
        tell({ kind: 'index-back', awayMs })
      } catch (error) {
        signal.throwIfAborted()
        if (!this.isAway(error)) throw error
      }
    }
  }
}
