/** Mirrors one bucket: the newest points at a rhythm, and passes over all of it that find what came late, early or changed. */

import { TidemarkError } from '../core/errors.ts'
import { type BucketFigures, type BucketState, type BucketStatus, exceptionsIn } from '../core/mirror-status.ts'
import { END_NANOS, nanosOf } from '../core/mirror-windows.ts'
import type { Clock } from '../ports/clock.ts'
import type { BucketFacts, MirrorEnd, TimeWindow } from '../ports/mirror-end.ts'
import type { MirrorChange } from './changes.ts'
import { Examination } from './examination.ts'
import { PassFigures } from './pass-figures.ts'

export interface BucketMirrorOptions {
  readonly bucket: string
  readonly source: MirrorEnd
  readonly target: MirrorEnd
  readonly clock: Clock
  readonly everyMs: number
  /** Nothing older is looked at; nanoseconds since 1970. */
  readonly sinceNanos: bigint
  /** How far back passes go; as far as `sinceNanos` where it is absent. */
  readonly horizonMs: number | undefined
  readonly createBuckets: boolean
  readonly deep: boolean
  /** Whether passes take out of the target what it has alone. */
  readonly deletes: boolean
  tell(change: MirrorChange): void
}

interface Prepared {
  readonly source: BucketFacts
  readonly target: BucketFacts
}

interface Pass {
  readonly fromMs: number
  readonly figures: PassFigures
  readonly examination: Examination
}

/** New points are looked for so many rhythms back, again and again. */
const OVERLAP_TIMES = 3
/** Who has not looked for longer leaves it to a pass. */
const GAP_MS = 3_600_000
/** Passes in a row that may find what passes before them had brought. */
const PASSES_MAX = 3

export class BucketMirror {
  readonly bucket: string
  readonly #options: BucketMirrorOptions
  #state: BucketState = 'new'
  #reason = ''
  #written = 0
  #removed = 0
  #freshMs: number | null = null
  #passedMs: number | null = null
  #figures: BucketFigures = new PassFigures(0n).told
  #wantsPass = true
  #passesInARow = 0
  /** Under way; what it has come to survives cuts. */
  #pass: Pass | undefined
  #fresh: { readonly nowMs: number; readonly examination: Examination } | undefined

  constructor(options: BucketMirrorOptions) {
    this.#options = options
    this.bucket = options.bucket
  }

  get status(): BucketStatus {
    const { compared = 0, left = 0 } = this.#pass?.examination ?? {}
    return {
      ...{ bucket: this.bucket, state: this.#state, reason: this.#reason, ...this.#figures, written: this.#written },
      ...{ removed: this.#removed, compared, left, freshMs: this.#freshMs, passedMs: this.#passedMs },
    }
  }

  /** The last pass has left something that only another one finds, or there was none. */
  get wantsPass(): boolean {
    return this.#wantsPass
  }

  /** Brings what has come since it was called last; after a failure it is called again, and goes on. Does nothing while the bucket is blocked. At the edge of a window it ends with `ending`. */
  async fresh(signal: AbortSignal, ending: AbortSignal): Promise<void> {
    const facts = await this.#prepare(signal)
    if (facts === undefined) return
    this.#fresh ??= this.#beginFresh(facts)
    const { nowMs, examination } = this.#fresh
    while (await stepOf(examination, signal)) ending.throwIfAborted()
    this.#fresh = undefined
    this.#freshMs = nowMs
  }

  /** Yields at the edge of every window, so that who drives it can do something else in between. After a failure it is called again, and goes on. */
  async *pass(signal: AbortSignal): AsyncGenerator<void> {
    const facts = await this.#prepare(signal)
    if (facts === undefined) return
    this.#pass ??= await this.#begin(facts, signal)
    const { examination } = this.#pass
    while (await stepOf(examination, signal)) yield
    this.#end(this.#pass)
    this.#pass = undefined
  }

  #beginFresh(facts: Prepared) {
    const { clock, everyMs } = this.#options
    const nowMs = clock.wallMs()
    const since = this.#freshMs ?? nowMs
    const isGap = Math.abs(nowMs - since) > GAP_MS + everyMs * OVERLAP_TIMES
    if (isGap) this.#wantsPass = true
    const from = later(nanosOf((isGap ? nowMs : since) - everyMs * OVERLAP_TIMES), this.#rangeOf(facts).from)
    return { nowMs, examination: this.#examination({ from, to: END_NANOS }, new PassFigures(from), false) }
  }

  async #begin(facts: Prepared, signal: AbortSignal): Promise<Pass> {
    const { clock, everyMs } = this.#options
    const range = this.#rangeOf(facts)
    const figures = new PassFigures(nanosOf(clock.wallMs() - everyMs * OVERLAP_TIMES))
    figures.outside(await this.#outside(facts, signal))
    return { fromMs: clock.monotonicMs(), figures, examination: this.#examination(range, figures, true) }
  }

  #examination(range: TimeWindow, { findings: found, oldBefore }: PassFigures, isPass: boolean): Examination {
    const { source, target, clock, deep } = this.#options
    const deletes = this.#options.deletes && isPass
    const told = (points: number): void => {
      this.#written += points
    }
    return new Examination({
      source,
      target,
      bucket: this.bucket,
      range,
      oldBefore,
      clock,
      deep,
      copies: true,
      deletes,
      found,
      told,
    })
  }

  #end({ figures, fromMs }: Pass): void {
    const { clock, tell } = this.#options
    const found = figures.told
    this.#figures = found
    this.#removed += figures.removed
    this.#passedMs = clock.wallMs()
    this.#passesInARow = figures.hasBrought ? this.#passesInARow + 1 : 0
    tell({ kind: 'pass', bucket: this.bucket, found, tookMs: clock.monotonicMs() - fromMs })
    this.#wantsPass = this.#passesInARow > 0 && this.#passesInARow < PASSES_MAX
    if (this.#wantsPass) return
    const differs = this.#passesInARow > 0 && figures.hasOld
    this.#passesInARow = 0
    const exceptions = exceptionsIn(found)
    if (differs)
      this.#become('differs', `${found.missing} missing and ${found.differing} differing points were found again`)
    else this.#become(exceptions.length === 0 ? 'equal' : 'exceptions', exceptions.join('; '))
  }

  /** What both sides can have: since when it is wanted, and since when both keep it. */
  #rangeOf({ source, target }: Prepared): TimeWindow {
    const { clock, sinceNanos, horizonMs } = this.#options
    const nowMs = clock.wallMs()
    const keeps = [source.retentionMs, target.retentionMs, horizonMs ?? 0].filter((ms) => ms > 0)
    const from = keeps.reduce((latest, ms) => later(latest, nanosOf(nowMs - ms)), sinceNanos)
    return { from, to: END_NANOS }
  }

  /** Points of the source that are wanted, and older than the target keeps. */
  async #outside({ source, target }: Prepared, signal: AbortSignal): Promise<number> {
    const { sinceNanos, horizonMs, clock } = this.#options
    const keepsLonger = target.retentionMs > 0 && (source.retentionMs === 0 || source.retentionMs > target.retentionMs)
    if (!keepsLonger) return 0
    const nowMs = clock.wallMs()
    const wanted = [source.retentionMs, horizonMs ?? 0].filter((ms) => ms > 0)
    const from = wanted.reduce((latest, ms) => later(latest, nanosOf(nowMs - ms)), sinceNanos)
    const to = nanosOf(nowMs - target.retentionMs)
    if (from >= to) return 0
    const sums = await this.#options.source.sums(this.bucket, { from, to }, undefined, signal)
    return sums.reduce((sum, { points }) => sum + points, 0)
  }

  /** `undefined`, and the bucket is blocked, while it is missing somewhere and not to be made. */
  async #prepare(signal: AbortSignal): Promise<Prepared | undefined> {
    const { source, target } = this.#options
    const ours = await source.bucket(this.bucket, signal)
    if (ours === undefined) return this.#block(`the source has no bucket ${this.bucket}, or its token may not read it`)
    const theirs = (await target.bucket(this.bucket, signal)) ?? (await this.#made(ours, signal))
    if (theirs === undefined) return undefined
    if (this.#state === 'blocked') this.#become('new', '')
    return { source: ours, target: theirs }
  }

  async #made(ours: BucketFacts, signal: AbortSignal): Promise<BucketFacts | undefined> {
    const { target, createBuckets } = this.#options
    const missing = `the target has no bucket ${this.bucket}, or its token may not see it`
    if (!createBuckets) return this.#block(`${missing}; make it, or set MIRROR_CREATE_BUCKETS=on`)
    try {
      await target.makeBucket(this.bucket, ours, signal)
    } catch (error) {
      if (!(error instanceof TidemarkError) || error.code !== 'store-misconfigured') throw error
      return this.#block(`${missing}, and it can not be made: ${error.message}`)
    }
    return (await target.bucket(this.bucket, signal)) ?? this.#block(missing)
  }

  #block(reason: string): undefined {
    this.#wantsPass = true
    this.#become('blocked', reason)
    return undefined
  }

  #become(state: BucketState, reason: string): void {
    if (this.#state === state && this.#reason === reason) return
    this.#state = state
    this.#reason = reason
    this.#options.tell({ kind: 'bucket', bucket: this.bucket, state, reason })
  }
}

function later(a: bigint, b: bigint): bigint {
  return a > b ? a : b
}

/** After a failure less is tried at once. */
async function stepOf(examination: Examination, signal: AbortSignal): Promise<boolean> {
  try {
    return await examination.next(signal)
  } catch (error) {
    examination.cut()
    throw error
  }
}
