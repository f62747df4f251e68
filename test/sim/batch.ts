/** Sums a batch of seeds up, and says what a batch of this size should have met and has not. */

import { FAULT_CLASSES, type FaultClass } from './faults.ts'
import type { SeedCounts, SeedResult } from './run-seed.ts'

/** A batch of so many seeds meets everything; a smaller one is not asked to. */
const COVERING_SEEDS = 200

/** What must have happened somewhere, beside each fault class. */
const EVENTS = {
  removedDuplicates: 'a duplicate that was removed',
  conflicts: 'a conflict',
  requests: 'a gap that was asked for again',
  voids: 'a reading declared void',
  lostTails: 'a tail that was accepted and not sent when its gateway died',
} as const satisfies Partial<Record<keyof SeedCounts, string>>

export class Batch {
  seeds = 0
  failed = 0
  twice = 0
  readonly #counts = new Map<string, number>()
  readonly #faults = new Map<FaultClass, number>()

  add({ counts, faults, verdicts }: SeedResult): void {
    this.seeds += 1
    if (verdicts.length > 0) this.failed += 1
    for (const [name, count] of Object.entries(counts)) this.#counts.set(name, (this.#counts.get(name) ?? 0) + count)
    for (const [kind, count] of faults) this.#faults.set(kind, (this.#faults.get(kind) ?? 0) + count)
  }

  /** Sentences; empty where nothing is missing or the batch is too small to tell. */
  missing(): readonly string[] {
    if (this.seeds < COVERING_SEEDS) return []
    const faults = FAULT_CLASSES.filter((kind) => !this.#faults.has(kind)).map((kind) => `no ${kind}`)
    const events = Object.entries(EVENTS).filter(([name]) => (this.#counts.get(name) ?? 0) === 0)
    return [...faults, ...events.map(([, what]) => `not once ${what}`)]
  }

  /** Without any time of the wall: the same seeds give the same line. */
  line(hash: string): string {
    const of = (name: keyof SeedCounts): number => this.#counts.get(name) ?? 0
    const faults = FAULT_CLASSES.filter((kind) => this.#faults.has(kind)).map(
      (kind) => `${kind} ${this.#faults.get(kind)}`,
    )
    const counts = [
      `${this.seeds} seeds, ${this.failed} failed, ${this.twice} run twice`,
      `${of('readings')} readings, ${of('accepted')} accepted, ${of('unknown')} unknown`,
      `${of('removedDuplicates')} removed duplicates`,
      `${of('requestedPositions')} positions in ${of('requests')} requests, ${of('needless')} needless`,
      `${of('voids')} voids, ${of('conflicts')} conflicts, ${of('rejected')} rejected, ${of('lostTails')} lost tails`,
      `${of('proofs')} proofs and ${of('deletions')} deletions checked, ${of('excused')} excused`,
      `${of('events')} events, ${Math.round(of('virtualMs') / 60_000)} virtual minutes`,
    ]
    return `${counts.join('; ')}; faults: ${faults.join(', ') || 'none'}; hash ${hash}`
  }
}
