/** Turns a run of log records into readings to land and, once they have landed, into landings and quarantine entries. Pure. */

import { sumHex } from '../../schemas/canonical.ts'
import type { Decoded } from '../../schemas/codec.ts'
import type { Epoch, GatewayId, Range, Seq } from '../../schemas/reading.ts'
import type { Final, LiveMark, ReadingBatch, Unavailable } from '../../schemas/records/batch.ts'
import type {
  LandedRanges,
  LandingOutcome,
  LandingSource,
  Landings,
  QuarantineEntry,
} from '../../schemas/records/events.ts'
import { rangesFromHeaders } from '../core/headers.ts'
import { rangeSet } from '../core/range-set.ts'
import type { LogRecord } from '../ports/message-log.ts'
import type { ArrivingReading, Landing, WriteResult } from '../ports/reading-store.ts'

/** An entry has to fit a record of the log, beside what it says of the cause. */
const RAW_BYTES_MAX = 980_000

export type SourceTopic = LandingSource['topic']

/** A record that could not be taken as it is; the sink quarantines its raw bytes. */
export interface Poison {
  readonly record: LogRecord
  readonly code: QuarantineEntry['code']
  readonly reason: string
}

/** What one gateway sent in a run of records of one partition. */
export interface Arrival {
  readonly gateway: GatewayId
  readonly firstOffset: number
  nextOffset: number
  readonly readings: ArrivingReading[]
  /** Of each record with readings: where it stands in the log, and how many readings there are up to its last. */
  readonly places: { readonly offset: number; readonly end: number }[]
  readonly unavailable: Unavailable[]
  readonly undecodable: { readonly epoch: Epoch; readonly ranges: readonly Range[]; readonly offset: number }[]
  readonly highWaters: Map<Epoch, { readonly highWater: Seq; readonly markMs: number }>
  readonly finals: Map<Epoch, Final>
}

export interface Arrivals {
  readonly byGateway: Map<GatewayId, Arrival>
  readonly poison: Poison[]
}

export function newArrivals(): Arrivals {
  return { byGateway: new Map(), poison: [] }
}

export function addRecord(
  arrivals: Arrivals,
  topic: SourceTopic,
  record: LogRecord,
  decoded: Decoded<ReadingBatch | LiveMark>,
): void {
  const arrival = arrivalOf(arrivals, record)
  if (!decoded.ok) {
    addPoison(arrivals, arrival, topic, { record, code: decoded.code, reason: decoded.reason })
    return
  }
  const batch = decoded.record
  if (batch.gateway !== record.key) {
    const reason = `the record's key is ${JSON.stringify(record.key)}, the gateway in it ${JSON.stringify(batch.gateway)}`
    addPoison(arrivals, arrival, topic, { record, code: 'key-mismatch', reason })
    return
  }
  if (topic === 'readings') addMark(arrival, batch, record.appendedMs)
  if (batch.kind === 'mark') return
  const source = topic === 'readings' ? 'live' : 'recovery'
  const redrive = batch.answer?.redrive === true
  const { gateway, epoch } = batch
  for (const reading of batch.readings) {
    arrival.readings.push(redrive ? { gateway, epoch, reading, source, redrive } : { gateway, epoch, reading, source })
  }
  if (batch.readings.length > 0) arrival.places.push({ offset: record.offset, end: arrival.readings.length })
  if (topic === 'recovery_data') arrival.unavailable.push(...(batch.answer?.unavailable ?? []))
}

function arrivalOf(arrivals: Arrivals, record: LogRecord): Arrival {
  const gateway = record.key as GatewayId
  const held = arrivals.byGateway.get(gateway)
  if (held !== undefined) {
    held.nextOffset = record.offset + 1
    return held
  }
  const fresh: Arrival = {
    gateway,
    firstOffset: record.offset,
    nextOffset: record.offset + 1,
    readings: [],
    places: [],
    unavailable: [],
    undecodable: [],
    highWaters: new Map(),
    finals: new Map(),
  }
  arrivals.byGateway.set(gateway, fresh)
  return fresh
}

function addPoison(arrivals: Arrivals, arrival: Arrival, topic: SourceTopic, poison: Poison): void {
  arrivals.poison.push(poison)
  const ranges = topic === 'recovery_data' ? rangesFromHeaders(poison.record.headers) : undefined
  if (ranges !== undefined) arrival.undecodable.push({ ...ranges, offset: poison.record.offset })
}

function addMark(arrival: Arrival, batch: ReadingBatch | LiveMark, markMs: number): void {
  const { mark } = batch
  if (mark === undefined) return
  if (mark.highWater !== null) {
    const highWater = Math.max(mark.highWater, arrival.highWaters.get(batch.epoch)?.highWater ?? 0)
    arrival.highWaters.set(batch.epoch, { highWater, markMs })
  }
  for (const final of mark.finals) arrival.finals.set(final.epoch, final)
}

/** Of one gateway: what to append to `landings` for what landed as `result`. More than one record only where answers could not be read. */
export function landingsOf(
  arrival: Arrival,
  result: WriteResult,
  facts: { readonly store: string; readonly topic: SourceTopic; readonly partition: number; readonly timeMs: number },
): readonly Landings[] {
  const landed = outcomesOf(arrival.readings, result.landings)
  landed.push(...declared(arrival.unavailable, facts.store, result.generation))
  const record = (firstOffset: number, nextOffset: number, of: readonly LandedRanges[], marks: boolean): Landings => ({
    kind: 'landings',
    gateway: arrival.gateway,
    store: facts.store,
    generation: result.generation,
    timeMs: facts.timeMs,
    source: { topic: facts.topic, partition: facts.partition, firstOffset, nextOffset },
    landed: of,
    highWaters: marks ? [...arrival.highWaters].map(([epoch, each]) => ({ epoch, ...each })) : [],
    finals: marks ? [...arrival.finals.values()] : [],
  })
  // Each unreadable answer is told by its own offset, so that three of them can be told from one that came three times.
  const unread = arrival.undecodable.map((each) =>
    record(each.offset, each.offset + 1, [{ epoch: each.epoch, outcome: 'undecodable', ranges: each.ranges }], false),
  )
  return [...unread, record(arrival.firstOffset, arrival.nextOffset, landed, true)]
}

interface OutcomeGroup {
  readonly epoch: Epoch
  readonly outcome: LandingOutcome
  readonly ranges: [Seq, Seq][]
}

/** Neighbours mostly share epoch and outcome, and follow each other: most readings only make a range longer. */
function outcomesOf(readings: readonly ArrivingReading[], landings: readonly Landing[]): LandedRanges[] {
  const groups = new Map<string, OutcomeGroup>()
  let group: OutcomeGroup | undefined
  let last: [Seq, Seq] | undefined
  for (let i = 0; i < readings.length; i++) {
    const { epoch, reading } = readings[i] as ArrivingReading
    const { outcome } = landings[i] as Landing
    if (group === undefined || group.epoch !== epoch || group.outcome !== outcome) {
      const key = `${epoch} ${outcome}`
      group = groups.get(key) ?? { epoch, outcome, ranges: [] }
      groups.set(key, group)
      last = undefined
    }
    if (last !== undefined && reading.seq === last[1] + 1) last[1] = reading.seq
    else {
      last = [reading.seq, reading.seq]
      group.ranges.push(last)
    }
  }
  return [...groups.values()].map(({ epoch, outcome, ranges }) => ({ epoch, outcome, ranges: rangeSet(ranges) }))
}

function declared(unavailable: readonly Unavailable[], store: string, generation: string): readonly LandedRanges[] {
  const groups = new Map<string, { epoch: Epoch; outcome: LandingOutcome; ranges: Range[] }>()
  for (const each of unavailable) {
    const outcome = outcomeOf(each, store, generation)
    const key = `${each.epoch} ${outcome}`
    const held = groups.get(key) ?? { epoch: each.epoch, outcome, ranges: [] }
    held.ranges.push(each.range)
    groups.set(key, held)
  }
  return [...groups.values()].map((each) => ({ ...each, ranges: rangeSet(each.ranges) }))
}

function outcomeOf(each: Unavailable, store: string, generation: string): LandingOutcome {
  if (each.reason !== 'pruned') return each.reason
  return each.stores.some((named) => named.store === store && named.generation === generation) ? 'pruned' : 'gone'
}

export function poisonEntry(
  poison: Poison,
  facts: { readonly id: string; readonly store: string; readonly topic: SourceTopic; readonly timeMs: number },
): QuarantineEntry {
  const { record } = poison
  const whole = record.value ?? new Uint8Array(0)
  const cut =
    whole.byteLength > RAW_BYTES_MAX ? ` (the first ${RAW_BYTES_MAX} of ${whole.byteLength} bytes are kept)` : ''
  return {
    kind: 'entry',
    id: facts.id,
    timeMs: facts.timeMs,
    code: poison.code,
    reason: `${poison.reason}${cut}`,
    gateway: record.key,
    store: facts.store,
    source: {
      topic: facts.topic,
      partition: record.partition,
      firstOffset: record.offset,
      nextOffset: record.offset + 1,
    },
    raw: whole.subarray(0, RAW_BYTES_MAX),
    attempts: 1,
  }
}

/** Where the record stands in the log that brought the reading number `index` of an arrival. */
export function offsetOf(arrival: Arrival, index: number): number {
  return arrival.places.find(({ end }) => index < end)?.offset ?? arrival.firstOffset
}

/** The entry for a reading that this store refused; `raw` is the reading alone as an encoded batch. */
export function refusedEntry(
  refused: { readonly arriving: ArrivingReading; readonly offset: number; readonly landing: Landing },
  raw: Uint8Array,
  facts: {
    readonly id: string
    readonly store: string
    readonly topic: SourceTopic
    readonly partition: number
    readonly timeMs: number
  },
): QuarantineEntry {
  const { arriving, offset, landing } = refused
  const { reading } = arriving
  const reason =
    landing.outcome === 'conflict'
      ? `the store holds other values for this identity (digest ${sumHex(landing.heldDigest)})`
      : landing.outcome === 'rejected'
        ? landing.reason
        : ''
  return {
    kind: 'entry',
    id: facts.id,
    timeMs: facts.timeMs,
    code: landing.outcome === 'conflict' ? 'conflict' : 'rejected',
    reason,
    gateway: arriving.gateway,
    store: facts.store,
    source: { topic: facts.topic, partition: facts.partition, firstOffset: offset, nextOffset: offset + 1 },
    identity: {
      type: reading.type,
      sensor: reading.sensor,
      ms: reading.ms,
      ns: reading.ns,
      epoch: arriving.epoch,
      seq: reading.seq,
      digest: sumHex(reading.digest),
    },
    raw,
    attempts: 1,
  }
}
