/** Reads InfluxDB line protocol: one line to its series, typed fields and time. Pure, and fast enough to be the gateway's hot path. */

import type { Instant, Value, Values } from '../../schemas/reading.ts'
import { fromNanos, inRange } from '../../schemas/time.ts'

export type Precision = 'ns' | 'us' | 'ms' | 's' | 'm' | 'h'

export type LineFaultCode = 'line-invalid' | 'value-not-finite' | 'integer-too-large' | 'time-invalid'

export class LineFault {
  readonly code: LineFaultCode
  readonly reason: string

  constructor(code: LineFaultCode, reason: string) {
    this.code = code
    this.reason = reason
  }
}

/** `series` is measurement and tags as they were written, for `parseSeries`: many lines share it, so its reader can remember what it means. */
export interface LinePoint {
  readonly series: string
  readonly fields: Values
  readonly time?: Instant
}

export interface LineSeries {
  readonly measurement: string
  readonly tags: readonly (readonly [key: string, value: string])[]
}

const SPACE = 32
const HASH = 35
const QUOTE = 34
const COMMA = 44
const EQUALS = 61
const BACKSLASH = 92

const NUMBER = /^-?(?:\d+(?:\.\d*)?|\.\d+)(?:[eE][-+]?\d+)?$/
const INTEGER = /^-?\d+[iu]$/
const NOT_FINITE = /^[+-]?(?:nan|inf(?:inity)?)$/i
const NANOS: Readonly<Record<Precision, bigint>> = {
  ns: 1n,
  us: 1_000n,
  ms: 1_000_000n,
  s: 1_000_000_000n,
  m: 60_000_000_000n,
  h: 3_600_000_000_000n,
}
/** Digits of a time in this precision that stand below the millisecond, and what a unit is in ms where none do. */
const BELOW_MS: Readonly<Record<Precision, number>> = { ns: 6, us: 3, ms: 0, s: 0, m: 0, h: 0 }
const UNIT_MS: Readonly<Record<Precision, number>> = { ns: 0, us: 0, ms: 1, s: 1_000, m: 60_000, h: 3_600_000 }
const INTEGER_MAX = BigInt(Number.MAX_SAFE_INTEGER)

/** Names as InfluxDB 2 and 1 write them; nanoseconds when absent. */
export function precisionOf(name: string | undefined): Precision | undefined {
  if (name === undefined || name === '' || name === 'n') return 'ns'
  if (name === 'u' || name === 'µ') return 'us'
  return Object.hasOwn(NANOS, name) ? (name as Precision) : undefined
}

/** Where the line that begins at `from` ends: at a line feed outside of a quoted text, or at the end. −1 when a quoted text is still open there. */
export function lineEnd(text: string, from: number): number {
  const end = nextFeed(text, from)
  // Searched inside the line: a search of the whole text for what it lacks would cost its length for every line.
  const line = text.slice(from, end)
  if (!line.includes('"') || line.charCodeAt(0) === HASH) return end
  const space = unescapedSpace(line, 0)
  if (space < 0) return end
  return endOfFields(text, from + space, end)
}

/** `end` is the next line feed; a quoted text that goes on past it moves it to the one after the text. */
function endOfFields(text: string, from: number, feed: number): number {
  let end = feed
  let quote = text.indexOf('"', from)
  while (quote >= 0 && quote < end) {
    const opens = text.charCodeAt(quote - 1) === EQUALS
    const close = opens ? closingQuote(text, quote + 1) : quote
    if (close < 0) return -1
    if (close > end) end = nextFeed(text, close)
    quote = text.indexOf('"', close + 1)
  }
  return end
}

function nextFeed(text: string, from: number): number {
  const feed = text.indexOf('\n', from)
  return feed < 0 ? text.length : feed
}

/** `line` has no line feed at its end; comments and empty lines are the caller's to skip. */
export function parseLine(line: string, precision: Precision): LinePoint | LineFault {
  const seriesEnd = unescapedSpace(line, 0)
  if (seriesEnd < 0) return new LineFault('line-invalid', 'missing fields')
  const fields: Record<string, Value> = {}
  let at = skipSpaces(line, seriesEnd)
  for (;;) {
    const next = parseField(line, at, fields)
    if (typeof next !== 'number') return next
    at = next
    if (line.charCodeAt(at) !== COMMA) break
    at++
  }
  const series = line.slice(0, seriesEnd)
  const timeText = line.slice(at).trim()
  if (timeText === '') return { series, fields }
  const time = parseTime(timeText, precision)
  return time instanceof LineFault ? time : { series, fields, time }
}

export function parseSeries(series: string): LineSeries | LineFault {
  const [first = '', ...pairs] = splitUnescaped(series, COMMA)
  if (first === '') return new LineFault('line-invalid', 'missing measurement')
  const tags: [string, string][] = []
  for (const pair of pairs) {
    const [key = '', value = '', ...more] = splitUnescaped(pair, EQUALS)
    if (key === '') return new LineFault('line-invalid', 'missing tag key')
    if (value === '') return new LineFault('line-invalid', `missing tag value of ${key}`)
    if (more.length > 0) return new LineFault('line-invalid', `invalid tag format ${pair}`)
    tags.push([unescaped(key), unescaped(value)])
  }
  const keys = new Set(tags.map(([key]) => key))
  if (keys.size < tags.length) return new LineFault('line-invalid', 'duplicate tags')
  return { measurement: unescaped(first), tags }
}

/** Puts one field into `fields` and says where it ended: at a comma, a space or the end. */
function parseField(line: string, from: number, fields: Record<string, Value>): number | LineFault {
  const equals = keyEnd(line, from)
  if (equals < 0) return new LineFault('line-invalid', from >= line.length ? 'missing fields' : 'invalid field format')
  const raw = line.slice(from, equals)
  const name = raw.includes('\\') ? unescaped(raw) : raw
  if (name === '') return new LineFault('line-invalid', 'missing field key')
  // Assigning `__proto__` would vanish without a trace.
  if (name === '__proto__' || Object.hasOwn(fields, name)) {
    return new LineFault('line-invalid', `field ${name} stands twice or can't be taken`)
  }
  const start = equals + 1
  if (line.charCodeAt(start) === QUOTE) {
    const close = closingQuote(line, start + 1)
    if (close < 0) return new LineFault('line-invalid', 'unbalanced quotes')
    const text = line.slice(start + 1, close)
    fields[name] = text.includes('\\') ? text.replace(/\\(["\\])/g, '$1') : text
    return endsValue(line, close + 1) ? close + 1 : new LineFault('line-invalid', `invalid text value of ${name}`)
  }
  let end = start
  while (!endsValue(line, end)) end++
  const value = parseScalar(line.slice(start, end), name)
  if (value instanceof LineFault) return value
  fields[name] = value
  return end
}

function parseScalar(text: string, name: string): Value | LineFault {
  if (NUMBER.test(text)) {
    const value = Number(text)
    return Number.isFinite(value) ? value : new LineFault('value-not-finite', `${text} of ${name} is past a double`)
  }
  if (INTEGER.test(text)) return parseInteger(text, name)
  switch (text) {
    case 't':
    case 'T':
    case 'true':
    case 'True':
    case 'TRUE':
      return true
    case 'f':
    case 'F':
    case 'false':
    case 'False':
    case 'FALSE':
      return false
    case '':
      return new LineFault('line-invalid', `missing field value of ${name}`)
  }
  if (NOT_FINITE.test(text)) return new LineFault('value-not-finite', `${name}=${text}`)
  return new LineFault('line-invalid', `invalid value ${name}=${text.slice(0, 60)}`)
}

function parseInteger(text: string, name: string): bigint | LineFault {
  if (text.endsWith('u') && text.startsWith('-')) {
    return new LineFault('line-invalid', `${name}=${text.slice(0, 60)} is unsigned and negative`)
  }
  const value = text.length > 40 ? INTEGER_MAX + 1n : BigInt(text.slice(0, -1))
  const fits = value <= INTEGER_MAX && value >= -INTEGER_MAX
  return fits ? value : new LineFault('integer-too-large', `${name}=${text.slice(0, 60)}`)
}

function parseTime(text: string, precision: Precision): Instant | LineFault {
  if (!/^-?\d+$/.test(text)) return new LineFault('time-invalid', `invalid timestamp ${text.slice(0, 60)}`)
  const instant = instantOf(text, precision)
  return inRange(instant) ? instant : new LineFault('time-invalid', `timestamp ${text.slice(0, 60)} is out of range`)
}

function instantOf(text: string, precision: Precision): Instant {
  if (text.length > 40) return { ms: Number.MAX_SAFE_INTEGER, ns: 0 }
  // Positive times, that is nearly all, need no big integer: the digits below the millisecond are cut off as text.
  const below = BELOW_MS[precision]
  if (text.charCodeAt(0) === 45 || text.length < below + 1 || text.length > 19) {
    return fromNanos(BigInt(text) * NANOS[precision])
  }
  if (below === 0) return { ms: Number(text) * UNIT_MS[precision], ns: 0 }
  const cut = text.length - below
  return { ms: Number(text.slice(0, cut)), ns: Number(text.slice(cut)) * (below === 3 ? 1_000 : 1) }
}

function unescapedSpace(text: string, from: number): number {
  let at = text.indexOf(' ', from)
  while (at > 0 && text.charCodeAt(at - 1) === BACKSLASH) at = text.indexOf(' ', at + 1)
  return at
}

function skipSpaces(text: string, from: number): number {
  let at = from
  while (text.charCodeAt(at) === SPACE) at++
  return at
}

/** The unescaped `=` after a field key; −1 when a comma, a space or the end comes first. */
function keyEnd(line: string, from: number): number {
  for (let at = from; at < line.length; at++) {
    const char = line.charCodeAt(at)
    if (char === BACKSLASH) at++
    else if (char === EQUALS) return at
    else if (char === COMMA || char === SPACE) return -1
  }
  return -1
}

function endsValue(line: string, at: number): boolean {
  if (at >= line.length) return true
  const char = line.charCodeAt(at)
  return char === COMMA || char === SPACE || (char === 13 && at === line.length - 1)
}

function closingQuote(text: string, from: number): number {
  let at = text.indexOf('"', from)
  while (at >= 0 && isEscaped(text, at, from)) at = text.indexOf('"', at + 1)
  return at
}

/** An odd number of backslashes stands before it, inside the quoted text that begins at `from`. */
function isEscaped(text: string, at: number, from: number): boolean {
  let backslashes = 0
  while (at - 1 - backslashes >= from && text.charCodeAt(at - 1 - backslashes) === BACKSLASH) backslashes++
  return backslashes % 2 === 1
}

/** A separator right after a backslash is part of the text. */
function splitUnescaped(text: string, separator: number): readonly string[] {
  const parts: string[] = []
  let from = 0
  for (let at = 0; at < text.length; at++) {
    if (text.charCodeAt(at) !== separator || text.charCodeAt(at - 1) === BACKSLASH) continue
    parts.push(text.slice(from, at))
    from = at + 1
  }
  parts.push(text.slice(from))
  return parts
}

/** Before a comma, an equals sign or a space a backslash is an escape, elsewhere it stands for itself. */
function unescaped(text: string): string {
  return text.includes('\\') ? text.replace(/\\([,= ])/g, '$1') : text
}
