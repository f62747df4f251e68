/** What listeners of the fleet are told, and what it costs. */

import { describe, expect, test } from 'vitest'
import { type FeedEvent, FleetFeed } from '../../../services/status/fleet-feed.ts'
import { FleetView } from '../../../services/status/fleet-view.ts'
import type { Fleet } from '../../../services/status/page-api.ts'
import { settle } from '../../support/manual-clock.ts'
import { type SmallFleet, smallFleet } from './small-fleet.ts'

function feedOf(fleet: SmallFleet) {
  const feed = new FleetFeed(new FleetView(fleet.sources), fleet.clock)
  const join = (isQuick = true) => {
    const events: FeedEvent[] = []
    const heard = { events, ended: false }
    const leave = feed.join({
      tell: (event) => {
        events.push(event)
        return isQuick
      },
      end: () => {
        heard.ended = true
      },
    })
    return Object.assign(heard, { leave })
  }
  return { feed, join }
}

function names(events: readonly FeedEvent[]): readonly string[] {
  return events.map(({ name }) => name)
}

function contentOf(event: FeedEvent | undefined): Fleet {
  return JSON.parse(event !== undefined && 'json' in event ? event.json : 'null') as Fleet
}

describe('the feed of the fleet', () => {
  test('tells the whole once, then only what changed, each second in which something did', async () => {
    const fleet = smallFleet()
    await fleet.hear('a', { accepted: 10 })
    await fleet.hear('b', { accepted: 10 })
    const { join } = feedOf(fleet)
    const { events } = join()
    await settle()
    expect(names(events)).toEqual(['fleet'])
    expect(contentOf(events[0]).gateways.map(({ gateway }) => gateway)).toEqual(['a', 'b'])
    await fleet.clock.advance(3000)
    expect(names(events)).toEqual(['fleet'])
    await fleet.hear('b', { accepted: 11 })
    await fleet.clock.advance(1000)
    expect(names(events)).toEqual(['fleet', 'changes'])
    expect(contentOf(events[1]).gateways.map(({ gateway }) => gateway)).toEqual(['b'])
    expect(contentOf(events[1]).version).toBe(contentOf(events[0]).version + 1)
  })

  test('looks once a second however many listen, and not at all when nobody does', async () => {
    const fleet = smallFleet()
    await fleet.hear('a', { accepted: 10 })
    const { join } = feedOf(fleet)
    await fleet.clock.advance(5000)
    expect(fleet.state.asked).toBe(0)
    const listeners = Array.from({ length: 50 }, () => join())
    await fleet.clock.advance(3500)
    expect(fleet.state.asked).toBe(4)
    expect(new Set(listeners.map(({ events }) => events[0])).size).toBe(1)
    for (const each of listeners) each.leave()
    await fleet.clock.advance(5000)
    expect(fleet.state.asked).toBe(4)
    const later = join()
    await settle()
    expect([fleet.state.asked, names(later.events)]).toEqual([5, ['fleet']])
    await fleet.hear('a', { accepted: 11 })
    await fleet.clock.advance(1000)
    expect(names(later.events)).toEqual(['fleet', 'changes'])
  })

  test('who joins between two looks gets the whole at once, and no change twice', async () => {
    const fleet = smallFleet()
    await fleet.hear('a', { accepted: 10 })
    const { join } = feedOf(fleet)
    join()
    await fleet.clock.advance(1500)
    const { events } = join()
    await settle()
    expect(names(events)).toEqual(['fleet'])
    await fleet.hear('a', { accepted: 11 })
    await fleet.clock.advance(1000)
    expect(names(events)).toEqual(['fleet', 'changes'])
  })

  test('a slow listener is told nothing more, the others are', async () => {
    const fleet = smallFleet()
    await fleet.hear('a', { accepted: 10 })
    const { join } = feedOf(fleet)
    const [slow, quick] = [join(false), join()]
    await fleet.clock.advance(1000)
    await fleet.hear('a', { accepted: 11 })
    await fleet.clock.advance(1000)
    expect([names(slow.events), names(quick.events)]).toEqual([['fleet'], ['fleet', 'changes']])
  })

  test('shows every fifteen quiet seconds that it lives', async () => {
    const fleet = smallFleet()
    await fleet.hear('a', { accepted: 10 })
    await fleet.clock.advance(60_000)
    const { events } = feedOf(fleet).join()
    await fleet.clock.advance(14_900)
    expect(names(events)).toEqual(['fleet'])
    await fleet.clock.advance(16_000)
    expect(names(events)).toEqual(['fleet', 'alive', 'alive'])
  })

  test('says once that the ledger is away, also to who comes then, and that it is back', async () => {
    const fleet = smallFleet()
    await fleet.hear('a', { accepted: 10 })
    const { join } = feedOf(fleet)
    const early = join()
    await fleet.clock.advance(1500)
    fleet.state.isAway = true
    await fleet.clock.advance(2000)
    const late = join()
    await fleet.clock.advance(2000)
    expect(names(early.events)).toEqual(['fleet', 'trouble'])
    expect(names(late.events)).toEqual(['trouble'])
    expect(contentOf(late.events[0])).toEqual({ reason: expect.stringContaining('connection refused') })
    fleet.state.isAway = false
    await fleet.clock.advance(1000)
    expect(names(early.events)).toEqual(['fleet', 'trouble', 'changes'])
    expect(contentOf(early.events[2]).gateways).toEqual([])
    expect(names(late.events)).toEqual(['trouble', 'fleet'])
  })

  test('closing ends every listener and every look', async () => {
    const fleet = smallFleet()
    await fleet.hear('a', { accepted: 10 })
    const { feed, join } = feedOf(fleet)
    const heard = [join(), join()]
    await settle()
    feed.close()
    feed.close()
    expect(heard.map(({ ended }) => ended)).toEqual([true, true])
    await fleet.clock.advance(5000)
    expect(fleet.state.asked).toBe(1)
    expect(feed.isFull).toBe(true)
  })

  test('takes two hundred listeners and no more', async () => {
    const { feed, join } = feedOf(smallFleet())
    for (let i = 0; i < 199; i++) join()
    expect(feed.isFull).toBe(false)
    const last = join()
    expect(feed.isFull).toBe(true)
    last.leave()
    expect(feed.isFull).toBe(false)
    feed.close()
  })
})
