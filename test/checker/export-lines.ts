/** Fills the checker's history from `tidemark export --format ndjson` and from what a client sent: values and times in one text form. */

import type { Held } from './history.ts'

interface ExportLine {
  readonly gateway: string
  readonly type: string
  readonly sensor: string
  readonly time: string
  readonly values: Readonly<Record<string, unknown>>
}

/** `uniqueField` is the value that tells readings apart. */
export function heldFromExport(store: string, ndjson: string, uniqueField: string): readonly Held[] {
  const lines = ndjson.split('\n').filter((line) => line !== '')
  return lines.map((line) => {
    const { gateway, type, sensor, time, values } = JSON.parse(line) as ExportLine
    const unique = values[uniqueField]
    return {
      store,
      unique: unique === undefined ? null : String(unique),
      gateway,
      type,
      sensor,
      time: nanosOf(time),
      values: valuesText(values),
    }
  })
}

/** Fields in order of their names, so that the order in which they were sent means nothing. */
export function valuesText(values: Readonly<Record<string, unknown>>): string {
  const sorted = Object.entries(values).sort(([a], [b]) => (a < b ? -1 : 1))
  return sorted.map(([name, value]) => `${name}=${typeof value === 'string' ? JSON.stringify(value) : value}`).join(',')
}

/** RFC 3339 with `Z` and up to nine decimals, or nanoseconds since 1970 in digits. */
export function nanosOf(time: string): bigint {
  if (/^-?\d+$/.test(time)) return BigInt(time)
  const [, seconds, fraction = ''] = /^(.+?)(?:\.(\d{1,9}))?Z$/.exec(time) ?? []
  if (seconds === undefined) throw new Error(`expected a UTC time, came ${time}`)
  return BigInt(Date.parse(`${seconds}Z`)) * 1_000_000n + BigInt(fraction.padEnd(9, '0'))
}
