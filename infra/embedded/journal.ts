/** The gateway's journal on the embedded engine: opening, and the port put together from its parts. Contract: `services/ports/journal.ts`. */

import type { Epoch, GatewayId, Range, Seq } from '../../schemas/reading.ts'
import { dayOf, dayStartMs } from '../../schemas/time.ts'
import { invariant, TidemarkError } from '../../services/core/errors.ts'
import { equal } from '../../services/core/range-set.ts'
import type { Clock, Random } from '../../services/ports/clock.ts'
import type {
  AppendAnswer,
  AppendRequest,
  EpochInfo,
  Journal,
  JournalUsage,
  ManifestRow,
  OutageRow,
  Piece,
  Receipt,
  WindowFilter,
} from '../../services/ports/journal.ts'
import { Bell } from '../waiting.ts'
import { Appender } from './journal-append.ts'
import { confirm, sameStores, unconfirm } from './journal-epochs.ts'
import { DAY_MS } from './journal-manifests.ts'
import { readFact, saveFact } from './journal-notes.ts'
import { readRange, readWindow } from './journal-reading.ts'
import { Room, type RoomSettings, type WarningLog } from './journal-room.ts'
import { type CountedTx, jsonRow, KIND, readJson } from './journal-rows.ts'
import { asEpoch, JournalStorage, seriesText } from './journal-storage.ts'
import type { Kv } from './kv.ts'
import { findKeySpace, makeKeySpace } from './row-keys.ts'

export interface JournalOptions {
  /** May be shared with other journals and stores; not disposed with the journal. */
  readonly kv: Kv
  readonly gateway: GatewayId
  readonly clock: Clock
  readonly random: Random
  /** When the software was built: a wall clock before that is unset. */
  readonly buildMs: number
  readonly settings: RoomSettings
  /** Where its names are copied to (`namesBeside`), so that it can be salvaged without the pages that hold them. Without it there is no copy. */
  readonly namesPath?: string
  readonly logger?: WarningLog
}

/** Two handles on one journal would undo each other's work. */
const openOn = new WeakMap<Kv, Map<GatewayId, JournalStorage>>()

/** Throws `data-locked` while this gateway's journal is open on the same engine. */
export async function openJournal(options: JournalOptions): Promise<Journal> {
  const { kv, gateway, random } = options
  const open = openOn.get(kv) ?? new Map<GatewayId, JournalStorage>()
  openOn.set(kv, open)
  const newId = random.hex(8)
  const found = findKeySpace(kv, 'J', gateway)
  const space =
    found ??
    (await kv.write((tx) => {
      const made = makeKeySpace(tx, 'J', gateway)
      tx.put(made.key(KIND.id), jsonRow(newId))
      return made
    }))
  const id = kv.get(space.key(KIND.id))
  invariant(id !== undefined, 'a journal has an id')
  if (open.get(gateway)?.isOver === false) throw new TidemarkError('data-locked', `the journal of ${gateway} is open`)
  const storage = new JournalStorage(kv, space, gateway)
  open.set(gateway, storage)
  if (options.namesPath !== undefined) await storage.copyNames(options.namesPath, options.logger)
  return new EmbeddedJournal(options, storage, readJson(id, 'the id of the journal'), asEpoch(random.hex(8)))
}

class EmbeddedJournal implements Journal {
  readonly gateway: GatewayId
  readonly id: string
  readonly epoch: Epoch
  readonly #options: JournalOptions
  readonly #storage: JournalStorage
  readonly #room: Room
  readonly #appender: Appender
  readonly #ordinal: number
  readonly #grown = new Bell()
  #closing: Promise<void> | undefined

  constructor(options: JournalOptions, storage: JournalStorage, id: string, epoch: Epoch) {
    const { gateway, clock, buildMs, settings, logger } = options
    this.gateway = gateway
    this.id = id
    this.epoch = epoch
    this.#options = options
    this.#storage = storage
    this.#ordinal = storage.counters.epochOrdinal + 1
    this.#room = new Room(storage, settings, logger)
    this.#appender = new Appender({
      storage,
      room: this.#room,
      gateway,
      epoch,
      epochOrdinal: this.#ordinal,
      clock,
      buildMs,
      maxBytes: settings.maxBytes,
      onGrown: () => this.#grown.ring(),
    })
  }

  async append(request: AppendRequest): Promise<AppendAnswer> {
    this.#check()
    return this.#orWake(this.#appender.append(request))
  }

  head(): Seq {
    this.#check()
    const { epochOrdinal, lastSeq } = this.#storage.counters
    return epochOrdinal === this.#ordinal ? lastSeq : 0
  }

  async grown(seq: Seq, signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    while (this.head() <= seq) await this.#grown.wait(signal)
  }

  read(epoch: Epoch, range: Range, maxReadings: number): Iterable<Piece> {
    this.#check()
    invariant(maxReadings >= 1 && range[0] >= 1, 'a range begins at 1 or later, and a piece holds a reading')
    return readRange(this.#storage, epoch, range, maxReadings)
  }

  readWindow(filter: WindowFilter, maxReadings: number): ReturnType<Journal['readWindow']> {
    this.#check()
    invariant(maxReadings >= 1, 'a piece holds a reading')
    return readWindow(this.#storage, filter, maxReadings)
  }

  epochs(): readonly EpochInfo[] {
    this.#check()
    return this.#storage.epochs.infos(this.#ordinal)
  }

  async confirm(receipt: Receipt): Promise<void> {
    this.#check()
    if (this.#saysNothingNew(receipt)) return
    await this.#write((tx) => this.#confirm(tx, receipt))
  }

  async prune(): Promise<void> {
    this.#check()
    await this.#orWake(this.#room.prune(this.#appender.now().ms))
  }

  usage(): JournalUsage {
    this.#check()
    const { held, unconfirmed } = this.#storage.epochs.totals()
    const { bytes } = this.#storage.counters
    const { maxBytes } = this.#options.settings
    return { bytes, maxBytes, readings: held, unconfirmed, oldestMs: this.#oldestMs() }
  }

  changedManifests(limit: number): readonly ManifestRow[] {
    this.#check()
    const { manifests, series, kv } = this.#storage
    return manifests.changed(kv, limit).map((slot) => {
      const { type, sensor } = series.byId(slot.series)
      return { type, sensor, day: dayOf(slot.day * DAY_MS), count: slot.count, sum: slot.sum, version: slot.version }
    })
  }

  async manifestsPublished(rows: readonly ManifestRow[]): Promise<void> {
    this.#check()
    const slots = rows.map(({ type, sensor, day, version }) => {
      const series = this.#storage.series.find(seriesText(type, sensor))
      invariant(series !== undefined, `a manifest of ${type}/${sensor} that this journal did not give`)
      return { series: series.id, day: dayStartMs(day) / DAY_MS, version }
    })
    await this.#write((tx) => this.#storage.manifests.published(tx, slots))
  }

  lastOutage(): OutageRow | undefined {
    this.#check()
    return this.#storage.outages.last()
  }

  async saveOutage(outage: OutageRow): Promise<void> {
    this.#check()
    await this.#write((tx) => this.#storage.outages.save(tx, outage))
  }

  unreportedOutages(): readonly OutageRow[] {
    this.#check()
    return this.#storage.outages.unreported()
  }

  async outageReported(id: string): Promise<void> {
    this.#check()
    await this.#write((tx) => this.#storage.outages.reported(tx, id))
  }

  fact(name: string): string | undefined {
    this.#check()
    return readFact(this.#storage.kv, this.#storage.space, name)
  }

  async saveFact(name: string, value: string): Promise<void> {
    this.#check()
    await this.#write((tx) => saveFact(tx, this.#storage.space, name, value))
  }

  /** What was asked before is still answered. */
  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    this.#grown.ring()
    await this.#appender.idle()
    await this.#storage.close()
  }

  #check(): void {
    if (this.#closing !== undefined) throw new TidemarkError('closed', `the journal of ${this.gateway}`)
    this.#storage.check()
  }

  #write<T>(body: (tx: CountedTx) => T): Promise<T> {
    return this.#orWake(this.#storage.write(body))
  }

  /** A failure may be the end of this handle: whoever waits for growth must hear of it. */
  async #orWake<T>(work: Promise<T>): Promise<T> {
    try {
      return await work
    } catch (error) {
      this.#grown.ring()
      throw error
    }
  }

  /** Receipts are repeated often; a repetition costs no write. */
  #saysNothingNew({ stores, epochs }: Receipt): boolean {
    if (!sameStores(stores, this.#storage.epochs.stores)) return false
    return epochs.every(({ epoch, settled, complete }) => {
      const state = this.#storage.epochs.find(epoch)
      if (state === undefined) return true
      const next = confirm(state, settled, complete)
      return next.acknowledged === state.acknowledged && equal(next.confirmed, state.confirmed)
    })
  }

  #confirm(tx: CountedTx, { stores, epochs }: Receipt): void {
    const rows = this.#storage.epochs
    if (!sameStores(stores, rows.stores)) {
      rows.saveStores(tx, stores)
      for (const state of rows.all()) if (unconfirm(state) !== state) rows.save(tx, unconfirm(state))
    }
    for (const { epoch, settled, complete } of epochs) {
      const ordinal = rows.find(epoch)?.ordinal
      const state = ordinal === undefined ? undefined : rows.latest(ordinal)
      if (state !== undefined) rows.save(tx, confirm(state, settled, complete))
    }
  }

  #oldestMs(): number | null {
    const oldest = this.#storage.oldestHeld()
    if (oldest === undefined) return null
    const { blocks, kv } = this.#storage
    for (const block of blocks.between(kv, oldest.epoch, oldest.seq, oldest.seq)) return block.begunMs
    return null
  }
}
