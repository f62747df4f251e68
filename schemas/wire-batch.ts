/** Batches and live marks between memory and the shape Avro writes: snake_case, sensors in a table, absent values left out. */

import { TidemarkError } from '../services/core/errors.ts'
import { DIGEST_BYTES } from './canonical.ts'
import { isName } from './names.ts'
import type { Epoch, GatewayId, Labels, PositionedReading, Range, StoreGeneration, Values } from './reading.ts'
import type { AnswerPart, Final, LiveMark, Mark, ReadingBatch, Unavailable } from './records/batch.ts'
import { inRange } from './time.ts'

export interface WireRange {
  readonly first: number
  readonly last: number
}
export interface WireFinal {
  readonly epoch: string
  readonly final_seq: number
}
interface WireMark {
  readonly high_water: number | null
  readonly head: number
  readonly finals: readonly WireFinal[]
}
interface WireUnavailable {
  readonly reason: 'void' | 'pruned' | 'never_held'
  readonly epoch: string
  readonly range: WireRange
  readonly why: string
  readonly stores: readonly StoreGeneration[]
}
interface WireAnswer {
  readonly request_id: string
  readonly part: number
  readonly last_part: boolean
  readonly redrive: boolean
  readonly unavailable: readonly WireUnavailable[]
}
interface WireReading {
  readonly sensor: number
  readonly seq: number
  readonly time_ms: number
  readonly time_ns: number
  readonly bump_ns: number
  readonly estimated: boolean
  readonly digest: Buffer
  readonly values: Readonly<Record<string, Values[string] | null>>
}
interface WireSensor {
  readonly sensor: string
  readonly labels: Labels
}
export interface WireBatch {
  readonly gateway: string
  readonly epoch: string
  readonly type: string
  readonly mark: WireMark | null
  readonly answer: WireAnswer | null
  readonly sensors: readonly WireSensor[]
  readonly readings: readonly WireReading[]
}
export interface WireLiveMark {
  readonly gateway: string
  readonly epoch: string
  readonly mark: WireMark
}

export function batchToWire(batch: ReadingBatch): WireBatch {
  const { sensors, indexOf } = sensorTable()
  const digests = Buffer.allocUnsafe(batch.readings.length * DIGEST_BYTES)
  const readings = batch.readings.map((reading, i): WireReading => {
    digests.set(reading.digest, i * DIGEST_BYTES)
    return {
      sensor: indexOf(reading),
      seq: reading.seq,
      time_ms: reading.ms,
      time_ns: reading.ns,
      bump_ns: reading.bumpNs,
      estimated: reading.estimated,
      digest: digests.subarray(i * DIGEST_BYTES, (i + 1) * DIGEST_BYTES),
      values: reading.values,
    }
  })
  return {
    gateway: batch.gateway,
    epoch: batch.epoch,
    type: batch.type,
    mark: batch.mark === undefined ? null : markToWire(batch.mark),
    answer: batch.answer === undefined ? null : answerToWire(batch.answer),
    sensors,
    readings,
  }
}

/** Throws `record-invalid` for what Avro lets through and tidemark does not. */
export function batchFromWire(wire: WireBatch): ReadingBatch {
  const type = checkedName(wire.type, 'type')
  for (const { sensor } of wire.sensors) checkedName(sensor, 'sensor')
  return {
    kind: 'batch',
    gateway: gatewayFromWire(wire.gateway),
    epoch: epochFromWire(wire.epoch),
    type,
    ...(wire.mark === null ? {} : { mark: markFromWire(wire.mark) }),
    ...(wire.answer === null ? {} : { answer: answerFromWire(wire.answer) }),
    readings: wire.readings.map((reading) => readingFromWire(reading, type, wire.sensors)),
  }
}

export function liveMarkToWire({ gateway, epoch, mark }: LiveMark): WireLiveMark {
  return { gateway, epoch, mark: markToWire(mark) }
}

export function liveMarkFromWire({ gateway, epoch, mark }: WireLiveMark): LiveMark {
  return { kind: 'mark', gateway: gatewayFromWire(gateway), epoch: epochFromWire(epoch), mark: markFromWire(mark) }
}

export function gatewayFromWire(text: string): GatewayId {
  return checkedName(text, 'gateway') as GatewayId
}

export function epochFromWire(text: string): Epoch {
  return checkedName(text, 'epoch') as Epoch
}

export function rangesFromWire(ranges: readonly WireRange[]): readonly Range[] {
  return ranges.map(rangeFromWire)
}

export function rangesToWire(ranges: readonly Range[]): readonly WireRange[] {
  return ranges.map(([first, last]) => ({ first, last }))
}

export function finalsToWire(finals: readonly Final[]): readonly WireFinal[] {
  return finals.map(({ epoch, finalSeq }) => ({ epoch, final_seq: finalSeq }))
}

export function finalsFromWire(finals: readonly WireFinal[]): readonly Final[] {
  return finals.map((final) => ({ epoch: epochFromWire(final.epoch), finalSeq: seqFromWire(final.final_seq) }))
}

export function storesFromWire(stores: readonly StoreGeneration[]): readonly StoreGeneration[] {
  return stores.map(({ store, generation }) => ({ store, generation }))
}

/** A position, or 0 where nothing was accepted yet. */
export function seqFromWire(seq: number): number {
  if (seq < 0) throw new TidemarkError('record-invalid', `position ${seq} is below 0`)
  return seq
}

function rangeFromWire({ first, last }: WireRange): Range {
  if (first < 1 || last < first)
    throw new TidemarkError('record-invalid', `${first} to ${last} is no range of positions`)
  return [first, last]
}

function checkedName(text: string, what: string): string {
  if (!isName(text))
    throw new TidemarkError('record-invalid', `${JSON.stringify(text.slice(0, 140))} is no name of a ${what}`)
  return text
}

/** Each (sensor, labels) once. Labels are mostly one object a sensor, so identity is asked before content. */
function sensorTable(): { readonly sensors: WireSensor[]; readonly indexOf: (reading: PositionedReading) => number } {
  const sensors: WireSensor[] = []
  const bySensor = new Map<string, number[]>()
  return {
    sensors,
    indexOf: ({ sensor, labels }) => {
      let places = bySensor.get(sensor)
      if (places === undefined) {
        places = []
        bySensor.set(sensor, places)
      }
      for (const place of places) if (sameLabels((sensors[place] as WireSensor).labels, labels)) return place
      sensors.push({ sensor, labels })
      places.push(sensors.length - 1)
      return sensors.length - 1
    },
  }
}

function sameLabels(a: Labels, b: Labels): boolean {
  if (a === b) return true
  let names = 0
  for (const name in a) {
    if (a[name] !== b[name]) return false
    names++
  }
  for (const _name in b) names--
  return names === 0
}

function readingFromWire(wire: WireReading, type: string, sensors: readonly WireSensor[]): PositionedReading {
  const place = sensors[wire.sensor]
  if (place === undefined) throw new TidemarkError('record-invalid', `sensor ${wire.sensor} of ${sensors.length}`)
  const reading = {
    type,
    sensor: place.sensor,
    labels: place.labels,
    ms: wire.time_ms,
    ns: wire.time_ns,
    bumpNs: wire.bump_ns,
    estimated: wire.estimated,
    values: presentValues(wire.values),
    digest: wire.digest,
    seq: wire.seq,
  }
  if (reading.seq < 1) throw new TidemarkError('record-invalid', `position ${reading.seq} is below 1`)
  if (reading.bumpNs < 0 || !inRange(reading))
    throw new TidemarkError('record-invalid', `time ${reading.ms} ms + ${reading.ns} ns is none`)
  return reading
}

function presentValues(wire: WireReading['values']): Values {
  const values: Record<string, Values[string]> = {}
  for (const name in wire) {
    const value = wire[name]
    if (value !== null && value !== undefined) values[name] = value
  }
  return values
}

function markToWire({ highWater, head, finals }: Mark): WireMark {
  return { high_water: highWater, head, finals: finalsToWire(finals) }
}

function markFromWire(wire: WireMark): Mark {
  return {
    highWater: wire.high_water === null ? null : seqFromWire(wire.high_water),
    head: seqFromWire(wire.head),
    finals: finalsFromWire(wire.finals),
  }
}

function answerToWire(answer: AnswerPart): WireAnswer {
  return {
    request_id: answer.requestId,
    part: answer.part,
    last_part: answer.lastPart,
    redrive: answer.redrive,
    unavailable: answer.unavailable.map((it) => ({
      reason: it.reason === 'never-held' ? 'never_held' : it.reason,
      epoch: it.epoch,
      range: { first: it.range[0], last: it.range[1] },
      why: it.reason === 'void' ? it.why : '',
      stores: it.reason === 'pruned' ? it.stores : [],
    })),
  }
}

function answerFromWire(wire: WireAnswer): AnswerPart {
  return {
    requestId: wire.request_id,
    part: wire.part,
    lastPart: wire.last_part,
    redrive: wire.redrive,
    unavailable: wire.unavailable.map(unavailableFromWire),
  }
}

function unavailableFromWire(wire: WireUnavailable): Unavailable {
  const at = { epoch: epochFromWire(wire.epoch), range: rangeFromWire(wire.range) }
  if (wire.reason === 'void') return { reason: 'void', ...at, why: wire.why }
  if (wire.reason === 'pruned') return { reason: 'pruned', ...at, stores: storesFromWire(wire.stores) }
  return { reason: 'never-held', ...at }
}
