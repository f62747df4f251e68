/** The test vectors of `schemas/README.md` are true. */

import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { addDigest, digestOfReading, emptySum, sumHex } from '../../schemas/canonical.ts'
import type { Value } from '../../schemas/reading.ts'

interface Vector {
  readonly gateway: string
  readonly type: string
  readonly sensor: string
  readonly time_ms: number
  readonly time_ns: number
  readonly bump_ns: number
  readonly values: Readonly<Record<string, Value | { readonly integer: string }>>
  readonly digest: string
}

const page = readFileSync(new URL('../../schemas/README.md', import.meta.url), 'utf8')
const { readings, sum }: { readings: Vector[]; sum: string } = JSON.parse(/```json\n(.*?)```/s.exec(page)?.[1] ?? '')

function digestOfVector({ gateway, time_ms, time_ns, bump_ns, values, ...series }: Vector): Uint8Array {
  const given = Object.entries(values).map(([name, value]) => [
    name,
    typeof value === 'object' ? BigInt(value.integer) : value,
  ])
  return digestOfReading(gateway, {
    ...series,
    ms: time_ms,
    ns: time_ns,
    bumpNs: bump_ns,
    values: Object.fromEntries(given),
  })
}

test.each(readings)('the digest of $gateway $type $sensor', (vector) => {
  expect(Buffer.from(digestOfVector(vector)).toString('hex')).toBe(vector.digest)
})

test('the sum of them all, and one with −0 among them', () => {
  const total = emptySum()
  for (const vector of readings) addDigest(total, digestOfVector(vector))
  expect(sumHex(total)).toBe(sum)
  expect(readings.some(({ values }) => Object.values(values).some((value) => Object.is(value, -0)))).toBe(true)
})
