/** A new schema must be able to read what the one before wrote. */

import { describe, expect, it } from 'vitest'
import { incompatibilities } from '../../schemas/compatibility.ts'

const record = (...fields: object[]) => JSON.stringify({ type: 'record', name: 'R', fields })
const level = { name: 'level', type: 'double' }

describe('incompatibilities', () => {
  it.each([
    ['the same', record(level), record(level)],
    ['a new optional field', record(level), record(level, { name: 'b', type: ['null', 'long'], default: null })],
    ['a field less', record(level, { name: 'b', type: 'int' }), record(level)],
    ['a wider number', record({ name: 'level', type: 'int' }), record(level)],
    [
      'a field that may be absent now',
      record(level),
      record({ name: 'level', type: ['null', 'double'], default: null }),
    ],
  ])('there are none for %s', (_what, previous, next) => {
    expect(incompatibilities(previous, next)).toEqual([])
  })

  it('are named by field, all of them', () => {
    const next = record({ name: 'level', type: 'string' }, { name: 'b', type: 'long' })
    expect(incompatibilities(record(level), next)).toEqual([
      'R.level was "double" and is "string", which can\'t read it',
      'R.b is new and has no default: records written before do not have it',
    ])
  })

  it('are found inside lists and maps', () => {
    const inside = (type: unknown) =>
      record({ name: 'l', type: { type: 'array', items: { type: 'map', values: type } } })
    expect(incompatibilities(inside('double'), inside('boolean'))).toEqual([
      'R.l[]{} was "double" and is "boolean", which can\'t read it',
    ])
  })

  it('are found in another name, and in words an enum lost', () => {
    const other = record(level).replace('"R"', '"S"')
    expect(incompatibilities(record(level), other)).toEqual(["S was R and is S, which can't read it"])
    const words = (...symbols: string[]) => JSON.stringify({ type: 'enum', name: 'E', symbols })
    expect(incompatibilities(words('A', 'B'), words('A'))).toHaveLength(1)
    expect(incompatibilities(words('A'), words('A', 'B'))).toEqual([])
  })

  it('are named once in a record that holds itself', () => {
    const children = ['left', 'right'].map((name) => ({ name, type: { type: 'array', items: 'R' } }))
    const tree = (type: string) => record(...children, { name: 'level', type })
    expect(incompatibilities(tree('double'), tree('string'))).toEqual([
      'R.level was "double" and is "string", which can\'t read it',
    ])
  })

  it("are avsc's own where no field alone is to blame", () => {
    const both = record(level, { name: 'depth', type: 'double' })
    expect(incompatibilities(both, record({ ...level, aliases: ['depth'] }))).toEqual([
      expect.stringMatching(/ambiguous aliasing/),
    ])
  })

  it('can not be asked of what is no schema', () => {
    expect(() => incompatibilities(record(level), '{"type": "nonsense"}')).toThrow(
      expect.objectContaining({ code: 'schema-invalid' }),
    )
    expect(() => incompatibilities('{', record(level))).toThrow(expect.objectContaining({ code: 'schema-invalid' }))
  })
})
