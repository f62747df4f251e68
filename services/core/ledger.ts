/** The ledger of one gateway: per epoch and store, which positions are settled and how. State only; `fold.ts` changes it. */

import type { Epoch, GatewayId, Seq } from '../../schemas/reading.ts'
import type { EpochRanges } from '../../schemas/records/events.ts'
import type { LedgerChange, LedgerRows } from '../ports/ledger-store.ts'
import type { RangeSet } from './range-set.ts'

/** The source topics a store passes; offsets are of the gateway's partition. */
export interface SourceOffsets {
  readonly readings: number
  readonly recovery_data: number
}

/** What one generation of a store holds of one epoch. `landed` is stored or duplicate. */
export interface StoreEpoch {
  readonly landed: RangeSet
  readonly conflict: RangeSet
  readonly rejected: RangeSet
  /** Settled by an earlier receipt for exactly this generation, no longer at the gateway. */
  readonly pruned: RangeSet
  /** No longer at the gateway, and never settled here: waits for a write-off. */
  readonly gone: RangeSet
  readonly neverHeld: RangeSet
  /** Answers this store could not read, by source offset. */
  readonly undecodable: readonly { readonly offset: number; readonly ranges: RangeSet }[]
  /** Highest high water or final this store has passed. */
  readonly passed: Seq
  /** When the log had appended the newest mark it has passed with that. */
  readonly passedMs: number
  /** Landings from source offsets below `ends` do not count for `ranges`. */
  readonly revoked: { readonly ranges: RangeSet; readonly ends: SourceOffsets }
}

export interface EpochLedger {
  readonly epoch: Epoch
  /** Offset on `readings` where it was first and last spoken of as the live epoch; first is Infinity when it never was. */
  readonly firstMark: number
  readonly lastMark: number
  /** When the log had appended the last mark, and its place among the records that its gateway made. */
  readonly lastMarkMs: number
  readonly lastSent: number
  /** Highest high water or final seen by anyone, and an offset on `readings` by which it had been said. */
  readonly highWater: Seq
  readonly highWaterAt: number
  /** What a proof must cover: the highest high water, final or journal head seen by anyone. */
  readonly bound: Seq
  readonly final: Seq | null
  readonly voided: RangeSet
  /** Written off, each with the readings offset from which a mark makes it requestable again. */
  readonly lost: readonly { readonly ranges: RangeSet; readonly readingsNext: number; readonly reason: string }[]
  /** By store, then by generation. */
  readonly stores: Readonly<Record<string, Readonly<Record<string, StoreEpoch>>>>
}

export interface GenerationState {
  readonly generation: string
  /** Offset on `landings` of the first statement of a sink that named it; null where the ledger began after that. A later one is of the newer generation. */
  readonly statedAt: number | null
  /** Offset on `landings` of the first record that named it: decides between generations of which no statement is known. */
  readonly firstSeen: number
  readonly lastSeen: number
  /** From where it reads on; what lies before is settled or quarantined. */
  readonly next: SourceOffsets
}

export interface StoreState {
  readonly store: string
  /** Positions at or below are not required of this store, by epoch: what was known when it was registered. */
  readonly baseline: Readonly<Record<string, Seq>>
  readonly generations: readonly GenerationState[]
}

/** Of the newest marks of the epochs, the one appended last. */
export interface LastMark {
  readonly epoch: Epoch
  readonly offset: number
  readonly appendedMs: number
}

export interface OutageState {
  readonly id: string
  readonly lostMs: number | null
  readonly lostAt: { readonly epoch: Epoch; readonly seq: Seq } | null
  readonly restoredMs: number | null
  readonly restoredAt: { readonly epoch: Epoch; readonly seq: Seq } | null
  readonly noticedBy: string
  readonly reason: string
  /** When the log appended the disconnect. */
  readonly appendedMs: number
}

/** A request as it was sent. */
export interface RequestState {
  readonly requestId: string
  readonly asked: readonly EpochRanges[]
  readonly sentMs: number
  readonly attempt: number
  readonly parts: number
  /** Offset on `recovery_data` of the last part, once it is there. */
  readonly answeredAt: number | null
}

export interface LedgerHead {
  readonly gateway: GatewayId
  readonly lastMark: LastMark | null
  readonly stores: Readonly<Record<string, StoreState>>
  readonly outages: readonly OutageState[]
  /** Sent, and not yet passed by every required store. At most one is not answered. */
  readonly requests: readonly RequestState[]
  /** Requests since the last fruitful one that ended without an answer, or were answered and left the same positions missing. */
  readonly fruitless: number
  /** What the newest request asked, and offset of the newest mark then. */
  readonly lastAsked: readonly EpochRanges[]
  readonly lastAskedMark: number
}

/** Mutable by the core alone; its values are not. `changed` names the epochs to save, `unsettled` those that may still have something to ask for. */
export interface Ledger {
  version: number
  head: LedgerHead
  readonly epochs: Map<Epoch, EpochLedger>
  readonly unsettled: Set<Epoch>
  readonly changed: Set<Epoch>
  headChanged: boolean
}

export const NO_OFFSETS: SourceOffsets = { readings: 0, recovery_data: 0 }

export const EMPTY_STORE_EPOCH: StoreEpoch = {
  landed: [],
  conflict: [],
  rejected: [],
  pruned: [],
  gone: [],
  neverHeld: [],
  undecodable: [],
  passed: 0,
  passedMs: 0,
  revoked: { ranges: [], ends: NO_OFFSETS },
}

export function newLedger(gateway: GatewayId): Ledger {
  return {
    version: 0,
    head: {
      gateway,
      lastMark: null,
      stores: {},
      outages: [],
      requests: [],
      fruitless: 0,
      lastAsked: [],
      lastAskedMark: -1,
    },
    epochs: new Map(),
    unsettled: new Set(),
    changed: new Set(),
    headChanged: false,
  }
}

export function newEpoch(epoch: Epoch): EpochLedger {
  return {
    epoch,
    firstMark: Number.MAX_SAFE_INTEGER,
    lastMark: -1,
    lastMarkMs: 0,
    lastSent: -1,
    highWater: 0,
    highWaterAt: Number.MAX_SAFE_INTEGER,
    bound: 0,
    final: null,
    voided: [],
    lost: [],
    stores: {},
  }
}

/** Rows are written by this code alone, so they are trusted to have its shape. */
export function ledgerFromRows(rows: LedgerRows): Ledger {
  const epochs = new Map<Epoch, EpochLedger>()
  for (const [epoch, row] of rows.epochs) epochs.set(epoch as Epoch, row as EpochLedger)
  const unsettled = new Set(epochs.keys())
  return {
    version: rows.version,
    head: rows.head as LedgerHead,
    epochs,
    unsettled,
    changed: new Set(),
    headChanged: false,
  }
}

/** What changed since the last save; the caller saves it and sets the version. */
export function takeChange(ledger: Ledger): LedgerChange | undefined {
  if (!ledger.headChanged && ledger.changed.size === 0) return undefined
  const epochs = new Map<string, unknown>()
  for (const epoch of ledger.changed) epochs.set(epoch, ledger.epochs.get(epoch) ?? null)
  ledger.changed.clear()
  ledger.headChanged = false
  return { head: ledger.head, epochs }
}

/**
 * A generation that the ledger met in landings alone was stated before the ledger began, so it is older than any whose statement it has seen: its landings
 * were on their way while the store was replaced.
 */
export function isNewer(x: GenerationState, y: GenerationState): boolean {
  const [a, b] = [x.statedAt ?? -1, y.statedAt ?? -1]
  return a === b ? x.firstSeen > y.firstSeen : a > b
}

/** The generation of a store's present content. */
export function currentGeneration(state: StoreState): GenerationState | undefined {
  return state.generations.reduce<GenerationState | undefined>(
    (newest, each) => (newest === undefined || isNewer(each, newest) ? each : newest),
    undefined,
  )
}

export function storeEpoch(epoch: EpochLedger, state: StoreState | undefined): StoreEpoch {
  const generation = state === undefined ? undefined : currentGeneration(state)?.generation
  return (generation === undefined ? undefined : epoch.stores[state?.store ?? '']?.[generation]) ?? EMPTY_STORE_EPOCH
}
