/** Instants to text and back, held against `Date` where `Date` can say something. */

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  addNanos,
  compareInstants,
  dayOf,
  dayStartMs,
  formatInstant,
  fromNanos,
  inRange,
  isDay,
  parseInstant,
  subtractNanos,
  toNanos,
} from '../../schemas/time.ts'

const MS_MIN = Date.UTC(1678, 0, 1)
const MS_MAX = Date.UTC(2262, 0, 1) - 1
const instant = fc.record({ ms: fc.integer({ min: MS_MIN, max: MS_MAX }), ns: fc.nat(999_999) })

describe('parseInstant', () => {
  it.each([
    ['1970-01-01T00:00:00Z', 0, 0],
    ['2024-05-31T12:00:00.123456789Z', Date.UTC(2024, 4, 31, 12, 0, 0, 123), 456_789],
    ['2024-05-31T12:00:00.5+02:00', Date.UTC(2024, 4, 31, 10, 0, 0, 500), 0],
    ['2024-02-29t23:59:59z', Date.UTC(2024, 1, 29, 23, 59, 59), 0],
    ['1969-12-31 23:59:59.999999999Z', -1, 999_999],
    ['2000-01-01T00:00:00-23:59', Date.UTC(2000, 0, 1, 23, 59), 0],
    ['1700000000123456789', 1_700_000_000_123, 456_789],
    ['+1', 0, 1],
    ['-1', -1, 999_999],
    ['1678-01-01T00:00:00Z', MS_MIN, 0],
    ['2261-12-31T23:59:59.999999999Z', MS_MAX, 999_999],
  ])('takes %s', (text, ms, ns) => {
    expect(parseInstant(text)).toEqual({ ms, ns })
  })

  it.each([
    ['2024-05-31T12:00:00', /no zone/],
    ['2024-05-31', /no zone/],
    ['2024-05-31T12:00:00.1234567891Z', /10 decimals.*nine/],
    ['2024-02-30T00:00:00Z', /2024-02-30 is not a date/],
    ['2023-02-29T00:00:00Z', /not a date/],
    ['1900-02-29T00:00:00Z', /not a date/],
    ['2024-13-01T00:00:00Z', /not a date/],
    ['2024-00-01T00:00:00Z', /not a date/],
    ['2024-04-31T00:00:00Z', /not a date/],
    ['2024-01-01T24:00:00Z', /not a time of day/],
    ['2024-01-01T00:60:00Z', /not a time of day/],
    ['2016-12-31T23:59:60Z', /leap second/],
    ['2024-01-01T00:00:00+24:00', /zone \+24:00/],
    ['1677-12-31T23:59:59.999999999Z', /outside of the years 1678 to 2261/],
    ['2262-01-01T00:00:00Z', /outside/],
    ['2261-12-31T23:30:00-01:00', /outside/],
    ['9223372036854775808', /outside/],
    ['9'.repeat(5000), /outside/],
    ['1700000000.5', /whole number of nanoseconds/],
    ['yesterday', /neither RFC 3339/],
    ['', /neither RFC 3339/],
    [' 5', /neither RFC 3339/],
  ])('refuses %s with the reason', (text, reason) => {
    expect(parseInstant(text)).toEqual({ reason: expect.stringMatching(reason) })
  })

  it('reads back what formatInstant wrote, and what toNanos counts', () => {
    fc.assert(
      fc.property(instant, (i) => {
        expect(parseInstant(formatInstant(i))).toEqual(i)
        expect(parseInstant(String(toNanos(i)))).toEqual(i)
      }),
    )
  })

  it('agrees with Date about every millisecond and zone', () => {
    fc.assert(
      fc.property(fc.integer({ min: MS_MIN, max: MS_MAX }), fc.integer({ min: -1439, max: 1439 }), (ms, zone) => {
        const two = (n: number) => String(n).padStart(2, '0')
        const offset = `${zone < 0 ? '-' : '+'}${two(Math.floor(Math.abs(zone) / 60))}:${two(Math.abs(zone) % 60)}`
        const text = new Date(ms).toISOString().replace('Z', offset)
        const expected = ms - zone * 60_000
        if (expected < MS_MIN || expected > MS_MAX) expect(parseInstant(text)).toHaveProperty('reason')
        else expect(parseInstant(text)).toEqual({ ms: expected, ns: 0 })
      }),
    )
  })
})

describe('formatInstant', () => {
  it.each([
    [0, 0, '1970-01-01T00:00:00Z'],
    [1500, 0, '1970-01-01T00:00:01.5Z'],
    [-1, 999_999, '1969-12-31T23:59:59.999999999Z'],
    [0, 120, '1970-01-01T00:00:00.00000012Z'],
  ])('writes %d ms + %d ns without trailing zeros', (ms, ns, text) => {
    expect(formatInstant({ ms, ns })).toBe(text)
  })

  it('agrees with Date', () => {
    fc.assert(
      fc.property(fc.integer({ min: MS_MIN, max: MS_MAX }), (ms) => {
        const iso = new Date(ms).toISOString()
        expect(formatInstant({ ms, ns: 0 })).toBe(iso.replace(/\.?0*Z$/, 'Z').replace(/:Z$/, ':00Z'))
        expect(Date.parse(formatInstant({ ms, ns: 0 }))).toBe(ms)
      }),
    )
  })
})

describe('nanoseconds', () => {
  it('go there and back', () => {
    fc.assert(
      fc.property(instant, (i) => {
        expect(fromNanos(toNanos(i))).toEqual(i)
      }),
    )
  })

  it('are added and subtracted as integers are', () => {
    fc.assert(
      fc.property(instant, fc.maxSafeInteger(), (i, n) => {
        expect(toNanos(addNanos(i, n))).toBe(toNanos(i) + BigInt(n))
        expect(subtractNanos(addNanos(i, n), n)).toEqual(i)
        expect(addNanos(i, n).ns).toBeGreaterThanOrEqual(0)
        expect(addNanos(i, n).ns).toBeLessThan(1_000_000)
      }),
    )
  })

  it('order instants', () => {
    fc.assert(
      fc.property(instant, instant, (a, b) => {
        const [x, y] = [toNanos(a), toNanos(b)]
        expect(Math.sign(compareInstants(a, b))).toBe(x < y ? -1 : x > y ? 1 : 0)
      }),
    )
  })
})

describe('days', () => {
  it('are those of Date', () => {
    fc.assert(
      fc.property(fc.integer({ min: MS_MIN, max: MS_MAX }), (ms) => {
        const day = new Date(ms).toISOString().slice(0, 10)
        expect(dayOf(ms)).toBe(day)
        expect(dayStartMs(day)).toBe(Date.parse(`${day}T00:00:00Z`))
      }),
    )
  })

  it.each(['2024-02-30', '2024-1-1', '2024-00-10', 'x', ''])('%s is none', (text) => {
    expect(isDay(text)).toBe(false)
    expect(() => dayStartMs(text)).toThrow(/is not a day/)
  })
})

describe('inRange', () => {
  it.each([
    [{ ms: MS_MIN, ns: 0 }, true],
    [{ ms: MS_MIN - 1, ns: 999_999 }, false],
    [{ ms: MS_MAX, ns: 999_999 }, true],
    [{ ms: MS_MAX + 1, ns: 0 }, false],
    [{ ms: 0, ns: 1_000_000 }, false],
    [{ ms: 0, ns: -1 }, false],
    [{ ms: 0.5, ns: 0 }, false],
    [{ ms: Number.NaN, ns: 0 }, false],
  ])('%j: %s', (i, expected) => {
    expect(inRange(i)).toBe(expected)
  })

  it('leaves room inside int64 nanoseconds', () => {
    expect(toNanos({ ms: MS_MIN, ns: 0 })).toBeGreaterThan(-(2n ** 63n))
    expect(toNanos({ ms: MS_MAX, ns: 999_999 })).toBeLessThan(2n ** 63n)
  })
})
