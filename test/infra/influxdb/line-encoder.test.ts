/** Lines as InfluxDB reads them: everything that can be said comes back, and what can't be said has a reason. */

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { LineEncoder } from '../../../infra/influxdb/line-encoder.ts'
import { fromNanos, toNanos } from '../../../schemas/time.ts'
import { parseLine, parseSeries } from '../../../services/core/line-protocol.ts'
import type { ArrivingReading } from '../../../services/ports/reading-store.ts'
import { arriving } from '../../contract/reading-store.ts'

const encoder = new LineEncoder()

function lineOf(reading: ArrivingReading): string {
  const line = encoder.encode(reading, encoder.seriesOf(reading))
  if (typeof line !== 'string') throw new Error(line.reason)
  return line
}

const name = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._:=,@+%-]{0,12}$/).filter((each) => each !== 'time')
const text = fc.string({ unit: fc.constantFrom('\r', '\n', '"', '\\', ',', ' ', '=', 'é', '😀', 'a') })
const value = fc.oneof(
  fc.double({ noNaN: true, noDefaultInfinity: true }),
  fc.bigInt({ min: -(2n ** 53n - 1n), max: 2n ** 53n - 1n }),
  fc.boolean(),
  text,
)
const label = fc.stringMatching(/^[a-z"\\,= é]{1,8}$/).filter((each) => !/\\(?:[,= ]|$)/.test(each))
/** The years 1678 to 2261. */
const NANOS = { min: -9_214_560_000_000_000_000n, max: 9_214_646_399_999_999_999n }

describe('a line', () => {
  test('says series, labels, values with their types and time so that they are read back the same', () => {
    fc.assert(
      fc.property(
        fc.record({ gateway: name, sensor: name, values: fc.dictionary(name, value, { minKeys: 1, maxKeys: 4 }) }),
        fc.dictionary(
          label.filter((each) => each !== '__proto__'),
          label,
          { maxKeys: 3 },
        ),
        fc.bigInt(NANOS),
        (content, labels, nanos) => {
          const line = lineOf(arriving({ ...content, type: 'a=b,c', labels: { ...labels }, ...fromNanos(nanos) }))
          const point = parseLine(line, 'ns')
          if (!('series' in point) || point.time === undefined) throw new Error(`can't be read: ${line}`)
          expect(point.fields).toEqual({ ...content.values })
          expect(toNanos(point.time)).toBe(nanos)
          const tags = Object.entries({ ...labels, gateway: content.gateway, sensor: content.sensor })
          expect(parseSeries(point.series)).toEqual({
            measurement: 'a=b,c',
            tags: expect.toSatisfy(
              (read: [string, string][]) => JSON.stringify(read.sort()) === JSON.stringify(tags.sort()),
            ),
          })
        },
      ),
      { seed: 3 },
    )
  })

  test('has its tags in order, leaves empty labels out, and keeps an equals sign in the measurement as it is', () => {
    expect(lineOf(arriving({ type: 'a=b', labels: { z: '1', a: '2', m: '' }, values: { v: -0, i: -3n }, ns: 5 }))).toBe(
      'a=b,a=2,gateway=g,sensor=s,z=1 v=-0,i=-3i 1767225600000000005',
    )
  })

  test('of a moved reading says by how much', () => {
    expect(lineOf(arriving({ ns: 2, bumpNs: 2 }))).toBe('t,gateway=g,sensor=s v=1,_bump_ns=2i 1767225600000000002')
  })

  test('has the labels of its own reading, also when those of its sensor have changed', () => {
    const [one, other] = [arriving({ labels: { a: '1' } }), arriving({ labels: { a: '2' } })]
    expect([one, other, one].map((each) => lineOf(each).includes('a=1'))).toEqual([true, false, true])
  })

  test.each([
    [{ values: {} }, 'no values'],
    [{ values: { time: 1 } }, 'called time'],
    [{ labels: { gateway: 'x' } }, '"gateway"'],
    [{ labels: { _field: 'x' } }, '"_field"'],
    [{ labels: { a: 'x\ny' } }, 'line breaks'],
    [{ labels: { 'a\n': 'x' } }, 'line breaks'],
    [{ labels: { a: 'x\\' } }, 'backslash'],
    [{ labels: { a: 'x\\ y' } }, 'backslash'],
    [{ labels: { a: '#!~#' } }, '#!~#'],
  ])('can not say %j, and there is a reason', (content, reason) => {
    const reading = arriving(content)
    const line = encoder.encode(reading, encoder.seriesOf(reading))
    expect(line).toEqual({ reason: expect.stringContaining(reason) })
  })
})
