/** The order of the fleet: trouble first, and what a filter or a search leaves. */

import { describe, expect, test } from 'vitest'
import { fleetOrder } from '../../../infra/page/fleet-order.ts'
import { gatewayRow } from '../../browser/fleet-fixture.ts'

const ALL = { shown: 'all', search: '', sort: 'trouble' } as const

const rows = [
  gatewayRow('fine-10'),
  gatewayRow('fine-9'),
  gatewayRow('shut', { state: 'closed', lost: 3 }),
  gatewayRow('late', { state: 'open' }),
  gatewayRow('gap', { state: 'open', missing: 5 }),
  gatewayRow('quiet', { state: 'open', link: 'silent', missing: 9 }),
  gatewayRow('off', { state: 'open', link: 'cut' }),
]

describe('the order of the fleet', () => {
  test('puts cut, silent, missing and open links before closed and complete ones, numbers in names as numbers', () => {
    expect(fleetOrder(rows, ALL)).toEqual(['off', 'quiet', 'gap', 'late', 'shut', 'fine-9', 'fine-10'])
  })

  test('shows the gateways of one state or one kind of link', () => {
    expect(fleetOrder(rows, { ...ALL, shown: 'open' })).toEqual(['off', 'quiet', 'gap', 'late'])
    expect(fleetOrder(rows, { ...ALL, shown: 'silent' })).toEqual(['quiet'])
    expect(fleetOrder(rows, { ...ALL, shown: 'closed' })).toEqual(['shut'])
  })

  test('finds a part of a name, in whatever case', () => {
    expect(fleetOrder(rows, { ...ALL, search: ' FINE' })).toEqual(['fine-9', 'fine-10'])
  })

  test('puts the greatest number, or the oldest mark, first', () => {
    expect(fleetOrder(rows, { ...ALL, sort: 'missing' }).slice(0, 2)).toEqual(['quiet', 'gap'])
    const old = gatewayRow('old', { last_mark: '2020-01-01T00:00:00.000Z' })
    expect(fleetOrder([...rows, old], { ...ALL, sort: 'mark' })[0]).toBe('old')
  })
})
