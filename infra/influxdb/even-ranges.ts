/**
 * Ranges of time that can be read whole. InfluxDB keeps points in shards of time, a field may have another type in each, and Flux ends without a
 * word at the first shard whose type is not that of the first one. So where types differ, shards are read one by one.
 */

import type { Instant } from '../../schemas/reading.ts'
import { fromNanos, toNanos } from '../../schemas/time.ts'
import type { InfluxdbClient } from './client.ts'
import { type TimeRange, tagValues } from './flux.ts'

/** InfluxDB counts its shards from the first day of year 1. */
const SHARDS_FROM_NANOS = -62_135_596_800_000_000_000n
/** What InfluxDB makes of a bucket without retention. */
const SHARD_SECONDS = 604_800

/** Whether a field of this measurement has had more than one type; also when that can't be found out. */
export async function typesDiffer(client: InfluxdbClient, type: string, signal: AbortSignal): Promise<boolean> {
  const q = `SHOW FIELD KEYS FROM "${type.replace(/["\\]/g, '\\$&')}"`
  const answer = (await client.get('/query', { db: client.bucket, q }, signal)) as {
    readonly results?: readonly {
      readonly error?: string
      readonly series?: readonly { values: readonly [string][] }[]
    }[]
  }
  const result = answer.results?.[0]
  if (result === undefined || result.error !== undefined) return true
  const fields = (result.series ?? []).flatMap(({ values }) => values.map(([field]) => field))
  return new Set(fields).size < fields.length
}

/** The shards inside `range` that hold something of a series, in order of time. */
export async function* shardRanges(
  client: InfluxdbClient,
  where: readonly (readonly [column: string, value: string])[],
  range: TimeRange,
  signal: AbortSignal,
): AsyncGenerator<TimeRange> {
  const shardNanos = BigInt(await shardSeconds(client, signal)) * 1_000_000_000n
  const startOf = (nanos: bigint): bigint => {
    const inside = nanos - SHARDS_FROM_NANOS
    return nanos - (inside % shardNanos)
  }
  /** Halves what holds something, along the borders of shards. */
  async function* within(from: Instant, to: Instant): AsyncGenerator<TimeRange> {
    if ((await tagValues(client, 'sensor', where, { from, to }, signal)).length === 0) return
    const [start, end] = [toNanos(from), toNanos(to)]
    if (startOf(end - 1n) <= start) {
      yield { from, to }
      return
    }
    const half = startOf((start + end) / 2n)
    const middle = fromNanos(half > start ? half : startOf(start) + shardNanos)
    yield* within(from, middle)
    yield* within(middle, to)
  }
  yield* within(range.from, range.to)
}

async function shardSeconds(client: InfluxdbClient, signal: AbortSignal): Promise<number> {
  const answer = (await client.get('/api/v2/buckets', { org: client.org, name: client.bucket }, signal)) as {
    readonly buckets?: readonly {
      readonly retentionRules?: readonly { readonly shardGroupDurationSeconds?: number }[]
    }[]
  }
  return answer.buckets?.[0]?.retentionRules?.[0]?.shardGroupDurationSeconds ?? SHARD_SECONDS
}
