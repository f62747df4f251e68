/** What the page knows of the fleet: sums that stay right as rows change, and when the whole must be asked for again. */

import { describe, expect, test } from 'vitest'
import { type Changed, FleetState } from '../../../infra/page/fleet-state.ts'
import type { GatewayRow } from '../../../services/status/page-api.ts'
import { countsOf, fleetOf, gatewayRow } from '../../browser/fleet-fixture.ts'

function changesOf(rows: readonly GatewayRow[], all: readonly GatewayRow[]) {
  return { as_of: 'later', state: 'open', counts: countsOf(all), version: 2, gateways: rows } as const
}

function fleetWith(...rows: readonly GatewayRow[]): FleetState {
  const fleet = new FleetState()
  fleet.whole(fleetOf(new Map(rows.map((row) => [row.gateway, row])), 1))
  return fleet
}

describe('the state of the fleet in the page', () => {
  const a = gatewayRow('a', { accepted: 100 })
  const b = gatewayRow('b', { accepted: 50, missing: 10 })

  test('sums what is accepted and settled, also after changes and after the whole came again', () => {
    const fleet = fleetWith(a, b)
    expect([fleet.accepted, fleet.settled]).toEqual([150, 140])
    const grown = gatewayRow('a', { accepted: 130, missing: 5 })
    expect(fleet.change(changesOf([grown], [grown, b]))).toBe(true)
    expect([fleet.accepted, fleet.settled]).toEqual([180, 165])
    fleet.whole(fleetOf(new Map([['b', b]]), 3))
    expect([fleet.accepted, fleet.settled, fleet.rows.size]).toEqual([50, 40, 1])
  })

  test('notices that a gateway is gone', () => {
    expect(fleetWith(a, b).change(changesOf([b], [b]))).toBe(false)
  })

  test('does not ask for the whole again and again where the server counts otherwise', () => {
    const fleet = new FleetState()
    fleet.whole({ ...fleetOf(new Map([['a', a]]), 1), counts: countsOf([a, b]) })
    expect(fleet.change(changesOf([a], [a, b]))).toBe(true)
  })

  test('tells its listeners what changed, until they have heard enough', () => {
    const fleet = fleetWith(a, b)
    const heard: Changed[] = []
    const end = fleet.listen((changed) => heard.push(changed))
    fleet.change(changesOf([b], [a, b]))
    fleet.whole(fleetOf(new Map([['a', a]]), 3))
    end()
    fleet.change(changesOf([a], [a]))
    expect(heard).toEqual([new Set(['b']), 'all'])
  })
})
