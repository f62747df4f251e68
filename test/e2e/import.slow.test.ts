/** Real files: Seattle's hourly normals and daily weather go in through the door, once, and every row comes back out. */

import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { expect, test } from 'vitest'
import { temporaryDir } from '../support/temporary-dir.ts'
import { proofNow, startUp, tidemark } from '../support/up-process.ts'

const DATA = fileURLToPath(new URL('../../node_modules/vega-datasets/data/', import.meta.url))
const HOURLY = `${DATA}seattle-weather-hourly-normals.csv`
const DAILY = `${DATA}seattle-weather.csv`

interface Row {
  readonly time: number
  readonly values: Readonly<Record<string, number | string>>
}

/** The file read by this test's own few lines: plain cells, no quotes. */
function rowsOf(path: string): readonly Row[] {
  const [head = '', ...lines] = readFileSync(path, 'utf8').trim().split(/\r?\n/)
  const columns = head.split(',')
  return lines.map((line) => {
    const cells = line.split(',')
    const time = Date.parse(
      `${(cells[0] ?? '').replaceAll('/', '-').replace(' ', 'T')}${(cells[0] ?? '').includes(' ') ? ':00' : ''}Z`,
    )
    const values = columns.slice(1).map((name, i): [string, number | string] => {
      const cell = cells[i + 1] ?? ''
      return [name, Number.isNaN(Number(cell)) ? cell : Number(cell)]
    })
    return { time, values: Object.fromEntries(values) }
  })
}

function keyOf({ time, values }: Row): string {
  return `${time} ${JSON.stringify(Object.entries(values).toSorted())}`
}

test('both files land completely, a second import adds nothing, and export gives every row back', async () => {
  await using folder = await temporaryDir()
  const dir = folder.path
  const up = await startUp(dir)
  const hourly = ['import', HOURLY, '--type', 'temperature', '--sensor', 'hourly']
  const daily = ['import', DAILY, '--type', 'weather', '--sensor', 'daily']
  for (const added of [true, false]) {
    for (const args of [hourly, daily]) {
      const ran = await tidemark(dir, args)
      expect(ran.code, ran.err).toBe(0)
    }
    const proof = await proofNow(dir, '--wait', '30s')
    expect(proof.code).toBe(0)
    expect(proof.gateways[0]).toMatchObject({ accepted: 8759 + 1461, settled: 8759 + 1461 })
    expect((await tidemark(dir, ['verify'])).code, `after import ${added ? 1 : 2}`).toBe(0)
  }
  for (const [path, type] of [
    [HOURLY, 'temperature'],
    [DAILY, 'weather'],
  ] as const) {
    const ran = await tidemark(dir, ['export', '--store', 'embedded', '--type', type, '--format', 'ndjson'])
    expect(ran.code, ran.err).toBe(0)
    const back = ran.out
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { time: string; values: Row['values'] })
      .map(({ time, values }) => keyOf({ time: Date.parse(time), values }))
    expect(back.toSorted()).toEqual(rowsOf(path).map(keyOf).toSorted())
  }
  await up.end('SIGTERM')
})
