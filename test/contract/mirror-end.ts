/** What every end of a mirror promises (`services/ports/mirror-end.ts`). */

import { describe, expect, test } from 'vitest'
import { codeOf } from '../../services/core/errors.ts'
import type { FieldSums, MirrorEnd, MirrorRow, MirrorSeries, TimeWindow } from '../../services/ports/mirror-end.ts'
import { collected } from '../support/collected.ts'

export interface MirrorEndUnderTest extends AsyncDisposable {
  readonly end: MirrorEnd
  /** Of a bucket that nobody has used. */
  readonly bucket: string
  /** That can't be reached. */
  readonly dead: MirrorEnd
}

const NEVER = new AbortController().signal
const T0 = 1_700_000_000_000_000_000n
const FOR_EVER = { retentionMs: 0, shardMs: 604_800_000 }
const ALL: TimeWindow = { from: T0 - 10n ** 18n, to: T0 + 10n ** 18n }

export function mirrorEndContract(label: string, open: () => Promise<MirrorEndUnderTest>): void {
  describe(`${label} keeps the contract of an end of a mirror:`, () => {
    test('a bucket that is not there is none, and no failure; one that is made is as it was asked for', async () => {
      await using it = await open()
      await it.end.probe(it.bucket, NEVER)
      expect(await it.end.bucket(it.bucket, NEVER)).toBeUndefined()
      const facts = { retentionMs: 30 * 86_400_000, shardMs: 86_400_000 }
      await it.end.makeBucket(it.bucket, facts, NEVER)
      expect(await it.end.bucket(it.bucket, NEVER)).toEqual(facts)
      await it.end.probe(it.bucket, NEVER)
      expect(await it.end.sums(it.bucket, ALL, undefined, NEVER)).toEqual([])
      expect(await it.end.counts(it.bucket, ALL, undefined, NEVER)).toEqual([])
    })

    test('what is written is read back with its types, to the nanosecond, inside the window alone, and written twice is there once', async () => {
      await using it = await filled(open)
      const [from, to] = [T0 + 1n, T0 + 3n]
      expect(await texts(it, { from, to })).toEqual([
        `m,s=a f=1.5 ${T0 + 1n}`,
        `m,s=a f=2.5 ${T0 + 2n}`,
        `m,s=b i=7i ${T0 + 1n}`,
      ])
      expect(await it.end.write(it.bucket, ROWS, NEVER)).toMatchObject({ written: ROWS.length, refused: 0 })
      expect(await texts(it, ALL)).toHaveLength(ROWS.length)
    })

    test('sums count every point of the window, and are the same for the same points alone', async () => {
      await using it = await filled(open)
      const before = await it.end.sums(it.bucket, ALL, undefined, NEVER)
      expect(namesOf(before)).toEqual(['m,s=a f 4', 'm,s=a t 1', 'm,s=b i 2'])
      expect(await it.end.sums(it.bucket, ALL, undefined, NEVER)).toEqual(before)
      expect(namesOf(await it.end.sums(it.bucket, { from: T0, to: T0 + 2n }, undefined, NEVER))).toEqual([
        'm,s=a f 2',
        'm,s=a t 1',
        'm,s=b i 1',
      ])
      await it.end.write(it.bucket, [row('m,s=a', 'f', '9.5', T0)], NEVER)
      const after = await it.end.sums(it.bucket, ALL, undefined, NEVER)
      const figures = (all: readonly FieldSums[]): readonly string[] => all.map((each) => each.figures).sort()
      expect(figures(after)).not.toEqual(figures(before))
    })

    test('counts say where in the window how many points are, in order', async () => {
      await using it = await filled(open)
      const window = { from: T0 - 1_000n, to: T0 + 10n ** 15n }
      const counts = await it.end.counts(it.bucket, window, undefined, NEVER)
      expect(counts.reduce((sum, { points }) => sum + points, 0)).toBe(ROWS.length)
      expect(counts.length).toBe(2)
      for (const [i, { window: part }] of counts.entries()) {
        expect(part.from >= (counts[i - 1]?.window.to ?? window.from) && part.to <= window.to).toBe(true)
      }
    })

    test('nothing that is asked for is left out where only some series are', async () => {
      await using it = await filled(open)
      const all = await it.end.sums(it.bucket, ALL, undefined, NEVER)
      const only = all.filter(({ series: { key } }) => key === 'm,s=b').map(({ series }) => series)
      expect(namesOf(await it.end.sums(it.bucket, ALL, only, NEVER))).toContain('m,s=b i 2')
      const read = await collected(it.end.read(it.bucket, ALL, only, NEVER))
      expect(read.filter(({ series: { key } }) => key === 'm,s=b')).toHaveLength(2)
    })

    test('what is removed is gone, of that series and that window alone where no other has its tags', async () => {
      await using it = await filled(open)
      const sums = await it.end.sums(it.bucket, ALL, undefined, NEVER)
      const series = sums.find(({ series: { key } }) => key === 'm,s=a')?.series
      if (series === undefined) throw new Error('no series')
      await it.end.remove(it.bucket, series, { from: T0, to: T0 + 2n }, NEVER)
      expect(await texts(it, ALL)).toEqual([
        `m,s=a f=2.5 ${T0 + 2n}`,
        `m,s=a f=3.5 ${T0 + 5n * 10n ** 14n}`,
        `m,s=b i=7i ${T0 + 1n}`,
        `m,s=b i=8i ${T0 + 3n}`,
      ])
    })

    test('an end that can not be reached says so', async () => {
      await using it = await open()
      const asked = [
        it.dead.probe(it.bucket, NEVER),
        it.dead.bucket(it.bucket, NEVER),
        it.dead.sums(it.bucket, ALL, undefined, NEVER),
        it.dead.write(it.bucket, ROWS, NEVER),
        collected(it.dead.read(it.bucket, ALL, undefined, NEVER)),
      ]
      const answers = await Promise.all(asked.map((each) => each.then(() => 'an answer', codeOf)))
      expect(new Set(answers)).toEqual(new Set(['store-unavailable']))
    })
  })
}

const ROWS: readonly MirrorRow[] = [
  row('m,s=a', 'f', '0.5', T0),
  row('m,s=a', 'f', '1.5', T0 + 1n),
  row('m,s=a', 'f', '2.5', T0 + 2n),
  row('m,s=a', 'f', '3.5', T0 + 5n * 10n ** 14n),
  row('m,s=a', 't', '"warm"', T0),
  row('m,s=b', 'i', '7i', T0 + 1n),
  row('m,s=b', 'i', '8i', T0 + 3n),
]

async function filled(open: () => Promise<MirrorEndUnderTest>): Promise<MirrorEndUnderTest> {
  const it = await open()
  await it.end.makeBucket(it.bucket, FOR_EVER, NEVER)
  expect(await it.end.write(it.bucket, ROWS, NEVER)).toMatchObject({ written: ROWS.length, refused: 0 })
  // What is there is known since it was asked for last.
  await it.end.bucket(it.bucket, NEVER)
  return it
}

export function row(key: string, name: string, value: string, time: bigint): MirrorRow {
  const [measurement = '', ...tags] = key.split(',')
  const series: MirrorSeries = {
    ...{ key, measurement, unwritable: '' },
    tags: tags.map((tag) => tag.split('=') as unknown as readonly [string, string]),
  }
  return { series, time: String(time), names: [name], values: [value] }
}

/** One line a point, sorted. */
export async function texts({ end, bucket }: MirrorEndUnderTest, window: TimeWindow): Promise<readonly string[]> {
  const rows = await collected(end.read(bucket, window, undefined, NEVER))
  return rows
    .flatMap(({ series, names, values, time }) =>
      values.flatMap((value, i) => (value === undefined ? [] : [`${series.key} ${names[i]}=${value} ${time}`])),
    )
    .sort()
}

function namesOf(sums: readonly FieldSums[]): readonly string[] {
  return sums.map(({ series, field, points }) => `${series.key} ${field} ${points}`).sort()
}
