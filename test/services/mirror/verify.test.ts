/** Both sides held against each other: per series what is equal, missing, extra and differing, over a link that is cut, and nothing is changed. */

import { expect, test } from 'vitest'
import { nanosOf } from '../../../services/core/mirror-windows.ts'
import { verifyBucket } from '../../../services/mirror/verify.ts'
import { seededRandom } from '../../support/manual-clock.ts'
import { away, BUCKET, type Mirroring, mirroring, series } from '../../support/mirroring.ts'

async function verified({ clock, source, target }: Mirroring, deep = false) {
  const seen: number[] = []
  const options = {
    ...{ source, target, bucket: BUCKET, clock, deep, random: seededRandom(3) },
    ...{ sinceNanos: -(2n ** 63n) + 2n, progress: (points: number) => void seen.push(points) },
  }
  let isOver = false
  const running = verifyBucket(options, new AbortController().signal).finally(() => {
    isOver = true
  })
  running.catch(() => undefined)
  await clock.until('it is over', () => isOver, 3_600_000)
  return { ...(await running), seen }
}

function differing(): Mirroring {
  const it = mirroring()
  const points = series(it.clock, ['a', 'b', 'c'], 3_000)
  it.source.put(BUCKET, points)
  it.target.put(BUCKET, points)
  for (const point of points.slice(100, 103)) it.target.take(BUCKET, point)
  it.target.put(BUCKET, [
    { series: 'a', field: 'k', time: nanosOf(it.clock.wallMs()), value: '1' },
    { series: 'b', field: 'k', time: points[3_500]?.time ?? 0n, value: '-1' },
    { series: 'd', field: 'k', time: 5n, value: '1' },
  ])
  return it
}

const FOUND = { equal: 8_996, missing: 3, extra: 2, differing: 1 }

test('every series has its figures, and the bucket their sum', async () => {
  const it = differing()
  const before = [it.source.content(BUCKET), it.target.content(BUCKET)]
  const { series: all, seen, ...sum } = await verified(it)
  expect(sum).toEqual({ ...FOUND, outsideRetention: 0 })
  expect(all.map(({ series: { key }, ...each }) => [key, each])).toEqual([
    ['a', { equal: 2_997, missing: 3, extra: 1, differing: 0 }],
    ['b', { equal: 2_999, missing: 0, extra: 0, differing: 1 }],
    ['c', { equal: 3_000, missing: 0, extra: 0, differing: 0 }],
    ['d', { equal: 0, missing: 0, extra: 1, differing: 0 }],
  ])
  expect(seen.at(-1)).toBe(9_000)
  expect([it.source.content(BUCKET), it.target.content(BUCKET)]).toEqual(before)
  expect(await verified(it, true)).toMatchObject(FOUND)
})

test.each([1, 2, 3])('cuts change none of them (seed %i)', async (seed) => {
  const it = differing()
  const random = seededRandom(seed)
  const cut = () => (random.next() < 0.15 ? away() : undefined)
  it.source.fault = cut
  it.target.fault = cut
  expect(await verified(it)).toMatchObject(FOUND)
})

test('an end that stays away ends it, and a bucket that is missing is named at once', async () => {
  const it = differing()
  it.target.fault = away
  await expect(verified(it)).rejects.toMatchObject({ code: 'store-unavailable' })
  it.target.fault = () => undefined
  it.target.buckets.delete(BUCKET)
  await expect(verified(it)).rejects.toThrow('the target has no bucket cryostat')
})
