/** When an episode opens, goes on and ends, and what each channel is told of it. */

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import {
  advanced,
  type Condition,
  type Due,
  nextDue,
  noted,
  type Sighting,
  withChannels,
} from '../../../services/alerts/episodes.ts'
import { type Episodes, NO_EPISODES } from '../../../services/ports/episode-store.ts'

const DELAY_MS = 60_000
const CLEAR_MS = 30_000

function story(channels: readonly string[] = ['c']) {
  let ids = 0
  const it = {
    held: withChannels(NO_EPISODES, channels),
    nowMs: 1_000_000,
    look: (sightings: readonly Sighting[], passedMs = 0, delayMs = DELAY_MS) => {
      it.nowMs += passedMs
      const newId = () => `e${++ids}`
      it.held = advanced(it.held, sightings, { nowMs: it.nowMs, delayMs: () => delayMs, clearAfterMs: CLEAR_MS, newId })
      return it.held.episodes
    },
    /** Sends all that is due. */
    drain: (channel = 'c', episodesMax = 1): readonly Due[] => {
      const sent: Due[] = []
      for (let due = nextDue(it.held, channel, episodesMax); due !== undefined; ) {
        sent.push(due)
        it.held = noted(it.held, channel, due)
        due = nextDue(it.held, channel, episodesMax)
      }
      return sent
    },
  }
  return it
}

const away = (...subjects: readonly string[]): Sighting => ({
  rule: 'store-away',
  conditions: subjects.map((subject) => ({ subject, summary: 'gone' })),
})
const conflicts = (counts: Readonly<Record<string, number>>): Sighting => ({
  rule: 'conflict',
  counts: Object.entries(counts).map(([subject, count]) => ({ subject, count })),
})

describe('an episode', () => {
  test('opens when it has been so for its delay, and not before', () => {
    const it = story()
    it.look([away('m')])
    it.look([away('m')], DELAY_MS - 1)
    expect([it.drain().length, it.held.episodes[0]?.openedMs]).toEqual([0, null])
    it.look([away('m')], 1)
    expect(it.drain()).toMatchObject([{ event: 'opened', rule: 'store-away', episodes: [{ subject: 'm' }] }])
  })

  test('that is over before its delay was never one', () => {
    const it = story()
    it.look([away('m')])
    expect(it.look([away()], DELAY_MS - 1)).toEqual([])
    expect(it.look([away('m')], 1)).toMatchObject([{ sinceMs: it.nowMs, openedMs: null }])
  })

  test('began when who looked says so, but never in the future', () => {
    const it = story()
    const since = (sinceMs: number): Sighting => ({
      rule: 'gateway-silent',
      conditions: [{ subject: 'g', summary: 's', sinceMs }],
    })
    expect(it.look([since(it.nowMs - DELAY_MS)])).toMatchObject([{ openedMs: it.nowMs }])
    const other = story()
    expect(other.look([since(other.nowMs + 5)])).toMatchObject([{ sinceMs: other.nowMs, openedMs: null }])
  })

  test('ends when all has been well for the clear time; what flaps within it is one episode', () => {
    const it = story()
    it.look([away('m')])
    it.look([away('m')], DELAY_MS)
    for (let i = 0; i < 10; i++) {
      it.look([away()], CLEAR_MS - 1)
      it.look([away('m')], 1)
    }
    it.look([away()])
    it.look([away()], CLEAR_MS - 1)
    expect(it.drain().map(({ event }) => event)).toEqual(['opened'])
    it.look([away()], 1)
    expect(it.drain()).toMatchObject([{ event: 'ended', episodes: [{ subject: 'm', endedMs: it.nowMs }] }])
    it.look([away('m')], 1)
    expect(it.held.episodes.filter(({ endedMs }) => endedMs === null)).toHaveLength(1)
  })

  test('stays as it is while nobody can tell', () => {
    const it = story()
    it.look([away('m')])
    it.look([away('m')], DELAY_MS)
    const before = it.held.episodes
    expect(it.look([], CLEAR_MS * 10)).toEqual(before)
    it.look([away()])
    expect(it.look([], CLEAR_MS * 10)[0]?.endedMs).toBeNull()
  })

  test('is forgotten a day after it was over', () => {
    const it = story()
    it.look([away('m')], 0, 0)
    it.look([away()])
    it.look([away()], CLEAR_MS)
    expect(it.look([away()], 86_399_999)).toHaveLength(1)
    expect(it.look([away()], 1)).toEqual([])
  })

  test('a clock that is set back neither opens nor ends one early, and does not stop either', () => {
    const it = story()
    it.look([away('m')])
    expect(it.look([away('m')], -3_600_000)[0]?.openedMs).toBeNull()
    expect(it.look([away('m')], DELAY_MS)[0]?.openedMs).toBe(it.nowMs)
    it.look([away()])
    expect(it.look([away()], -3_600_000)[0]?.endedMs).toBeNull()
    expect(it.look([away()], CLEAR_MS)[0]?.endedMs).toBe(it.nowMs)
  })
})

describe('a count', () => {
  test('that was there at the first look is not told; what is added is, once', () => {
    const it = story()
    expect(it.look([conflicts({ g: 3 })], 0, 0)).toEqual([])
    expect(it.look([conflicts({ g: 3, h: 2 })], 1, 0)).toMatchObject([{ subject: 'h', summary: '2 more, 2 in all' }])
    expect(it.look([conflicts({ g: 4, h: 2 })], 1, 0).map(({ subject }) => subject)).toEqual(['h', 'g'])
    it.look([conflicts({ g: 4, h: 2 })], 1, 0)
    it.look([conflicts({ g: 4, h: 2 })], CLEAR_MS, 0)
    expect(it.drain().map(({ event, episodes }) => `${event} ${episodes[0]?.subject}`)).toEqual([
      'opened h',
      'ended h',
      'opened g',
      'ended g',
    ])
  })

  test('that rises while nobody can tell is told when somebody can', () => {
    const it = story()
    it.look([conflicts({ g: 3 })], 0, 0)
    it.look([], 1, 0)
    expect(it.look([conflicts({ g: 5 })], 1, 0)).toMatchObject([{ summary: '2 more, 5 in all' }])
  })
})

describe('a channel', () => {
  test('that takes several is told of many of a rule at once, of few one by one', () => {
    const it = story(['one', 'many'])
    it.look([away('a', 'b')], 0, 0)
    expect(it.drain('many', 1_000).map(({ episodes }) => episodes.length)).toEqual([1, 1])
    it.look([away('a', 'b', ...Array.from({ length: 50 }, (_, i) => `s${i}`))], 1, 0)
    expect(it.drain('many', 20).map(({ episodes }) => episodes.length)).toEqual([20, 20, 10])
    expect(it.drain('one', 1)).toHaveLength(52)
  })

  test('that is new is told of what goes on, not of what is over', () => {
    const it = story()
    it.look([away('old', 'on')], 0, 0)
    it.look([away('on')], 1, 0)
    it.look([away('on')], CLEAR_MS, 0)
    it.drain()
    it.held = withChannels(it.held, ['c', 'new'])
    expect(it.drain('new').map(({ event, episodes }) => [event, episodes[0]?.subject])).toEqual([['opened', 'on']])
    expect(it.drain('c')).toEqual([])
  })
})

type Step =
  | { readonly kind: 'look'; readonly subjects: readonly string[] | null; readonly passedMs: number }
  | { readonly kind: 'send'; readonly channel: string; readonly isNoted: boolean }

const STEP: fc.Arbitrary<Step> = fc.oneof(
  fc.record({
    kind: fc.constant('look' as const),
    subjects: fc.option(fc.subarray(['a', 'b', 'c'])),
    passedMs: fc.integer({ min: 0, max: 40_000 }),
  }),
  fc.record({ kind: fc.constant('send' as const), channel: fc.constantFrom('x', 'y'), isNoted: fc.boolean() }),
)

test('whatever comes, also restarts between sending and noting: each channel hears of an episode one opening and then one end', () => {
  fc.assert(
    fc.property(fc.array(STEP, { maxLength: 80 }), (steps) => {
      const it = story(['x', 'y'])
      const heard: string[] = []
      let repeats = 0
      const send = (channel: string, isNoted: boolean): boolean => {
        const due = nextDue(it.held, channel, 1)
        if (due === undefined) return false
        const line = `${channel} ${due.episodes[0]?.id} ${due.event}`
        if (heard.includes(line)) expect(repeats--).toBeGreaterThan(0)
        else heard.push(line)
        // The process died in between: what it knew is what was saved before.
        if (isNoted) it.held = noted(it.held, channel, due)
        else repeats += 1
        return true
      }
      for (const step of steps) {
        if (step.kind === 'send') send(step.channel, step.isNoted)
        else it.look(step.subjects === null ? [] : [away(...step.subjects)], step.passedMs)
        // As a restart would find it.
        it.held = withChannels(JSON.parse(JSON.stringify(it.held)) as Episodes, ['x', 'y'])
      }
      it.look([away()], 1)
      it.look([away()], CLEAR_MS)
      for (const channel of ['x', 'y']) while (send(channel, true));
      for (const line of heard.filter((each) => each.endsWith('opened'))) {
        const end = line.replace('opened', 'ended')
        expect(heard.indexOf(end)).toBeGreaterThan(heard.indexOf(line))
      }
      const told = (channel: string) => heard.filter((each) => each.startsWith(channel)).map((each) => each.slice(2))
      expect(told('x').toSorted()).toEqual(told('y').toSorted())
    }),
    { numRuns: 500 },
  )
})

/** A fleet as large as any. */
test('ten thousand subjects cost a look some milliseconds', () => {
  const it = story()
  const conditions: Condition[] = Array.from({ length: 10_000 }, (_, i) => ({ subject: `g${i}`, summary: 's' }))
  const sighting: Sighting = { rule: 'gateway-silent', conditions }
  it.look([sighting], 0, 0)
  const fromMs = performance.now()
  it.look([sighting], 1, 0)
  expect(performance.now() - fromMs).toBeLessThan(500)
  expect(nextDue(it.held, 'c', 10_000)?.episodes).toHaveLength(10_000)
})
