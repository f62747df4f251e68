/** What comes down to the gateway besides requests: receipts, which it keeps and prunes by. */

import type { Logger } from 'pino'
import type { WireCodec } from '../../schemas/codec.ts'
import { delayMs } from '../core/delay.ts'
import { codeOf } from '../core/errors.ts'
import type { Clock, Random } from '../ports/clock.ts'
import type { Journal } from '../ports/journal.ts'
import type { LogRecord, MessageLog } from '../ports/message-log.ts'

export interface DownlinkOptions {
  readonly journal: Journal
  readonly messageLog: MessageLog
  readonly codec: WireCodec
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
}

const FACT = 'receipts-next'
const RETRY = { firstMs: 200, maxMs: 2_000 }

export class Downlink {
  readonly #options: DownlinkOptions

  constructor(options: DownlinkOptions) {
    this.#options = options
  }

  /** Runs until the signal aborts. Throws only what the journal throws. */
  async run(signal: AbortSignal): Promise<void> {
    const { journal, messageLog, clock, random } = this.#options
    for (let attempt = 1; !signal.aborted; attempt++) {
      try {
        const kept = journal.fact(FACT)
        const partition = messageLog.partitionOf(journal.gateway)
        const next = (await messageLog.offsets('receipts'))[partition]?.next ?? 0
        // A log that ends before what was read of it is another log.
        const from = kept === undefined || Number(kept) > next ? 'earliest' : Number(kept)
        for await (const records of messageLog.tail({ topic: 'receipts', partition, from }, signal)) {
          await this.#take(records)
          attempt = 1
        }
      } catch (error) {
        if (signal.aborted) return
        if (codeOf(error)?.startsWith('journal-')) throw error
        await clock.sleep(delayMs(attempt, { ...RETRY, chance: random.next() }), signal).catch(() => undefined)
      }
    }
  }

  async #take(records: readonly LogRecord[]): Promise<void> {
    const { journal, codec, logger } = this.#options
    for (const record of records) {
      if (record.key !== journal.gateway) continue
      const decoded = await codec.decode('receipts', record.value ?? new Uint8Array(0))
      if (!decoded.ok) logger.warn({ offset: record.offset, reason: decoded.reason }, 'not a receipt')
      else if (decoded.record.gateway === journal.gateway) await journal.confirm(decoded.record)
    }
    const last = records.at(-1)
    if (last !== undefined) await journal.saveFact(FACT, String(last.offset + 1))
    await journal.prune()
  }
}
