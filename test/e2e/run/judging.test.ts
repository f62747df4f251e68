/** What the judgement of a run sees by itself, besides the checker: differences between the stores, to the bit. */

import { expect, test } from 'vitest'
import type { Values } from '../../../schemas/reading.ts'
import { valuesText } from '../../checker/export-lines.ts'
import type { Held } from '../../checker/history.ts'
import { exactText } from './exact-values.ts'
import { differences } from './judging.ts'

function held(store: string, values: Values, time = 1n): Held {
  const unique = `t/s/${time}`
  return { store, unique, gateway: 'g', type: 't', sensor: 's', time, values: exactText(values) }
}

const PAIRS: readonly (readonly [string, Values, Values])[] = [
  ['the sign of zero', { v: 0 }, { v: -0 }],
  ['the last bit of a double', { v: 0.1 + 0.2 }, { v: 0.3 }],
  ['the smallest double', { v: 5e-324 }, { v: 0 }],
  ['a long and the double of its value', { v: 5n }, { v: 5 }],
  ['neighbouring long values', { v: 9_007_199_254_740_991n }, { v: 9_007_199_254_740_990n }],
  ['a text and the boolean it spells', { v: 'true' }, { v: true }],
  ['a text with a blank more', { v: 'a' }, { v: 'a ' }],
  ['a field more', { v: 1 }, { v: 1, w: 2 }],
]

test.each(PAIRS)('two stores that differ in %s differ', (_, one, other) => {
  expect(differences([held('mongodb', one)], [held('influxdb', other)])).toHaveLength(1)
  expect(differences([held('mongodb', one)], [held('influxdb', one)])).toEqual([])
})

test('a reading in one store alone is a difference, whichever it is', () => {
  const both = { v: 1 }
  const two = [held('x', both), held('x', both, 2n)]
  expect(differences(two, [held('x', both)]).join()).toContain('InfluxDB nothing')
  expect(differences([held('x', both)], two).join()).toContain('only InfluxDB')
  expect(differences([held('x', both), held('x', both)], [held('x', both)])).not.toEqual([])
})

test('what clients under load send reads the same here and in what they note', () => {
  const values = { temperature: 12.015625, note: 'reading 1, "quoted" \\ ☔' }
  expect(exactText(values)).toBe(valuesText(values))
})
