/** What is settled, what is missing, and of that what may be asked for: per epoch and store. */

import type { Seq } from '../../schemas/reading.ts'
import type { EpochRanges } from '../../schemas/records/events.ts'
import { currentGeneration, type EpochLedger, type Ledger, type StoreState, storeEpoch } from './ledger.ts'
import { isEmpty, NOTHING, type RangeSet, rangeSet, subtract, union, upTo } from './range-set.ts'

/** After so many answers that a store could not read, the positions in them count as rejected there. */
const UNDECODABLE_MAX = 3

/** Positions some operator wrote off, whether or not a later mark makes them requestable again. */
export function lostOf(epoch: EpochLedger): RangeSet {
  return rangeSet(epoch.lost.flatMap((each) => each.ranges))
}

/** Those written off that the gateway has not come back for since. */
function lostForGood(epoch: EpochLedger, lastMarkOffset: number): RangeSet {
  return rangeSet(epoch.lost.filter((each) => lastMarkOffset < each.readingsNext).flatMap((each) => each.ranges))
}

function unreadable(epoch: EpochLedger, state: StoreState | undefined): RangeSet {
  const { undecodable } = storeEpoch(epoch, state)
  if (undecodable.length < UNDECODABLE_MAX) return NOTHING
  const edges: [number, number][] = []
  for (const { ranges } of undecodable) for (const [a, b] of ranges) edges.push([a, 1], [b + 1, -1])
  edges.sort((x, y) => x[0] - y[0] || x[1] - y[1])
  const out: [Seq, Seq][] = []
  let depth = 0
  for (const [at, step] of edges) {
    const before = depth
    depth += step
    if (before < UNDECODABLE_MAX && depth >= UNDECODABLE_MAX) out.push([at, at])
    const open = out.at(-1)
    if (before >= UNDECODABLE_MAX && depth < UNDECODABLE_MAX && open !== undefined) open[1] = at - 1
  }
  return rangeSet(out)
}

/** Landed, or not required of this store. */
export function landedIn(epoch: EpochLedger, state: StoreState | undefined): RangeSet {
  return union(storeEpoch(epoch, state).landed, upTo(state?.baseline[epoch.epoch] ?? 0))
}

export function rejectedIn(epoch: EpochLedger, state: StoreState | undefined): RangeSet {
  return union(storeEpoch(epoch, state).rejected, unreadable(epoch, state))
}

/** Landed, or its quarantine entry is durable, or void. Write-offs are not in it. */
export function settledIn(epoch: EpochLedger, state: StoreState | undefined): RangeSet {
  const held = storeEpoch(epoch, state)
  return [held.conflict, rejectedIn(epoch, state), held.pruned, epoch.voided].reduce(union, landedIn(epoch, state))
}

/** Up to `bound`, neither settled nor lost in this store. */
export function missingIn(epoch: EpochLedger, state: StoreState | undefined, bound: Seq): RangeSet {
  return subtract(subtract(upTo(bound), settledIn(epoch, state)), lostOf(epoch))
}

export function settledEverywhere(ledger: Ledger, epoch: EpochLedger, required: readonly string[]): RangeSet {
  const unsettled = required.reduce<RangeSet>(
    (sum, store) => union(sum, subtract(upTo(epoch.bound), settledIn(epoch, ledger.head.stores[store]))),
    NOTHING,
  )
  return subtract(upTo(epoch.bound), unsettled)
}

/**
 * What may be asked of the gateway now: missing up to the mark the store itself has passed, without what is already asked for, gone, or (unless
 * `patient`) was never held by who answered last.
 */
export function askable(ledger: Ledger, required: readonly string[], patient: boolean): readonly EpochRanges[] {
  const out: EpochRanges[] = []
  for (const id of [...ledger.unsettled]) {
    const epoch = ledger.epochs.get(id)
    if (epoch === undefined || isSettled(ledger, epoch, required)) {
      ledger.unsettled.delete(id)
      continue
    }
    if (required.every((store) => isEmpty(wanted(ledger, epoch, ledger.head.stores[store])))) continue
    const ranges = required.reduce<RangeSet>((sum, store) => {
      const state = ledger.head.stores[store]
      const held = storeEpoch(epoch, state)
      const skip = union(held.gone, patient ? NOTHING : held.neverHeld)
      return union(sum, subtract(subtract(wanted(ledger, epoch, state), skip), asked(ledger, epoch, state)))
    }, NOTHING)
    if (!isEmpty(ranges)) out.push({ epoch: epoch.epoch, ranges })
  }
  return out
}

/** Nothing of this epoch can be asked for until an event changes it. */
function isSettled(ledger: Ledger, epoch: EpochLedger, required: readonly string[]): boolean {
  return required.every((store) => isEmpty(subtract(upTo(epoch.bound), settledIn(epoch, ledger.head.stores[store]))))
}

/** The high water of the epoch as far as this store is past the record that said it: by its landings, or by where it reads on. */
export function passedBy(epoch: EpochLedger, state: StoreState | undefined): Seq {
  const next = (state === undefined ? undefined : currentGeneration(state))?.next.readings ?? 0
  return next > epoch.highWaterAt ? epoch.highWater : storeEpoch(epoch, state).passed
}

function wanted(ledger: Ledger, epoch: EpochLedger, state: StoreState | undefined): RangeSet {
  const passed = passedBy(epoch, state)
  if (passed === 0) return NOTHING
  const lost = lostForGood(epoch, ledger.head.lastMark?.offset ?? -1)
  return subtract(subtract(upTo(passed), settledIn(epoch, state)), lost)
}

/** Asked for and not yet answered, or answered by a record that this store has not passed. */
function asked(ledger: Ledger, epoch: EpochLedger, state: StoreState | undefined): RangeSet {
  const next = (state === undefined ? undefined : currentGeneration(state))?.next.recovery_data ?? 0
  const open = ledger.head.requests.filter((each) => each.answeredAt === null || each.answeredAt >= next)
  return rangeSet(
    open.flatMap((each) => each.asked.filter((part) => part.epoch === epoch.epoch).flatMap((part) => part.ranges)),
  )
}
