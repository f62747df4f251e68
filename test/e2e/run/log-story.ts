/** What the log tells of one gateway from a moment on: outages, requests, what the log held already when it was asked for, what landed how. */

import type { TopicRecords, WireCodec } from '../../../schemas/codec.ts'
import type { MessageLog } from '../../../services/ports/message-log.ts'
import type { TopicName } from '../../../topics/index.ts'
import type { Asked, Span, Spans } from '../../checker/history.ts'

export interface LogStory {
  readonly outages: number
  /** `coming` is what the log held of the gateway when it was asked. */
  readonly asked: readonly Asked[]
  readonly positionsAsked: number
  /** Removed by the stores. */
  readonly duplicates: number
  readonly quarantined: number
}

/** End offsets of every topic, by partition. */
export type LogEnds = ReadonlyMap<TopicName, readonly number[]>

const TOPICS = [
  'connection_status',
  'readings',
  'recovery_data',
  'recovery_data_request',
  'landings',
  'quarantine',
] as const
const forever = new AbortController().signal

export async function logEnds(log: MessageLog): Promise<LogEnds> {
  const ends = new Map<TopicName, readonly number[]>()
  for (const topic of TOPICS) {
    ends.set(
      topic,
      (await log.offsets(topic)).map(({ next }) => next),
    )
  }
  return ends
}

export async function logStory(log: MessageLog, codec: WireCodec, gateway: string, from: LogEnds): Promise<LogStory> {
  const all = <T extends (typeof TOPICS)[number]>(topic: T) => recordsOf(topic, { log, codec, gateway, from })
  const held: { readonly atMs: number; readonly spans: Spans }[] = []
  for (const topic of ['readings', 'recovery_data'] as const) {
    for (const { atMs, record } of await all(topic)) {
      if (record.kind !== 'batch') continue
      held.push({ atMs, spans: { epoch: record.epoch, ranges: rangesOf(record.readings.map(({ seq }) => seq)) } })
    }
  }
  const asked = (await all('recovery_data_request')).map(({ atMs, record }): Asked => {
    const coming = held.filter((each) => each.atMs < atMs).map(({ spans }) => spans)
    return { requestId: record.requestId, gateway, at: atMs, asked: record.ranges, landed: [], coming }
  })
  const landed = (await all('landings')).flatMap(({ record }) => (record.kind === 'landings' ? record.landed : []))
  const statuses = await all('connection_status')
  return {
    outages: statuses.filter(({ record }) => record.connectionStatus === 'disconnect').length,
    asked,
    positionsAsked: sizeOf(asked.flatMap((each) => each.asked)),
    duplicates: sizeOf(landed.filter(({ outcome }) => outcome === 'duplicate')),
    quarantined: (await all('quarantine')).length,
  }
}

interface Source {
  readonly log: MessageLog
  readonly codec: WireCodec
  readonly gateway: string
  readonly from: LogEnds
}

async function recordsOf<T extends (typeof TOPICS)[number]>(topic: T, { log, codec, gateway, from }: Source) {
  const partition = log.partitionOf(gateway)
  const first = from.get(topic)?.[partition] ?? 0
  const { next = 0 } = (await log.offsets(topic))[partition] ?? {}
  const found: { readonly atMs: number; readonly record: TopicRecords[T] }[] = []
  if (next <= first) return found
  for await (const records of log.tail({ topic, partition, from: first, until: next }, forever)) {
    for (const { key, value, appendedMs } of records) {
      if (key !== gateway) continue
      const decoded = await codec.decode(topic, value ?? new Uint8Array(0))
      if (!decoded.ok) throw new Error(`${topic}: ${decoded.reason}`)
      found.push({ atMs: appendedMs, record: decoded.record })
    }
  }
  return found
}

function rangesOf(seqs: readonly number[]): readonly Span[] {
  const ranges: [number, number][] = []
  for (const seq of seqs.toSorted((x, y) => x - y)) {
    const last = ranges.at(-1)
    if (last !== undefined && seq <= last[1] + 1) last[1] = seq
    else ranges.push([seq, seq])
  }
  return ranges
}

function sizeOf(spans: readonly { readonly ranges: readonly Span[] }[]): number {
  return spans.flatMap(({ ranges }) => ranges).reduce((sum, [from, to]) => sum + to - from + 1, 0)
}
