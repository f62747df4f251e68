/** Windows of time that a mirror looks at, from the newest to the oldest, and where they are halved. */

import type { PointCount, TimeWindow } from '../ports/mirror-end.ts'

/** The first nanosecond that InfluxDB can hold, and the one after the last. */
export const FIRST_NANOS = -9_223_372_036_854_775_806n
export const END_NANOS = 9_223_372_036_854_775_807n
const SECOND_NANOS = 1_000_000_000n

export function nanosOf(ms: number): bigint {
  return BigInt(Math.floor(ms)) * 1_000_000n
}

/** The newer half first, on whole seconds where there are some. `undefined` when there is nothing to halve. */
export function halves({ from, to }: TimeWindow): readonly [newer: TimeWindow, older: TimeWindow] | undefined {
  if (to - from <= 1n) return undefined
  const middle = (from + to) / 2n
  const second = middle - (middle % SECOND_NANOS)
  const at = second > from && second < to ? second : middle > from ? middle : from + 1n
  return [
    { from: at, to },
    { from, to: at },
  ]
}

/** Of both sides: what is counted in the same part. */
export function together(a: readonly PointCount[], b: readonly PointCount[]): readonly PointCount[] {
  const byStart = new Map<bigint, PointCount>()
  for (const each of [...a, ...b]) {
    const before = byStart.get(each.window.from)?.points ?? 0
    byStart.set(each.window.from, { window: each.window, points: before + each.points })
  }
  return [...byStart.values()].sort((x, y) => (x.window.from < y.window.from ? -1 : 1))
}

/** Neighbouring parts taken together until they hold `pointsMax`, from the newest to the oldest; a part that holds more stands alone. */
export function joined(counts: readonly PointCount[], pointsMax: number): readonly PointCount[] {
  const found: PointCount[] = []
  for (const each of counts.toReversed()) {
    const last = found.at(-1)
    if (last !== undefined && last.points + each.points <= pointsMax) {
      const window = { from: each.window.from, to: last.window.to }
      found[found.length - 1] = { window, points: last.points + each.points }
    } else found.push(each)
  }
  return found
}

/** How far back a pass has come, and how far it looks at once. */
export interface Walk {
  /** Everything from here on has been looked at. */
  readonly to: bigint
  readonly stride: bigint
}

const FIRST_STRIDE = 86_400n * SECOND_NANOS
const QUICK_MS = 700
const SLOW_MS = 5_000

export function firstWalk(range: TimeWindow): Walk {
  return { to: range.to, stride: FIRST_STRIDE }
}

/** Windows end at each of `edges`, the newest of which stands first; before the last of them they are as long as the stride. */
export function nextWindow(range: TimeWindow, { to, stride }: Walk, edges: readonly bigint[]): TimeWindow | undefined {
  if (to <= range.from) return undefined
  const from = edges.find((edge) => edge < to) ?? to - stride
  return { from: from < range.from ? range.from : from, to }
}

/** Longer windows where they are quick, shorter ones where they are slow. */
export function walked({ stride }: Walk, { from, to }: TimeWindow, tookMs: number): Walk {
  // One that ended at an edge says little of longer ones.
  if (to - from < stride) return { to: from, stride }
  return { to: from, stride: tookMs < QUICK_MS ? stride * 2n : tookMs > SLOW_MS ? shorter(stride) : stride }
}

/** After a cut. */
export function cutShort({ to, stride }: Walk): Walk {
  return { to, stride: shorter(stride) }
}

function shorter(stride: bigint): bigint {
  const next = stride / 4n
  return next < SECOND_NANOS ? SECOND_NANOS : next
}
