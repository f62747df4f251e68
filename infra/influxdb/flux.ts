/** Pieces of Flux: texts, time ranges, and the values of a tag. */

import type { Instant } from '../../schemas/reading.ts'
import { formatInstant, parseInstant } from '../../schemas/time.ts'
import { TidemarkError } from '../../services/core/errors.ts'
import { type CsvRow, csvRows } from './annotated-csv.ts'
import type { InfluxdbClient } from './client.ts'

/** `from` is included, `to` is not. */
export interface TimeRange {
  readonly from: Instant
  readonly to: Instant
}

/** The years 1678 to 2261: what a reading can have. */
export const ALL_TIME: TimeRange = {
  from: instantOf('1678-01-01T00:00:00Z'),
  to: instantOf('2261-12-31T23:59:59.999999999Z'),
}

/** A text literal; `${` would begin an expression in it. */
export function fluxText(text: string): string {
  return `"${text
    .replace(/["\\]|\$\{/g, '\\$&')
    .replaceAll('\n', '\\n')
    .replaceAll('\r', '\\r')}"`
}

function fluxRange({ from, to }: TimeRange): string {
  return `start: ${formatInstant(from)}, stop: ${formatInstant(to)}`
}

export function fluxFrom(bucket: string, range: TimeRange): string {
  return `from(bucket: ${fluxText(bucket)}) |> range(${fluxRange(range)})`
}

/** Of every column its value. */
export function fluxWhere(tags: readonly (readonly [column: string, value: string])[]): string {
  if (tags.length === 0) return '(r) => true'
  return `(r) => ${tags.map(([column, value]) => `r.${column} == ${fluxText(value)}`).join(' and ')}`
}

/** Sorted. A value may be among them whose points were all deleted, or lie just outside of the range. */
export async function tagValues(
  client: InfluxdbClient,
  tag: string,
  where: readonly (readonly [column: string, value: string])[],
  range: TimeRange,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const named = `bucket: ${fluxText(client.bucket)}, tag: ${fluxText(tag)}, predicate: ${fluxWhere(where)}`
  const flux = `import "influxdata/influxdb/schema"\nschema.tagValues(${named}, ${fluxRange(range)})`
  const rows = csvRows(await whole(client.query(flux, signal)))
  return [...rows].map((row) => row.cell('_value') ?? '').sort()
}

/** For answers that can't be asked for in pieces. */
export async function whole(answer: Promise<string | undefined>): Promise<string> {
  const text = await answer
  if (text === undefined) throw new TidemarkError('store-unavailable', 'InfluxDB answers more than is taken at once')
  return text
}

export function instantIn(row: CsvRow): Instant {
  return instantOf(row.cell('_time') ?? '')
}

export function instantOf(text: string): Instant {
  const instant = parseInstant(text)
  if ('reason' in instant)
    throw new TidemarkError('store-unavailable', `InfluxDB answers a time that ${instant.reason}`)
  return instant
}
