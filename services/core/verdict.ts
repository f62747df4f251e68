/** The completeness report: what a ledger proves about a gateway, as of now. */

import type { Range, Seq } from '../../schemas/reading.ts'
import { currentGeneration, type EpochLedger, type Ledger, type OutageState, storeEpoch } from './ledger.ts'
import { landedIn, lostOf, missingIn, passedBy, rejectedIn, settledIn } from './missing.ts'
import { contains, intersect, isEmpty, type RangeSet, rangeSet, size, subtract, union, upTo } from './range-set.ts'
import { SILENT_HEARTBEATS } from './request-rule.ts'

export type State = 'complete' | 'closed' | 'open'

export interface StoreVerdict {
  readonly generation: string | null
  readonly landed: number
  readonly conflict: number
  readonly rejected: number
  readonly missing: number
}

export interface EpochVerdict {
  readonly epoch: string
  readonly bound: Seq
  readonly final_seq: Seq | null
  readonly state: State
  readonly missing: readonly Range[]
}

export interface OutageVerdict {
  readonly id: string
  readonly lost_connection_time: string | null
  readonly restored_connection_time: string | null
  readonly reason: string
  readonly noticed_by: string
  /** `EPOCH:A-B`, the positions accepted meanwhile; more than one where the gateway restarted inside. */
  readonly positions: readonly string[]
  readonly state: State
}

export interface GatewayVerdict {
  readonly gateway: string
  readonly state: State
  /** Why it is not complete, for people. */
  readonly because: readonly string[]
  /** The log's time of the mark that the state speaks of: what was accepted later is `pending` and may be on its way. */
  readonly as_of: string | null
  /** Up to where the newest epoch is judged: the highest position that every required store should have by then. */
  readonly due: Seq
  readonly connected: boolean
  readonly last_mark: string | null
  /** Its offset on `readings`, in the gateway's partition. */
  readonly last_mark_offset: number | null
  readonly accepted: number
  readonly settled: number
  readonly pending: number
  readonly void: number
  readonly lost: number
  readonly stores: Readonly<Record<string, StoreVerdict>>
  /** Complete epochs older than the newest ten are one row, `epoch: "N older epochs"`. */
  readonly epochs: readonly EpochVerdict[]
  readonly outages: readonly OutageVerdict[]
}

export interface VerdictMoment {
  readonly required: readonly string[]
  readonly nowMs: number
  readonly heartbeatMs: number
  readonly format: (ms: number) => string
}

const EPOCHS_SHOWN = 10

/** What is due of an epoch, and as of when. */
interface Due {
  readonly bound: Seq
  readonly asOfMs: number
}

/**
 * Of an ended epoch everything is due, at once. Of the newest one what lies at or below the mark that every required store has passed; positions above it
 * are on their way, and late once that mark is three heartbeats old. Without that rule a gateway that never rests would never be complete.
 */
function dueOf(ledger: Ledger, epoch: EpochLedger, required: readonly string[]): Due {
  const mark = ledger.head.lastMark
  if (mark === null || epoch.epoch !== mark.epoch) return { bound: epoch.bound, asOfMs: mark?.appendedMs ?? 0 }
  const states = required.map((store) => ledger.head.stores[store])
  const passed = Math.min(epoch.bound, ...states.map((state) => passedBy(epoch, state)))
  if (passed >= epoch.bound) return { bound: epoch.bound, asOfMs: mark.appendedMs }
  return {
    bound: passed,
    asOfMs: Math.min(mark.appendedMs, ...states.map((state) => storeEpoch(epoch, state).passedMs)),
  }
}

function epochState(ledger: Ledger, epoch: EpochLedger, required: readonly string[]): State {
  // Nobody ever said that it accepted anything: journals keep no trace of such a life, so no final will come.
  if (epoch.bound === 0) return 'complete'
  const due = dueOf(ledger, epoch, required).bound
  const bound = upTo(due)
  const states = required.map((store) => ledger.head.stores[store])
  const lost = lostOf(epoch)
  const ended = epoch.final !== null || epoch.epoch === ledger.head.lastMark?.epoch
  if (ended && states.every((state) => isEmpty(subtract(bound, landedIn(epoch, state))))) return 'complete'
  const tailWrittenOff = contains(lost, epoch.bound + 1)
  if (!ended && !tailWrittenOff) return 'open'
  const settled = states.every((state) => isEmpty(missingIn(epoch, state, due)))
  return settled ? 'closed' : 'open'
}

/** Newest last, by where they were first spoken of; epochs known only as finals come first. */
export function inOrder(ledger: Ledger): readonly EpochLedger[] {
  const rank = (each: EpochLedger): number => (each.lastMark < 0 ? -1 : each.firstMark)
  return [...ledger.epochs.values()].sort((x, y) => rank(x) - rank(y) || (x.epoch < y.epoch ? -1 : 1))
}

export function verdict(ledger: Ledger, moment: VerdictMoment): GatewayVerdict {
  const epochs = inOrder(ledger)
  const states = epochs.map((epoch) => epochState(ledger, epoch, moment.required))
  const newest = epochs.find((each) => each.epoch === ledger.head.lastMark?.epoch)
  const due = newest === undefined ? { bound: 0, asOfMs: 0 } : dueOf(ledger, newest, moment.required)
  const because = reasons(ledger, moment, epochs, states, due.asOfMs)
  const late = isLate(due.asOfMs, moment) || !isConnected(ledger, moment)
  const away = late && !(newest !== undefined && contains(lostOf(newest), newest.bound + 1))
  const state = away || states.includes('open') ? 'open' : states.includes('closed') ? 'closed' : 'complete'
  const sums = epochs.map((epoch, i) =>
    states[i] === 'complete' && epoch !== newest ? allSettled(epoch) : sumsOf(ledger, epoch, moment.required),
  )
  const total = (pick: (each: Sums) => number): number => sums.reduce((sum, each) => sum + pick(each), 0)
  return {
    gateway: ledger.head.gateway,
    state,
    because,
    as_of: ledger.head.lastMark === null ? null : moment.format(due.asOfMs),
    due: due.bound,
    connected: isConnected(ledger, moment),
    last_mark: ledger.head.lastMark === null ? null : moment.format(ledger.head.lastMark.appendedMs),
    last_mark_offset: ledger.head.lastMark?.offset ?? null,
    accepted: total((each) => each.accepted),
    settled: total((each) => each.settled),
    pending: total((each) => each.pending),
    void: total((each) => each.voided),
    lost: total((each) => each.lost),
    stores: Object.fromEntries(
      moment.required.map((store) => [store, storeVerdict(ledger, epochs, store, moment.required)]),
    ),
    epochs: epochRows(ledger, epochs, states, moment.required),
    outages: ledger.head.outages.map((each) => outageVerdict(ledger, epochs, each, moment)),
  }
}

/** Heard of within three heartbeats, and no disconnect reported since the newest mark. */
function isConnected(ledger: Ledger, moment: Pick<VerdictMoment, 'nowMs' | 'heartbeatMs'>): boolean {
  const mark = ledger.head.lastMark
  if (mark === null || isLate(mark.appendedMs, moment)) return false
  return !ledger.head.outages.some((each) => each.restoredMs === null && each.appendedMs > mark.appendedMs)
}

function isLate(markMs: number, moment: Pick<VerdictMoment, 'nowMs' | 'heartbeatMs'>): boolean {
  return moment.nowMs - markMs > SILENT_HEARTBEATS * moment.heartbeatMs
}

/** Positions that any required store has neither landed nor otherwise settled. */
function missingAnywhere(ledger: Ledger, epoch: EpochLedger, required: readonly string[]): RangeSet {
  return required.reduce<RangeSet>(
    (sum, store) => union(sum, missingIn(epoch, ledger.head.stores[store], dueOf(ledger, epoch, required).bound)),
    [],
  )
}

interface Sums {
  readonly accepted: number
  readonly settled: number
  readonly pending: number
  readonly voided: number
  readonly lost: number
}

/** `accepted = settled + pending + void + lost`: each position in the first class that fits, landed before all others. */
function sumsOf(ledger: Ledger, epoch: EpochLedger, required: readonly string[]): Sums {
  const bound = upTo(epoch.bound)
  const states = required.map((store) => ledger.head.stores[store])
  const everywhere = (of: (state: (typeof states)[number]) => RangeSet): RangeSet =>
    states.reduce<RangeSet>((sum, state) => intersect(sum, of(state)), bound)
  const withoutVoid = everywhere((state) => {
    const held = storeEpoch(epoch, state)
    return [held.conflict, rejectedIn(epoch, state), held.pruned].reduce(union, landedIn(epoch, state))
  })
  const voided = subtract(
    everywhere((state) => settledIn(epoch, state)),
    withoutVoid,
  )
  const lost = subtract(intersect(lostOf(epoch), bound), union(withoutVoid, voided))
  const settled = size(withoutVoid)
  return {
    accepted: epoch.bound,
    settled,
    voided: size(voided),
    lost: size(lost),
    pending: epoch.bound - settled - size(voided) - size(lost),
  }
}

function allSettled({ bound }: EpochLedger): Sums {
  return { accepted: bound, settled: bound, pending: 0, voided: 0, lost: 0 }
}

function storeVerdict(
  ledger: Ledger,
  epochs: readonly EpochLedger[],
  store: string,
  required: readonly string[],
): StoreVerdict {
  const state = ledger.head.stores[store]
  const count = (of: (epoch: EpochLedger) => RangeSet): number => epochs.reduce((sum, each) => sum + size(of(each)), 0)
  return {
    generation: (state === undefined ? undefined : currentGeneration(state))?.generation ?? null,
    landed: count((epoch) => storeEpoch(epoch, state).landed),
    conflict: count((epoch) => subtract(storeEpoch(epoch, state).conflict, storeEpoch(epoch, state).landed)),
    rejected: count((epoch) => subtract(rejectedIn(epoch, state), landedIn(epoch, state))),
    missing: count((epoch) => missingIn(epoch, state, dueOf(ledger, epoch, required).bound)),
  }
}

function epochRows(
  ledger: Ledger,
  epochs: readonly EpochLedger[],
  states: readonly State[],
  required: readonly string[],
): readonly EpochVerdict[] {
  const rows: EpochVerdict[] = []
  let olderEpochs = 0
  let olderPositions = 0
  for (const [i, epoch] of epochs.entries()) {
    const state = states[i] ?? 'open'
    if (state === 'complete' && i < epochs.length - EPOCHS_SHOWN) {
      olderEpochs += 1
      olderPositions += epoch.bound
      continue
    }
    const missing = missingAnywhere(ledger, epoch, required)
    rows.push({ epoch: epoch.epoch, bound: epoch.bound, final_seq: epoch.final, state, missing })
  }
  if (olderEpochs === 0) return rows
  const summed = { bound: olderPositions, final_seq: olderPositions, state: 'complete' as const, missing: [] }
  return [{ epoch: `${olderEpochs} older epochs`, ...summed }, ...rows]
}

function reasons(
  ledger: Ledger,
  moment: VerdictMoment,
  epochs: readonly EpochLedger[],
  states: readonly State[],
  asOfMs: number,
): readonly string[] {
  const out: string[] = []
  if (!isConnected(ledger, moment)) {
    const reported = ledger.head.outages.some((each) => each.restoredMs === null)
    out.push(reported ? 'the gateway is disconnected' : 'no mark from the gateway within three heartbeats')
  } else if (isLate(asOfMs, moment)) out.push('a store has not come to the newest mark within three heartbeats')
  for (const [i, epoch] of epochs.entries()) {
    if (states[i] !== 'open') continue
    const missing = size(missingAnywhere(ledger, epoch, moment.required))
    if (missing > 0) out.push(`epoch ${epoch.epoch}: ${missing} positions missing`)
    else out.push(`epoch ${epoch.epoch}: its final is not known`)
  }
  if (hasTwoLiveEpochs(epochs)) out.push('two live epochs of this gateway: is its id used twice?')
  return out
}

/** Two epochs whose marks overlap in time cannot be lives of one journal. */
function hasTwoLiveEpochs(epochs: readonly EpochLedger[]): boolean {
  const live = epochs.filter((each) => each.lastMark >= 0)
  return live.some((each, i) => {
    const next = live[i + 1]
    return next !== undefined && each.lastMark > next.firstMark
  })
}

/** What was accepted between the loss and the return: inside one epoch, or over the epochs begun between. */
export function outagePositions(
  ledger: Ledger,
  outage: OutageState,
): readonly { epoch: EpochLedger; ranges: RangeSet }[] {
  const order = inOrder(ledger)
  const from = order.findIndex((each) => each.epoch === outage.lostAt?.epoch)
  if (outage.lostAt === null || from < 0) return []
  const restored = outage.restoredAt
  const to = restored === null ? order.length - 1 : order.findIndex((each) => each.epoch === restored.epoch)
  return order.slice(from, Math.max(from, to) + 1).flatMap((epoch, i, all) => {
    const first = i === 0 ? (outage.lostAt?.seq ?? 0) + 1 : 1
    const last = i === all.length - 1 && restored?.epoch === epoch.epoch ? restored.seq : epoch.bound
    const ranges = rangeSet([[first, last]])
    return isEmpty(ranges) ? [] : [{ epoch, ranges }]
  })
}

function outageVerdict(
  ledger: Ledger,
  epochs: readonly EpochLedger[],
  outage: OutageState,
  moment: VerdictMoment,
): OutageVerdict {
  const spans = outagePositions(ledger, outage)
  const missing = spans.some(
    ({ epoch, ranges }) => !isEmpty(intersect(ranges, missingAnywhere(ledger, epoch, moment.required))),
  )
  const landed = spans.every(({ epoch, ranges }) =>
    moment.required.every((store) => isEmpty(subtract(ranges, landedIn(epoch, ledger.head.stores[store])))),
  )
  const known = outage.restoredMs !== null && epochs.length > 0
  return {
    id: outage.id,
    lost_connection_time: outage.lostMs === null ? null : moment.format(outage.lostMs),
    restored_connection_time: outage.restoredMs === null ? null : moment.format(outage.restoredMs),
    reason: outage.reason,
    noticed_by: outage.noticedBy,
    positions: spans.flatMap(({ epoch, ranges }) => ranges.map(([a, b]) => `${epoch.epoch}:${a}-${b}`)),
    state: !known || missing ? 'open' : landed ? 'complete' : 'closed',
  }
}
