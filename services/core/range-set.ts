/** Sets of positions as sorted, disjoint, non-adjacent inclusive ranges: the arithmetic that finds holes. */

import type { Range, Seq } from '../../schemas/reading.ts'

/** Always in normal form: sorted, disjoint, no two adjacent. Values are never changed in place. */
export type RangeSet = readonly Range[]

export const NOTHING: RangeSet = []

/** Any ranges, in any order, overlapping or not, in normal form. Empty ranges (`b < a`) vanish. */
export function rangeSet(ranges: Iterable<Range>): RangeSet {
  const sorted = [...ranges].filter(([a, b]) => a <= b).sort((x, y) => x[0] - y[0])
  const out: [Seq, Seq][] = []
  for (const [a, b] of sorted) {
    const last = out.at(-1)
    if (last !== undefined && a <= last[1] + 1) last[1] = Math.max(last[1], b)
    else out.push([a, b])
  }
  return out
}

/** Positions given one by one, ascending or not. */
export function rangesOf(seqs: Iterable<Seq>): RangeSet {
  const out: [Seq, Seq][] = []
  let ascending = true
  for (const seq of seqs) {
    const last = out.at(-1)
    if (last !== undefined && seq === last[1] + 1) last[1] = seq
    else {
      if (last !== undefined && seq <= last[1]) ascending = false
      out.push([seq, seq])
    }
  }
  return ascending ? out : rangeSet(out)
}

export function upTo(bound: Seq): RangeSet {
  return bound < 1 ? NOTHING : [[1, bound]]
}

export function union(x: RangeSet, y: RangeSet): RangeSet {
  if (x.length === 0) return y
  if (y.length === 0) return x
  const lastOfX = x.at(-1)
  const firstOfY = y[0]
  if (lastOfX !== undefined && firstOfY !== undefined && firstOfY[0] > lastOfX[1] + 1) return [...x, ...y]
  return rangeSet([...x, ...y])
}

export function subtract(x: RangeSet, y: RangeSet): RangeSet {
  if (x.length === 0 || y.length === 0) return x
  const out: Range[] = []
  let j = 0
  for (const [a, b] of x) {
    let from = a
    while (j < y.length && (y[j]?.[1] ?? 0) < from) j++
    for (let k = j; k < y.length; k++) {
      const [c, d] = y[k] as Range
      if (c > b) break
      if (c > from) out.push([from, c - 1])
      from = Math.max(from, d + 1)
    }
    if (from <= b) out.push([from, b])
  }
  return out
}

export function intersect(x: RangeSet, y: RangeSet): RangeSet {
  const out: Range[] = []
  let i = 0
  let j = 0
  while (i < x.length && j < y.length) {
    const [a, b] = x[i] as Range
    const [c, d] = y[j] as Range
    const from = Math.max(a, c)
    const to = Math.min(b, d)
    if (from <= to) out.push([from, to])
    if (b < d) i++
    else j++
  }
  return out
}

/** How many positions. */
export function size(set: RangeSet): number {
  return set.reduce((sum, [a, b]) => sum + b - a + 1, 0)
}

export function isEmpty(set: RangeSet): boolean {
  return set.length === 0
}

export function contains(set: RangeSet, seq: Seq): boolean {
  let low = 0
  let high = set.length - 1
  while (low <= high) {
    const mid = (low + high) >> 1
    const [a, b] = set[mid] as Range
    if (seq < a) high = mid - 1
    else if (seq > b) low = mid + 1
    else return true
  }
  return false
}

/** The highest position, 0 for the empty set. */
export function highest(set: RangeSet): Seq {
  return set.at(-1)?.[1] ?? 0
}

/** The lowest `count` positions. */
export function take(set: RangeSet, count: number): RangeSet {
  const out: Range[] = []
  let left = count
  for (const [a, b] of set) {
    if (left <= 0) break
    out.push([a, Math.min(b, a + left - 1)])
    left -= b - a + 1
  }
  return out
}

export function equal(x: RangeSet, y: RangeSet): boolean {
  return x.length === y.length && x.every(([a, b], i) => a === y[i]?.[0] && b === y[i]?.[1])
}
