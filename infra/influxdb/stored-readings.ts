/** Reads a bucket back: series by series, each in stretches of time that hold a bounded number of readings. Integers, doubles and texts as they were written. */

import type { GatewayId, Instant } from '../../schemas/reading.ts'
import { compareInstants, fromNanos, toNanos } from '../../schemas/time.ts'
import type { ReadingFilter, StoredReading } from '../../services/ports/reading-store.ts'
import { csvRows } from './annotated-csv.ts'
import type { InfluxdbClient } from './client.ts'
import { shardRanges, typesDiffer } from './even-ranges.ts'
import { ALL_TIME, fluxFrom, fluxText, fluxWhere, instantIn, type TimeRange, tagValues, whole } from './flux.ts'
import { type SeriesName, type Stretch, StretchReader } from './stretch-reader.ts'

/** Of each field and set of labels, in one query. */
const ROWS_MAX = 4_000
const BATCH_READINGS = 2_000
const FIRST_SPAN_NANOS = 86_400_000_000_000n

export async function* storedReadings(
  client: InfluxdbClient,
  filter: ReadingFilter,
  signal: AbortSignal,
): AsyncGenerator<readonly StoredReading[]> {
  const range = { from: later(filter.from, ALL_TIME.from), to: earlier(filter.to, ALL_TIME.to) }
  if (compareInstants(range.from, range.to) >= 0) return
  const differ = new Map<string, Promise<boolean>>()
  for await (const series of seriesIn(client, filter, range, signal)) {
    const { type } = series
    const isUneven = differ.get(type) ?? typesDiffer(client, type, signal)
    differ.set(type, isUneven)
    const even = (await isUneven) ? shardRanges(client, tagsOf(series), range, signal) : [range]
    for await (const each of even) yield* readSeries(client, series, each, signal)
  }
}

/** In the order of gateway, type and sensor. */
async function* seriesIn(
  client: InfluxdbClient,
  filter: ReadingFilter,
  range: TimeRange,
  signal: AbortSignal,
): AsyncGenerator<SeriesName> {
  const named = async (tag: string, given: string | undefined, where: readonly (readonly [string, string])[]) =>
    given === undefined ? tagValues(client, tag, where, range, signal) : [given]
  for (const gateway of await named('gateway', filter.gateway, [])) {
    for (const type of await named('_measurement', filter.type, [['gateway', gateway]])) {
      const where = [['_measurement', type] as const, ['gateway', gateway] as const]
      for (const sensor of await named('sensor', filter.sensor, where)) {
        yield { gateway: gateway as GatewayId, type, sensor }
      }
    }
  }
}

async function* readSeries(
  client: InfluxdbClient,
  series: SeriesName,
  range: TimeRange,
  signal: AbortSignal,
): AsyncGenerator<readonly StoredReading[]> {
  const ends = await endsOf(client, series, range, signal)
  if (ends === undefined) return
  let span = FIRST_SPAN_NANOS
  for (let at = ends.first; at <= ends.last; ) {
    const stop = at + span > ends.last ? ends.last + 1n : at + span
    const stretch = await readStretch(client, series, at, stop, signal)
    if (stretch === undefined) {
      span = (span + 1n) / 2n
      continue
    }
    for (let i = 0; i < stretch.readings.length; i += BATCH_READINGS)
      yield stretch.readings.slice(i, i + BATCH_READINGS)
    span = nextSpan(stretch, at, span)
    at = stretch.untilNanos
  }
}

/** So that about half of what may come will come; at most eight times as long, since it may get denser. */
function nextSpan({ readings, untilNanos }: Stretch, at: bigint, span: bigint): bigint {
  if (readings.length === 0) return span * 8n
  const aimed = ((untilNanos - at) * BigInt(ROWS_MAX / 2)) / BigInt(readings.length)
  if (aimed > span * 8n) return span * 8n
  return aimed > 0n ? aimed : 1n
}

async function endsOf(
  client: InfluxdbClient,
  series: SeriesName,
  range: TimeRange,
  signal: AbortSignal,
): Promise<{ readonly first: bigint; readonly last: bigint } | undefined> {
  const data = `data = ${fluxFrom(client.bucket, range)} |> filter(fn: ${fluxWhere(tagsOf(series))})`
  const time = (which: string): string => `data |> ${which}() |> keep(columns: ["_time"]) |> yield(name: "${which}")`
  const rows = csvRows(await whole(client.query(`${data}\n${time('first')}\n${time('last')}`, signal)))
  const times = [...rows].map((row) => toNanos(instantIn(row))).sort((a, b) => (a < b ? -1 : 1))
  const [first, last] = [times[0], times.at(-1)]
  return first === undefined || last === undefined ? undefined : { first, last }
}

function tagsOf({ gateway, type, sensor }: SeriesName): readonly (readonly [column: string, value: string])[] {
  return [
    ['_measurement', type],
    ['gateway', gateway],
    ['sensor', sensor],
  ]
}

/** `undefined` when the answer would be too large: less has to be asked for. */
async function readStretch(
  client: InfluxdbClient,
  series: SeriesName,
  from: bigint,
  to: bigint,
  signal: AbortSignal,
): Promise<Stretch | undefined> {
  const range = { from: fromNanos(from), to: fromNanos(to) }
  const data = `${fluxFrom(client.bucket, range)} |> filter(fn: ${fluxWhere(tagsOf(series))})`
  const bare = '|> drop(columns: ["_start", "_stop", "_measurement", "gateway", "sensor"])'
  const stretch = new StretchReader(series, ROWS_MAX)
  const answer = await client.query(`${data} ${bare} |> limit(n: ${ROWS_MAX})`, signal)
  if (answer === undefined) return undefined
  stretch.add(csvRows(answer))
  if (stretch.textFields.size > 0) {
    // Flux's CSV makes line feeds of texts carriage returns with line feeds, and drops lone carriage returns.
    const fields = [...stretch.textFields].map((name) => `r._field == ${fluxText(name)}`).join(' or ')
    const exact = '|> map(fn: (r) => ({r with _value: http.pathEscape(inputString: r._value)}))'
    const flux = `import "http"\n${data} |> filter(fn: (r) => ${fields}) ${bare} |> limit(n: ${ROWS_MAX}) ${exact}`
    const texts = await client.query(flux, signal)
    if (texts === undefined) return undefined
    stretch.addTexts(csvRows(texts))
  }
  return stretch.done(to)
}

function later(a: Instant | undefined, b: Instant): Instant {
  return a === undefined || compareInstants(a, b) < 0 ? b : a
}

function earlier(a: Instant | undefined, b: Instant): Instant {
  return a === undefined || compareInstants(a, b) > 0 ? b : a
}
