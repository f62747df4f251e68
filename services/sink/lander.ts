/** Brings a batch of readings into a store, whatever it takes: waits while the store is away, splits what it refuses, and gives each reading its outcome. */

import type { Logger } from 'pino'
import { delayMs } from '../core/delay.ts'
import { codeOf } from '../core/errors.ts'
import type { Clock, Random } from '../ports/clock.ts'
import type { ArrivingReading, Landing, ReadingStore, WriteResult } from '../ports/reading-store.ts'
import { decideWrite } from './decide.ts'

const BACKOFF = { firstMs: 200, maxMs: 30_000 }

/** Readings `from`…`to` (not included) of the batch, and how often they have failed together. */
interface Chunk {
  readonly from: number
  readonly to: number
  readonly failures: number
  readonly probed: boolean
}

const FRESH = { failures: 0, probed: false }

/** What a lander tells the outside: one episode from the first failure until a write or probe succeeds. */
export interface StoreHealth {
  readonly away: boolean
  readonly reason: string
}

export class Lander {
  readonly #store: ReadingStore
  readonly #clock: Clock
  readonly #random: Random
  readonly #logger: Logger
  #health: StoreHealth = { away: false, reason: '' }
  /** Code of the reason that was logged last. */
  #saidCode: string | undefined

  constructor(store: ReadingStore, clock: Clock, random: Random, logger: Logger) {
    this.#store = store
    this.#clock = clock
    this.#random = random
    this.#logger = logger
  }

  get health(): StoreHealth {
    return this.#health
  }

  /** One landing for each reading, in order. Rejects only with the signal's reason. */
  async land(readings: readonly ArrivingReading[], signal: AbortSignal): Promise<WriteResult> {
    const landings: Landing[] = new Array<Landing>(readings.length)
    const generations = new Set<string>()
    const work: Chunk[] = [{ from: 0, to: readings.length, failures: 0, probed: false }]
    let othersLanded = false
    for (let chunk = work.shift(); chunk !== undefined; chunk = work.shift()) {
      const part = readings.slice(chunk.from, chunk.to)
      const outcome = await this.#attempt(part, chunk, othersLanded, signal)
      if ('landings' in outcome) {
        othersLanded = true
        generations.add(outcome.generation)
        for (const [i, landing] of outcome.landings.entries()) landings[chunk.from + i] = landing
      } else if (outcome.next === 'split') {
        const middle = chunk.from + ((chunk.to - chunk.from) >> 1)
        work.unshift({ ...FRESH, from: chunk.from, to: middle }, { ...FRESH, from: middle, to: chunk.to })
      } else {
        // The others of its batch go first: whether they land tells whose fault it is.
        work.push({ ...chunk, failures: chunk.failures + 1, probed: outcome.probed })
      }
    }
    const [generation, ...more] = generations
    // Renewed or wiped in between: what landed before says nothing about the new content.
    if (generation === undefined || more.length > 0) return this.land(readings, signal)
    return { generation, landings }
  }

  async #attempt(
    part: readonly ArrivingReading[],
    chunk: Chunk,
    othersLanded: boolean,
    signal: AbortSignal,
  ): Promise<WriteResult | { readonly next: 'split' | 'again'; readonly probed: boolean }> {
    signal.throwIfAborted()
    let failure: unknown
    try {
      const result = await this.#store.write(part, signal)
      this.#recovered()
      return result
    } catch (error) {
      signal.throwIfAborted()
      failure = error
    }
    const failures = chunk.failures + 1
    const trouble = { code: codeOf(failure), readings: part.length, failures, probed: chunk.probed, othersLanded }
    const action = decideWrite(trouble)
    if (action === 'split') return { next: 'split', probed: false }
    if (action === 'reject') return this.#reject(failure)
    if (action === 'probe' && (await this.#probe(signal))) return { next: 'again', probed: true }
    this.#failed(failure)
    await this.#clock.sleep(delayMs(failures, { ...BACKOFF, chance: this.#random.next() }), signal)
    return { next: 'again', probed: chunk.probed }
  }

  async #reject(failure: unknown): Promise<WriteResult> {
    const landing: Landing = {
      outcome: 'rejected',
      reason: failure instanceof Error ? failure.message : String(failure),
    }
    return { generation: await this.#store.generation(), landings: [landing] }
  }

  async #probe(signal: AbortSignal): Promise<boolean> {
    try {
      await this.#store.probe(signal)
      return true
    } catch {
      signal.throwIfAborted()
      return false
    }
  }

  #failed(failure: unknown): void {
    const reason = failure instanceof Error ? failure.message : String(failure)
    const code = codeOf(failure)
    if (!this.#health.away || code !== this.#saidCode) {
      this.#logger.error({ store: this.#store.name, reason }, 'the store is away')
      this.#saidCode = code
    }
    this.#health = { away: true, reason }
  }

  #recovered(): void {
    if (this.#health.away) this.#logger.info({ store: this.#store.name }, 'the store is back')
    this.#health = { away: false, reason: '' }
  }
}
