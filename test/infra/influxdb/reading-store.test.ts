/** The InfluxDB store against scripted answers: what it sends, how it halves, and how it classes what goes wrong. */

import { pino } from 'pino'
import { describe, expect, test } from 'vitest'
import { type InfluxdbReadingStoreOptions, influxdbReadingStore } from '../../../infra/influxdb/reading-store.ts'
import { codeOf } from '../../../services/core/errors.ts'
import type { ArrivingReading, ReadingStore } from '../../../services/ports/reading-store.ts'
import { arriving, readAll } from '../../contract/reading-store.ts'
import { seededRandom } from '../../support/manual-clock.ts'
import { type Scripted, type ScriptedServer, scriptedServer } from '../../support/scripted-server.ts'
import { LANDED, refused, type ScriptedInfluxdb, scriptedInfluxdb } from './scripted-influxdb.ts'

const NEVER = new AbortController().signal
const TOKEN = 'hush-hush'
const T0 = Date.UTC(2026, 0, 1)

function storeOn({ url }: ScriptedServer, changes: Partial<InfluxdbReadingStoreOptions> = {}): ReadingStore {
  const access = { url, token: TOKEN, org: 'o', bucket: 'b' }
  const logger = pino({ level: 'silent' })
  return influxdbReadingStore({ ...access, name: 'influxdb', random: seededRandom(5), logger, ...changes })
}

function series(count: number): ArrivingReading[] {
  return Array.from({ length: count }, (_, i) => arriving({ ms: T0 + i, values: { v: i } }))
}

function linesIn(body: string): readonly string[] {
  return body.split('\n')
}

describe('the InfluxDB store sends', () => {
  test('at most 5,000 lines a request and four requests at a time, each reading once', async () => {
    let most = 0
    const held: (() => void)[] = []
    await using server = await scriptedInfluxdb(async () => {
      const released = new Promise<void>((resolve) => held.push(resolve))
      if (held.length === 4) {
        // A fifth one would have come before these answers.
        for (let i = 0; i < 5; i++) await fetch(`${server.url}/api/v2/query`)
        most = Math.max(most, held.length)
        for (const release of held.splice(0)) release()
      }
      await released
      return LANDED
    })
    const store = storeOn(server)
    await Promise.all([store.write(series(40_000), NEVER), store.write(series(40_000), NEVER)])
    expect(most).toBe(4)
    expect(Math.max(...server.writes.map((body) => linesIn(body).length))).toBe(5_000)
    const sent = server.writes.flatMap(linesIn)
    expect(sent).toHaveLength(80_000)
    expect(new Set(sent).size).toBe(40_000)
  })

  test('requests of bounded size, however large the readings are', async () => {
    await using server = await scriptedInfluxdb(() => LANDED)
    const large = Array.from({ length: 40 }, (_, i) => arriving({ ms: T0 + i, values: { s: 'x'.repeat(800_000) } }))
    const { landings } = await storeOn(server).write(large, NEVER)
    expect(landings.filter(({ outcome }) => outcome === 'stored')).toHaveLength(40)
    expect(Math.max(...server.writes.map((body) => body.length))).toBeLessThan(9_000_000)
  })

  test.each([true, false])('lines that are packed, or not, as it was told: %s', async (gzip) => {
    await using server = await scriptedInfluxdb((_body, { headers }) => {
      return headers['content-encoding'] === (gzip ? 'gzip' : undefined) ? LANDED : refused(400, 'not as told')
    })
    expect((await storeOn(server, { gzip }).write(series(2), NEVER)).landings[1]).toEqual({ outcome: 'stored' })
    expect(server.writes).toEqual([`t,gateway=g,sensor=s v=0 ${T0}000000\nt,gateway=g,sensor=s v=1 ${T0 + 1}000000`])
  })

  test('to the path of its address', async () => {
    await using server = await scriptedInfluxdb(() => LANDED)
    await storeOn({ ...server, url: `${server.url}/db/` }).write(series(1), NEVER)
    expect(server.asked.map(({ path }) => path.split('?')[0])).toContain('/db/api/v2/write')
  })
})

describe('of copies in one call the InfluxDB store', () => {
  test('sends the first, and tells the others from it', async () => {
    await using server = await scriptedInfluxdb(() => LANDED)
    const [first, other] = [arriving({ values: { v: 1 } }), arriving({ values: { v: 2 } })]
    const between = arriving({ ms: T0 + 1 })
    const { landings } = await storeOn(server).write([first, between, first, other, between], NEVER)
    expect(landings).toEqual([
      { outcome: 'stored' },
      { outcome: 'stored' },
      { outcome: 'duplicate' },
      { outcome: 'conflict', heldDigest: first.reading.digest },
      { outcome: 'duplicate' },
    ])
    expect(server.writes.flatMap(linesIn)).toHaveLength(2)
  })

  test('says of all that they were rejected when the first was', async () => {
    await using server = await scriptedInfluxdb(() => refused(400, 'no'))
    const { landings } = await storeOn(server).write([arriving({}), arriving({})], NEVER)
    expect(landings).toEqual(landings.map(() => ({ outcome: 'rejected', reason: 'no' })))
  })
})

describe('what InfluxDB refuses', () => {
  /** Refuses every body that has one of these values. */
  function refusing(status: number, values: readonly number[], dropped = false): (body: string) => Scripted {
    return (body) => {
      const bad = linesIn(body).filter((line) => values.some((value) => line.includes(` v=${value} `))).length
      if (bad === 0) return LANDED
      return refused(status, dropped ? `failed: partial write: bad type dropped=${bad}` : 'bad line')
    }
  }

  test.each([400, 413, 422])('with %i is halved until it stands alone; all others land', async (status) => {
    await using server = await scriptedInfluxdb(refusing(status, [17, 801]))
    const { landings } = await storeOn(server).write(series(1_000), NEVER)
    expect(landings.flatMap(({ outcome }, i) => (outcome === 'rejected' ? [i] : []))).toEqual([17, 801])
    expect(landings.filter(({ outcome }) => outcome === 'stored')).toHaveLength(998)
    expect(landings[17]).toEqual({ outcome: 'rejected', reason: 'bad line' })
    // Every reading that landed was in a request that was taken.
    const taken = server.writes.filter((body) => refusing(status, [17, 801])(body) === LANDED).flatMap(linesIn)
    expect(new Set(taken).size).toBe(998)
  })

  test('as a whole, by its own count, is not asked about one by one', async () => {
    await using server = await scriptedInfluxdb(
      refusing(
        422,
        Array.from({ length: 500 }, (_, i) => i),
        true,
      ),
    )
    const { landings } = await storeOn(server).write(series(500), NEVER)
    expect(landings.every(({ outcome }) => outcome === 'rejected')).toBe(true)
    expect(landings[3]).toEqual({ outcome: 'rejected', reason: 'bad type' })
    expect(server.writes).toHaveLength(1)
  })

  test('because it is just taking the shard away is not rejected, but asked again later', async () => {
    const message = 'failure writing points to database: partial write: shard 3 is pending deletion dropped=1'
    await using server = await scriptedInfluxdb(() => refused(422, message))
    expect(await storeOn(server).write(series(1), NEVER).catch(codeOf)).toBe('store-unavailable')
  })
})

describe('what goes wrong', () => {
  test.each<[string, Scripted]>([
    ['429', { status: 429, headers: { 'retry-after': '7' }, body: { message: 'slow down' } }],
    ['500', refused(500, 'unexpected error')],
    ['503', { status: 503, body: '<html>no</html>' }],
    ['a cut connection', 'drop'],
    ['an answer that nobody expected', { status: 302, headers: { location: '/login' } }],
  ])('is the store being away: %s', async (_name, answer) => {
    await using server = await scriptedInfluxdb(() => answer)
    const error: unknown = await storeOn(server)
      .write(series(3), NEVER)
      .catch((thrown: unknown) => thrown)
    expect(error).toMatchObject({ code: 'store-unavailable' })
    if (typeof answer === 'object' && answer.status === 429) expect(error).toMatchObject({ facts: { retryAfter: '7' } })
    expect(`${error} ${JSON.stringify(error)}`).not.toContain(TOKEN)
  })

  test.each<[Scripted, string]>([
    [refused(401, 'unauthorized access'), 'INFLUXDB_TOKEN'],
    [refused(403, 'forbidden'), 'INFLUXDB_TOKEN'],
    [refused(404, 'bucket "b" not found'), 'INFLUXDB_BUCKET'],
    [{ status: 404, body: '<html>nothing here</html>' }, 'INFLUXDB_URL'],
  ])('is said with the setting to mend: %j', async (answer, setting) => {
    await using server = await scriptedInfluxdb(() => answer)
    const store = storeOn(server)
    for (const work of [() => store.write(series(3), NEVER), () => store.probe(NEVER)]) {
      const error: unknown = await work().catch((thrown: unknown) => thrown)
      expect(error).toMatchObject({ code: 'store-misconfigured', message: expect.stringContaining(setting) })
      expect(String(error)).not.toContain(TOKEN)
    }
  })

  test('a page in place of an answer never makes a full store look empty', async () => {
    await using server = await scriptedServer(() => ({ status: 200, body: '<html>\r\nlog in\r\n' }))
    const store = storeOn(server)
    for (const work of [() => store.generation(), () => readAll(store), () => store.write(series(1), NEVER)]) {
      expect(await work().catch(codeOf)).toBe('store-unavailable')
    }
  })

  test('in one request fails the whole write, and ends the requests beside it', async () => {
    await using server = await scriptedInfluxdb((body) => (body.includes(' v=0 ') ? refused(503, 'no') : 'hang'))
    expect(await storeOn(server).write(series(20_000), NEVER).catch(codeOf)).toBe('store-unavailable')
  })

  test('an abort ends a write that waits for its answer', async () => {
    await using server = await scriptedInfluxdb(() => 'hang')
    const abort = new AbortController()
    const writing = storeOn(server).write(series(3), abort.signal)
    await expect.poll(() => server.writes.length).toBe(1)
    abort.abort(new RangeError('enough'))
    await expect(writing).rejects.toThrow('enough')
  })

  test('disposed, it ends what waits for an answer', async () => {
    await using server = await scriptedInfluxdb(() => 'hang')
    const store = storeOn(server)
    const writing = store.write(series(3), NEVER).catch(codeOf)
    await expect.poll(() => server.writes.length).toBe(1)
    await store[Symbol.asyncDispose]()
    expect(await writing).toBe('closed')
  })
})

describe('the generation', () => {
  function queries({ asked }: ScriptedInfluxdb): number {
    return asked.filter(({ path }) => path.includes('/query')).length
  }

  test('is not asked for again within a second, but after any error', async () => {
    let answer: Scripted = LANDED
    let now = 0
    await using server = await scriptedInfluxdb(() => answer)
    const store = storeOn(server, { monotonicMs: () => now })
    const { generation } = await store.write(series(1), NEVER)
    const before = queries(server)
    now = 999
    await store.write(series(1), NEVER)
    expect(queries(server)).toBe(before)
    answer = refused(503, 'no')
    await store.write(series(1), NEVER).catch(() => undefined)
    answer = LANDED
    expect((await store.write(series(1), NEVER)).generation).toBe(generation)
    expect(queries(server)).toBe(before + 1)
    now = 2_000
    await store.write(series(1), NEVER)
    expect(queries(server)).toBe(before + 2)
  })

  test('of a bucket that is wiped while it is being kept alive is a new one', async () => {
    let now = 0
    await using server = await scriptedInfluxdb(() => LANDED)
    const store = storeOn(server, { monotonicMs: () => now })
    const { generation } = await store.write(series(1), NEVER)
    now = 3_600_000
    // What was read a moment ago goes just as the point is written anew.
    const push = server.marks.push.bind(server.marks)
    server.marks.push = (...marks) => {
      server.marks.push = push
      server.marks.length = 0
      return push(...marks)
    }
    expect((await store.write(series(1), NEVER)).generation).not.toBe(generation)
    expect(await store.generation()).not.toBe(generation)
  })
})
