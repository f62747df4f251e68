/** What every journal promises (`services/ports/journal.ts`): acceptance, identity, reading. The rest stands in `journal-keeping.ts`. */

import { describe, expect, test } from 'vitest'
import { digestOfReading } from '../../schemas/canonical.ts'
import type { Epoch, GatewayId, PositionedReading, Range, Values } from '../../schemas/reading.ts'
import { codeOf } from '../../services/core/errors.ts'
import type { AppendAnswer, Journal, Offer, Piece } from '../../services/ports/journal.ts'
import type { SteppedClock } from '../support/stepped-clock.ts'
import { journalKeepingContract } from './journal-keeping.ts'
import { journalRoomContract } from './journal-room.ts'

export interface JournalSettingsUnderTest {
  readonly maxBytes: number
  readonly keepMs: number
  readonly whenFull: 'reject' | 'drop-oldest'
  readonly identityKeepMs: number
}

export interface JournalUnderTest extends AsyncDisposable {
  readonly gateway: GatewayId
  readonly clock: SteppedClock
  /** A wall clock before this is unset. */
  readonly buildMs: number
  /** Opens the journal of this gateway: the first time a new one, later what is on disk, without having closed the one before. */
  open(settings?: Partial<JournalSettingsUnderTest>): Promise<Journal>
}

/** 2026-01-01 in the tests' clock. */
export const T0 = Date.UTC(2026, 0, 1)
export const NEVER = new AbortController().signal

export function offer(sensor: string, ms: number | undefined, values: Values = { v: 1 }, ns = 0): Offer {
  const named = { type: 't', sensor, labels: {}, values }
  return ms === undefined ? named : { ...named, time: { ms, ns } }
}

/** `count` readings of one sensor, a second apart. */
export function series(sensor: string, count: number, from = T0): Offer[] {
  return Array.from({ length: count }, (_, i) => offer(sensor, from + i * 1000, { v: i }))
}

export function append(journal: Journal, offers: readonly Offer[]): Promise<AppendAnswer> {
  return journal.append({ offers })
}

export function readAll(journal: Journal, epoch: Epoch = journal.epoch, range?: Range): PositionedReading[] {
  const pieces = [...journal.read(epoch, range ?? [1, Math.max(1, journal.head())], 100)]
  return pieces.flatMap((piece) => (piece.kind === 'readings' ? piece.readings : []))
}

/** Without the readings themselves: `readings 1-5`, `void 6-9`. */
export function outline(pieces: Iterable<Piece>): string[] {
  return [...pieces].map((piece) => {
    if (piece.kind !== 'readings') return `${piece.kind} ${piece.range[0]}-${piece.range[1]}`
    return `readings ${piece.readings[0]?.seq}-${piece.readings.at(-1)?.seq}`
  })
}

export async function codeThrownBy(work: Promise<unknown>): Promise<string | undefined> {
  return work.then(
    () => 'nothing thrown',
    (error: unknown) => codeOf(error),
  )
}

export function journalContract(label: string, open: () => Promise<JournalUnderTest>): void {
  describe(`${label} keeps the contract of a journal: acceptance,`, () => {
    test('what an append answered is there after a crash, in order, field by field', async () => {
      await using it = await open()
      const journal = await it.open()
      const offers: Offer[] = [
        {
          type: 'a',
          sensor: 's-1',
          labels: { room: 'é' },
          time: { ms: T0, ns: 7 },
          values: { d: -0, i: 5n, b: true, s: 'ü' },
        },
        { type: 'b', sensor: 's-1', labels: {}, time: { ms: -5, ns: 999_999 }, values: {} },
        {
          type: 'a',
          sensor: 's-1',
          labels: {},
          time: { ms: T0, ns: 8 },
          values: { d: 1, i: -(2n ** 53n - 1n), b: false, s: '' },
        },
        { type: 'a', sensor: 's-1', labels: {}, time: { ms: T0 - 1e6, ns: 8 }, values: { s: 'x'.repeat(50_000) } },
      ]
      expect(await append(journal, offers)).toEqual({ accepted: 4, duplicates: 0 })
      const reopened = await it.open()
      const readings = readAll(reopened, journal.epoch, [1, 4])
      expect(readings).toEqual(
        offers.map(({ type, sensor, labels, time, values }, i) => {
          const reading = { type, sensor, labels, ms: time?.ms ?? 0, ns: time?.ns ?? 0, bumpNs: 0, values }
          const digest = digestOfReading(it.gateway, reading)
          return { seq: i + 1, ...reading, estimated: false, digest }
        }),
      )
    })

    test('requests that wait together are each answered for themselves, and seqs have no holes', async () => {
      await using it = await open()
      const journal = await it.open()
      const requests = Array.from({ length: 30 }, (_, i) => [
        ...series(`s${i % 3}`, i % 7, T0 + i * 10_000),
        offer('same', T0),
      ])
      const answers = await Promise.all(requests.map((offers) => append(journal, offers)))
      const accepted = answers.reduce((sum, answer) => sum + answer.accepted, 0)
      expect(answers.map(({ accepted, duplicates }) => accepted + duplicates)).toEqual(requests.map((r) => r.length))
      expect(answers.reduce((sum, answer) => sum + answer.duplicates, 0)).toBe(29)
      expect(journal.head()).toBe(accepted)
      expect(readAll(journal).map(({ seq }) => seq)).toEqual(Array.from({ length: accepted }, (_, i) => i + 1))
    })

    test('an empty request is answered and leaves no trace', async () => {
      await using it = await open()
      const journal = await it.open()
      expect(await append(journal, [])).toEqual({ accepted: 0, duplicates: 0 })
      expect(journal.head()).toBe(0)
      expect(journal.epochs()).toEqual([])
    })

    test('growth wakes who waits for it, and an abort or the end of the journal does too', async () => {
      await using it = await open()
      const journal = await it.open()
      const grown = journal.grown(1, NEVER)
      let woken = false
      void grown.then(() => {
        woken = true
      })
      await append(journal, [offer('s', T0)])
      expect(woken).toBe(false)
      await append(journal, [offer('s', T0 + 1)])
      await grown
      await journal.grown(0, NEVER)
      const abort = new AbortController()
      const aborted = journal.grown(9, abort.signal)
      abort.abort(new RangeError('enough'))
      await expect(aborted).rejects.toThrow('enough')
      await expect(journal.grown(0, abort.signal)).rejects.toThrow('enough')
      const ended = codeThrownBy(journal.grown(9, NEVER))
      await journal[Symbol.asyncDispose]()
      expect(await ended).toBe('closed')
    })

    test('disposing twice is disposing once; what was asked before is answered, what is asked after is refused', async () => {
      await using it = await open()
      const journal = await it.open()
      const before = append(journal, series('s', 3))
      await Promise.all([journal[Symbol.asyncDispose](), journal[Symbol.asyncDispose]()])
      expect(await before).toEqual({ accepted: 3, duplicates: 0 })
      expect(await codeThrownBy(append(journal, []))).toBe('closed')
      expect(await codeThrownBy(journal.saveFact('a', 'b'))).toBe('closed')
      expect(() => journal.head()).toThrow('closed')
    })
  })

  describe(`${label} keeps the contract of a journal: identity,`, () => {
    test('a repetition is a duplicate: in one request, in another, after reopening', async () => {
      await using it = await open()
      const journal = await it.open()
      const offers = series('s', 5)
      expect(await append(journal, [...offers, ...offers.slice(1, 3)])).toEqual({ accepted: 5, duplicates: 2 })
      expect(await append(journal, offers.toReversed())).toEqual({ accepted: 0, duplicates: 5 })
      const reopened = await it.open()
      expect(await append(reopened, offers)).toEqual({ accepted: 0, duplicates: 5 })
      expect(await append(reopened, [offer('s', T0 + 500), offer('other', T0, { v: 0 })])).toEqual({
        accepted: 2,
        duplicates: 0,
      })
    })

    test('other values at a taken instant move to the next free nanosecond, once each, however often they come', async () => {
      await using it = await open()
      const journal = await it.open()
      const values = [1, 2, 3, 4].map((v) => offer('s', T0, { v }, 999_998))
      await append(journal, [offer('s', T0 + 1, { v: 'native' }, 0)])
      expect(await append(journal, [...values, ...values])).toEqual({ accepted: 4, duplicates: 4 })
      expect(await append(await it.open(), values)).toEqual({ accepted: 0, duplicates: 4 })
      const reopened = await it.open()
      expect(await append(reopened, values)).toEqual({ accepted: 0, duplicates: 4 })
      const moved = readAll(reopened, journal.epoch, [2, 5])
      expect(moved.map(({ ms, ns, bumpNs, values: { v } }) => [v, ms - T0, ns, bumpNs])).toEqual([
        [1, 0, 999_998, 0],
        [2, 0, 999_999, 1],
        [3, 1, 1, 3],
        [4, 1, 2, 4],
      ])
      for (const reading of moved) expect(reading.digest).toEqual(digestOfReading(it.gateway, reading))
    })

    test('an instant taken by a moved reading makes its own reading move on, and both are known again', async () => {
      await using it = await open()
      const journal = await it.open()
      const offers = [
        offer('s', T0, { v: 1 }),
        offer('s', T0, { v: 2 }),
        offer('s', T0, { v: 3 }, 1),
        offer('s', T0, { v: 4 }),
      ]
      expect(await append(journal, offers)).toEqual({ accepted: 4, duplicates: 0 })
      expect(await append(journal, offers)).toEqual({ accepted: 0, duplicates: 4 })
      expect(readAll(journal).map(({ ns, bumpNs }) => [ns, bumpNs])).toEqual([
        [0, 0],
        [1, 1],
        [2, 1],
        [3, 3],
      ])
    })

    test('every identity is held once, and every different measurement once, in any order of offering', async () => {
      await using it = await open()
      const journal = await it.open()
      const offers: Offer[] = []
      for (let i = 0; i < 600; i++)
        offers.push(offer(`s${(i * 7) % 2}`, T0 + ((i * 31) % 5), { v: (i * 13) % 20 }, (i * 17) % 3))
      const distinct = new Set(offers.map(({ sensor, time, values }) => JSON.stringify([sensor, time, values])))
      for (let i = 0; i < offers.length; i += 37) await append(journal, offers.slice(i, i + 37))
      const readings = readAll(journal)
      expect(readings).toHaveLength(distinct.size)
      expect(new Set(readings.map(({ sensor, ms, ns }) => `${sensor}/${ms}/${ns}`)).size).toBe(distinct.size)
      expect(await append(journal, offers)).toEqual({ accepted: 0, duplicates: 600 })
    })

    test('thousands of readings at one instant stay cheap', async () => {
      await using it = await open()
      const journal = await it.open()
      const offers = Array.from({ length: 4000 }, (_, v) => offer('stuck', T0, { v }))
      expect(await append(journal, offers)).toEqual({ accepted: 4000, duplicates: 0 })
      expect(await append(journal, offers)).toEqual({ accepted: 0, duplicates: 4000 })
      expect(await append(journal, [offer('stuck', T0, { v: -1 })])).toEqual({ accepted: 1, duplicates: 0 })
      expect(readAll(journal).at(-1)?.bumpNs).toBe(4000)
    })
  })

  describe(`${label} keeps the contract of a journal: times of its own,`, () => {
    test('a reading without a time gets the wall clock, and never the identity of another one', async () => {
      await using it = await open()
      const journal = await it.open()
      it.clock.setWall(T0 + 77)
      const offers = Array.from({ length: 50 }, () => offer('s', undefined, { v: 1 }))
      expect(await append(journal, offers)).toEqual({ accepted: 50, duplicates: 0 })
      const readings = readAll(journal)
      expect(new Set(readings.map(({ ms }) => ms))).toEqual(new Set([T0 + 77]))
      expect(new Set(readings.map(({ ns }) => ns)).size).toBe(50)
      expect(readings.every(({ estimated, bumpNs }) => !estimated && bumpNs === 0)).toBe(true)
    })

    test('a wall clock that goes back is believed', async () => {
      await using it = await open()
      const journal = await it.open()
      for (const wall of [T0 + 5000, T0 - 5000]) {
        it.clock.setWall(wall)
        await append(journal, [offer('s', undefined)])
      }
      expect(readAll(journal).map(({ ms, estimated }) => [ms, estimated])).toEqual([
        [T0 + 5000, false],
        [T0 - 5000, false],
      ])
    })

    test('a board that boots in 1970 goes on from the last time kept, and says that it guesses', async () => {
      await using it = await open()
      const first = await it.open()
      it.clock.setWall(T0)
      await append(first, [offer('s', undefined)])
      const journal = await it.open()
      it.clock.setWall(5000)
      await append(journal, [offer('s', undefined), offer('s', 4000)])
      it.clock.advance(2500)
      await append(journal, [offer('s', undefined)])
      it.clock.setWall(T0 + 9_000_000)
      await append(journal, [offer('s', undefined)])
      expect(readAll(journal).map(({ ms, estimated }) => [ms - T0, estimated])).toEqual([
        [1, true],
        [4000 - T0, false],
        [2501, true],
        [9_000_000, false],
      ])
    })

    test('a board that never knew the time begins at the build date', async () => {
      await using it = await open()
      const journal = await it.open()
      it.clock.setWall(0)
      await append(journal, [offer('s', undefined)])
      expect(readAll(journal).map(({ ms, estimated }) => [ms, estimated])).toEqual([[it.buildMs, true]])
    })
  })

  describe(`${label} keeps the contract of a journal: reading,`, () => {
    test('a range comes back whole, in order, in pieces of the size asked for', async () => {
      await using it = await open()
      const journal = await it.open()
      for (let i = 0; i < 1000; i += 100) await append(journal, series(`s${i % 300}`, 100, T0 + i * 1000))
      for (const [range, max] of [
        [[1, 1000], 1000],
        [[1, 1000], 7],
        [[333, 777], 50],
        [[999, 1000], 3],
        [[500, 500], 1],
      ] as const) {
        const pieces = [...journal.read(journal.epoch, range, max)]
        const readings = pieces.flatMap((piece) => (piece.kind === 'readings' ? piece.readings : []))
        expect(readings.map(({ seq }) => seq)).toEqual(
          Array.from({ length: range[1] - range[0] + 1 }, (_, i) => range[0] + i),
        )
        expect(pieces).toHaveLength(Math.ceil((range[1] - range[0] + 1) / max))
        expect(readings[0]?.ms).toBe(T0 + (range[0] - 1) * 1000)
      }
    })

    test('what was never accepted is never-held: past the head, and in epochs of other journals', async () => {
      await using it = await open()
      const journal = await it.open()
      await append(journal, series('s', 3))
      expect(outline(journal.read(journal.epoch, [2, 9], 10))).toEqual(['readings 2-3', 'never-held 4-9'])
      expect(outline(journal.read(journal.epoch, [7, 9], 10))).toEqual(['never-held 7-9'])
      expect(outline(journal.read('00000000deadbeef' as Epoch, [1, 5], 10))).toEqual(['never-held 1-5'])
    })

    test('a window gives what is in it, whatever the epoch and the order of acceptance', async () => {
      await using it = await open()
      const first = await it.open()
      await append(first, [...series('a', 10).toReversed(), ...series('b', 10)])
      const journal = await it.open()
      await append(journal, [offer('a', T0 + 2000, { v: 'late' }, 5), { ...offer('a', T0 + 2500), type: 'other' }])
      const window = { from: { ms: T0 + 2000, ns: 0 }, to: { ms: T0 + 4000, ns: 0 } }
      const found = (filter: object): string[] =>
        [...journal.readWindow({ ...window, ...filter }, 2)].flatMap(({ epoch, readings }) =>
          readings.map(
            ({ seq, sensor, type }) => `${epoch === journal.epoch ? 'new' : 'old'} ${type}/${sensor} ${seq}`,
          ),
        )
      expect(found({})).toEqual(['old t/a 7', 'old t/a 8', 'old t/b 13', 'old t/b 14', 'new t/a 1', 'new other/a 2'])
      expect(found({ sensor: 'b' })).toEqual(['old t/b 13', 'old t/b 14'])
      expect(found({ type: 'other' })).toEqual(['new other/a 2'])
      expect(found({ from: { ms: T0 + 2000, ns: 5 }, to: { ms: T0 + 2000, ns: 6 } })).toEqual(['new t/a 1'])
    })
  })

  journalKeepingContract(label, open)
  journalRoomContract(label, open)
}
