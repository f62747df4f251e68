/** Storage against index: two sorted streams side by side, held in memory no further than a batch of each. */

import type { Finding, Hole, Listed } from '../ports/file-tree.ts'
import type { RecordingMark } from '../ports/recording-index.ts'
import { comparePaths } from './path-order.ts'
import { isEntryFor } from './recordings.ts'

export type Difference =
  /** On storage, without an entry. */
  | { readonly kind: 'missing'; readonly finding: Finding }
  /** On storage, and the entry tells of something else, or of something that may have mended. */
  | { readonly kind: 'differing'; readonly finding: Finding; readonly mark: RecordingMark }
  /** In the index, not on storage; never one whose state is `gone` already. */
  | { readonly kind: 'extra'; readonly mark: RecordingMark }

/** Filled as the streams are read. */
export interface ComparisonCounts {
  /** On storage. */
  found: number
  /** In the index and not `gone`. */
  held: number
  equal: number
  missing: number
  differing: number
  extra: number
  /** In the index, below folders that could not be listed; not `gone` ones. */
  unknown: number
  readonly holes: Hole[]
}

export interface Comparing {
  readonly counts: ComparisonCounts
  /** Told every mark that is read. */
  mark?(mark: RecordingMark): void
  /** Told every entry that storage agrees with. */
  equal?(mark: RecordingMark): void
}

/** So many holes are named; more are counted by what is unknown below them. */
const HOLES_MAX = 100

export function noCounts(): ComparisonCounts {
  return { found: 0, held: 0, equal: 0, missing: 0, differing: 0, extra: 0, unknown: 0, holes: [] }
}

/** The differences of each batch of storage, in order, then what the index has behind the last one. */
export async function* compareStreams(
  storage: AsyncIterable<readonly Listed[]>,
  index: AsyncIterable<readonly RecordingMark[]>,
  comparing: Comparing,
): AsyncGenerator<readonly Difference[]> {
  await using marks = new Marks(index, comparing)
  for await (const batch of storage) {
    const found: Difference[] = []
    for (const listed of batch) {
      if ('below' in listed) await marks.passHole(listed, found)
      else await marks.meet(listed, found)
    }
    if (found.length > 0) yield found
  }
  for (let batch = await marks.rest(); batch !== undefined; batch = await marks.rest()) {
    if (batch.length > 0) yield batch
  }
}

/** The index, read alongside. */
class Marks implements AsyncDisposable {
  readonly #batches: AsyncIterator<readonly RecordingMark[]>
  readonly #comparing: Comparing
  #batch: readonly RecordingMark[] = []
  #at = 0

  constructor(stream: AsyncIterable<readonly RecordingMark[]>, comparing: Comparing) {
    this.#batches = stream[Symbol.asyncIterator]()
    this.#comparing = comparing
  }

  async meet(finding: Finding, found: Difference[]): Promise<void> {
    const { counts, equal } = this.#comparing
    counts.found += 1
    await this.#passBefore(finding.path, found)
    const mark = (await this.#next())?.path === finding.path ? this.#take() : undefined
    if (mark === undefined) {
      counts.missing += 1
      found.push({ kind: 'missing', finding })
    } else if (!isEntryFor(mark, finding)) {
      counts.differing += 1
      found.push({ kind: 'differing', finding, mark })
    } else {
      counts.equal += 1
      equal?.(mark)
    }
  }

  async passHole(hole: Hole, found: Difference[]): Promise<void> {
    const { counts } = this.#comparing
    if (counts.holes.length < HOLES_MAX) counts.holes.push(hole)
    await this.#passBefore(hole.below, found)
    while ((await this.#next())?.path.startsWith(hole.below) === true) {
      if (this.#take()?.state !== 'gone') counts.unknown += 1
    }
  }

  /** What is left, a batch at a time; `undefined` at the end. */
  async rest(): Promise<readonly Difference[] | undefined> {
    if ((await this.#next()) === undefined) return undefined
    const found: Difference[] = []
    for (let mark = this.#take(); mark !== undefined; mark = this.#take()) this.#extra(mark, found)
    return found
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#batches.return?.()
  }

  async #passBefore(path: string, found: Difference[]): Promise<void> {
    for (;;) {
      const mark = await this.#next()
      if (mark === undefined || comparePaths(mark.path, path) >= 0) return
      this.#take()
      this.#extra(mark, found)
    }
  }

  #extra(mark: RecordingMark, found: Difference[]): void {
    if (mark.state === 'gone') return
    this.#comparing.counts.extra += 1
    found.push({ kind: 'extra', mark })
  }

  /** The next one, not taken yet; `undefined` when there is none any more. */
  async #next(): Promise<RecordingMark | undefined> {
    while (this.#at >= this.#batch.length) {
      const next = await this.#batches.next()
      if (next.done === true) return undefined
      this.#batch = next.value
      this.#at = 0
    }
    return this.#batch[this.#at]
  }

  /** Of the batch at hand. */
  #take(): RecordingMark | undefined {
    const mark = this.#batch[this.#at]
    if (mark === undefined) return undefined
    this.#at += 1
    this.#comparing.mark?.(mark)
    if (mark.state !== 'gone') this.#comparing.counts.held += 1
    return mark
  }
}
