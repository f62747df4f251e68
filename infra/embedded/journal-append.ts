/** Takes readings into a journal: requests that wait are committed together, each of them whole or not at all. */

import { digestOf } from '../../schemas/canonical.ts'
import type { Epoch, GatewayId, Instant } from '../../schemas/reading.ts'
import { addNanos } from '../../schemas/time.ts'
import { codeOf, TidemarkError } from '../../services/core/errors.ts'
import type { Clock } from '../../services/ports/clock.ts'
import type { AppendAnswer, AppendRequest, Offer } from '../../services/ports/journal.ts'
import { firstSubMs, type JournalClock, nextSubMs, tick } from './journal-clock.ts'
import { newEpoch } from './journal-epochs.ts'
import { findAnswer, saveAnswer } from './journal-notes.ts'
import type { Room } from './journal-room.ts'
import type { CountedTx, Counters } from './journal-rows.ts'
import { type JournalSeries, type JournalStorage, journalSeries, seriesText } from './journal-storage.ts'

export interface AppenderOptions {
  readonly storage: JournalStorage
  readonly room: Room
  readonly gateway: GatewayId
  readonly epoch: Epoch
  readonly epochOrdinal: number
  readonly clock: Clock
  readonly buildMs: number
  readonly maxBytes: number
  /** Called when new readings are durable. */
  readonly onGrown: () => void
}

/** A request with what can be worked out before its turn. */
interface Waiting {
  readonly request: AppendRequest
  readonly series: readonly JournalSeries[]
  /** Undefined where the reading has no time yet. */
  readonly digests: readonly (Uint8Array | undefined)[]
  readonly resolve: (answer: AppendAnswer) => void
  readonly reject: (error: unknown) => void
}

/** One transaction takes requests up to this many readings, so that neither it nor the pause of the event loop grows without bound. */
const GROUP_READINGS_MAX = 20_000
/** How often a request that does not fit gets room made for it. */
const ROOM_ATTEMPTS = 3

export class Appender {
  readonly #options: AppenderOptions
  readonly #seriesByType = new Map<string, Map<string, JournalSeries>>()
  #waiting: Waiting[] = []
  #draining: Promise<void> | undefined
  #clock: JournalClock
  #subMs: number

  constructor(options: AppenderOptions) {
    this.#options = options
    this.#clock = { lastMs: options.storage.counters.clockMs }
    this.#subMs = firstSubMs(options.epoch)
  }

  append(request: AppendRequest): Promise<AppendAnswer> {
    const series = request.offers.map((offer) => this.#seriesOf(offer))
    const digests = request.offers.map(({ time, values }, i) =>
      time === undefined ? undefined : digestOf((series[i] as JournalSeries).digestPrefix, time.ms, time.ns, values),
    )
    return new Promise((resolve, reject) => {
      this.#waiting.push({ request, series, digests, resolve, reject })
      this.#draining ??= this.#drain()
    })
  }

  /** Resolves when no request waits. */
  async idle(): Promise<void> {
    await this.#draining
  }

  /** The journal's own time: the wall clock's, or an estimate while that is unset. */
  now(): { readonly ms: number; readonly estimated: boolean } {
    const { clock, buildMs } = this.#options
    const ticked = tick(this.#clock, clock.wallMs(), clock.monotonicMs(), buildMs)
    this.#clock = ticked.clock
    return ticked
  }

  async #drain(): Promise<void> {
    while (this.#waiting.length > 0) {
      const group: Waiting[] = []
      await this.#commit(group).catch((error: unknown) => this.#retry(group, error))
    }
    this.#draining = undefined
  }

  /** Which requests belong to the group is decided when its turn has come. */
  async #commit(group: Waiting[]): Promise<void> {
    const { storage, onGrown } = this.#options
    const answers = await storage.write((tx, counters) => {
      if (group.length === 0) group.push(...this.#nextGroup())
      return this.#takeAll(tx, counters, group)
    })
    onGrown()
    for (const [i, waiting] of group.entries()) waiting.resolve(answers[i] as AppendAnswer)
  }

  #nextGroup(): readonly Waiting[] {
    let readings = 0
    const end = this.#waiting.findIndex(({ request }, i) => {
      readings += request.offers.length
      return i > 0 && readings > GROUP_READINGS_MAX
    })
    return this.#waiting.splice(0, end < 0 ? this.#waiting.length : end)
  }

  /** A group that failed is tried one by one, so that one request's trouble is not its neighbours'. */
  async #retry(group: readonly Waiting[], error: unknown): Promise<void> {
    const final = codeOf(error) === 'journal-poisoned' || codeOf(error) === 'closed'
    if (final || group.length === 0) {
      for (const waiting of [...group, ...this.#waiting.splice(0)]) waiting.reject(error)
      return
    }
    for (const waiting of group) await this.#retryAlone(waiting, group.length === 1 ? error : undefined)
  }

  async #retryAlone(waiting: Waiting, error: unknown): Promise<void> {
    let last = error
    for (let attempt = 0; attempt <= ROOM_ATTEMPTS; attempt++) {
      try {
        if (last !== undefined && !(await this.#madeRoom(last))) break
        await this.#commit([waiting])
        return
      } catch (again) {
        last = again
      }
    }
    waiting.reject(last)
  }

  async #madeRoom(error: unknown): Promise<boolean> {
    if (!(error instanceof TidemarkError) || error.code !== 'journal-full') return false
    return this.#options.room.make(Number(error.facts.excess))
  }

  #takeAll(tx: CountedTx, counters: Counters, group: readonly Waiting[]): AppendAnswer[] {
    const { storage, maxBytes } = this.#options
    const now = this.now()
    const before = counters.accepted
    const answers = group.map((waiting) => this.#take(tx, counters, waiting, now))
    if (counters.accepted > before) {
      const state = storage.epochs.latest(counters.epochOrdinal)
      if (state !== undefined) storage.epochs.extend({ ...state, lastSeq: counters.lastSeq })
      counters.clockMs = now.ms
    }
    storage.flush(tx, counters, now.ms)
    const excess = counters.bytes + tx.grew - maxBytes
    if (excess > 0 && tx.grew > 0) {
      throw new TidemarkError('journal-full', `${maxBytes} bytes are taken`, { excess, maxBytes })
    }
    return answers
  }

  #take(tx: CountedTx, counters: Counters, waiting: Waiting, now: Now): AppendAnswer {
    const { offers, idempotency } = waiting.request
    const known = idempotency && findAnswer(tx, this.#options.storage.space, idempotency.key, now.ms)
    if (known !== undefined) return known
    const before = counters.accepted
    for (let i = 0; i < offers.length; i++) {
      this.#takeOne(tx, counters, offers[i] as Offer, waiting.series[i] as JournalSeries, waiting.digests[i], now)
    }
    const accepted = counters.accepted - before
    const answer = { accepted, duplicates: offers.length - accepted }
    if (idempotency !== undefined) saveAnswer(tx, this.#options.storage.space, idempotency, answer, now.ms)
    return answer
  }

  #takeOne(
    tx: CountedTx,
    counters: Counters,
    offer: Offer,
    given: JournalSeries,
    givenDigest: Uint8Array | undefined,
    now: Now,
  ): void {
    const { storage } = this.#options
    const series = given.id === 0 ? this.#stored(tx, given) : given
    const measured = offer.time ?? this.#ownTime(tx, series.id, now.ms)
    const digest = givenDigest ?? digestOf(series.digestPrefix, measured.ms, measured.ns, offer.values)
    const stamp = { ms: now.ms, ordinal: counters.accepted + 1 }
    const placing = storage.index.place(tx, series.id, measured.ms, measured.ns, digest, stamp)
    if (!placing.placed) return
    const { bumpNs } = placing
    const time = bumpNs === 0 ? measured : addNanos(measured, bumpNs)
    this.#beginEpoch(tx, counters)
    counters.accepted++
    counters.lastSeq++
    const { values, labels } = offer
    const estimated = now.estimated && offer.time === undefined
    storage.blocks.add(
      tx,
      { epoch: counters.epochOrdinal, epochId: this.#options.epoch, seq: counters.lastSeq, acceptedMs: now.ms },
      series.id,
      time,
      { values, labels, bumpNs, estimated, recovered: false, digest },
      series.hints,
    )
    if (placing.counted !== true) storage.manifests.add(tx, series.id, time.ms, digest)
  }

  /** The first reading of an epoch ends the one before with its final: an epoch without any leaves no trace. */
  #beginEpoch(tx: CountedTx, counters: Counters): void {
    const { storage, epochOrdinal, epoch } = this.#options
    if (counters.epochOrdinal === epochOrdinal) return
    const ended = storage.epochs.latest(counters.epochOrdinal)
    if (ended !== undefined) storage.epochs.save(tx, ended)
    counters.epochOrdinal = epochOrdinal
    counters.lastSeq = 0
    storage.epochs.save(tx, newEpoch(epochOrdinal, epoch, counters.accepted))
  }

  /** For a reading without a time: the clock's, at the next free nanosecond of those this epoch counts through. */
  #ownTime(tx: CountedTx, series: number, ms: number): Instant {
    do this.#subMs = nextSubMs(this.#subMs)
    while (this.#options.storage.index.isTaken(tx, series, ms, this.#subMs))
    return { ms, ns: this.#subMs }
  }

  #stored(tx: CountedTx, given: JournalSeries): JournalSeries {
    // Without a limit of entries every text gets a number.
    return this.#options.storage.series.intern(tx, given.text, given) ?? given
  }

  #seriesOf({ type, sensor }: Offer): JournalSeries {
    const bySensor = this.#seriesByType.get(type)
    const known = bySensor?.get(sensor)
    if (known !== undefined) return known
    const text = seriesText(type, sensor)
    const series = this.#options.storage.series.find(text) ?? journalSeries(this.#options.gateway, text)
    if (bySensor === undefined) this.#seriesByType.set(type, new Map([[sensor, series]]))
    else bySensor.set(sensor, series)
    return series
  }
}

type Now = { readonly ms: number; readonly estimated: boolean }
