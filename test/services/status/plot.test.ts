/** The readings of a sensor for a plot: from which store, how many at most, and with what is known of them. */

import { describe, expect, test } from 'vitest'
import { embeddedReadingStore } from '../../../infra/embedded/reading-store.ts'
import type { Epoch, GatewayId, Values } from '../../../schemas/reading.ts'
import { TidemarkError } from '../../../services/core/errors.ts'
import type { ArrivingReading, ReadingStore } from '../../../services/ports/reading-store.ts'
import { type PlotStore, plotOf } from '../../../services/status/plot.ts'
import { seededRandom } from '../../support/manual-clock.ts'
import { memoryKv } from '../../support/memory-kv.ts'
import { endlessReadings } from './endless-readings.ts'

const FROM_MS = Date.UTC(2026, 10, 22)
const signal = new AbortController().signal
const breathe = async (): Promise<void> => undefined

function reading(i: number, values: Values, source: 'live' | 'recovery' = 'live'): ArrivingReading {
  const digest = new Uint8Array(16).fill(i % 256)
  const fixed = { type: 'temperature', sensor: 'roof', labels: {}, ns: 0, bumpNs: 0, estimated: false, digest }
  return {
    gateway: 'g' as GatewayId,
    epoch: '00000000000000e1' as Epoch,
    source,
    reading: { ...fixed, seq: i + 1, ms: FROM_MS + i * 1000, values },
  }
}

async function storeWith(name: string, readings: readonly ArrivingReading[]): Promise<ReadingStore> {
  const store = embeddedReadingStore({ kv: memoryKv(), name, random: seededRandom(1) })
  await store.write(readings, signal)
  return store
}

function opening(store: ReadingStore): PlotStore {
  return { name: store.name, open: async () => store }
}

function question(readings: number, points = 100) {
  return { gateway: 'g', type: 'temperature', sensor: 'roof', fromMs: FROM_MS, toMs: FROM_MS + readings * 1000, points }
}

describe('a plot', () => {
  test('holds numbers and booleans by field, null where one lacks, and says what came by recovery', async () => {
    const readings = [
      reading(0, { temperature: 1.5, open: true, note: 'x' }),
      reading(1, { temperature: 2n }, 'recovery'),
      reading(2, { open: false }),
      reading(3, { temperature: 9 }),
    ]
    const plot = await plotOf([opening(await storeWith('embedded', readings))], question(3), breathe, signal)
    expect(plot).toEqual({
      store: 'embedded',
      type: 'temperature',
      sensor: 'roof',
      time_ms: [FROM_MS, FROM_MS + 1000, FROM_MS + 2000],
      fields: { temperature: [1.5, 2, null], open: [1, null, 0] },
      recovered: [false, true, false],
      readings: 3,
      more: false,
    })
  })

  test('comes from a store that keeps how a reading came, else from another, and from the next where one is away', async () => {
    const readings = [reading(0, { temperature: 1 })]
    const [influxdb, mongodb] = [await storeWith('influxdb', readings), await storeWith('mongodb', readings)]
    const away: PlotStore = {
      name: 'mongodb',
      open: async () => {
        throw new TidemarkError('store-unavailable', 'connection refused')
      },
    }
    const asked = (...stores: readonly PlotStore[]) => plotOf(stores, question(3), breathe, signal)
    expect((await asked(opening(influxdb), opening(mongodb))).store).toBe('mongodb')
    expect((await asked(opening(influxdb), away)).store).toBe('influxdb')
    const refused = await asked(away).catch((error: unknown) => error)
    expect(refused).toMatchObject({ code: 'store-unavailable', message: expect.stringContaining('mongodb') })
  })

  test('of a week of readings some hundred thousand are read at most, the newest among them', async () => {
    const read = { readings: 0 }
    const plot = await plotOf([endlessReadings(read)], question(604_800, 1200), breathe, signal)
    expect(plot.more).toBe(true)
    expect(plot.readings).toBeLessThanOrEqual(100_000)
    expect(read.readings).toBeLessThanOrEqual(130_000)
    expect(plot.time_ms.length).toBeLessThanOrEqual(1200)
    const newest = plot.time_ms.at(-1) ?? 0
    expect(newest).toBeGreaterThan(FROM_MS + 604_800_000 * 0.97)
  })

  test('lets others have their turn between batches, and stops when nobody waits for it any more', async () => {
    let breaths = 0
    const gone = new AbortController()
    const asked = plotOf(
      [endlessReadings()],
      question(604_800),
      async () => {
        breaths += 1
        if (breaths === 5) gone.abort(new Error('the client is gone'))
      },
      gone.signal,
    )
    await expect(asked).rejects.toThrow('the client is gone')
    expect(breaths).toBe(5)
  })
})
