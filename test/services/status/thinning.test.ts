/** Thinning a plot: bounded, in order, and without losing an extreme. */

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { addRow, type Columns, emptyColumns, thinned } from '../../../services/status/thinning.ts'

function columnsOf(values: readonly number[], recoveredFrom = Number.POSITIVE_INFINITY): Columns {
  const columns = emptyColumns()
  for (const [i, value] of values.entries()) addRow(columns, i * 1000, [['v', value]], i >= recoveredFrom)
  return columns
}

test('keeps everything where there is little', () => {
  const columns = columnsOf([3, 1, 2], 2)
  expect(thinned(columns, 3)).toEqual(columns)
})

test('keeps the least and the greatest of every field, in the order of time, in about as many points as asked for', () => {
  fc.assert(
    fc.property(
      fc.array(fc.tuple(fc.double({ noNaN: true }), fc.integer()), { minLength: 1, maxLength: 2000 }),
      fc.integer({ min: 8, max: 200 }),
      (rows, points) => {
        const columns = emptyColumns()
        for (const [i, [a, b]] of rows.entries())
          addRow(
            columns,
            i * 10,
            [
              ['a', a],
              ['b', b],
            ],
            false,
          )
        const { timeMs, fields } = thinned(columns, points)
        expect(timeMs.length).toBeLessThanOrEqual(Math.max(points, 8))
        expect(timeMs.toSorted((x, y) => x - y)).toEqual(timeMs)
        for (const [name, pick] of [
          ['a', 0],
          ['b', 1],
        ] as const) {
          const all = rows.map((row) => row[pick])
          const kept = (fields.get(name) ?? []) as number[]
          expect([Math.min(...kept), Math.max(...kept)]).toEqual([Math.min(...all), Math.max(...all)])
        }
      },
    ),
  )
})

test('keeps the extremes of values that are all below zero', () => {
  const kept =
    thinned(columnsOf(Array.from({ length: 1000 }, (_, i) => -1 - ((i * 7919) % 1000))), 10).fields.get('v') ?? []
  expect([Math.min(...(kept as number[])), Math.max(...(kept as number[]))]).toEqual([-1000, -1])
})

test('a spike of one reading in a hundred thousand stays', () => {
  const values = Array.from({ length: 100_000 }, (_, i) => (i === 54_321 ? 99 : Math.sin(i / 500)))
  const kept = thinned(columnsOf(values), 1000)
  const at = kept.timeMs.indexOf(54_321_000)
  expect(kept.fields.get('v')?.[at]).toBe(99)
  expect(kept.timeMs.length).toBeLessThanOrEqual(1000)
})

test('fields that come and go are null where they lack, and what was recovered stays told', () => {
  const columns = emptyColumns()
  addRow(columns, 0, [['a', 1]], false)
  addRow(columns, 1, [['b', 2]], true)
  addRow(columns, 2, [], true)
  const { fields, recovered } = thinned(columns, 10)
  expect(Object.fromEntries(fields)).toEqual({ a: [1, null, null], b: [null, 2, null] })
  expect(recovered).toEqual([false, true, true])
})
