/** One gateway's whole story: its row, its epochs, its outages with what was accepted and what has landed of them, and what it was asked for. */

import { SEQ_MAX } from '../../schemas/reading.ts'
import { type EpochLedger, type Ledger, ledgerFromRows, type OutageState } from '../core/ledger.ts'
import { landedIn } from '../core/missing.ts'
import { intersect, isEmpty, type RangeSet, size, upTo } from '../core/range-set.ts'
import { outagePositions, type State, type VerdictMoment, verdict } from '../core/verdict.ts'
import type { LedgerRows } from '../ports/ledger-store.ts'
import { gatewayRow, type HostedFacts, unheardRow } from './gateway-rows.ts'
import { beganMs, format, openOutagesOnly, requestRows } from './judged.ts'
import type { GatewayDetail, OutageRow } from './page-api.ts'

const OUTAGES_MAX = 1000

export function gatewayDetail(
  rows: LedgerRows | undefined,
  hosted: HostedFacts | undefined,
  moment: VerdictMoment,
): GatewayDetail | undefined {
  const as_of = format(moment.nowMs)
  if (rows !== undefined) {
    const ledger = ledgerFromRows(rows)
    const found = verdict(openOutagesOnly(ledger), moment)
    const outages = outageRows(ledger, newest(ledger).slice(0, OUTAGES_MAX), moment)
    const requests = requestRows(ledger).map(({ row }) => row)
    return { as_of, ...gatewayRow(found, hosted), epochs: found.epochs, outages, requests }
  }
  if (hosted === undefined) return undefined
  return { as_of, ...unheardRow(hosted, moment.required), epochs: [], outages: [], requests: [] }
}

function newest({ head }: Ledger): readonly OutageState[] {
  return head.outages.toSorted((x, y) => beganMs(y) - beganMs(x))
}

/** In the order given. As the verdict has them, but what an epoch misses and has landed is worked out once for all of its outages. */
export function outageRows(
  ledger: Ledger,
  outages: readonly OutageState[],
  moment: VerdictMoment,
): readonly OutageRow[] {
  const { epochs } = verdict(openOutagesOnly(ledger), moment)
  const missing = new Map(epochs.map((each) => [each.epoch, each.missing]))
  const landed = landedEverywhere(ledger, moment.required)
  return outages.map((outage) => {
    const spans = outagePositions(ledger, outage)
    const accepted = total(spans.map(({ ranges }) => ranges))
    const landedOf = total(spans.map(({ epoch, ranges }) => intersect(ranges, landed(epoch))))
    const misses = spans.some(({ epoch, ranges }) => !isEmpty(intersect(ranges, missing.get(epoch.epoch) ?? [])))
    const state: State = outage.restoredMs === null || misses ? 'open' : landedOf === accepted ? 'complete' : 'closed'
    return {
      id: outage.id,
      lost_connection_time: outage.lostMs === null ? null : format(outage.lostMs),
      restored_connection_time: outage.restoredMs === null ? null : format(outage.restoredMs),
      reason: outage.reason,
      noticed_by: outage.noticedBy,
      positions: spans.flatMap(({ epoch, ranges }) => ranges.map(([a, b]) => `${epoch.epoch}:${a}-${b}`)),
      state,
      gateway: ledger.head.gateway,
      accepted,
      landed: landedOf,
    }
  })
}

function total(sets: readonly RangeSet[]): number {
  return sets.reduce((sum, ranges) => sum + size(ranges), 0)
}

/** Of each epoch worked out once. */
function landedEverywhere(ledger: Ledger, required: readonly string[]): (epoch: EpochLedger) => RangeSet {
  const known = new Map<EpochLedger, RangeSet>()
  return (epoch) => {
    const held = known.get(epoch)
    if (held !== undefined) return held
    const stores = required.map((store) => landedIn(epoch, ledger.head.stores[store]))
    const landed = stores.reduce(intersect, upTo(SEQ_MAX))
    known.set(epoch, landed)
    return landed
  }
}
