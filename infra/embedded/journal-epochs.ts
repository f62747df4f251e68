/** What a journal knows about each of its epochs: how far it goes, and what of it is confirmed, declared void or pruned. Pure; `journal-epoch-rows.ts` keeps it. */

import type { Epoch, Range, Seq, StoreGeneration } from '../../schemas/reading.ts'
import {
  contains,
  equal,
  intersect,
  isEmpty,
  NOTHING,
  type RangeSet,
  rangeSet,
  size,
  subtract,
  union,
  upTo,
} from '../../services/core/range-set.ts'
import type { EpochInfo, VoidRange } from '../../services/ports/journal.ts'

export interface PrunedRanges {
  readonly ranges: RangeSet
  /** Whose receipt allowed it. */
  readonly stores: readonly StoreGeneration[]
}

/** Values: a change makes a new one. */
export interface EpochState {
  /** 1, 2, 3 … in order of opening. */
  readonly ordinal: number
  readonly epoch: Epoch
  /** Readings accepted in earlier epochs. */
  readonly acceptedBefore: number
  readonly lastSeq: Seq
  readonly confirmed: RangeSet
  /** A receipt has named its final with everything up to it settled. */
  readonly acknowledged: boolean
  readonly voided: readonly VoidRange[]
  readonly pruned: readonly PrunedRanges[]
}

export function newEpoch(ordinal: number, epoch: Epoch, acceptedBefore: number): EpochState {
  return { ordinal, epoch, acceptedBefore, lastSeq: 0, confirmed: NOTHING, acknowledged: false, voided: [], pruned: [] }
}

export function voidedSet(state: EpochState): RangeSet {
  return state.voided.length === 0 ? NOTHING : rangeSet(state.voided.map(({ range }) => range))
}

export function prunedSet(state: EpochState): RangeSet {
  return state.pruned.reduce((sum, { ranges }) => union(sum, ranges), NOTHING)
}

/** What is still in blocks. */
export function heldSet(state: EpochState): RangeSet {
  return subtract(subtract(upTo(state.lastSeq), prunedSet(state)), voidedSet(state))
}

export interface EpochCounts {
  readonly held: number
  readonly unconfirmed: number
}

export function countsOf(state: EpochState): EpochCounts {
  const held = heldSet(state)
  return { held: size(held), unconfirmed: size(subtract(held, state.confirmed)) }
}

export function infoOf(state: EpochState, open: boolean): EpochInfo {
  const { epoch, lastSeq, confirmed, acknowledged, voided } = state
  return { epoch, lastSeq, open, confirmed, acknowledged, voided, pruned: prunedSet(state) }
}

/** Adds what a receipt settles of this epoch. */
export function confirm(state: EpochState, settled: readonly Range[], complete: boolean): EpochState {
  const named = intersect(rangeSet(settled), upTo(state.lastSeq))
  const acknowledged = state.acknowledged || (complete && equal(named, upTo(state.lastSeq)))
  return { ...state, acknowledged, confirmed: union(state.confirmed, named) }
}

export function unconfirm(state: EpochState): EpochState {
  return isEmpty(state.confirmed) ? state : { ...state, confirmed: NOTHING, acknowledged: false }
}

export function prune(state: EpochState, ranges: RangeSet, stores: readonly StoreGeneration[]): EpochState {
  if (isEmpty(ranges)) return state
  const last = state.pruned.findIndex((entry) => sameStores(entry.stores, stores))
  const entry = { stores, ranges: union(state.pruned[last]?.ranges ?? NOTHING, ranges) }
  const pruned = last < 0 ? [...state.pruned, entry] : state.pruned.with(last, entry)
  return { ...state, pruned }
}

export function declareVoid(state: EpochState, ranges: RangeSet, why: string): EpochState {
  const same = state.voided.filter((entry) => entry.why === why).map(({ range }) => range)
  const others = state.voided.filter((entry) => entry.why !== why)
  const voided = [...others, ...rangeSet([...same, ...ranges]).map((range) => ({ range, why }))]
  return { ...state, voided: voided.sort((a, b) => a.range[0] - b.range[0]) }
}

/** A stretch of positions of which the same is to be said. */
export type Segment =
  | { readonly kind: 'held'; readonly range: Range }
  | { readonly kind: 'void'; readonly range: Range; readonly why: string }
  | { readonly kind: 'pruned'; readonly range: Range; readonly stores: readonly StoreGeneration[] }
  | { readonly kind: 'never-held'; readonly range: Range }

/** The longest stretch that begins at `from` and ends at or before `to`. */
export function segmentAt(state: EpochState, from: Seq, to: Seq): Segment {
  if (from > state.lastSeq) return { kind: 'never-held', range: [from, to] }
  const end = Math.min(to, state.lastSeq)
  for (const { range, why } of state.voided) {
    if (range[0] <= from && from <= range[1]) return { kind: 'void', range: [from, Math.min(end, range[1])], why }
  }
  for (const { ranges, stores } of state.pruned) {
    if (contains(ranges, from)) return { kind: 'pruned', range: [from, Math.min(end, endIn(ranges, from))], stores }
  }
  const starts = [
    ...state.voided.map(({ range }) => range[0]),
    ...state.pruned.flatMap((p) => p.ranges.map(([a]) => a)),
  ]
  const next = starts.reduce((least, start) => (start > from && start < least ? start : least), end + 1)
  return { kind: 'held', range: [from, next - 1] }
}

/** The order of the stores means nothing. */
export function sameStores(a: readonly StoreGeneration[], b: readonly StoreGeneration[]): boolean {
  return storesKey(a) === storesKey(b)
}

function storesKey(stores: readonly StoreGeneration[]): string {
  return JSON.stringify(stores.map(({ store, generation }) => [store, generation]).sort())
}

function endIn(ranges: RangeSet, seq: Seq): Seq {
  return ranges.find(([a, b]) => a <= seq && seq <= b)?.[1] ?? seq
}
