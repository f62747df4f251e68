/** Which files are message types, and which readings are of one. */

import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, it } from 'vitest'
import { conforms, parseMessageType } from '../../schemas/message-type.ts'
import { NUMBERS } from './arbitraries.ts'

const DIR = new URL('../../schemas/types/', import.meta.url)
const optional = (name: string, type: string) => ({ name, type: ['null', type], default: null })
const withFields = (...fields: unknown[]) => ({ type: 'record', name: 'probe', fields })

describe('parseMessageType', () => {
  it('reads every kind of field, in the order of the schema', () => {
    expect(NUMBERS).toMatchObject({
      name: 'numbers',
      fields: [
        { name: 'level', kind: 'double', optional: false },
        { name: 'count', kind: 'integer', optional: true },
        { name: 'open', kind: 'boolean', optional: true },
        { name: 'word', kind: 'string', optional: true },
        { name: 'class', kind: 'double', optional: true },
      ],
    })
  })

  it.each([
    ['a float', withFields({ name: 'a', type: 'float' }), /"float".*double, long, boolean or string/],
    ['an int', withFields({ name: 'a', type: 'int' }), /"int"/],
    ['a nested record', withFields({ name: 'a', type: { type: 'record', name: 'x', fields: [] } }), /double, long/],
    ['null last', withFields({ name: 'a', type: ['double', 'null'], default: null }), /double, long/],
    ['a prototype name', withFields({ name: 'a', type: 'constructor' }), /double, long/],
    ['no default', withFields({ name: 'a', type: ['null', 'double'] }), /needs "default": null/],
    ['a made-up default', withFields({ name: 'a', type: 'double', default: 0 }), /nobody measured/],
    ['an alias', withFields({ ...optional('a', 'double'), aliases: ['b'] }), /aliases/],
    ['a name Avro refuses', withFields(optional('pm2.5', 'double')), /"pm2.5" is no name of a field/],
    ['a reserved name', withFields(optional('time', 'double')), /"time" is taken/],
    ['a field twice', withFields(optional('a', 'double'), optional('a', 'long')), /field a stands twice/],
    ['no fields', withFields(), /no fields/],
    ['a text', '"double"', /expected/],
    ['null', null, /expected/],
    ['a field that is none', withFields(7), /a field is not/],
    [
      'another name',
      { type: 'record', name: 'other', fields: [optional('a', 'double')] },
      /"other" is not the file's, probe/,
    ],
    ['257 fields', withFields(...Array.from({ length: 257 }, (_, i) => optional(`f${i}`, 'double'))), /more than 256/],
  ])('refuses %s and says why', (_what, json, reason) => {
    expect(() => parseMessageType(json, 'types/probe.avsc')).toThrow(
      expect.objectContaining({ code: 'schema-invalid', message: expect.stringMatching(reason) }),
    )
  })

  it('refuses a file name that is no type', () => {
    expect(() => parseMessageType({ ...withFields(optional('a', 'double')), name: 'none' }, 'none.avsc')).toThrow(
      /taken/,
    )
    expect(() => parseMessageType({ ...withFields(optional('a', 'double')), name: 'a-b' }, 'a-b.avsc')).toThrow(
      /no name/,
    )
  })

  it('names every reason at once', () => {
    const json = withFields({ name: 'a', type: 'float' }, { name: 'b', type: ['null', 'double'] })
    expect(() => parseMessageType(json, 'probe.avsc')).toThrow(/"a" is "float".*"b" may be absent/)
  })
})

describe('conforms', () => {
  it.each([
    [{ level: 1 }, true],
    [{ level: 1, count: 1n, open: false, word: '', class: 2 }, true],
    [{}, false],
    [{ count: 1n }, false],
    [{ level: 1n }, false],
    [{ level: 1, count: 1 }, false],
    [{ level: 1, open: 'yes' }, false],
    [{ level: 1, other: 1 }, false],
  ])('%o: %s', (values, expected) => {
    expect(conforms(NUMBERS, values)).toBe(expected)
  })
})

describe('the declared types', () => {
  const load = (file: string) => parseMessageType(JSON.parse(readFileSync(new URL(file, DIR), 'utf8')), file)

  it('are all legal, and every field says what it is', () => {
    const files = readdirSync(DIR)
    expect(files).toEqual(expect.arrayContaining(['air_quality.avsc', 'soil_moisture.avsc']))
    for (const file of files) {
      const schema = load(file).valuesSchema as { doc: string; fields: { doc: string }[] }
      for (const { doc } of [schema, ...schema.fields]) expect(doc).toMatch(/\.$/)
    }
  })

  it.each([
    ['temperature.avsc', 'seattle-weather-hourly-normals.csv'],
    ['weather.avsc', 'seattle-weather.csv'],
  ])('%s fits %s', (file, csv) => {
    const lines = readFileSync(new URL(`../../node_modules/vega-datasets/data/${csv}`, import.meta.url), 'utf8').split(
      '\n',
    )
    const [, ...columns] = (lines[0] ?? '').trim().split(',')
    const type = load(file)
    expect([...columns].sort()).toEqual(type.fields.map((field) => field.name).sort())
    const kinds = new Map(type.fields.map((field) => [field.name, field.kind]))
    for (const line of lines.slice(1).filter((it) => it.trim() !== '')) {
      const [, ...cells] = line.trim().split(',')
      const values = cells.flatMap((cell, i) => {
        const name = columns[i] ?? ''
        return cell === '' ? [] : [[name, kinds.get(name) === 'double' ? Number(cell) : cell]]
      })
      expect(conforms(type, Object.fromEntries(values))).toBe(true)
    }
  })
})
