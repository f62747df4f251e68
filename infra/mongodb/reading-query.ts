/** A filter of readings as a query: whole milliseconds for the server, the nanoseconds below them here. */

import type { Document } from 'mongodb'
import type { Instant } from '../../schemas/reading.ts'
import { compareInstants } from '../../schemas/time.ts'
import type { ReadingFilter } from '../../services/ports/reading-store.ts'

/** What a `Date` can hold. */
const DATE_MS_MAX = 8.64e15

export function queryOf({ gateway, type, sensor, from, to }: ReadingFilter): Document {
  const time = {
    ...(from === undefined ? {} : { $gte: dateOf(from) }),
    ...(to === undefined ? {} : { $lte: dateOf(to) }),
  }
  return {
    ...(gateway === undefined ? {} : { gateway }),
    ...(type === undefined ? {} : { type }),
    ...(sensor === undefined ? {} : { sensor }),
    ...(from === undefined && to === undefined ? {} : { time }),
  }
}

export function isWithin(instant: Instant, { from, to }: ReadingFilter): boolean {
  return (
    (from === undefined || compareInstants(instant, from) >= 0) &&
    (to === undefined || compareInstants(instant, to) < 0)
  )
}

function dateOf({ ms }: Instant): Date {
  return new Date(Math.min(Math.max(ms, -DATE_MS_MAX), DATE_MS_MAX))
}
