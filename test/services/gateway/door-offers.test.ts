/** What a door takes and what it refuses, reading by reading, with the code the sender can act on. */

import { describe, expect, it } from 'vitest'
import type { LinePoint } from '../../../services/core/line-protocol.ts'
import { Refusal } from '../../../services/gateway/door-codes.ts'
import { offerChecker } from '../../../services/gateway/offers.ts'
import { TEST_TYPES } from '../../support/door.ts'

const accepting = offerChecker({ types: TEST_TYPES, undeclared: 'accept' })
const refusing = offerChecker({ types: TEST_TYPES, undeclared: 'refuse' })
const probe = { type: 'probe', sensor: 's1', time: '2024-05-01T00:00:00Z', values: { level: 1.5 } }
const free = { type: 'free', sensor: 's1', time: '2024-05-01T00:00:00Z', values: { a: 1 } }

function codeOf(item: unknown, checker = accepting): string {
  const offer = checker.fromJson(item)
  return offer instanceof Refusal ? offer.code : 'taken'
}

describe('a door', () => {
  it('offers a reading of a declared type as the type says, exactly', () => {
    const offer = accepting.fromJson({
      ...probe,
      time: '2024-05-01T00:00:00.123456789+02:00',
      values: { level: -0, raw: 9_007_199_254_740_991, low: null, note: 'ok' },
      labels: { room: 'kitchen' },
    })
    expect(offer).toEqual({
      type: 'probe',
      sensor: 's1',
      labels: { room: 'kitchen' },
      time: { ms: Date.UTC(2024, 3, 30, 22, 0, 0, 123), ns: 456_789 },
      values: { level: -0, raw: 9_007_199_254_740_991n, note: 'ok' },
    })
  })

  it('offers a reading without a time without one', () => {
    expect(accepting.fromJson({ ...probe, time: undefined })).not.toHaveProperty('time')
    expect(accepting.fromJson({ ...probe, time: null })).not.toHaveProperty('time')
  })

  it('takes nanoseconds in a text as time', () => {
    expect(accepting.fromJson({ ...probe, time: '1700000000123456789' })).toMatchObject({
      time: { ms: 1_700_000_000_123, ns: 456_789 },
    })
  })

  it('makes numbers of undeclared types doubles, and leaves nulls out', () => {
    expect(accepting.fromJson({ ...free, values: { a: 5, b: true, c: 'x', d: null } })).toMatchObject({
      values: { a: 5, b: true, c: 'x' },
    })
  })

  it.each([
    ['a number', 5, 'not-an-object'],
    ['an array', [], 'not-an-object'],
    ['null', null, 'not-an-object'],
    ['a misspelt key', { ...probe, timestamp: 1 }, 'key-unknown'],
    ['no type', { ...probe, type: undefined }, 'type-missing'],
    ['a number as sensor', { ...probe, sensor: 7 }, 'sensor-missing'],
    ['a sensor with a space', { ...probe, sensor: 'a b' }, 'name-invalid'],
    ['a type with a slash', { ...free, type: 'a/b' }, 'name-invalid'],
    ['a field with a space', { ...free, values: { 'a b': 1 } }, 'name-invalid'],
    ['a number as time', { ...probe, time: 1_700_000_000_000 }, 'time-invalid'],
    ['the 30th of February', { ...probe, time: '2024-02-30T00:00:00Z' }, 'time-invalid'],
    ['ten decimals', { ...probe, time: '2024-02-03T00:00:00.0123456789Z' }, 'time-invalid'],
    ['the year 1500', { ...probe, time: '1500-01-01T00:00:00Z' }, 'time-invalid'],
    ['no zone', { ...probe, time: '2024-02-03T00:00:00' }, 'time-without-zone'],
    ['no values', { ...probe, values: undefined }, 'values-missing'],
    ['a list of values', { ...probe, values: [1] }, 'values-missing'],
    ['empty values', { ...free, values: {} }, 'values-empty'],
    ['nothing but nulls', { ...free, values: { a: null } }, 'values-empty'],
    ['a required field that is null', { ...probe, values: { level: null } }, 'field-missing'],
    ['a required field that is absent', { ...probe, values: { raw: 1 } }, 'field-missing'],
    ['an unknown field', { ...probe, values: { level: 1, depth: 2 } }, 'field-unknown'],
    ['an inherited name as field', { ...probe, values: { level: 1, toString: 2 } }, 'field-unknown'],
    ['a text for a number', { ...probe, values: { level: '1' } }, 'value-wrong-type'],
    ['a fraction for an integer', { ...probe, values: { level: 1, raw: 1.5 } }, 'value-wrong-type'],
    ['a number for a boolean', { ...probe, values: { level: 1, low: 1 } }, 'value-wrong-type'],
    ['a nested value', { ...free, values: { a: { b: 1 } } }, 'value-wrong-type'],
    ['half a character', { ...free, values: { a: '\ud800' } }, 'value-wrong-type'],
    ['1e999', { ...probe, values: { level: Number.POSITIVE_INFINITY } }, 'value-not-finite'],
    ['NaN as a text', { ...probe, values: { level: 'NaN' } }, 'value-not-finite'],
    ['1e999 undeclared', { ...free, values: { a: Number.POSITIVE_INFINITY } }, 'value-not-finite'],
    ['an integer past 2⁵³', { ...probe, values: { level: 1, raw: 9_007_199_254_740_992 } }, 'integer-too-large'],
    ['labels that are a text', { ...probe, labels: 'x' }, 'label-invalid'],
    ['a label that is a number', { ...probe, labels: { a: 1 } }, 'label-invalid'],
    ['an empty label', { ...probe, labels: { a: '' } }, 'label-invalid'],
    [
      'a label __proto__',
      JSON.parse('{"type":"probe","sensor":"s","values":{"level":1},"labels":{"__proto__":"x"}}'),
      'label-invalid',
    ],
    ['a label gateway', { ...probe, labels: { gateway: 'x' } }, 'label-reserved'],
    ['a label like a field', { ...probe, labels: { raw: 'x' } }, 'label-reserved'],
    ['900,001 bytes of text', { ...probe, values: { level: 1, note: 'x'.repeat(900_001) } }, 'reading-too-large'],
    ['860,000 bytes of text', { ...probe, values: { level: 1, note: 'x'.repeat(860_000) } }, 'taken'],
    [
      '10,000 fields',
      { ...free, values: Object.fromEntries(Array.from({ length: 10_000 }, (_, i) => [`f${i}`, i])) },
      'taken',
    ],
    ['a large integer in a double', { ...probe, values: { level: 2 ** 60 } }, 'taken'],
  ])('answers %s with its code', (_, item, code) => {
    expect(codeOf(item)).toBe(code)
  })
})

describe('a door with types', () => {
  it('refuses undeclared types where the settings say so, and names the declared ones', () => {
    expect(codeOf(free, refusing)).toBe('type-undeclared')
    expect(refusing.fromJson(free)).toMatchObject({ reason: expect.stringContaining('probe') })
    expect(codeOf(probe, refusing)).toBe('taken')
  })

  it('says which fields a type has when one is unknown', () => {
    const offer = accepting.fromJson({ ...probe, values: { level: 1, depth: 2 } })
    expect(offer).toMatchObject({ reason: expect.stringMatching(/level, raw, low, note.*depth/) })
  })

  it('renames labels of undeclared types that the stores need the name of', () => {
    const offer = accepting.fromJson({ ...free, labels: { gateway: 'g', a: 'x', a_: 'y', room: 'r' } })
    expect(offer).toMatchObject({ labels: { gateway_: 'g', a__: 'x', a_: 'y', room: 'r' } })
  })

  it('keeps the same answers after it has forgotten what it knew', () => {
    for (let i = 0; i < 70_000; i++) accepting.fromJson({ ...probe, sensor: `s${i}` })
    expect(codeOf(probe)).toBe('taken')
    expect(codeOf({ ...probe, sensor: 'a b' })).toBe('name-invalid')
  })

  describe('takes lines: ', () => {
    const fields = { level: 1 }
    const point = (series: string, over: Partial<LinePoint> = {}) => accepting.fromPoint({ series, fields, ...over })

    it('the sensor is the tag of that name, the others are labels', () => {
      expect(point('probe,room=a,sensor=s7')).toMatchObject({ type: 'probe', sensor: 's7', labels: { room: 'a' } })
    })

    it('without that tag all tags make the sensor, and stay labels', () => {
      expect(point('probe,host=a,cpu=cpu0')).toMatchObject({
        sensor: 'cpu=cpu0,host=a',
        labels: { host: 'a', cpu: 'cpu0' },
      })
      expect(point('probe')).toMatchObject({ sensor: 'none', labels: {} })
    })

    it('a sensor that is no name is encoded rather than refused', () => {
      expect(point('probe,sensor=living\\ room')).toMatchObject({ sensor: 'sensor=living%20room' })
    })

    it('integers fit doubles, and whole doubles fit integers', () => {
      expect(point('probe', { fields: { level: 21n, raw: 3 } })).toMatchObject({ values: { level: 21, raw: 3n } })
      expect(point('probe', { fields: { level: 1, raw: 3.5 } })).toMatchObject({ code: 'value-wrong-type' })
      expect(point('free', { fields: { a: 21n, b: 21 } })).toMatchObject({ values: { a: 21n, b: 21 } })
    })
  })
})
