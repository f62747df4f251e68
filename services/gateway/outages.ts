/** The outage record: several noticers may see a link lost, the first counts and the earliest time wins; it outlives a reboot and is told once the link is back. */

import type { WireCodec } from '../../schemas/codec.ts'
import type { Epoch, Seq } from '../../schemas/reading.ts'
import type { ConnectionStatus } from '../../schemas/records/events.ts'
import type { Clock, Random } from '../ports/clock.ts'
import type { Journal, OutageRow } from '../ports/journal.ts'
import type { MessageLog } from '../ports/message-log.ts'

export interface Lost {
  readonly noticedBy: string
  readonly reason: string
  readonly timeMs: number
  /** Last position that is known to have gone out. */
  readonly at: { readonly epoch: Epoch; readonly seq: Seq }
}

export class Outages {
  readonly #journal: Journal
  readonly #clock: Clock
  readonly #random: Random

  constructor(journal: Journal, clock: Clock, random: Random) {
    this.#journal = journal
    this.#clock = clock
    this.#random = random
  }

  /** The outage that has not ended, also one from before a restart. */
  get open(): OutageRow | undefined {
    const last = this.#journal.lastOutage()
    return last === undefined || last.restoredMs !== undefined ? undefined : last
  }

  /** Durable when it resolves. */
  async lost(lost: Lost): Promise<void> {
    const open = this.open
    if (open === undefined) {
      await this.#journal.saveOutage({
        id: this.#random.id(),
        lostMs: lost.timeMs,
        lostAt: lost.at,
        noticedBy: lost.noticedBy,
        reason: lost.reason,
      })
    } else if (lost.timeMs < open.lostMs) {
      await this.#journal.saveOutage({ ...open, lostMs: lost.timeMs })
    }
  }

  /** `at` is the head then: what was accepted up to it, after the loss, was cut off. */
  async restored(at: { readonly epoch: Epoch; readonly seq: Seq }): Promise<void> {
    const open = this.open
    if (open === undefined) return
    await this.#journal.saveOutage({ ...open, restoredMs: this.#clock.wallMs(), restoredAt: at })
  }

  /** Publishes `disconnect` and `reconnect` of every outage that has ended and was not told yet. A repetition changes nothing. */
  async report(messageLog: MessageLog, codec: WireCodec, signal: AbortSignal): Promise<void> {
    for (const outage of this.#journal.unreportedOutages()) {
      if (outage.restoredMs === undefined) continue
      const records = await Promise.all(
        statusesOf(this.#journal, outage).map(async (status) => ({
          key: this.#journal.gateway,
          value: await codec.encode('connection_status', status),
        })),
      )
      await messageLog.produce('connection_status', records, signal)
      await this.#journal.outageReported(outage.id)
    }
  }
}

function statusesOf(journal: Journal, outage: OutageRow): readonly ConnectionStatus[] {
  const common = { gateway: journal.gateway, id: outage.id, noticedBy: outage.noticedBy, reason: outage.reason }
  const lost: ConnectionStatus = { ...common, connectionStatus: 'disconnect', timeMs: outage.lostMs, ...outage.lostAt }
  const { restoredMs, restoredAt } = outage
  if (restoredMs === undefined || restoredAt === undefined) return [lost]
  return [lost, { ...common, connectionStatus: 'reconnect', timeMs: restoredMs, ...restoredAt }]
}
