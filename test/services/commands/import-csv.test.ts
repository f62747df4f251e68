/** CSV is read as RFC 4180 says, whatever the chunks, and a bad row takes no neighbour along. */

import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type CsvRow, CsvRows } from '../../../services/commands/import-csv.ts'

function read(text: string, size = text.length + 1): readonly CsvRow[] {
  const reader = new CsvRows()
  const chunks: string[] = []
  for (let at = 0; at < text.length; at += size) chunks.push(text.slice(at, at + size))
  return [...chunks.flatMap((chunk) => reader.push(chunk)), ...reader.push('', true)]
}

function cells(text: string): unknown[] {
  return read(text).map((row) => ('cells' in row ? row.cells : row.code))
}

describe('CSV', () => {
  it('tells an empty cell from an empty text', () => {
    expect(cells('a,b,c\n1,,""\n')).toEqual([
      ['a', 'b', 'c'],
      ['1', null, ''],
    ])
  })

  it('reads quotes, delimiters and line feeds in quotes, and CRLF', () => {
    expect(cells('a,b\r\n"x,""y""","l1\nl2"\r\n 5" pipe ,2\r\n')).toEqual([
      ['a', 'b'],
      ['x,"y"', 'l1\nl2'],
      [' 5" pipe ', '2'],
    ])
  })

  it('counts lines through quoted line feeds and empty lines', () => {
    expect(read('a,b\n"1\n2",3\n\n4,5').map(({ line }) => line)).toEqual([1, 2, 5])
  })

  it('finds semicolons and tabs by the header', () => {
    expect(cells('a;b;c,d\n1;2;3')).toEqual([
      ['a', 'b', 'c,d'],
      ['1', '2', '3'],
    ])
    expect(cells('a\tb\n1\t2')[1]).toEqual(['1', '2'])
  })

  it('loses one row to a quote that is never closed, and none to one that is closed wrongly', () => {
    expect(cells('a,b\n1,"open\n2,3\n4,5')).toEqual([['a', 'b'], 'row-invalid', ['2', '3'], ['4', '5']])
    expect(cells('a,b\n"x"y,1\n2,3')).toEqual([['a', 'b'], 'row-invalid', ['2', '3']])
  })

  it('gives up a row without end, and goes on after it', () => {
    const rows = read(`a,b\n1,"${'x\n'.repeat(400_000)}\n2,3`, 10_000)
    expect(rows[1]).toMatchObject({ line: 2, code: 'row-invalid' })
    expect(rows.at(-1)).toMatchObject({ cells: ['2', '3'] })
  })

  it('reads back what was written, in chunks of any size', () => {
    const cell = fc.string({ unit: fc.constantFrom('a', '"', ',', '\n', '\r', ' ', 'é', '1') })
    const table = fc
      .integer({ min: 2, max: 4 })
      .chain((width) =>
        fc.array(fc.array(cell, { minLength: width, maxLength: width }), { minLength: 1, maxLength: 5 }),
      )
    fc.assert(
      fc.property(table, fc.integer({ min: 1, max: 9 }), fc.constantFrom('\n', '\r\n'), (rows, size, feed) => {
        const header = rows[0]?.map((_, i) => `c${i}`) ?? []
        const quoted = rows.map((row) => row.map((text) => `"${text.replaceAll('"', '""')}"`).join(','))
        const text = [header.join(','), ...quoted].join(feed) + feed
        expect(read(text, size).map((row) => ('cells' in row ? row.cells : row.reason))).toEqual([header, ...rows])
      }),
      { numRuns: 300 },
    )
  })
})
