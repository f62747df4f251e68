/** Turns one line of NDJSON into a reading: a whole reading as the door takes it, or a flat object whose keys are columns. */

import { TidemarkError } from '../core/errors.ts'
import { sensorNamed } from './import-columns.ts'
import { entryText, numberText, readingText } from './import-reading.ts'
import { guessTimeColumn, type ImportItem, type ImportRules } from './import-source.ts'

type Line = { readonly line: number; readonly text: string }
type Row = Readonly<Record<string, unknown>>

interface Taken {
  readonly type: unknown
  readonly sensor: unknown
  readonly time: unknown
  readonly values: Row
  readonly labels: Row
}

export function readObject(rules: ImportRules): (line: Line) => ImportItem {
  const taken = taker(rules)
  return ({ line, text }) => {
    const row = parsed(text)
    if (typeof row === 'string') return { line, code: 'not-json', reason: row }
    const refuse = (code: string, reason: string): ImportItem => ({ line, code, reason })
    const { type, sensor: rawSensor, time, values, labels } = taken(row)
    if (typeof type !== 'string') return refuse('type-missing', 'the row has no type: name it with --type')
    const sensor = typeof rawSensor === 'string' || typeof rawSensor === 'number' ? sensorNamed(String(rawSensor)) : ''
    if (sensor === '')
      return refuse('sensor-missing', 'the row has no sensor: name it with --sensor or --sensor-column')
    if (time === undefined || time === null || time === '') {
      return refuse('time-missing', 'without a time a row could not be told from its repetition')
    }
    const instant = rules.time.read(String(time), sensor)
    if ('reason' in instant) return refuse('time-invalid', instant.reason)
    return {
      line,
      text: readingText({ type, sensor, time: instant, values: entries(values), labels: entries(labels) }),
    }
  }
}

/** Which keys are what: decided by the first flat row, and said. */
function taker(rules: ImportRules): (row: Row) => Taken {
  let timeColumn = rules.timeColumn
  return (row) => {
    const { type, sensor, time, values, labels } = row
    if (isRow(values)) {
      const named = { type: type ?? rules.type, sensor: sensor ?? rules.sensor }
      return { ...named, time, values, labels: isRow(labels) ? labels : {} }
    }
    timeColumn ??= guessed(row, rules)
    const ownSensor = rules.sensorColumn === undefined ? rules.sensor : row[rules.sensorColumn]
    const taken = new Set([timeColumn, rules.sensorColumn, ...rules.labelColumns, ...rules.skipColumns])
    return {
      type: rules.type,
      sensor: ownSensor,
      time: row[timeColumn],
      values: Object.fromEntries(Object.entries(row).filter(([name]) => !taken.has(name))),
      labels: Object.fromEntries(rules.labelColumns.map((name) => [name, row[name]])),
    }
  }
}

function guessed(row: Row, rules: ImportRules): string {
  const names = Object.keys(row)
  const found = guessTimeColumn(names)
  if (found === undefined) {
    throw new TidemarkError(
      'usage-wrong',
      `no key looks like a time: name it with --time-column; there are ${names.join(', ')}`,
    )
  }
  rules.note(`times are read from key ${found}\n`)
  return found
}

function entries(row: Row): readonly string[] {
  return Object.entries(row).flatMap(([name, value]) => {
    if (value === null || value === undefined) return []
    return [entryText(name, typeof value === 'number' ? jsonNumber(value) : JSON.stringify(value))]
  })
}

/** A literal past a double has read as infinite, and is handed on as such for the door to refuse. */
function jsonNumber(value: number): string {
  if (Number.isFinite(value)) return numberText(value)
  return value > 0 ? '1e999' : '-1e999'
}

function parsed(text: string): Row | string {
  try {
    const value: unknown = JSON.parse(text)
    return isRow(value) ? value : 'the line is not an object'
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}

function isRow(value: unknown): value is Row {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
