/** Holds both sides of one bucket against each other, series by series; it changes nothing. */

import { delayMs } from '../core/delay.ts'
import { codeOf, TidemarkError } from '../core/errors.ts'
import type { BucketTally, SeriesTally } from '../core/mirror-status.ts'
import { END_NANOS, nanosOf } from '../core/mirror-windows.ts'
import type { Clock, Random } from '../ports/clock.ts'
import type { MirrorEnd, MirrorSeries } from '../ports/mirror-end.ts'
import { Examination, type Findings } from './examination.ts'

export interface VerifyOptions {
  readonly source: MirrorEnd
  readonly target: MirrorEnd
  readonly bucket: string
  readonly clock: Clock
  readonly random: Random
  readonly sinceNanos: bigint
  readonly deep: boolean
  /** Told after every step: points compared so far. */
  readonly progress: (points: number) => void
}

const AGAIN = { firstMs: 250, maxMs: 10_000 }
/** One after the other, before it gives up. */
const FAILURES_MAX = 20

/** A link that is cut costs the window that was being compared. Throws `store-misconfigured` where a side has no such bucket, `store-unavailable` where one stays away. */
export async function verifyBucket(options: VerifyOptions, signal: AbortSignal): Promise<BucketTally> {
  const { source, target, bucket, clock, sinceNanos, deep, progress } = options
  const patient = new Patient(options, signal)
  const [ours, theirs] = await patient.until(() =>
    Promise.all([source.bucket(bucket, signal), target.bucket(bucket, signal)]),
  )
  for (const [end, facts] of [
    [source, ours],
    [target, theirs],
  ] as const) {
    if (facts === undefined) {
      throw new TidemarkError(
        'store-misconfigured',
        `the ${end.name} has no bucket ${bucket}, or its token may not read it`,
      )
    }
  }
  const nowMs = clock.wallMs()
  const since = (retentionMs = 0): bigint => {
    const kept = nanosOf(nowMs - retentionMs)
    return retentionMs > 0 && kept > sinceNanos ? kept : sinceNanos
  }
  const [fromSource, fromTarget] = [since(ours?.retentionMs), since(theirs?.retentionMs)]
  const from = fromSource > fromTarget ? fromSource : fromTarget
  const older = { from: fromSource, to: from }
  const outside = from > fromSource ? await patient.until(() => source.sums(bucket, older, undefined, signal)) : []
  const tallies = new Tallies()
  const range = { from, to: END_NANOS }
  const { findings: found } = tallies
  const examination = new Examination({
    source,
    target,
    bucket,
    range,
    oldBefore: from,
    clock,
    deep,
    copies: false,
    found,
  })
  while (
    await patient.until(
      () => examination.next(signal),
      () => examination.cut(),
    )
  )
    progress(examination.compared)
  return { ...tallies.told, outsideRetention: outside.reduce((sum, { points }) => sum + points, 0) }
}

class Patient {
  readonly #options: Pick<VerifyOptions, 'clock' | 'random'>
  readonly #signal: AbortSignal

  constructor(options: Pick<VerifyOptions, 'clock' | 'random'>, signal: AbortSignal) {
    this.#options = options
    this.#signal = signal
  }

  /** Tries again while an end is away; `cut` is told of each failure. */
  async until<T>(work: () => Promise<T>, cut: () => void = () => undefined): Promise<T> {
    const { clock, random } = this.#options
    for (let failures = 1; ; failures++) {
      try {
        return await work()
      } catch (error) {
        if (codeOf(error) !== 'store-unavailable' || failures >= FAILURES_MAX) throw error
        cut()
        await clock.sleep(delayMs(failures, { ...AGAIN, chance: random.next() }), this.#signal)
      }
    }
  }
}

class Tallies {
  readonly #bySeries = new Map<string, SeriesTally>()

  readonly findings: Findings = {
    equal: (sums) => {
      for (const { series, points } of sums) this.#of(series).equal += points
    },
    held: (fields) => {
      for (const { field, equal, missing, differing, extra } of fields) {
        const tally = this.#of(field.series)
        tally.equal += equal
        tally.missing += missing
        tally.differing += differing
        tally.extra += extra
      }
    },
    missing: (fields) => {
      for (const { series, source } of fields) this.#of(series).missing += source
    },
    extra: (fields) => {
      for (const { series, target } of fields) this.#of(series).extra += target
    },
    removed: () => undefined,
    wrote: () => undefined,
  }

  get told(): Omit<BucketTally, 'outsideRetention'> {
    const series = [...this.#bySeries.values()].sort((a, b) => (a.series.key < b.series.key ? -1 : 1))
    const sum = { equal: 0, missing: 0, extra: 0, differing: 0 }
    for (const each of series) {
      sum.equal += each.equal
      sum.missing += each.missing
      sum.extra += each.extra
      sum.differing += each.differing
    }
    return { ...sum, series }
  }

  #of(series: MirrorSeries): SeriesTally {
    const known = this.#bySeries.get(series.key)
    if (known !== undefined) return known
    const tally = { series, equal: 0, missing: 0, extra: 0, differing: 0 }
    this.#bySeries.set(series.key, tally)
    return tally
  }
}
