/** Writes one reading as JSON text for the door, digit by digit as the file has it. */

import type { Instant, ValueKind } from '../../schemas/reading.ts'
import { formatInstant } from '../../schemas/time.ts'
import { doubleText } from '../core/line-protocol-encoder.ts'

export interface ReadingParts {
  readonly type: string
  readonly sensor: string
  readonly time: Instant
  /** Names and JSON texts. */
  readonly values: readonly string[]
  readonly labels: readonly string[]
}

export type Cell = { readonly json: string } | { readonly code: string; readonly reason: string }

const NUMBER = /^[+-]?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][+-]?\d+)?$/
const INTEGER = /^[+-]?\d+$/
const TRUE = /^(?:t|true|yes|y|1)$/i
const FALSE = /^(?:f|false|no|n|0)$/i

export function readingText({ type, sensor, time, values, labels }: ReadingParts): string {
  const labelled = labels.length === 0 ? '' : `,"labels":{${labels.join(',')}}`
  const named = `{"type":${JSON.stringify(type)},"sensor":${JSON.stringify(sensor)},"time":"${formatInstant(time)}"`
  return `${named},"values":{${values.join(',')}}${labelled}}`
}

export function entryText(name: string, json: string): string {
  return `${JSON.stringify(name)}:${json}`
}

/** A number without loss: −0 keeps its sign, which `JSON.stringify` takes from it. */
export function numberText(value: number): string {
  return doubleText(value)
}

/** A cell of a file as the JSON of its field. */
export function cellJson(kind: ValueKind, name: string, cell: string): Cell {
  const text = cell.trim()
  if (kind === 'string') return { json: JSON.stringify(cell) }
  if (kind === 'boolean') {
    if (TRUE.test(text)) return { json: 'true' }
    return FALSE.test(text) ? { json: 'false' } : misfit(name, 'true or false', cell)
  }
  // All digits of an integer reach the door, which refuses what is past 2⁵³.
  if (kind === 'integer' && INTEGER.test(text) && text.length < 40)
    return { json: String(BigInt(text.replace('+', ''))) }
  if (!NUMBER.test(text)) return misfit(name, 'a number', cell)
  const value = Number(text)
  if (Number.isFinite(value)) return { json: numberText(value) }
  return { code: 'value-not-finite', reason: `${name} is past what a double holds: ${text.slice(0, 60)}` }
}

/** What an undeclared column holds, by the cells seen first. `007` is a name rather than a number. */
export function kindOfCells(cells: readonly string[]): ValueKind | undefined {
  const texts = cells.map((cell) => cell.trim()).filter((text) => text !== '')
  if (texts.length === 0) return undefined
  if (texts.every((text) => NUMBER.test(text) && !/^[+-]?0\d/.test(text))) return 'double'
  return texts.every((text) => /^(?:true|false)$/i.test(text)) ? 'boolean' : 'string'
}

function misfit(name: string, expected: string, cell: string): Cell {
  return { code: 'value-wrong-type', reason: `${name} takes ${expected}, came ${JSON.stringify(cell.slice(0, 60))}` }
}
