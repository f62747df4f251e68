/** Cuts readings in `seq` order into batches of one message type that each fit a record. Pure. */

import type { PositionedReading } from '../../schemas/reading.ts'
import { readingBytes } from '../../schemas/wire-codec.ts'

/** Encoded bytes of a batch's readings; well under the 900,000 of a record, because the estimate is upper and headers come on top. */
const BATCH_BYTES_MAX = 800_000
const BATCH_READINGS_MAX = 5_000

/** The last reading of all is always in the last batch, so that the mark on it holds for everything before. */
export function cutBatches(readings: readonly PositionedReading[]): readonly (readonly PositionedReading[])[] {
  const done: PositionedReading[][] = []
  const open = new Map<string, { readings: PositionedReading[]; bytes: number }>()
  for (const reading of readings) {
    const bytes = readingBytes(reading)
    let batch = open.get(reading.type)
    if (batch !== undefined && (batch.bytes + bytes > BATCH_BYTES_MAX || batch.readings.length >= BATCH_READINGS_MAX)) {
      done.push(batch.readings)
      batch = undefined
    }
    if (batch === undefined) {
      batch = { readings: [], bytes: 0 }
      open.set(reading.type, batch)
    }
    batch.readings.push(reading)
    batch.bytes += bytes
  }
  const last = readings.at(-1)
  const rest = [...open.values()].map((each) => each.readings)
  rest.sort((x, y) => Number(x.at(-1) === last) - Number(y.at(-1) === last))
  return [...done, ...rest]
}
