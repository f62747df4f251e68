/** Publishes the manifest rows that changed: per type, sensor and UTC day a count and a hash sum of what the journal accepted. */

import type { Logger } from 'pino'
import type { WireCodec } from '../../schemas/codec.ts'
import { codeOf } from '../core/errors.ts'
import type { Clock } from '../ports/clock.ts'
import type { Journal } from '../ports/journal.ts'
import type { MessageLog } from '../ports/message-log.ts'

export interface ManifestsOptions {
  readonly journal: Journal
  readonly messageLog: MessageLog
  readonly codec: WireCodec
  readonly clock: Clock
  readonly logger: Logger
  readonly everyMs: number
}

const ROWS_MAX = 500

function manifestKey(gateway: string, journal: string, type: string, sensor: string, day: string): string {
  return [gateway, journal, type, sensor, day].join('/')
}

export class Manifests {
  readonly #options: ManifestsOptions

  constructor(options: ManifestsOptions) {
    this.#options = options
  }

  /** Runs until the signal aborts. Throws only what the journal throws. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, everyMs, logger } = this.#options
    while (!signal.aborted) {
      await clock.sleep(everyMs, signal).catch(() => undefined)
      try {
        if (!signal.aborted) await this.publish(signal)
      } catch (error) {
        if (signal.aborted) return
        if (codeOf(error)?.startsWith('journal-')) throw error
        logger.debug({ err: error }, 'manifests wait for the link')
      }
    }
  }

  /** Publishes every changed row. The rows of one call count exactly what the journal had accepted when they were read. */
  async publish(signal: AbortSignal): Promise<void> {
    const { journal, messageLog, codec } = this.#options
    for (;;) {
      const asOf = { epoch: journal.epoch, seq: journal.head() }
      const rows = journal.changedManifests(ROWS_MAX)
      if (rows.length === 0) return
      const records = await Promise.all(
        rows.map(async ({ version: _, ...row }) => ({
          key: manifestKey(journal.gateway, journal.id, row.type, row.sensor, row.day),
          value: await codec.encode('manifests', { gateway: journal.gateway, journal: journal.id, ...row, ...asOf }),
        })),
      )
      await messageLog.produce('manifests', records, signal)
      await journal.manifestsPublished(rows)
    }
  }
}
