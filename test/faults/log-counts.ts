/** What the log of a run that is over tells of it: outages, what was asked for again, what landed how. */

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { openLmdbKv } from '../../infra/embedded/lmdb-kv.ts'
import { embeddedMessageLog } from '../../infra/embedded/message-log.ts'
import { embeddedSchemaRegistry } from '../../infra/embedded/schema-registry.ts'
import { breathe, systemClock } from '../../infra/system.ts'
import type { TopicRecords, WireCodec } from '../../schemas/codec.ts'
import { openWireCodec } from '../../schemas/wire-codec.ts'
import type { MessageLog } from '../../services/ports/message-log.ts'

export interface LogCounts {
  outages: number
  requests: number
  positionsAsked: number
  /** Removed by the store. */
  duplicates: number
}

const forever = new AbortController().signal

/** Only while no process runs. Retention may have taken the oldest records. */
export async function countLog(dataDir: string): Promise<LogCounts> {
  const counts: LogCounts = { outages: 0, requests: 0, positionsAsked: 0, duplicates: 0 }
  const path = join(dataDir, 'log.mdb')
  if (!existsSync(path)) return counts
  await using kv = openLmdbKv(path)
  await using registry = openLmdbKv(join(dataDir, 'registry.mdb'))
  await using log = embeddedMessageLog({ kv, clock: systemClock, breathe })
  const codec = await openWireCodec(embeddedSchemaRegistry(registry), new Map())
  for await (const each of recordsOf('connection_status', log, codec)) {
    if (each.connectionStatus === 'disconnect') counts.outages += 1
  }
  for await (const each of recordsOf('recovery_data_request', log, codec)) {
    counts.requests += 1
    for (const { ranges } of each.ranges) counts.positionsAsked += sizeOf(ranges)
  }
  for await (const each of recordsOf('landings', log, codec)) {
    if (each.kind !== 'landings') continue
    for (const { outcome, ranges } of each.landed) if (outcome === 'duplicate') counts.duplicates += sizeOf(ranges)
  }
  return counts
}

async function* recordsOf<T extends keyof TopicRecords>(
  topic: T,
  log: MessageLog,
  codec: WireCodec,
): AsyncGenerator<TopicRecords[T]> {
  for (const [partition, { next }] of (await log.offsets(topic)).entries()) {
    for await (const records of log.tail({ topic, partition, from: 'earliest', until: next }, forever)) {
      for (const { value } of records) {
        const decoded = await codec.decode(topic, value ?? new Uint8Array(0))
        if (decoded.ok) yield decoded.record
      }
    }
  }
}

function sizeOf(ranges: readonly (readonly [number, number])[]): number {
  return ranges.reduce((sum, [from, to]) => sum + to - from + 1, 0)
}
