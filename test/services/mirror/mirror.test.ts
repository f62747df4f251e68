/** A mirror makes the target equal to the source: over cuts at every step, with late, early, changed and deleted points, and says what it can't mend. */

import { expect, test } from 'vitest'
import { nanosOf } from '../../../services/core/mirror-windows.ts'
import { seededRandom } from '../../support/manual-clock.ts'
import { away, BUCKET, type Mirroring, mirroring, series } from '../../support/mirroring.ts'

const NAMES = ['a', 'b', 'c', 'd', 'e']
const YEAR_MS = 31_536_000_000

function isEqual({ source, target }: Mirroring): void {
  expect(target.content(BUCKET)).toEqual(source.content(BUCKET))
}

test('an empty target gets everything, in writes of bounded size, and a bucket as long-lived as the source', async () => {
  const it = mirroring()
  it.source.put(BUCKET, series(it.clock, NAMES, 20_000))
  it.source.buckets.set(BUCKET, { retentionMs: 5 * YEAR_MS, shardMs: 86_400_000 })
  const { status } = await it.once()
  isEqual(it)
  expect(it.target.buckets.get(BUCKET)).toEqual({ retentionMs: 5 * YEAR_MS, shardMs: 86_400_000 })
  expect(status.buckets[0]).toMatchObject({ state: 'equal', points: 100_000, written: 100_000, left: 0, extra: 0 })
  expect(it.target.largest).toBeLessThanOrEqual(20_100)
})

test('an equal pair is compared without a point being read', async () => {
  const it = mirroring()
  for (const end of [it.source, it.target]) end.put(BUCKET, series(it.clock, NAMES, 1_000))
  const { status } = await it.once()
  expect(status.buckets[0]).toMatchObject({ state: 'equal', points: 5_000, written: 0 })
  expect([it.source.rowsRead, it.target.rowsRead, it.target.largest]).toEqual([0, 0, 0])
})

test('points that came late, early or changed are found, and little else is read', async () => {
  const it = mirroring()
  const points = series(it.clock, NAMES, 20_000)
  for (const end of [it.source, it.target]) end.put(BUCKET, points)
  const now = nanosOf(it.clock.wallMs())
  it.source.put(BUCKET, [
    { series: 'a', field: 'k', time: now - 600_000_000_000_001n, value: '7.25' },
    { series: 'late', field: 'k', time: now - BigInt(YEAR_MS) * 1_000_000n, value: '1' },
    { series: 'early', field: 'k', time: now + BigInt(YEAR_MS) * 10_000_000n, value: '2' },
    { series: 'c', field: 'k', time: points[50_000]?.time ?? 0n, value: '-3.5' },
  ])
  const { status } = await it.once()
  isEqual(it)
  expect(status.buckets[0]).toMatchObject({ state: 'equal', written: 4 })
  expect(it.source.rowsRead).toBeLessThan(10_000)
})

test('new points keep flowing behind one that is ahead of its time', async () => {
  const it = mirroring()
  const ending = new AbortController()
  const mirror = it.mirror()
  const running = mirror.run(ending.signal)
  const now = nanosOf(it.clock.wallMs())
  it.source.put(BUCKET, [{ series: 'a', field: 'k', time: now + BigInt(YEAR_MS) * 10_000_000n, value: '1' }])
  await it.clock.until('the early one', () => it.target.content(BUCKET).length === 1, 10_000)
  for (let i = 0; i < 3; i++) {
    it.source.put(BUCKET, [{ series: 'a', field: 'k', time: nanosOf(it.clock.wallMs()), value: `${i}` }])
    await it.clock.until('a new one', () => it.target.content(BUCKET).length === i + 2, 3_000)
  }
  ending.abort()
  await running
})

test.each([1, 2, 3, 4, 5])(
  'cuts at any call of either end, and at any point of an answer, cost time alone (seed %i)',
  async (seed) => {
    const it = mirroring()
    const random = seededRandom(seed)
    it.source.put(BUCKET, series(it.clock, NAMES, 3_000))
    it.target.put(BUCKET, series(it.clock, ['a', 'b'], 1_500))
    let cuts = 0
    const cut = () => {
      if (cuts >= 200 || random.next() > 0.1) return undefined
      cuts += 1
      return away()
    }
    it.source.fault = cut
    it.target.fault = cut
    const { status } = await it.once()
    isEqual(it)
    expect(status.buckets[0]?.state).toBe('equal')
    expect(cuts).toBeGreaterThan(3)
  },
)

test('an end that is away is said once with its reason, and once when it is back; nothing is asked of the other meanwhile', async () => {
  const it = mirroring()
  it.source.put(BUCKET, series(it.clock, NAMES, 10))
  let isAway = true
  it.target.fault = () => (isAway ? away() : undefined)
  const running = it.once()
  await it.clock.advance(0)
  const calls: string[] = []
  it.source.fault = (call) => {
    calls.push(call)
    return undefined
  }
  await it.clock.advance(600_000)
  expect(new Set(calls)).toEqual(new Set(['probe']))
  isAway = false
  await running
  const ends = it.changes.filter(({ kind }) => kind.startsWith('end-'))
  expect(ends).toMatchObject([
    { kind: 'end-away', end: 'target' },
    { kind: 'end-back', end: 'target' },
  ])
  isEqual(it)
})

test('points at the target alone are counted and stay; older ones than it keeps are counted, and not tried for ever', async () => {
  const it = mirroring(86_400_000)
  it.target.buckets.set(BUCKET, { retentionMs: 86_400_000, shardMs: 3_600_000 })
  const now = nanosOf(it.clock.wallMs())
  const old = { series: 'a', field: 'k', time: now - BigInt(YEAR_MS) * 1_000_000n, value: '1' }
  it.source.put(BUCKET, [...series(it.clock, ['a'], 100), old])
  it.target.put(BUCKET, [{ series: 'gone', field: 'k', time: now - 1_000n, value: '9' }])
  const { status } = await it.once()
  const [bucket] = status.buckets
  expect(bucket).toMatchObject({ state: 'exceptions', extra: 1, outsideRetention: 1, points: 100 })
  expect(bucket?.reason).toContain('1 points are at the target alone')
  expect(bucket?.reason).toContain('1 points are older than the target keeps')
  expect(it.target.content(BUCKET)).toHaveLength(101)
})

test('asked to, it takes out of the target what it has alone, and brings back what went with it', async () => {
  const it = mirroring()
  const points = series(it.clock, NAMES, 50)
  const [neighbour] = points
  if (neighbour === undefined) throw new Error('no points')
  for (const end of [it.source, it.target]) end.put(BUCKET, points)
  const at = nanosOf(it.clock.wallMs()) - 1_000n
  it.target.put(BUCKET, [
    { series: 'gone', field: 'k', time: at, value: '9' },
    { series: 'a', field: 'k', time: at, value: '9' },
  ])
  // As a server does to which the tags of one series are a part of those of another.
  const remove = it.target.remove.bind(it.target)
  it.target.remove = async (bucket, gone, window) => {
    await remove(bucket, gone, window)
    it.target.take(bucket, neighbour)
  }
  const { status } = await it.once({ deletes: true })
  isEqual(it)
  expect(status.buckets[0]).toMatchObject({ state: 'equal', removed: 2, extra: 0 })
})

test('what the target takes and does not keep is a difference, not found for ever', async () => {
  const it = mirroring()
  it.source.put(BUCKET, series(it.clock, NAMES, 2_000))
  const write = it.target.write.bind(it.target)
  it.target.write = async (bucket, rows) => {
    const outcome = await write(bucket, rows)
    for (const { series: each, time } of rows.filter(({ series: { key } }) => key === 'b')) {
      it.target.take(bucket, { series: each.key, field: 'k', time: BigInt(time) })
    }
    return outcome
  }
  const { status } = await it.once()
  expect(status.buckets[0]).toMatchObject({ state: 'differs', missing: 2_000 })
})

test('only a deep pass sees another text of the same number, and it mends it', async () => {
  const it = mirroring()
  const point = { series: 'a', field: 't', time: nanosOf(it.clock.wallMs()) - 10n, value: '"warm"' }
  it.source.put(BUCKET, [point])
  it.target.put(BUCKET, [{ ...point, value: '"cold"' }])
  await it.once()
  expect(it.target.content(BUCKET)).not.toEqual(it.source.content(BUCKET))
  await it.once({ deep: true })
  isEqual(it)
})

test('a bucket that is missing somewhere is named, keeps no other from being mirrored, and is mirrored once it is there', async () => {
  const it = mirroring()
  it.source.put(BUCKET, series(it.clock, NAMES, 10))
  const { status } = await it.once({ buckets: ['nowhere', BUCKET], createBuckets: false })
  expect(status.buckets.map(({ state }) => state)).toEqual(['blocked', 'blocked'])
  expect(status.buckets[0]?.reason).toContain('the source has no bucket nowhere')
  expect(status.buckets[1]?.reason).toContain('MIRROR_CREATE_BUCKETS')
  await it.once({ buckets: ['nowhere', BUCKET] })
  isEqual(it)
})

test('nothing older than it is to look at is copied', async () => {
  const it = mirroring()
  const points = series(it.clock, ['a'], 100)
  it.source.put(BUCKET, points)
  await it.once({ sinceNanos: points[50]?.time ?? 0n })
  expect(it.target.content(BUCKET)).toHaveLength(50)
})

test('it ends at the edge of a window, with what was being written answered', async () => {
  const it = mirroring()
  it.source.put(BUCKET, series(it.clock, NAMES, 2_000))
  const [ending, late] = [new AbortController(), new AbortController()]
  let writes = 0
  const write = it.target.write.bind(it.target)
  it.target.write = async (bucket, rows) => {
    writes += 1
    ending.abort()
    await it.clock.sleep(50, late.signal)
    return await write(bucket, rows)
  }
  const running = it.mirror().run(ending.signal, { io: late.signal })
  await it.clock.advance(10_000)
  await running
  expect(writes).toBe(1)
  expect(it.target.content(BUCKET).length).toBeGreaterThan(0)
})
