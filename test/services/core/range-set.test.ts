/** The arithmetic of positions, against a plain set of numbers. */

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Range } from '../../../schemas/reading.ts'
import {
  contains,
  equal,
  highest,
  intersect,
  type RangeSet,
  rangeSet,
  rangesOf,
  size,
  subtract,
  take,
  union,
  upTo,
} from '../../../services/core/range-set.ts'

const range = fc
  .tuple(fc.integer({ min: 1, max: 60 }), fc.integer({ min: 0, max: 8 }))
  .map(([a, n]): Range => [a, a + n])
const ranges = fc.array(range, { maxLength: 12 })

function members(set: readonly Range[]): Set<number> {
  const out = new Set<number>()
  for (const [a, b] of set) for (let i = a; i <= b; i++) out.add(i)
  return out
}

function isNormal(set: RangeSet): boolean {
  return set.every(([a, b], i) => a <= b && (i === 0 || a > (set[i - 1]?.[1] ?? 0) + 1))
}

describe('range sets', () => {
  test('hold what a plain set holds, in normal form, after every operation', () => {
    fc.assert(
      fc.property(ranges, ranges, (x, y) => {
        const a = rangeSet(x)
        const b = rangeSet(y)
        const inBoth = [...members(x)].filter((each) => members(y).has(each))
        const onlyX = [...members(x)].filter((each) => !members(y).has(each))
        expect(members(union(a, b))).toEqual(new Set([...members(x), ...members(y)]))
        expect(members(intersect(a, b))).toEqual(new Set(inBoth))
        expect(members(subtract(a, b))).toEqual(new Set(onlyX))
        for (const set of [a, b, union(a, b), intersect(a, b), subtract(a, b)]) expect(isNormal(set)).toBe(true)
      }),
      { numRuns: 2000 },
    )
  })

  test('do not depend on the order or overlap of what they are made of', () => {
    fc.assert(
      fc.property(ranges, (x) => {
        expect(rangeSet([...x].reverse().flatMap((each) => [each, each]))).toEqual(rangeSet(x))
        expect(rangesOf([...members(x)].reverse())).toEqual(rangeSet(x))
      }),
    )
  })

  test('answer size, membership, highest and the first of them', () => {
    fc.assert(
      fc.property(ranges, fc.integer({ min: 0, max: 70 }), (x, n) => {
        const set = rangeSet(x)
        expect(size(set)).toBe(members(x).size)
        expect(contains(set, n)).toBe(members(x).has(n))
        expect(highest(set)).toBe(Math.max(0, ...members(x)))
        expect([...members(take(set, n))]).toEqual([...members(set)].sort((a, b) => a - b).slice(0, n))
        expect(equal(set, rangeSet(x))).toBe(true)
      }),
    )
    expect(upTo(0)).toEqual([])
    expect(upTo(3)).toEqual([[1, 3]])
  })
})
