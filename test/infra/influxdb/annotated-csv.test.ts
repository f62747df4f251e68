/** Flux's CSV: tables with other columns one after the other, quoted cells, and errors that come late. */

import { describe, expect, test } from 'vitest'
import { csvRows } from '../../../infra/influxdb/annotated-csv.ts'

const NUMBERS = '#datatype,string,long,double,string\r\n,result,table,_value,_field\r\n'
const TEXTS = '#datatype,string,long,string,string\r\n,result,table,_value,_field\r\n'

function rowsOf(text: string): readonly (string | undefined)[][] {
  return [...csvRows(text)].map((row) => [row.cell('_field'), row.cell('_value'), row.table.typeOf('_value')])
}

describe('annotated CSV', () => {
  test('gives rows of every table with the types of their own', () => {
    expect(rowsOf(`${NUMBERS},r,0,1.5,a\r\n,r,1,-0,b\r\n\r\n${TEXTS},r,2,x,c\r\n\r\n`)).toEqual([
      ['a', '1.5', 'double'],
      ['b', '-0', 'double'],
      ['c', 'x', 'string'],
    ])
  })

  test('keeps quotes, commas and line breaks of quoted cells, and empty ones', () => {
    expect(rowsOf(`${TEXTS},r,0,"a ""b"", c\r\nd",f\r\n,r,0,,f\r\n,r,0,"""",f\r\n,r,0,"",f\r\n`)).toEqual([
      ['f', 'a "b", c\r\nd', 'string'],
      ['f', '', 'string'],
      ['f', '"', 'string'],
      ['f', '', 'string'],
    ])
  })

  test('of nothing is nothing', () => {
    expect(rowsOf('')).toEqual([])
    expect(rowsOf('\r\n')).toEqual([])
  })

  test('that ends with an error says so, after the rows before it', () => {
    const rows = csvRows(`${NUMBERS},r,0,1,a\r\n\r\n#datatype,string,string\r\n,error,reference\r\n,it broke,897\r\n`)
    expect(rows.next().value?.cell('_value')).toBe('1')
    expect(() => rows.next()).toThrow('it broke')
  })
})
