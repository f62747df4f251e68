/** What every reading store promises (`services/ports/reading-store.ts`). */

import { describe, expect, test } from 'vitest'
import { digestOfReading } from '../../schemas/canonical.ts'
import type { Epoch, GatewayId, Labels, PositionedReading, Values } from '../../schemas/reading.ts'
import { addNanos } from '../../schemas/time.ts'
import { codeOf } from '../../services/core/errors.ts'
import type { ArrivingReading, ReadingFilter, ReadingStore, StoredReading } from '../../services/ports/reading-store.ts'

export interface ReadingStoreUnderTest extends AsyncDisposable {
  /** Holding nothing yet. */
  readonly store: ReadingStore
  /** Another handle on the same data, as after a crash. */
  reopen(): Promise<ReadingStore>
  /** What this store can't do, with the reason. */
  readonly skips?: Skips
}

/** `conflict`, `duplicate`: telling such a reading from a new one. `positions`: keeping more of a reading than identity, labels, values and measured time. */
export type Skips = Readonly<Partial<Record<'conflict' | 'duplicate' | 'positions', string>>>

const NEVER = new AbortController().signal
const T0 = Date.UTC(2026, 0, 1)
const EPOCH = '0123456789abcdef' as Epoch

interface Given {
  readonly gateway?: string
  readonly type?: string
  readonly sensor?: string
  readonly ms?: number
  readonly ns?: number
  readonly bumpNs?: number
  readonly estimated?: boolean
  readonly values?: Values
  readonly labels?: Labels
  readonly seq?: number
  readonly epoch?: Epoch
  readonly source?: 'live' | 'recovery'
  readonly redrive?: boolean
}

export function arriving(given: Given): ArrivingReading {
  const { gateway = 'g', type = 't', sensor = 's', ms = T0, ns = 0, bumpNs = 0, values = { v: 1 }, labels = {} } = given
  const { estimated = false, seq = 1, epoch = EPOCH, source = 'live', redrive } = given
  const digest = digestOfReading(gateway, { type, sensor, ms, ns, bumpNs, values })
  const reading: PositionedReading = { seq, type, sensor, labels, ms, ns, bumpNs, estimated, values, digest }
  const positioned = { gateway: gateway as GatewayId, epoch, reading, source }
  return redrive === undefined ? positioned : { ...positioned, redrive }
}

export function stored({ gateway, epoch, reading, source }: ArrivingReading): StoredReading {
  return { gateway, epoch, reading, source }
}

/** As a store gives it back that keeps no positions. */
export function withoutPosition({ gateway, reading }: StoredReading): StoredReading {
  return { gateway, reading: { ...reading, seq: 0, estimated: false }, source: 'live' }
}

export async function readAll(store: ReadingStore, filter: ReadingFilter = {}): Promise<StoredReading[]> {
  return (await batchesOf(store, filter)).flat()
}

async function batchesOf(store: ReadingStore, filter: ReadingFilter): Promise<(readonly StoredReading[])[]> {
  const batches: (readonly StoredReading[])[] = []
  for await (const batch of store.read(filter, NEVER)) batches.push(batch)
  return batches
}

async function write(store: ReadingStore, readings: readonly ArrivingReading[]): Promise<string[]> {
  return (await store.write(readings, NEVER)).landings.map(({ outcome }) => outcome)
}

export function readingStoreContract(label: string, open: () => Promise<ReadingStoreUnderTest>): void {
  describe(`${label} keeps the contract of a reading store:`, () => {
    test('what was written is there after a crash, field by field', async () => {
      await using it = await open()
      const held = it.skips?.positions === undefined ? (each: StoredReading) => each : withoutPosition
      const readings = [
        arriving({ labels: { room: 'é' }, values: { d: -0, i: 5n, b: true, s: 'ü' }, ns: 7 }),
        arriving({ ms: T0 + 1, ns: 999_999, bumpNs: 5, source: 'recovery', seq: 70_000 }),
        arriving({ ms: T0 + 2, estimated: true, epoch: 'f'.repeat(16) as Epoch, values: { i: -(2n ** 53n - 1n) } }),
        arriving({ ms: T0 + 3, values: { s: 'x'.repeat(200_000) } }),
        arriving({ ms: -1e12, values: { d: 1 / 3 }, sensor: 'z' }),
      ]
      expect(await write(it.store, readings)).toEqual(readings.map(() => 'stored'))
      expect(await readAll(await it.reopen())).toEqual(readings.map(stored).map(held))
    })

    test('one reading however often is held once', async () => {
      await using it = await open()
      const readings = Array.from({ length: 50 }, (_, i) => arriving({ ms: T0 + i, sensor: `s${i % 3}`, seq: i + 1 }))
      await write(it.store, [...readings, ...readings])
      await write(it.store, readings.toReversed())
      const reopened = await it.reopen()
      await write(reopened, readings)
      expect(await readAll(reopened)).toHaveLength(50)
    })

    test('every copy but the first is a duplicate, in one call, in another, after a crash', async (context) => {
      await using it = await open()
      context.skip(it.skips?.duplicate !== undefined, it.skips?.duplicate)
      const readings = Array.from({ length: 50 }, (_, i) => arriving({ ms: T0 + i, sensor: `s${i % 3}`, seq: i + 1 }))
      const twice = [...readings, ...readings]
      const outcomes = await write(it.store, twice)
      expect(outcomes).toEqual(twice.map((_, i) => (i < 50 ? 'stored' : 'duplicate')))
      expect(await write(it.store, readings.toReversed())).toEqual(readings.map(() => 'duplicate'))
      expect(await write(await it.reopen(), readings)).toEqual(readings.map(() => 'duplicate'))
    })

    test('calls made side by side store each reading once', async () => {
      await using it = await open()
      const readings = Array.from({ length: 200 }, (_, i) => arriving({ ms: T0 + i, sensor: `s${i % 3}` }))
      const outcomes = await Promise.all([0, 50, 100].map((from) => write(it.store, readings.slice(from, from + 100))))
      const told = it.skips?.duplicate === undefined ? 200 : 300
      expect(outcomes.flat().filter((outcome) => outcome === 'stored')).toHaveLength(told)
      expect(await readAll(it.store)).toHaveLength(200)
    })

    test('the identity is gateway, type, sensor and time to the nanosecond', async () => {
      await using it = await open()
      const readings = [
        arriving({}),
        arriving({ gateway: 'g2' }),
        arriving({ type: 't2' }),
        arriving({ sensor: 's2' }),
        arriving({ ns: 1 }),
        arriving({ ms: T0 + 1 }),
      ]
      expect(await write(it.store, readings)).toEqual(readings.map(() => 'stored'))
    })

    test('an empty write is answered', async () => {
      await using it = await open()
      expect((await it.store.write([], NEVER)).landings).toEqual([])
    })

    test('another digest at a taken identity is a conflict that names the held one; the first stays', async (context) => {
      await using it = await open()
      context.skip(it.skips?.conflict !== undefined, it.skips?.conflict)
      const [first, second] = [arriving({ values: { v: 1 } }), arriving({ values: { v: 2 }, seq: 2 })]
      await write(it.store, [first])
      const { landings } = await it.store.write([second, first, arriving({ ms: T0 + 1 })], NEVER)
      expect(landings).toEqual([
        { outcome: 'conflict', heldDigest: first.reading.digest },
        { outcome: 'duplicate' },
        { outcome: 'stored' },
      ])
      expect(await readAll(it.store, { to: { ms: T0 + 1, ns: 0 } })).toEqual([stored(first)])
    })

    test('a redriven conflict lands at the next free nanosecond, once, its measured time unchanged', async (context) => {
      await using it = await open()
      context.skip(it.skips?.conflict !== undefined, it.skips?.conflict)
      await write(it.store, [arriving({ values: { v: 1 } }), arriving({ values: { v: 9 }, ns: 1 })])
      const redriven = arriving({ values: { v: 2 }, seq: 2, redrive: true, source: 'recovery' })
      expect(await write(it.store, [redriven, redriven])).toEqual(['stored', 'duplicate'])
      const reopened = await it.reopen()
      expect(await write(reopened, [redriven])).toEqual(['duplicate'])
      const [, , moved] = await readAll(reopened)
      expect(moved).toEqual(stored({ ...redriven, reading: { ...redriven.reading, ns: 2, bumpNs: 2 } }))
      expect(await write(reopened, [arriving({ ms: T0 + 50, redrive: true })])).toEqual(['stored'])
      const measured = moved === undefined ? undefined : addNanos(moved.reading, -moved.reading.bumpNs)
      expect(measured).toEqual({ ms: T0, ns: 0 })
    })

    test('a new store makes itself one generation and keeps it; a renewed one has another, and keeps its readings', async () => {
      await using it = await open()
      const generation = await it.store.generation()
      expect(generation).not.toBe('')
      expect((await it.store.write([arriving({})], NEVER)).generation).toBe(generation)
      expect(await (await it.reopen()).generation()).toBe(generation)
      const reopened = await it.reopen()
      const renewed = await reopened.renew()
      expect(renewed).not.toBe(generation)
      expect(await reopened.generation()).toBe(renewed)
      expect(await readAll(reopened)).toEqual([expect.objectContaining({ gateway: 'g' })])
      expect((await (await it.reopen()).write([], NEVER)).generation).toBe(renewed)
    })

    test('a first write makes the generation too', async () => {
      await using it = await open()
      const { generation } = await it.store.write([arriving({})], NEVER)
      expect(await it.store.generation()).toBe(generation)
    })

    test('reads in order of gateway, type, sensor and time, whatever came first', async () => {
      await using it = await open()
      const readings = ['g2', 'g1', 'g'].flatMap((gateway) =>
        ['tb', 'ta'].flatMap((type) =>
          ['s2', 's10', 's'].flatMap((sensor) =>
            [5, 0, -3].map((ms) => arriving({ gateway, type, sensor, ms: T0 + ms, ns: ms < 0 ? 5 : 0 })),
          ),
        ),
      )
      for (let i = 0; i < readings.length; i += 7) await write(it.store, readings.slice(i, i + 7))
      const nameOf = ({ gateway, reading: { type, sensor, ms } }: StoredReading): string =>
        [gateway, type, sensor, String(ms)].join('\0')
      const names = (await readAll(it.store)).map(nameOf)
      expect(names).toEqual(readings.map(stored).map(nameOf).sort())
    })

    test('a filter gives what it names: gateway, type, sensor, from (included) and to (not included)', async () => {
      await using it = await open()
      const readings = ['g', 'h'].flatMap((gateway) =>
        ['a', 'b'].flatMap((sensor) =>
          Array.from({ length: 300 }, (_, i) => arriving({ gateway, sensor, ms: T0 + i, ns: i % 2, type: sensor })),
        ),
      )
      await write(it.store, readings)
      const count = async (filter: ReadingFilter): Promise<number> => (await readAll(it.store, filter)).length
      expect(await count({ gateway: 'g' as GatewayId })).toBe(600)
      expect(await count({ sensor: 'a' })).toBe(600)
      expect(await count({ type: 'b', gateway: 'h' as GatewayId })).toBe(300)
      expect(await count({ type: 'b', sensor: 'a' })).toBe(0)
      expect(await count({ from: { ms: T0 + 299, ns: 0 } })).toBe(4)
      expect(await count({ from: { ms: T0 + 299, ns: 2 } })).toBe(0)
      expect(await count({ to: { ms: T0 + 1, ns: 1 } })).toBe(4)
      expect(await count({ from: { ms: T0 + 100, ns: 0 }, to: { ms: T0 + 200, ns: 0 }, sensor: 'b' })).toBe(200)
      expect(await count({ from: { ms: T0 + 200, ns: 0 }, to: { ms: T0 + 100, ns: 0 } })).toBe(0)
    })

    test('a read goes on while others write: nothing that stood before is left out or given twice', async () => {
      await using it = await open()
      const at = (i: number): ArrivingReading => arriving({ ms: T0 + i * 10, sensor: `s${i % 3}`, seq: i + 1 })
      const before = Array.from({ length: 6000 }, (_, i) => at(i))
      await write(it.store, before)
      const seen: string[] = []
      let step = 0
      for await (const batch of it.store.read({}, NEVER)) {
        seen.push(...batch.map(({ reading: { sensor, ms, ns } }) => `${sensor}/${ms}/${ns}`))
        const between = Array.from({ length: 3000 }, (_, i) => ({
          ...at(i),
          reading: { ...at(i).reading, ns: step + 1 },
        }))
        await write(it.store, between)
        step++
      }
      expect(step).toBeGreaterThan(1)
      expect(new Set(seen).size).toBe(seen.length)
      expect(seen.filter((name) => name.endsWith('/0'))).toHaveLength(6000)
      expect(await readAll(it.store)).toHaveLength(6000 + step * 3000)
    })

    test('batches are bounded', async () => {
      await using it = await open()
      await write(
        it.store,
        Array.from({ length: 12_000 }, (_, i) => arriving({ ms: T0 + i })),
      )
      const sizes = (await batchesOf(it.store, {})).map((batch) => batch.length)
      expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(12_000)
      expect(Math.max(...sizes)).toBeLessThanOrEqual(5000)
    })

    test('an abort ends a write before it begins, and a read between batches', async () => {
      await using it = await open()
      await write(
        it.store,
        Array.from({ length: 12_000 }, (_, i) => arriving({ ms: T0 + i })),
      )
      const abort = new AbortController()
      const reading = async (): Promise<void> => {
        for await (const _ of it.store.read({}, abort.signal)) abort.abort(new RangeError('enough'))
      }
      await expect(reading()).rejects.toThrow('enough')
      await expect(it.store.write([arriving({ ms: 1 })], abort.signal)).rejects.toThrow('enough')
      await expect(it.store.probe(abort.signal)).rejects.toThrow('enough')
      expect(await readAll(it.store, { to: { ms: 2, ns: 0 } })).toEqual([])
    })

    test('a probe of a store that can be written to resolves', async () => {
      await using it = await open()
      await expect(it.store.probe(NEVER)).resolves.toBeUndefined()
    })

    test('disposing twice is disposing once, and then nothing is answered', async () => {
      await using it = await open()
      await it.store.write([arriving({})], NEVER)
      await Promise.all([it.store[Symbol.asyncDispose](), it.store[Symbol.asyncDispose]()])
      const code = await it.store.write([arriving({})], NEVER).catch((error: unknown) => codeOf(error))
      expect(code).toBe('closed')
      expect(await readAll(await it.reopen())).toHaveLength(1)
    })
  })
}
