/** Values as a text that two readings share only when their values are the same to the bit, of the same kind. */

import type { Value, Values } from '../../../schemas/reading.ts'

/**
 * Fields by name. The shortest decimal of a double reads back as no other double, −0 is told from 0, and an integer ends in `i`. Doubles and
 * strings stand as in the checker's own `valuesText`.
 */
export function exactText(values: Values): string {
  const sorted = Object.entries(values).sort(([a], [b]) => (a < b ? -1 : 1))
  return sorted.map(([name, value]) => `${name}=${valueText(value)}`).join(',')
}

function valueText(value: Value): string {
  if (typeof value === 'string') return JSON.stringify(value)
  if (typeof value === 'bigint') return `${value}i`
  return Object.is(value, -0) ? '-0' : String(value)
}
