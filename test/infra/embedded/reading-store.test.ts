/** The embedded reading store on both engines, and what it does when the engine fails or its rows are damaged. */

import { describe, expect, test } from 'vitest'
import type { Kv } from '../../../infra/embedded/kv.ts'
import { embeddedReadingStore } from '../../../infra/embedded/reading-store.ts'
import { codeOf } from '../../../services/core/errors.ts'
import type { ReadingStore } from '../../../services/ports/reading-store.ts'
import {
  arriving,
  type ReadingStoreUnderTest,
  readAll,
  readingStoreContract,
  stored,
} from '../../contract/reading-store.ts'
import { lmdbUnderTest } from '../../support/lmdb-under-test.ts'
import { seededRandom } from '../../support/manual-clock.ts'
import { memoryDisk, memoryKv } from '../../support/memory-kv.ts'

const NEVER = new AbortController().signal
const random = seededRandom(3)

function storeOn(kv: Kv, name = 'embedded'): ReadingStore {
  return embeddedReadingStore({ kv, name, random })
}

function underTest(kv: Kv, reopenKv: () => Promise<Kv>, files?: AsyncDisposable): ReadingStoreUnderTest {
  return {
    store: storeOn(kv),
    reopen: async () => storeOn(await reopenKv()),
    [Symbol.asyncDispose]: async () => files?.[Symbol.asyncDispose](),
  }
}

readingStoreContract('embeddedReadingStore in memory', async () => {
  const disk = memoryDisk()
  return underTest(memoryKv(disk), async () => memoryKv(disk))
})

readingStoreContract('embeddedReadingStore on LMDB', async () => {
  const lmdb = await lmdbUnderTest()
  return underTest(lmdb.kv, lmdb.reopen, lmdb)
})

describe('the embedded reading store', () => {
  test('forgets whatever an undone write had put into its memory', async () => {
    const kv = memoryKv()
    let failing = false
    const broken: Kv = {
      get: (key) => kv.get(key),
      range: (range) => kv.range(range),
      fileBytes: () => kv.fileBytes(),
      [Symbol.asyncDispose]: () => kv[Symbol.asyncDispose](),
      write: (body) =>
        kv.write((tx) => {
          const result = body({
            ...tx,
            put: (key, value) => {
              if (failing && value.length > 60) throw new RangeError('a put failed')
              tx.put(key, value)
            },
          })
          return result
        }),
    }
    const store = storeOn(broken)
    await store.write([arriving({})], NEVER)
    failing = true
    const readings = [arriving({ sensor: 'new', labels: { a: 'b' }, values: { w: 'x' } }), arriving({ ms: 5 })]
    expect(await store.write(readings, NEVER).catch((error: unknown) => codeOf(error))).toBe('store-unavailable')
    failing = false
    expect((await store.write(readings, NEVER)).landings).toEqual([{ outcome: 'stored' }, { outcome: 'stored' }])
    expect(await readAll(store, { sensor: 'new' })).toEqual(readings.slice(0, 1).map(stored))
    expect(await readAll(storeOn(kv), { sensor: 'new' })).toEqual(readings.slice(0, 1).map(stored))
  })

  test('an engine that is away is a store that is away', async () => {
    const kv = memoryKv()
    const store = storeOn(kv)
    await kv[Symbol.asyncDispose]()
    for (const work of [
      () => store.write([], NEVER),
      () => store.probe(NEVER),
      () => store.generation(),
      () => readAll(store),
    ]) {
      expect(
        await work().then(
          () => 'answered',
          (error: unknown) => codeOf(error),
        ),
      ).toBe('store-unavailable')
    }
  })

  test('two handles on one store see each other', async () => {
    const kv = memoryKv()
    const [one, other] = [storeOn(kv), storeOn(kv)]
    for (let i = 0; i < 200; i++) {
      const store = i % 2 === 0 ? one : other
      await store.write([arriving({ ms: i, sensor: `s${i % 5}` })], NEVER)
    }
    expect(await readAll(one)).toHaveLength(200)
    expect((await one.write([arriving({ ms: 7, sensor: 's2' })], NEVER)).landings).toEqual([{ outcome: 'duplicate' }])
    expect(await one.generation()).toBe(await other.generation())
  })

  test('stores of other names on the same engine share nothing', async () => {
    const kv = memoryKv()
    const [one, other] = [storeOn(kv), storeOn(kv, 'other')]
    await one.write([arriving({})], NEVER)
    expect((await other.write([arriving({})], NEVER)).landings).toEqual([{ outcome: 'stored' }])
    expect(await one.generation()).not.toBe(await other.generation())
  })

  test('a damaged row is reported, never read over', async () => {
    const disk = memoryDisk()
    await storeOn(memoryKv(disk)).write([arriving({})], NEVER)
    const leaf = disk.rows.find(({ value }) => value[4] === 0x6c)
    leaf?.value.set([(leaf.value[50] ?? 0) ^ 1], 50)
    const store = storeOn(memoryKv(disk))
    await expect(readAll(store)).rejects.toThrow('checksum')
    expect(await store.write([arriving({})], NEVER).catch((error: unknown) => codeOf(error))).toBe('store-corrupt')
  })
})
