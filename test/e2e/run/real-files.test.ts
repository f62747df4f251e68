/** The real files as the end-to-end runs expect them to be held. */

import { readFileSync } from 'node:fs'
import { expect, test } from 'vitest'
import { temporaryDir } from '../../support/temporary-dir.ts'
import { realFile } from './real-files.ts'

test('a whole file is imported as it lies there, with every row', () => {
  const hourly = realFile('hourly', 'h', Number.POSITIVE_INFINITY, '/nowhere')
  expect(hourly.path).toContain('vega-datasets')
  expect(hourly.rows).toHaveLength(8759)
  expect(new Set(hourly.rows.map(({ time }) => time)).size).toBe(8759)
  expect(hourly.rows[0]).toEqual({
    type: 'temperature',
    sensor: 'h',
    time: BigInt(Date.UTC(2010, 0, 1, 1)) * 1_000_000n,
    values: 'pressure=1016.6,temperature=4,wind=3.8',
  })
})

test('of a part of a file, the first rows are written out with their head', async () => {
  await using folder = await temporaryDir()
  const daily = realFile('daily', 'd', 2, folder.path)
  expect(readFileSync(daily.path, 'utf8').trim().split('\n')).toEqual([
    'date,precipitation,temp_max,temp_min,wind,weather',
    '2012-01-01,0.0,12.8,5.0,4.7,drizzle',
    '2012-01-02,10.9,10.6,2.8,4.5,rain',
  ])
  expect(daily.rows).toHaveLength(2)
  expect(daily.rows[1]).toMatchObject({
    time: BigInt(Date.UTC(2012, 0, 2)) * 1_000_000n,
    values: 'precipitation=10.9,temp_max=10.6,temp_min=2.8,weather="rain",wind=4.5',
  })
})
