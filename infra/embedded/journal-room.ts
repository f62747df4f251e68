/**
 * Makes room in a journal, in this order: confirmed readings, even young ones; then, where more than half of the room is not readings, index entries of
 * readings no longer held, the oldest quarter first; then, where the setting allows it, the oldest unconfirmed readings, declared void in the transaction
 * that deletes them. Without the second step a journal that outlives its `identityKeepMs` would be full of its index in the end, and take nothing
 * more for ever; a repetition that the index no longer knows still meets its identity in the stores.
 */

import type { RangeSet } from '../../services/core/range-set.ts'
import { contains, intersect, isEmpty, NOTHING, subtract, union } from '../../services/core/range-set.ts'
import type { Block } from './journal-blocks.ts'
import { declareVoid, type EpochState, heldSet, prune, prunedSet, voidedSet } from './journal-epochs.ts'
import { sweepAnswers } from './journal-notes.ts'
import type { CountedTx, Counters } from './journal-rows.ts'
import type { JournalStorage } from './journal-storage.ts'
import type { Bytes } from './kv.ts'
import type { Stamp } from './leaf.ts'

export interface RoomSettings {
  readonly maxBytes: number
  readonly keepMs: number
  readonly whenFull: 'reject' | 'drop-oldest'
  readonly identityKeepMs: number
}

/** The part of a logger that is used. */
export interface WarningLog {
  warn(facts: Readonly<Record<string, unknown>>, sentence: string): void
}

const WHY_VOID = 'the journal was full and set to drop the oldest readings'
const BLOCKS_A_SLICE = 256
const LEAVES_A_SLICE = 1_000
const INDEX_SLICES_A_PRUNE = 8
const ANSWERS_A_SLICE = 1_000
/** Room is made in steps of this part of the whole, so that a full journal does not prune at every request. */
const STEP_OF_MAX = 64
/** The index is gone through for room only when at least this part of what it spans is of readings long gone. */
const SHED_WORTH = 16
const QUARTERS = 4

export class Room {
  readonly #storage: JournalStorage
  readonly #settings: RoomSettings
  readonly #log: WarningLog | undefined
  /** Where the next look for index entries past their time begins. */
  #cursor: Bytes | undefined

  constructor(storage: JournalStorage, settings: RoomSettings, log?: WarningLog) {
    this.#storage = storage
    this.#settings = settings
    this.#log = log
  }

  /** Drops what is past its keeping time. */
  async prune(nowMs: number): Promise<void> {
    const { keepMs, identityKeepMs } = this.#settings
    let more = true
    while (more) more = await this.#pruneSlice(Number.NEGATIVE_INFINITY, { fromMs: nowMs - keepMs, toMs: nowMs })
    more = true
    while (more) more = await this.#storage.write((tx) => sweepAnswers(tx, this.#storage.space, nowMs, ANSWERS_A_SLICE))
    for (let slice = 0; slice < INDEX_SLICES_A_PRUNE; slice++) {
      const oldest = this.#oldestHeld()
      const isOver = (stamp: Stamp): boolean => stamp.ms <= nowMs - identityKeepMs && stamp.ordinal < oldest
      this.#cursor = await this.#storage.write((tx) => this.#sweep(tx, this.#cursor, isOver))
      if (this.#cursor === undefined) return
    }
  }

  /** Frees at least so many bytes, or answers false. */
  async make(bytes: number): Promise<boolean> {
    const needed = this.#bytes() - bytes
    const goal = needed - this.#settings.maxBytes / STEP_OF_MAX
    let more = true
    while (more && this.#bytes() > goal) more = await this.#pruneSlice(goal)
    if (this.#bytes() > needed && this.#isMostlyIndex()) await this.#shed(needed)
    more = this.#settings.whenFull === 'drop-oldest' && this.#storage.counters.blockBytes > this.#bytes() - needed
    while (more && this.#bytes() > needed) more = await this.#storage.write((tx, now) => this.#dropSlice(tx, now, goal))
    return this.#bytes() <= needed
  }

  #bytes(): number {
    return this.#storage.counters.bytes
  }

  #isMostlyIndex(): boolean {
    const { bytes, blockBytes } = this.#storage.counters
    return bytes - blockBytes > this.#settings.maxBytes / 2
  }

  #oldestHeld(): number {
    return this.#storage.oldestHeld()?.ordinal ?? this.#storage.counters.accepted + 1
  }

  /** Drops confirmed blocks until the bytes are at `goal`, but none accepted in `keeping`; true when there may be more. */
  #pruneSlice(goal: number, keeping?: Keeping): Promise<boolean> {
    return this.#storage.write((tx, counters) => {
      const { blocks, epochs } = this.#storage
      let left = BLOCKS_A_SLICE
      for (const state of epochs.all()) {
        let gone: RangeSet = NOTHING
        for (const block of this.#prunable(tx, state, keeping)) {
          if (left === 0 || counters.bytes + tx.grew <= goal) break
          blocks.remove(tx, block)
          gone = union(gone, [[block.first, block.last]])
          left--
        }
        if (!isEmpty(gone)) epochs.save(tx, prune(state, gone, epochs.stores))
      }
      return left === 0
    })
  }

  /** Damaged blocks stay, for whoever asks for them to be told. */
  *#prunable(tx: CountedTx, state: EpochState, keeping: Keeping | undefined): Generator<Block> {
    const candidates = subtract(state.confirmed, union(prunedSet(state), voidedSet(state)))
    let seen = 0
    for (const [from, to] of candidates) {
      // Where receipts have left many small holes, one block meets many ranges.
      if (to <= seen) continue
      for (const block of this.#storage.blocks.between(tx, state.ordinal, Math.max(from, seen + 1), to, true)) {
        seen = block.last
        if (!isEmpty(subtract([[block.first, block.last]], state.confirmed))) continue
        // What comes after a young block is younger. One from the future, of a clock that was ahead, says nothing about its neighbours.
        if (keeping !== undefined && block.acceptedMs > keeping.toMs) continue
        if (keeping !== undefined && block.acceptedMs > keeping.fromMs) return
        yield block
      }
    }
  }

  /** Declares the oldest blocks void until the bytes are at `goal`; true when there may be more. */
  #dropSlice(tx: CountedTx, counters: Counters, goal: number): boolean {
    const { blocks, epochs } = this.#storage
    let left = BLOCKS_A_SLICE
    for (const state of epochs.all()) {
      let next = state
      for (const [from, to] of heldSet(state)) {
        for (const block of blocks.between(tx, state.ordinal, from, to, true)) {
          if (left === 0 || counters.bytes + tx.grew <= goal) break
          next = this.#dropBlock(tx, next, block)
          left--
        }
      }
      if (next !== state) epochs.save(tx, next)
    }
    return left === 0
  }

  #dropBlock(tx: CountedTx, state: EpochState, block: Block): EpochState {
    const { blocks, index, manifests, epochs } = this.#storage
    const whole: RangeSet = [[block.first, block.last]]
    const confirmed = intersect(whole, state.confirmed)
    const lost = subtract(whole, confirmed)
    blocks.decode(block, block.first, block.last, ({ seq, ms, ns, digest }, series) => {
      if (!contains(lost, seq)) return true
      index.markVoid(tx, series, ms, ns)
      manifests.subtract(tx, series, ms, digest)
      return true
    })
    blocks.remove(tx, block)
    this.#log?.warn({ epoch: state.epoch, ranges: lost }, 'the journal is full: its oldest readings are declared void')
    return declareVoid(prune(state, confirmed, epochs.stores), lost, WHY_VOID)
  }

  /** Drops index entries of readings no longer held, the oldest quarter of them first, until the bytes are at `needed`. */
  async #shed(needed: number): Promise<void> {
    const { accepted, indexFrom } = this.#storage.counters
    const span = this.#oldestHeld() - 1 - indexFrom
    if (span <= 0 || span * SHED_WORTH < accepted - indexFrom) return
    for (let quarter = 1; quarter <= QUARTERS && this.#bytes() > needed; quarter++) {
      const threshold = indexFrom + Math.ceil((span * quarter) / QUARTERS)
      await this.#shedBelow(threshold)
      this.#log?.warn({ threshold }, 'the journal is full: repetitions of its oldest readings are no longer recognised')
    }
  }

  async #shedBelow(threshold: number): Promise<void> {
    let cursor: Bytes | undefined
    do {
      cursor = await this.#storage.write((tx, counters) => {
        const next = this.#sweep(tx, cursor, (stamp) => stamp.ordinal <= threshold)
        if (next === undefined) counters.indexFrom = threshold
        tx.changed = true
        return next
      })
    } while (cursor !== undefined)
  }

  #sweep(tx: CountedTx, cursor: Bytes | undefined, isOver: (stamp: Stamp) => boolean): Bytes | undefined {
    return this.#storage.index.sweep(tx, cursor, LEAVES_A_SLICE, isOver)
  }
}

/** Blocks accepted after `fromMs`, up to `toMs`, are kept. */
interface Keeping {
  readonly fromMs: number
  readonly toMs: number
}
