/** Looks at a range of one bucket on both sides, from the newest to the oldest: first how much differs and where, then each of those windows, until there is nothing left to do. */

import {
  compareSums,
  type FieldDifference,
  halved,
  planFor,
  pointsOf,
  seriesOf,
  type Work,
} from '../core/mirror-plan.ts'
import {
  cutShort,
  firstWalk,
  joined,
  nanosOf,
  nextWindow,
  together,
  type Walk,
  walked,
} from '../core/mirror-windows.ts'
import type { Clock } from '../ports/clock.ts'
import type { FieldSums, MirrorRow, Only, TimeWindow, WriteOutcome } from '../ports/mirror-end.ts'
import { copyWindow, type HeldField, holdWindow, type Sides, Writing } from './window-copy.ts'

export interface ExaminationOptions extends Sides {
  readonly range: TimeWindow
  /** What is older should have been there: it is looked at in windows of its own. */
  readonly oldBefore: bigint
  readonly clock: Clock
  /** Also what has equal sums is read on both sides. */
  readonly deep: boolean
  /** Whether what the target wants is copied, or only counted. */
  readonly copies: boolean
  /** Whether what the target has alone is taken out of it; something else may go with it, which the next pass brings back. */
  readonly deletes?: boolean
  readonly found: Findings
  /** Points that have been written, as they are. */
  readonly told?: (points: number) => void
}

/** Told once of every field in every window. */
export interface Findings {
  equal(sums: readonly FieldSums[]): void
  /** What was read on both sides. */
  held(fields: readonly HeldField[], window: TimeWindow): void
  /** `points` of these fields, of which the target had nothing in the window. */
  missing(fields: readonly FieldDifference[], points: number, window: TimeWindow): void
  extra(fields: readonly FieldDifference[]): void
  /** Points at the target alone have been taken out. */
  removed(points: number): void
  /** What writing has come to. */
  wrote(outcome: WriteOutcome): void
}

type CopyWork = Extract<Work, { readonly kind: 'copy' }>

const COPY_POINTS = { min: 2_000, max: 200_000 }
/** What took longer is not tried with more. */
const QUICK_MS = 1_500
const HOLD_POINTS = { mirror: 4_000, deep: 100_000 }

export class Examination {
  readonly #options: ExaminationOptions
  /** Ahead of now, new, old. */
  readonly #edges: readonly bigint[]
  /** The next one stands at the end. */
  readonly #work: Work[] = []
  /** Of the looking that stands before all work, from the newest to the oldest. */
  readonly #found: Work[] = []
  #walk: Walk
  #copyMax = COPY_POINTS.max
  #compared = 0

  constructor(options: ExaminationOptions) {
    this.#options = options
    this.#edges = [nanosOf(options.clock.wallMs()), options.oldBefore]
    this.#walk = firstWalk(options.range)
  }

  /** Points of the source that sums have been held against. */
  get compared(): number {
    return this.#compared
  }

  /** Points that are to be copied, as far as is known. */
  get left(): number {
    let left = 0
    for (const work of [this.#work, this.#found].flat()) {
      if (work.kind === 'copy') left += work.points
      else if (work.kind === 'hold')
        left += Math.max(0, pointsOf(work.fields, 'source') - pointsOf(work.fields, 'target'))
    }
    return left
  }

  /** One step; false when nothing is left. After a failure the same step is taken again. */
  async next(signal: AbortSignal): Promise<boolean> {
    const window = nextWindow(this.#options.range, this.#walk, this.#edges)
    if (window !== undefined) {
      await this.#look(window, signal)
      return true
    }
    if (this.#found.length > 0) this.#work.push(...this.#found.splice(0).reverse())
    const work = this.#work.at(-1)
    if (work === undefined) return false
    const fromMs = this.#options.clock.monotonicMs()
    const then = await this.#do(work, signal)
    this.#work.pop()
    this.#work.push(...then.toReversed())
    const isQuick = this.#options.clock.monotonicMs() - fromMs < QUICK_MS
    if (isQuick) this.#copyMax = Math.min(COPY_POINTS.max, Math.ceil(this.#copyMax * 1.5))
    return true
  }

  /** After a failure: less is tried at once. */
  cut(): void {
    this.#walk = cutShort(this.#walk)
    const work = this.#work.pop()
    // A smaller window is asked for, or what was too much is not even counted.
    if (work?.kind === 'copy' && work.points <= this.#copyMax) this.#work.push(work)
    else if (work !== undefined) this.#work.push(...halved(work).toReversed())
    this.#copyMax = Math.max(COPY_POINTS.min, Math.floor(this.#copyMax / 3))
  }

  async #look(window: TimeWindow, signal: AbortSignal): Promise<void> {
    const { clock } = this.#options
    const fromMs = clock.monotonicMs()
    const plan = await this.#compare(window, undefined, signal)
    this.#found.push(...plan)
    this.#walk = walked(this.#walk, window, clock.monotonicMs() - fromMs)
  }

  async #do(work: Work, signal: AbortSignal): Promise<readonly Work[]> {
    if (work.kind === 'compare') return await this.#compare(work.window, work.only, signal)
    if (work.kind === 'copy') return await this.#copy(work, signal)
    if (work.kind === 'hold') await this.#hold(work.fields, work.window, signal)
    else if (work.kind === 'divide') return await this.#divide(work, signal)
    else await this.#extra(work.fields, work.window, signal)
    return []
  }

  async #compare(window: TimeWindow, only: Only, signal: AbortSignal): Promise<readonly Work[]> {
    const { source, target, bucket, deep, found } = this.#options
    const [ours, theirs] = await Promise.all([
      source.sums(bucket, window, only, signal),
      target.sums(bucket, window, only, signal),
    ])
    const { equal, differing } = compareSums(ours, theirs, { deep, only })
    found.equal(equal)
    if (only === undefined) this.#compared += ours.reduce((sum, { points }) => sum + points, 0)
    return planFor(window, differing, { holdMax: deep ? HOLD_POINTS.deep : HOLD_POINTS.mirror, narrows: !deep })
  }

  async #copy(work: CopyWork, signal: AbortSignal): Promise<readonly Work[]> {
    const { copies, found, told = () => undefined } = this.#options
    const { window, fields, points } = work
    if (!copies) {
      found.missing(fields, points, window)
      return []
    }
    const parts = await this.#parts(work, signal)
    if (parts !== undefined) return parts
    const outcome = await copyWindow(this.#options, window, fields, signal, told)
    found.missing(fields, outcome.written + outcome.outsideRetention + outcome.refused, window)
    found.wrote(outcome)
    return []
  }

  /** What is too much for one window in several; `undefined` where it is not, or can't be parted. */
  async #parts({ window, fields, points }: CopyWork, signal: AbortSignal): Promise<readonly Work[] | undefined> {
    if (points <= this.#copyMax) return undefined
    const { source, bucket } = this.#options
    const counts = await source.counts(bucket, window, seriesOf(fields), signal)
    const parts = joined(counts, this.#copyMax).map((part): Work => ({ kind: 'copy', fields, ...part }))
    const [only] = parts
    const isSame = parts.length === 1 && only?.window.from === window.from && only.window.to === window.to
    return isSame || window.to - window.from === 1n ? undefined : parts
  }

  /** What neither side has any points in needs no look. */
  async #divide(
    { window, fields }: Pick<CopyWork, 'window' | 'fields'>,
    signal: AbortSignal,
  ): Promise<readonly Work[]> {
    const { source, target, bucket } = this.#options
    const only = seriesOf(fields)
    const [ours, theirs] = await Promise.all([
      source.counts(bucket, window, only, signal),
      target.counts(bucket, window, only, signal),
    ])
    return joined(together(ours, theirs), HOLD_POINTS.deep).map((part): Work => {
      const isNarrower = part.window.to - part.window.from < window.to - window.from
      const kind = part.points > HOLD_POINTS.deep && isNarrower ? 'divide' : 'hold'
      return { kind, window: part.window, fields }
    })
  }

  async #hold(fields: readonly FieldDifference[], window: TimeWindow, signal: AbortSignal): Promise<void> {
    const { copies, found, target, bucket, deletes = false, told = () => undefined } = this.#options
    const held = await holdWindow(this.#options, window, fields, signal)
    if (copies && held.rows.length > 0) found.wrote(await this.#write(held.rows, signal, told))
    for (const { series, time } of deletes ? held.extra : []) {
      await target.remove(bucket, series, { from: time, to: time + 1n }, signal)
    }
    if (deletes) found.removed(held.fields.reduce((sum, { extra }) => sum + extra, 0))
    found.held(held.fields, window)
  }

  async #extra(fields: readonly FieldDifference[], window: TimeWindow, signal: AbortSignal): Promise<void> {
    const { target, bucket, found, deletes = false } = this.#options
    for (const series of deletes ? seriesOf(fields) : []) await target.remove(bucket, series, window, signal)
    if (deletes) found.removed(pointsOf(fields, 'target'))
    found.extra(fields)
  }

  async #write(rows: readonly MirrorRow[], signal: AbortSignal, told: (points: number) => void): Promise<WriteOutcome> {
    await using writing = new Writing(this.#options, signal, told)
    await writing.give(rows)
    return await writing.end()
  }
}
