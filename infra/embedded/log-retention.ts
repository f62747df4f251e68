/** Removes what the log need not keep: records past their topic's days, tombstones of compacted topics, and the oldest where room is short. */

import { TOPICS, type TopicName } from '../../topics/index.ts'
import type { Kv, KvTx } from './kv.ts'
import { firstKept, hasTombstones, removeOlder, removeTombstones, stateOf } from './log-records.ts'
import { everyPlace, type Place } from './log-rows.ts'

const DAY_MS = 86_400_000
/** A tombstone stays for a day, so that readers who keep a copy see it. */
const TOMBSTONE_MS = DAY_MS
/** Removed in one transaction; fewer at a time for room, so that no more goes than has to. */
const RECORDS_PER_WRITE = 200
const SHED_PER_WRITE = 20
/** What goes first when room is short: what a gateway can send again before what only the log holds. Never `forever` or compacted ones. */
const SHED_ORDER: readonly (readonly TopicName[])[] = [
  ['readings', 'recovery_data'],
  ['connection_status', 'recovery_data_request', 'receipts'],
  ['landings'],
]

export interface RetentionOptions {
  readonly kv: Kv
  readonly wallMs: number
  /** Of all topics together. */
  readonly maxBytes: number
  readonly signal: AbortSignal
}

/** How many records it removed, because of their age and for room. */
export interface Removed {
  readonly aged: number
  readonly shed: number
}

export async function retain(options: RetentionOptions): Promise<Removed> {
  let aged = 0
  for (const place of everyPlace()) aged += await retainPartition(options, place)
  return { aged, shed: await shed(options) }
}

function totalBytes(kv: Kv): number {
  return everyPlace().reduce((sum, place) => sum + stateOf(kv, place).bytes, 0)
}

function retainPartition(options: RetentionOptions, place: Place): Promise<number> | number {
  const { retention } = TOPICS[place.topic]
  if (retention === 'forever') return 0
  if (retention === 'compacted') {
    const beforeMs = options.wallMs - TOMBSTONE_MS
    if (!hasTombstones(options.kv, place)) return 0
    return repeat(options, (tx) => removeTombstones(tx, place, beforeMs, RECORDS_PER_WRITE))
  }
  const beforeMs = options.wallMs - retention.days * DAY_MS
  const first = firstKept(options.kv, place, 0, Number.MAX_SAFE_INTEGER)
  if (first === undefined || first.appendedMs >= beforeMs) return 0
  return repeat(options, (tx) => removeOlder(tx, place, beforeMs, RECORDS_PER_WRITE))
}

/** Until one transaction found fewer than it may remove. */
async function repeat({ kv, signal }: RetentionOptions, remove: (tx: KvTx) => number): Promise<number> {
  let sum = 0
  while (!signal.aborted) {
    const removed = await kv.write(remove)
    sum += removed
    if (removed < RECORDS_PER_WRITE) break
  }
  return sum
}

async function shed({ kv, maxBytes, signal }: RetentionOptions): Promise<number> {
  let sum = 0
  for (const topics of SHED_ORDER) {
    while (!signal.aborted && totalBytes(kv) > maxBytes) {
      const oldest = oldestOf(kv, topics)
      if (oldest === undefined) break
      sum += await kv.write((tx) => removeOlder(tx, oldest, Number.POSITIVE_INFINITY, SHED_PER_WRITE))
    }
  }
  return sum
}

function oldestOf(kv: Kv, topics: readonly TopicName[]): Place | undefined {
  const candidates = everyPlace(topics).flatMap((place) => {
    const first = firstKept(kv, place, 0, Number.MAX_SAFE_INTEGER)
    return first === undefined ? [] : [{ place, appendedMs: first.appendedMs }]
  })
  return candidates.sort((a, b) => a.appendedMs - b.appendedMs)[0]?.place
}
