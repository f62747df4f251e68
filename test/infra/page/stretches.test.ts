/** What of a plot is called recovered, and where its line breaks. */

import { describe, expect, test } from 'vitest'
import { recoveredStretches, withHoles } from '../../../infra/page/stretches.ts'

describe('the stretches of a plot', () => {
  test('are the unbroken runs of recovered points, also at both ends', () => {
    const time_ms = [1, 2, 3, 4, 5, 6]
    const recovered = [true, true, false, true, false, true]
    expect(recoveredStretches({ time_ms, recovered })).toEqual([
      { fromMs: 1, toMs: 2, points: 2 },
      { fromMs: 4, toMs: 4, points: 1 },
      { fromMs: 6, toMs: 6, points: 1 },
    ])
    expect(recoveredStretches({ time_ms, recovered: [] })).toEqual([])
  })
})

describe('the line of a plot', () => {
  test('breaks where far more time passed than between most readings, and nowhere else', () => {
    const [times, values] = withHoles([0, 10, 20, 320, 330, 400], [1, 2, 3, 4, null, 6])
    expect(times).toEqual([0, 10, 20, 170, 320, 330, 400])
    expect(values).toEqual([1, 2, 3, null, 4, null, 6])
  })

  test('of one reading or none is left as it is', () => {
    expect(withHoles([5], [1])).toEqual([[5], [1]])
    expect(withHoles([], [])).toEqual([[], []])
  })
})
