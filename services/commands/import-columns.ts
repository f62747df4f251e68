/** Decides what each column of a CSV file is, once per file, and turns rows into readings by it. */

import { isName, sensorFromTags } from '../../schemas/names.ts'
import type { ValueKind } from '../../schemas/reading.ts'
import { TidemarkError } from '../core/errors.ts'
import type { Cells, CsvRow } from './import-csv.ts'
import { cellJson, entryText, kindOfCells, readingText } from './import-reading.ts'
import { guessTimeColumn, type ImportItem, type ImportRules } from './import-source.ts'

interface FieldColumn {
  readonly index: number
  readonly name: string
  /** Undefined while an undeclared column has been empty. */
  kind: ValueKind | undefined
}

export interface ColumnPlan {
  readonly width: number
  readonly type: string
  readonly time: number
  /** The one sensor, or the column that names it. */
  readonly sensor: string | number
  readonly labels: readonly { readonly index: number; readonly name: string }[]
  readonly fields: readonly FieldColumn[]
}

/** `sample` are the first rows. Throws `usage-wrong` when header and options don't fit. */
export function planColumns(header: Cells, sample: readonly Cells[], rules: ImportRules): ColumnPlan {
  const names = header.map((name) => (name ?? '').trim())
  const { type, sensor, sensorColumn } = rules
  if (type === undefined) throw usage('expected --type: the message type of the rows')
  const timeName = rules.timeColumn ?? guessTimeColumn(names)
  if (timeName === undefined)
    throw usage(`no column looks like a time: name it with --time-column; there are ${names.join(', ')}`)
  if (rules.timeColumn === undefined) rules.note(`times are read from column ${timeName}\n`)
  if (sensor === undefined && sensorColumn === undefined) throw usage('expected --sensor NAME or --sensor-column COL')
  const at = (name: string): number => columnIndex(names, name)
  const labels = rules.labelColumns.map((name) => ({ index: at(name), name }))
  const time = at(timeName)
  const sensorAt = sensorColumn === undefined ? undefined : at(sensorColumn)
  const taken = new Set([time, sensorAt, ...labels.map(({ index }) => index), ...rules.skipColumns.map(at)])
  const rest = names.flatMap((name, index) => (taken.has(index) || name === '' ? [] : [{ index, name }]))
  const fields = fieldColumns(rest, sample, rules, type)
  return { width: names.length, type, time, sensor: sensorAt ?? sensor ?? '', labels, fields }
}

export function readRow(plan: ColumnPlan, row: CsvRow, rules: ImportRules): ImportItem {
  if (!('cells' in row)) return row
  const { line, cells } = row
  const refuse = (code: string, reason: string): ImportItem => ({ line, code, reason })
  if (cells.length !== plan.width) return refuse('row-invalid', `${cells.length} cells, the header has ${plan.width}`)
  const sensor = typeof plan.sensor === 'string' ? plan.sensor : sensorNamed(cells[plan.sensor])
  if (sensor === '') return refuse('sensor-missing', 'the sensor column is empty')
  const timeText = cells[plan.time]?.trim() ?? ''
  if (timeText === '') return refuse('time-missing', 'without a time a row could not be told from its repetition')
  const values: string[] = []
  for (const field of plan.fields) {
    const cell = cells[field.index]
    if (cell === null || cell === undefined) continue
    field.kind ??= kindOfCells([cell])
    const kind = field.kind ?? 'string'
    if (kind !== 'string' && cell.trim() === '') continue
    const read = cellJson(kind, field.name, cell)
    if ('code' in read) return refuse(read.code, read.reason)
    values.push(entryText(field.name, read.json))
  }
  const time = rules.time.read(timeText, sensor)
  if ('reason' in time) return refuse('time-invalid', time.reason)
  const labels = plan.labels.flatMap(({ index, name }) => {
    const cell = cells[index] ?? ''
    return cell === '' ? [] : [entryText(name, JSON.stringify(cell))]
  })
  return { line, text: readingText({ type: plan.type, sensor, time, values, labels }) }
}

/** A name that is not legal as it stands is encoded as one derived from a tag. */
export function sensorNamed(text: string | null | undefined): string {
  const name = (text ?? '').trim()
  return name === '' || isName(name) ? name : sensorFromTags([['sensor', name]])
}

function fieldColumns(
  columns: readonly { readonly index: number; readonly name: string }[],
  sample: readonly Cells[],
  rules: ImportRules,
  type: string,
): readonly FieldColumn[] {
  if (columns.length === 0) throw usage('no column is left for values')
  const declared = rules.fieldsOf(type)
  if (declared === undefined) {
    return columns.map(({ index, name }) => ({
      index,
      name,
      kind: kindOfCells(sample.map((cells) => cells[index] ?? '')),
    }))
  }
  const unknown = columns.filter(({ name }) => !declared.some((field) => field.name === name))
  if (unknown.length > 0) {
    const known = declared.map(({ name }) => name).join(', ')
    const first = unknown.map(({ name }) => name).join(', ')
    throw usage(
      `type ${type} has ${known}; columns it has not are ${first}: leave them out with --skip-column, or make them labels with --label-column`,
    )
  }
  return columns.map(({ index, name }) => ({ index, name, kind: declared.find((field) => field.name === name)?.kind }))
}

function columnIndex(names: readonly string[], name: string): number {
  const index = names.indexOf(name)
  if (index < 0) throw usage(`there is no column ${JSON.stringify(name)}; there are ${names.join(', ')}`)
  if (names.lastIndexOf(name) !== index) throw usage(`column ${JSON.stringify(name)} stands twice in the header`)
  return index
}

function usage(detail: string): TidemarkError {
  return new TidemarkError('usage-wrong', detail)
}
