/** Instants to text and back: nanosecond UTC time by calendar arithmetic alone, so that it needs no clock and no `Date`. */

import { TidemarkError } from '../services/core/errors.ts'
import type { Instant } from './reading.ts'

const DAY_MS = 86_400_000
const NS_PER_MS = 1_000_000
/** Whole years inside what int64 nanoseconds can hold, so that a bump by some nanoseconds still fits. */
const YEAR_MIN = 1678
const YEAR_MAX = 2261
const MS_MIN = daysFromCivil(YEAR_MIN, 1, 1) * DAY_MS
const MS_MAX = daysFromCivil(YEAR_MAX + 1, 1, 1) * DAY_MS - 1

const ZONE = /(?:[Zz]|[+-]\d{2}:\d{2})$/
const RFC3339 = /^(\d{4})-(\d{2})-(\d{2})[Tt ](\d{2}):(\d{2}):(\d{2})(?:\.(\d+))?(?:[Zz]|([+-])(\d{2}):(\d{2}))$/
const WITHOUT_ZONE = /^\d{4}-\d{2}-\d{2}(?:[Tt ]\d{2}:\d{2}(?::\d{2}(?:\.\d+)?)?)?$/

/** RFC 3339 with a zone and at most nine decimals, or an integer of nanoseconds since 1970. What it can't take it answers with a reason. */
export function parseInstant(text: string): Instant | { readonly reason: string } {
  if (/^[+-]?\d+$/.test(text)) return parseNanos(text)
  const match = RFC3339.exec(text)
  if (match === null) return { reason: whyNot(text) }
  const [year, month, day, hour, minute, second] = match.slice(1, 7).map(Number) as [
    number,
    number,
    number,
    number,
    number,
    number,
  ]
  const fraction = match[7] ?? ''
  if (fraction.length > 9)
    return { reason: `has ${fraction.length} decimals of a second; nine (nanoseconds) are the most` }
  if (month < 1 || month > 12 || day < 1 || day > daysInMonth(year, month)) {
    return { reason: `${match[1]}-${match[2]}-${match[3]} is not a date of the calendar` }
  }
  if (second === 60) return { reason: 'a leap second (60) has no instant of its own: send 59 or the next 00' }
  if (hour > 23 || minute > 59 || second > 59) {
    return { reason: `${match[4]}:${match[5]}:${match[6]} is not a time of day` }
  }
  const zone = zoneMinutes(match[8], match[9], match[10])
  if (zone === undefined) return { reason: `zone ${match[8]}${match[9]}:${match[10]} is not one` }
  const nanos = Number(fraction.padEnd(9, '0'))
  const seconds = daysFromCivil(year, month, day) * 86_400 + hour * 3600 + (minute - zone) * 60 + second
  return checked({ ms: seconds * 1000 + Math.floor(nanos / NS_PER_MS), ns: nanos % NS_PER_MS }, text)
}

/** RFC 3339 in UTC: seconds, then as many decimals (at most nine) as are not trailing zeros. */
export function formatInstant(instant: Instant): string {
  const days = Math.floor(instant.ms / DAY_MS)
  const inDay = instant.ms - days * DAY_MS
  const two = (n: number): string => String(n).padStart(2, '0')
  const seconds = Math.floor(inDay / 1000)
  const nanos = (inDay % 1000) * NS_PER_MS + instant.ns
  const decimals = nanos === 0 ? '' : `.${String(nanos).padStart(9, '0').replace(/0+$/, '')}`
  const clock = `${two(Math.floor(seconds / 3600))}:${two(Math.floor(seconds / 60) % 60)}:${two(seconds % 60)}`
  return `${dayOf(instant.ms)}T${clock}${decimals}Z`
}

/** Nanoseconds since 1970. */
export function toNanos(instant: Instant): bigint {
  return BigInt(instant.ms) * 1_000_000n + BigInt(instant.ns)
}

export function fromNanos(nanos: bigint): Instant {
  const ns = ((nanos % 1_000_000n) + 1_000_000n) % 1_000_000n
  return { ms: Number((nanos - ns) / 1_000_000n), ns: Number(ns) }
}

/** `nanos` is a safe integer, negative too. */
export function addNanos(instant: Instant, nanos: number): Instant {
  const sum = instant.ns + (nanos % NS_PER_MS)
  const carry = Math.floor(sum / NS_PER_MS)
  return { ms: instant.ms + Math.trunc(nanos / NS_PER_MS) + carry, ns: sum - carry * NS_PER_MS }
}

export function subtractNanos(instant: Instant, nanos: number): Instant {
  return addNanos(instant, -nanos)
}

/** Negative, 0 or positive, as a sort wants it. */
export function compareInstants(a: Instant, b: Instant): number {
  return a.ms - b.ms || a.ns - b.ns
}

/** The UTC day, YYYY-MM-DD. */
export function dayOf(ms: number): string {
  const { year, month, day } = civilFromDays(Math.floor(ms / DAY_MS))
  return `${String(year).padStart(4, '0')}-${String(month).padStart(2, '0')}-${String(day).padStart(2, '0')}`
}

export function isDay(text: string): boolean {
  return /^\d{4}-\d{2}-\d{2}$/.test(text) && dayOf(dayToMs(text)) === text
}

/** When the UTC day began, in ms since 1970. Throws `bug` for what is no day: check text from outside with `isDay`. */
export function dayStartMs(day: string): number {
  if (!isDay(day)) throw new TidemarkError('bug', `${JSON.stringify(day)} is not a day YYYY-MM-DD`)
  return dayToMs(day)
}

/** Whole numbers, inside the years 1678…2261. */
export function inRange(instant: Instant): boolean {
  const { ms, ns } = instant
  return Number.isInteger(ms) && ms >= MS_MIN && ms <= MS_MAX && Number.isInteger(ns) && ns >= 0 && ns < NS_PER_MS
}

function dayToMs(day: string): number {
  return daysFromCivil(Number(day.slice(0, 4)), Number(day.slice(5, 7)), Number(day.slice(8, 10))) * DAY_MS
}

function parseNanos(text: string): Instant | { readonly reason: string } {
  const digits = text.replace(/^[+-]?0*/, '').length
  return digits > 19 ? outOfRange(text) : checked(fromNanos(BigInt(text.replace(/^\+/, ''))), text)
}

function checked(instant: Instant, text: string): Instant | { readonly reason: string } {
  return inRange(instant) ? instant : outOfRange(text)
}

function outOfRange(text: string): { readonly reason: string } {
  return { reason: `${shown(text)} is outside of the years ${YEAR_MIN} to ${YEAR_MAX}` }
}

function whyNot(text: string): string {
  if (WITHOUT_ZONE.test(text)) return `${shown(text)} has no zone: add Z or an offset such as +02:00`
  if (!ZONE.test(text) && /^\d+\.\d+$/.test(text)) return `${shown(text)} is not a whole number of nanoseconds`
  return `${shown(text)} is neither RFC 3339 (2024-05-31T12:00:00.123456789Z) nor an integer of nanoseconds`
}

function shown(text: string): string {
  return JSON.stringify(text.length > 60 ? `${text.slice(0, 60)}…` : text)
}

/** Minutes east of UTC; undefined when there is no such offset. */
function zoneMinutes(sign = '+', hours = '0', minutes = '0'): number | undefined {
  if (Number(hours) > 23 || Number(minutes) > 59) return undefined
  return (Number(hours) * 60 + Number(minutes)) * (sign === '-' ? -1 : 1)
}

function daysInMonth(year: number, month: number): number {
  if (month === 2) return year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0) ? 29 : 28
  return month === 4 || month === 6 || month === 9 || month === 11 ? 30 : 31
}

/** Days since 1970 of a date in the Gregorian calendar (Howard Hinnant, `days_from_civil`): years begin in March, so that the leap day is the last. */
function daysFromCivil(year: number, month: number, day: number): number {
  const y = month <= 2 ? year - 1 : year
  const era = Math.floor(y / 400)
  const yearOfEra = y - era * 400
  const dayOfYear = Math.floor((153 * (month + (month > 2 ? -3 : 9)) + 2) / 5) + day - 1
  return era * 146_097 + yearOfEra * 365 + Math.floor(yearOfEra / 4) - Math.floor(yearOfEra / 100) + dayOfYear - 719_468
}

function civilFromDays(days: number): { readonly year: number; readonly month: number; readonly day: number } {
  const z = days + 719_468
  const era = Math.floor(z / 146_097)
  const doe = z - era * 146_097
  const yoe = Math.floor((doe - Math.floor(doe / 1460) + Math.floor(doe / 36_524) - Math.floor(doe / 146_096)) / 365)
  const doy = doe - (365 * yoe + Math.floor(yoe / 4) - Math.floor(yoe / 100))
  const mp = Math.floor((5 * doy + 2) / 153)
  const month = mp < 10 ? mp + 3 : mp - 9
  return { year: yoe + era * 400 + (month <= 2 ? 1 : 0), month, day: doy - Math.floor((153 * mp + 2) / 5) + 1 }
}
