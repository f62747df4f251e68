/** What a door answers, for every way a request can end, in the words of its own clients and in those of InfluxDB's. */

import { codeOf } from '../core/errors.ts'
import type { Rejection } from './door-codes.ts'

export interface Answer {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  /** Empty for 204. */
  readonly body: string
}

export interface Counts {
  readonly accepted: number
  readonly duplicates: number
  readonly rejected: readonly Rejection[]
}

/** A request that failed as a whole. */
export interface Failure {
  readonly status: 400 | 401 | 403 | 404 | 413 | 415 | 422 | 500 | 503
  readonly code: string
  readonly reason: string
  readonly retryAfterS?: number
}

/** Which words the client understands: ours, or InfluxDB's. */
export type Dialect = 'tidemark' | 'influxdb'

const JSON_TYPE = { 'Content-Type': 'application/json' } as const
const JOURNAL_FULL_RETRY_S = 10
const INFLUXDB_CODES: Readonly<Record<Failure['status'], string>> = {
  400: 'invalid',
  401: 'unauthorized',
  403: 'forbidden',
  404: 'not found',
  413: 'request too large',
  415: 'invalid',
  422: 'unprocessable entity',
  500: 'internal error',
  503: 'unavailable',
}

export function jsonAnswer(status: number, body: unknown, headers: Readonly<Record<string, string>> = {}): Answer {
  return { status, headers: { ...JSON_TYPE, ...headers }, body: JSON.stringify(body) }
}

/** 200, or 422 when there were readings and all were refused. */
export function readingsAnswer(counts: Counts): Answer {
  const allRefused = counts.rejected.length > 0 && counts.accepted + counts.duplicates === 0
  return jsonAnswer(allRefused ? 422 : 200, counts)
}

/** 204, or InfluxDB's error for a partial write, which its clients take as "do not send this again". */
export function writeAnswer({ accepted, duplicates, rejected }: Counts): Answer {
  const counted = { 'X-Tidemark-Accepted': String(accepted), 'X-Tidemark-Duplicates': String(duplicates) }
  const [first] = rejected
  if (first === undefined) return { status: 204, headers: counted, body: '' }
  const named = rejected.slice(0, 10).map(({ index, reason }) => `line ${index}: ${reason}`)
  const more = rejected.length > named.length ? [`and ${rejected.length - named.length} more`] : []
  const taken = accepted + duplicates
  const message = `partial write: ${taken} accepted, dropped=${rejected.length}: ${[...named, ...more].join('; ')}`
  const lines = rejected.map(({ index, code, reason }) => ({ line: index, code, reason }))
  const body = { code: 'invalid', message, error: message, line: first.index, accepted, duplicates, rejected: lines }
  return jsonAnswer(400, body, counted)
}

export function failureAnswer(failure: Failure, dialect: Dialect): Answer {
  const { status, code, reason, retryAfterS } = failure
  const headers = {
    ...(retryAfterS === undefined ? {} : { 'Retry-After': String(retryAfterS) }),
    ...(status === 401 ? { 'WWW-Authenticate': 'Bearer realm="tidemark"' } : {}),
  }
  // `error` is what clients of InfluxDB 1 look for.
  const influx = { code: INFLUXDB_CODES[status], message: `${code}: ${reason}`, error: `${code}: ${reason}` }
  return jsonAnswer(status, dialect === 'influxdb' ? influx : { code, reason }, headers)
}

/** What a failed append means to the sender. A full journal promises room; a poisoned one promises nothing. */
export function appendFailure(error: unknown): Failure {
  const code = codeOf(error)
  const reason = error instanceof Error ? error.message : String(error)
  if (code === 'journal-full') return { status: 503, code, reason, retryAfterS: JOURNAL_FULL_RETRY_S }
  if (code === 'journal-poisoned') return { status: 503, code, reason }
  if (code === 'reading-too-large') return { status: 413, code, reason }
  return { status: 500, code: code ?? 'bug', reason: 'the gateway failed inside; its log says how' }
}
