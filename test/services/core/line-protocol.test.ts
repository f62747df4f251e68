/** Line protocol is read as InfluxDB reads it, and what the encoder writes reads back exactly. */

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import type { Value } from '../../../schemas/reading.ts'
import { LineFault, lineEnd, parseLine, parseSeries, precisionOf } from '../../../services/core/line-protocol.ts'
import { encodeLine } from '../../../services/core/line-protocol-encoder.ts'

function fieldsOf(line: string): unknown {
  const point = parseLine(line, 'ns')
  return point instanceof LineFault ? point.reason : point.fields
}

function faultOf(line: string): string {
  const point = parseLine(line, 'ns')
  return point instanceof LineFault ? point.code : 'taken'
}

describe('line protocol', () => {
  it('keeps the type every field was written with', () => {
    expect(fieldsOf('m f=1,i=2i,u=3u,b=t,c=FALSE,s="x",e=-1.5e3,z=-0')).toEqual({
      f: 1,
      i: 2n,
      u: 3n,
      b: true,
      c: false,
      s: 'x',
      e: -1500,
      z: -0,
    })
  })

  it('reads escapes in names and tags, and only quotes and backslashes in texts', () => {
    expect(parseSeries('my\\ m\\,x,k\\=1=v\\ 1,p=C:\\dir')).toEqual({
      measurement: 'my m,x',
      tags: [
        ['k=1', 'v 1'],
        ['p', 'C:\\dir'],
      ],
    })
    expect(fieldsOf('m s="a \\"q\\" \\\\ \\n, =",t=1')).toEqual({ s: 'a "q" \\ \\n, =', t: 1 })
  })

  it.each([
    ['ns', '1465839830100400200', { ms: 1_465_839_830_100, ns: 400_200 }],
    ['us', '1465839830100400', { ms: 1_465_839_830_100, ns: 400_000 }],
    ['ms', '1465839830100', { ms: 1_465_839_830_100, ns: 0 }],
    ['s', '1465839830', { ms: 1_465_839_830_000, ns: 0 }],
    ['ns', '-1', { ms: -1, ns: 999_999 }],
    ['ns', '7', { ms: 0, ns: 7 }],
  ] as const)('reads a time in %s: %s', (precision, text, time) => {
    const point = parseLine(`m f=1 ${text}`, precision)
    expect(point).toMatchObject({ time })
  })

  it.each([
    ['m', 'line-invalid'],
    ['m f=', 'line-invalid'],
    ['m f', 'line-invalid'],
    ['m f=1,', 'line-invalid'],
    ['m =1', 'line-invalid'],
    ['m f=abc', 'line-invalid'],
    ['m f="open', 'line-invalid'],
    ['m f="a"b', 'line-invalid'],
    ['m f=1,f=2', 'line-invalid'],
    ['m __proto__=1', 'line-invalid'],
    ['m f=-1u', 'line-invalid'],
    ['m f=NaN', 'value-not-finite'],
    ['m f=-inf', 'value-not-finite'],
    ['m f=1e999', 'value-not-finite'],
    ['m f=9007199254740992i', 'integer-too-large'],
    ['m f=1 12x', 'time-invalid'],
    ['m f=1 99999999999999999999', 'time-invalid'],
    ['m f=9007199254740991i', 'taken'],
  ])('answers %s with %s', (line, code) => {
    expect(faultOf(line)).toBe(code)
  })

  it('refuses tags without a value and tags that stand twice', () => {
    expect(parseSeries('m,a=')).toBeInstanceOf(LineFault)
    expect(parseSeries('m,a=1,a=2')).toBeInstanceOf(LineFault)
    expect(parseSeries(',a=1')).toBeInstanceOf(LineFault)
  })

  it('ends a line at a line feed outside of quotes only', () => {
    const text = 'm s="a\nb",t="\\"\n" 1\nn f=1'
    expect(text.slice(0, lineEnd(text, 0))).toBe('m s="a\nb",t="\\"\n" 1')
    expect(lineEnd('m s="never', 0)).toBe(-1)
    expect(lineEnd('m,t=a"b f=1\nn', 0)).toBe(11)
    expect(lineEnd('# "quoted\nm', 0)).toBe(9)
  })

  it('takes digits without end in time that grows with their number only', () => {
    expect(faultOf(`m f=${'1'.repeat(2_000_000)}x`)).toBe('line-invalid')
  })

  it('knows the precisions of both versions of InfluxDB', () => {
    expect([undefined, 'n', 'ns', 'u', 'us', 'ms', 's', 'h'].map(precisionOf)).not.toContain(undefined)
    expect(precisionOf('weeks')).toBeUndefined()
    expect(precisionOf('toString')).toBeUndefined()
  })

  const text = fc.string({
    unit: fc.constantFrom('a', 'B', '"', '\\', ',', '=', ' ', '\n', '\r', 'é', '💧', '#', '1', 'i'),
  })
  const name = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._:=,@+%-]{0,12}$/)
  const label = text
    .map((value) => value.replace(/[\r\n]/g, ''))
    .filter((value) => value !== '' && !value.endsWith('\\'))
  const value: fc.Arbitrary<Value> = fc.oneof(
    fc.double({ noNaN: true, noDefaultInfinity: true }),
    fc.maxSafeInteger().map(BigInt),
    fc.boolean(),
    text,
  )
  const point = fc.record({
    measurement: name,
    tags: fc.uniqueArray(fc.tuple(name, label), { maxLength: 3, selector: ([key]) => key }),
    fields: fc.dictionary(name, value, { minKeys: 1, maxKeys: 4 }).map((fields) => ({ ...fields })),
    time: fc.record({ ms: fc.integer({ min: -9e12, max: 9e12 }), ns: fc.nat(999_999) }),
  })

  it('reads back every point it wrote, many to a body', () => {
    fc.assert(
      fc.property(fc.array(point, { minLength: 1, maxLength: 4 }), (points) => {
        const body = points.map((each) => encodeLine(each)).join('\n')
        let from = 0
        for (const each of points) {
          const end = lineEnd(body, from)
          const read = parseLine(body.slice(from, end), 'ns')
          if (read instanceof LineFault) throw new TypeError(read.reason)
          expect(read.fields).toEqual(each.fields)
          expect(read.time).toEqual(each.time)
          expect(parseSeries(read.series)).toEqual({ measurement: each.measurement, tags: each.tags })
          from = end + 1
        }
        expect(from).toBe(body.length + 1)
      }),
      { numRuns: 400 },
    )
  })

  it('leaves an equals sign in a measurement as InfluxDB writes it', () => {
    const point = { measurement: 'a=b c', tags: [['k=1', 'v']] as const, fields: { f: 1 }, time: { ms: 0, ns: 0 } }
    expect(encodeLine(point)).toBe('a=b\\ c,k\\=1=v f=1 0')
  })

  it('says what line protocol has no way to write', () => {
    const point = { measurement: 'm', fields: { f: 1 }, time: { ms: 0, ns: 0 } }
    expect(encodeLine({ ...point, tags: [['dir', 'C:\\']] })).toHaveProperty('reason')
    expect(encodeLine({ ...point, tags: [['text', 'a\nb']] })).toHaveProperty('reason')
  })
})
