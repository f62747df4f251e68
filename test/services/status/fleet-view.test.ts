/** The fleet as it is kept from look to look: the same as the proof says, at the cost of what changed. */

import { describe, expect, test } from 'vitest'
import { proofOf } from '../../../services/commands/proof.ts'
import { codeOf } from '../../../services/core/errors.ts'
import { FleetView } from '../../../services/status/fleet-view.ts'
import type { Fleet, FleetChanges } from '../../../services/status/page-api.ts'
import { HEARTBEAT_MS, outage, type SmallFleet, smallFleet } from './small-fleet.ts'

function viewOf(fleet: SmallFleet, breathe = fleet.sources.breathe) {
  const view = new FleetView({ ...fleet.sources, breathe })
  const told: FleetChanges[] = []
  view.listen((look) => told.push(JSON.parse(look.json()) as FleetChanges))
  const whole = (): Fleet => JSON.parse(view.fleetJson()) as Fleet
  return { view, told, whole, rowOf: (id: string) => whole().gateways.find(({ gateway }) => gateway === id) }
}

describe('the view of the fleet', () => {
  test('says of every gateway what the proof says', async () => {
    const fleet = smallFleet()
    await fleet.hear('b', { accepted: 100 })
    await fleet.hear('a', { accepted: 50, landed: [[1, 20]], outages: [outage('o', 1, 20, 40)] })
    await fleet.hear('c', { accepted: 9, outages: [outage('open', fleet.clock.wallMs() + 1, 5, null)] })
    const { view, whole } = viewOf(fleet)
    await view.look()
    const proof = await proofOf({ ...fleet, settings: fleet.settings as never })
    expect(whole().gateways.map(({ gateway }) => gateway)).toEqual(['a', 'b', 'c'])
    for (const verdict of proof.gateways) {
      const row = whole().gateways.find(({ gateway }) => gateway === verdict.gateway)
      const { state, because, last_mark, accepted, settled, pending, stores } = verdict
      expect(row).toMatchObject({ state, because, last_mark, accepted, settled, pending, stores })
      expect(row?.link).toBe(verdict.connected ? 'up' : 'silent')
    }
    expect(whole().state).toBe(proof.state)
    expect(whole().counts).toEqual({ gateways: 3, complete: 1, closed: 0, open: 2, silent: 1, cut: 0 })
    expect(whole().gateways[0]?.missing).toBe(30)
  })

  test('loads only ledgers that changed since the look before', async () => {
    const fleet = smallFleet()
    for (const id of ['a', 'b', 'c']) await fleet.hear(id, { accepted: 10 })
    const { view, told } = viewOf(fleet)
    await view.look()
    expect(fleet.loads()).toEqual(['a', 'b', 'c'])
    await fleet.clock.advance(1000)
    await view.look()
    expect(fleet.loads()).toEqual([])
    expect(told.length).toBe(1)
    await fleet.clock.advance(1000)
    await fleet.hear('b', { accepted: 11 })
    await view.look()
    expect(fleet.loads()).toEqual(['b'])
    expect(told.at(-1)?.gateways.map(({ gateway, accepted }) => [gateway, accepted])).toEqual([['b', 11]])
    expect([told.at(-1)?.version, view.version]).toEqual([2, 2])
  })

  test('looks once for all who ask within a second', async () => {
    const fleet = smallFleet()
    await fleet.hear('a', { accepted: 10 })
    const { view } = viewOf(fleet)
    await Promise.all([view.look(), view.look(), view.look()])
    await fleet.clock.advance(999)
    await view.look()
    expect(fleet.state.asked).toBe(1)
    await fleet.clock.advance(1)
    await Promise.all([view.look(), view.look()])
    expect(fleet.state.asked).toBe(2)
  })

  test('sees a gateway fall silent though nothing was saved, and judges only that one anew', async () => {
    const fleet = smallFleet()
    await fleet.hear('quiet', { accepted: 10 })
    await fleet.clock.advance(HEARTBEAT_MS)
    await fleet.hear('talking', { accepted: 10 })
    const { view, told, rowOf } = viewOf(fleet)
    await view.look()
    fleet.loads()
    await fleet.clock.advance(2 * HEARTBEAT_MS)
    await view.look()
    expect([rowOf('quiet')?.state, fleet.loads()]).toEqual(['complete', []])
    await fleet.clock.advance(1000)
    await view.look()
    expect(fleet.loads()).toEqual(['quiet'])
    expect(told.at(-1)?.gateways).toMatchObject([{ gateway: 'quiet', state: 'open', link: 'silent' }])
    expect(told.at(-1)?.counts).toMatchObject({ silent: 1, open: 1, complete: 1 })
    fleet.clock.setWall(fleet.clock.wallMs() - 2 * HEARTBEAT_MS)
    await fleet.clock.advance(1000)
    await view.look()
    expect(rowOf('quiet')).toMatchObject({ state: 'complete', link: 'up' })
  })

  test('shows what this process hosts beside it: the journal, a cut link, a gateway nobody has heard of yet', async () => {
    const fleet = smallFleet()
    await fleet.hear('a', { accepted: 10 })
    await fleet.hear('far', { accepted: 10 })
    const journal = { readings: 7, unconfirmed: 3, bytes: 100, max_bytes: 1000 }
    fleet.hosted.push({ gateway: 'a', cut: true, journal }, { gateway: 'new', cut: false, journal })
    const { view, told, rowOf } = viewOf(fleet)
    await view.look()
    expect(rowOf('a')).toMatchObject({ link: 'cut', switchable: true, journal, accepted: 10 })
    expect(rowOf('far')).toMatchObject({ link: 'up', switchable: false, journal: null })
    expect(rowOf('new')).toMatchObject({ link: 'silent', state: 'open', accepted: 0, switchable: true })
    expect(rowOf('new')?.stores).toHaveProperty('s')
    await fleet.clock.advance(1000)
    await view.look()
    expect(told.length).toBe(1)
    fleet.hosted.splice(0, 2, { gateway: 'a', cut: false, journal: { ...journal, readings: 8 } })
    await fleet.clock.advance(1000)
    await view.look()
    expect(told.at(-1)?.gateways).toMatchObject([{ gateway: 'a', link: 'up', journal: { readings: 8 } }])
    expect(told.at(-1)?.counts.gateways).toBe(2)
    expect(rowOf('new')).toBeUndefined()
  })

  test('a ledger that is away costs nothing of what was seen, and the look after it goes on', async () => {
    const fleet = smallFleet()
    await fleet.hear('a', { accepted: 10 })
    const { view, rowOf } = viewOf(fleet)
    await view.look()
    await fleet.clock.advance(1000)
    await fleet.hear('a', { accepted: 12 })
    fleet.state.isAway = true
    expect(await view.look().catch(codeOf)).toBe('ledger-unavailable')
    expect(rowOf('a')?.accepted).toBe(10)
    fleet.state.isAway = false
    await view.look()
    expect(rowOf('a')?.accepted).toBe(12)
  })

  test('a gateway that is gone from the ledger is gone from the fleet', async () => {
    const fleet = smallFleet()
    await fleet.hear('a', { accepted: 10 })
    await fleet.hear('b', { accepted: 10 })
    const { view, told, whole } = viewOf(fleet)
    await view.look()
    fleet.state.gone.add('a')
    await fleet.clock.advance(1000)
    await view.look()
    expect(whole().gateways.map(({ gateway }) => gateway)).toEqual(['b'])
    expect(told.at(-1)).toMatchObject({ counts: { gateways: 1 }, gateways: [] })
  })

  test('lets others have their turn every few milliseconds of a long look, and then rests longer', async () => {
    const fleet = smallFleet()
    for (let i = 0; i < 50; i++) await fleet.hear(`g${i}`, { accepted: 10 })
    let nowMs = 0
    const clock = { ...fleet.clock, monotonicMs: () => nowMs }
    const slow = { ...fleet.ledger, load: async (id: never) => fleet.ledger.load(id).finally(() => (nowMs += 10)) }
    const view = new FleetView({ ...fleet.sources, clock, ledger: slow })
    await view.look()
    expect(fleet.state.breaths).toBeGreaterThanOrEqual(40)
    expect(view.freshMs).toBe(2000)
  })

  test('a fleet nobody has heard of is open and empty', async () => {
    const { view, whole, told } = viewOf(smallFleet())
    await view.look()
    expect(whole()).toMatchObject({ state: 'open', version: 1, gateways: [] })
    expect(told.length).toBe(1)
  })
})
