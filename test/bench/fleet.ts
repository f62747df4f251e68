/** The readings of the engine benches: 20 gateways, ten sensors each, three doubles, one reading a sensor and second. Deterministic. */

import { loadMessageTypes } from '../../infra/embedded/message-types.ts'
import { digestOf, seriesPrefix } from '../../schemas/canonical.ts'
import type { WireCodec } from '../../schemas/codec.ts'
import type { Epoch, GatewayId, PositionedReading, Seq } from '../../schemas/reading.ts'
import type { ReadingBatch } from '../../schemas/records/batch.ts'
import { openWireCodec } from '../../schemas/wire-codec.ts'
import { TidemarkError } from '../../services/core/errors.ts'
import { packageFile } from '../../services/main/package-files.ts'
import type { ArrivingReading } from '../../services/ports/reading-store.ts'

export const GATEWAYS = 20
/** Readings in one record of the log. */
export const RECORD_READINGS = 500

const SENSORS = 10
const TYPE = 'temperature'
const EPOCH = '00000000000000b1' as Epoch
const FIRST_MS = Date.UTC(2026, 0, 1)
const NO_LABELS = {}

export function gatewayName(gateway: number): GatewayId {
  return `gateway-${String(gateway).padStart(2, '0')}` as GatewayId
}

export function fleetReading(gateway: number, seq: Seq): PositionedReading {
  const place = seq - 1
  const sensor = `sensor-${place % SENSORS}`
  const ms = FIRST_MS + Math.floor(place / SENSORS) * 1000
  const values = valuesOf(place + gateway)
  const digest = digestOf(prefixOf(gatewayName(gateway), sensor), ms, 0, values)
  return { seq, type: TYPE, sensor, labels: NO_LABELS, ms, ns: 0, bumpNs: 0, estimated: false, values, digest }
}

/** Readings `from`…`from + count − 1` of one gateway, as a sink hands them to a store. */
export function arrivingReadings(gateway: number, from: Seq, count: number): ArrivingReading[] {
  const name = gatewayName(gateway)
  return Array.from({ length: count }, (_, i) => {
    return { gateway: name, epoch: EPOCH, reading: fleetReading(gateway, from + i), source: 'live' }
  })
}

/** The record number `record` of a gateway, counted from 0. */
export function fleetBatch(gateway: number, record: number): ReadingBatch {
  const from = record * RECORD_READINGS + 1
  const to = from + RECORD_READINGS - 1
  const readings = arrivingReadings(gateway, from, RECORD_READINGS).map((each) => each.reading)
  const mark = { highWater: to, head: to, finals: [] }
  return { kind: 'batch', gateway: gatewayName(gateway), epoch: EPOCH, type: TYPE, mark, readings }
}

/** Knows its schemas by the same numbers in every process, because each registers that of the fleet's batches first. */
export async function fleetCodec(): Promise<WireCodec> {
  const known: string[] = []
  const registry = {
    register: async (_subject: string, schema: string) => {
      const at = known.indexOf(schema)
      return at < 0 ? known.push(schema) : at + 1
    },
    byId: async (id: number) => {
      const schema = known[id - 1]
      if (schema === undefined) throw new TidemarkError('schema-unknown', `schema ${id}`)
      return { id, schema }
    },
  }
  const codec = await openWireCodec(registry, await loadMessageTypes(packageFile('schemas/types')))
  await codec.encode('readings', fleetBatch(0, 0))
  return codec
}

const prefixes = new Map<string, Uint8Array>()

function prefixOf(gateway: string, sensor: string): Uint8Array {
  const key = `${gateway}/${sensor}`
  const known = prefixes.get(key) ?? seriesPrefix(gateway, TYPE, sensor)
  prefixes.set(key, known)
  return known
}

function valuesOf(place: number): Readonly<Record<string, number>> {
  const wave = Math.sin(place / 1000)
  return {
    temperature: rounded(15 + 10 * wave),
    pressure: rounded(1013 + 5 * wave),
    wind: rounded(3 + wave),
  }
}

function rounded(value: number): number {
  return Math.round(value * 100) / 100
}
