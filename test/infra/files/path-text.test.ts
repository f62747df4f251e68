/** Paths of any bytes as text: it leads back to the same bytes, differs where they differ, and sorts as the keys do. */

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { keyOfRaw, keyOfText, rawOfKey, textOfKey } from '../../../infra/files/path-text.ts'
import { comparePaths } from '../../../services/core/path-order.ts'

/** Names as systems have them, with the bytes that are troublesome in front. */
const raw = fc
  .array(
    fc.oneof(
      fc.constantFrom('%', 'F', '2', '5', '\xff', '\xc3', '\xa9', '\xed\xa0\x80', '\xf0\x9f\x98\x80', '\n', '/', 'a'),
      fc.integer({ min: 1, max: 255 }).map((byte) => String.fromCharCode(byte)),
    ),
    { maxLength: 12 },
  )
  .map((parts) => parts.join(''))

test('the text of any bytes leads back to them, and is well-formed', () => {
  fc.assert(
    fc.property(raw, (bytes) => {
      const text = textOfKey(keyOfRaw(bytes))
      expect(rawOfKey(keyOfText(text))).toBe(bytes)
      expect(text).not.toMatch(/\p{Surrogate}/u)
    }),
  )
})

test('texts compare as their bytes do', () => {
  fc.assert(
    fc.property(raw, raw, (x, y) => {
      const [a, b] = [keyOfRaw(x), keyOfRaw(y)]
      expect(Math.sign(comparePaths(textOfKey(a), textOfKey(b)))).toBe(a < b ? -1 : a > b ? 1 : 0)
    }),
  )
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), fc.string({ unit: 'binary' }), (x, y) => {
      expect(Math.sign(comparePaths(x, y))).toBe(Buffer.compare(Buffer.from(x), Buffer.from(y)))
    }),
  )
})

test('what is UTF-8 stands as it is; percent signs and other bytes are escaped', () => {
  expect(textOfKey(keyOfRaw(Buffer.from('é/100%.dat').toString('latin1')))).toBe('é/100%25.dat')
  expect(textOfKey(keyOfRaw('\xff\xfe.dat'))).toBe('%FF%FE.dat')
})
