/** The lander: whatever a store does, each reading gets its outcome and no good one is lost with a bad neighbour. */

import { pino } from 'pino'
import { expect, test } from 'vitest'
import type { Epoch, GatewayId } from '../../../schemas/reading.ts'
import { TidemarkError } from '../../../services/core/errors.ts'
import type { ArrivingReading, Landing, ReadingStore } from '../../../services/ports/reading-store.ts'
import { decideWrite } from '../../../services/sink/decide.ts'
import { Lander } from '../../../services/sink/lander.ts'
import { manualClock, seededRandom } from '../../support/manual-clock.ts'

const arriving = (seq: number): ArrivingReading => ({
  gateway: 'g' as GatewayId,
  epoch: '00000000000000aa' as Epoch,
  source: 'live',
  reading: {
    type: 't',
    sensor: 's',
    labels: {},
    ms: seq,
    ns: 0,
    bumpNs: 0,
    estimated: false,
    values: {},
    digest: new Uint8Array(16),
    seq,
  },
})

function storeThat(write: (seqs: readonly number[]) => string): ReadingStore & { writes: number } {
  const store = {
    name: 'fake',
    writes: 0,
    generation: async () => 'gen',
    renew: async () => 'gen',
    write: async (readings: readonly ArrivingReading[]) => {
      store.writes += 1
      const generation = write(readings.map((each) => each.reading.seq))
      return { generation, landings: readings.map((): Landing => ({ outcome: 'stored' })) }
    },
    read: async function* () {},
    probe: async () => undefined,
    [Symbol.asyncDispose]: async () => undefined,
  }
  return store
}

const SILENT = pino({ level: 'silent' })

async function land(store: ReadingStore, count: number, logger = SILENT): Promise<readonly Landing[]> {
  const clock = manualClock()
  const lander = new Lander(store, clock, seededRandom(1), logger)
  let result: readonly Landing[] | undefined
  const readings = Array.from({ length: count }, (_, i) => arriving(i + 1))
  void lander.land(readings, new AbortController().signal).then((each) => {
    result = each.landings
  })
  await clock.until('landed', () => result !== undefined, 3_600_000)
  return result ?? []
}

test('a refused batch is split until the bad reading stands alone, and the good ones land', async () => {
  const store = storeThat((seqs) => {
    if (seqs.includes(7)) throw new TidemarkError('batch-refused', 'field type conflict')
    return 'gen'
  })
  const landings = await land(store, 100)
  expect(landings.flatMap(({ outcome }, i) => (outcome === 'stored' ? [] : [[i + 1, outcome]]))).toEqual([
    [7, 'rejected'],
  ])
  expect(store.writes).toBeLessThan(40)
})

test('a reading that breaks the store for no named reason is rejected once its neighbours landed, wherever it stands', async () => {
  for (const bad of [1, 2, 50, 99, 100]) {
    const store = storeThat((seqs) => {
      if (seqs.includes(bad)) throw new Error('socket hang up')
      return 'gen'
    })
    const landings = await land(store, 100)
    expect(landings.flatMap(({ outcome }, i) => (outcome === 'stored' ? [] : [[i + 1, outcome]]))).toEqual([
      [bad, 'rejected'],
    ])
  }
})

test('two that break it are both found', async () => {
  const store = storeThat((seqs) => {
    if (seqs.includes(3) || seqs.includes(4)) throw new Error('socket hang up')
    return 'gen'
  })
  const landings = await land(store, 9)
  expect(landings.map(({ outcome }) => outcome).filter((each) => each === 'rejected')).toHaveLength(2)
})

test('a store that is away for a thousand tries rejects nothing', async () => {
  let tries = 0
  const store = storeThat(() => {
    if (++tries < 60) throw new TidemarkError('store-unavailable')
    return 'gen'
  })
  store.probe = async () => {
    throw new TidemarkError('store-unavailable')
  }
  const landings = await land(store, 10)
  expect(landings.every(({ outcome }) => outcome === 'stored')).toBe(true)
})

test('a store that is renewed in the middle of a batch gets all of it anew', async () => {
  let writes = 0
  const store = storeThat((seqs) => {
    writes += 1
    if (seqs.length > 2) throw new TidemarkError('batch-refused')
    return writes < 3 ? 'old' : 'new'
  })
  await land(store, 4)
  expect(writes).toBeGreaterThan(5)
})

test('a lone reading that fails while nothing lands waits; access refused waits and never splits', () => {
  const trouble = { code: undefined, readings: 1, failures: 9, probed: true, othersLanded: false }
  expect(decideWrite(trouble)).toBe('wait')
  expect(decideWrite({ ...trouble, othersLanded: true })).toBe('reject')
  expect(decideWrite({ ...trouble, code: 'store-misconfigured', readings: 9, othersLanded: true })).toBe('wait')
})

test('says why the store is away once, and again when it is something else that has to be mended', async () => {
  const said: string[] = []
  const logger = pino({ level: 'error' }, { write: (line: string) => said.push(JSON.parse(line).reason) })
  const answers = ['store-unavailable', 'store-unavailable', 'store-misconfigured', 'store-misconfigured'] as const
  let tries = 0
  const store = storeThat(() => {
    const code = answers[tries++]
    if (code !== undefined) throw new TidemarkError(code, `no. ${tries}`)
    return 'gen'
  })
  await land(store, 1, logger)
  expect(said).toEqual([expect.stringContaining('no. 1'), expect.stringContaining('no. 3')])
})
