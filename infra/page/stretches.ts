/** What of a plot came by recovery, and where its line must break: runs in columns of times, without any drawing. */

import type { Plot } from '../../services/status/page-api.ts'

export interface Stretch {
  readonly fromMs: number
  readonly toMs: number
  /** Points of the plot; readings where it is not thinned. */
  readonly points: number
}

/** Unbroken runs of recovered points. */
export function recoveredStretches({ time_ms, recovered }: Pick<Plot, 'time_ms' | 'recovered'>): readonly Stretch[] {
  const found: Stretch[] = []
  let from = -1
  for (let i = 0; i <= time_ms.length; i++) {
    if (recovered[i] === true) {
      if (from < 0) from = i
    } else if (from >= 0) {
      found.push({ fromMs: time_ms[from] ?? 0, toMs: time_ms[i - 1] ?? 0, points: i - from })
      from = -1
    }
  }
  return found
}

const BREAK_AT_STEPS = 8

/** The columns with a hole wherever far more time passed than between most readings: a line over it would be made up. */
export function withHoles(
  times: readonly number[],
  values: readonly (number | null)[],
): readonly [times: number[], values: (number | null)[]] {
  const longest = BREAK_AT_STEPS * typicalStep(times)
  const outTimes: number[] = []
  const outValues: (number | null)[] = []
  times.forEach((time, i) => {
    const before = times[i - 1]
    if (before !== undefined && time - before > longest) {
      outTimes.push((time + before) / 2)
      outValues.push(null)
    }
    outTimes.push(time)
    outValues.push(values[i] ?? null)
  })
  return [outTimes, outValues]
}

/** Between most readings: the middle one of the steps. */
function typicalStep(times: readonly number[]): number {
  const steps = times.slice(1).map((time, i) => time - (times[i] ?? time))
  const positive = steps.filter((step) => step > 0).sort((x, y) => x - y)
  return positive[Math.floor(positive.length / 2)] ?? Number.POSITIVE_INFINITY
}
