/** The canonical form, held against a second, plainer way to write it; and the sum of digests. */

import { createHash } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import {
  addDigest,
  digestOf,
  digestOfReading,
  emptySum,
  seriesPrefix,
  subtractDigest,
  sumFromHex,
  sumHex,
} from '../../schemas/canonical.ts'
import type { Values } from '../../schemas/reading.ts'
import { addNanos } from '../../schemas/time.ts'
import { anyValues } from './arbitraries.ts'

/** The definition, one line a field. */
function plainDigest(names: readonly string[], ms: number, ns: number, values: Values): string {
  const hash = createHash('sha256')
  const u16 = (text: string) => {
    const bytes = Buffer.from(text)
    hash.update(Buffer.of(bytes.length >> 8, bytes.length & 255)).update(bytes)
  }
  for (const name of names) u16(name)
  const time = Buffer.alloc(12)
  time.writeBigInt64BE(BigInt(ms))
  time.writeUInt32BE(ns, 8)
  hash.update(time)
  for (const [name, value] of Object.entries(values).sort(([a], [b]) =>
    Buffer.compare(Buffer.from(a), Buffer.from(b)),
  )) {
    u16(name)
    const number = Buffer.alloc(8)
    if (typeof value === 'number') number.writeDoubleBE(value)
    if (typeof value === 'bigint') number.writeBigInt64BE(value)
    if (typeof value === 'number') hash.update('d').update(number)
    else if (typeof value === 'bigint') hash.update('i').update(number)
    else if (typeof value === 'boolean') hash.update('b').update(Buffer.of(value ? 1 : 0))
    else {
      const text = Buffer.from(value)
      const length = Buffer.alloc(4)
      length.writeUInt32BE(text.length)
      hash.update('s').update(length).update(text)
    }
  }
  return hash.digest('hex').slice(0, 32)
}

const hex = (digest: Uint8Array) => Buffer.from(digest).toString('hex')
const prefix = seriesPrefix('g', 't', 's')
const bytes16 = fc.uint8Array({ minLength: 16, maxLength: 16 })

describe('digestOf', () => {
  it('is what the definition says, for any names, time and values', () => {
    fc.assert(
      fc.property(
        fc.string(),
        fc.string(),
        fc.string(),
        fc.integer(),
        fc.nat(999_999),
        anyValues,
        (g, t, s, ms, ns, v) => {
          const long = ms * 4000
          expect(hex(digestOf(seriesPrefix(g, t, s), long, ns, v))).toBe(plainDigest([g, t, s], long, ns, v))
        },
      ),
    )
  })

  it('does not depend on the order of the fields', () => {
    expect(digestOf(prefix, 1, 2, { b: 1, a: 'x', c: true })).toEqual(digestOf(prefix, 1, 2, { c: true, a: 'x', b: 1 }))
  })

  it('takes an absent field and none for the same', () => {
    const absent = { a: 1, b: undefined } as unknown as Values
    expect(digestOf(prefix, 1, 2, absent)).toEqual(digestOf(prefix, 1, 2, { a: 1 }))
  })

  it('tells all of these apart', () => {
    const some: Values[] = [
      { a: 1 },
      { a: 1n },
      { a: true },
      { a: '1' },
      { a: 0 },
      { a: -0 },
      { a: false },
      { b: 1 },
      {},
    ]
    const digests = [
      ...some.map((values) => hex(digestOf(prefix, 1, 2, values))),
      hex(digestOf(prefix, 2, 2, { a: 1 })),
      hex(digestOf(prefix, 1, 3, { a: 1 })),
      hex(digestOf(seriesPrefix('gt', '', 's'), 1, 2, { a: 1 })),
      hex(digestOf(seriesPrefix('g', 't', 'x'), 1, 2, { a: 1 })),
    ]
    expect(new Set(digests).size).toBe(digests.length)
  })

  it('takes texts larger than its buffer, also more than one, and many shapes', () => {
    const values = { a: 'ä'.repeat(3000), b: 'x'.repeat(100_000), c: 1.5 }
    expect(hex(digestOf(prefix, 1, 2, values))).toBe(plainDigest(['g', 't', 's'], 1, 2, values))
    for (let i = 0; i < 3000; i++) {
      const shaped = { [`f${i}`]: i, a: 'x' }
      expect(hex(digestOf(prefix, i, 0, shaped))).toBe(plainDigest(['g', 't', 's'], i, 0, shaped))
    }
  })

  it('gives a new array each time', () => {
    const first = digestOf(prefix, 1, 2, { a: 1 })
    const before = hex(first)
    digestOf(prefix, 2, 2, { a: 2 })
    expect(hex(first)).toBe(before)
    expect(first.constructor).toBe(Uint8Array)
  })
})

describe('digestOfReading', () => {
  it('is that of the measurement, wherever the bump has moved its time', () => {
    fc.assert(
      fc.property(fc.integer(), fc.nat(999_999), fc.nat(3_000_000), anyValues, (ms, ns, bumpNs, values) => {
        const bumped = addNanos({ ms, ns }, bumpNs)
        const reading = { type: 't', sensor: 's', ...bumped, bumpNs, values }
        expect(digestOfReading('g', reading)).toEqual(digestOf(prefix, ms, ns, values))
      }),
    )
  })
})

describe('the sum of digests', () => {
  it('is addition and subtraction modulo 2¹²⁸', () => {
    const number = (bytes: Uint8Array) => BigInt(`0x${hex(bytes)}`)
    fc.assert(
      fc.property(bytes16, bytes16, (a, b) => {
        const sum = a.slice()
        addDigest(sum, b)
        expect(number(sum)).toBe((number(a) + number(b)) % 2n ** 128n)
        subtractDigest(sum, b)
        expect(sum).toEqual(a)
        subtractDigest(sum, b)
        expect(number(sum)).toBe((number(a) - number(b) + 2n ** 128n) % 2n ** 128n)
      }),
    )
  })

  it('wraps at its end', () => {
    const sum = sumFromHex('f'.repeat(32))
    addDigest(sum, sumFromHex(`${'0'.repeat(31)}1`))
    expect(sum).toEqual(emptySum())
    subtractDigest(sum, sumFromHex(`${'0'.repeat(31)}1`))
    expect(sumHex(sum)).toBe('f'.repeat(32))
  })

  it('goes to hex and back', () => {
    fc.assert(
      fc.property(bytes16, (sum) => {
        expect(sumFromHex(sumHex(sum))).toEqual(sum)
      }),
    )
    expect(() => sumFromHex('xyz')).toThrow(/32 hex digits/)
  })
})
