/** Local time to UTC by the rules of an IANA zone, decided the same way every time also where a clock change makes it ambiguous. */

import { dayStartMs } from '../../schemas/time.ts'
import { TidemarkError } from '../core/errors.ts'

export interface Zone {
  readonly name: string
  /** What to add to UTC for the wall clock of this zone. */
  offsetMs(utcMs: number): number
}

export interface LocalChoice {
  readonly utcMs: number
  /** `gap`: the clock skipped this time; it is read with the offset from before. `overlap`: it came twice; `laterMs` is the second one. */
  readonly kind: 'plain' | 'gap' | 'overlap'
  readonly laterMs: number
}

const DAY_MS = 86_400_000
/** Zones change their offset on such steps of UTC, so that one answer serves all of a step. */
const STEP_MS = 900_000
const REMEMBERED_MAX = 100_000

/** `UTC`, `Z`, `+02:00` or an IANA name. Throws `usage-wrong` for anything else. */
export function zoneNamed(name: string): Zone {
  if (/^(z|utc|gmt)$/i.test(name)) return { name: 'UTC', offsetMs: () => 0 }
  const fixed = /^([+-])(\d{2}):?(\d{2})$/.exec(name)
  if (fixed !== null) {
    const ms = (Number(fixed[2]) * 60 + Number(fixed[3])) * 60_000 * (fixed[1] === '-' ? -1 : 1)
    return { name, offsetMs: () => ms }
  }
  const format = formatFor(name)
  const known = new Map<number, number>()
  return {
    name,
    offsetMs: (utcMs) => {
      const step = Math.floor(utcMs / STEP_MS)
      const held = known.get(step)
      if (held !== undefined) return held
      if (known.size >= REMEMBERED_MAX) known.clear()
      const offset = offsetAt(format, step * STEP_MS)
      known.set(step, offset)
      return offset
    },
  }
}

/** `localMs` is the wall clock read as if it were UTC. */
export function utcOfLocal(zone: Zone, localMs: number): LocalChoice {
  const before = zone.offsetMs(localMs - DAY_MS)
  const after = zone.offsetMs(localMs + DAY_MS)
  const early = localMs - before
  if (before === after) return { utcMs: early, kind: 'plain', laterMs: early }
  const late = localMs - after
  const earlyHolds = zone.offsetMs(early) === before
  const lateHolds = zone.offsetMs(late) === after
  if (earlyHolds && lateHolds) return { utcMs: Math.min(early, late), kind: 'overlap', laterMs: Math.max(early, late) }
  if (!earlyHolds && !lateHolds) return { utcMs: early, kind: 'gap', laterMs: early }
  const utcMs = earlyHolds ? early : late
  return { utcMs, kind: 'plain', laterMs: utcMs }
}

function formatFor(timeZone: string): Intl.DateTimeFormat {
  try {
    return new Intl.DateTimeFormat('en-US', {
      timeZone,
      hourCycle: 'h23',
      year: 'numeric',
      month: '2-digit',
      day: '2-digit',
      hour: '2-digit',
      minute: '2-digit',
      second: '2-digit',
    })
  } catch (error) {
    const expected = 'expected a time zone such as Europe/Berlin, UTC or +02:00'
    throw new TidemarkError('usage-wrong', `${expected}, came ${JSON.stringify(timeZone)}`, {}, error)
  }
}

function offsetAt(format: Intl.DateTimeFormat, utcMs: number): number {
  const part = new Map(format.formatToParts(utcMs).map(({ type, value }) => [type, value]))
  const of = (type: Intl.DateTimeFormatPartTypes): string => part.get(type) ?? '0'
  const day = dayStartMs(`${of('year').padStart(4, '0')}-${of('month')}-${of('day')}`)
  return day + Number(of('hour')) * 3_600_000 + Number(of('minute')) * 60_000 + Number(of('second')) * 1_000 - utcMs
}
