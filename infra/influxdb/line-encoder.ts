/** Readings as InfluxDB lines: measurement = type, tags `gateway`, `sensor` and the labels, fields = values. Fast: the hot path of the store. */

import type { Labels, Value } from '../../schemas/reading.ts'
import { toNanos } from '../../schemas/time.ts'
import { doubleText } from '../../services/core/line-protocol-encoder.ts'
import type { ArrivingReading } from '../../services/ports/reading-store.ts'

/** An integer field that a reading has which was moved to a free nanosecond: by how many. No value of a reading can be called so. */
export const BUMP_FIELD = '_bump_ns'

/** Measurement and tags of a series as they stand in its lines, or why it can't have any. */
export interface LineSeries {
  labels: Labels
  prefix: string | { readonly reason: string }
  /** The call that met it last, and the latest time met in it. */
  call: number
  ms: number
  ns: number
}

export type EncodedLine = string | { readonly reason: string }

const SERIES_MAX = 100_000
const FIELD_NAMES_MAX = 10_000
/** What InfluxDB refuses as a tag, or shows as a column of its own. */
const RESERVED_TAGS = new Set([
  'gateway',
  'sensor',
  'time',
  '_field',
  '_measurement',
  '_time',
  '_value',
  '_start',
  '_stop',
])
/** Stands between series and field in InfluxDB's files. */
const FILE_SEPARATOR = '#!~#'

export class LineEncoder {
  readonly #series = new Map<string, Map<string, Map<string, LineSeries>>>()
  readonly #fieldNames = new Map<string, string>()
  #seriesCount = 0

  encode({ reading }: ArrivingReading, { prefix }: LineSeries): EncodedLine {
    if (typeof prefix !== 'string') return prefix
    const { values, ms, ns, bumpNs } = reading
    let fields = ''
    for (const name in values) {
      const value = values[name]
      if (value === undefined || value === null) continue
      if (name === 'time') return { reason: 'InfluxDB has no field called time' }
      const text = valueText(value)
      fields += fields === '' ? ` ${this.#fieldName(name)}${text}` : `,${this.#fieldName(name)}${text}`
    }
    if (fields === '') return { reason: 'it has no values, and InfluxDB keeps nothing without a field' }
    if (bumpNs !== 0) fields += `,${BUMP_FIELD}=${bumpNs}i`
    return `${prefix}${fields} ${nanosText(ms, ns)}`
  }

  seriesOf({ gateway, reading: { type, sensor, labels } }: ArrivingReading): LineSeries {
    const known = this.#series.get(gateway)?.get(type)?.get(sensor)
    if (known !== undefined && (known.labels === labels || sameLabels(known.labels, labels))) {
      known.labels = labels
      return known
    }
    const prefix = prefixOf(gateway, type, sensor, labels)
    if (known !== undefined) return Object.assign(known, { labels, prefix })
    if (++this.#seriesCount > SERIES_MAX) {
      this.#series.clear()
      this.#seriesCount = 1
    }
    const fresh: LineSeries = { labels, prefix, call: 0, ms: 0, ns: 0 }
    const byType = this.#series.get(gateway) ?? new Map<string, Map<string, LineSeries>>()
    const bySensor = byType.get(type) ?? new Map<string, LineSeries>()
    this.#series.set(gateway, byType.set(type, bySensor.set(sensor, fresh)))
    return fresh
  }

  /** With the equals sign after it. */
  #fieldName(name: string): string {
    const known = this.#fieldNames.get(name)
    if (known !== undefined) return known
    const text = `${escaped(name)}=`
    if (this.#fieldNames.size >= FIELD_NAMES_MAX) this.#fieldNames.clear()
    this.#fieldNames.set(name, text)
    return text
  }
}

function prefixOf(gateway: string, type: string, sensor: string, labels: Labels): LineSeries['prefix'] {
  const tags: (readonly [string, string])[] = [
    ['gateway', gateway],
    ['sensor', sensor],
  ]
  for (const [name, value] of Object.entries(labels)) {
    // In InfluxDB a tag without a value and no tag are the same.
    if (value === '') continue
    const fault = tagFault(name, value)
    if (fault !== undefined) return { reason: `the label ${JSON.stringify(name)}: ${fault}` }
    tags.push([name, value])
  }
  tags.sort(([a], [b]) => (a < b ? -1 : 1))
  return seriesText(type, tags)
}

/** As a line begins. */
export function seriesText(measurement: string, tags: readonly (readonly [name: string, value: string])[]): string {
  // An equals sign in a measurement is not escaped: the backslash would stay.
  const begin = measurement.replace(/[, ]/g, '\\$&')
  return begin + tags.map(([name, value]) => `,${escaped(name)}=${escaped(value)}`).join('')
}

function tagFault(name: string, value: string): string | undefined {
  return RESERVED_TAGS.has(name) ? 'InfluxDB keeps this name for itself' : textFault(name, value)
}

/** Why a line can't have such a tag. */
export function textFault(name: string, value: string): string | undefined {
  for (const text of [name, value]) {
    if (text === '') return 'InfluxDB has no tag without a name'
    if (/[\r\n]/.test(text)) return 'InfluxDB has no line breaks in tags'
    if (text.includes(FILE_SEPARATOR)) return `InfluxDB takes ${FILE_SEPARATOR} for the end of the tags`
    if (/\\(?:[,= ]|$)/.test(text)) return 'a backslash before a comma, an equals sign, a space or the end is an escape'
  }
  return undefined
}

/** Of every type but unsigned integers, which readings don't have. */
export function valueText(value: Value): string {
  if (typeof value === 'number') return doubleText(value)
  if (typeof value === 'bigint') return `${value}i`
  if (typeof value === 'boolean') return value ? 'true' : 'false'
  return /["\\]/.test(value) ? `"${value.replace(/["\\]/g, '\\$&')}"` : `"${value}"`
}

function nanosText(ms: number, ns: number): string {
  // Below one millisecond the digits would begin with zeros, before 1970 they would count the wrong way.
  if (ms <= 0) return String(toNanos({ ms, ns }))
  return String(ms) + String(1_000_000 + ns).slice(1)
}

export function escaped(text: string): string {
  return /[,= ]/.test(text) ? text.replace(/[,= ]/g, '\\$&') : text
}

function sameLabels(a: Labels, b: Labels): boolean {
  const names = Object.keys(a)
  return names.length === Object.keys(b).length && names.every((name) => Object.hasOwn(b, name) && a[name] === b[name])
}
