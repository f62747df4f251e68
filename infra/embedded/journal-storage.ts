/** All rows of one journal behind one serial turn of transactions: what a body changed in memory is taken over only once it is on disk. */

import { seriesPrefix } from '../../schemas/canonical.ts'
import type { Epoch, GatewayId } from '../../schemas/reading.ts'
import { codeOf, TidemarkError } from '../../services/core/errors.ts'
import { Dictionary, type Entry } from './dictionary.ts'
import { Blocks } from './journal-blocks.ts'
import { EpochRows } from './journal-epoch-rows.ts'
import { heldSet } from './journal-epochs.ts'
import { IdentityIndex } from './journal-index.ts'
import { Manifests } from './journal-manifests.ts'
import { epochName, type NameRow, namesIn, textName } from './journal-names.ts'
import { NamesFile } from './journal-names-file.ts'
import { Outages } from './journal-notes.ts'
import type { WarningLog } from './journal-room.ts'
import { CountedTx, type Counters, countersRow, KIND, readCounters } from './journal-rows.ts'
import type { Kv, Row } from './kv.ts'
import { type ContentHints, RowCodec } from './row-codec.ts'
import type { KeySpace } from './row-keys.ts'

/** A type and a sensor of this gateway. */
export interface JournalSeries extends Entry {
  readonly type: string
  readonly sensor: string
  readonly digestPrefix: Uint8Array
  readonly hints: ContentHints
}

export class JournalStorage {
  readonly kv: Kv
  readonly space: KeySpace
  readonly codec: RowCodec
  readonly series: Dictionary<JournalSeries>
  readonly index: IdentityIndex
  readonly blocks: Blocks
  readonly manifests: Manifests
  readonly epochs: EpochRows
  readonly outages: Outages
  #counters: Counters
  #turn: Promise<unknown> = Promise.resolve()
  #failure: TidemarkError | undefined
  #names: NamesFile | undefined

  constructor(kv: Kv, space: KeySpace, gateway: GatewayId) {
    const corrupt = 'journal-corrupt'
    this.kv = kv
    this.space = space
    this.#counters = readCounters(kv, space)
    this.codec = new RowCodec(space, corrupt).load(kv)
    this.series = new Dictionary({
      space,
      kind: KIND.series,
      make: (text) => journalSeries(gateway, text),
      corrupt,
    }).load(kv)
    this.index = new IdentityIndex(space).load(kv)
    this.blocks = new Blocks(space, this.codec, (id) => this.series.byId(id))
    this.manifests = new Manifests(space).load(kv)
    this.epochs = new EpochRows(space).load(kv, this.#counters)
    this.outages = new Outages(space).load(kv)
  }

  /** From now on names are copied to this file. */
  async copyNames(path: string, log?: WarningLog): Promise<void> {
    const names = new NamesFile(path, () => namesIn(this.kv, this.space), log)
    await names.open()
    this.#names = names
  }

  /** As on disk. */
  get counters(): Readonly<Counters> {
    return this.#counters
  }

  /** Closed or poisoned. */
  get isOver(): boolean {
    return this.#failure !== undefined
  }

  /** Throws when this journal answers no more. */
  check(): void {
    if (this.#failure !== undefined) throw this.#failure
  }

  /** Resolves once the changes of `body` are on disk. Bodies run one after the other; one that throws has changed nothing. */
  write<T>(body: (tx: CountedTx, counters: Counters) => T): Promise<T> {
    const turn = this.#turn.then(() => this.#commit(body))
    this.#turn = turn.catch(() => undefined)
    return turn
  }

  /** Brings what the parts still hold in memory into the transaction, so that its bytes can be counted. */
  flush(tx: CountedTx, counters: Counters, acceptedMs: number): void {
    this.blocks.flush(tx, acceptedMs)
    this.index.flush(tx)
    this.manifests.flush(tx, counters)
  }

  /** The place of the oldest reading still held, in order of acceptance. */
  oldestHeld(): { readonly ordinal: number; readonly epoch: number; readonly seq: number } | undefined {
    for (const state of this.epochs.all()) {
      if (this.epochs.countsOf(state).held === 0) continue
      const seq = heldSet(state)[0]?.[0] ?? 1
      return { ordinal: state.acceptedBefore + seq, epoch: state.ordinal, seq }
    }
    return undefined
  }

  /** After what has begun is done, nothing more is answered. */
  async close(): Promise<void> {
    await this.#turn
    this.#failure ??= new TidemarkError('closed', 'the journal')
  }

  async #commit<T>(body: (tx: CountedTx, counters: Counters) => T): Promise<T> {
    this.check()
    const counters = { ...this.#counters }
    let committing = false
    let texts: readonly Row[] = []
    try {
      const result = await this.kv.write((raw) => {
        const tx = new CountedTx(raw)
        const result = body(tx, counters)
        this.flush(tx, counters, counters.clockMs)
        if (tx.changed) this.#putCounters(tx, counters)
        texts = tx.texts
        committing = true
        return result
      })
      await this.#names?.add(this.#namesOf(texts, counters))
      this.#keep()
      this.#counters = counters
      return result
    } catch (error) {
      this.#drop()
      if (!committing && codeOf(error) !== 'journal-poisoned') throw error
      this.#failure ??= new TidemarkError('journal-poisoned', '', {}, error)
      throw this.#failure
    }
  }

  /** Those that a commit has added: texts, and an epoch that began. */
  #namesOf(texts: readonly Row[], { epochOrdinal }: Counters): NameRow[] {
    const names = texts.map(({ key, value }) => textName(key, value))
    const begun = epochOrdinal === this.#counters.epochOrdinal ? undefined : this.epochs.latest(epochOrdinal)
    return begun === undefined ? names : [...names, epochName(begun)]
  }

  #putCounters(tx: CountedTx, counters: Counters): void {
    const first = counters.bytes === 0
    counters.blockBytes += this.blocks.takeGrown()
    counters.bytes += tx.grew
    const key = this.space.key(KIND.state)
    const row = countersRow(counters)
    if (first) counters.bytes += key.length + row.length
    tx.uncounted.put(key, first ? countersRow(counters) : row)
  }

  #keep(): void {
    for (const part of this.#parts()) part.keep()
  }

  #drop(): void {
    for (const part of this.#parts()) part.drop()
  }

  #parts(): readonly { keep(): void; drop(): void }[] {
    return [this.codec, this.series, this.index, this.blocks, this.manifests, this.epochs, this.outages]
  }
}

/** The text a series is known by in the dictionary: names hold no zero character. */
export function seriesText(type: string, sensor: string): string {
  return `${type}\0${sensor}`
}

export function journalSeries(gateway: GatewayId, text: string): JournalSeries {
  const [type = '', sensor = ''] = text.split('\0')
  return { id: 0, text, type, sensor, digestPrefix: seriesPrefix(gateway, type, sensor), hints: {} }
}

/** 16 lower-case hex digits. */
export function asEpoch(hex: string): Epoch {
  return hex as Epoch
}
