/** Puts a series back together: InfluxDB answers field by field, a reading has all of its fields. */

import { digestOfReading } from '../../schemas/canonical.ts'
import type { GatewayId, Instant, Labels, Value } from '../../schemas/reading.ts'
import { compareInstants, fromNanos, toNanos } from '../../schemas/time.ts'
import type { StoredReading } from '../../services/ports/reading-store.ts'
import type { CsvRow, CsvTable } from './annotated-csv.ts'
import { instantOf } from './flux.ts'
import { BUMP_FIELD } from './line-encoder.ts'

export interface SeriesName {
  readonly gateway: GatewayId
  readonly type: string
  readonly sensor: string
}

/** The readings of a series, in order, and up to where in time that is all there is. */
export interface Stretch {
  readonly readings: readonly StoredReading[]
  readonly untilNanos: bigint
}

interface Draft {
  readonly time: Instant
  readonly labels: Labels
  readonly values: Record<string, Value>
  bumpNs: number
}

/** One field under one set of labels: what Flux calls a table. */
interface FieldRows {
  readonly csv: CsvTable
  readonly number: string | undefined
  readonly field: string
  readonly type: string | undefined
  readonly labels: Labels
  /** By time, of these labels: the same for all of their fields. */
  readonly drafts: Map<string, Draft>
  readonly timeAt: number
  readonly valueAt: number
  rows: number
  lastTime: string
}

const NUMBER_AT = 2
const NOT_LABELS = new Set(['_time', '_value', '_field'])

export class StretchReader {
  readonly textFields = new Set<string>()
  readonly #series: SeriesName
  readonly #rowsMax: number
  readonly #byLabels = new Map<string, Map<string, Draft>>()
  readonly #tables: FieldRows[] = []

  /** No table of an answer has more than `rowsMax` rows; one that has as many was cut off. */
  constructor(series: SeriesName, rowsMax: number) {
    this.#series = series
    this.#rowsMax = rowsMax
  }

  add(rows: Iterable<CsvRow>): void {
    let table: FieldRows | undefined
    for (const row of rows) {
      if (table === undefined || !belongs(row, table)) {
        table = this.#tableOf(row)
        this.#tables.push(table)
        if (table.type === 'string') this.textFields.add(table.field)
      }
      const time = row.cells[table.timeAt] ?? ''
      table.rows += 1
      table.lastTime = time
      let draft = table.drafts.get(time)
      if (draft === undefined) {
        draft = { time: instantOf(time), labels: table.labels, values: {}, bumpNs: 0 }
        table.drafts.set(time, draft)
      }
      const text = row.cells[table.valueAt] ?? ''
      if (table.field === BUMP_FIELD) draft.bumpNs = Number(text)
      else draft.values[table.field] = valueIn(text, table.type)
    }
  }

  /** Texts once more, percent-encoded. What came in between the two queries is left out. */
  addTexts(rows: Iterable<CsvRow>): void {
    let table: FieldRows | undefined
    for (const row of rows) {
      if (table === undefined || !belongs(row, table)) table = this.#tableOf(row)
      const values = table.drafts.get(row.cells[table.timeAt] ?? '')?.values
      if (values?.[table.field] === undefined) continue
      values[table.field] = decodeURIComponent(row.cells[table.valueAt] ?? '')
    }
  }

  /** `untilNanos` is where the query ended. */
  done(untilNanos: bigint): Stretch {
    let until = untilNanos
    for (const { rows, lastTime } of this.#tables) {
      const after = rows < this.#rowsMax ? until : toNanos(instantOf(lastTime)) + 1n
      if (after < until) until = after
    }
    const end = fromNanos(until)
    const readings = [...this.#byLabels.values()]
      .flatMap((drafts) => [...drafts.values()])
      .filter(({ time }) => compareInstants(time, end) < 0)
      .sort((a, b) => compareInstants(a.time, b.time))
      .map((draft) => this.#stored(draft))
    return { readings, untilNanos: until }
  }

  #tableOf(row: CsvRow): FieldRows {
    const { table: csv, cells } = row
    const names = csv.names.filter((name) => !NOT_LABELS.has(name))
    // A label that a table has no value for is a column of another one.
    const labels = Object.fromEntries(names.flatMap((name) => (row.cell(name) ? [[name, row.cell(name) ?? '']] : [])))
    const key = JSON.stringify(labels)
    const drafts = this.#byLabels.get(key) ?? new Map<string, Draft>()
    this.#byLabels.set(key, drafts)
    return {
      csv,
      number: cells[NUMBER_AT],
      field: row.cell('_field') ?? '',
      type: csv.typeOf('_value'),
      labels,
      drafts,
      timeAt: csv.placeOf('_time') ?? 0,
      valueAt: csv.placeOf('_value') ?? 0,
      rows: 0,
      lastTime: '',
    }
  }

  #stored({ time: { ms, ns }, labels, values, bumpNs }: Draft): StoredReading {
    const { gateway, type, sensor } = this.#series
    const digest = digestOfReading(gateway, { type, sensor, ms, ns, bumpNs, values })
    const reading = { seq: 0, type, sensor, labels, ms, ns, bumpNs, estimated: false, values, digest }
    return { gateway, reading, source: 'live' }
  }
}

function belongs({ table, cells }: CsvRow, { csv, number }: FieldRows): boolean {
  return table === csv && cells[NUMBER_AT] === number
}

function valueIn(text: string, type: string | undefined): Value {
  if (type === 'double') return Number(text)
  if (type === 'long' || type === 'unsignedLong') return BigInt(text)
  if (type === 'boolean') return text === 'true'
  return text
}
