/** Names that InfluxDB keeps for itself, through a door to real stores: MongoDB gets the readings, InfluxDB's sink rejects them with a reason. */

import { expect, test } from 'vitest'
import { encodeLine } from '../../../services/core/line-protocol-encoder.ts'
import { engineTests } from '../../support/engines.ts'
import { environmentOn } from '../../support/environment.ts'
import { temporaryDir } from '../../support/temporary-dir.ts'
import { exportedReadings, type LabelledReading, proofNow, startUp, tidemark } from '../../support/up-process.ts'

const engines = engineTests('mongodb', 'influxdb')

const DAY_MS = Date.UTC(2026, 2, 1)
/** Columns that Flux makes of every point. */
const RESERVED = ['_time', '_value', '_start', '_stop']
/** What no store can have as a label: doors of undeclared types give them another name. */
const RENAMED = ['_field', '_measurement', 'time']

function reading(second: number, content: Partial<LabelledReading>): LabelledReading {
  const time = new Date(DAY_MS + second * 1000).toISOString()
  return { type: 'tide', sensor: 'pier', time, values: { level: second }, ...content }
}

function inOrder(readings: readonly LabelledReading[]): readonly LabelledReading[] {
  return readings
    .map((each) => ({ labels: {}, ...each }))
    .toSorted((a, b) => ((a.time ?? '') < (b.time ?? '') ? -1 : 1))
}

engines.describe('names that InfluxDB keeps for itself', () => {
  test('as labels or field: MongoDB has the reading, InfluxDB rejects it with a reason; every other name is in both as it was', {
    timeout: 120_000,
  }, async () => {
    const started = [await engines.mongodb(), await engines.influxdb()]
    const env = environmentOn(started, { STORES: 'mongodb,influxdb', LEDGER: 'embedded' })
    await using dir = await temporaryDir()
    const up = await startUp(dir.path, ['--no-demo'], env)
    const refused = [
      ...RESERVED.map((name, i) => reading(i, { labels: { [name]: 'x' } })),
      reading(10, { values: { time: 1, level: 2 } }),
    ]
    const renamed = (name: (each: string) => string) =>
      RENAMED.map((each, i) => reading(30 + i, { labels: { [name(each)]: 'x' } }))
    const taken = [
      reading(20, { type: 'a=b' }),
      reading(21, { type: 'a=b=', sensor: 's=1,t=2', values: { 'f=g': 1 }, labels: { 'l=m': 'n=o, p' } }),
      reading(22, { labels: { table: 'x', result: 'y', error: 'z', reference: 'z' } }),
    ]
    const answer = await fetch(`${up.url}/readings`, {
      method: 'POST',
      body: JSON.stringify([...refused, ...taken, ...renamed((each) => each)]),
    })
    expect(await answer.json()).toMatchObject({
      accepted: refused.length + taken.length + RENAMED.length,
      rejected: [],
    })

    taken.push(...renamed((each) => `${each}_`))
    const [all, count] = [refused.length + taken.length, refused.length]
    expect(await proofNow(dir.path, '--wait', '60s')).toMatchObject({
      code: 3,
      gateways: [{ stores: { mongodb: { landed: all }, influxdb: { landed: taken.length, rejected: count } } }],
    })
    expect(inOrder(await exportedReadings(dir.path, 'mongodb', env))).toEqual(inOrder([...refused, ...taken]))
    expect(inOrder(await exportedReadings(dir.path, 'influxdb', env))).toEqual(inOrder(taken))
    const listed = await tidemark(dir.path, ['quarantine', 'list', '--json'])
    const entries = JSON.parse(listed.out) as readonly { readonly store: string; readonly reason: string }[]
    expect(entries.map(({ store, reason }) => `${store}: ${reason}`).toSorted()).toEqual(
      [
        ...RESERVED.map((name) => `influxdb: the label "${name}": InfluxDB keeps this name for itself`),
        'influxdb: InfluxDB has no field called time',
      ].toSorted(),
    )
  })

  test('an exported line with an equals sign in its type is read by InfluxDB as it was', {
    timeout: 120_000,
  }, async () => {
    const { url, token, org, bucket } = await engines.influxdb()
    const time = { ms: DAY_MS, ns: 0 }
    const line = encodeLine({ measurement: 'exported=as, is', tags: [['sensor', 's=1']], fields: { 'f=g': 1 }, time })
    const headers = { authorization: `Token ${token}` }
    const at = `${url}/api/v2/write?${new URLSearchParams({ org, bucket, precision: 'ns' })}`
    expect((await fetch(at, { method: 'POST', headers, body: String(line) })).status).toBe(204)
    const flux = `from(bucket: "${bucket}") |> range(start: 0) |> filter(fn: (r) => r._measurement =~ /^exported/)`
    const asked = await fetch(`${url}/api/v2/query?${new URLSearchParams({ org })}`, {
      method: 'POST',
      headers: { ...headers, 'content-type': 'application/vnd.flux' },
      body: flux,
    })
    expect(await asked.text()).toMatch(/,f=g,"exported=as, is",s=1\r\n/)
  })
})
