/** What every journal promises of receipts, pruning, room and voids. Part of `journalContract`. */

import { describe, expect, test } from 'vitest'
import { addDigest, emptySum, sumHex } from '../../schemas/canonical.ts'
import type { Range, StoreGeneration } from '../../schemas/reading.ts'
import type { Journal } from '../../services/ports/journal.ts'
import { append, codeThrownBy, type JournalUnderTest, offer, outline, readAll, series, T0 } from './journal.ts'

const DAY = 86_400_000
const KEEP = 7 * DAY
const FIRST: readonly StoreGeneration[] = [
  { store: 'x', generation: 'x1' },
  { store: 'y', generation: 'y1' },
]
const RENEWED = [FIRST[0], { store: 'y', generation: 'y2' }] as readonly StoreGeneration[]

function confirm(journal: Journal, settled: readonly Range[], stores = FIRST, epoch = journal.epoch): Promise<void> {
  return journal.confirm({ stores, epochs: [{ epoch, settled, complete: false }] })
}

const confirmed = (journal: Journal): unknown => journal.epochs().map((epoch) => epoch.confirmed)
const pruned = (journal: Journal): unknown => journal.epochs().map((epoch) => epoch.pruned)

/** Appends until the journal is full; what was accepted. */
async function fill(journal: Journal, sensor = 's', from = 0): Promise<number> {
  for (let i = from; ; i += 100) {
    try {
      await append(journal, series(sensor, 100, T0 + i * 1000))
    } catch {
      return i - from
    }
  }
}

export function journalRoomContract(label: string, open: () => Promise<JournalUnderTest>): void {
  describe(`${label} keeps the contract of a journal: receipts,`, () => {
    test('add up, and never reach past what was accepted or into epochs it does not know', async () => {
      await using it = await open()
      const journal = await it.open()
      await append(journal, series('s', 10))
      await confirm(journal, [[2, 3]])
      await confirm(journal, [[8, 99]], [...FIRST].reverse())
      await confirm(journal, [[1, 5]], FIRST, 'f'.repeat(16) as Journal['epoch'])
      const both: readonly Range[] = [
        [2, 3],
        [8, 10],
      ]
      expect(confirmed(journal)).toEqual([both])
      expect(journal.usage()).toMatchObject({ readings: 10, unconfirmed: 5 })
      expect(confirmed(await it.open())).toEqual([both])
    })

    test('of other generations take the place of all earlier ones, in every epoch', async () => {
      await using it = await open()
      const before = await it.open()
      await append(before, series('s', 4))
      await confirm(before, [[1, 4]])
      const journal = await it.open()
      await append(journal, series('s', 4, T0 + DAY))
      await confirm(journal, [[1, 3]])
      await confirm(journal, [[2, 2]], RENEWED)
      expect(confirmed(journal)).toEqual([[], [[2, 2]]])
      expect(confirmed(await it.open())).toEqual([[], [[2, 2]]])
    })
  })

  describe(`${label} keeps the contract of a journal: pruning,`, () => {
    test('drops what is confirmed and older than the keeping time, and names the stores that allowed it', async () => {
      await using it = await open()
      const journal = await it.open({ keepMs: KEEP })
      await append(journal, series('old', 2000))
      await confirm(journal, [[1, 2000]])
      await journal.prune()
      expect(pruned(journal)).toEqual([[]])
      it.clock.advance(KEEP + 1)
      await append(journal, series('young', 5))
      await confirm(journal, [[2001, 2005]])
      await journal.prune()
      const last = (journal.epochs()[0]?.pruned ?? []).at(-1)?.[1] ?? 0
      expect(last).toBeGreaterThan(1500)
      expect(last).toBeLessThanOrEqual(2000)
      const piece = [...journal.read(journal.epoch, [1, 2005], 9999)]
      expect(outline(piece)).toEqual([`pruned 1-${last}`, `readings ${last + 1}-2005`])
      expect(piece[0]).toMatchObject({ stores: FIRST })
      expect(pruned(await it.open())).toEqual([[[1, last]]])
    })

    test('never drops what is not confirmed, however old', async () => {
      await using it = await open()
      const journal = await it.open({ keepMs: KEEP })
      await append(journal, series('s', 3000))
      await confirm(journal, [
        [1, 999],
        [1001, 3000],
      ])
      it.clock.advance(1000 * DAY)
      await journal.prune()
      const held = readAll(journal).map(({ seq }) => seq)
      expect(held).toContain(1000)
      expect(held.length).toBeLessThan(1000)
      expect(journal.usage()).toMatchObject({ readings: held.length, unconfirmed: 1 })
    })

    test('what was pruned stays pruned by the stores of its day, whatever receipts say later', async () => {
      await using it = await open()
      const journal = await it.open({ keepMs: KEEP })
      await append(journal, series('s', 100))
      await confirm(journal, [[1, 100]])
      it.clock.advance(KEEP + 1)
      await journal.prune()
      await confirm(journal, [], RENEWED)
      const [piece] = journal.read(journal.epoch, [1, 100], 10)
      expect(piece).toEqual({ kind: 'pruned', range: [1, 100], stores: FIRST })
      expect(journal.usage()).toMatchObject({ readings: 0, unconfirmed: 0, oldestMs: null })
    })

    test('a range read while it is pruned is answered whole, each position once', async () => {
      await using it = await open()
      const journal = await it.open({ keepMs: KEEP })
      await append(journal, series('s', 2000))
      await confirm(journal, [[1, 2000]])
      it.clock.advance(KEEP + 1)
      const answered: string[] = []
      for (const piece of journal.read(journal.epoch, [1, 2000], 150)) {
        answered.push(...outline([piece]))
        if (answered.length === 2) await journal.prune()
      }
      const ends = answered.map((text) => text.split(' ')[1]?.split('-').map(Number) ?? [])
      expect(ends[0]?.[0]).toBe(1)
      for (const [i, end] of ends.entries()) if (i > 0) expect(end[0]).toBe((ends[i - 1]?.[1] ?? 0) + 1)
      expect(ends.at(-1)?.[1]).toBe(2000)
      expect(answered.at(-1)).toContain('pruned')
    })

    test('the index outlives the readings by its own time, and then a repetition is taken again', async () => {
      await using it = await open()
      const journal = await it.open({ keepMs: KEEP, identityKeepMs: 400 * DAY })
      const offers = [...series('s', 500), offer('s', T0, { v: 'moved' })]
      await append(journal, offers)
      await confirm(journal, [[1, 501]])
      it.clock.advance(399 * DAY)
      await journal.prune()
      expect(journal.usage().readings).toBe(0)
      expect(await append(journal, offers)).toEqual({ accepted: 0, duplicates: 501 })
      const full = journal.usage().bytes
      it.clock.advance(DAY)
      await journal.prune()
      await journal.prune()
      expect(journal.usage().bytes).toBeLessThan(full / 2)
      expect(await append(journal, offers)).toEqual({ accepted: 501, duplicates: 0 })
    })

    test('goes on with everything but the young when a clock was ahead for a while', async () => {
      await using it = await open()
      const journal = await it.open({ keepMs: KEEP })
      it.clock.setWall(T0 + 3650 * DAY)
      await append(journal, series('ahead', 200))
      it.clock.setWall(T0)
      await append(journal, series('right', 200))
      await confirm(journal, [[1, 400]])
      it.clock.advance(KEEP)
      await journal.prune()
      const [gone] = journal.epochs()[0]?.pruned ?? []
      expect(gone?.[0]).toBeGreaterThan(1)
      expect(gone?.[1]).toBe(400)
    })

    test('leaves a journal that goes on where it was, though nothing is left in it', async () => {
      await using it = await open()
      const journal = await it.open({ keepMs: KEEP })
      await append(journal, series('s', 3))
      await confirm(journal, [[1, 3]])
      it.clock.advance(KEEP)
      await journal.prune()
      const { bytes } = journal.usage()
      await append(journal, series('s', 2, T0 + DAY))
      expect(journal.usage().readings).toBe(2)
      expect(journal.usage().bytes).toBeGreaterThan(bytes)
      expect(outline(journal.read(journal.epoch, [1, 5], 9))).toEqual(['pruned 1-3', 'readings 4-5'])
      await confirm(journal, [[1, 5]])
      it.clock.advance(KEEP)
      await journal.prune()
      expect(pruned(journal)).toEqual([[[1, 5]]])
      expect(journal.usage().readings).toBe(0)
    })

    test('an instant many readings claimed is not given out again while one of them is remembered', async () => {
      await using it = await open()
      const journal = await it.open({ keepMs: KEEP, identityKeepMs: 400 * DAY })
      const stuck = (v: number): ReturnType<typeof offer> => offer('stuck', T0, { v })
      await append(
        journal,
        Array.from({ length: 500 }, (_, v) => stuck(v)),
      )
      it.clock.advance(200 * DAY)
      await append(journal, [stuck(500)])
      await confirm(journal, [[1, 501]])
      it.clock.advance(201 * DAY)
      await journal.prune()
      expect(await append(journal, [stuck(501), stuck(500)])).toEqual({ accepted: 1, duplicates: 1 })
      expect(readAll(journal).at(-1)).toMatchObject({ bumpNs: 501, ns: 501 })
    })

    test('index entries of readings still held stay, however old', async () => {
      await using it = await open()
      const journal = await it.open({ identityKeepMs: 400 * DAY })
      await append(journal, series('s', 50))
      it.clock.advance(1000 * DAY)
      await journal.prune()
      expect(await append(journal, series('s', 50))).toEqual({ accepted: 0, duplicates: 50 })
    })
  })

  describe(`${label} keeps the contract of a journal: a full journal`, () => {
    const MAX = 120_000

    test('takes nothing of a request that does not fit, goes on with one that does, and stays below its bound', async () => {
      await using it = await open()
      const journal = await it.open({ maxBytes: MAX })
      const taken = await fill(journal)
      expect(taken).toBeGreaterThan(500)
      const { bytes, readings } = journal.usage()
      expect(bytes).toBeLessThanOrEqual(MAX)
      expect(readings).toBe(taken)
      expect(await codeThrownBy(append(journal, series('more', 500)))).toBe('journal-full')
      expect(journal.usage()).toMatchObject({ bytes, readings })
      expect(await append(journal, series('s', 100))).toEqual({ accepted: 0, duplicates: 100 })
      expect(readAll(await it.open(), journal.epoch, [1, taken])).toHaveLength(taken)
    })

    test('refuses only the request that is too large of those that wait together', async () => {
      await using it = await open()
      const journal = await it.open({ maxBytes: MAX })
      const answers = await Promise.all([
        append(journal, series('a', 5)),
        codeThrownBy(append(journal, series('huge', 5000))),
        append(journal, series('b', 5)),
      ])
      expect(answers).toEqual([{ accepted: 5, duplicates: 0 }, 'journal-full', { accepted: 5, duplicates: 0 }])
      expect(journal.head()).toBe(10)
    })

    test('drops confirmed readings for new ones, though they are young', async () => {
      await using it = await open()
      const journal = await it.open({ maxBytes: MAX, keepMs: KEEP })
      const taken = await fill(journal)
      await confirm(journal, [[1, taken]])
      expect(await append(journal, series('new', 100))).toEqual({ accepted: 100, duplicates: 0 })
      expect(journal.usage().bytes).toBeLessThanOrEqual(MAX)
      expect(journal.usage().readings).toBeLessThan(taken + 100)
      expect(outline(journal.read(journal.epoch, [1, 1], 1))).toEqual(['pruned 1-1'])
    })

    test('of which everything is always confirmed never stops taking readings', async () => {
      await using it = await open()
      const journal = await it.open({ maxBytes: MAX, keepMs: KEEP })
      for (let i = 0; i < 150; i++) {
        expect(await append(journal, series('s', 100, T0 + i * 100_000))).toEqual({ accepted: 100, duplicates: 0 })
        await confirm(journal, [[1, journal.head()]])
      }
      expect(journal.usage().bytes).toBeLessThanOrEqual(MAX)
    })

    test('set to drop-oldest declares its oldest readings void, takes them from the manifests, and takes them again', async () => {
      await using it = await open()
      const journal = await it.open({ maxBytes: MAX, whenFull: 'drop-oldest' })
      for (let i = 0; i < 40; i++) await append(journal, series('s', 100, T0 + i * 100_000))
      expect(journal.head()).toBe(4000)
      expect(journal.usage().bytes).toBeLessThanOrEqual(MAX)
      const [voided] = journal.epochs()[0]?.voided ?? []
      const gone = voided?.range[1] ?? 0
      expect(voided?.range[0]).toBe(1)
      expect(gone).toBeGreaterThan(1000)
      expect(outline(journal.read(journal.epoch, [1, 4000], 9999))).toEqual([
        `void 1-${gone}`,
        `readings ${gone + 1}-4000`,
      ])
      const sum = emptySum()
      for (const { digest } of readAll(journal)) addDigest(sum, digest)
      const total = emptySum()
      const rows = journal.changedManifests(99)
      for (const row of rows) addDigest(total, new Uint8Array(Buffer.from(row.sum, 'hex')))
      expect(rows.reduce((count, row) => count + row.count, 0)).toBe(4000 - gone)
      expect(sumHex(total)).toBe(sumHex(sum))
      expect(
        await append(await it.open({ maxBytes: MAX * 9 }), [offer('s', T0, { v: 0 }), offer('s', T0 + 1000, { v: 1 })]),
      ).toEqual({
        accepted: 2,
        duplicates: 0,
      })
    })

    test('what was void and is offered again gets the identity it had, moved readings too', async () => {
      await using it = await open()
      const journal = await it.open({ maxBytes: MAX, whenFull: 'drop-oldest' })
      const stuck = Array.from({ length: 20 }, (_, v) => offer('stuck', T0, { v }))
      await append(journal, [...series('s', 5), ...stuck])
      const before = readAll(journal).map(({ sensor, ms, ns, bumpNs, digest }) => ({ sensor, ms, ns, bumpNs, digest }))
      for (let i = 0; i < 30; i++) await append(journal, series('s', 100, T0 + 1e9 + i * 100_000))
      expect(outline(journal.read(journal.epoch, [1, 25], 99))).toEqual(['void 1-25'])
      const larger = await it.open({ maxBytes: MAX * 9 })
      expect(await append(larger, [...series('s', 5), ...stuck.toReversed(), ...stuck])).toEqual({
        accepted: 25,
        duplicates: 20,
      })
      const again = readAll(larger).map(({ sensor, ms, ns, bumpNs, digest }) => ({ sensor, ms, ns, bumpNs, digest }))
      expect(new Set(again)).toEqual(new Set(before))
      expect(await append(larger, [offer('stuck', T0, { v: 99 })])).toEqual({ accepted: 1, duplicates: 0 })
      expect(readAll(larger).at(-1)?.bumpNs).toBe(20)
    })

    test('set to drop-oldest drops nothing for a request that would never fit', async () => {
      await using it = await open()
      const journal = await it.open({ maxBytes: MAX, whenFull: 'drop-oldest' })
      await append(journal, series('s', 100))
      expect(await codeThrownBy(append(journal, series('huge', 9000)))).toBe('journal-full')
      expect(readAll(journal)).toHaveLength(100)
    })
  })

  describe(`${label} keeps the contract of a journal: usage`, () => {
    test('is counted the same after reopening, and tells the age of the oldest reading', async () => {
      await using it = await open()
      const journal = await it.open()
      it.clock.setWall(T0 + 5)
      await append(journal, [...series('s', 300), offer('s', undefined)])
      it.clock.setWall(T0 + 500)
      await append(journal, series('s', 3, T0 + DAY))
      const usage = journal.usage()
      expect(usage).toMatchObject({ readings: 304, unconfirmed: 304, oldestMs: T0 + 5 })
      expect(usage.bytes / 304).toBeLessThan(100)
      expect((await it.open()).usage()).toEqual(usage)
    })
  })
}
