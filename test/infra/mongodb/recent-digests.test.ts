/** The memory of landed digests never claims what it was not told. */

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { RecentDigests } from '../../../infra/mongodb/recent-digests.ts'
import type { Reading } from '../../../schemas/reading.ts'
import { arriving } from '../../contract/reading-store.ts'

function readingWith(digest: Uint8Array, bumpNs: number): Reading {
  return { ...arriving({}).reading, digest, bumpNs }
}

const digest = fc.tuple(fc.constantFrom(1, 2), fc.constantFrom(0, 7, 255)).map(([first, last]) => {
  const bytes = new Uint8Array(16).fill(first)
  bytes[15] = last
  return bytes
})

test('knows exactly what it was told while it has room, whatever the order', () => {
  const reading = fc
    .tuple(digest, fc.constantFrom(0, 1, 2 ** 32 - 1))
    .map(([bytes, bumpNs]) => readingWith(bytes, bumpNs))
  fc.assert(
    fc.property(fc.array(reading, { maxLength: 8 }), reading, (told, asked) => {
      const recent = new RecentDigests()
      for (const each of told) recent.add(each)
      const key = (each: Reading): string => `${each.digest}/${each.bumpNs}`
      expect(recent.has(asked)).toBe(told.some((each) => key(each) === key(asked)))
    }),
  )
})

test('forgets the oldest of a crowd, and everything when it is cleared', () => {
  const recent = new RecentDigests()
  const crowd = Array.from({ length: 9 }, (_, i) => readingWith(new Uint8Array(16).fill(1), i))
  for (const each of crowd) recent.add(each)
  expect(crowd.map((each) => recent.has(each))).toEqual([false, ...new Array<boolean>(8).fill(true)])
  recent.clear()
  expect(crowd.some((each) => recent.has(each))).toBe(false)
})

test('what was moved too far is not remembered rather than mistaken', () => {
  const recent = new RecentDigests()
  recent.add(readingWith(new Uint8Array(16).fill(1), 2 ** 32))
  expect(recent.has(readingWith(new Uint8Array(16).fill(1), 0))).toBe(false)
  expect(recent.has(readingWith(new Uint8Array(16).fill(1), 2 ** 32))).toBe(false)
})
