/** What is done about a window whose sums differ, and into which windows it is cut. */

import { expect, test } from 'vitest'
import { compareSums, halved, planFor } from '../../../services/core/mirror-plan.ts'
import {
  END_NANOS,
  FIRST_NANOS,
  firstWalk,
  halves,
  joined,
  nextWindow,
  walked,
} from '../../../services/core/mirror-windows.ts'
import type { FieldSums, TimeWindow } from '../../../services/ports/mirror-end.ts'

const WINDOW: TimeWindow = { from: 0n, to: 10_000_000_000n }
const ALL = { from: FIRST_NANOS, to: END_NANOS }

function sums(key: string, points: number, figures = 'f'): FieldSums {
  return { series: { key, measurement: key, tags: [], unwritable: '' }, field: 'k', points, figures }
}

function planned(ours: readonly FieldSums[], theirs: readonly FieldSums[], deep = false, holdMax = 100) {
  const { equal, differing } = compareSums(ours, theirs, { deep, only: undefined })
  return { equal: equal.length, work: planFor(WINDOW, differing, { holdMax, narrows: !deep }) }
}

test('equal figures need nothing; what the target lacks is copied, what it has alone is told, what differs is held', () => {
  const { equal, work } = planned(
    [sums('a', 5), sums('b', 7), sums('c', 9, 'x')],
    [sums('a', 5), sums('c', 9, 'y'), sums('d', 2)],
  )
  expect(equal).toBe(1)
  expect(work).toMatchObject([
    { kind: 'copy', points: 7, fields: [{ series: { key: 'b' } }] },
    { kind: 'extra', fields: [{ series: { key: 'd' }, target: 2 }] },
    { kind: 'hold', fields: [{ series: { key: 'c' } }] },
  ])
})

test('what is too much to hold is halved, the newer half first, and only its series are looked at again', () => {
  const { work } = planned([sums('a', 80), sums('b', 1)], [sums('a', 70), sums('b', 1)])
  expect(work).toMatchObject([
    { kind: 'compare', window: { from: 5_000_000_000n }, only: [{ key: 'a' }] },
    { kind: 'compare', window: { to: 5_000_000_000n }, only: [{ key: 'a' }] },
  ])
})

test('deep, everything that both have is read, without sums being asked for again', () => {
  expect(planned([sums('a', 5)], [sums('a', 5)], true).work).toMatchObject([{ kind: 'hold' }])
  expect(planned([sums('a', 80)], [sums('a', 80)], true).work).toMatchObject([{ kind: 'divide' }])
})

test('any window can be halved until it is one nanosecond', () => {
  let window: TimeWindow | undefined = ALL
  let times = 0
  for (; window !== undefined; times++) {
    const parts = halves(window)
    if (parts !== undefined)
      expect([parts[1].from, parts[1].to, parts[0].to]).toEqual([window.from, parts[0].from, window.to])
    window = parts?.[times % 2]
  }
  expect(times).toBeLessThan(120)
})

test('windows of a walk meet without gaps from the end of time to its beginning, and end at every edge', () => {
  const edges = [1_000_000_000_000_000_000n, 999_999_000_000_000_000n]
  let walk = firstWalk(ALL)
  const seen: TimeWindow[] = []
  for (let next = nextWindow(ALL, walk, edges); next !== undefined; next = nextWindow(ALL, walk, edges)) {
    seen.push(next)
    walk = walked(walk, next, 10)
  }
  expect([seen[0]?.to, seen.at(-1)?.from]).toEqual([END_NANOS, FIRST_NANOS])
  for (const [i, { to }] of seen.entries()) if (i > 0) expect(to).toBe(seen[i - 1]?.from)
  expect(seen.map(({ from }) => from)).toEqual(expect.arrayContaining(edges))
  expect(seen.length).toBeLessThan(40)
})

test('neighbours are joined up to the limit, the newest first, and one that is larger stands alone', () => {
  const part = (from: bigint, points: number) => ({ window: { from, to: from + 10n }, points })
  expect(joined([part(0n, 5), part(20n, 90), part(30n, 6), part(50n, 300)], 100)).toEqual([
    part(50n, 300),
    { window: { from: 20n, to: 40n }, points: 96 },
    part(0n, 5),
  ])
})

test('what a link could not carry is asked for in two halves; what was counted already stays', () => {
  const copy = { kind: 'copy', window: WINDOW, fields: [], points: 7 } as const
  expect(halved(copy)).toMatchObject([
    { kind: 'copy', window: { from: 5_000_000_000n, to: 10_000_000_000n }, points: 4 },
    { kind: 'copy', window: { from: 0n, to: 5_000_000_000n }, points: 4 },
  ])
  expect(halved({ kind: 'compare', window: WINDOW, only: undefined })).toHaveLength(2)
  expect(halved({ kind: 'extra', window: WINDOW, fields: [] })).toHaveLength(1)
})
