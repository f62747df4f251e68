/** The real files that are imported, whole or their first rows, and what of them has to stand in the stores. */

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { exactText } from './exact-values.ts'
import { REPOSITORY } from './repository.ts'

/** One row as it has to be held. */
export interface FileRow {
  readonly type: string
  readonly sensor: string
  readonly time: bigint
  readonly values: string
}

export interface RealFile {
  readonly path: string
  readonly type: string
  readonly sensor: string
  readonly rows: readonly FileRow[]
}

const DATA = join(REPOSITORY, 'node_modules/vega-datasets/data')
/** File and message type. */
const FILES = {
  hourly: ['seattle-weather-hourly-normals.csv', 'temperature'],
  daily: ['seattle-weather.csv', 'weather'],
} as const

export type FileName = keyof typeof FILES

/** At most `rowsMax` of the file, written to `folder` where that is not all of it. */
export function realFile(name: FileName, sensor: string, rowsMax: number, folder: string): RealFile {
  const [file, type] = FILES[name]
  const whole = join(DATA, file)
  const [head = '', ...all] = readFileSync(whole, 'utf8').trim().split(/\r?\n/)
  const lines = all.slice(0, rowsMax)
  const columns = head.split(',').slice(1)
  const rows = lines.map((line) => rowOf(line, columns, type, sensor))
  if (lines.length === all.length) return { path: whole, type, sensor, rows }
  const path = join(folder, `${sensor}.csv`)
  writeFileSync(path, [head, ...lines, ''].join('\n'))
  return { path, type, sensor, rows }
}

/** Read by these few lines alone: plain cells, no quotes, times in UTC, numbers are doubles. */
function rowOf(line: string, columns: readonly string[], type: string, sensor: string): FileRow {
  const [at = '', ...cells] = line.split(',')
  const time = BigInt(Date.parse(`${at.replaceAll('/', '-')}Z`.replace(/^(\d{4}-\d{2}-\d{2})Z$/, '$1T00:00:00Z')))
  const values = columns.map((name, i): [string, number | string] => {
    const cell = cells[i] ?? ''
    return [name, Number.isNaN(Number(cell)) ? cell : Number(cell)]
  })
  return { type, sensor, time: time * 1_000_000n, values: exactText(Object.fromEntries(values)) }
}
