/** Writes stored readings as CSV, NDJSON or line protocol: integers as integers, doubles to their last digit, times to the nanosecond. */

import type { Value } from '../../schemas/reading.ts'
import { formatInstant } from '../../schemas/time.ts'
import { doubleText, encodeLine } from '../core/line-protocol-encoder.ts'
import type { StoredReading } from '../ports/reading-store.ts'

export interface CsvColumns {
  readonly labels: readonly string[]
  readonly fields: readonly string[]
}

/** Labels stand before the fields, and under a prefix, so that no field is taken for one. */
export function csvHeader({ labels, fields }: CsvColumns): string {
  return csvLine(['gateway', 'type', 'sensor', 'time', ...labels.map((name) => `label:${name}`), ...fields])
}

export function csvRow({ gateway, reading }: StoredReading, { labels, fields }: CsvColumns): string {
  const identity = [gateway, reading.type, reading.sensor, formatInstant(reading)]
  const cells = [...labels.map((name) => own(reading.labels, name)), ...fields.map((name) => own(reading.values, name))]
  return csvLine([...identity, ...cells.map((value) => (value === undefined ? undefined : plainText(value)))])
}

/** As `POST /readings` takes it, with the gateway before it. A double always has a point or an exponent, an integer never. */
export function ndjsonLine({ gateway, reading }: StoredReading): string {
  const { type, sensor, labels, values } = reading
  const entries = Object.entries(values).map(([name, value]) => `${JSON.stringify(name)}:${jsonText(value)}`)
  const labelled = Object.keys(labels).length === 0 ? '' : `,"labels":${JSON.stringify(labels)}`
  const named = JSON.stringify({ gateway, type, sensor, time: formatInstant(reading) }).slice(0, -1)
  return `${named},"values":{${entries.join(',')}}${labelled}}`
}

/** Tags `gateway`, `sensor` and the labels, as in InfluxDB. */
export function lineOf({ gateway, reading }: StoredReading): string | { readonly reason: string } {
  const { type, sensor, labels, values, ms, ns } = reading
  const tags: (readonly [string, string])[] = [['gateway', gateway], ['sensor', sensor], ...Object.entries(labels)]
  return encodeLine({ measurement: type, tags, fields: values, time: { ms, ns } })
}

function own<T>(record: Readonly<Record<string, T>>, name: string): T | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined
}

/** RFC 4180. What is absent is an empty cell, an empty text a quoted one. */
function csvLine(cells: readonly (string | undefined)[]): string {
  return cells
    .map((cell) =>
      cell === undefined ? '' : cell === '' || /[",\r\n]|^\s|\s$/.test(cell) ? `"${cell.replaceAll('"', '""')}"` : cell,
    )
    .join(',')
}

function plainText(value: Value): string {
  return typeof value === 'number' ? doubleText(value) : String(value)
}

function jsonText(value: Value): string {
  if (typeof value === 'string') return JSON.stringify(value)
  if (typeof value !== 'number') return String(value)
  const text = doubleText(value)
  return /^-?\d+$/.test(text) ? `${text}.0` : text
}
