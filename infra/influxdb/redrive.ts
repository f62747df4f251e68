/** Where a redriven reading lands: at its own time, or at the next free nanosecond when other values stand there. */

import { addNanos } from '../../schemas/time.ts'
import type { ArrivingReading, StoredReading } from '../../services/ports/reading-store.ts'
import type { InfluxdbClient } from './client.ts'
import { storedReadings } from './stored-readings.ts'

/** Looked at in one query. */
const PLACES = 1_000

/** A point written over another one would change it, so the places are read first. */
export async function redriven(
  client: InfluxdbClient,
  readings: readonly ArrivingReading[],
  signal: AbortSignal,
): Promise<readonly ArrivingReading[]> {
  if (!readings.some(({ redrive }) => redrive === true)) return readings
  const out: ArrivingReading[] = []
  for (const each of readings) out.push(each.redrive === true ? await placed(client, each, signal) : each)
  return out
}

async function placed(
  client: InfluxdbClient,
  arriving: ArrivingReading,
  signal: AbortSignal,
): Promise<ArrivingReading> {
  const { reading } = arriving
  for (let from = 0; ; from += PLACES) {
    const held = await heldFrom(client, arriving, from, signal)
    for (let movedNs = from; movedNs < from + PLACES; movedNs++) {
      const { ms, ns } = addNanos(reading, movedNs)
      const there = held.get(`${ms}.${ns}`)
      const isFree = there === undefined || Buffer.compare(there.reading.digest, reading.digest) === 0
      if (isFree) return { ...arriving, reading: { ...reading, ms, ns, bumpNs: reading.bumpNs + movedNs } }
    }
  }
}

async function heldFrom(
  client: InfluxdbClient,
  { gateway, reading }: ArrivingReading,
  fromNs: number,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, StoredReading>> {
  const { type, sensor } = reading
  const filter = { gateway, type, sensor, from: addNanos(reading, fromNs), to: addNanos(reading, fromNs + PLACES) }
  const held = new Map<string, StoredReading>()
  for await (const batch of storedReadings(client, filter, signal)) {
    for (const each of batch) held.set(`${each.reading.ms}.${each.reading.ns}`, each)
  }
  return held
}
