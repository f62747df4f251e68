/** The responder at the gateway: answers recovery's requests from the recovery source, paced so that the live lane keeps its latency. */

import type { Logger } from 'pino'
import type { WireCodec } from '../../schemas/codec.ts'
import type { ReadingBatch } from '../../schemas/records/batch.ts'
import type { RecoveryDataRequest, RequestWindow } from '../../schemas/records/events.ts'
import { delayMs } from '../core/delay.ts'
import { codeOf } from '../core/errors.ts'
import { headersOf } from '../core/headers.ts'
import { rangeSet } from '../core/range-set.ts'
import type { Clock, Random } from '../ports/clock.ts'
import type { WindowFilter } from '../ports/journal.ts'
import type { MessageLog } from '../ports/message-log.ts'
import type { RecoverySource, SourcePiece } from '../ports/recovery-source.ts'
import { answerParts, emptyAnswer } from './answer.ts'

/** Where the responder keeps how far it has read the requests: the gateway's journal. */
export interface ResponderFacts {
  fact(name: string): string | undefined
  saveFact(name: string, value: string): Promise<void>
}

export interface ResponderOptions {
  readonly source: RecoverySource
  readonly facts: ResponderFacts
  readonly messageLog: MessageLog
  readonly codec: WireCodec
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  /** Encoded bytes a second that answers may take of the link. */
  readonly bytesPerSecond: number
}

const FACT = 'requests-next'
const RETRY = { firstMs: 200, maxMs: 2_000 }
const PIECE_READINGS_MAX = 5_000
/** Requests that wait; more are left on the log until these are answered. */
const WAITING_MAX = 100

export class Responder {
  readonly #options: ResponderOptions
  readonly #waiting: RecoveryDataRequest[] = []
  #wake: () => void = () => undefined
  #answered = 0

  constructor(options: ResponderOptions) {
    this.#options = options
  }

  get answered(): number {
    return this.#answered
  }

  /** Runs until the signal aborts. Throws only what the journal throws. */
  async run(signal: AbortSignal): Promise<void> {
    const either = new AbortController()
    const both = AbortSignal.any([signal, either.signal])
    const stop = (error: unknown): never => {
      either.abort(error)
      throw error
    }
    await Promise.all([this.#listen(both).catch(stop), this.#answerAll(both).catch(stop)])
  }

  async #listen(signal: AbortSignal): Promise<void> {
    const { source, facts, messageLog, codec, clock, random, logger } = this.#options
    const partition = messageLog.partitionOf(source.gateway)
    for (let attempt = 1; !signal.aborted; attempt++) {
      try {
        const from = await this.#nextRequest(partition)
        for await (const records of messageLog.tail({ topic: 'recovery_data_request', partition, from }, signal)) {
          for (const record of records) {
            if (record.key !== source.gateway) continue
            const decoded = await codec.decode('recovery_data_request', record.value ?? new Uint8Array(0))
            if (!decoded.ok) logger.warn({ offset: record.offset, reason: decoded.reason }, 'not a request')
            else if (decoded.record.gateway === source.gateway) await this.#enqueue(decoded.record, signal)
          }
          const last = records.at(-1)
          if (last !== undefined) await facts.saveFact(FACT, String(last.offset + 1))
          attempt = 1
        }
      } catch (error) {
        if (signal.aborted) return
        if (codeOf(error)?.startsWith('journal-')) throw error
        await clock.sleep(delayMs(attempt, { ...RETRY, chance: random.next() }), signal).catch(() => undefined)
      }
    }
  }

  /** Requests from before this gateway's first connection are not for this journal; all later ones are, also those that came while the link was cut. */
  async #nextRequest(partition: number): Promise<number> {
    const { facts, messageLog } = this.#options
    const kept = facts.fact(FACT)
    const { first, next } = (await messageLog.offsets('recovery_data_request'))[partition] ?? { first: 0, next: 0 }
    // A log that ends before what was read of it is another log.
    if (kept !== undefined) return Number(kept) <= next ? Number(kept) : first
    await facts.saveFact(FACT, String(next))
    return next
  }

  async #enqueue(request: RecoveryDataRequest, signal: AbortSignal): Promise<void> {
    while (this.#waiting.length >= WAITING_MAX) await this.#options.clock.sleep(100, signal)
    this.#waiting.push(request)
    this.#wake()
  }

  async #answerAll(signal: AbortSignal): Promise<void> {
    const { clock, random, logger } = this.#options
    for (let attempt = 1; !signal.aborted; ) {
      const next = takeNext(this.#waiting)
      if (next === undefined) {
        await this.#somethingWaits(signal)
        continue
      }
      try {
        await this.#answer(next, signal)
        this.#answered += next.ids.length
        attempt = 1
      } catch (error) {
        if (signal.aborted) return
        if (codeOf(error)?.startsWith('journal-')) throw error
        // A request for positions has a deadline and comes again by itself; one for a window was made by hand and does not.
        if (next.window !== undefined) this.#waiting.unshift(next.request)
        logger.warn({ requestId: next.ids[0], err: error }, 'an answer was cut off')
        await clock.sleep(delayMs(attempt++, { ...RETRY, chance: random.next() }), signal).catch(() => undefined)
      }
    }
  }

  #somethingWaits(signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      if (this.#waiting.length > 0 || signal.aborted) return resolve()
      const done = (): void => {
        signal.removeEventListener('abort', done)
        resolve()
      }
      this.#wake = done
      signal.addEventListener('abort', done, { once: true })
    })
  }

  async #answer(next: Next, signal: AbortSignal): Promise<void> {
    const { source } = this.#options
    const [newest, ...others] = next.ids
    for (const part of answerParts(source.gateway, newest ?? '', this.#pieces(next))) await this.#publish(part, signal)
    for (const id of others) await this.#publish(emptyAnswer(source.gateway, id), signal)
  }

  #pieces(next: Next): Iterable<SourcePiece> {
    const { source } = this.#options
    if (next.window !== undefined) return source.byWindow(filterOf(next.window), PIECE_READINGS_MAX)
    return source.byPositions(next.asked, PIECE_READINGS_MAX)
  }

  async #publish(part: ReadingBatch, signal: AbortSignal): Promise<void> {
    const { messageLog, codec, clock, bytesPerSecond } = this.#options
    const value = await codec.encode('recovery_data', part)
    const startMs = clock.monotonicMs()
    await messageLog.produce('recovery_data', [{ key: part.gateway, value, headers: headersOf(part) }], signal)
    const budgetMs = (value.byteLength / bytesPerSecond) * 1000 - (clock.monotonicMs() - startMs)
    if (budgetMs > 1) await clock.sleep(budgetMs, signal)
  }
}

interface Next {
  /** Newest first: the data goes out under it, the others are told that they are answered. */
  readonly ids: readonly string[]
  readonly request: RecoveryDataRequest
  readonly asked: RecoveryDataRequest['ranges']
  readonly window: RequestWindow | undefined
}

/** Takes the next request off the queue; waiting requests for positions are answered as one. */
export function takeNext(waiting: RecoveryDataRequest[]): Next | undefined {
  const first = waiting.shift()
  if (first === undefined) return undefined
  if (first.window !== undefined) return { ids: [first.requestId], request: first, asked: [], window: first.window }
  const together = [first]
  for (let i = 0; i < waiting.length; ) {
    const each = waiting[i]
    if (each === undefined || each.window !== undefined) i++
    else together.push(...waiting.splice(i, 1))
  }
  const byEpoch = new Map(
    together.flatMap((each) => each.ranges).map((each) => [each.epoch, [] as (readonly [number, number])[]]),
  )
  for (const each of together.flatMap((request) => request.ranges)) byEpoch.get(each.epoch)?.push(...each.ranges)
  const asked = [...byEpoch].map(([epoch, ranges]) => ({ epoch, ranges: rangeSet(ranges) }))
  return {
    ids: together.map((each) => each.requestId).reverse(),
    request: together.at(-1) ?? first,
    asked,
    window: undefined,
  }
}

function filterOf(window: RequestWindow): WindowFilter {
  return {
    from: { ms: window.fromMs, ns: 0 },
    to: { ms: window.toMs, ns: 0 },
    ...(window.type === undefined ? {} : { type: window.type }),
    ...(window.sensor === undefined ? {} : { sensor: window.sensor }),
  }
}
