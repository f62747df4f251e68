/** The MongoDB reading store on a real server: the contract, and what it does when the server fails, is wiped or refuses. */

import fc from 'fast-check'
import { MongoClient } from 'mongodb'
import { pino } from 'pino'
import { expect, test } from 'vitest'
import { startMongodb } from '../../../infra/mongodb/launcher.ts'
import { mongodbReadingStore } from '../../../infra/mongodb/reading-store.ts'
import { systemClock, systemRandom } from '../../../infra/system.ts'
import { codeOf } from '../../../services/core/errors.ts'
import type { ReadingStore } from '../../../services/ports/reading-store.ts'
import { arriving, readAll, readingStoreContract, stored } from '../../contract/reading-store.ts'
import { engineTests } from '../../support/engines.ts'
import { type ManualClock, manualClock } from '../../support/manual-clock.ts'
import { anyReading } from './any-reading.ts'
import { losingProxy } from './losing-proxy.ts'

const engines = engineTests('mongodb')
const logger = pino({ level: 'silent' })
const NEVER = new AbortController().signal

function storeAt(url: string, clock = systemClock): ReadingStore {
  return mongodbReadingStore({ url, name: 'mongodb', clock, random: systemRandom, logger })
}

let databases = 0

async function freshUrl(): Promise<string> {
  const { url } = await engines.mongodb()
  databases += 1
  return url.replace(/\/[^/]*$/, `/readings_${databases}`)
}

/** Beside the store, as a person with a shell. */
async function withDatabase(url: string, work: (client: MongoClient) => Promise<unknown>): Promise<void> {
  await using client = await new MongoClient(url).connect()
  await work(client)
}

async function outcomes(store: ReadingStore, readings: Parameters<ReadingStore['write']>[0]): Promise<string[]> {
  return (await store.write(readings, NEVER)).landings.map(({ outcome }) => outcome)
}

async function failure(work: Promise<unknown>): Promise<{ readonly code: unknown; readonly message: string }> {
  return work.then(
    () => ({ code: 'answered', message: '' }),
    (error: Error) => ({ code: codeOf(error), message: error.message }),
  )
}

const many = (count: number, values = { v: 0.5 }) =>
  Array.from({ length: count }, (_, i) => arriving({ ms: i, values }))

engines.describe('mongodbReadingStore', () => {
  readingStoreContract('mongodbReadingStore', async () => {
    const url = await freshUrl()
    const stores = [storeAt(url)]
    return {
      store: stores[0] as ReadingStore,
      reopen: async () => {
        const store = storeAt(url)
        stores.push(store)
        return store
      },
      [Symbol.asyncDispose]: async () => {
        for (const store of stores) await store[Symbol.asyncDispose]()
      },
    }
  })

  test('whatever a reading holds comes back bit for bit', async () => {
    await using store = storeAt(await freshUrl())
    const readings = fc.sample(anyReading, { numRuns: 300, seed: 7 }).map((each, i) => ({
      ...each,
      reading: { ...each.reading, sensor: `s${i}` },
    }))
    expect(await outcomes(store, readings)).toEqual(readings.map(() => 'stored'))
    const bySensor = new Map((await readAll(store)).map((each) => [each.reading.sensor, each]))
    for (const each of readings) expect(bySensor.get(each.reading.sensor)).toEqual(stored(each))
  })

  test('a text that is not Unicode is rejected with the reason, and the others land', async () => {
    await using store = storeAt(await freshUrl())
    const bad = arriving({ ms: 1, values: { s: 'x\ud800' } })
    const { landings } = await store.write([arriving({}), bad, arriving({ ms: 2 })], NEVER)
    expect(landings.map(({ outcome }) => outcome)).toEqual(['stored', 'rejected', 'stored'])
    expect(landings[1]).toEqual({ outcome: 'rejected', reason: 'the text of s is not valid Unicode' })
  })

  test('two different readings of one identity in one write: the first is stored, the other a conflict', async () => {
    await using store = storeAt(await freshUrl())
    const [one, other] = [arriving({ values: { v: 1 } }), arriving({ values: { v: 2 } })]
    const { landings } = await store.write([one, other, one], NEVER)
    expect(landings).toEqual([
      { outcome: 'stored' },
      { outcome: 'conflict', heldDigest: one.reading.digest },
      { outcome: 'duplicate' },
    ])
  })

  test('an insert that was done and not answered is a duplicate when it is tried again', async () => {
    await using proxy = await losingProxy(await freshUrl(), 'readings')
    await using store = storeAt(proxy.url)
    await store.generation()
    proxy.loseNextAnswer()
    expect(await failure(store.write(many(500), NEVER))).toMatchObject({ code: 'store-unavailable' })
    expect(proxy.lost).toBe(1)
    expect(await outcomes(store, many(500))).toEqual(many(500).map(() => 'duplicate'))
    expect(await readAll(store)).toHaveLength(500)
  })

  test('a server killed inside a write is away; when it is back the same write lands each reading once', async () => {
    await using server = await startMongodb()
    await using store = storeAt(server.url)
    await store.write([arriving({ sensor: 'first' })], NEVER)
    const writing = failure(store.write(many(20_000), NEVER))
    await using beside = await new MongoClient(server.url).connect()
    const readings = beside.db().collection('readings')
    await expect.poll(() => readings.findOne({ sensor: 's' }), { timeout: 60_000 }).not.toBeNull()
    await server.kill()
    expect(await writing).toMatchObject({ code: 'store-unavailable' })
    await server.start()
    const told = await outcomes(store, many(20_000))
    expect(new Set(told)).toEqual(new Set(['stored', 'duplicate']))
    expect(await readAll(store, { sensor: 's' })).toHaveLength(20_000)
  })

  test('a server that stands still holds up neither an abort nor the closing', async () => {
    await using server = await startMongodb()
    const stores = [storeAt(server.url), storeAt(server.url)] as const
    const [busy, late] = stores
    await busy.generation()
    server.pause()
    for (const store of stores) {
      const beganMs = performance.now()
      await expect(store.write(many(10), AbortSignal.timeout(100))).rejects.toMatchObject({ name: 'TimeoutError' })
      expect(performance.now() - beganMs).toBeLessThan(4_500)
    }
    const stuck = [failure(busy.generation()), failure(late.generation())]
    for (const store of stores) {
      const beganMs = performance.now()
      await store[Symbol.asyncDispose]()
      expect(performance.now() - beganMs).toBeLessThan(4_500)
    }
    for (const each of stuck) expect(await each).toMatchObject({ code: 'closed' })
  })

  test('nobody at the address: away, and the sentence says what to check', async () => {
    await using server = await startMongodb()
    const { url } = server
    await server.kill()
    await using store = storeAt(url)
    const { code, message } = await failure(store.write([], NEVER))
    expect(code).toBe('store-unavailable')
    expect(message).toMatch(/ECONNREFUSED.*check MONGODB_URL/)
  })

  test('a user the server does not take, a URL that is none, a name that is no database: misconfigured, no password told', async () => {
    const url = await freshUrl()
    const wrong = [url.replace('//', '//ann:pass-word@'), 'mongo://ann:pass-word@x', url.replace(/[^/]*$/, 'a%20b$')]
    for (const each of wrong) {
      await using store = storeAt(each)
      const { code, message } = await failure(store.write([arriving({})], NEVER))
      expect(code).toBe('store-misconfigured')
      expect(message).toContain('MONGODB_URL')
      expect(message).not.toContain('pass-word')
    }
  })

  test('a name without a database means the database tidemark', async () => {
    const { url } = await engines.mongodb()
    await using store = storeAt(url.replace(/\/[^/]*$/, ''))
    await store.write([arriving({ sensor: 'somewhere' })], NEVER)
    await withDatabase(url, async (client) => {
      expect(await client.db('tidemark').collection('readings').countDocuments({ sensor: 'somewhere' })).toBe(1)
    })
  })

  for (const [how, wipe] of [
    ['whose database was dropped', (client: MongoClient) => client.db().dropDatabase()],
    ['whose collection was dropped', (client: MongoClient) => client.db().collection('readings').drop()],
    [
      'whose collection was dropped and filled again',
      async (client: MongoClient) => {
        await client.db().collection('readings').drop()
        await client.db().collection('readings').insertOne({ at: 'once' })
      },
    ],
    ['whose collection was emptied', (client: MongoClient) => client.db().collection('readings').deleteMany({})],
  ] as const) {
    test(`a store ${how} has a new generation, also for a handle that wrote before`, async () => {
      const url = await freshUrl()
      const clock: ManualClock = manualClock()
      await using store = storeAt(url, clock)
      const before = await store.generation()
      expect((await store.write(many(3), NEVER)).generation).toBe(before)
      await withDatabase(url, wipe)
      await clock.advance(2_000)
      const written = await store.write(many(3), NEVER)
      expect(written.generation).not.toBe(before)
      expect(written.landings.map(({ outcome }) => outcome)).toEqual(['stored', 'stored', 'stored'])
      expect(await store.generation()).toBe(written.generation)
      await using other = storeAt(url)
      expect(await other.generation()).toBe(written.generation)
    })
  }

  test('what a write says of the generation is not newer than what it wrote into', async () => {
    const url = await freshUrl()
    const clock = manualClock()
    await using store = storeAt(url, clock)
    await store.write(many(2), NEVER)
    const { generation: before } = await store.write(many(3), NEVER)
    await using other = storeAt(url)
    const after = await other.renew()
    expect((await store.write(many(4), NEVER)).generation).toBe(before)
    await clock.advance(2_000)
    expect((await store.write(many(5), NEVER)).generation).toBe(after)
  })

  test('many handles that open a new store at once agree on its generation', async () => {
    const url = await freshUrl()
    const stores = Array.from({ length: 6 }, () => storeAt(url))
    const told = await Promise.all(stores.map((store) => store.generation()))
    for (const store of stores) await store[Symbol.asyncDispose]()
    expect(new Set(told).size).toBe(1)
  })
})
