/**
 * The generation of a bucket, as points in the bucket itself, so that it goes when the content goes: measurement `_tidemark`, tag `generation`, field
 * `number`. The highest number counts, of equal ones the smallest id.
 */

import pLimit from 'p-limit'
import type { Logger } from 'pino'
import { toNanos } from '../../schemas/time.ts'
import { TidemarkError } from '../../services/core/errors.ts'
import type { Random } from '../../services/ports/clock.ts'
import { type CsvRow, csvRows } from './annotated-csv.ts'
import type { InfluxdbClient } from './client.ts'
import { ALL_TIME, fluxFrom, fluxText, instantIn, whole } from './flux.ts'

interface Mark {
  readonly id: string
  readonly number: number
  readonly atNanos: bigint
}

/** So old a generation may be when it is said of a write. An older one than the true one is safe: what is said of it no longer counts. */
const KNOWN_MS = 1_000
/** Well below the shortest retention, an hour. */
const REFRESH_MS = 900_000
export const MARK_MEASUREMENT = '_tidemark'

export interface GenerationMarkOptions {
  readonly client: InfluxdbClient
  readonly random: Random
  readonly logger: Logger
  readonly monotonicMs?: () => number
}

export class GenerationMark {
  readonly #client: InfluxdbClient
  readonly #random: Random
  readonly #logger: Logger
  readonly #monotonicMs: () => number
  readonly #one = pLimit(1)
  #known: { readonly id: string; readonly readMs: number } | undefined
  #refreshedMs: number | undefined

  constructor({ client, random, logger, monotonicMs = () => performance.now() }: GenerationMarkOptions) {
    this.#client = client
    this.#random = random
    this.#logger = logger
    this.#monotonicMs = monotonicMs
  }

  /** As it was at most a second ago, and is kept from being taken by retention. For the store itself, before it writes. */
  async beforeWrite(signal: AbortSignal): Promise<string> {
    return this.#fresh() ?? this.#one(async () => this.#fresh() ?? this.#refreshed(signal))
  }

  /** As it is now; made where there is none. */
  current(signal: AbortSignal): Promise<string> {
    return this.#one(async () => (await this.#readOrMake(signal)).id)
  }

  renew(signal: AbortSignal): Promise<string> {
    return this.#one(() => this.#make((number) => number + 1, signal))
  }

  /** Whatever failed, the bucket may be another one now. */
  forget(): void {
    this.#known = undefined
  }

  #fresh(): string | undefined {
    const known = this.#known
    return known !== undefined && this.#monotonicMs() - known.readMs < KNOWN_MS ? known.id : undefined
  }

  async #refreshed(signal: AbortSignal): Promise<string> {
    const readMs = this.#monotonicMs()
    const mark = await this.#readOrMake(signal)
    if (this.#refreshedMs === undefined || readMs - this.#refreshedMs >= REFRESH_MS) {
      await this.#put(mark.id, mark.number, signal)
      // Where the older point is gone, the bucket was wiped in between, and the new point must not pass for its generation.
      const first = (await this.#marks('first', signal)).find(({ id }) => id === mark.id)
      if (first === undefined || first.atNanos > mark.atNanos) {
        this.forget()
        return this.#make((number) => number + 1, signal)
      }
      this.#refreshedMs = readMs
    }
    this.#known = { id: mark.id, readMs }
    return mark.id
  }

  async #readOrMake(signal: AbortSignal): Promise<Mark> {
    const held = newest(await this.#marks('last', signal))
    if (held !== undefined) return held
    await this.#make(() => 1, signal)
    const made = newest(await this.#marks('last', signal))
    if (made === undefined) throw new TidemarkError('store-unavailable', 'the bucket does not keep what it is given')
    return made
  }

  async #make(numberAfter: (highest: number) => number, signal: AbortSignal): Promise<string> {
    this.forget()
    const highest = newest(await this.#marks('last', signal))?.number ?? 0
    const id = this.#random.id()
    await this.#put(id, numberAfter(highest), signal)
    this.#logger.info({ generation: id }, 'the bucket has a new generation')
    return id
  }

  /** Stamped by the server, whose clock is the one that retention goes by. */
  async #put(id: string, number: number, signal: AbortSignal): Promise<void> {
    const answer = await this.#client.write(`${MARK_MEASUREMENT},generation=${id} number=${number}i`, signal)
    if (answer !== 'landed')
      throw new TidemarkError('store-unavailable', `its generation was refused: ${answer.reason}`)
  }

  async #marks(which: 'first' | 'last', signal: AbortSignal): Promise<readonly Mark[]> {
    const mine = `r._measurement == ${fluxText(MARK_MEASUREMENT)} and r._field == "number"`
    const flux = `${fluxFrom(this.#client.bucket, ALL_TIME)} |> filter(fn: (r) => ${mine}) |> ${which}()`
    const rows = csvRows(await whole(this.#client.query(flux, signal)))
    return [...rows].map(markOf)
  }
}

function markOf(row: CsvRow): Mark {
  return {
    id: row.cell('generation') ?? '',
    number: Number(row.cell('_value')),
    atNanos: toNanos(instantIn(row)),
  }
}

function newest(marks: readonly Mark[]): Mark | undefined {
  return marks.toSorted((a, b) => b.number - a.number || (a.id < b.id ? -1 : 1))[0]
}
