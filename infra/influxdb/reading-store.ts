/** A store of readings in a bucket of InfluxDB 2. Contract: `services/ports/reading-store.ts`. */

import pLimit from 'p-limit'
import type { Logger } from 'pino'
import { TidemarkError } from '../../services/core/errors.ts'
import type { Random } from '../../services/ports/clock.ts'
import type {
  ArrivingReading,
  ReadingFilter,
  ReadingStore,
  StoredReading,
  WriteResult,
} from '../../services/ports/reading-store.ts'
import { type InfluxdbAccess, InfluxdbClient, type Refusal } from './client.ts'
import { GenerationMark, MARK_MEASUREMENT } from './generation.ts'
import { LineEncoder } from './line-encoder.ts'
import { LinkedAbort } from './linked-abort.ts'
import { redriven } from './redrive.ts'
import { storedReadings } from './stored-readings.ts'
import { bodyOf, type Piece, WriteCall } from './write-call.ts'

export interface InfluxdbReadingStoreOptions extends InfluxdbAccess {
  readonly name: string
  readonly random: Random
  readonly logger: Logger
  /** Milliseconds of a clock that never goes back. */
  readonly monotonicMs?: () => number
}

/** Opens without asking the server anything: that happens at the first call. */
export function influxdbReadingStore(options: InfluxdbReadingStoreOptions): ReadingStore {
  return new InfluxdbReadingStore(options)
}

/** Readings in one request. */
const LINES_MAX = 5_000
const IN_FLIGHT_MAX = 4
const NEVER = new AbortController().signal

interface Refused {
  readonly lines: readonly string[]
  readonly owners: readonly number[]
}

class InfluxdbReadingStore implements ReadingStore {
  readonly name: string
  readonly readingsPerWrite = LINES_MAX * IN_FLIGHT_MAX
  readonly #client: InfluxdbClient
  readonly #generation: GenerationMark
  readonly #encoder = new LineEncoder()
  readonly #inFlight = pLimit(IN_FLIGHT_MAX)
  #closed = false

  constructor(options: InfluxdbReadingStoreOptions) {
    this.name = options.name
    this.#client = new InfluxdbClient(options)
    this.#generation = new GenerationMark({ client: this.#client, ...options })
  }

  async generation(): Promise<string> {
    this.#assertOpen()
    return this.#generation.current(NEVER)
  }

  async renew(): Promise<string> {
    this.#assertOpen()
    return this.#generation.renew(NEVER)
  }

  async write(readings: readonly ArrivingReading[], signal: AbortSignal): Promise<WriteResult> {
    signal.throwIfAborted()
    this.#assertOpen()
    try {
      const generation = await this.#generation.beforeWrite(signal)
      const moved = await redriven(this.#client, readings, signal)
      const call = new WriteCall(this.#encoder, moved, LINES_MAX)
      await this.#send(call, signal)
      return { generation, landings: call.landings() }
    } catch (error) {
      this.#generation.forget()
      throw error
    }
  }

  async *read(filter: ReadingFilter, signal: AbortSignal): AsyncGenerator<readonly StoredReading[]> {
    signal.throwIfAborted()
    this.#assertOpen()
    for await (const batch of storedReadings(this.#client, filter, signal)) {
      yield batch
      signal.throwIfAborted()
      this.#assertOpen()
    }
  }

  async probe(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    this.#assertOpen()
    const answer = await this.#client.write(`${MARK_MEASUREMENT} probe=true`, signal)
    if (answer !== 'landed') throw new TidemarkError('store-unavailable', `it refuses a probe: ${answer.reason}`)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    this.#client.close()
  }

  /** As many at a time as may be in flight; the first that fails ends the others. */
  async #send(call: WriteCall, signal: AbortSignal): Promise<void> {
    using stop = new LinkedAbort(signal)
    const sender = async (): Promise<void> => {
      for (let piece = call.nextPiece(); piece !== undefined; piece = call.nextPiece()) {
        const next = piece
        await this.#inFlight(() => this.#land(call, next, stop.signal))
      }
    }
    const senders = Array.from({ length: IN_FLIGHT_MAX }, () => sender().catch((error: unknown) => stop.abort(error)))
    await Promise.all(senders)
    stop.signal.throwIfAborted()
  }

  async #land(call: WriteCall, { body, owners }: Piece, signal: AbortSignal): Promise<void> {
    const answer = await this.#client.write(body, signal)
    if (answer === 'landed') call.store(owners)
    else await this.#refused(call, { lines: call.linesOf(owners), owners }, answer, signal)
  }

  /** Halves what is refused until what InfluxDB does not take stands alone. What lands twice on the way overwrites itself. */
  async #refused(call: WriteCall, whole: Refused, first: Refusal, signal: AbortSignal): Promise<void> {
    const work = halves(call, byCause(whole, first.reason), first)
    for (let part = work.pop(); part !== undefined; part = work.pop()) {
      const answer = await this.#client.write(bodyOf(part.lines), signal)
      if (answer === 'landed') call.store(part.owners)
      else work.push(...halves(call, part, answer))
    }
  }

  #assertOpen(): void {
    if (this.#closed) throw new TidemarkError('closed', `the store ${this.name}`)
  }
}

/** What is to be asked about next: nothing where it is known that none of the lines is taken. */
function halves(call: WriteCall, { lines, owners }: Refused, answer: Refusal): Refused[] {
  if (lines.length === 1 || answer.dropped === lines.length) {
    call.reject(owners, answer.reason)
    return []
  }
  const middle = lines.length >> 1
  return [
    { lines: lines.slice(0, middle), owners: owners.slice(0, middle) },
    { lines: lines.slice(middle), owners: owners.slice(middle) },
  ]
}

/** Brings lines together that are refused for the same reason: by time what is too old, else by series. */
function byCause({ lines, owners }: Refused, reason: string): Refused {
  const timeOf = (line: string): number => Number(line.slice(line.lastIndexOf(' ')))
  const rows = lines.map((line, i) => ({ line, owner: owners[i] as number }))
  if (/retention/i.test(reason)) rows.sort((a, b) => timeOf(a.line) - timeOf(b.line))
  else rows.sort((a, b) => (a.line < b.line ? -1 : 1))
  return { lines: rows.map(({ line }) => line), owners: rows.map(({ owner }) => owner) }
}
