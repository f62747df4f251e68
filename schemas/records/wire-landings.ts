/** What is said of positions in the stores, and the dead letters, between memory and the shape Avro writes: a union of records each. */

import { TidemarkError } from '../../services/core/errors.ts'
import type { StoreGeneration } from '../reading.ts'
import {
  epochFromWire,
  finalsFromWire,
  finalsToWire,
  gatewayFromWire,
  rangesFromWire,
  rangesToWire,
  seqFromWire,
  type WireFinal,
  type WireRange,
} from '../wire-batch.ts'
import type {
  LandedRanges,
  LandingOutcome,
  LandingSource,
  Landings,
  LandingsRecord,
  QuarantineClosed,
  QuarantineCode,
  QuarantineEntry,
  QuarantineRecord,
  Revoked,
  SinkPosition,
  WrittenOff,
} from './events.ts'
import { epochRangesFromWire, epochRangesToWire, type WireEpochRanges } from './wire-events.ts'

interface WireSource {
  readonly topic: LandingSource['topic']
  readonly partition: number
  readonly first_offset: number
  readonly next_offset: number
}
type WireOffset = SinkPosition['offsets'][number]
interface WireLanded extends StoreGeneration {
  readonly gateway: string
  readonly time: number
  readonly source: WireSource
  readonly landed: readonly {
    readonly epoch: string
    readonly outcome: string
    readonly ranges: readonly WireRange[]
  }[]
  readonly high_waters: readonly { readonly epoch: string; readonly high_water: number; readonly mark_time: number }[]
  readonly finals: readonly WireFinal[]
}
interface WirePosition extends StoreGeneration {
  readonly time: number
  readonly partition: number
  readonly offsets: readonly WireOffset[]
}
interface WireRevoked extends StoreGeneration {
  readonly gateway: string
  readonly time: number
  readonly revoked: readonly WireEpochRanges[]
  readonly ends: readonly WireOffset[]
}
interface WireWrittenOff {
  readonly gateway: string
  readonly time: number
  readonly lost: readonly WireEpochRanges[]
  readonly reason: string
  readonly readings_next: number
}
interface WireEntry {
  readonly id: string
  readonly time: number
  readonly code: string
  readonly reason: string
  readonly gateway: string
  readonly store: string
  readonly source: WireSource
  readonly identity: {
    readonly type: string
    readonly sensor: string
    readonly time_ms: number
    readonly time_ns: number
    readonly epoch: string
    readonly seq: number
    readonly digest: string
  } | null
  readonly raw: Buffer
  readonly attempts: number
}
interface WireClosed {
  readonly id: string
  readonly time: number
  readonly how: QuarantineClosed['how']
  readonly reason: string
}

/** One branch of the union is there, under the name of its record. */
export interface WireLandings {
  readonly event: {
    readonly 'tidemark.Landed'?: WireLanded
    readonly 'tidemark.SinkPosition'?: WirePosition
    readonly 'tidemark.Revoked'?: WireRevoked
    readonly 'tidemark.WrittenOff'?: WireWrittenOff
  }
}
export interface WireQuarantine {
  readonly event: { readonly 'tidemark.QuarantineEntry'?: WireEntry; readonly 'tidemark.QuarantineClosed'?: WireClosed }
}

export function landingsToWire(record: LandingsRecord): WireLandings {
  if (record.kind === 'landings') return { event: { 'tidemark.Landed': landedToWire(record) } }
  const time = record.timeMs
  if (record.kind === 'position') {
    const { store, generation, partition, offsets } = record
    return { event: { 'tidemark.SinkPosition': { store, generation, time, partition, offsets } } }
  }
  const { gateway } = record
  if (record.kind === 'revoked') {
    const { store, generation, ends } = record
    const revoked = epochRangesToWire(record.revoked)
    return { event: { 'tidemark.Revoked': { gateway, store, generation, time, revoked, ends } } }
  }
  const lost = epochRangesToWire(record.lost)
  const { reason, readingsNext } = record
  return { event: { 'tidemark.WrittenOff': { gateway, time, lost, reason, readings_next: readingsNext } } }
}

export function landingsFromWire({ event }: WireLandings): LandingsRecord {
  const landed = event['tidemark.Landed']
  if (landed !== undefined) return landedFromWire(landed)
  const position = event['tidemark.SinkPosition']
  if (position !== undefined) return positionFromWire(position)
  const revoked = event['tidemark.Revoked']
  if (revoked !== undefined) return revokedFromWire(revoked)
  const writtenOff = event['tidemark.WrittenOff']
  if (writtenOff !== undefined) return writtenOffFromWire(writtenOff)
  throw new TidemarkError('record-invalid', 'it holds no event')
}

export function quarantineToWire(record: QuarantineRecord): WireQuarantine {
  const { id, reason, timeMs: time } = record
  if (record.kind === 'closed') return { event: { 'tidemark.QuarantineClosed': { id, time, how: record.how, reason } } }
  const { code, gateway, store, source, identity, raw, attempts } = record
  const entry = {
    id,
    time,
    code: symbolOf(code),
    reason,
    gateway,
    store,
    source: sourceToWire(source),
    identity: identity === undefined ? null : identityToWire(identity),
    raw: Buffer.from(raw.buffer, raw.byteOffset, raw.byteLength),
    attempts,
  }
  return { event: { 'tidemark.QuarantineEntry': entry } }
}

export function quarantineFromWire({ event }: WireQuarantine): QuarantineRecord {
  const closed = event['tidemark.QuarantineClosed']
  if (closed !== undefined) {
    return { kind: 'closed', id: closed.id, timeMs: closed.time, how: closed.how, reason: closed.reason }
  }
  const entry = event['tidemark.QuarantineEntry']
  if (entry === undefined) throw new TidemarkError('record-invalid', 'it holds no event')
  const { id, reason, gateway, store, attempts, identity } = entry
  return {
    kind: 'entry',
    id,
    timeMs: entry.time,
    code: wordOf(entry.code) as QuarantineCode,
    reason,
    gateway,
    store,
    source: sourceFromWire(entry.source),
    ...(identity === null ? {} : { identity: identityFromWire(identity) }),
    raw: new Uint8Array(entry.raw),
    attempts,
  }
}

function landedToWire(record: Landings): WireLanded {
  return {
    gateway: record.gateway,
    store: record.store,
    generation: record.generation,
    time: record.timeMs,
    source: sourceToWire(record.source),
    landed: record.landed.map(({ epoch, outcome, ranges }) => ({
      epoch,
      outcome: symbolOf(outcome),
      ranges: rangesToWire(ranges),
    })),
    high_waters: record.highWaters.map(({ epoch, highWater, markMs }) => ({
      epoch,
      high_water: highWater,
      mark_time: markMs,
    })),
    finals: finalsToWire(record.finals),
  }
}

function landedFromWire(wire: WireLanded): Landings {
  return {
    kind: 'landings',
    gateway: gatewayFromWire(wire.gateway),
    store: wire.store,
    generation: wire.generation,
    timeMs: wire.time,
    source: sourceFromWire(wire.source),
    landed: wire.landed.map(
      ({ epoch, outcome, ranges }): LandedRanges => ({
        epoch: epochFromWire(epoch),
        outcome: wordOf(outcome) as LandingOutcome,
        ranges: rangesFromWire(ranges),
      }),
    ),
    highWaters: wire.high_waters.map((it) => ({
      epoch: epochFromWire(it.epoch),
      highWater: seqFromWire(it.high_water),
      markMs: it.mark_time,
    })),
    finals: finalsFromWire(wire.finals),
  }
}

function positionFromWire({ store, generation, time, partition, offsets }: WirePosition): SinkPosition {
  return { kind: 'position', store, generation, timeMs: time, partition, offsets: offsetsFromWire(offsets) }
}

function revokedFromWire(wire: WireRevoked): Revoked {
  return {
    kind: 'revoked',
    gateway: gatewayFromWire(wire.gateway),
    store: wire.store,
    generation: wire.generation,
    timeMs: wire.time,
    revoked: epochRangesFromWire(wire.revoked),
    ends: offsetsFromWire(wire.ends),
  }
}

function writtenOffFromWire(wire: WireWrittenOff): WrittenOff {
  return {
    kind: 'written-off',
    gateway: gatewayFromWire(wire.gateway),
    timeMs: wire.time,
    lost: epochRangesFromWire(wire.lost),
    reason: wire.reason,
    readingsNext: wire.readings_next,
  }
}

function identityToWire(it: NonNullable<QuarantineEntry['identity']>): NonNullable<WireEntry['identity']> {
  const { type, sensor, ms, ns, epoch, seq, digest } = it
  return { type, sensor, time_ms: ms, time_ns: ns, epoch, seq, digest }
}

function identityFromWire(it: NonNullable<WireEntry['identity']>): NonNullable<QuarantineEntry['identity']> {
  const { type, sensor, epoch, seq, digest } = it
  return { type, sensor, ms: it.time_ms, ns: it.time_ns, epoch: epochFromWire(epoch), seq: seqFromWire(seq), digest }
}

function sourceToWire({ topic, partition, firstOffset, nextOffset }: LandingSource): WireSource {
  return { topic, partition, first_offset: firstOffset, next_offset: nextOffset }
}

function sourceFromWire(wire: WireSource): LandingSource {
  const { topic, partition } = wire
  return { topic, partition, firstOffset: wire.first_offset, nextOffset: wire.next_offset }
}

function offsetsFromWire(offsets: readonly WireOffset[]): readonly WireOffset[] {
  return offsets.map(({ topic, next }) => ({ topic, next }))
}

/** Avro's symbols hold no `-`. */
function symbolOf(word: string): string {
  return word.replaceAll('-', '_')
}

function wordOf(symbol: string): string {
  return symbol.replaceAll('_', '-')
}
