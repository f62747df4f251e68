/** Legal names, and sensor names made of tags. */

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isFieldName, isName, sensorFromTags } from '../../schemas/names.ts'

const tags = fc.uniqueArray(fc.tuple(fc.string({ unit: 'grapheme', minLength: 1 }), fc.string({ unit: 'grapheme' })), {
  minLength: 1,
  maxLength: 4,
  selector: ([key]) => key,
})

describe('isName', () => {
  it.each(['a', '9', 'Node37', 'host=a,cpu=cpu0', 'a'.repeat(128), 'a._:=,@+%-'])('takes %s', (text) => {
    expect(isName(text)).toBe(true)
    expect(isFieldName(text)).toBe(true)
  })

  it.each(['', '_a', '-a', 'a b', 'a/b', 'ä', 'a\n', 'a'.repeat(129), '$ne', '__proto__'])('refuses %j', (text) => {
    expect(isName(text)).toBe(false)
    expect(isFieldName(text)).toBe(false)
  })
})

describe('sensorFromTags', () => {
  it('joins all tags in the order of their keys', () => {
    expect(
      sensorFromTags([
        ['host', 'a'],
        ['cpu', 'cpu0'],
      ]),
    ).toBe('cpu=cpu0,host=a')
  })

  it('is none without tags', () => {
    expect(sensorFromTags([])).toBe('none')
  })

  it('encodes what a name may not hold, and what would blur two sets of tags', () => {
    expect(sensorFromTags([['room', 'Küche 1/2']])).toBe('room=K%C3%BCche%201%2F2')
    expect(sensorFromTags([['a', '1,b=2']])).toBe('a=1%2Cb%3D2')
    expect(sensorFromTags([['_x', '1']])).toBe('0%-_x=1')
  })

  it('cuts a long name with a hash of the whole', () => {
    const long = (end: string) => sensorFromTags([['k', 'x'.repeat(200) + end]])
    expect(long('a')).toMatch(/^k=x{109}@[0-9a-f]{16}$/)
    expect(long('a')).not.toBe(long('b'))
    expect(sensorFromTags([['k', 'x'.repeat(126)]])).toBe(`k=${'x'.repeat(126)}`)
  })

  it('always gives a legal name, whatever the order of the tags', () => {
    fc.assert(
      fc.property(tags, (some) => {
        expect(isName(sensorFromTags(some))).toBe(true)
        expect(sensorFromTags([...some].reverse())).toBe(sensorFromTags(some))
      }),
    )
  })

  it('gives different tags different names', () => {
    const close = fc.uniqueArray(fc.tuple(fc.stringMatching(/^[a=,%_é]{1,3}$/), fc.stringMatching(/^[b=,%_é]{0,3}$/)), {
      minLength: 1,
      maxLength: 3,
      selector: ([key]) => key,
    })
    fc.assert(
      fc.property(close, close, (a, b) => {
        const same =
          JSON.stringify(Object.entries(Object.fromEntries(a)).sort()) ===
          JSON.stringify(Object.entries(Object.fromEntries(b)).sort())
        expect(sensorFromTags(a) === sensorFromTags(b)).toBe(same)
      }),
      { numRuns: 2000 },
    )
  })
})
