/** Talks HTTP to one bucket of InfluxDB 2: writes lines, asks Flux, and says in the store's words what went wrong. */

import { promisify } from 'node:util'
import { constants, gzip } from 'node:zlib'
import { TidemarkError } from '../../services/core/errors.ts'
import { LinkedAbort } from './linked-abort.ts'

export interface InfluxdbAccess {
  /** A path is kept, for servers behind a proxy. */
  readonly url: string
  /** May read and write the bucket. */
  readonly token: string
  readonly org: string
  readonly bucket: string
  /** Whether lines are packed; unless it is said, where the server is on another machine. */
  readonly gzip?: boolean
}

/** As a whole, or `dropped` of the lines and the others written; without the number it is not known which. */
export interface Refusal {
  readonly reason: string
  readonly dropped?: number
}

/** What became of the lines of one write. */
export type WriteAnswer = 'landed' | Refusal

interface Answer {
  readonly status: number
  readonly contentType: string | null
  readonly retryAfter: string | null
  /** `undefined` when there was more of it than is taken. */
  readonly text: string | undefined
}

const WRITE_TIMEOUT_MS = 30_000
const QUERY_TIMEOUT_MS = 120_000
/** One answer of a query; past it the asker has to ask for less. */
const ANSWER_BYTES_MAX = 67_108_864
const REASON_CHARS_MAX = 300
const AWAY = 'check INFLUXDB_URL, and that it runs'
const THIS_MACHINE = /^(localhost|127\.[\d.]+|\[::1\])$/

const gzipped = promisify(gzip)

export class InfluxdbClient {
  readonly bucket: string
  readonly org: string
  readonly #token: string
  readonly #place: string
  readonly #packs: boolean
  readonly #closing = new AbortController()

  constructor(access: InfluxdbAccess) {
    this.#token = access.token
    this.bucket = access.bucket
    this.org = access.org
    this.#place = placeOf(access.url)
    this.#packs = access.gzip ?? !THIS_MACHINE.test(new URL(access.url).hostname)
  }

  /** Rejects with `store-unavailable` or `store-misconfigured`, and then says nothing about any of the lines. */
  async write(lines: string | Uint8Array, signal: AbortSignal): Promise<WriteAnswer> {
    const packing = this.#packs ? { 'content-encoding': 'gzip' } : {}
    const headers = { 'content-type': 'text/plain; charset=utf-8', ...packing }
    const body = this.#packs ? await gzipped(lines, { level: constants.Z_BEST_SPEED }) : lines
    const path = `/api/v2/write?${new URLSearchParams({ org: this.org, bucket: this.bucket, precision: 'ns' })}`
    const answer = await this.#ask(path, { method: 'POST', headers, body }, WRITE_TIMEOUT_MS, signal)
    if (answer.status === 204) return 'landed'
    const message = messageIn(answer.text)
    // A shard that retention is just taking away: soon there is another answer.
    if (message.includes('pending deletion')) throw this.#unavailable(answer, message)
    if (answer.status === 400 || answer.status === 413 || answer.status === 422) return refusal(message)
    throw this.#failure(answer, message)
  }

  /** Annotated CSV, whole. `undefined` when it is larger than is taken at once. */
  async query(flux: string, signal: AbortSignal): Promise<string | undefined> {
    const headers = { 'content-type': 'application/json', accept: 'application/csv', 'accept-encoding': 'identity' }
    const body = JSON.stringify({ query: flux, type: 'flux', dialect: { header: true, annotations: ['datatype'] } })
    const path = `/api/v2/query?${new URLSearchParams({ org: this.org })}`
    const answer = await this.#ask(path, { method: 'POST', headers, body }, QUERY_TIMEOUT_MS, signal)
    // A page of something in between, taken for an empty answer, would make a full bucket look empty.
    if (answer.status === 200 && answer.contentType?.includes('csv') === true) return answer.text
    throw this.#failure(answer, messageIn(answer.text))
  }

  /** JSON, whole. */
  async get(path: string, parameters: Readonly<Record<string, string>>, signal: AbortSignal): Promise<unknown> {
    const request = { method: 'GET', headers: {} }
    const answer = await this.#ask(`${path}?${new URLSearchParams(parameters)}`, request, QUERY_TIMEOUT_MS, signal)
    if (answer.status !== 200) throw this.#failure(answer, messageIn(answer.text))
    return jsonIn(answer.text)
  }

  /** What waits for an answer rejects with `closed`. */
  close(): void {
    this.#closing.abort(new TidemarkError('closed', `the store at ${this.#place}`))
  }

  async #ask(path: string, request: RequestInit, timeoutMs: number, signal: AbortSignal): Promise<Answer> {
    using stop = new LinkedAbort(signal, this.#closing.signal)
    const timeout = new TidemarkError(
      'store-unavailable',
      `InfluxDB at ${this.#place}: nothing in ${timeoutMs / 1000} s; ${AWAY}`,
    )
    const timer = setTimeout(() => stop.abort(timeout), timeoutMs)
    try {
      const headers = { ...request.headers, authorization: `Token ${this.#token}` }
      const response = await fetch(this.#place + path, { ...request, headers, redirect: 'manual', signal: stop.signal })
      const { status, headers: answered } = response
      const [contentType, retryAfter] = [answered.get('content-type'), answered.get('retry-after')]
      return { status, contentType, retryAfter, text: await textOf(response) }
    } catch (error) {
      stop.signal.throwIfAborted()
      throw new TidemarkError('store-unavailable', `InfluxDB at ${this.#place}: ${causeOf(error)}; ${AWAY}`, {}, error)
    } finally {
      clearTimeout(timer)
    }
  }

  #failure(answer: Answer, message: string): TidemarkError {
    const fix = this.#fix(answer)
    if (fix === undefined) return this.#unavailable(answer, message)
    const detail = `InfluxDB at ${this.#place} answers ${answer.status} (${shortened(message)}): ${fix}`
    return new TidemarkError('store-misconfigured', detail, { status: answer.status })
  }

  #unavailable({ status, retryAfter }: Answer, message: string): TidemarkError {
    const facts = retryAfter === null ? { status } : { status, retryAfter }
    return new TidemarkError(
      'store-unavailable',
      `InfluxDB at ${this.#place} answers ${status} (${shortened(message)})`,
      facts,
    )
  }

  #fix({ status, text }: Answer): string | undefined {
    const { bucket, org } = this
    if (status === 401) return 'check INFLUXDB_TOKEN'
    if (status === 403) return `give the token of INFLUXDB_TOKEN read and write access to bucket ${bucket}`
    // To a query an organisation that is not there is a wrong request.
    if (status !== 404 && status !== 400) return undefined
    if (text?.startsWith('{') !== true) return 'check INFLUXDB_URL'
    return `check INFLUXDB_BUCKET (${bucket}), INFLUXDB_ORG (${org}), and that INFLUXDB_TOKEN may read and write there`
  }
}

async function textOf(response: Response): Promise<string | undefined> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  for await (const chunk of response.body ?? []) {
    bytes += chunk.length
    if (bytes > ANSWER_BYTES_MAX) return undefined
    chunks.push(chunk)
  }
  return Buffer.concat(chunks).toString()
}

/** Without credentials, query and the slash at its end. */
function placeOf(url: string): string {
  const { protocol, host, pathname } = new URL(url)
  return `${protocol}//${host}${pathname.replace(/\/+$/, '')}`
}

/** A partial write ends with how many it dropped, and of which database where retention dropped them. */
const DROPPED = / dropped=(\d+)(?: for database: \S* for retention policy: \S*)?$/

/** Of a message that InfluxDB refuses lines with. */
export function refusal(message: string): Refusal {
  const dropped = DROPPED.exec(message)?.[1]
  // Before the reason stand words that are always the same, or the whole line.
  const reason = shortened(message.replace(/^.*(?:partial write|unable to parse '.*'): /s, '').replace(DROPPED, ''))
  return dropped === undefined ? { reason } : { reason, dropped: Number(dropped) }
}

/** InfluxDB's errors are `{code, message}`; a proxy before it may say anything. */
function messageIn(text = ''): string {
  const { message } = (jsonIn(text) ?? {}) as { readonly message?: unknown }
  return (typeof message === 'string' ? message : text).trim()
}

/** `undefined` for what is none. */
function jsonIn(text = ''): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

function shortened(text: string): string {
  return text.length > REASON_CHARS_MAX ? `${text.slice(0, REASON_CHARS_MAX)}…` : text
}

/** `fetch failed` says nothing; the reason is beneath. */
function causeOf(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  if (!(cause instanceof Error)) return String(cause)
  return 'code' in cause && typeof cause.code === 'string' ? `${cause.message} (${cause.code})` : cause.message
}
