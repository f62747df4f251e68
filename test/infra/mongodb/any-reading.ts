/** Readings of every kind that a gateway may accept, for properties. */

import fc from 'fast-check'
import type { ArrivingReading } from '../../../services/ports/reading-store.ts'
import { arriving } from '../../contract/reading-store.ts'

const NAME_CHARS = [...'azAZ09._:=,@+%-']
const name = fc
  .tuple(fc.constantFrom('a', 'Z', '7'), fc.string({ unit: fc.constantFrom(...NAME_CHARS), maxLength: 20 }))
  .map(([first, rest]) => first + rest)
const escapes = fc.constantFrom('a.b', 'a%2Eb', 'a%25', 'a%24b', 'a%', 'a.%2E.', 'a%252E')
const double = fc
  .double({ noNaN: true, noDefaultInfinity: true })
  .chain((any) => fc.constantFrom(any, Math.round(any), -0, 0, 1, -1, 2 ** 31, -(2 ** 31), 2 ** 53, 5e-324, 1.5))
const value = fc.oneof(
  double,
  fc.bigInt({ min: -(2n ** 53n - 1n), max: 2n ** 53n - 1n }),
  fc.constantFrom(0n, 1n, -1n, 2n ** 31n),
  fc.boolean(),
  fc.string({ unit: 'binary', maxLength: 20 }),
  fc.constantFrom('', '\0', 'a\0b', '$x', '2026-01-01'),
)
const labelName = fc.oneof(name, fc.constantFrom('$set', '. .', 'é ö', '$', 'constructor', '0'))

export const anyReading: fc.Arbitrary<ArrivingReading> = fc
  .record({
    gateway: name,
    type: name,
    sensor: name,
    ms: fc.integer({ min: Date.UTC(1678, 0, 1), max: Date.UTC(2261, 11, 31) }),
    ns: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 999_999 })),
    bumpNs: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 3_000_000 })),
    estimated: fc.boolean(),
    seq: fc.integer({ min: 1, max: 2 ** 52 }),
    source: fc.constantFrom('live' as const, 'recovery' as const),
    values: fc.dictionary(fc.oneof(name, escapes), value, { minKeys: 1, maxKeys: 6, noNullPrototype: true }),
    labels: fc.dictionary(labelName, fc.string({ minLength: 1, maxLength: 9 }), { maxKeys: 3, noNullPrototype: true }),
  })
  .map(arriving)
