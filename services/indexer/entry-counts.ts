/** How many entries a root has by state: as a listing read them, and what was written since. */

import type { RecordingState } from '../ports/recording-index.ts'

type Counts = Map<RecordingState, number>

export class EntryCounts {
  #counts: Counts = new Map()
  /** Moves since a listing began; it may have read some of them already, and the next one puts that right. */
  #meanwhile: Counts | undefined

  get now(): Readonly<Partial<Record<RecordingState, number>>> {
    return Object.fromEntries(this.#counts)
  }

  moved(from: RecordingState | undefined, to: RecordingState): void {
    for (const counts of [this.#counts, this.#meanwhile]) {
      if (counts === undefined) continue
      if (from !== undefined) add(counts, from, -1)
      add(counts, to, 1)
    }
  }

  beginListing(): void {
    this.#meanwhile = new Map()
  }

  /** `read`: the entries that a listing has read to its end; absent when it did not come that far. */
  endListing(read?: ReadonlyMap<RecordingState, number>): void {
    const meanwhile = this.#meanwhile ?? []
    this.#meanwhile = undefined
    if (read === undefined) return
    this.#counts = new Map(read)
    for (const [state, count] of meanwhile) add(this.#counts, state, count)
  }
}

function add(counts: Counts, state: RecordingState, count: number): void {
  counts.set(state, (counts.get(state) ?? 0) + count)
}
