/** The recovery service: keeps the ledgers of the gateways whose partitions it owns, asks for what is missing, and tells gateways what is settled. */

import pLimit from 'p-limit'
import type { GatewayId } from '../../schemas/reading.ts'
import { delayMs } from '../core/delay.ts'
import { codeOf } from '../core/errors.ts'
import type { LedgerEvent } from '../core/fold.ts'
import type { Consumer, ConsumerEvent } from '../ports/message-log.ts'
import { type BookCounts, LedgerBook, type RecoveryOptions } from './book.ts'
import { eventOf, RECOVERY_GROUP, RECOVERY_TOPICS } from './events.ts'

const RETRY = { firstMs: 200, maxMs: 10_000 }
/** Ledgers that take a step at the same time. */
const STEPS_AT_ONCE = 16

export class Recovery {
  readonly #options: RecoveryOptions
  /** By partition, then gateway: only of partitions that are this member's. */
  readonly #books = new Map<number, Map<GatewayId, LedgerBook>>()
  readonly #counts: BookCounts & { undecodable: number } = {
    requests: 0,
    requestedPositions: 0,
    expired: 0,
    receipts: 0,
    undecodable: 0,
  }

  constructor(options: RecoveryOptions) {
    this.#options = options
  }

  get counts(): Readonly<BookCounts & { undecodable: number }> {
    return { ...this.#counts }
  }

  /** Runs until the signal aborts. The log or the ledger store being away is waited out. */
  async run(signal: AbortSignal): Promise<void> {
    const { messageLog, clock, random, logger } = this.#options
    for (let attempt = 1; !signal.aborted; attempt++) {
      const round = new AbortController()
      const both = AbortSignal.any([signal, round.signal])
      await using consumer = messageLog.consume({
        group: RECOVERY_GROUP,
        topics: RECOVERY_TOPICS,
        headersOnly: ['readings', 'recovery_data'],
      })
      const ticking = this.#tick(both).catch((error: unknown) => round.abort(error))
      try {
        for await (const event of consumer.events(both)) {
          await this.#handle(consumer, event, both)
          attempt = 1
        }
        if (!both.aborted) return
      } catch (error) {
        if (!signal.aborted && codeOf(error) !== 'log-fenced') logger.warn({ err: error }, 'recovery starts over')
      } finally {
        round.abort()
        await ticking
        this.#books.clear()
      }
      if (!signal.aborted)
        await clock.sleep(delayMs(attempt, { ...RETRY, chance: random.next() }), signal).catch(() => undefined)
    }
  }

  async #handle(consumer: Consumer, event: ConsumerEvent, signal: AbortSignal): Promise<void> {
    if (event.kind === 'revoked') {
      for (const partition of event.partitions) this.#books.delete(partition)
      return
    }
    if (event.kind === 'assigned') return this.#load(event.partitions.map((each) => each.partition))
    const touched = await this.#fold(event)
    for (const book of touched) await book.step(signal)
    const last = event.records.at(-1)
    if (last === undefined) return
    try {
      await consumer.commit(event.topic, event.partition, last.offset + 1)
    } catch (error) {
      // The partition has gone to another member, as the next event will say. To leave for that would only move partitions once more.
      if (codeOf(error) !== 'log-fenced') throw error
    }
  }

  async #load(partitions: readonly number[]): Promise<void> {
    const { ledgerStore, messageLog } = this.#options
    for (const partition of partitions) this.#books.set(partition, new Map())
    for (const gateway of await ledgerStore.gateways()) {
      const partition = messageLog.partitionOf(gateway)
      if (partitions.includes(partition)) await this.#book(partition, gateway)
    }
  }

  async #book(partition: number, gateway: GatewayId): Promise<LedgerBook> {
    const books = this.#books.get(partition) ?? new Map<GatewayId, LedgerBook>()
    this.#books.set(partition, books)
    const held = books.get(gateway)
    if (held !== undefined) return held
    const opened = await LedgerBook.open(gateway, this.#options, this.#counts)
    books.set(gateway, opened)
    return opened
  }

  async #fold(event: Extract<ConsumerEvent, { kind: 'records' }>): Promise<Set<LedgerBook>> {
    const touched = new Map<LedgerBook, LedgerEvent[]>()
    const add = (book: LedgerBook, each: LedgerEvent): void => {
      const events = touched.get(book)
      if (events === undefined) touched.set(book, [each])
      else events.push(each)
    }
    for (const record of event.records) {
      const said = await eventOf(record, this.#options.codec)
      if (said === undefined) continue
      if ('undecodable' in said) {
        this.#counts.undecodable += 1
        this.#options.logger.warn(
          { topic: record.topic, offset: record.offset, reason: said.undecodable },
          'not a record of ours',
        )
      } else if (said.gateway !== null) {
        // What a stranger puts on the log under a name of his own makes no gateway.
        if (saysNothing(said.event) && !this.#books.get(event.partition)?.has(said.gateway)) continue
        add(await this.#book(event.partition, said.gateway), said.event)
      } else {
        for (const book of this.#books.get(event.partition)?.values() ?? []) add(book, said.event)
      }
    }
    for (const [book, events] of touched) await book.apply(events)
    return new Set(touched.keys())
  }

  /** Deadlines and back-off pass without any event. */
  async #tick(signal: AbortSignal): Promise<void> {
    const limit = pLimit(STEPS_AT_ONCE)
    while (!signal.aborted) {
      await this.#options.clock.sleep(this.#options.rule.heartbeatMs / 2, signal).catch(() => undefined)
      if (signal.aborted) return
      const books = [...this.#books.values()].flatMap((each) => [...each.values()])
      await Promise.all(books.map((book) => limit(() => book.step(signal))))
    }
  }
}

/** A sink has come past records of which it could read none. */
function saysNothing(event: LedgerEvent): boolean {
  if (event.kind !== 'landings') return false
  const { landed, highWaters, finals } = event.record
  return landed.length === 0 && highWaters.length === 0 && finals.length === 0
}
