/** The ledger of one gateway in the hands of the recovery service: folds, saves, asks, gives receipts. One thing at a time. */

import pLimit from 'p-limit'
import type { Logger } from 'pino'
import type { WireCodec } from '../../schemas/codec.ts'
import type { Epoch, GatewayId } from '../../schemas/reading.ts'
import type { ReceiptRecord, RecoveryDataRequest } from '../../schemas/records/events.ts'
import { fold, type LedgerEvent, registerStore } from '../core/fold.ts'
import { type Ledger, ledgerFromRows, newLedger, takeChange } from '../core/ledger.ts'
import { size } from '../core/range-set.ts'
import { receiptFor, saysMore } from '../core/receipt-rule.ts'
import {
  decideRequest,
  forgetPassed,
  noteAsked,
  noteExpired,
  noteReconnected,
  type RequestRule,
} from '../core/request-rule.ts'
import { outagePositions } from '../core/verdict.ts'
import type { Clock, Random } from '../ports/clock.ts'
import type { LedgerStore } from '../ports/ledger-store.ts'
import type { MessageLog } from '../ports/message-log.ts'

export interface RecoveryOptions {
  readonly messageLog: MessageLog
  readonly codec: WireCodec
  readonly ledgerStore: LedgerStore
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  readonly rule: RequestRule
}

export interface BookCounts {
  requests: number
  requestedPositions: number
  expired: number
  receipts: number
}

/** A receipt repeats what it said this often, in case the gateway lost its journal's memory of it. */
const RECEIPT_REPEAT_MS = 60_000

export class LedgerBook {
  readonly #options: RecoveryOptions
  readonly #ledger: Ledger
  readonly #turn = pLimit(1)
  readonly #counts: BookCounts
  /** Monotonic times; see `RequestMoment`. */
  #markSeenMs = Number.NEGATIVE_INFINITY
  #progressMs: number
  #lastReceipt: ReceiptRecord | undefined
  #receiptMs = Number.NEGATIVE_INFINITY
  #receiptDue = new Set<Epoch>()

  private constructor(options: RecoveryOptions, ledger: Ledger, counts: BookCounts) {
    this.#options = options
    this.#ledger = ledger
    this.#counts = counts
    this.#progressMs = options.clock.monotonicMs()
  }

  static async open(gateway: GatewayId, options: RecoveryOptions, counts: BookCounts): Promise<LedgerBook> {
    const rows = await options.ledgerStore.load(gateway)
    const ledger = rows === undefined ? newLedger(gateway) : ledgerFromRows(rows)
    for (const store of options.rule.required) registerStore(ledger, store, false)
    return new LedgerBook(options, ledger, counts)
  }

  get gateway(): GatewayId {
    return this.#ledger.head.gateway
  }

  /** Folds the events and saves what changed. Throws `ledger-conflict` when another process owns this ledger. */
  apply(events: readonly LedgerEvent[]): Promise<void> {
    return this.#turn(async () => {
      for (const event of events) {
        this.#notice(event)
        fold(this.#ledger, event)
      }
      forgetPassed(this.#ledger, this.#options.rule.required)
      await this.#save()
    })
  }

  /** Decides what is due now, and does it. */
  step(signal: AbortSignal): Promise<void> {
    return this.#turn(async () => {
      await this.#request(signal)
      await this.#receipt(signal)
    })
  }

  /** What the events mean for patience and receipts; the ledger itself knows nothing of clocks. */
  #notice(event: LedgerEvent): void {
    const { clock } = this.#options
    if (event.kind === 'mark') {
      const ageMs = Math.max(0, clock.wallMs() - event.appendedMs)
      this.#markSeenMs = Math.max(this.#markSeenMs, clock.monotonicMs() - ageMs)
      this.#receiptDue.add(event.epoch)
      for (const each of event.finals) this.#receiptDue.add(each.epoch)
    } else if (event.kind === 'answer') {
      this.#progressMs = clock.monotonicMs()
    } else if (event.kind === 'landings') {
      for (const each of event.record.landed) this.#receiptDue.add(each.epoch)
      for (const each of event.record.finals) this.#receiptDue.add(each.epoch)
    } else if (event.kind === 'status' && event.status.connectionStatus === 'reconnect') {
      noteReconnected(this.#ledger)
    }
  }

  async #save(): Promise<void> {
    const change = takeChange(this.#ledger)
    if (change === undefined) return
    this.#ledger.version = await this.#options.ledgerStore.save(this.gateway, this.#ledger.version, change)
  }

  async #request(signal: AbortSignal): Promise<void> {
    const { clock, random, rule, logger } = this.#options
    const decision = decideRequest(this.#ledger, rule, {
      nowMs: clock.monotonicMs(),
      markSeenMs: this.#markSeenMs,
      progressMs: this.#progressMs,
      chance: random.next(),
    })
    if (decision.act === 'wait') return
    if (decision.act === 'expire') {
      logger.warn({ gateway: this.gateway, requestId: decision.requestId }, 'a request got no answer in time')
      noteExpired(this.#ledger, decision.requestId)
      this.#counts.expired += 1
      return this.#save()
    }
    const requestId = random.id()
    const sentMs = clock.wallMs()
    noteAsked(this.#ledger, { requestId, asked: decision.asked, sentMs, attempt: decision.attempt })
    this.#progressMs = clock.monotonicMs()
    await this.#save()
    const positions = decision.asked.reduce((sum, each) => sum + size(each.ranges), 0)
    logger.info(
      { gateway: this.gateway, requestId, positions, attempt: decision.attempt },
      'asked for missing readings',
    )
    this.#counts.requests += 1
    this.#counts.requestedPositions += positions
    await this.#publish(
      {
        requestId,
        gateway: this.gateway,
        timeMs: sentMs,
        ...this.#outageTimes(),
        ranges: decision.asked,
        attempt: decision.attempt,
      },
      signal,
    )
  }

  /** The newest outage that holds any of what is asked; for people. */
  #outageTimes(): { lostConnectionMs?: number; restoredConnectionMs?: number } {
    const asked = new Set(this.#ledger.head.lastAsked.map((each) => each.epoch))
    const outage = this.#ledger.head.outages.findLast((each) =>
      outagePositions(this.#ledger, each).some(({ epoch }) => asked.has(epoch.epoch)),
    )
    return {
      ...(outage?.lostMs == null ? {} : { lostConnectionMs: outage.lostMs }),
      ...(outage?.restoredMs == null ? {} : { restoredConnectionMs: outage.restoredMs }),
    }
  }

  async #publish(request: RecoveryDataRequest, signal: AbortSignal): Promise<void> {
    const value = await this.#options.codec.encode('recovery_data_request', request)
    await this.#options.messageLog.produce('recovery_data_request', [{ key: this.gateway, value }], signal)
  }

  async #receipt(signal: AbortSignal): Promise<void> {
    const { clock, rule, codec, messageLog } = this.#options
    if (this.#receiptDue.size === 0) return
    const receipt = receiptFor(this.#ledger, rule.required, this.#receiptDue, clock.wallMs())
    if (receipt === undefined) return
    const nowMs = clock.monotonicMs()
    const repeat = nowMs - this.#receiptMs > RECEIPT_REPEAT_MS
    if (repeat || saysMore(receipt, this.#lastReceipt)) {
      await messageLog.produce(
        'receipts',
        [{ key: this.gateway, value: await codec.encode('receipts', receipt) }],
        signal,
      )
      this.#lastReceipt = receipt
      this.#receiptMs = nowMs
      this.#counts.receipts += 1
    }
    for (const each of receipt.epochs) this.#receiptDue.delete(each.epoch)
  }
}
