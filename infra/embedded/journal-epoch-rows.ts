/** Keeps the states of a journal's epochs: all of them in memory, a row each on disk, changes taken over once their transaction is durable. */

import type { Epoch, StoreGeneration } from '../../schemas/reading.ts'
import type { EpochInfo } from '../../services/ports/journal.ts'
import { countsOf, type EpochCounts, type EpochState, infoOf } from './journal-epochs.ts'
import { type CountedTx, type Counters, jsonRow, KIND, readJson } from './journal-rows.ts'
import type { Kv } from './kv.ts'
import { type KeySpace, u32Field } from './row-keys.ts'

export class EpochRows {
  readonly #space: KeySpace
  /** In order of opening. */
  readonly #states = new Map<number, EpochState>()
  readonly #ordinals = new Map<string, number>()
  readonly #counts = new Map<number, EpochCounts>()
  readonly #now = new Map<number, EpochState>()
  #stores: readonly StoreGeneration[] = []
  #storesNow: readonly StoreGeneration[] | undefined
  #closedInfos: readonly EpochInfo[] | undefined

  constructor(space: KeySpace) {
    this.#space = space
  }

  /** The newest epoch's row says nothing of how far it went: its counters do. */
  load(kv: Kv, counters: Counters): this {
    for (const { value } of kv.range(this.#space.all(KIND.epoch))) {
      const state = readJson<EpochState>(value, 'the row of an epoch')
      this.#take(state.ordinal === counters.epochOrdinal ? { ...state, lastSeq: counters.lastSeq } : state)
    }
    const stores = kv.get(this.#space.key(KIND.stores))
    if (stores !== undefined) this.#stores = readJson(stores, 'the stores of the last receipt')
    return this
  }

  /** The durable states, oldest first. */
  all(): Iterable<EpochState> {
    return this.#states.values()
  }

  find(epoch: Epoch): EpochState | undefined {
    const ordinal = this.#ordinals.get(epoch)
    return ordinal === undefined ? undefined : this.#states.get(ordinal)
  }

  /** As the transaction on its way to the disk will leave it. */
  latest(ordinal: number): EpochState | undefined {
    return this.#now.get(ordinal) ?? this.#states.get(ordinal)
  }

  get stores(): readonly StoreGeneration[] {
    return this.#storesNow ?? this.#stores
  }

  saveStores(tx: CountedTx, stores: readonly StoreGeneration[]): void {
    tx.put(this.#space.key(KIND.stores), jsonRow(stores))
    this.#storesNow = stores
  }

  save(tx: CountedTx, state: EpochState): void {
    tx.put(this.#space.key(KIND.epoch, u32Field(state.ordinal)), jsonRow(state))
    this.#now.set(state.ordinal, state)
  }

  /** The open epoch goes on: no row for that, the counters tell. */
  extend(state: EpochState): void {
    this.#now.set(state.ordinal, state)
  }

  keep(): void {
    for (const state of this.#now.values()) this.#take(state)
    this.#stores = this.stores
    this.#storesNow = undefined
    this.#now.clear()
  }

  drop(): void {
    this.#now.clear()
    this.#storesNow = undefined
  }

  /** Ended epochs are put together once and kept until one of them changes. */
  infos(open: number): readonly EpochInfo[] {
    this.#closedInfos ??= [...this.#states.values()]
      .filter(({ ordinal }) => ordinal !== open)
      .map((s) => infoOf(s, false))
    const last = this.#states.get(open)
    return last === undefined ? this.#closedInfos : [...this.#closedInfos, infoOf(last, true)]
  }

  totals(): EpochCounts {
    let held = 0
    let unconfirmed = 0
    for (const state of this.#states.values()) {
      const counts = this.countsOf(state)
      held += counts.held
      unconfirmed += counts.unconfirmed
    }
    return { held, unconfirmed }
  }

  /** Of a durable state; worked out once. */
  countsOf(state: EpochState): EpochCounts {
    const known = this.#counts.get(state.ordinal)
    if (known !== undefined) return known
    const counts = countsOf(state)
    this.#counts.set(state.ordinal, counts)
    return counts
  }

  #take(state: EpochState): void {
    const before = this.#states.get(state.ordinal)
    this.#states.set(state.ordinal, state)
    this.#ordinals.set(state.epoch, state.ordinal)
    this.#counts.delete(state.ordinal)
    if (
      before === undefined ||
      before.confirmed !== state.confirmed ||
      before.pruned !== state.pruned ||
      before.voided !== state.voided
    ) {
      this.#closedInfos = undefined
    }
  }
}
