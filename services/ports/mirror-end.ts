/** One side of a mirror: a server of time series that buckets are read from or written to. */

/** Nanoseconds since 1970; `from` is included, `to` is not. */
export interface TimeWindow {
  readonly from: bigint
  readonly to: bigint
}

/** A measurement with its tags. */
export interface MirrorSeries {
  /** As the line of a point begins: what a series is known by on both sides. */
  readonly key: string
  readonly measurement: string
  /** Sorted by name; a tag that the series has not is absent. */
  readonly tags: readonly (readonly [name: string, value: string])[]
  /** Why no line can be written for it; else empty. */
  readonly unwritable: string
}

/** All fields of one series at one instant. */
export interface MirrorRow {
  readonly series: MirrorSeries
  /** Nanoseconds since 1970. */
  readonly time: string
  /** As line protocol has them. */
  readonly names: readonly string[]
  /** By place in `names`, as line protocol has them, so with their types; `undefined` where there is none. */
  readonly values: readonly (string | undefined)[]
}

/** What the server has computed about one field of one series in one window. A point is one value of one field. */
export interface FieldSums {
  readonly series: MirrorSeries
  /** As line protocol has it. */
  readonly field: string
  readonly points: number
  /** Of numbers sum, least and greatest, of booleans the latter two: equal texts for equal values. */
  readonly figures: string
}

export interface BucketFacts {
  /** 0 where points are kept for ever. */
  readonly retentionMs: number
  readonly shardMs: number
}

export interface PointCount {
  readonly window: TimeWindow
  readonly points: number
}

export interface WriteOutcome {
  readonly written: number
  /** Older than the bucket keeps. */
  readonly outsideRetention: number
  readonly refused: number
  /** Of the last refusal; else empty. */
  readonly reason: string
}

/**
 * Every call throws `store-unavailable` when the server does not answer and `store-misconfigured` when it refuses; then nothing is known of what was
 * asked, and the same call may be made again. `only`: nothing of other series is needed; some of it may come nevertheless.
 */
export interface MirrorEnd extends AsyncDisposable {
  readonly name: 'source' | 'target'
  /** Bytes over the network so far, packed where they are. */
  readonly moved: { readonly received: number; readonly sent: number }
  /** Asks a real query of the bucket; one that is not there is none that fails. */
  probe(bucket: string, signal: AbortSignal): Promise<void>
  /** `undefined` where there is none, or where the token may not see it. */
  bucket(bucket: string, signal: AbortSignal): Promise<BucketFacts | undefined>
  makeBucket(bucket: string, facts: BucketFacts, signal: AbortSignal): Promise<void>
  /** For every field of every series that has points in the window. */
  sums(bucket: string, window: TimeWindow, only: Only, signal: AbortSignal): Promise<readonly FieldSums[]>
  /** How many points are where in the window: in order of time, in some hundred parts at most, the empty ones left out. */
  counts(bucket: string, window: TimeWindow, only: Only, signal: AbortSignal): Promise<readonly PointCount[]>
  /** Streams: no more than some thousand rows are held. */
  read(bucket: string, window: TimeWindow, only: Only, signal: AbortSignal): AsyncIterable<readonly MirrorRow[]>
  /** Takes all points of the series out of the window; others may go with them, of which the series' tags are a part. */
  remove(bucket: string, series: MirrorSeries, window: TimeWindow, signal: AbortSignal): Promise<void>
  /** What is there already is overwritten. The points that are not refused have landed when it resolves. */
  write(bucket: string, rows: readonly MirrorRow[], signal: AbortSignal): Promise<WriteOutcome>
}

/** All series where it is `undefined`. */
export type Only = readonly MirrorSeries[] | undefined

/** How many points the row holds. */
export function pointsIn({ values }: MirrorRow): number {
  let points = 0
  for (const value of values) if (value !== undefined) points += 1
  return points
}
