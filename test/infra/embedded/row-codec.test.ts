/** Binary rows: every value comes back bit for bit, and numbers are given once. */

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { Dictionary, type Entry } from '../../../infra/embedded/dictionary.ts'
import type { Kv } from '../../../infra/embedded/kv.ts'
import { ByteReader, ByteWriter, isSealed } from '../../../infra/embedded/row-bytes.ts'
import { type Content, RowCodec } from '../../../infra/embedded/row-codec.ts'
import {
  afterPrefix,
  findKeySpace,
  type KeySpace,
  makeKeySpace,
  readTimeField,
  timeField,
} from '../../../infra/embedded/row-keys.ts'
import { memoryKv } from '../../support/memory-kv.ts'

async function spaceOn(kv: Kv): Promise<KeySpace> {
  return kv.write((tx) => makeKeySpace(tx, 'T', 'test'))
}

describe('the row codec', () => {
  const name = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._-]{0,10}$/)
  const value = fc.oneof(
    fc.double({ noNaN: true }),
    fc.constantFrom(-0, 0, Number.MIN_VALUE, Number.MAX_VALUE),
    fc.bigInt({ min: -(2n ** 53n) + 1n, max: 2n ** 53n - 1n }),
    fc.boolean(),
    fc.string({ unit: 'grapheme' }),
    fc.string({ minLength: 130, maxLength: 20_000 }),
  )
  const content: fc.Arbitrary<Content> = fc.record(
    {
      values: fc.dictionary(name, value, { maxKeys: 6, noNullPrototype: true }),
      labels: fc.dictionary(name, fc.string({ unit: 'grapheme' }), { maxKeys: 3, noNullPrototype: true }),
      bumpNs: fc.oneof(fc.constant(0), fc.integer({ min: 1, max: 2 ** 40 })),
      estimated: fc.boolean(),
      recovered: fc.boolean(),
      digest: fc.uint8Array({ minLength: 16, maxLength: 16 }),
    },
    { noNullPrototype: true },
  )

  test('gives back every content exactly, −0 and the largest integers too, also after reopening', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(content, { maxLength: 8 }), async (contents) => {
        const kv = memoryKv()
        const space = await spaceOn(kv)
        const codec = new RowCodec(space, 'store-corrupt')
        const out = new ByteWriter()
        const hints = {}
        await kv.write((tx) => {
          for (const one of contents) codec.encode(out, tx, one, hints)
          codec.keep()
        })
        for (const reading of [codec, new RowCodec(space, 'store-corrupt').load(kv)]) {
          const row = new ByteReader().over(out.copy())
          for (const one of contents) expect(reading.decode(row)).toStrictEqual(one)
          expect(row.at).toBe(out.length)
        }
      }),
      { numRuns: 200 },
    )
  })

  test('three doubles without labels take 42 bytes', async () => {
    const kv = memoryKv()
    const codec = new RowCodec(await spaceOn(kv), 'store-corrupt')
    const out = new ByteWriter()
    const values = { a: 1, b: 2, c: 3 }
    const one = { values, labels: {}, bumpNs: 0, estimated: false, recovered: false, digest: new Uint8Array(16) }
    await kv.write((tx) => codec.encode(out, tx, one, {}))
    expect(out.length).toBe(42)
  })

  test('a shape or label set stored by an undone transaction is stored again', async () => {
    const kv = memoryKv()
    const space = await spaceOn(kv)
    const codec = new RowCodec(space, 'store-corrupt')
    const digest = new Uint8Array(16)
    const one = { values: { x: 1 }, labels: { a: 'b' }, bumpNs: 0, estimated: false, recovered: false, digest }
    const hints = {}
    await kv
      .write((tx) => {
        codec.encode(new ByteWriter(), tx, one, hints)
        throw new RangeError('undone')
      })
      .catch(() => codec.drop())
    const out = new ByteWriter()
    await kv.write((tx) => {
      codec.encode(out, tx, one, hints)
      codec.keep()
    })
    expect(new RowCodec(space, 'store-corrupt').load(kv).decode(new ByteReader().over(out.copy()))).toStrictEqual(one)
  })
})

describe('a dictionary', () => {
  const open = (space: KeySpace, kv: Kv, entriesMax = 100): Dictionary<Entry> =>
    new Dictionary({
      space,
      kind: 'D',
      make: (text): Entry => ({ id: 0, text }),
      entriesMax,
      textMax: 50,
      corrupt: 'store-corrupt',
    }).load(kv)

  test('gives a text the same number for ever', async () => {
    const kv = memoryKv()
    const space = await spaceOn(kv)
    const first = await kv.write((tx) => ['a', 'b', 'a'].map((text) => open(space, kv).intern(tx, text)?.id))
    expect(first[0]).toBe(1)
    const again = open(space, kv)
    const ids = await kv.write((tx) => ['c', 'a', 'c'].map((text) => again.intern(tx, text)?.id))
    expect(ids[1]).toBe(1)
    expect(ids[0]).toBe(ids[2])
    expect(again.byId(ids[0] ?? 0).text).toBe('c')
  })

  test('takes back the numbers of an undone transaction', async () => {
    const kv = memoryKv()
    const space = await spaceOn(kv)
    const dictionary = open(space, kv)
    const entry = await kv.write((tx) => dictionary.intern(tx, 'kept'))
    dictionary.keep()
    await kv.write((tx) => dictionary.intern(tx, 'gone')).then(() => dictionary.drop())
    expect(dictionary.find('gone')).toBeUndefined()
    expect(entry?.id).toBe(1)
    expect((await kv.write((tx) => dictionary.intern(tx, 'next')))?.id).toBe(2)
  })

  test('past its limit, or for long texts, gives no number', async () => {
    const kv = memoryKv()
    const dictionary = open(await spaceOn(kv), kv, 1)
    const ids = await kv.write((tx) =>
      ['x'.repeat(51), 'one', 'two', 'one'].map((text) => dictionary.intern(tx, text)?.id),
    )
    expect(ids).toEqual([undefined, 1, undefined, 1])
  })

  test('a damaged row is reported when its text is needed, and its number is not given again', async () => {
    const kv = memoryKv()
    const space = await spaceOn(kv)
    await kv.write((tx) => open(space, kv).intern(tx, 'text'))
    await kv.write((tx) => {
      for (const { key, value } of [...tx.range(space.all('D'))]) tx.put(key, value.with(6, 0))
    })
    const again = open(space, kv)
    expect(() => again.byId(1)).toThrow('checksum')
    expect((await kv.write((tx) => again.intern(tx, 'text')))?.id).toBe(2)
  })
})

describe('bytes of rows', () => {
  test('whole numbers come back as they went', () => {
    fc.assert(
      fc.property(
        fc.array(fc.maxSafeNat()),
        fc.array(fc.integer({ min: -(2 ** 51), max: 2 ** 51 })),
        (naturals, integers) => {
          const out = new ByteWriter()
          for (const n of naturals) out.varint(n)
          for (const n of integers) out.zigzag(n)
          const row = new ByteReader().over(out.copy())
          expect(naturals.map(() => row.varint())).toEqual(naturals)
          expect(integers.map(() => row.zigzag() + 0)).toEqual(integers.map((n) => n + 0))
        },
      ),
    )
  })

  test.each([0, 1, 127, 128, 16_383, 16_384, 2_097_151, 2_097_152])(
    'a length written after its %i bytes stands before them',
    (length) => {
      const out = new ByteWriter()
      const mark = out.beginLength()
      out.block(new Uint8Array(length).fill(7))
      out.endLength(mark)
      out.u8(9)
      const row = new ByteReader().over(out.copy())
      expect(row.varint()).toBe(length)
      expect(row.raw(length).every((byte) => byte === 7)).toBe(true)
      expect(row.u8()).toBe(9)
    },
  )

  test('any flipped bit of a sealed row shows', () => {
    const out = new ByteWriter()
    out.startSealed()
    out.text('a row of some length')
    const row = out.sealed(3)
    expect(isSealed(row, 3)).toBe(true)
    expect(isSealed(row, 4)).toBe(false)
    for (let bit = 0; bit < row.length * 8; bit++) {
      const byte = row[bit >> 3] ?? 0
      expect(isSealed(row.with(bit >> 3, byte ^ (1 << (bit & 7))), 3)).toBe(false)
    }
  })

  test('times sort as keys, before 1970 too', () => {
    const time = fc.tuple(fc.integer({ min: -(2 ** 45), max: 2 ** 45 }), fc.integer({ min: 0, max: 999_999 }))
    fc.assert(
      fc.property(time, time, ([ms, ns], [otherMs, otherNs]) => {
        const order = Buffer.compare(timeField(ms, ns), timeField(otherMs, otherNs))
        expect(order).toBe(Math.sign(ms - otherMs || ns - otherNs))
        expect(readTimeField(timeField(ms, ns), 0)).toEqual({ ms, ns })
      }),
    )
  })

  test('spaces of different names never share a key', async () => {
    const kv = memoryKv()
    const spaces = await kv.write((tx) => ['a', 'b', 'ab', 'a'].map((name) => makeKeySpace(tx, 'T', name).key('x')))
    expect(new Set(spaces.map((key) => Buffer.from(key).toString('hex'))).size).toBe(3)
    expect(findKeySpace(kv, 'T', 'b')?.key('x')).toEqual(spaces[1])
    expect(findKeySpace(kv, 'T', 'c')).toBeUndefined()
    expect(findKeySpace(kv, 'U', 'a')).toBeUndefined()
  })

  test('the key after a prefix is above all that begin with it', () => {
    expect(afterPrefix(Uint8Array.of(1, 2))).toEqual(Buffer.from([1, 3]))
    expect(afterPrefix(Uint8Array.of(1, 255))).toEqual(Buffer.from([2]))
  })
})
