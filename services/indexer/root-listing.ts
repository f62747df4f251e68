/** One listing of a root against the index: what rests is written, what is fresh is left to settle, what is missing is gone only where the root can be believed. */

import { type GoneFacts, suspicion } from '../core/gone-rule.ts'
import {
  type Comparing,
  type ComparisonCounts,
  compareStreams,
  type Difference,
  noCounts,
} from '../core/recording-comparison.ts'
import type { Clock } from '../ports/clock.ts'
import type { FileTree, Finding } from '../ports/file-tree.ts'
import type { RecordingIndex, RecordingMark, RecordingState } from '../ports/recording-index.ts'
import { isIndexable, type Rested, type RootWriter } from './root-writer.ts'
import type { Known, Settling } from './settling.ts'

export interface RootListingOptions {
  readonly root: string
  readonly tree: FileTree
  readonly index: RecordingIndex
  readonly clock: Clock
  readonly writer: RootWriter
  readonly settling: Settling
  /** Unchanged for so long by the clock of the storage, nobody needs to watch it rest. */
  readonly oldMs: number
  /** So many may be gone at once without a question. */
  readonly goneMax: number
  /** Told of every entry that is final and has no hash. */
  unhashed(path: string): void
  /** What else there is to do, after each batch. */
  between(signal: AbortSignal): Promise<void>
}

export interface ListingEnd {
  readonly counts: ComparisonCounts
  /** Entries by state, as they were read. */
  readonly states: Map<RecordingState, number>
  readonly tooLong: number
  /** Why what is missing may not be believed to be gone. */
  readonly suspicion?: string
  /** There is more to do than one listing does. */
  readonly again: boolean
}

interface ListingSoFar {
  /** Of the batch before. */
  writing: Promise<void>
  readonly extras: RecordingMark[]
  tooLong: number
  again: boolean
}

/** Marked as gone by one listing, at most. */
const GONE_AT_ONCE = 10_000
const MARK_AT_ONCE = 500

export class RootListing {
  readonly #options: RootListingOptions

  constructor(options: RootListingOptions) {
    this.#options = options
  }

  /** Writes nothing: whether a root that is another folder than before holds what the index tells of. */
  async judge(signal: AbortSignal): Promise<ListingEnd> {
    const end = await this.#compare(() => undefined, signal)
    return { ...end, ...this.#suspicion(end.counts, { isOther: true, accepted: false }), tooLong: 0, again: false }
  }

  /**
   * `mark` is what the root was before; `accepted`: a person has said that what is missing is meant to be. Throws `root-unreachable` and what the index
   * throws.
   */
  async run(mark: string, accepted: boolean, signal: AbortSignal): Promise<ListingEnd> {
    const soFar: ListingSoFar = { writing: Promise.resolve(), extras: [], tooLong: 0, again: false }
    const end = await this.#compare((batch) => this.#take(batch, soFar, signal), signal)
    await soFar.writing
    const { again, tooLong } = soFar
    const isOther = (await this.#options.tree.mark()) !== mark
    // Mounted or unmounted under way: what was listed is of two folders, and the next listing knows.
    if (isOther) return { ...end, tooLong, again: true }
    const why = this.#suspicion(end.counts, { isOther, accepted })
    if (why.suspicion === undefined) await this.#markGone(soFar.extras, signal)
    return { ...end, ...why, tooLong, again }
  }

  #suspicion(
    { extra, held, unknown }: ComparisonCounts,
    asked: Pick<GoneFacts, 'isOther' | 'accepted'>,
  ): Pick<ListingEnd, 'suspicion'> {
    const { goneMax } = this.#options
    const why = suspicion({ extra, present: held - extra - unknown, goneMax, ...asked })
    return why === undefined ? {} : { suspicion: why }
  }

  async #compare(
    take: (batch: readonly Difference[]) => Promise<void> | undefined,
    signal: AbortSignal,
  ): Promise<Pick<ListingEnd, 'counts' | 'states'>> {
    const { tree, index, root, unhashed } = this.#options
    const states = new Map<RecordingState, number>()
    const comparing: Comparing = {
      counts: noCounts(),
      mark: ({ state }) => states.set(state, (states.get(state) ?? 0) + 1),
      equal: ({ path, state, hashed }) => {
        if (state === 'final' && !hashed) unhashed(path)
      },
    }
    for await (const batch of compareStreams(tree.list(signal), index.read(root, signal), comparing)) {
      await take(batch)
      signal.throwIfAborted()
    }
    return { counts: comparing.counts, states }
  }

  async #take(batch: readonly Difference[], soFar: ListingSoFar, signal: AbortSignal): Promise<void> {
    const { writer, clock, between } = this.#options
    const rested: Rested[] = []
    const changed: RecordingMark[] = []
    const nowMs = clock.wallMs()
    for (const each of batch) {
      if (each.kind === 'extra') this.#extra(each.mark, soFar)
      else if (!isIndexable(each.finding.path)) soFar.tooLong += 1
      else {
        const known = each.kind === 'differing' ? each.mark : undefined
        if (this.#isOld(each.finding, nowMs)) rested.push(restedOf(each.finding, known, nowMs))
        else if (known?.state === 'final') changed.push(known)
        else soFar.again ||= !this.#settle(each.finding, known)
      }
    }
    await soFar.writing
    // While it is written, the next batch is listed.
    soFar.writing = writer.write(rested, signal)
    soFar.writing.catch(() => undefined)
    await this.#noteChanged(changed, batch, soFar, signal)
    await between(signal)
  }

  /** A final recording that changes says so at once, and settles anew. */
  async #noteChanged(
    changed: readonly RecordingMark[],
    batch: readonly Difference[],
    soFar: ListingSoFar,
    signal: AbortSignal,
  ): Promise<void> {
    if (changed.length === 0) return
    await this.#options.writer.mark(
      changed,
      'changed',
      'it has changed since it was final, and has to rest again',
      signal,
    )
    const paths = new Set(changed.map(({ path }) => path))
    for (const each of batch) {
      if (each.kind === 'extra' || !paths.has(each.finding.path)) continue
      // Its revision is another one now: it is looked up when it is written.
      soFar.again ||= !this.#settle(each.finding, 'unknown')
    }
  }

  #extra(mark: RecordingMark, soFar: ListingSoFar): void {
    if (soFar.extras.length < GONE_AT_ONCE) soFar.extras.push(mark)
    else soFar.again = true
  }

  #settle(finding: Finding, known: Known): boolean {
    const { settling, clock } = this.#options
    return settling.offer(finding, known, { monotonicMs: clock.monotonicMs(), wallMs: clock.wallMs() })
  }

  #isOld({ path, changedMs }: Finding, nowMs: number): boolean {
    const { settling, oldMs } = this.#options
    return nowMs - changedMs >= oldMs && !settling.has(path)
  }

  /** Only what a second look does not find either: a listing may pass by a file that is renamed meanwhile. */
  async #markGone(extras: readonly RecordingMark[], signal: AbortSignal): Promise<void> {
    const { tree, writer } = this.#options
    for (let i = 0; i < extras.length; i += MARK_AT_ONCE) {
      const some = extras.slice(i, i + MARK_AT_ONCE)
      const findings = await tree.look(some.map(({ path }) => path))
      const gone = some.filter((_, at) => findings[at]?.data.kind === 'none' && findings[at].sidecar.kind === 'none')
      await writer.mark(gone, 'gone', 'it is not on storage any more', signal)
    }
  }
}

function restedOf(finding: Finding, known: RecordingMark | undefined, nowMs: number): Rested {
  return { finding, known, foundMs: nowMs, finalMs: Math.min(finding.changedMs, nowMs) || nowMs }
}
