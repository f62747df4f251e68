/** Bytes that claim more than they hold are refused before a decoder believes them. */

import avro from 'avsc'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { guardFor } from '../../schemas/guard.ts'

const SCHEMA = {
  type: 'record',
  name: 'All',
  fields: [
    { name: 'flag', type: 'boolean' },
    { name: 'number', type: 'int' },
    { name: 'long', type: 'long' },
    { name: 'float', type: 'float' },
    { name: 'double', type: 'double' },
    { name: 'text', type: 'string' },
    { name: 'raw', type: 'bytes' },
    { name: 'digest', type: { type: 'fixed', name: 'F', size: 4 } },
    { name: 'word', type: { type: 'enum', name: 'E', symbols: ['A', 'B', 'C'] } },
    { name: 'maybe', type: ['null', 'double'], default: null },
    { name: 'maybe2', type: ['null', 'double'], default: null },
    { name: 'text2', type: ['null', 'string'], default: null },
    { name: 'nothing', type: 'null' },
    { name: 'list', type: { type: 'array', items: 'long' } },
    { name: 'fixeds', type: { type: 'array', items: 'double' } },
    { name: 'map', type: { type: 'map', values: ['boolean', 'string'] } },
    {
      name: 'nested',
      type: {
        type: 'array',
        items: { type: 'record', name: 'In', fields: [{ name: 'x', type: { type: 'array', items: 'int' } }] },
      },
    },
  ],
}
const parse = (schema: unknown) => avro.Type.forSchema(JSON.parse(JSON.stringify(schema)))
const type = parse(SCHEMA)
const guard = guardFor(type)
const long = fc.integer({ min: -(2 ** 52), max: 2 ** 52 })
const value = fc.record({
  flag: fc.boolean(),
  number: fc.integer(),
  long,
  float: fc.float({ noNaN: true }),
  double: fc.double({ noNaN: true }),
  text: fc.string(),
  raw: fc.uint8Array().map((bytes) => Buffer.from(bytes)),
  digest: fc.uint8Array({ minLength: 4, maxLength: 4 }).map((bytes) => Buffer.from(bytes)),
  word: fc.constantFrom('A', 'B', 'C'),
  maybe: fc.option(fc.double({ noNaN: true })),
  maybe2: fc.option(fc.double({ noNaN: true })),
  text2: fc.option(fc.string()),
  nothing: fc.constant(null),
  list: fc.array(long),
  fixeds: fc.array(fc.double({ noNaN: true })),
  map: fc.dictionary(fc.string(), fc.oneof(fc.boolean(), fc.string())),
  nested: fc.array(fc.record({ x: fc.array(fc.integer()) })),
})

describe('the guard', () => {
  it('lets through whatever avsc writes, from any start', () => {
    fc.assert(
      fc.property(value, fc.nat(9), (it, start) => {
        expect(guard(Buffer.concat([Buffer.alloc(start, 7), type.toBuffer(it)]), start)).toBeUndefined()
      }),
    )
  })

  it('refuses every cut and every added byte', () => {
    fc.assert(
      fc.property(value, (it) => {
        const bytes = type.toBuffer(it)
        for (let end = 0; end < bytes.length; end++) expect(guard(bytes.subarray(0, end), 0)).toBeDefined()
        expect(guard(Buffer.concat([bytes, Buffer.of(0)]), 0)).toBe('1 bytes stand after its end')
      }),
      { numRuns: 30 },
    )
  })

  it('lets avsc decode whatever it lets through, and inside the bytes', () => {
    fc.assert(
      fc.property(value, fc.array(fc.tuple(fc.nat(), fc.nat(255)), { minLength: 1, maxLength: 3 }), (it, flips) => {
        const bytes = type.toBuffer(it)
        for (const [at, byte] of flips) bytes[at % bytes.length] = byte
        if (guard(bytes, 0) !== undefined) return
        try {
          expect(type.decode(bytes, 0).offset).toBe(bytes.length)
        } catch (error) {
          expect(String(error)).toMatch(/precision loss/)
        }
      }),
      { numRuns: 2000 },
    )
  })

  it('takes blocks with their size in bytes', () => {
    const list = guardFor(parse({ type: 'array', items: 'long' }))
    expect(list(Buffer.of(3, 4, 2, 2, 0), 0)).toBeUndefined()
    expect(list(Buffer.of(2, 2, 2, 2, 0), 0)).toBeUndefined()
  })

  it.each<[string, unknown, number[], RegExp]>([
    [
      'fifty million ints',
      { type: 'array', items: 'int' },
      [0x80, 0xe1, 0xeb, 0x17],
      /50000000 items? where 0 bytes|list of/,
    ],
    ['a negative count', { type: 'array', items: 'int' }, [0xff, 0xff, 0xff, 0xff, 0x0f, 0x02], /list of/],
    ['the largest count', { type: 'map', values: 'int' }, [254, 255, 255, 255, 255, 255, 255, 255, 255, 1], /list of/],
    ['a text of two gigabytes', 'string', [0xfe, 0xff, 0xff, 0xff, 0x0f], /a text or bytes of 2147483647 where 0/],
    ['a text of negative length', 'string', [0x01], /a text or bytes of -1/],
    ['a number that never ends', 'long', Array(11).fill(0x80), /too early/],
    ['a word that is not there', { type: 'enum', name: 'E', symbols: ['A'] }, [2], /word 1 of 1/],
    ['a branch that is not there', ['null', 'int'], [4], /union/],
    ['a boolean of 2', 'boolean', [2], /too early/],
    [
      'doubles in a nullable run',
      { type: 'record', name: 'R', fields: [{ name: 'a', type: ['null', 'double'] }] },
      [6],
      /union/,
    ],
  ])('refuses %s', (_what, schema, bytes, reason) => {
    expect(guardFor(parse(schema))(Buffer.from(bytes), 0)).toMatch(reason)
  })

  it.each<[string, object]>([
    ['nulls', { type: 'array', items: 'null' }],
    ['records without fields', { type: 'array', items: { type: 'record', name: 'R', fields: [] } }],
  ])('refuses lists of %s: a count would cost nothing to claim', (_what, schema) => {
    expect(() => guardFor(parse(schema))).toThrow(/take no bytes/)
  })

  it('refuses a schema nested deeper than 32', () => {
    const nested = (depth: number): unknown => (depth === 0 ? 'int' : { type: 'array', items: nested(depth - 1) })
    expect(() => guardFor(parse(nested(33)))).toThrow(/deeper than 32/)
    expect(guardFor(parse(nested(32)))(Buffer.of(0), 0)).toBeUndefined()
  })

  it('refuses a schema that holds itself', () => {
    const schema = { type: 'record', name: 'R', fields: [{ name: 'more', type: { type: 'array', items: 'R' } }] }
    expect(() => guardFor(parse(schema))).toThrow(/recursive/)
  })
})
