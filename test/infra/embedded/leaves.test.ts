/** Packed leaves against a plain map: whatever the order, the sizes, the commits and the undone transactions. */

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Kv, KvTx } from '../../../infra/embedded/kv.ts'
import { visitEntries } from '../../../infra/embedded/leaf.ts'
import { Leaves, TIME_MAX, TIME_MIN, type TimePoint } from '../../../infra/embedded/leaves.ts'
import { makeKeySpace } from '../../../infra/embedded/row-keys.ts'
import { memoryKv } from '../../support/memory-kv.ts'

const CORRUPT = 'store-corrupt'

interface Entry extends TimePoint {
  readonly text: string
}

async function leavesOn(kv: Kv, leafBytesMax: number, seriesCached = 100): Promise<Leaves> {
  const space = await kv.write((tx) => makeKeySpace(tx, 'T', 'test'))
  return new Leaves({ space, kind: 'L', leafBytesMax, seriesCached, corrupt: CORRUPT })
}

/** Inserts what is not there; the texts found where something was. */
function put(leaves: Leaves, tx: KvTx, series: number, { ms, ns, text }: Entry): string | undefined {
  if (leaves.seek(tx, series, ms, ns)) return Buffer.from(leaves.found.payload()).toString('utf8')
  const payload = Buffer.from(text, 'utf8')
  leaves.insert(tx, ms, ns, payload, payload.length, { ms: 7, ordinal: 9 })
  return undefined
}

function scan(leaves: Leaves, kv: Kv, series: number, from: TimePoint = TIME_MIN, to: TimePoint = TIME_MAX): Entry[] {
  const out: Entry[] = []
  for (const row of leaves.rows(kv, series, from, to)) {
    visitEntries(row, CORRUPT, (ms, ns, payload, length) => {
      const inside = (ms > from.ms || (ms === from.ms && ns >= from.ns)) && (ms < to.ms || (ms === to.ms && ns < to.ns))
      if (inside) out.push({ ms, ns, text: Buffer.from(payload.raw(length)).toString('utf8') })
      return true
    })
  }
  return out
}

function inOrder(entries: Iterable<Entry>): Entry[] {
  return [...entries].sort((a, b) => a.ms - b.ms || a.ns - b.ns)
}

const nameOf = ({ ms, ns }: TimePoint): string => `${ms}/${ns}`

describe('leaves', () => {
  const time = fc.record({
    ms: fc.oneof(fc.integer({ min: -5, max: 60 }), fc.integer({ min: -(2 ** 43), max: 2 ** 43 })),
    ns: fc.oneof(fc.constant(0), fc.integer({ min: 0, max: 999_999 })),
  })
  const text = fc.oneof(
    { weight: 9, arbitrary: fc.string({ maxLength: 12 }) },
    { weight: 1, arbitrary: fc.string({ minLength: 100, maxLength: 700 }) },
  )
  const step = fc.record({
    series: fc.integer({ min: 1, max: 3 }),
    entries: fc.array(fc.tuple(time, text), { maxLength: 30 }),
    undone: fc.boolean(),
    reopened: fc.boolean(),
  })

  test('hold what a map would hold after any mix of orders, sizes, repetitions, undone transactions and reopenings', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 12 }), fc.constantFrom(120, 300, 2000), async (steps, leafBytes) => {
        const kv = memoryKv()
        let leaves = await leavesOn(kv, leafBytes, 2)
        const model = new Map<number, Map<string, Entry>>()
        for (const { series, entries, undone, reopened } of steps) {
          const before = model.get(series) ?? new Map<string, Entry>()
          const after = new Map(before)
          const body = (tx: KvTx): void => {
            for (const [at, text] of entries) {
              expect(put(leaves, tx, series, { ...at, text })).toBe(after.get(nameOf(at))?.text)
              if (!after.has(nameOf(at))) after.set(nameOf(at), { ...at, text })
            }
            leaves.flush(tx)
            if (undone) throw new RangeError('undone')
          }
          const done = await kv.write(body).then(
            () => true,
            (error: unknown) => {
              if (!(error instanceof RangeError)) throw error
              leaves.forget()
              return false
            },
          )
          model.set(series, done ? after : before)
          if (reopened) leaves = await leavesOn(kv, leafBytes, 2)
        }
        for (const [series, held] of model) {
          const all = inOrder(held.values())
          expect(scan(leaves, kv, series)).toEqual(all)
          const [from, to] = [all[Math.floor(all.length / 3)], all[Math.floor((all.length * 2) / 3)]]
          if (from === undefined || to === undefined) continue
          const between = all.slice(Math.floor(all.length / 3), Math.floor((all.length * 2) / 3))
          expect(scan(leaves, kv, series, from, to)).toEqual(between)
        }
      }),
      { numRuns: 300 },
    )
  })

  test('appending in order leaves full leaves behind', async () => {
    const kv = memoryKv()
    const leaves = await leavesOn(kv, 1000)
    for (let i = 0; i < 400; i += 10) {
      await kv.write((tx) => {
        for (let j = i; j < i + 10; j++) put(leaves, tx, 1, { ms: j * 1000, ns: 0, text: '12345678' })
        leaves.flush(tx)
      })
    }
    const sizes = [...leaves.rows(kv, 1, TIME_MIN, TIME_MAX)].map((row) => row.length)
    for (const size of sizes.slice(0, -1)) expect(size).toBeGreaterThan(950)
    expect(scan(leaves, kv, 1)).toHaveLength(400)
  })

  test('count the bytes their rows take', async () => {
    const kv = memoryKv()
    const before = kv.fileBytes()
    const leaves = await leavesOn(kv, 200)
    const directory = kv.fileBytes() - before
    let grew = 0
    for (let i = 0; i < 300; i++) {
      grew += await kv.write((tx) => {
        put(leaves, tx, i % 3, { ms: (i * 7919) % 1000, ns: i, text: 'x'.repeat(i % 20) })
        return leaves.flush(tx)
      })
    }
    expect(grew).toBe(kv.fileBytes() - before - directory)
  })

  test('a payload can be replaced by a longer one in any place', async () => {
    const kv = memoryKv()
    const leaves = await leavesOn(kv, 4000)
    await kv.write((tx) => {
      for (let i = 0; i < 20; i++) put(leaves, tx, 1, { ms: i, ns: 0, text: `v${i}` })
      for (const i of [0, 7, 19]) {
        expect(leaves.seek(tx, 1, i, 0)).toBe(true)
        leaves.replace(Buffer.from(`longer-${i}-${'y'.repeat(200)}`))
      }
      leaves.flush(tx)
    })
    const texts = scan(leaves, kv, 1).map(({ text }) => text)
    expect(texts.map((text) => text.slice(0, 8))).toEqual(
      Array.from({ length: 20 }, (_, i) =>
        [0, 7, 19].includes(i) ? `longer-${i}`.slice(0, 8).padEnd(8, '-') : `v${i}`,
      ),
    )
  })

  test('a sweep drops the leaves it is told to, a slice at a time, and the rest stays', async () => {
    const kv = memoryKv()
    const leaves = await leavesOn(kv, 150)
    await kv.write((tx) => {
      for (let i = 0; i < 100; i++) {
        leaves.seek(tx, 1, i, 0)
        leaves.insert(tx, i, 0, Buffer.from('12345678'), 8, { ms: i, ordinal: i })
      }
      leaves.flush(tx)
    })
    const rows = [...leaves.rows(kv, 1, TIME_MIN, TIME_MAX)].length
    let cursor: Uint8Array | undefined
    let slices = 0
    do {
      cursor = await kv.write((tx) => leaves.sweep(tx, cursor, 3, ({ ordinal }) => ordinal < 50).next)
      slices++
    } while (cursor !== undefined)
    expect(slices).toBe(Math.floor(rows / 3) + 1)
    const left = scan(leaves, kv, 1).map(({ ms }) => ms)
    expect(left.at(-1)).toBe(99)
    expect(left[0]).toBeGreaterThan(40)
    expect(left[0]).toBeLessThanOrEqual(50)
    await kv.write((tx) => {
      expect(put(leaves, tx, 1, { ms: 3, ns: 0, text: 'again' })).toBeUndefined()
      leaves.flush(tx)
    })
    expect(scan(leaves, kv, 1)[0]).toEqual({ ms: 3, ns: 0, text: 'again' })
  })

  test('a damaged leaf is reported by name, never read as empty', async () => {
    const kv = memoryKv()
    const leaves = await leavesOn(kv, 4000)
    await kv.write((tx) => {
      put(leaves, tx, 1, { ms: 5, ns: 0, text: 'value' })
      leaves.flush(tx)
    })
    await kv.write((tx) => {
      for (const { key, value } of [...tx.range({ from: Buffer.from('T'), to: Buffer.from('U') })]) {
        if (value.length > 20) tx.put(key, value.with(value.length - 1, 0))
      }
    })
    expect(() => scan(leaves, kv, 1)).toThrow('checksum')
    leaves.forget()
    await expect(kv.write((tx) => leaves.seek(tx, 1, 5, 0))).rejects.toThrow('checksum')
  })
})
