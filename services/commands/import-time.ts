/** Reads times as files write them: ISO and common dates with or without a zone, and epochs of any unit. */

import type { Instant } from '../../schemas/reading.ts'
import { fromNanos, inRange, parseInstant } from '../../schemas/time.ts'
import { utcOfLocal, type Zone } from './import-zone.ts'

export type DateOrder = 'mdy' | 'dmy'

export interface TimeRules {
  /** For times that name no zone. */
  readonly zone: Zone
  /** Of dates such as 3/4/2021, which say nothing themselves. */
  readonly dateOrder?: DateOrder | undefined
}

export interface TimeReader {
  /** `sensor` keeps the two passes of a repeated hour apart. */
  read(text: string, sensor: string): Instant | { readonly reason: string }
  /** How many times had no zone, lay in an hour the clock skipped, or in one it repeated. */
  readonly seen: { withoutZone: number; gap: number; overlap: number }
}

interface Parts {
  readonly date: string
  readonly time: string
  readonly zone: string | undefined
}

const SENSORS_MAX = 100_000
const TWO_HOURS_MS = 7_200_000
const EPOCH = /^-?\d{1,19}(?:\.\d{1,9})?$/
const COMPACT_DAY = /^(?:19|20)\d{2}(?:0[1-9]|1[0-2])(?:0[1-9]|[12]\d|3[01])$/
const CLOCK = '(?:[T ,]+(\\d{1,2}):(\\d{2})(?::(\\d{2})(?:[.,](\\d+))?)?(?: ?([AaPp])\\.?[Mm]\\.?)?)?'
const ZONE = '(?: ?(Z|z|UTC|GMT|[+-]\\d{2}(?::?\\d{2})?))?'
const YEAR_FIRST = new RegExp(`^(\\d{4})([-/.])(\\d{1,2})\\2(\\d{1,2})${CLOCK}${ZONE}$`)
const YEAR_LAST = new RegExp(`^(\\d{1,2})([-/.])(\\d{1,2})\\2(\\d{4})${CLOCK}${ZONE}$`)
const NAMED = new RegExp(
  `^(?:([A-Za-z]{3,9})\\.? (\\d{1,2})|(\\d{1,2})[- ]([A-Za-z]{3,9})),?[- ](\\d{4})${CLOCK}${ZONE}$`,
)
const MONTHS = ['jan', 'feb', 'mar', 'apr', 'may', 'jun', 'jul', 'aug', 'sep', 'oct', 'nov', 'dec']
/** From which size on an epoch counts the next finer unit: what is smaller than the year 5138 in seconds is seconds, and so on. */
const EPOCH_UNITS: readonly (readonly [below: number, digitsToNanos: number])[] = [
  [1e11, 9],
  [1e14, 6],
  [1e17, 3],
]

/**
 * A time in an hour that the clock repeats is the first of the two, unless the sensor's row before already stood there or later: files run
 * forwards. One in an hour that the clock skips is read with the offset from before the change. Both are the same at every run.
 */
export function timeReader({ zone, dateOrder }: TimeRules): TimeReader {
  const seen = { withoutZone: 0, gap: 0, overlap: 0 }
  const lastMs = new Map<string, number>()
  const local = (wall: Instant, sensor: string): Instant => {
    seen.withoutZone++
    const choice = utcOfLocal(zone, wall.ms)
    if (choice.kind === 'gap') seen.gap++
    if (choice.kind === 'overlap') seen.overlap++
    const last = lastMs.get(sensor) ?? Number.NEGATIVE_INFINITY
    const repeated = choice.kind === 'overlap' && last >= choice.utcMs && last - choice.utcMs < TWO_HOURS_MS
    const ms = repeated ? choice.laterMs : choice.utcMs
    if (lastMs.size >= SENSORS_MAX) lastMs.clear()
    lastMs.set(sensor, ms)
    return { ms, ns: wall.ns }
  }
  return {
    seen,
    read: (given, sensor) => {
      const text = given.trim()
      if (EPOCH.test(text) && !COMPACT_DAY.test(text)) return ofEpoch(text)
      const parts = partsOf(text, dateOrder)
      if ('reason' in parts) return parts
      const wall = parseInstant(`${parts.date}T${parts.time}Z`)
      if ('reason' in wall) return wall
      if (parts.zone === undefined) return local(wall, sensor)
      return { ms: wall.ms - zoneMs(parts.zone), ns: wall.ns }
    },
  }
}

function ofEpoch(text: string): Instant | { readonly reason: string } {
  const [whole = '', fraction = ''] = text.split('.')
  const size = Math.abs(Number(whole))
  const digits = EPOCH_UNITS.find(([below]) => size < below)?.[1] ?? 0
  if (fraction.length > digits) return { reason: `${text} is finer than a nanosecond` }
  const instant = fromNanos(BigInt(whole + fraction.padEnd(digits, '0')))
  return inRange(instant) ? instant : { reason: `${text} is outside of the years 1678 to 2261` }
}

function partsOf(text: string, order: DateOrder | undefined): Parts | { readonly reason: string } {
  if (COMPACT_DAY.test(text)) {
    return { date: `${text.slice(0, 4)}-${text.slice(4, 6)}-${text.slice(6)}`, time: '00:00:00', zone: undefined }
  }
  const first = YEAR_FIRST.exec(text)
  if (first !== null) return parts([first[1], first[3], first[4]], first.slice(5))
  const last = YEAR_LAST.exec(text)
  if (last !== null) return yearLast(text, last, order)
  const named = NAMED.exec(text)
  const month = MONTHS.indexOf((named?.[1] ?? named?.[4] ?? '').slice(0, 3).toLowerCase()) + 1
  if (named !== null && month > 0) return parts([named[5], String(month), named[2] ?? named[3]], named.slice(6))
  return {
    reason: `${JSON.stringify(text.slice(0, 60))} is no time that can be read: 2021-03-04 05:06:07 can, for one`,
  }
}

function yearLast(
  text: string,
  match: RegExpExecArray,
  order: DateOrder | undefined,
): Parts | { readonly reason: string } {
  const [, a = '', separator, b = '', year] = match
  // 4.3.2021 is written where the day comes first; with / and - both orders are.
  const decided = separator === '.' ? 'dmy' : order
  if (decided === undefined)
    return { reason: `${JSON.stringify(text)} may be month or day first: say --date-order mdy or dmy` }
  return parts(decided === 'dmy' ? [year, b, a] : [year, a, b], match.slice(5))
}

function parts(date: readonly (string | undefined)[], clock: readonly (string | undefined)[]): Parts {
  const [year = '', month = '', day = ''] = date
  const [hour = '0', minute = '00', second = '00', fraction, half, zone] = clock
  const time = `${hour24(hour, half)}:${minute}:${second}${fraction === undefined ? '' : `.${fraction}`}`
  return { date: `${year}-${month.padStart(2, '0')}-${day.padStart(2, '0')}`, time, zone }
}

/** 12 am is midnight, 12 pm noon; 13 pm is left to be refused. */
function hour24(hour: string, half: string | undefined): string {
  if (half === undefined) return hour.padStart(2, '0')
  const inHalf = Number(hour)
  if (inHalf < 1 || inHalf > 12) return '99'
  return String((inHalf % 12) + (half.toLowerCase() === 'p' ? 12 : 0)).padStart(2, '0')
}

function zoneMs(zone: string): number {
  const match = /^([+-])(\d{2}):?(\d{2})?$/.exec(zone)
  if (match === null) return 0
  return (Number(match[2]) * 60 + Number(match[3] ?? 0)) * 60_000 * (match[1] === '-' ? -1 : 1)
}
