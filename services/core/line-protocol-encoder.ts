/** Writes InfluxDB line protocol: the other way round of `line-protocol.ts`, exact to the last digit. */

import type { Instant, Value, Values } from '../../schemas/reading.ts'
import { toNanos } from '../../schemas/time.ts'

export interface EncodablePoint {
  readonly measurement: string
  readonly tags: readonly (readonly [key: string, value: string])[]
  readonly fields: Values
  readonly time: Instant
}

/** One line without a line feed at its end, or why line protocol has no way to write it. */
export function encodeLine(point: EncodablePoint): string | { readonly reason: string } {
  for (const text of [point.measurement, ...point.tags.flat(), ...Object.keys(point.fields)]) {
    const fault = unwritable(text)
    if (fault !== undefined) return { reason: fault }
  }
  const tags = point.tags.map(([key, value]) => `,${escaped(key)}=${escaped(value)}`).join('')
  const fields = Object.entries(point.fields).map(([name, value]) => `${escaped(name)}=${written(value)}`)
  // An equals sign in a measurement is not escaped: InfluxDB would keep the backslash.
  return `${point.measurement.replace(/[, ]/g, '\\$&')}${tags} ${fields.join(',')} ${toNanos(point.time)}`
}

/** A double as the shortest decimal that reads back as itself; `-0` keeps its sign. */
export function doubleText(value: number): string {
  return Object.is(value, -0) ? '-0' : String(value)
}

function written(value: Value): string {
  if (typeof value === 'number') return doubleText(value)
  if (typeof value === 'bigint') return `${value}i`
  if (typeof value === 'boolean') return value ? 'true' : 'false'
  return `"${value.replace(/["\\]/g, '\\$&')}"`
}

function unwritable(text: string): string | undefined {
  if (text === '') return 'line protocol has no empty names and tags'
  if (/[\r\n]/.test(text)) return `${JSON.stringify(text)} holds a line break`
  // A backslash at the end would escape the separator after it, and there is no escape for a backslash itself.
  return text.endsWith('\\') ? `${JSON.stringify(text)} ends with a backslash` : undefined
}

function escaped(text: string): string {
  return text.replace(/[,= ]/g, '\\$&')
}
