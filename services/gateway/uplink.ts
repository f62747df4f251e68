/** The live lane: publishes newly accepted readings in order with the mark in band, notices when the link is lost, and goes on at the head when it is back. */

import type { Logger } from 'pino'
import type { WireCodec } from '../../schemas/codec.ts'
import type { Epoch, PositionedReading, Seq } from '../../schemas/reading.ts'
import type { Final, LiveMark, Mark, ReadingBatch } from '../../schemas/records/batch.ts'
import { delayMs } from '../core/delay.ts'
import { codeOf } from '../core/errors.ts'
import { headersOf } from '../core/headers.ts'
import type { Clock, Random } from '../ports/clock.ts'
import type { Journal } from '../ports/journal.ts'
import type { MessageLog, Outgoing } from '../ports/message-log.ts'
import { cutBatches } from './cut-batches.ts'
import type { Outages } from './outages.ts'

export interface UplinkOptions {
  readonly journal: Journal
  readonly messageLog: MessageLog
  readonly codec: WireCodec
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly outages: Outages
  readonly heartbeatMs: number
}

/** Readings in one produce call. */
const FLUSH_READINGS_MAX = 5_000
/** Fewer readings than this wait for company until so long after the last flush. */
const LINGER_READINGS = 1_000
const LINGER_MS = 20
const FINALS_MAX = 100
const PROBE = { firstMs: 200, maxMs: 5_000 }

export class Uplink {
  readonly #options: UplinkOptions
  /** The live lane's own cursor in the open epoch: what is at or below will not be sent by it any more. */
  #cursor: Seq = 0
  #up = false
  #flushedMs = Number.NEGATIVE_INFINITY
  #finalsFrom = 0
  #finalsMs = Number.NEGATIVE_INFINITY
  #published = 0
  /** Records made in this epoch, whether or not they arrived. */
  #sent = 0
  /** What is being sent, or could not be. */
  #sending: readonly (ReadingBatch | LiveMark)[] = []
  /** Code of the reason that was logged last, while the link is lost. */
  #saidCode: string | undefined

  constructor(options: UplinkOptions) {
    this.#options = options
  }

  get up(): boolean {
    return this.#up
  }

  /** Highest seq that the live lane has passed, and how many readings it has published. */
  get state(): { readonly cursor: Seq; readonly published: number } {
    return { cursor: this.#cursor, published: this.#published }
  }

  /** Runs until the signal aborts. Throws only what the journal throws: the log being away is an outage. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, random } = this.#options
    for (let failures = 0; !signal.aborted; ) {
      try {
        if (!this.#up) await this.#connect(signal)
        await this.#publishNext(signal)
        failures = 0
      } catch (error) {
        if (signal.aborted) break
        if (codeOf(error)?.startsWith('journal-')) throw error
        await this.#lost(error)
        // A log that answers may still take nothing, and a registry may be away while the log is there.
        await clock.sleep(delayMs(++failures, { ...PROBE, chance: random.next() }), signal).catch(() => undefined)
      }
    }
  }

  /** Says that this epoch has ended. Call after `run`, when nothing is accepted any more. */
  async sayGoodbye(signal: AbortSignal): Promise<void> {
    const { journal } = this.#options
    if (!this.#up || journal.head() === 0) return
    const finals = [{ epoch: journal.epoch, finalSeq: journal.head() }]
    await this.#send([this.#mark({ highWater: this.#cursor, head: journal.head(), finals })], signal)
  }

  async #connect(signal: AbortSignal): Promise<void> {
    const { journal, messageLog, codec, clock, random, outages } = this.#options
    for (let attempt = 1; ; attempt++) {
      try {
        await messageLog.probe(signal)
        // While the registry withholds a schema, the log alone is no link: it would be lost again at the same records.
        for (const record of this.#sending) await codec.encode('readings', record)
        break
      } catch (error) {
        signal.throwIfAborted()
        this.#sayOtherReason(error)
        await this.#noteLost(error)
        await clock.sleep(delayMs(attempt, { ...PROBE, chance: random.next() }), signal)
      }
    }
    // Live first: the lane goes on at the head, and the mark says so before anything else. What was passed over is missing, and will be asked for.
    if (outages.open !== undefined) this.#cursor = journal.head()
    await this.#send([this.#mark(this.#nextMark(this.#cursor))], signal)
    await outages.restored({ epoch: journal.epoch, seq: this.#cursor })
    await outages.report(messageLog, codec, signal)
    this.#up = true
    this.#saidCode = undefined
  }

  async #publishNext(signal: AbortSignal): Promise<void> {
    const { journal, clock, heartbeatMs } = this.#options
    const waiting = journal.head() - this.#cursor
    const sinceMs = clock.monotonicMs() - this.#flushedMs
    if (waiting === 0) {
      const due = await grownWithin(journal, this.#cursor, heartbeatMs - sinceMs, clock, signal)
      if (!due) await this.#send([this.#mark(this.#nextMark(this.#cursor))], signal)
      return
    }
    if (waiting < LINGER_READINGS && sinceMs < LINGER_MS) await clock.sleep(LINGER_MS - sinceMs, signal)
    await this.#flush(signal)
  }

  async #flush(signal: AbortSignal): Promise<void> {
    const { journal } = this.#options
    const to = Math.min(journal.head(), this.#cursor + FLUSH_READINGS_MAX)
    const readings: PositionedReading[] = []
    for (const piece of journal.read(journal.epoch, [this.#cursor + 1, to], FLUSH_READINGS_MAX)) {
      // What is void or pruned before it was sent is not for the live lane: it stays missing until the responder says why.
      if (piece.kind === 'readings') for (const reading of piece.readings) readings.push(reading)
    }
    const batches = cutBatches(readings)
    const records = batches.map((batch, i) => {
      const last = i === batches.length - 1
      return this.#batch(batch, last ? this.#nextMark(to) : { highWater: null, head: to, finals: [] })
    })
    await this.#send(records.length === 0 ? [this.#mark(this.#nextMark(to))] : records, signal)
    this.#cursor = to
    this.#published += readings.length
  }

  #batch(readings: readonly PositionedReading[], mark: Mark): ReadingBatch {
    const { journal } = this.#options
    const type = readings[0]?.type ?? 'none'
    return { kind: 'batch', gateway: journal.gateway, epoch: journal.epoch, type, mark, readings }
  }

  #mark(mark: Mark): LiveMark {
    const { journal } = this.#options
    return { kind: 'mark', gateway: journal.gateway, epoch: journal.epoch, mark }
  }

  #nextMark(highWater: Seq): Mark {
    return { highWater, head: this.#options.journal.head(), finals: this.#finals() }
  }

  /** Finals of ended epochs that receipts have not settled yet: once a heartbeat, at most a hundred, in rotation. */
  #finals(): readonly Final[] {
    const { journal, clock, heartbeatMs } = this.#options
    if (clock.monotonicMs() - this.#finalsMs < heartbeatMs) return []
    const waiting = unacknowledgedFinals(journal)
    if (waiting.length === 0) this.#finalsMs = clock.monotonicMs()
    if (waiting.length <= FINALS_MAX) return waiting
    const from = this.#finalsFrom % waiting.length
    this.#finalsFrom = from + FINALS_MAX
    return [...waiting, ...waiting].slice(from, from + FINALS_MAX)
  }

  async #send(records: readonly (ReadingBatch | LiveMark)[], signal: AbortSignal): Promise<void> {
    const { journal, messageLog, codec, clock } = this.#options
    const outgoing: Outgoing[] = []
    this.#sending = records
    for (const record of records) {
      const value = await codec.encode('readings', record)
      outgoing.push({ key: journal.gateway, value, headers: headersOf(record, ++this.#sent) })
    }
    await messageLog.produce('readings', outgoing, signal)
    this.#sending = []
    this.#flushedMs = clock.monotonicMs()
    // Told only now: the first mark that arrives of an epoch has to say how those before it ended, or a proof could be complete without them.
    if (records.some((each) => (each.mark?.finals.length ?? 0) > 0)) this.#finalsMs = this.#flushedMs
  }

  async #lost(error: unknown): Promise<void> {
    if (this.#up) {
      this.#saidCode = codeOf(error)
      this.#options.logger.warn({ err: error }, 'the link is lost')
    }
    this.#up = false
    await this.#noteLost(error)
  }

  /** What is to be mended may be another thing now than when the link was lost. */
  #sayOtherReason(error: unknown): void {
    const code = codeOf(error)
    if (this.#saidCode === undefined || code === this.#saidCode) return
    this.#saidCode = code
    this.#options.logger.warn({ err: error }, 'the link is still lost')
  }

  async #noteLost(error: unknown): Promise<void> {
    const { journal, clock, outages } = this.#options
    if (outages.open !== undefined) return
    const reason = error instanceof Error ? error.message : String(error)
    const at: { epoch: Epoch; seq: Seq } = { epoch: journal.epoch, seq: this.#cursor }
    await outages.lost({ noticedBy: 'uplink', reason, timeMs: clock.wallMs(), at })
  }
}

/** Of ended, non-empty epochs: those whose final no receipt has named with everything settled. */
function unacknowledgedFinals(journal: Journal): readonly Final[] {
  return journal
    .epochs()
    .filter((each) => !each.open && !each.acknowledged)
    .map((each) => ({ epoch: each.epoch, finalSeq: each.lastSeq }))
}

/** Whether the journal grew past `seq` within the time. */
async function grownWithin(
  journal: Journal,
  seq: Seq,
  withinMs: number,
  clock: Clock,
  signal: AbortSignal,
): Promise<boolean> {
  if (withinMs <= 0) return journal.head() > seq
  const either = new AbortController()
  const both = AbortSignal.any([signal, either.signal])
  try {
    return await Promise.race([
      journal.grown(seq, both).then(() => true),
      clock.sleep(withinMs, both).then(() => false),
    ])
  } finally {
    either.abort()
  }
}
