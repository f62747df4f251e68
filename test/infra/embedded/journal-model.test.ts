/** The journal against a plain model, over random histories of appends, receipts, prunings, crashes, failed writes and shortage of room. */

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { openJournal } from '../../../infra/embedded/journal.ts'
import type { Kv } from '../../../infra/embedded/kv.ts'
import { addDigest, emptySum, subtractDigest, sumHex } from '../../../schemas/canonical.ts'
import type { Epoch, GatewayId } from '../../../schemas/reading.ts'
import { addNanos } from '../../../schemas/time.ts'
import { contains, rangeSet } from '../../../services/core/range-set.ts'
import type { Journal, Offer } from '../../../services/ports/journal.ts'
import { seededRandom } from '../../support/manual-clock.ts'
import { type MemoryDisk, memoryDisk, memoryKv } from '../../support/memory-kv.ts'
import { steppedClock } from '../../support/stepped-clock.ts'

const DAY = 86_400_000
const T0 = Date.UTC(2026, 0, 1)

/** What must be true of the journal, from the answers it gave. */
interface Model {
  /** Digest by epoch and seq of everything ever accepted. */
  readonly accepted: Map<Epoch, Map<number, Uint8Array>>
  /** Of offers with a time: accepted and not void. */
  readonly known: Map<string, { readonly epoch: Epoch; readonly seq: number }>
}

const offer = fc
  .record({
    type: fc.constantFrom('t', 'u'),
    sensor: fc.constantFrom('a', 'b', 'c'),
    labels: fc.constantFrom({}, { room: '1' }, { room: '2' }),
    ms: fc.oneof(fc.integer({ min: 0, max: 3 }), fc.integer({ min: -2 * DAY, max: 2 * DAY })),
    ns: fc.constantFrom(0, 0, 1, 999_999),
    v: fc.oneof(fc.integer({ min: 0, max: 3 }), fc.string({ maxLength: 300 })),
  })
  .map(
    ({ type, sensor, labels, ms, ns, v }): Offer => ({
      type,
      sensor,
      labels,
      time: { ms: T0 + ms, ns },
      values: { v },
    }),
  )

const step = fc.oneof(
  {
    weight: 8,
    arbitrary: fc.record({
      kind: fc.constant('append' as const),
      requests: fc.array(fc.array(offer, { maxLength: 60 }), { maxLength: 4 }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('again' as const) }) },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constant('confirm' as const),
      parts: fc.array(fc.double({ min: 0, max: 1, noNaN: true }), { minLength: 2, maxLength: 6 }),
      generation: fc.constantFrom('1', '1', '1', '2'),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('prune' as const), days: fc.integer({ min: 0, max: 9 }) }) },
  { weight: 2, arbitrary: fc.record({ kind: fc.constant('crash' as const) }) },
  {
    weight: 1,
    arbitrary: fc.record({ kind: fc.constant('fail' as const), offers: fc.array(offer, { maxLength: 20 }) }),
  },
)
type Step = typeof step extends fc.Arbitrary<infer S> ? S : never

function identity({ type, sensor, time, values }: Offer): string {
  return JSON.stringify([type, sensor, time, values])
}

/** Fails the next write at its third row. */
function failing(kv: Kv, isFailing: () => boolean): Kv {
  const write: Kv['write'] = (body) =>
    kv.write((tx) => {
      let puts = 0
      const put = (key: Uint8Array, value: Uint8Array): void => {
        if (isFailing() && ++puts >= 3) throw new RangeError('failed')
        tx.put(key, value)
      }
      return body({ get: tx.get, range: tx.range, delete: tx.delete, put })
    })
  return { ...kv, write }
}

class History {
  readonly #disk: MemoryDisk = memoryDisk()
  readonly #clock = steppedClock(T0)
  readonly #random = seededRandom(5)
  readonly #model: Model = { accepted: new Map(), known: new Map() }
  readonly #maxBytes: number
  #journal: Journal | undefined
  #failing = false
  #offered: Offer[] = []

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes
  }

  async run(steps: readonly Step[]): Promise<void> {
    await this.#open()
    for (const one of steps) {
      await this.#take(one)
      this.#check()
    }
    await this.#open()
    this.#check()
  }

  get #opened(): Journal {
    if (this.#journal === undefined) throw new RangeError('not open')
    return this.#journal
  }

  async #open(): Promise<void> {
    const kv = failing(memoryKv(this.#disk), () => this.#failing)
    const settings = {
      maxBytes: this.#maxBytes,
      keepMs: 2 * DAY,
      whenFull: 'drop-oldest',
      identityKeepMs: 9000 * DAY,
    } as const
    const gateway = 'g' as GatewayId
    this.#journal = await openJournal({ kv, gateway, clock: this.#clock, random: this.#random, buildMs: 0, settings })
  }

  async #take(one: Step): Promise<void> {
    const journal = this.#opened
    if (one.kind === 'append') for (const request of one.requests) await this.#append(request)
    if (one.kind === 'again') await this.#append(this.#offered.slice(-50))
    if (one.kind === 'crash') await this.#open()
    if (one.kind === 'prune') {
      this.#clock.advance(one.days * DAY)
      await journal.prune()
    }
    if (one.kind === 'confirm') {
      const epochs = journal.epochs().map(({ epoch, lastSeq }) => {
        const ends = one.parts.map((part) => 1 + Math.floor(part * lastSeq)).sort((a, b) => a - b)
        return { epoch, settled: rangeSet([[ends[0] ?? 1, ends[1] ?? 1]]), complete: false }
      })
      await journal.confirm({ stores: [{ store: 's', generation: one.generation }], epochs })
    }
    if (one.kind === 'fail' && one.offers.length > 0) {
      this.#failing = true
      await journal.append({ offers: one.offers }).catch(() => undefined)
      this.#failing = false
      this.#learn()
    }
  }

  async #append(offers: readonly Offer[]): Promise<void> {
    const before = new Set(this.#model.known.keys())
    const answer = await this.#opened.append({ offers })
    this.#offered.push(...offers)
    this.#learn()
    const fresh = new Set(offers.map(identity).filter((name) => !before.has(name)))
    // Room made for this request may have voided what the model knew, never what it did not.
    expect(answer.accepted).toBeGreaterThanOrEqual(fresh.size)
    if (this.#maxBytes > 1e6) expect(answer).toEqual({ accepted: fresh.size, duplicates: offers.length - fresh.size })
  }

  /** Takes over what is new in the journal, and forgets the identity of what is void. */
  #learn(): void {
    const journal = this.#opened
    for (const { epoch, lastSeq, voided } of journal.epochs()) {
      const digests = this.#model.accepted.get(epoch) ?? new Map<number, Uint8Array>()
      this.#model.accepted.set(epoch, digests)
      if (lastSeq > digests.size) {
        for (const piece of journal.read(epoch, [digests.size + 1, lastSeq], 9999)) {
          if (piece.kind !== 'readings') throw new RangeError(`new readings are ${piece.kind}`)
          for (const { seq, type, sensor, labels, ms, ns, bumpNs, values, digest } of piece.readings) {
            digests.set(seq, digest)
            const time = addNanos({ ms, ns }, -bumpNs)
            this.#model.known.set(identity({ type, sensor, labels, time, values }), { epoch, seq })
          }
        }
      }
      const gone = rangeSet(voided.map(({ range }) => range))
      for (const [name, place] of this.#model.known)
        if (place.epoch === epoch && contains(gone, place.seq)) this.#model.known.delete(name)
    }
  }

  #check(): void {
    const journal = this.#opened
    const { bytes, readings } = journal.usage()
    const overhead = this.#disk.rows
      .filter(({ name }) => name.startsWith('J\0\0') || name === 'J\0\x01J')
      .reduce((sum, row) => sum + row.name.length + row.value.length, 0)
    const total = this.#disk.rows.reduce((sum, row) => sum + row.name.length + row.value.length, 0)
    if (bytes > 0) expect(bytes).toBe(total - overhead)
    expect(bytes).toBeLessThanOrEqual(this.#maxBytes + 2000)
    const sum = emptySum()
    let held = 0
    let count = 0
    for (const { epoch, lastSeq } of journal.epochs()) {
      const digests = this.#model.accepted.get(epoch) ?? new Map<number, Uint8Array>()
      expect(lastSeq).toBe(digests.size)
      for (const digest of digests.values()) addDigest(sum, digest)
      count += digests.size
      let next = 1
      for (const piece of journal.read(epoch, [1, lastSeq], 7)) {
        const [from, to] =
          piece.kind === 'readings' ? [piece.readings[0]?.seq, piece.readings.at(-1)?.seq] : piece.range
        expect(from).toBe(next)
        next = (to ?? 0) + 1
        if (piece.kind === 'readings') {
          held += piece.readings.length
          for (const { seq, digest } of piece.readings) expect(digest).toEqual(digests.get(seq))
        } else expect(piece.kind).not.toBe('never-held')
        if (piece.kind !== 'void') continue
        for (let seq = piece.range[0]; seq <= piece.range[1]; seq++) {
          subtractDigest(sum, digests.get(seq) ?? emptySum())
          count--
        }
      }
      expect(next).toBe(lastSeq + 1)
    }
    expect(readings).toBe(held)
    const manifests = journal.changedManifests(10_000)
    const published = emptySum()
    for (const row of manifests) addDigest(published, new Uint8Array(Buffer.from(row.sum, 'hex')))
    expect(manifests.reduce((all, row) => all + row.count, 0)).toBe(count)
    expect(sumHex(published)).toBe(sumHex(sum))
  }
}

describe('the embedded journal keeps every account through any history', () => {
  test.each([
    ['with room enough', 100_000_000],
    ['with room for a few hundred readings', 60_000],
  ])('%s', async (_, maxBytes) => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), (steps) => new History(maxBytes).run(steps)),
      { numRuns: 60 },
    )
  })
})
