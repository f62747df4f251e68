/** What is an alert and what is not, told from the figures of the services. */

import { describe, expect, test } from 'vitest'
import type { Sighting } from '../../../services/alerts/episodes.ts'
import {
  enginesAway,
  fleetSightings,
  JournalWatch,
  linksDown,
  mirrorSightings,
  quarantined,
  type RootFacts,
  recordingsDiffer,
} from '../../../services/alerts/sources.ts'
import type { BucketStatus } from '../../../services/core/mirror-status.ts'
import type { GatewayVerdict } from '../../../services/core/verdict.ts'
import type { JournalUsage } from '../../../services/ports/journal.ts'

const STORE = { generation: 'g', landed: 10, conflict: 0, rejected: 0, missing: 0 }

function gateway(name: string, more: Partial<GatewayVerdict> = {}): GatewayVerdict {
  return {
    ...{ gateway: name, state: 'complete', because: [], as_of: null, due: 10, connected: true },
    ...{ last_mark: '2026-03-01T00:00:00Z', last_mark_offset: 1, accepted: 10, settled: 10, pending: 0 },
    ...{ void: 0, lost: 0, stores: { m: STORE, i: STORE }, epochs: [], outages: [], ...more },
  }
}

function of(sightings: readonly Sighting[], rule: Sighting['rule']) {
  const found = sightings.find((each) => each.rule === rule)
  return found === undefined ? undefined : 'conditions' in found ? found.conditions : found.counts
}

const MARK_MS = Date.UTC(2026, 2, 1)
const NOBODY = { fromMs: 0, down: new Set<string>() }

describe('the fleet', () => {
  test('a gateway that is well is no alert', () => {
    for (const sighting of fleetSightings([gateway('g')], NOBODY)) {
      expect('conditions' in sighting ? sighting.conditions : sighting.counts).toEqual([])
    }
  })

  test('silence counts from the last mark, but not from before somebody listened', () => {
    const silent = gateway('g', { state: 'open', connected: false })
    const since = (fromMs: number) => of(fleetSightings([silent], { ...NOBODY, fromMs }), 'gateway-silent')
    expect(since(0)).toMatchObject([{ subject: 'g', sinceMs: MARK_MS }])
    expect(since(MARK_MS + 5)).toMatchObject([{ sinceMs: MARK_MS + 5 }])
  })

  test('one that was written off for good is not silent, nor one whose link is known to be down', () => {
    const gone = gateway('gone', { state: 'closed', connected: false })
    const cut = gateway('cut', { state: 'open', connected: false })
    const never = gateway('never', { state: 'open', connected: false, last_mark: null })
    const found = of(
      fleetSightings([gone, cut, never, gateway('well')], { fromMs: 7, down: new Set(['cut']) }),
      'gateway-silent',
    )
    expect(found).toEqual([{ subject: 'never', summary: 'no mark ever came', sinceMs: 7 }])
  })

  test('when none of several is heard of, it is one alert that says where to look first', () => {
    const silent = ['a', 'b'].map((name) => gateway(name, { state: 'open', connected: false }))
    expect(of(fleetSightings(silent, NOBODY), 'gateway-silent')).toEqual([
      { subject: 'all gateways', summary: expect.stringContaining('any of 2 gateways'), sinceMs: MARK_MS },
    ])
    expect(of(fleetSightings([...silent, gateway('c')], NOBODY), 'gateway-silent')).toHaveLength(2)
  })

  test('gaps name their stores; conflicts and what is gone are counted over all of them', () => {
    const bad = gateway('g', {
      ...{ state: 'open', void: 2, lost: 3 },
      stores: { m: { ...STORE, missing: 4, conflict: 1 }, i: { ...STORE, conflict: 2 } },
    })
    const found = fleetSightings([bad], NOBODY)
    expect(of(found, 'gap-open')).toEqual([{ subject: 'g', summary: '4 missing in m' }])
    expect(of(found, 'conflict')).toEqual([{ subject: 'g', count: 3 }])
    expect(of(found, 'void-or-lost')).toEqual([{ subject: 'g', count: 5 }])
  })
})

test('engines that do not answer say why, links that are down are named', () => {
  const answers = [
    { engine: 'ledger', ready: true },
    { engine: 'store m', ready: false, reason: 'ECONNREFUSED' },
  ]
  expect(of([enginesAway(answers)], 'store-away')).toEqual([{ subject: 'store m', summary: 'ECONNREFUSED' }])
  const links = [
    { gateway: 'a', linkUp: true },
    { gateway: 'b', linkUp: false },
  ]
  expect(of([linksDown(links)], 'link-down')).toMatchObject([{ subject: 'b' }])
})

test('a quarantine that is not empty says its causes', () => {
  expect(of([quarantined(0, {})], 'quarantine-not-empty')).toEqual([])
  expect(of([quarantined(3, { conflict: 2, 'reading-too-large': 1 })], 'quarantine-not-empty')).toEqual([
    { subject: 'quarantine', summary: '3 wait: 2 conflict, 1 reading-too-large' },
  ])
})

describe('recordings', () => {
  const root: RootFacts = { root: 'r', state: 'sound', reason: '', waiting: 0, unlistable: 0, tooLong: 0 }
  test.each<[Partial<RootFacts>, boolean, string]>([
    [{}, false, ''],
    [{ state: 'suspicious', reason: '5 of 5 are gone' }, false, 'suspicious: 5 of 5 are gone'],
    [{ state: 'unreachable', reason: 'ENOENT' }, true, 'unreachable: ENOENT'],
    [{ waiting: 3 }, false, '3 recordings wait for the index'],
    [{ waiting: 3 }, true, ''],
    [{ waiting: 3, unlistable: 1, state: 'standby' }, false, ''],
    [{ unlistable: 1, tooLong: 2 }, true, '1 folders can not be listed, 2 paths are too long for an entry'],
  ])('%j, the index away %s: %j', (more, indexAway, wanted) => {
    const found = of([recordingsDiffer([{ ...root, ...more }], indexAway)], 'recordings-differ')
    expect(found).toEqual(wanted === '' ? [] : [{ subject: 'r', summary: wanted }])
  })
})

describe('a journal', () => {
  const usage = (bytes: number, unconfirmed: number): JournalUsage => ({
    ...{ bytes, maxBytes: 1_000, readings: 100, unconfirmed, oldestMs: 0 },
  })
  /** One look a minute. */
  const looked = (usages: readonly JournalUsage[], withinMs: number) => {
    const watch = new JournalWatch()
    let found: ReturnType<typeof of>
    for (const [i, each] of usages.entries()) {
      found = of([watch.sighting([{ gateway: 'g', usage: each }], { nowMs: i * 60_000, withinMs })], 'journal-filling')
    }
    return found
  }

  test('that fills with unconfirmed readings is an alert when it will be full soon', () => {
    const filling = [100, 110, 120, 130].map((bytes) => usage(bytes, 100))
    // 870 bytes are left, at 10 a minute.
    expect(looked(filling, 88 * 60_000)).toHaveLength(1)
    expect(looked(filling, 87 * 60_000)).toEqual([])
  })

  test('says nothing of its pace in its first minute', () => {
    const watch = new JournalWatch()
    for (const [nowMs, bytes] of [
      [0, 100],
      [59_000, 900],
    ] as const) {
      const moment = { nowMs, withinMs: 1e12 }
      const found = watch.sighting([{ gateway: 'g', usage: usage(bytes, 100) }], moment)
      expect(of([found], 'journal-filling')).toEqual([])
    }
  })

  test('that is full of confirmed readings is none: they give way', () => {
    expect(
      looked(
        [900, 950, 1_000].map((bytes) => usage(bytes, 0)),
        1e12,
      ),
    ).toEqual([])
  })

  test('that is full is one at once, and one that empties is none', () => {
    expect(looked([usage(1_000, 100)], 1)).toMatchObject([{ summary: expect.stringContaining('its journal is full') }])
    expect(
      looked(
        [900, 800, 700].map((bytes) => usage(bytes, 100)),
        1e12,
      ),
    ).toEqual([])
  })
})

describe('a mirror', () => {
  const bucket: BucketStatus = {
    ...{
      bucket: 'dome',
      state: 'equal' as const,
      reason: '',
      points: 1,
      missing: 0,
      differing: 0,
      extra: 0,
      refused: 0,
    },
    ...{
      refusedBecause: '',
      outsideRetention: 0,
      written: 0,
      removed: 0,
      compared: 0,
      left: 0,
      freshMs: 50_000,
      passedMs: 1,
    },
  }
  const source = { end: 'source', away: null, received: 0, sent: 0 } as const
  const at = (nowMs: number) => ({ fromMs: 0, nowMs, everyMs: 10_000 })

  test('that looks for new points at its rhythm and is equal is none', () => {
    const found = mirrorSightings({ ends: [source], buckets: [bucket] }, at(70_000))
    expect([of(found, 'mirror-lags'), of(found, 'mirror-differs')]).toEqual([[], []])
  })

  test('that has not looked for three rhythms lags since it looked last, with the end that is away', () => {
    const away = { ...source, away: { sinceMs: 55_000, reason: 'nothing in 60 s' } }
    const found = mirrorSightings(
      { ends: [away], buckets: [bucket, { ...bucket, bucket: 'new', freshMs: null }] },
      at(90_000),
    )
    expect(of(found, 'mirror-lags')).toEqual([
      { subject: 'dome', summary: 'the source is away: nothing in 60 s', sinceMs: 50_000 },
      { subject: 'new', summary: 'the source is away: nothing in 60 s', sinceMs: 0 },
    ])
  })

  test('that differs or can not be mirrored is one at once, with the reason', () => {
    const blocked = { ...bucket, state: 'blocked', reason: 'the source has no bucket dome' } as const
    const found = mirrorSightings({ ends: [source], buckets: [blocked] }, at(900_000))
    expect(of(found, 'mirror-lags')).toEqual([])
    expect(of(found, 'mirror-differs')).toEqual([
      { subject: 'dome', summary: 'blocked: the source has no bucket dome' },
    ])
  })
})
