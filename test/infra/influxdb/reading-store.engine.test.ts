/** The InfluxDB store on a real InfluxDB: the contract, and what InfluxDB does that no stand-in would. */

import fc from 'fast-check'
import { pino } from 'pino'
import { describe, expect, test } from 'vitest'
import type { InfluxdbAccess } from '../../../infra/influxdb/client.ts'
import { startInfluxdb } from '../../../infra/influxdb/launcher.ts'
import { type InfluxdbReadingStoreOptions, influxdbReadingStore } from '../../../infra/influxdb/reading-store.ts'
import { systemRandom } from '../../../infra/system.ts'
import type { Value, Values } from '../../../schemas/reading.ts'
import { codeOf } from '../../../services/core/errors.ts'
import type { ArrivingReading, ReadingStore, StoredReading } from '../../../services/ports/reading-store.ts'
import {
  arriving,
  type ReadingStoreUnderTest,
  readAll,
  readingStoreContract,
  type Skips,
  stored,
  withoutPosition,
} from '../../contract/reading-store.ts'
import { engineTests } from '../../support/engines.ts'
import { scriptedServer } from '../../support/scripted-server.ts'
import { type Bucket, newBucket } from './bucket.ts'

const engines = engineTests('influxdb')
const NEVER = new AbortController().signal
const T0 = Date.UTC(2026, 0, 1)
const RESERVED = new Set(['gateway', 'sensor', 'time', '_field', '_measurement', '_time', '_value', '_start', '_stop'])

const SKIPS: Skips = {
  conflict: 'InfluxDB writes over what stands at an identity, and can not tell',
  duplicate: 'InfluxDB writes over what stands at an identity, and can not tell',
  positions: 'of a reading InfluxDB holds identity, labels, values and measured time',
}

function storeOn({ access }: Bucket, changes: Partial<InfluxdbReadingStoreOptions> = {}): ReadingStore {
  const logger = pino({ level: 'silent' })
  return influxdbReadingStore({ ...access, gzip: true, name: 'influxdb', random: systemRandom, logger, ...changes })
}

async function underTest(): Promise<ReadingStoreUnderTest> {
  const bucket = await newBucket(await engines.influxdb())
  return {
    store: storeOn(bucket),
    reopen: async () => storeOn(bucket),
    skips: SKIPS,
    [Symbol.asyncDispose]: () => bucket[Symbol.asyncDispose](),
  }
}

engines.describe('influxdbReadingStore', () => {
  readingStoreContract('influxdbReadingStore', underTest)

  describe('what InfluxDB does not take', () => {
    test('one value of another type among 5,000 readings is rejected with the reason; the others land', async () => {
      await using bucket = await newBucket(await engines.influxdb())
      const store = storeOn(bucket)
      await store.write([arriving({ values: { v: 1 } })], NEVER)
      const readings = series(5_000)
      readings[3_210] = arriving({ ms: T0 + 3_210, values: { v: 'text' } })
      const { landings } = await store.write(readings, NEVER)
      expect(landings.flatMap(({ outcome }, i) => (outcome === 'stored' ? [] : [i]))).toEqual([3_210])
      expect(landings[3_210]).toEqual({ outcome: 'rejected', reason: expect.stringContaining('field type conflict') })
      expect(await readAll(store)).toHaveLength(4_999)
    })

    test('sensors that changed their type are rejected; those beside them land', async () => {
      await using bucket = await newBucket(await engines.influxdb())
      const store = storeOn(bucket)
      await store.write(
        sensors(20, (i) => ({ [`v${i}`]: 1 })),
        NEVER,
      )
      const values = (i: number): Values => ({ [`v${i}`]: i % 4 === 0 ? 2n : 2 })
      const readings = Array.from({ length: 50 }, (_, at) => sensors(20, values, at + 1)).flat()
      const { landings } = await store.write(readings, NEVER)
      const rejected = readings.filter((_, i) => landings[i]?.outcome === 'rejected')
      expect(new Set(rejected.map(({ reading }) => reading.sensor))).toEqual(new Set(['s0', 's4', 's8', 's12', 's16']))
      expect(rejected).toHaveLength(250)
      expect(await readAll(store)).toHaveLength(20 + 750)
    })

    test('what is older than the retention is rejected; what is not lands', async () => {
      await using bucket = await newBucket(await engines.influxdb(), 3600)
      const store = storeOn(bucket)
      const now = Date.now()
      const readings = Array.from({ length: 1_000 }, (_, i) =>
        arriving({ ms: i % 3 === 0 ? now - i : now - 7_200_000 - i, sensor: `s${i % 7}` }),
      )
      const { landings } = await store.write(readings, NEVER)
      for (const [i, landing] of landings.entries()) expect(landing.outcome).toBe(i % 3 === 0 ? 'stored' : 'rejected')
      expect(landings[1]).toEqual({ outcome: 'rejected', reason: expect.stringMatching(/retention/i) })
      expect(await readAll(store)).toHaveLength(334)
    })

    test('readings that no line can say are rejected without being sent; the others land', async () => {
      await using bucket = await newBucket(await engines.influxdb())
      const store = storeOn(bucket)
      const bad = [
        arriving({ values: {} }),
        arriving({ values: { time: 1 } }),
        arriving({ labels: { gateway: 'x' } }),
        arriving({ labels: { _value: 'x' } }),
        arriving({ labels: { a: 'x\ny' } }),
        arriving({ labels: { a: 'x\\' } }),
        arriving({ labels: { a: 'x#!~#y' } }),
      ].map((each, i) => ({ ...each, reading: { ...each.reading, ms: T0 + i } }))
      const { landings } = await store.write([...bad, arriving({ ms: T0 - 1 })], NEVER)
      expect(landings.map(({ outcome }) => outcome)).toEqual([...bad.map(() => 'rejected'), 'stored'])
      expect(await readAll(store)).toHaveLength(1)
    })

    test('labels that InfluxDB has no room for are rejected with its reason; the others land', async () => {
      await using bucket = await newBucket(await engines.influxdb())
      const store = storeOn(bucket)
      const labels = Object.fromEntries(Array.from({ length: 70 }, (_, i) => [`l${i}`, 'x'.repeat(1_000)]))
      const { landings } = await store.write([...series(100), arriving({ ms: T0 - 1, labels })], NEVER)
      expect(landings.at(-1)).toEqual({ outcome: 'rejected', reason: expect.stringContaining('max key length') })
      expect(await readAll(store)).toHaveLength(100)
    })
  })

  describe('what is read back', () => {
    test('is what was written, to the last digit and character', async () => {
      await using bucket = await newBucket(await engines.influxdb())
      const store = storeOn(bucket)
      let run = 0
      await fc.assert(
        fc.asyncProperty(fc.array(content, { minLength: 1, maxLength: 60 }), async (contents) => {
          const type = `t${++run}`
          const readings = contents.map((each, i) => arriving({ ...each, type, ms: T0 + i, ns: i }))
          const { landings } = await store.write(readings, NEVER)
          expect(landings.filter(({ outcome }) => outcome !== 'stored')).toEqual([])
          const read = await readAll(store, { type })
          expect(read.sort((a, b) => a.reading.ms - b.reading.ms)).toEqual(
            readings.map(stored).map(withoutPosition).map(withoutEmptyLabels),
          )
        }),
        { numRuns: 30, seed: 7 },
      )
    })

    test('keeps the measured time of a reading that was moved, so that its digest is the same', async () => {
      await using bucket = await newBucket(await engines.influxdb())
      const store = storeOn(bucket)
      const moved = arriving({ ns: 3, bumpNs: 3 })
      await store.write([moved], NEVER)
      expect(await readAll(store)).toEqual([withoutPosition(stored(moved))])
    })

    test('has both types of a field whose type is another one in another shard', async () => {
      await using bucket = await newBucket(await engines.influxdb())
      const store = storeOn(bucket)
      // InfluxDB's shards of a bucket without retention are weeks that begin on Mondays.
      const monday = Date.UTC(2026, 0, 5)
      const [hour, week] = [3_600_000, 7 * 24 * 3_600_000]
      const readings = [1, 2n, 'three', true, 5].flatMap((v, i) =>
        Array.from({ length: 7 * 24 }, (_, at) => arriving({ ms: monday + i * week + at * hour, values: { v } })),
      )
      expect((await store.write(readings, NEVER)).landings.every(({ outcome }) => outcome === 'stored')).toBe(true)
      expect((await readAll(store)).map(({ reading }) => reading.values.v)).toEqual(
        readings.map(({ reading }) => reading.values.v),
      )
    })

    test('is whole where readings stand close, far apart, and with fields that come and go', async () => {
      await using bucket = await newBucket(await engines.influxdb())
      const store = storeOn(bucket)
      const times = [
        ...Array.from({ length: 30_000 }, (_, i) => T0 + i),
        ...Array.from({ length: 50 }, (_, i) => T0 + 1e8 + i * 1e9),
        ...Array.from({ length: 9_000 }, (_, i) => T0 + 2e11 + i * 1_000),
      ]
      const readings = times.map((ms, i) =>
        arriving({ ms, values: i % 3 === 0 ? { a: i } : { b: i, c: `${i}` }, labels: i % 2 === 0 ? { l: 'x' } : {} }),
      )
      await store.write(readings, NEVER)
      const read = await readAll(store)
      expect(read.map(({ reading }) => reading.ms)).toEqual(times)
      expect(read.map(({ reading }) => [reading.values, reading.labels])).toEqual(
        readings.map(({ reading }) => [reading.values, reading.labels]),
      )
    })
  })

  describe('the generation', () => {
    test('of a wiped bucket is a new one, a second later at most', async () => {
      await using bucket = await newBucket(await engines.influxdb())
      let now = 0
      const store = storeOn(bucket, { monotonicMs: () => now })
      const { generation } = await store.write([arriving({})], NEVER)
      await bucket.wipe()
      now += 1_001
      const after = await store.write([arriving({})], NEVER)
      expect(after.generation).not.toBe(generation)
      expect(await store.generation()).toBe(after.generation)
    })

    test('is one for all who make it at once', async () => {
      await using bucket = await newBucket(await engines.influxdb())
      const stores = Array.from({ length: 5 }, () => storeOn(bucket))
      await Promise.all(stores.map((store) => store.write([arriving({})], NEVER)))
      const told = await Promise.all(stores.map((store) => store.generation()))
      expect(new Set(told).size).toBe(1)
    })

    test('is written anew now and then, so that no retention takes it, and stays the same', async () => {
      await using bucket = await newBucket(await engines.influxdb())
      let now = 0
      const store = storeOn(bucket, { monotonicMs: () => now })
      const { generation } = await store.write([], NEVER)
      for (let i = 0; i < 3; i++) {
        now += 3_600_000
        expect((await store.write([], NEVER)).generation).toBe(generation)
      }
      expect(await marks(bucket)).toBeGreaterThanOrEqual(4)
    })

    test('of a renewed store is not taken back by a sink that only kept the old one alive', async () => {
      await using bucket = await newBucket(await engines.influxdb())
      let now = 0
      const [one, other] = [storeOn(bucket, { monotonicMs: () => now }), storeOn(bucket)]
      await one.write([], NEVER)
      const renewed = await other.renew()
      now += 3_600_000
      expect((await one.write([], NEVER)).generation).toBe(renewed)
      expect(await other.generation()).toBe(renewed)
    })
  })

  test('a redriven reading changes no other one: it lands at the next free nanosecond, once', async () => {
    await using bucket = await newBucket(await engines.influxdb())
    const store = storeOn(bucket)
    await store.write([arriving({ values: { v: 1 } }), arriving({ values: { v: 9 }, ns: 1 })], NEVER)
    const redriven = arriving({ values: { v: 2 }, redrive: true })
    for (let i = 0; i < 2; i++) {
      expect((await store.write([redriven], NEVER)).landings).toEqual([{ outcome: 'stored' }])
    }
    const read = await readAll(store)
    expect(read.map(({ reading: { ns, values } }) => [ns, values.v])).toEqual([
      [0, 1],
      [1, 9],
      [2, 2],
    ])
    expect(read[2]?.reading.digest).toEqual(redriven.reading.digest)
  })

  describe('what goes wrong', () => {
    test.each<[string, Partial<InfluxdbAccess>, string]>([
      ['a wrong token', { token: 'wrong' }, 'INFLUXDB_TOKEN'],
      ['a bucket that is not there', { bucket: 'nowhere' }, 'INFLUXDB_BUCKET'],
      ['an organisation that is not there', { org: 'nobody' }, 'INFLUXDB_ORG'],
    ])('%s is named with the setting to mend', async (_name, changes, setting) => {
      await using bucket = await newBucket(await engines.influxdb())
      const store = storeOn(bucket, changes)
      for (const work of [() => store.write(series(3), NEVER), () => store.probe(NEVER), () => store.generation()]) {
        const error: unknown = await work().catch((thrown: unknown) => thrown)
        expect(error).toMatchObject({ code: 'store-misconfigured', message: expect.stringContaining(setting) })
        expect(String(error)).not.toContain(bucket.access.token)
      }
    })

    test('a token that may only read is named with the setting to mend', async () => {
      await using bucket = await newBucket(await engines.influxdb())
      const store = storeOn(bucket, { token: await bucket.readOnlyToken() })
      const error: unknown = await store.write(series(3), NEVER).catch((thrown: unknown) => thrown)
      expect(error).toMatchObject({ code: 'store-misconfigured', message: expect.stringContaining('INFLUXDB_TOKEN') })
    })

    test('a server killed in the middle is away; what was offered lands when it is back, nothing twice', async () => {
      await using engine = await startInfluxdb()
      await using bucket = await newBucket(engine)
      const store = storeOn(bucket)
      const readings = series(60_000)
      let writes = 0
      const writing = (async () => {
        for (; ; writes++) await store.write(readings.slice(0, 20_000 + (writes % 3) * 20_000), NEVER)
      })().catch(codeOf)
      await expect.poll(() => writes, { timeout: 20_000 }).toBeGreaterThan(1)
      await engine.kill()
      expect(await writing).toBe('store-unavailable')
      expect(await store.probe(NEVER).catch(codeOf)).toBe('store-unavailable')
      await engine.start()
      await store.probe(NEVER)
      const { landings } = await store.write(readings, NEVER)
      expect(landings.every(({ outcome }) => outcome === 'stored')).toBe(true)
      await engine.kill()
      await engine.start()
      expect(await readAll(store)).toHaveLength(60_000)
    })

    test('a reply that is lost after the write was applied does no harm: the same readings land again', async () => {
      await using bucket = await newBucket(await engines.influxdb())
      let losing = false
      await using between = await scriptedServer(async ({ method, path, headers, body }) => {
        const { authorization = '' } = headers
        const type = headers['content-type'] ?? ''
        const answer = await fetch(bucket.access.url + path, {
          method,
          ...(method === 'GET' ? {} : { body }),
          headers: { authorization, 'content-type': type },
        })
        const text = await answer.text()
        return losing && path.includes('/write')
          ? 'drop'
          : { status: answer.status, body: text, headers: { 'content-type': answer.headers.get('content-type') ?? '' } }
      })
      const store = storeOn(bucket, { url: between.url })
      await store.generation()
      losing = true
      expect(await store.write(series(100), NEVER).catch(codeOf)).toBe('store-unavailable')
      losing = false
      expect((await store.write(series(100), NEVER)).landings).toHaveLength(100)
      expect((await readAll(store)).map(({ reading }) => reading.ms)).toEqual(
        series(100).map(({ reading }) => reading.ms),
      )
    })
  })
})

function series(count: number): ArrivingReading[] {
  return Array.from({ length: count }, (_, i) => arriving({ ms: T0 + i, values: { v: i } }))
}

function sensors(count: number, values: (i: number) => Values, at = 0): ArrivingReading[] {
  return Array.from({ length: count }, (_, i) => arriving({ ms: T0 + at, sensor: `s${i}`, values: values(i) }))
}

/** What may come through a door: names by the rule, labels and texts of any characters. */
const name = fc.stringMatching(/^[A-Za-z0-9][A-Za-z0-9._:=,@+%-]{0,12}$/)
const text = fc.oneof(
  fc.string({ unit: 'binary' }),
  fc.string({ unit: fc.constantFrom('\r', '\n', '"', '\\', ',', ' ', '=', '%', '${', 'é', '😀') }),
)
const label = fc
  .oneof(fc.string({ unit: 'grapheme' }), fc.string({ unit: fc.constantFrom('"', '\\', ',', ' ', '=', '#', 'é', 'a') }))
  .filter((each) => !/[\p{Cc}\p{Cs}]|\\(?:[,= ]|$)|#!~#/u.test(each) && !RESERVED.has(each))
const integer = fc.bigInt({ min: -(2n ** 53n - 1n), max: 2n ** 53n - 1n })
const double = fc.double({ noNaN: true, noDefaultInfinity: true })

/** The kind of a field goes by its first character: InfluxDB has one type a field. */
const content = fc
  .record({
    sensor: name,
    values: fc.dictionary(
      name.filter((each) => each !== 'time'),
      fc.tuple(double, integer, fc.boolean(), text),
      {
        minKeys: 1,
        maxKeys: 4,
      },
    ),
    labels: fc.dictionary(
      label.filter((each) => each !== '' && each !== '__proto__'),
      label,
      { maxKeys: 3 },
    ),
  })
  .map(({ sensor, labels, values }) => ({
    sensor,
    labels: { ...labels },
    values: Object.fromEntries(
      Object.entries(values).map(([field, kinds]) => [field, kinds[field.charCodeAt(0) % 4] as Value]),
    ),
  }))

function withoutEmptyLabels(each: StoredReading): StoredReading {
  const labels = Object.fromEntries(Object.entries(each.reading.labels).filter(([, value]) => value !== ''))
  return { ...each, reading: { ...each.reading, labels } }
}

async function marks({ access: { url, token, org, bucket } }: Bucket): Promise<number> {
  const query = `from(bucket: ${JSON.stringify(bucket).replaceAll('$', '\\$')}) |> range(start: 0) |> filter(fn: (r) => r._measurement == "_tidemark") |> count()`
  const answer = await fetch(`${url}/api/v2/query?org=${org}`, {
    method: 'POST',
    headers: { authorization: `Token ${token}`, 'content-type': 'application/vnd.flux' },
    body: query,
  })
  return Number(
    (await answer.text())
      .split('\n')[1]
      ?.split(',')
      .find((cell, i) => i > 4 && /^\d+$/.test(cell)),
  )
}
