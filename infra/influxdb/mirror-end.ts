/** One side of a mirror as an InfluxDB 2: sums and rows by InfluxQL, which computes every figure of a series at once and keeps types and texts exactly. */

import { formatInstant, fromNanos } from '../../schemas/time.ts'
import { TidemarkError } from '../../services/core/errors.ts'
import type {
  BucketFacts,
  FieldSums,
  MirrorEnd,
  MirrorRow,
  MirrorSeries,
  Only,
  PointCount,
  TimeWindow,
  WriteOutcome,
} from '../../services/ports/mirror-end.ts'
import { csvRows } from './annotated-csv.ts'
import { type Refusal, refusal } from './client.ts'
import { fluxText } from './flux.ts'
import { type InfluxqlSeries, identifier, influxqlSeries } from './influxql.ts'
import {
  ambiguousFields,
  type Column,
  columnsOf,
  countsStatement,
  type FieldType,
  type Measurement,
  measurementIn,
  rowsIn,
  rowsStatement,
  sumsIn,
  sumsStatement,
  whereOf,
} from './mirror-fields.ts'
import { type HttpAnswer, type HttpAsk, type HttpSide, jsonIn, MirrorHttp, messageIn, textOf } from './mirror-http.ts'
import { writeRows } from './mirror-writes.ts'

export interface MirrorEndOptions extends HttpSide {
  readonly name: MirrorEnd['name']
  readonly org: string
}

/** Where a bucket is for InfluxQL. */
interface BucketPlace {
  readonly db: string
  readonly rp: string
  readonly shardNanos: bigint
}

interface KnownBucket extends BucketPlace, BucketFacts {}

const ROWS_AT_ONCE = '2000'
const PARTS = 256n
const MS_NANOS = 1_000_000n
/** Shards are counted from the first day of year 1. */
const SHARDS_FROM_NANOS = -62_135_596_800_000_000_000n
const FLUX_TYPES: Readonly<Record<string, FieldType>> = {
  ...{ double: 'float', long: 'integer', unsignedLong: 'unsigned', string: 'string', boolean: 'boolean' },
}

export function influxdbMirrorEnd(options: MirrorEndOptions): MirrorEnd {
  return new InfluxdbMirrorEnd(options)
}

class InfluxdbMirrorEnd implements MirrorEnd {
  readonly name: MirrorEnd['name']
  readonly #http: MirrorHttp
  readonly #org: string
  readonly #settings: string
  readonly #places = new Map<string, KnownBucket>()
  readonly #measurements = new Map<string, readonly Measurement[]>()

  constructor(options: MirrorEndOptions) {
    this.name = options.name
    this.#http = new MirrorHttp(options)
    this.#org = options.org
    this.#settings = options.settings
  }

  get moved(): { readonly received: number; readonly sent: number } {
    return this.#http.moved
  }

  async probe(bucket: string, signal: AbortSignal): Promise<void> {
    const place = await this.#lookUp(bucket, signal)
    if (place === undefined) return
    for await (const _ of this.#ask(place, 'SHOW MEASUREMENTS LIMIT 1', signal)) return
  }

  async bucket(bucket: string, signal: AbortSignal): Promise<BucketFacts | undefined> {
    const known = await this.#lookUp(bucket, signal)
    this.#measurements.delete(bucket)
    return known && { retentionMs: known.retentionMs, shardMs: known.shardMs }
  }

  async makeBucket(bucket: string, { retentionMs, shardMs }: BucketFacts, signal: AbortSignal): Promise<void> {
    const orgs = await this.#get('/api/v2/orgs', { org: this.#org }, signal)
    const orgID = listIn(orgs, 'orgs')[0]?.id
    if (typeof orgID !== 'string') throw this.#misconfigured(404, `no organisation ${this.#org} is to be seen`)
    const rule = {
      type: 'expire',
      everySeconds: retentionMs / 1000,
      shardGroupDurationSeconds: shardMs / 1000,
    }
    const body = JSON.stringify({ orgID, name: bucket, retentionRules: [rule] })
    const asked = { method: 'POST', path: '/api/v2/buckets', headers: JSON_BODY, body } as const
    await this.#http.ask(asked, signal, async (answer) => {
      const text = await textOf(answer)
      // Somebody else may just have made it.
      if (answer.status !== 201 && !(answer.status === 422 && text.includes('already exists'))) {
        throw this.#failure(answer, text)
      }
    })
  }

  async sums(bucket: string, window: TimeWindow, only: Only, signal: AbortSignal): Promise<readonly FieldSums[]> {
    const place = await this.#place(bucket, signal)
    const found: FieldSums[] = []
    for (const measurement of await this.#measured(bucket, place, signal)) {
      const where = whereOf(measurement, window, only)
      const columns = columnsOf(measurement)
      if (where === undefined || columns.length === 0) continue
      for await (const series of this.#ask(place, sumsStatement(columns, measurement, where), signal)) {
        for (const each of sumsIn(series, columns)) found.push(each)
      }
    }
    return found
  }

  async counts(bucket: string, window: TimeWindow, only: Only, signal: AbortSignal): Promise<readonly PointCount[]> {
    const place = await this.#place(bucket, signal)
    const every = (window.to - window.from + PARTS - 1n) / PARTS
    const byStart = new Map<bigint, number>()
    for (const measurement of await this.#measured(bucket, place, signal)) {
      const where = whereOf(measurement, window, only)
      const columns = columnsOf(measurement)
      if (where === undefined || columns.length === 0) continue
      const statement = countsStatement(columns, measurement, where, { every, from: window.from })
      for await (const { values } of this.#ask(place, statement, signal)) {
        for (const [time, ...counts] of values) {
          const start = BigInt(time as number | bigint)
          const points = counts.reduce<number>((sum, each) => sum + Number(each ?? 0), 0)
          byStart.set(start, (byStart.get(start) ?? 0) + points)
        }
      }
    }
    return [...byStart]
      .filter(([, points]) => points > 0)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([start, points]) => ({ window: within(window, start, every), points }))
  }

  async *read(
    bucket: string,
    window: TimeWindow,
    only: Only,
    signal: AbortSignal,
  ): AsyncGenerator<readonly MirrorRow[]> {
    const place = await this.#place(bucket, signal)
    for (const measurement of await this.#measured(bucket, place, signal)) {
      const ambiguous = ambiguousFields(measurement)
      if (whereOf(measurement, window, only) === undefined) continue
      if (ambiguous.length === 0) yield* this.#rows(place, measurement, columnsOf(measurement), window, only, signal)
      else yield* this.#rowsByShard(bucket, place, measurement, window, only, signal)
    }
  }

  async remove(bucket: string, series: MirrorSeries, { from, to }: TimeWindow, signal: AbortSignal): Promise<void> {
    const named = [['_measurement', series.measurement] as const, ...series.tags]
    const predicate = named.map(([name, value]) => `${identifier(name)}=${identifier(value)}`).join(' AND ')
    const [start, stop] = [from, to - 1n].map((nanos) => formatInstant(fromNanos(nanos)))
    const path = `/api/v2/delete?${new URLSearchParams({ org: this.#org, bucket })}`
    const asked = {
      method: 'POST',
      path,
      headers: JSON_BODY,
      body: JSON.stringify({ start, stop, predicate }),
    } as const
    await this.#http.ask(asked, signal, async (answer) => {
      const text = await textOf(answer)
      if (answer.status !== 204) throw this.#failure(answer, text)
    })
  }

  async write(bucket: string, rows: readonly MirrorRow[], signal: AbortSignal): Promise<WriteOutcome> {
    return await writeRows(rows, (lines) => this.#send(bucket, lines, signal))
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#http.close()
    return Promise.resolve()
  }

  async *#rows(
    place: BucketPlace,
    measurement: Measurement,
    columns: readonly Column[],
    window: TimeWindow,
    only: Only,
    signal: AbortSignal,
  ): AsyncGenerator<readonly MirrorRow[]> {
    const where = whereOf(measurement, window, only)
    if (where === undefined || columns.length === 0) return
    for await (const series of this.#ask(place, rowsStatement(columns, measurement, where), signal)) {
      yield rowsIn(series, columns)
    }
  }

  /** Inside one shard a field has one type. */
  async *#rowsByShard(
    bucket: string,
    place: BucketPlace,
    measurement: Measurement,
    window: TimeWindow,
    only: Only,
    signal: AbortSignal,
  ): AsyncGenerator<readonly MirrorRow[]> {
    const ambiguous = ambiguousFields(measurement)
    const filled = await this.counts(bucket, window, undefined, signal)
    const shards = new Set(filled.flatMap((part) => shardsOf(part.window, place.shardNanos)))
    for (const start of [...shards].sort((a, b) => (a < b ? -1 : 1))) {
      const part = within(window, start, place.shardNanos)
      const types = await this.#typesIn(bucket, measurement, ambiguous, part, signal)
      const columns = columnsOf(measurement, types).filter(
        ({ field }) => !ambiguous.includes(field) || types.has(field),
      )
      yield* this.#rows(place, measurement, columns, part, only, signal)
    }
  }

  /** Flux alone tells the type of a field in a shard. */
  async #typesIn(
    bucket: string,
    { name }: Measurement,
    fields: readonly string[],
    { from, to }: TimeWindow,
    signal: AbortSignal,
  ): Promise<ReadonlyMap<string, FieldType>> {
    const which = fields.map((field) => `r._field == ${fluxText(field)}`).join(' or ')
    const query = [
      `from(bucket: ${fluxText(bucket)})`,
      `range(start: time(v: ${from}), stop: time(v: ${to}))`,
      `filter(fn: (r) => r._measurement == ${fluxText(name)} and (${which}))`,
      'first()',
    ].join(' |> ')
    const body = JSON.stringify({ query, type: 'flux', dialect: { header: true, annotations: ['datatype'] } })
    const path = `/api/v2/query?${new URLSearchParams({ org: this.#org })}`
    const headers = { ...JSON_BODY, accept: 'application/csv' }
    const text = await this.#http.ask({ method: 'POST', path, headers, body }, signal, async (answer) => {
      const said = await textOf(answer)
      if (answer.status !== 200 || !answer.contentType.includes('csv')) throw this.#failure(answer, said)
      return said
    })
    const types = new Map<string, FieldType>()
    for (const row of csvRows(text)) {
      const type = FLUX_TYPES[row.table.typeOf('_value') ?? '']
      if (type !== undefined) types.set(row.cell('_field') ?? '', type)
    }
    return types
  }

  async #send(bucket: string, lines: string, signal: AbortSignal): Promise<'landed' | Refusal> {
    const path = `/api/v2/write?${new URLSearchParams({ org: this.#org, bucket, precision: 'ns' })}`
    const headers = { 'content-type': 'text/plain; charset=utf-8' }
    const asked: HttpAsk = { method: 'POST', path, headers, body: lines, packs: true }
    return await this.#http.ask(asked, signal, async (answer) => {
      const text = await textOf(answer)
      if (answer.status === 204) return 'landed'
      const message = messageIn(text)
      // A shard that retention is just taking away: soon there is another answer.
      if (message.includes('pending deletion')) throw this.#http.unavailable(message)
      const isRefusal = answer.status === 400 || answer.status === 413 || answer.status === 422
      if (isRefusal) return refusal(String(jsonIn(text)?.message ?? message))
      throw this.#failure(answer, text)
    })
  }

  /** Fields that come later are seen after the next call of `bucket`. */
  async #measured(bucket: string, place: BucketPlace, signal: AbortSignal): Promise<readonly Measurement[]> {
    const known = this.#measurements.get(bucket)
    if (known !== undefined) return known
    const byName = new Map<string, Measurement>()
    for await (const series of this.#ask(place, 'SHOW FIELD KEYS', signal)) {
      const found = measurementIn(series)
      const before = byName.get(found.name)?.fields ?? []
      byName.set(found.name, { name: found.name, fields: new Map([...before, ...found.fields]) })
    }
    const all = [...byName.values()]
    this.#measurements.set(bucket, all)
    return all
  }

  async #place(bucket: string, signal: AbortSignal): Promise<BucketPlace> {
    const known = this.#places.get(bucket) ?? (await this.#lookUp(bucket, signal))
    if (known !== undefined) return known
    throw this.#misconfigured(404, `no bucket ${bucket} is to be seen`)
  }

  async #lookUp(bucket: string, signal: AbortSignal): Promise<KnownBucket | undefined> {
    const buckets = await this.#get('/api/v2/buckets', { org: this.#org, name: bucket }, signal)
    const found = listIn(buckets, 'buckets').find(({ name }) => name === bucket)
    if (found === undefined) {
      this.#places.delete(bucket)
      return undefined
    }
    const mapped = await this.#get('/api/v2/dbrps', { org: this.#org, bucketID: String(found.id) }, signal)
    const [mapping] = listIn(mapped, 'content')
    if (mapping === undefined) {
      const fix = `bucket ${bucket} has no place in InfluxQL: expected InfluxDB 2.2 or newer, or 'influx v1 dbrp create' for it`
      throw this.#misconfigured(404, fix)
    }
    const rule = (listIn(found, 'retentionRules')[0] ?? {}) as Readonly<Record<string, unknown>>
    const shardMs = numberIn(rule.shardGroupDurationSeconds) * 1000
    const known: KnownBucket = {
      db: String(mapping.database),
      rp: String(mapping.retention_policy),
      retentionMs: numberIn(rule.everySeconds) * 1000,
      shardMs,
      shardNanos: BigInt(Math.max(shardMs, 3_600_000)) * MS_NANOS,
    }
    this.#places.set(bucket, known)
    return known
  }

  async *#ask({ db, rp }: BucketPlace, q: string, signal: AbortSignal): AsyncGenerator<InfluxqlSeries> {
    const body = new URLSearchParams({ db, rp, q, epoch: 'ns', chunked: 'true', chunk_size: ROWS_AT_ONCE }).toString()
    const headers = { 'content-type': 'application/x-www-form-urlencoded', accept: 'application/x-msgpack' }
    const failure = (answer: HttpAnswer, text: string): TidemarkError => this.#failure(answer, text)
    yield* this.#http.stream({ method: 'POST', path: '/query', headers, body }, signal, async function* (answer) {
      const isAnswer = answer.status === 200 && answer.contentType.includes('msgpack')
      if (!isAnswer) throw failure(answer, await textOf(answer))
      yield* influxqlSeries(answer.chunks())
    })
  }

  async #get(path: string, parameters: Readonly<Record<string, string>>, signal: AbortSignal): Promise<unknown> {
    const asked: HttpAsk = { method: 'GET', path: `${path}?${new URLSearchParams(parameters)}` }
    return await this.#http.ask(asked, signal, async (answer) => {
      const text = await textOf(answer)
      // A bucket or an organisation that is not to be seen.
      if (answer.status === 404 && jsonIn(text) !== undefined) return {}
      const found = jsonIn(text)
      if (answer.status !== 200 || found === undefined) throw this.#failure(answer, text)
      return found
    })
  }

  #failure({ status }: HttpAnswer, text: string): TidemarkError {
    const message = messageIn(text)
    const isOurs = jsonIn(text) !== undefined
    if (status === 401 || status === 403) return this.#misconfigured(status, message)
    if (isOurs && (status === 400 || status === 404 || status === 422)) return this.#misconfigured(status, message)
    return this.#http.unavailable(`it answers ${status} (${message})`)
  }

  #misconfigured(status: number, message: string): TidemarkError {
    const setting =
      status === 401
        ? `${this.#settings}_TOKEN`
        : `${this.#settings}_ORG (${this.#org}), and what ${this.#settings}_TOKEN may do`
    const detail = `InfluxDB at ${this.#http.place} answers ${status} (${message}): check ${setting}`
    return new TidemarkError('store-misconfigured', detail, { status })
  }
}

const JSON_BODY = { 'content-type': 'application/json' }

function within({ from, to }: TimeWindow, start: bigint, every: bigint): TimeWindow {
  return { from: start < from ? from : start, to: start + every > to ? to : start + every }
}

/** Starts of the shards that the window touches. */
function shardsOf({ from, to }: TimeWindow, every: bigint): readonly bigint[] {
  const starts: bigint[] = []
  for (let start = from - ((from - SHARDS_FROM_NANOS) % every); start < to; start += every) starts.push(start)
  return starts
}

function listIn(from: unknown, key: string): readonly Readonly<Record<string, unknown>>[] {
  const list = (from as Readonly<Record<string, unknown>> | undefined)?.[key]
  return Array.isArray(list) ? list : []
}

function numberIn(value: unknown): number {
  return typeof value === 'number' ? value : 0
}
