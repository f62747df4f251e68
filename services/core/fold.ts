/** How events change a ledger: unions and maxima, so that order, repetition and overlap of the events change nothing. */

import type { Epoch, Seq } from '../../schemas/reading.ts'
import type { Final } from '../../schemas/records/batch.ts'
import type {
  ConnectionStatus,
  LandedRanges,
  Landings,
  Revoked,
  SinkPosition,
  WrittenOff,
} from '../../schemas/records/events.ts'
import {
  EMPTY_STORE_EPOCH,
  type EpochLedger,
  type GenerationState,
  isNewer,
  type Ledger,
  type LedgerHead,
  NO_OFFSETS,
  newEpoch,
  type OutageState,
  type SourceOffsets,
  type StoreEpoch,
  type StoreState,
} from './ledger.ts'
import { NOTHING, type RangeSet, rangeSet, subtract, union } from './range-set.ts'

/** A record of `readings`, as its headers tell it. */
export interface MarkEvent {
  readonly kind: 'mark'
  readonly epoch: Epoch
  readonly highWater: Seq | null
  readonly head: Seq
  readonly finals: readonly Final[]
  /** Counts the records of the epoch as its gateway made them; where it is not told, the order on the log is taken for it. */
  readonly sent?: number
  readonly offset: number
  readonly appendedMs: number
}

/** A record of `recovery_data`, as its headers tell it. */
export interface AnswerEvent {
  readonly kind: 'answer'
  readonly requestId: string
  readonly part: number
  readonly lastPart: boolean
  readonly offset: number
}

export interface StatusEvent {
  readonly kind: 'status'
  readonly status: ConnectionStatus
  readonly appendedMs: number
}

export type LedgerEvent =
  | MarkEvent
  | AnswerEvent
  | StatusEvent
  | { readonly kind: 'landings'; readonly record: Landings; readonly offset: number }
  | { readonly kind: 'position'; readonly record: SinkPosition; readonly offset: number }
  | { readonly kind: 'revoked'; readonly record: Revoked; readonly offset: number }
  | { readonly kind: 'written-off'; readonly record: WrittenOff; readonly offset: number }

/** Outages and generations kept in the head. The oldest go first; nothing of the completeness hangs on them. */
const OUTAGES_MAX = 1000
const GENERATIONS_MAX = 4

export function fold(ledger: Ledger, event: LedgerEvent): void {
  switch (event.kind) {
    case 'mark':
      foldMark(ledger, event)
      break
    case 'answer':
      foldAnswer(ledger, event)
      break
    case 'status':
      setHead(ledger, { outages: withStatus(ledger.head.outages, event) })
      break
    case 'landings':
      foldLandings(ledger, event.record, event.offset)
      break
    case 'position':
      foldPosition(ledger, event.record, event.offset)
      break
    case 'revoked':
      foldRevoked(ledger, event.record, event.offset)
      break
    case 'written-off':
      foldWrittenOff(ledger, event.record)
      break
  }
}

function setHead(ledger: Ledger, change: Partial<LedgerHead>): void {
  ledger.head = { ...ledger.head, ...change }
  ledger.headChanged = true
}

function setEpoch(ledger: Ledger, epoch: Epoch, change: (held: EpochLedger) => EpochLedger): void {
  const held = ledger.epochs.get(epoch) ?? newEpoch(epoch)
  const next = change(held)
  if (next === held) return
  ledger.epochs.set(epoch, next)
  ledger.unsettled.add(epoch)
  ledger.changed.add(epoch)
}

/** The higher one wins; of equal ones the offset by which it was said first. */
function withHighWater(held: EpochLedger, highWater: Seq, at: number): EpochLedger {
  if (highWater < held.highWater || (highWater === held.highWater && at >= held.highWaterAt)) return held
  return { ...held, highWater, highWaterAt: at, bound: Math.max(held.bound, highWater) }
}

function foldMark(ledger: Ledger, mark: MarkEvent): void {
  setEpoch(ledger, mark.epoch, (before) => {
    const held = withHighWater(before, mark.highWater ?? 0, mark.offset)
    return {
      ...held,
      ...newestMark(held, mark),
      bound: Math.max(held.bound, mark.head),
      firstMark: Math.min(held.firstMark, mark.offset),
    }
  })
  foldFinals(ledger, mark.finals, mark.offset)
  const last = ledger.head.lastMark
  const marked = ledger.epochs.get(mark.epoch) ?? newEpoch(mark.epoch)
  // Out of order, a mark may turn out to be the late copy of one before.
  const wasCopy = last?.epoch === mark.epoch && marked.lastMark < last.offset
  const newest = (wasCopy ? [...ledger.epochs.values()] : [marked]).reduce((x, y) => (y.lastMark > x.lastMark ? y : x))
  if (last !== null && !wasCopy && last.offset >= newest.lastMark) return
  setHead(ledger, {
    lastMark: { epoch: newest.epoch, offset: newest.lastMark, appendedMs: newest.lastMarkMs },
  })
}

/** Made last, not appended last: a copy that the log got late, or twice, says nothing of what its gateway has accepted since. */
function newestMark(held: EpochLedger, mark: MarkEvent): Pick<EpochLedger, 'lastMark' | 'lastMarkMs' | 'lastSent'> {
  const sent = mark.sent ?? mark.offset
  const isNewer = sent > held.lastSent || (sent === held.lastSent && mark.offset < held.lastMark)
  if (isNewer) return { lastMark: mark.offset, lastMarkMs: mark.appendedMs, lastSent: sent }
  return { lastMark: held.lastMark, lastMarkMs: held.lastMarkMs, lastSent: held.lastSent }
}

function foldFinals(ledger: Ledger, finals: readonly Final[], at: number): void {
  for (const { epoch, finalSeq } of finals) {
    setEpoch(ledger, epoch, (before) => {
      const held = withHighWater(before, finalSeq, at)
      return held.final !== null && held.final >= finalSeq ? held : { ...held, final: finalSeq }
    })
  }
}

function foldAnswer(ledger: Ledger, answer: AnswerEvent): void {
  const requests = ledger.head.requests.map((request) => {
    if (request.requestId !== answer.requestId) return request
    const parts = Math.max(request.parts, answer.part)
    const answeredAt = answer.lastPart ? Math.max(request.answeredAt ?? 0, answer.offset) : request.answeredAt
    return { ...request, parts, answeredAt }
  })
  setHead(ledger, { requests })
}

/** Events of one outage share an id; the earliest loss and the earliest return count. */
function withStatus(outages: readonly OutageState[], event: StatusEvent): readonly OutageState[] {
  const { status } = event
  const held = outages.find((each) => each.id === status.id)
  const at = { epoch: status.epoch, seq: status.seq }
  const base: OutageState = held ?? {
    id: status.id,
    lostMs: null,
    lostAt: null,
    restoredMs: null,
    restoredAt: null,
    noticedBy: status.noticedBy,
    reason: status.reason,
    appendedMs: event.appendedMs,
  }
  const next =
    status.connectionStatus === 'disconnect'
      ? base.lostMs !== null && base.lostMs <= status.timeMs
        ? base
        : {
            ...base,
            lostMs: status.timeMs,
            lostAt: at,
            noticedBy: status.noticedBy,
            reason: status.reason,
            appendedMs: event.appendedMs,
          }
      : base.restoredMs !== null && base.restoredMs <= status.timeMs
        ? base
        : { ...base, restoredMs: status.timeMs, restoredAt: at }
  const others = outages.filter((each) => each.id !== status.id)
  return [...others, next]
    .sort((x, y) => (x.lostMs ?? x.restoredMs ?? 0) - (y.lostMs ?? y.restoredMs ?? 0) || (x.id < y.id ? -1 : 1))
    .slice(-OUTAGES_MAX)
}

function foldLandings(ledger: Ledger, record: Landings, offset: number): void {
  const next = { ...NO_OFFSETS, [record.source.topic]: record.source.nextOffset }
  touchStore(ledger, record, offset, next)
  foldFinals(ledger, record.finals, record.source.nextOffset - 1)
  const landedEpochs = new Set<Epoch>(record.landed.map((each) => each.epoch))
  for (const epoch of landedEpochs) {
    const landed = record.landed.filter((each) => each.epoch === epoch)
    setStoreEpoch(ledger, epoch, record.store, record.generation, (held) => withLanded(held, landed, record))
    const voided = landed.filter((each) => each.outcome === 'void')
    if (voided.length > 0) {
      setEpoch(ledger, epoch, (held) => ({
        ...held,
        voided: union(held.voided, rangeSet(voided.flatMap((each) => each.ranges))),
      }))
    }
  }
  const passed = [
    ...record.highWaters.map((each) => [each.epoch, each.highWater, each.markMs] as const),
    ...record.finals.map((each) => [each.epoch, each.finalSeq, 0] as const),
  ]
  for (const [epoch, seq, markMs] of passed) {
    setEpoch(ledger, epoch, (held) => withHighWater(held, seq, record.source.nextOffset - 1))
    setStoreEpoch(ledger, epoch, record.store, record.generation, (held) => withPassed(held, seq, markMs))
  }
}

/** The higher mark wins, with its own time: of marks alone the log's clock may go back. */
function withPassed(held: StoreEpoch, passed: Seq, passedMs: number): StoreEpoch {
  const newer = passed > held.passed || (passed === held.passed && passedMs > held.passedMs)
  return newer ? { ...held, passed, passedMs } : held
}

function withLanded(held: StoreEpoch, landed: readonly LandedRanges[], record: Landings): StoreEpoch {
  const stale = record.source.firstOffset < held.revoked.ends[record.source.topic] ? held.revoked.ranges : NOTHING
  const of = (...outcomes: readonly LandedRanges['outcome'][]): RangeSet =>
    rangeSet(landed.filter((each) => outcomes.includes(each.outcome)).flatMap((each) => each.ranges))
  const unread = of('undecodable')
  const known = held.undecodable.some((each) => each.offset === record.source.firstOffset)
  return {
    ...held,
    landed: union(held.landed, subtract(of('stored', 'duplicate'), stale)),
    conflict: union(held.conflict, of('conflict')),
    rejected: union(held.rejected, of('rejected')),
    pruned: union(held.pruned, subtract(of('pruned'), stale)),
    gone: union(held.gone, of('gone')),
    neverHeld: union(held.neverHeld, of('never-held')),
    undecodable:
      unread.length === 0 || known
        ? held.undecodable
        : [...held.undecodable, { offset: record.source.firstOffset, ranges: unread }].sort(
            (x, y) => x.offset - y.offset,
          ),
  }
}

function foldPosition(ledger: Ledger, record: SinkPosition, offset: number): void {
  const next = { ...NO_OFFSETS }
  for (const each of record.offsets) next[each.topic] = each.next
  touchStore(ledger, record, offset, next, true)
}

/**
 * Landings from before the audit no longer count. A landing from at or past `ends` that was folded before this is taken back too: then the positions
 * are asked for once more and land as duplicates, which costs a request and can't claim what is not there.
 */
function foldRevoked(ledger: Ledger, record: Revoked, offset: number): void {
  touchStore(ledger, record, offset, NO_OFFSETS)
  const ends = { ...NO_OFFSETS }
  for (const each of record.ends) ends[each.topic] = each.next
  for (const { epoch, ranges } of record.revoked) {
    setStoreEpoch(ledger, epoch, record.store, record.generation, (held) => ({
      ...held,
      landed: subtract(held.landed, rangeSet(ranges)),
      pruned: subtract(held.pruned, rangeSet(ranges)),
      revoked: { ranges: union(held.revoked.ranges, rangeSet(ranges)), ends: later(held.revoked.ends, ends) },
    }))
  }
}

function foldWrittenOff(ledger: Ledger, record: WrittenOff): void {
  for (const { epoch, ranges } of record.lost) {
    setEpoch(ledger, epoch, (held) => {
      const entry = { ranges: rangeSet(ranges), readingsNext: record.readingsNext, reason: record.reason }
      const same = held.lost.some((each) => JSON.stringify(each) === JSON.stringify(entry))
      return same ? held : { ...held, lost: [...held.lost, entry].sort(byText) }
    })
  }
}

function byText(x: unknown, y: unknown): number {
  return JSON.stringify(x) < JSON.stringify(y) ? -1 : 1
}

function later(x: SourceOffsets, y: SourceOffsets): SourceOffsets {
  return { readings: Math.max(x.readings, y.readings), recovery_data: Math.max(x.recovery_data, y.recovery_data) }
}

function setStoreEpoch(
  ledger: Ledger,
  epoch: Epoch,
  store: string,
  generation: string,
  change: (held: StoreEpoch) => StoreEpoch,
): void {
  setEpoch(ledger, epoch, (held) => {
    const generations = held.stores[store] ?? {}
    const before = generations[generation] ?? EMPTY_STORE_EPOCH
    const after = change(before)
    if (after === before) return held
    return { ...held, stores: { ...held.stores, [store]: { ...generations, [generation]: after } } }
  })
}

/** `isStated`: by a sink's statement of where it reads on, which comes before all that it lands. */
function touchStore(
  ledger: Ledger,
  { store, generation }: { readonly store: string; readonly generation: string },
  offset: number,
  next: SourceOffsets,
  isStated = false,
): void {
  const state: StoreState = ledger.head.stores[store] ?? { store, baseline: {}, generations: [] }
  const held = state.generations.find((each) => each.generation === generation)
  const merged: GenerationState = {
    generation,
    statedAt: isStated ? Math.min(held?.statedAt ?? offset, offset) : (held?.statedAt ?? null),
    firstSeen: Math.min(held?.firstSeen ?? offset, offset),
    lastSeen: Math.max(held?.lastSeen ?? offset, offset),
    next: later(held?.next ?? NO_OFFSETS, next),
  }
  const generations = [...state.generations.filter((each) => each.generation !== generation), merged]
    .sort((x, y) => (isNewer(x, y) ? 1 : -1))
    .slice(-GENERATIONS_MAX)
  if (held === undefined) for (const epoch of ledger.epochs.keys()) ledger.unsettled.add(epoch)
  setHead(ledger, { stores: { ...ledger.head.stores, [store]: { ...state, generations } } })
}

/** Registers a required store: with everything known now as its baseline, or with none to have it all sent. Does nothing when it is registered. */
export function registerStore(ledger: Ledger, store: string, backfill: boolean): void {
  if (ledger.head.stores[store] !== undefined) return
  const baseline: Record<string, Seq> = {}
  if (!backfill) for (const [epoch, held] of ledger.epochs) if (held.bound > 0) baseline[epoch] = held.bound
  setHead(ledger, { stores: { ...ledger.head.stores, [store]: { store, baseline, generations: [] } } })
}
