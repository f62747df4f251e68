/** HTTP to one InfluxDB of a mirror: answers as streams, packed both ways, paced, with every byte counted. */

import { type ClientRequest, Agent as HttpAgent, request as httpRequest, type IncomingMessage } from 'node:http'
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https'
import type { Socket } from 'node:net'
import { pipeline } from 'node:stream/promises'
import { promisify } from 'node:util'
import { constants, createGunzip, gzip } from 'node:zlib'
import { TidemarkError } from '../../services/core/errors.ts'
import type { Clock } from '../../services/ports/clock.ts'
import { LinkedAbort } from './linked-abort.ts'

export interface HttpSide {
  /** For people: whose settings are to be looked at. */
  readonly settings: string
  readonly url: string
  readonly token: string
  /** Of this end in both directions, at most; as fast as it goes where it is absent. */
  readonly bytesPerS?: number | undefined
  readonly clock: Clock
}

export interface HttpAsk {
  readonly method: 'GET' | 'POST'
  readonly path: string
  readonly headers?: Readonly<Record<string, string>>
  readonly body?: string
  /** Whether the body is packed; not every request of InfluxDB may be. */
  readonly packs?: boolean
}

export interface HttpAnswer {
  readonly status: number
  readonly contentType: string
  /** Unpacked. Throws `store-unavailable` where it breaks off. */
  chunks(): AsyncIterable<Uint8Array>
}

/** Without a byte for so long, the server is away: a query may think for long before its first one. */
const SILENCE_MS = 60_000
/** Whole pieces of an answer are looked for in so much at once. */
const UNPACKED_BYTES = 262_144
const ERROR_CHARS_MAX = 300
const gzipped = promisify(gzip)

export class MirrorHttp {
  readonly #side: HttpSide
  readonly #place: URL
  readonly #agent: HttpAgent
  readonly #closing = new AbortController()
  readonly #pace: Pace
  #received = 0
  #sent = 0

  constructor(side: HttpSide) {
    this.#side = side
    this.#place = new URL(`${side.url.replace(/\/+$/, '')}/`)
    this.#agent = new (this.#place.protocol === 'https:' ? HttpsAgent : HttpAgent)({ keepAlive: true, maxSockets: 4 })
    this.#pace = new Pace(side.bytesPerS, side.clock)
  }

  get moved(): { readonly received: number; readonly sent: number } {
    return { received: this.#received, sent: this.#sent }
  }

  /** For people, without credentials. */
  get place(): string {
    return `${this.#place.protocol}//${this.#place.host}${this.#place.pathname.replace(/\/+$/, '')}`
  }

  /** What `use` makes of the answer. Rejects with `store-unavailable`, or with what `use` throws. */
  async ask<T>(asked: HttpAsk, signal: AbortSignal, use: (answer: HttpAnswer) => Promise<T>): Promise<T> {
    for await (const value of this.stream(asked, signal, async function* (answer) {
      yield await use(answer)
    })) {
      return value
    }
    throw new TidemarkError('bug', 'an answer that was used came to nothing')
  }

  /** What `use` makes of the answer, piece by piece: the server waits while nobody takes the next one. */
  async *stream<T>(
    asked: HttpAsk,
    signal: AbortSignal,
    use: (answer: HttpAnswer) => AsyncIterable<T>,
  ): AsyncGenerator<T> {
    using stop = new LinkedAbort(signal, this.#closing.signal)
    const body = await bodyOf(asked)
    await this.#pace.wait(body?.length ?? 0, stop.signal)
    let response: IncomingMessage | undefined
    try {
      response = await this.#respond(asked, body, stop.signal)
      const { statusCode = 0, headers } = response
      const chunks = (): AsyncIterable<Uint8Array> => this.#unpacked(response as IncomingMessage, stop.signal)
      yield* use({ status: statusCode, contentType: headers['content-type'] ?? '', chunks })
    } catch (error) {
      stop.signal.throwIfAborted()
      throw error instanceof TidemarkError ? error : this.unavailable(causeOf(error), error)
    } finally {
      response?.destroy()
    }
  }

  unavailable(why: string, cause?: unknown): TidemarkError {
    const detail = `InfluxDB at ${this.place}: ${why}; check ${this.#side.settings}_URL, and that it runs`
    return new TidemarkError('store-unavailable', detail, {}, cause)
  }

  close(): void {
    this.#closing.abort(new TidemarkError('closed', `the InfluxDB at ${this.place}`))
    this.#agent.destroy()
  }

  #respond(
    { method, path, headers, packs }: HttpAsk,
    body: Uint8Array | undefined,
    signal: AbortSignal,
  ): Promise<IncomingMessage> {
    const url = new URL(path.replace(/^\//, ''), this.#place)
    const length = body === undefined ? {} : { 'content-length': String(body.length) }
    const packing = packs === true ? { 'content-encoding': 'gzip' } : {}
    const authorization = `Token ${this.#side.token}`
    const all = { ...headers, ...length, ...packing, 'accept-encoding': 'gzip', authorization }
    const send = this.#place.protocol === 'https:' ? httpsRequest : httpRequest
    return new Promise((resolve, reject) => {
      const request = send(url, { method, headers: all, agent: this.#agent, signal }, resolve)
      request.setTimeout(SILENCE_MS, () => request.destroy(this.unavailable(`nothing in ${SILENCE_MS / 1000} s`)))
      request.on('error', reject)
      request.once('socket', (socket) => this.#count(request, socket))
      request.end(body)
    })
  }

  /** Heads and all: a socket has one request at a time. */
  #count(request: ClientRequest, socket: Socket): void {
    const { bytesRead, bytesWritten } = socket
    request.once('close', () => {
      this.#received += socket.bytesRead - bytesRead
      this.#sent += socket.bytesWritten - bytesWritten
    })
  }

  async *#unpacked(response: IncomingMessage, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    const counted = this.#counted(response, signal)
    if (response.headers['content-encoding'] !== 'gzip') {
      yield* counted
      return
    }
    const unpacking = createGunzip({ chunkSize: UNPACKED_BYTES })
    // A failure of one ends the other; who reads is told of it.
    const feeding = pipeline(counted, unpacking).catch(() => undefined)
    try {
      yield* unpacking
    } finally {
      unpacking.destroy()
      response.destroy()
      await feeding
    }
  }

  async *#counted(response: IncomingMessage, signal: AbortSignal): AsyncGenerator<Uint8Array> {
    for await (const chunk of response as AsyncIterable<Uint8Array>) {
      await this.#pace.wait(chunk.length, signal)
      yield chunk
    }
    if (!response.complete) throw this.unavailable('the answer broke off')
  }
}

/** Lets so many bytes a second through; what nobody used is not saved up. */
class Pace {
  readonly #bytesPerS: number | undefined
  readonly #clock: Clock
  #freeAtMs = 0

  constructor(bytesPerS: number | undefined, clock: Clock) {
    this.#bytesPerS = bytesPerS
    this.#clock = clock
  }

  async wait(bytes: number, signal: AbortSignal): Promise<void> {
    if (this.#bytesPerS === undefined || bytes === 0) return
    const nowMs = this.#clock.monotonicMs()
    this.#freeAtMs = Math.max(this.#freeAtMs, nowMs) + (bytes / this.#bytesPerS) * 1000
    if (this.#freeAtMs > nowMs) await this.#clock.sleep(this.#freeAtMs - nowMs, signal)
  }
}

async function bodyOf({ body, packs }: HttpAsk): Promise<Uint8Array | undefined> {
  if (body === undefined || packs !== true) return body === undefined ? undefined : Buffer.from(body)
  return await gzipped(body, { level: constants.Z_BEST_SPEED })
}

export async function textOf({ chunks }: HttpAnswer): Promise<string> {
  const all: Uint8Array[] = []
  for await (const chunk of chunks()) all.push(chunk)
  return Buffer.concat(all).toString()
}

/** InfluxDB's errors are `{code, message}`; a proxy before it may say anything. */
export function messageIn(text: string): string {
  const message = jsonIn(text)?.message
  const words = (typeof message === 'string' ? message : text).trim()
  return words.length > ERROR_CHARS_MAX ? `${words.slice(0, ERROR_CHARS_MAX)}…` : words
}

/** `undefined` for what is none. */
export function jsonIn(text: string): { readonly [key: string]: unknown } | undefined {
  try {
    const found: unknown = JSON.parse(text)
    return typeof found === 'object' && found !== null ? { ...found } : undefined
  } catch {
    return undefined
  }
}

function causeOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return 'code' in error && typeof error.code === 'string' && !error.message.includes(error.code)
    ? `${error.message} (${error.code})`
    : error.message
}
