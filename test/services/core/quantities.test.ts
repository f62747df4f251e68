/** Durations and sizes: read as written, written so that they read back. */

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { formatDuration, formatSize, parseDuration, parseSize, roundSize } from '../../../services/core/quantities.ts'

test.each([
  ['30s', 30_000],
  ['1.5h', 5_400_000],
  ['500 ms', 500],
  ['7d', 604_800_000],
  ['2W', 1_209_600_000],
  ['30', undefined],
  ['s', undefined],
  ['-1s', undefined],
  ['1e3s', undefined],
  ['5 parsecs', undefined],
  ['99999999999999w', undefined],
])('a duration %s is %s ms', (text, ms) => {
  expect(parseDuration(text)).toBe(ms)
})

test.each([
  ['500000', 500_000],
  ['64MB', 64_000_000],
  ['1GiB', 1_073_741_824],
  ['1 kb', 1000],
  ['0', 0],
  ['1.5MiB', 1_572_864],
  ['MB', undefined],
  ['4MB/s', undefined],
  ['', undefined],
  ['constructor', undefined],
])('a size %s is %s bytes', (text, bytes) => {
  expect(parseSize(text)).toBe(bytes)
})

test('what is written reads back as the same', () => {
  fc.assert(
    fc.property(fc.maxSafeNat(), (n) => {
      expect(parseDuration(formatDuration(n))).toBe(n)
      expect(parseSize(formatSize(n))).toBe(n)
    }),
  )
  expect(formatDuration(90_000)).toBe('90s')
  expect(formatSize(2 ** 30)).toBe('1GiB')
})

test('a rounded size keeps three digits', () => {
  expect([0, 999, 1000, 1_234_567, 99_949, 99_960, 999_999, 5e15].map(roundSize)).toEqual([
    '0 B',
    '999 B',
    '1.00 kB',
    '1.23 MB',
    '99.9 kB',
    '100 kB',
    '1.00 MB',
    '5000 TB',
  ])
})
