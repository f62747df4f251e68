/** Tells a bucket of what the mirror does, where that bucket is there: for people who look at it beside their data. It never holds the copying up, and its failures cost nothing. */

import type { Logger } from 'pino'
import type { Clock } from '../ports/clock.ts'
import type { MirrorEnd, MirrorRow } from '../ports/mirror-end.ts'
import type { MirrorChange } from './changes.ts'

export interface ActionLogOptions {
  readonly end: MirrorEnd
  readonly bucket: string
  readonly clock: Clock
  readonly logger: Logger
  readonly signal: AbortSignal
}

const WAITING_MAX = 100

/** Measurement `Logs`, tag `kind`, fields `message` and, where it concerns one, `bucket`. */
export class ActionLog {
  readonly #options: ActionLogOptions
  readonly #waiting: MirrorRow[] = []
  #sending: Promise<void> | undefined
  #lastNanos = 0n

  constructor(options: ActionLogOptions) {
    this.#options = options
  }

  tell(change: MirrorChange): void {
    if (this.#waiting.length >= WAITING_MAX) this.#waiting.shift()
    this.#waiting.push(this.#rowOf(change))
    this.#sending ??= this.#send().finally(() => {
      this.#sending = undefined
    })
  }

  /** What waits has been told, or can't be. */
  async settled(): Promise<void> {
    await this.#sending
  }

  async #send(): Promise<void> {
    const { end, bucket, signal, logger } = this.#options
    try {
      if ((await end.bucket(bucket, signal)) === undefined) this.#waiting.length = 0
      while (this.#waiting.length > 0) {
        const rows = this.#waiting.slice()
        await end.write(bucket, rows, signal)
        this.#waiting.splice(0, rows.length)
      }
    } catch (error) {
      logger.debug({ err: error, bucket }, 'actions of the mirror wait to be told')
    }
  }

  #rowOf(change: MirrorChange): MirrorRow {
    const now = BigInt(Math.floor(this.#options.clock.wallMs())) * 1_000_000n
    this.#lastNanos = now > this.#lastNanos ? now : this.#lastNanos + 1n
    const bucket = 'bucket' in change ? change.bucket : undefined
    return {
      series: { key: `Logs,kind=${change.kind}`, measurement: 'Logs', tags: [['kind', change.kind]], unwritable: '' },
      time: String(this.#lastNanos),
      names: ['message', 'bucket'],
      values: [quoted(sentence(change)), bucket === undefined ? undefined : quoted(bucket)],
    }
  }
}

function sentence(change: MirrorChange): string {
  if (change.kind === 'end-away') return `the ${change.end} is away: ${change.reason}`
  if (change.kind === 'end-back') return `the ${change.end} answers again after ${Math.round(change.awayMs / 1000)} s`
  if (change.kind === 'bucket') return `${change.state}${change.reason === '' ? '' : `: ${change.reason}`}`
  const { missing, differing, extra, refused, outsideRetention } = change.found
  const left = `${extra} at the target alone, ${refused} refused, ${outsideRetention} older than the target keeps`
  return `a pass of ${Math.round(change.tookMs / 1000)} s found ${missing} missing and ${differing} differing points; ${left}`
}

function quoted(text: string): string {
  return `"${text.replace(/["\\]/g, '\\$&')}"`
}
