/** Sends what is due on one channel, one message after the other, and tries again until it is taken. */

import type { Logger } from 'pino'
import { delayMs } from '../core/delay.ts'
import { codeOf, TidemarkError } from '../core/errors.ts'
import type { AlertChannel, AlertMessage } from '../ports/alert-channel.ts'
import type { Clock, Random } from '../ports/clock.ts'
import type { Episodes } from '../ports/episode-store.ts'
import type { Due } from './episodes.ts'

export interface SendCounts {
  readonly sent: number
  readonly failed: number
  readonly givenUp: number
}

export interface SenderOptions {
  readonly channel: AlertChannel
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
  next(): Due | undefined
  messageOf(due: Due): AlertMessage
  /** Resolves when it is kept that this went out. */
  noted(due: Due): Promise<void>
}

const AGAIN = { firstMs: 1_000, maxMs: 60_000 }
/** Between two looks for something to send. */
const IDLE_MS = 500
/** Until somebody has mended what is set. */
const REFUSED_MS = 300_000

export class ChannelSender {
  readonly #options: SenderOptions
  readonly #counts = { sent: 0, failed: 0, givenUp: 0 }
  #saidCode: string | undefined

  constructor(options: SenderOptions) {
    this.#options = options
  }

  get name(): string {
    return this.#options.channel.name
  }

  get counts(): SendCounts {
    return { ...this.#counts }
  }

  /** Those that are not kept any more, and of which a message has not gone out. */
  giveUp(forgotten: ReadonlySet<string>, { episodes }: Episodes): void {
    const lost = episodes.filter(({ id, sent }) => forgotten.has(id) && sent[this.name] !== 'ended')
    if (lost.length === 0) return
    this.#counts.givenUp += lost.length
    const subjects = lost.map(({ rule, subject }) => `${rule} ${subject}`)
    this.#options.logger.error({ channel: this.name, subjects }, 'messages of alerts were given up after a day')
  }

  async run(signal: AbortSignal): Promise<void> {
    const { clock, random, next } = this.#options
    for (let attempt = 1; !signal.aborted; ) {
      const due = next()
      if (due === undefined) {
        await clock.sleep(IDLE_MS, signal).catch(() => undefined)
        continue
      }
      const failure = await this.#send(due, signal)
      if (failure === undefined) {
        attempt = 1
        continue
      }
      const pauseMs =
        codeOf(failure) === 'alert-refused' ? REFUSED_MS : delayMs(attempt, { ...AGAIN, chance: random.next() })
      attempt += 1
      await clock.sleep(Math.max(pauseMs, retryAfterMs(failure)), signal).catch(() => undefined)
    }
  }

  /** What went wrong, if anything did. */
  async #send(due: Due, signal: AbortSignal): Promise<unknown> {
    const { channel, logger, messageOf, noted } = this.#options
    try {
      await channel.send(messageOf(due), signal)
    } catch (error) {
      if (signal.aborted) return error
      this.#counts.failed += 1
      const code = codeOf(error) ?? 'unknown'
      if (code !== this.#saidCode) {
        logger.warn({ channel: channel.name, target: channel.target, err: error }, 'a channel does not take alerts')
      }
      this.#saidCode = code
      return error
    }
    this.#counts.sent += due.episodes.length
    if (this.#saidCode !== undefined) logger.info({ channel: channel.name }, 'the channel takes alerts again')
    this.#saidCode = undefined
    await noted(due)
    return undefined
  }
}

function retryAfterMs(error: unknown): number {
  const after = error instanceof TidemarkError ? error.facts.retryAfterMs : undefined
  return typeof after === 'number' ? after : 0
}
