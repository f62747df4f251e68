/** The mirror: every bucket in turn, newest points first, passes behind them; both ends are asked before anything, and may be away at any time. */

import type { Logger } from 'pino'
import { delayMs } from '../core/delay.ts'
import { codeOf, TidemarkError } from '../core/errors.ts'
import type { EndStatus, MirrorStatus } from '../core/mirror-status.ts'
import type { Random } from '../ports/clock.ts'
import type { MirrorEnd } from '../ports/mirror-end.ts'
import { BucketMirror, type BucketMirrorOptions } from './bucket-mirror.ts'
import type { MirrorChange } from './changes.ts'

export interface MirrorOptions extends Omit<BucketMirrorOptions, 'bucket' | 'tell'> {
  readonly buckets: readonly string[]
  readonly random: Random
  readonly logger: Logger
  /** From the end of a pass to the next one. */
  readonly passEveryMs: number
  /** Told every change once, after the log. */
  readonly told?: ((change: MirrorChange) => void) | undefined
}

interface RunOptions {
  readonly once?: boolean
  readonly io?: AbortSignal
}

type Stop = Required<RunOptions> & { readonly signal: AbortSignal }

/** Where looking for new points takes long, passes get so many times as long. */
const REST_TIMES = 3
const AGAIN = { firstMs: 250, maxMs: 10_000 }

export class Mirror {
  readonly #options: MirrorOptions
  readonly #buckets: readonly BucketMirror[]
  readonly #away = new Map<MirrorEnd['name'], NonNullable<EndStatus['away']>>()
  /** When new points are looked for again, monotonic. */
  readonly #freshAgainMs = new Map<BucketMirror, number>()
  #failures = 0

  constructor(options: MirrorOptions) {
    this.#options = options
    const tell = (change: MirrorChange): void => this.#tell(change)
    this.#buckets = options.buckets.map((bucket) => new BucketMirror({ ...options, bucket, tell }))
  }

  get status(): MirrorStatus {
    const { source, target } = this.#options
    const ends = [source, target].map((end) => ({
      end: end.name,
      away: this.#away.get(end.name) ?? null,
      ...end.moved,
    }))
    return { ends, buckets: this.#buckets.map(({ status }) => status) }
  }

  /**
   * Until the signal aborts, at the edge of a window; `io` aborts what is under way then. With `once`, until every bucket is found equal, has its exceptions, or can't be made so; then an end that refuses ends it
   * with `store-misconfigured`. Throws what waiting does not mend.
   */
  async run(signal: AbortSignal, { once = false, io = signal }: RunOptions = {}): Promise<void> {
    const { clock, everyMs } = this.#options
    const stop = { signal, io, once }
    while (!signal.aborted) {
      try {
        await this.#untilBothAnswer(stop)
        await this.#round(stop)
        this.#failures = 0
        if (once) return
        await clock.sleep(everyMs, signal)
      } catch (error) {
        if (signal.aborted) return
        await this.#again(error, stop)
      }
    }
  }

  async #round(stop: Stop): Promise<void> {
    await this.#freshIfDue(stop)
    for (const bucket of this.#buckets) {
      let isDue = this.#isPassDue(bucket, stop.once)
      while (isDue) {
        for await (const _ of bucket.pass(stop.io)) {
          stop.signal.throwIfAborted()
          this.#failures = 0
          await this.#freshIfDue(stop)
        }
        isDue = bucket.wantsPass && bucket.status.state !== 'blocked'
      }
    }
  }

  #isPassDue({ wantsPass, status: { passedMs } }: BucketMirror, once: boolean): boolean {
    const { clock, passEveryMs } = this.#options
    if (wantsPass || passedMs === null) return true
    const ageMs = clock.wallMs() - passedMs
    return !once && (ageMs >= passEveryMs || ageMs < 0)
  }

  /** A bucket whose turn is over has it not again before the others, whatever is cut in between. */
  async #freshIfDue({ signal, io }: Stop): Promise<void> {
    const { clock, everyMs } = this.#options
    for (const bucket of this.#buckets) {
      const nowMs = clock.monotonicMs()
      if (nowMs < (this.#freshAgainMs.get(bucket) ?? nowMs)) continue
      await bucket.fresh(io, signal)
      const doneMs = clock.monotonicMs()
      this.#freshAgainMs.set(
        bucket,
        Math.max(nowMs + everyMs, doneMs + (doneMs - nowMs) * REST_TIMES * this.#buckets.length),
      )
    }
  }

  async #again(error: unknown, { signal, once }: Stop): Promise<void> {
    const { clock, random, logger } = this.#options
    if (!(error instanceof TidemarkError) || !error.retryable || isFinal(error, once)) throw error
    this.#failures += 1
    logger.debug({ err: error, failures: this.#failures }, 'a window was cut, and is done again')
    const ms = delayMs(this.#failures, { ...AGAIN, chance: random.next() })
    await clock.sleep(ms, signal).catch(() => undefined)
  }

  async #untilBothAnswer({ signal, once }: Stop): Promise<void> {
    const { source, target, buckets, clock, random } = this.#options
    for (let attempt = 1; ; attempt++) {
      const answered = await Promise.all([source, target].map((end) => this.#ask(end, buckets[0] ?? '', signal, once)))
      if (answered.every((each) => each)) return
      await clock.sleep(delayMs(attempt, { ...AGAIN, chance: random.next() }), signal)
    }
  }

  async #ask(end: MirrorEnd, bucket: string, signal: AbortSignal, once: boolean): Promise<boolean> {
    const { clock } = this.#options
    const away = this.#away.get(end.name)
    try {
      await end.probe(bucket, signal)
      if (away === undefined) return true
      this.#away.delete(end.name)
      this.#tell({ kind: 'end-back', end: end.name, awayMs: clock.wallMs() - away.sinceMs })
      return true
    } catch (error) {
      signal.throwIfAborted()
      if (!(error instanceof TidemarkError) || !error.retryable || isFinal(error, once)) throw error
      const reason = error.message
      this.#away.set(end.name, { sinceMs: away?.sinceMs ?? clock.wallMs(), reason })
      if (away?.reason !== reason) this.#tell({ kind: 'end-away', end: end.name, reason })
      return false
    }
  }

  #tell(change: MirrorChange): void {
    const { logger, told } = this.#options
    if (change.kind === 'end-away') {
      logger.warn(
        { end: change.end, reason: change.reason },
        'an end of the mirror is away: it is asked again and again',
      )
    } else if (change.kind === 'end-back') {
      logger.info({ end: change.end, awayMs: change.awayMs }, 'an end of the mirror answers again')
    } else if (change.kind === 'pass') {
      const { bucket, tookMs, found } = change
      logger.info({ bucket, tookMs: Math.round(tookMs), ...found }, 'a pass over the bucket has ended')
    } else {
      const { bucket, state, reason } = change
      if (state === 'blocked') logger.error({ bucket, reason }, 'a bucket can not be mirrored')
      else logger.info({ bucket, state, reason }, 'a bucket of the mirror has another state')
    }
    told?.(change)
  }
}

function isFinal(error: TidemarkError, once: boolean): boolean {
  return once && codeOf(error) === 'store-misconfigured'
}
