/** Rows of the fleet: what the ledger says of a gateway, and what this process knows of one that it hosts. */

import type { GatewayVerdict, State, StoreVerdict } from '../core/verdict.ts'
import type { FleetCounts, GatewayRow, JournalRow } from './page-api.ts'

/** A gateway that runs in this process. */
export interface HostedFacts {
  readonly gateway: string
  readonly cut: boolean
  readonly journal: JournalRow
}

const NOT_ONE: StoreVerdict = { generation: null, landed: 0, conflict: 0, rejected: 0, missing: 0 }

export function gatewayRow(of: GatewayVerdict, hosted: HostedFacts | undefined): GatewayRow {
  const { gateway, state, because, connected, last_mark, accepted, settled, pending, lost, stores } = of
  return {
    gateway,
    state,
    because,
    link: hosted?.cut === true ? 'cut' : connected ? 'up' : 'silent',
    switchable: hosted !== undefined,
    last_mark,
    accepted,
    settled,
    pending,
    void: of.void,
    lost,
    missing: Object.values(stores).reduce((most, { missing }) => Math.max(most, missing), 0),
    journal: hosted?.journal ?? null,
    stores,
  }
}

/** It runs here and the ledger has not heard of it yet. */
export function unheardRow({ gateway, cut, journal }: HostedFacts, required: readonly string[]): GatewayRow {
  return {
    gateway,
    state: 'open',
    because: ['nothing of it has come to the ledger yet'],
    link: cut ? 'cut' : 'silent',
    switchable: true,
    last_mark: null,
    accepted: 0,
    settled: 0,
    pending: 0,
    void: 0,
    lost: 0,
    missing: 0,
    journal,
    stores: Object.fromEntries(required.map((store) => [store, NOT_ONE])),
  }
}

export function countsOf(rows: Iterable<GatewayRow>): FleetCounts {
  const counts = { gateways: 0, complete: 0, closed: 0, open: 0, silent: 0, cut: 0 }
  for (const { state, link } of rows) {
    counts.gateways += 1
    counts[state] += 1
    if (link !== 'up') counts[link] += 1
  }
  return counts
}

/** A fleet nobody has heard of is open, as a proof of it is. */
export function fleetState({ gateways, open, closed }: FleetCounts): State {
  if (open > 0 || gateways === 0) return 'open'
  return closed > 0 ? 'closed' : 'complete'
}
