/** What a mirror asks of the fields of one measurement, and what it makes of the answers. */

import type { FieldSums, MirrorRow, MirrorSeries, Only, TimeWindow } from '../../services/ports/mirror-end.ts'
import { type InfluxqlSeries, identifier, textLiteral, timeRange } from './influxql.ts'
import { escaped, seriesText, textFault, valueText } from './line-encoder.ts'

export type FieldType = 'float' | 'integer' | 'unsigned' | 'string' | 'boolean'

export interface Measurement {
  readonly name: string
  /** Of every field the types it has had: one, or another one in each shard. */
  readonly fields: ReadonlyMap<string, readonly FieldType[]>
}

/** One field read as one type: where it has another one, InfluxQL gives numbers as that type, and of the rest nothing. */
export interface Column {
  readonly field: string
  readonly type: FieldType
}

/** Of the rows that `SHOW FIELD KEYS` answers with. */
export function measurementIn({ name, values }: InfluxqlSeries): Measurement {
  const fields = new Map<string, FieldType[]>()
  for (const [field, type] of values as readonly (readonly [string, FieldType])[]) {
    fields.set(field, [...(fields.get(field) ?? []), type])
  }
  return { name, fields }
}

/** Fields that are numbers of different types in different shards. */
export function ambiguousFields({ fields }: Measurement): readonly string[] {
  return [...fields].flatMap(([field, types]) => (numbersOf(types).length > 1 ? [field] : []))
}

/** Numbers of several types are taken as floats, unless it is known which one is meant. */
export function columnsOf(
  { fields }: Measurement,
  known: ReadonlyMap<string, FieldType> = new Map(),
): readonly Column[] {
  return [...fields].flatMap(([field, types]) => {
    const numbers = numbersOf(types)
    const number = known.get(field) ?? (numbers.length > 1 ? 'float' : numbers[0])
    const others = types.filter((type) => !isNumber(type))
    const all = number === undefined ? others : [number, ...others.filter((type) => type !== number)]
    return all.map((type): Column => ({ field, type }))
  })
}

function numbersOf(types: readonly FieldType[]): readonly FieldType[] {
  return types.filter(isNumber)
}

function isNumber(type: FieldType): boolean {
  return type !== 'string' && type !== 'boolean'
}

/** A statement that names more takes longer than one that names none. */
const NAMED_MAX = 60

/** `undefined` where nothing of the measurement is wanted. */
export function whereOf({ name }: Measurement, window: TimeWindow, only: Only): string | undefined {
  const wanted = only?.filter(({ measurement }) => measurement === name)
  if (wanted?.length === 0) return undefined
  const times = timeRange(window)
  if (wanted === undefined || wanted.length > NAMED_MAX || wanted.some(({ tags }) => tags.length === 0)) return times
  const each = wanted.map(({ tags }) => `(${tags.map(tagIs).join(' AND ')})`)
  return `${times} AND (${each.join(' OR ')})`
}

function tagIs([name, value]: readonly [name: string, value: string]): string {
  return `${identifier(name)}::tag = ${textLiteral(value)}`
}

export function sumsStatement(columns: readonly Column[], { name }: Measurement, where: string): string {
  const calls = columns.flatMap((column, i) =>
    functionsOf(column).map((call) => `${call}(${named(column)}) AS ${call}${i}`),
  )
  return `SELECT ${calls.join(', ')} FROM ${identifier(name)} WHERE ${where} GROUP BY *`
}

function functionsOf({ type }: Column): readonly string[] {
  if (type === 'string') return ['count']
  return type === 'boolean' ? ['count', 'min', 'max'] : ['count', 'sum', 'min', 'max']
}

export function rowsStatement(columns: readonly Column[], { name }: Measurement, where: string): string {
  const all = columns.map((column, i) => `${named(column)} AS c${i}`)
  return `SELECT ${all.join(', ')} FROM ${identifier(name)} WHERE ${where} GROUP BY *`
}

/** Parts of `every` nanoseconds, the first of which begins at `from`. */
export function countsStatement(
  columns: readonly Column[],
  { name }: Measurement,
  where: string,
  { every, from }: { readonly every: bigint; readonly from: bigint },
): string {
  const all = columns.map((column, i) => `count(${named(column)}) AS c${i}`)
  const offset = ((from % every) + every) % every
  return `SELECT ${all.join(', ')} FROM ${identifier(name)} WHERE ${where} GROUP BY time(${every}ns, ${offset}ns) fill(none)`
}

function named({ field, type }: Column): string {
  return `${identifier(field)}::${type}`
}

/** The columns stand in the order in which they were asked for, behind the time. */
export function* sumsIn(answer: InfluxqlSeries, columns: readonly Column[]): Generator<FieldSums> {
  const series = seriesIn(answer)
  for (const row of answer.values) {
    const byField = new Map<string, { points: number; figures: string }>()
    let at = 1
    for (const column of columns) {
      const functions = functionsOf(column)
      const [counted, ...figures] = row.slice(at, at + functions.length)
      at += functions.length
      const count = Number(counted ?? 0)
      if (count === 0) continue
      const known = byField.get(column.field) ?? { points: 0, figures: '' }
      // Two numbers are the same when their texts are: both sides write the shortest one that is exact.
      const text = `${column.type} ${figures.map(figureText).join(' ')};`
      byField.set(column.field, { points: known.points + count, figures: known.figures + text })
    }
    for (const [field, sums] of byField) yield { series, field: escaped(field), ...sums }
  }
}

function figureText(value: unknown): string {
  return Object.is(value, -0) ? '-0' : String(value)
}

export function rowsIn(answer: InfluxqlSeries, columns: readonly Column[]): readonly MirrorRow[] {
  const series = seriesIn(answer)
  const names = columns.map(({ field }) => escaped(field))
  return answer.values.map(([time, ...values]) => ({
    series,
    time: String(time),
    names,
    values: values.map((value, i) => lineValue(value, columns[i])),
  }))
}

function lineValue(value: unknown, column: Column | undefined): string | undefined {
  if (value === null || value === undefined || column === undefined) return undefined
  if (column.type === 'integer') return `${value}i`
  if (column.type === 'unsigned') return `${value}u`
  // A float that is a whole number beyond 2^53 is one still.
  return valueText(column.type === 'float' ? Number(value) : (value as string | boolean))
}

function seriesIn({ name: measurement, tags }: InfluxqlSeries): MirrorSeries {
  const own = [...tags].filter(([, value]) => value !== '').sort(([a], [b]) => (a < b ? -1 : 1))
  const faults = [['measurement', measurement] as const, ...own].map(([name, value]) => textFault(name, value))
  const unwritable = faults.find((fault) => fault !== undefined) ?? ''
  return { key: seriesText(measurement, own), measurement, tags: own, unwritable }
}
