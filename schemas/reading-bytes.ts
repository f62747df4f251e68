/** How many bytes a reading takes in a batch at most: writers cut batches by it, and the gateway refuses a reading that no batch can hold. */

import type { MessageType } from './message-type.ts'
import type { Reading } from './reading.ts'

/** No record but a quarantined one may be larger, encoded. */
export const RECORD_BYTES_MAX = 900_000
/** A quarantined record holds another whole one. */
export const QUARANTINE_BYTES_MAX = 990_000
/** What the readings of one batch may add up to: the rest is for the mark, the finals and what an answer can't give. */
export const READINGS_BYTES_MAX = 870_000

/** Sensor, seq, time and digest at their longest, and one byte each for 32 values that the type has and the reading has not. */
const BASE_BYTES = 96
/** Beside a text: its length, and in a map the number of the branch. */
const TEXT_BYTES = 6
const NUMBER_BYTES = 11

/**
 * An upper bound, with the sensor's name and labels as if no other reading of the batch shared them. `type` is needed only where a declared type
 * has more than 32 fields.
 */
export function readingBytes(reading: Pick<Reading, 'sensor' | 'labels' | 'values'>, type?: MessageType): number {
  let bytes = BASE_BYTES + (type?.fields.length ?? 0) + Buffer.byteLength(reading.sensor) + TEXT_BYTES
  for (const name in reading.labels) {
    bytes += Buffer.byteLength(name) + Buffer.byteLength(reading.labels[name] ?? '') + 2 * TEXT_BYTES
  }
  for (const name in reading.values) {
    const value = reading.values[name]
    bytes += name.length + TEXT_BYTES
    bytes += typeof value === 'string' ? Buffer.byteLength(value) + TEXT_BYTES : NUMBER_BYTES
  }
  return bytes
}
