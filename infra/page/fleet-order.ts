/** Which gateways of the fleet are shown, and in which order: trouble first. */

import type { GatewayRow } from '../../services/status/page-api.ts'
import type { FleetRoute, Shown, Sort } from './route.ts'

const COLLATOR = new Intl.Collator('en-GB', { numeric: true })

/** Greatest first; `null` last. */
const BY_NUMBER: Readonly<Record<Exclude<Sort, 'trouble' | 'gateway'>, (row: GatewayRow) => number>> = {
  accepted: (row) => row.accepted,
  settled: (row) => row.settled,
  pending: (row) => row.pending,
  missing: (row) => row.missing,
  journal: (row) => row.journal?.readings ?? -1,
  // The oldest mark is the one to look at.
  mark: (row) => -Date.parse(row.last_mark ?? '1970-01-01'),
}

/** 0 is the worst: cut, then silent, then missing readings, then merely open. */
export function troubleOf({ state, link, missing }: GatewayRow): number {
  if (state === 'complete') return 5
  if (state === 'closed') return 4
  if (link === 'cut') return 0
  if (link === 'silent') return 1
  return missing > 0 ? 2 : 3
}

export function isShown(row: GatewayRow, { shown, search }: Pick<FleetRoute, 'shown' | 'search'>): boolean {
  return isOf(row, shown) && row.gateway.toLowerCase().includes(search.trim().toLowerCase())
}

function isOf({ state, link }: GatewayRow, shown: Shown): boolean {
  return shown === 'all' || state === shown || link === shown
}

/** The names, in order. */
export function fleetOrder(rows: Iterable<GatewayRow>, route: Omit<FleetRoute, 'view'>): readonly string[] {
  const { sort } = route
  const weight =
    sort === 'trouble' ? troubleOf : sort === 'gateway' ? () => 0 : (row: GatewayRow) => -BY_NUMBER[sort](row)
  return [...rows]
    .filter((row) => isShown(row, route))
    .map((row) => ({ gateway: row.gateway, weight: weight(row) }))
    .sort((x, y) => x.weight - y.weight || COLLATOR.compare(x.gateway, y.gateway))
    .map(({ gateway }) => gateway)
}
