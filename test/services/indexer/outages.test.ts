/** The index is away, for ten minutes to an hour, or goes in the middle: storage is the queue, and everything that came is indexed within ten seconds of its return. */

import { expect, test } from 'vitest'
import { type Indexing, indexing } from '../../support/indexing.ts'

const N = 300
/** What the mission's document asks for, and more. */
const WITHIN_MS = 10_000

async function withRecordings(): Promise<Indexing> {
  const it = indexing()
  for (let i = 0; i < N; i++) it.tree.record(`before/${i}.dat`, it.clock.wallMs() - 3_600_000)
  it.begin()
  await it.clock.advance(1_000)
  expect((await it.entries()).length).toBe(N)
  return it
}

/** Files come in ten lots over the time. */
async function comeDuring(it: Indexing, ms: number, count: number): Promise<readonly string[]> {
  const paths = Array.from({ length: count }, (_, i) => `during/recording_${i}.dat`)
  for (let lot = 0; lot < 10; lot++) {
    for (const [i, path] of paths.entries()) if (i % 10 === lot) it.tree.record(path)
    await it.clock.advance(ms / 10)
  }
  return paths
}

async function untilIndexed(it: Indexing, count: number): Promise<number> {
  const fromMs = it.clock.monotonicMs()
  const isThere = (): boolean => (it.indexer.status.roots[0]?.entries.final ?? 0) >= count
  await it.clock.until(`${count} entries`, isThere, 60_000)
  return it.clock.monotonicMs() - fromMs
}

/** Half a minute is tried on real processes: `test/e2e/recordings.engine.test.ts`. */
const TIMES = [
  ['10 min', 600_000],
  ['1 h', 3_600_000],
] as const
const CASES = TIMES.flatMap(([name, ms]) => [1, 5, 50, 500, 1_000, 20_000].map((count) => [count, name, ms] as const))

test.each(CASES)(
  '%i files that came while the index was away for %s are there within 10 s of its return, once each',
  async (count, _, ms) => {
    await using it = await withRecordings()
    it.index.isAway = true
    const paths = await comeDuring(it, ms, count)
    expect((await it.entries()).length).toBe(N)
    it.index.isAway = false
    expect(await untilIndexed(it, N + count)).toBeLessThanOrEqual(WITHIN_MS)
    const entries = await it.entries()
    expect(entries.length).toBe(N + count)
    expect(new Set(entries.filter(({ state }) => state === 'final').map(({ path }) => path))).toEqual(
      new Set([...Array.from({ length: N }, (_, i) => `before/${i}.dat`), ...paths]),
    )
    expect(it.index.batchMax).toBeLessThanOrEqual(500)
    expect(it.changes.filter(({ kind }) => kind !== 'root').map(({ kind }) => kind)).toEqual([
      'index-away',
      'index-back',
    ])
  },
)

test('without events it is the same', async () => {
  await using it = await withRecordings()
  it.tree.isSilent = true
  it.index.isAway = true
  await comeDuring(it, 600_000, 1_000)
  expect(it.indexer.status.roots[0]?.waiting, 'it goes on finding').toBeGreaterThan(900)
  it.index.isAway = false
  expect(await untilIndexed(it, N + 1_000)).toBeLessThanOrEqual(WITHIN_MS)
  expect((await it.entries()).length).toBe(N + 1_000)
})

test('what comes while the index is away is read meanwhile, and read anew where it changed after that', async () => {
  await using it = await withRecordings()
  it.index.isAway = true
  await comeDuring(it, 30_000, 100)
  await it.clock.advance(10_000)
  const { reads } = it.tree
  it.tree.isSilent = true
  it.tree.put('during/recording_7.json', '{"name":"corrected"}')
  it.index.isAway = false
  expect(await untilIndexed(it, N + 100)).toBeLessThanOrEqual(WITHIN_MS)
  expect((await it.entry('during/recording_7.dat'))?.metadata).toEqual({ name: 'corrected' })
  expect(it.tree.reads - reads).toBe(1)
})

test('more files than it remembers are indexed too', async () => {
  await using it = await withRecordings()
  it.index.isAway = true
  for (let i = 0; i < 60_000; i++) it.tree.record(`many/${i}.dat`)
  await it.clock.advance(60_000)
  it.index.isAway = false
  expect(await untilIndexed(it, N + 60_000)).toBeLessThanOrEqual(WITHIN_MS)
  await it.clock.advance(70_000)
  expect(it.indexer.status.roots[0]?.entries).toEqual({ final: N + 60_000 })
})

test('started while the index is away, it finds what came before and after', async () => {
  await using it = indexing()
  for (let i = 0; i < N; i++) it.tree.record(`before/${i}.dat`, it.clock.wallMs() - 3_600_000)
  it.index.isAway = true
  it.begin()
  const paths = await comeDuring(it, 600_000, 50)
  expect(it.indexer.status).toMatchObject({ away: { reason: expect.stringContaining('switched off') } })
  it.index.isAway = false
  expect(await untilIndexed(it, N + paths.length)).toBeLessThanOrEqual(WITHIN_MS)
  expect((await it.entries()).length).toBe(N + 50)
})

test('killed while the index is away and started again, it misses nothing', async () => {
  await using it = await withRecordings()
  it.index.isAway = true
  await comeDuring(it, 60_000, 500)
  await it.running[0]?.kill()
  it.tree.record('while-killed.dat')
  await it.clock.advance(60_000)
  it.begin()
  await it.clock.advance(60_000)
  it.index.isAway = false
  expect(await untilIndexed(it, N + 501)).toBeLessThanOrEqual(WITHIN_MS)
  expect((await it.entries()).length).toBe(N + 501)
})

test.each([1, 2, 3, 7])(
  'the index goes away again in the middle of the drain, %i times, and each entry is made once',
  async (times) => {
    await using it = await withRecordings()
    it.index.isAway = true
    await comeDuring(it, 30_000, 5_000)
    let inserts = 0
    let left = times
    it.index.beforeInsert = () => {
      if (left > 0 && ++inserts % 2 === 0) {
        left -= 1
        it.index.isAway = true
      }
    }
    for (let i = 0; i <= times; i++) {
      it.index.isAway = false
      await it.clock.advance(5_000)
    }
    expect(left).toBe(0)
    await it.clock.advance(WITHIN_MS)
    const entries = await it.entries()
    expect([entries.length, new Set(entries.map(({ revision }) => revision))]).toEqual([N + 5_000, new Set([1])])
    expect(it.changes.filter(({ kind }) => kind === 'index-away').length).toBe(times + 1)
  },
)

test('writes that were done and not answered make no entry twice', async () => {
  await using it = await withRecordings()
  it.index.losesAnswers = 5
  await comeDuring(it, 10_000, 2_000)
  await it.clock.advance(20_000)
  expect(it.index.losesAnswers).toBe(0)
  const entries = await it.entries()
  expect([entries.length, new Set(entries.map(({ revision }) => revision))]).toEqual([N + 2_000, new Set([1])])
})

test('that the index is away is noticed within seconds, also while nothing comes', async () => {
  await using it = await withRecordings()
  it.index.isAway = true
  await it.clock.advance(4_000)
  expect(it.indexer.status.away).toMatchObject({ reason: expect.stringContaining('switched off') })
  it.index.isAway = false
  await it.clock.advance(4_000)
  expect(it.indexer.status.away).toBeNull()
})

test('it asks often enough to be quick, and not more often than every 100 ms', async () => {
  await using it = await withRecordings()
  it.index.isAway = true
  it.tree.record('a.dat')
  await it.clock.advance(600_000)
  expect(it.index.probes).toBeGreaterThan(300)
  expect(it.index.probes).toBeLessThan(650)
})
