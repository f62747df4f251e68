/** An end of a mirror in memory, which can be away, cut off answers in the middle, and refuse what is too old or of another type. */

import type { TidemarkError } from '../../services/core/errors.ts'
import {
  type BucketFacts,
  type FieldSums,
  type MirrorEnd,
  type MirrorRow,
  type MirrorSeries,
  type Only,
  type PointCount,
  pointsIn,
  type TimeWindow,
  type WriteOutcome,
} from '../../services/ports/mirror-end.ts'

export interface MemoryPoint {
  readonly series: string
  readonly field: string
  readonly time: bigint
  /** As line protocol has it. */
  readonly value: string
}

const FOR_EVER: BucketFacts = { retentionMs: 0, shardMs: 604_800_000 }

export class MemoryMirrorEnd implements MirrorEnd {
  readonly name: MirrorEnd['name']
  readonly moved = { received: 0, sent: 0 }
  readonly buckets = new Map<string, BucketFacts>()
  /** By bucket, then by series, field and time. */
  readonly #points = new Map<string, Map<string, MemoryPoint>>()
  /** What is thrown before each call; a call may also be let through in part. */
  fault: (call: string) => TidemarkError | undefined = () => undefined
  /** Largest number of points in one answer or one write. */
  largest = 0
  rowsRead = 0
  readonly #oldest: () => bigint

  constructor(name: MirrorEnd['name'], oldest: () => bigint = () => -(2n ** 63n)) {
    this.name = name
    this.#oldest = oldest
  }

  put(bucket: string, points: Iterable<MemoryPoint>): void {
    if (!this.buckets.has(bucket)) this.buckets.set(bucket, FOR_EVER)
    const held = this.#points.get(bucket) ?? new Map<string, MemoryPoint>()
    this.#points.set(bucket, held)
    for (const point of points) held.set(`${point.series} ${point.field} ${point.time}`, point)
  }

  take(bucket: string, { series, field, time }: Omit<MemoryPoint, 'value'>): void {
    this.#points.get(bucket)?.delete(`${series} ${field} ${time}`)
  }

  /** Sorted texts: equal for equal contents. */
  content(bucket: string): readonly string[] {
    return [...(this.#points.get(bucket)?.values() ?? [])]
      .map(({ series, field, time, value }) => `${series} ${field}=${value} ${time}`)
      .sort()
  }

  async probe(_bucket: string): Promise<void> {
    this.#may('probe')
  }

  async bucket(bucket: string): Promise<BucketFacts | undefined> {
    this.#may('bucket')
    return this.buckets.get(bucket)
  }

  async makeBucket(bucket: string, facts: BucketFacts): Promise<void> {
    this.#may('makeBucket')
    this.buckets.set(bucket, facts)
  }

  async sums(bucket: string, window: TimeWindow, only: Only): Promise<readonly FieldSums[]> {
    this.#may('sums')
    const sums = new Map<string, { readonly series: string; readonly field: string; readonly values: string[] }>()
    for (const { series, field, value } of this.#in(bucket, window, only)) {
      const key = `${series} ${field}`
      const known = sums.get(key)
      if (known === undefined) sums.set(key, { series, field, values: [value] })
      else known.values.push(value)
    }
    return [...sums.values()].map(({ series, field, values }) => {
      const numbers = values.filter((value) => !value.startsWith('"')).map(Number.parseFloat)
      const sorted = numbers.toSorted((a, b) => a - b)
      const figures = `${numbers.reduce((a, b) => a + b, 0)} ${sorted[0]} ${sorted.at(-1)}`
      return { series: seriesOf(series), field, points: values.length, figures }
    })
  }

  async counts(bucket: string, window: TimeWindow, only: Only): Promise<readonly PointCount[]> {
    this.#may('counts')
    const every = (window.to - window.from + 255n) / 256n
    const counts = new Map<bigint, number>()
    for (const { time } of this.#in(bucket, window, only)) {
      const at = window.from + ((time - window.from) / every) * every
      counts.set(at, (counts.get(at) ?? 0) + 1)
    }
    return [...counts]
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([from, points]) => ({ window: { from, to: from + every < window.to ? from + every : window.to }, points }))
  }

  async *read(bucket: string, window: TimeWindow, only: Only): AsyncGenerator<readonly MirrorRow[]> {
    this.#may('read')
    const rows = this.#in(bucket, window, only).map(
      ({ series, field, time, value }): MirrorRow => ({
        series: seriesOf(series),
        time: String(time),
        names: [field],
        values: [value],
      }),
    )
    this.rowsRead += rows.length
    for (let i = 0; i < rows.length; i += 100) {
      if (i > 0) this.#may('read on')
      yield rows.slice(i, i + 100)
    }
  }

  async remove(bucket: string, { key }: MirrorSeries, window: TimeWindow): Promise<void> {
    this.#may('remove')
    for (const point of this.#in(bucket, window, undefined)) if (point.series === key) this.take(bucket, point)
  }

  async write(bucket: string, rows: readonly MirrorRow[]): Promise<WriteOutcome> {
    this.#may('write')
    this.largest = Math.max(this.largest, rows.length)
    const points = rows.flatMap((row) =>
      row.values.flatMap((value, i): MemoryPoint[] =>
        value === undefined
          ? []
          : [{ series: row.series.key, field: row.names[i] ?? '', time: BigInt(row.time), value }],
      ),
    )
    const kept = points.filter(({ time }) => time >= this.#oldest())
    this.put(bucket, kept)
    this.#may('answer to write')
    const all = rows.reduce((sum, row) => sum + pointsIn(row), 0)
    return { written: kept.length, outsideRetention: all - kept.length, refused: 0, reason: '' }
  }

  async [Symbol.asyncDispose](): Promise<void> {}

  #may(call: string): void {
    const error = this.fault(call)
    if (error !== undefined) throw error
  }

  #in(bucket: string, { from, to }: TimeWindow, only: Only): readonly MemoryPoint[] {
    const wanted = only === undefined ? undefined : new Set(only.map(({ key }) => key))
    return [...(this.#points.get(bucket)?.values() ?? [])].filter(
      ({ series, time }) => time >= from && time < to && wanted?.has(series) !== false,
    )
  }
}

function seriesOf(key: string): MirrorSeries {
  return { key, measurement: key, tags: [], unwritable: '' }
}
