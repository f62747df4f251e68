/** What every ordered key-value engine promises (`infra/embedded/kv.ts`). */

import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import type { Bytes, Kv, KvTx } from '../../infra/embedded/kv.ts'
import { codeOf } from '../../services/core/errors.ts'

export interface KvUnderTest extends AsyncDisposable {
  readonly kv: Kv
  /** Closes it and opens what is on disk again. */
  reopen(): Promise<Kv>
}

export function kvContract(label: string, open: () => Promise<KvUnderTest>): void {
  describe(`${label} keeps the contract of a key-value engine:`, () => {
    readingCases(open)
    transactionCases(open)
    lifeCases(open)
  })
}

type Open = () => Promise<KvUnderTest>

function readingCases(open: Open): void {
  test('hands back what was put, and undefined for what was not', async () => {
    await using it = await open()
    await it.kv.write((tx) => tx.put(bytes('a'), bytes('1')))
    expect(text(it.kv.get(bytes('a')))).toBe('1')
    expect(it.kv.get(bytes('b'))).toBeUndefined()
  })

  test('keeps empty values, long keys and large values', async () => {
    await using it = await open()
    const long = Buffer.alloc(1_900, 'k')
    const large = Buffer.alloc(1_000_000, 'v')
    await it.kv.write((tx) => {
      tx.put(bytes('empty'), new Uint8Array(0))
      tx.put(long, large)
    })
    expect(it.kv.get(bytes('empty'))?.length).toBe(0)
    expect(Buffer.compare(it.kv.get(long) ?? bytes(''), large)).toBe(0)
  })

  test('goes through keys in byte order, from included, to not, and backwards', async () => {
    await using it = await open()
    const keys = [[0], [0, 0], [1], [1, 255], [2], [255], [255, 0]]
    await it.kv.write((tx) => {
      for (const key of keys.toReversed()) tx.put(Uint8Array.from(key), Uint8Array.from(key))
    })
    const range = { from: Uint8Array.of(0, 0), to: Uint8Array.of(255) }
    expect(keysOf(it.kv, range)).toEqual([[0, 0], [1], [1, 255], [2]])
    expect(keysOf(it.kv, { ...range, reverse: true })).toEqual([[2], [1, 255], [1], [0, 0]])
    expect(keysOf(it.kv, { ...range, limit: 2 })).toEqual([[0, 0], [1]])
    expect(keysOf(it.kv, { ...range, reverse: true, limit: 2 })).toEqual([[2], [1, 255]])
    expect(keysOf(it.kv, { ...range, limit: 0 })).toEqual([])
    expect(keysOf(it.kv, { from: Uint8Array.of(3), to: Uint8Array.of(4) })).toEqual([])
  })

  test('gives bytes that are the caller’s, and keeps none of the caller’s', async () => {
    await using it = await open()
    const key = bytes('key')
    const value = bytes('value')
    await it.kv.write((tx) => {
      tx.put(key, value)
      key.fill(0)
      value.fill(0)
    })
    it.kv.get(bytes('key'))?.fill(1)
    for (const row of it.kv.range({ from: bytes('a'), to: bytes('z') })) {
      row.key.fill(1)
      row.value.fill(1)
    }
    expect(text(it.kv.get(bytes('key')))).toBe('value')
  })

  test('goes through a range as it stood at its beginning, whatever is written meanwhile', async () => {
    await using it = await open()
    await it.kv.write((tx) => {
      for (let i = 0; i < 10; i++) tx.put(bytes(`k${i}`), bytes('old'))
    })
    const seen: string[] = []
    for (const { key, value } of it.kv.range({ from: bytes('k'), to: bytes('l') })) {
      seen.push(`${text(key)} ${text(value)}`)
      await it.kv.write((tx) => {
        for (let i = 0; i < 20; i++) tx.put(bytes(`k${i}`), bytes('new'))
        tx.delete(bytes('k9'))
      })
    }
    expect(seen).toEqual(Array.from({ length: 10 }, (_, i) => `k${i} old`))
    expect(text(it.kv.get(bytes('k1')))).toBe('new')
  })

  test('shows nothing of a write before it has resolved', async () => {
    await using it = await open()
    const written = it.kv.write((tx) => tx.put(bytes('a'), bytes('1')))
    expect(it.kv.get(bytes('a'))).toBeUndefined()
    await written
    expect(it.kv.get(bytes('a'))).toBeDefined()
  })
}

function transactionCases(open: Open): void {
  test('a body sees its own writes, and answers with its result', async () => {
    await using it = await open()
    await it.kv.write((tx) => tx.put(bytes('b'), bytes('2')))
    const seen = await it.kv.write((tx) => {
      tx.put(bytes('a'), bytes('1'))
      tx.delete(bytes('b'))
      tx.put(bytes('c'), bytes('3'))
      return [text(tx.get(bytes('a'))), tx.get(bytes('b')), keysOf(tx, { from: bytes('a'), to: bytes('z') }).length]
    })
    expect(seen).toEqual(['1', undefined, 2])
  })

  test('bodies run in the order of the calls, each seeing the ones before', async () => {
    await using it = await open()
    const counted = Array.from({ length: 200 }, () =>
      it.kv.write((tx) => {
        const count = Number(text(tx.get(bytes('count'))) || 0) + 1
        tx.put(bytes('count'), bytes(String(count)))
        return count
      }),
    )
    expect(await Promise.all(counted)).toEqual(Array.from({ length: 200 }, (_, i) => i + 1))
  })

  test('a throw undoes its own body and no other, and rejects with what was thrown', async () => {
    await using it = await open()
    await it.kv.write((tx) => tx.put(bytes('kept'), bytes('before')))
    const mistake = new Error('of the body')
    const failing = it.kv.write((tx) => {
      tx.put(bytes('kept'), bytes('wrong'))
      tx.put(bytes('kept'), bytes('wrong again'))
      const key = bytes('new')
      tx.put(key, bytes('wrong'))
      key.fill(0)
      tx.delete(bytes('neighbour'))
      throw mistake
    })
    const answers = await Promise.allSettled([
      it.kv.write((tx) => tx.put(bytes('neighbour'), bytes('1'))),
      failing,
      it.kv.write((tx) => text(tx.get(bytes('neighbour'))) + text(tx.get(bytes('kept')))),
    ])
    expect(answers[1]).toEqual({ status: 'rejected', reason: mistake })
    expect(answers[2]).toEqual({ status: 'fulfilled', value: '1before' })
    expect(it.kv.get(bytes('new'))).toBeUndefined()
  })

  test('refuses keys it cannot hold, without harm to others', async () => {
    await using it = await open()
    const refused = [new Uint8Array(0), new Uint8Array(1_901)].map((key) =>
      it.kv.write((tx) => {
        tx.put(bytes('with it'), bytes('1'))
        tx.put(key, bytes('2'))
      }),
    )
    expect((await Promise.allSettled(refused)).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
    expect(it.kv.get(bytes('with it'))).toBeUndefined()
    await it.kv.write((tx) => tx.put(bytes('after'), bytes('3')))
    expect(text(it.kv.get(bytes('after')))).toBe('3')
  })

  test('after any bodies, some of which throw, holds what a plain map would, also after reopening', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(body, { maxLength: 12 }), async (bodies) => {
        await using it = await open()
        const model = new Map<string, string>()
        const done = bodies.map((steps) => it.kv.write((tx) => run(tx, steps)).catch(() => undefined))
        for (const steps of bodies) if (!steps.throws) applyTo(model, steps)
        await Promise.all(done)
        expect(contentOf(it.kv)).toEqual([...model].sort())
        expect(contentOf(await it.reopen())).toEqual([...model].sort())
      }),
      { numRuns: 30 },
    )
  })
}

function lifeCases(open: Open): void {
  test('what has resolved is there after reopening', async () => {
    await using it = await open()
    await it.kv.write((tx) => tx.put(bytes('a'), bytes('1')))
    expect(text((await it.reopen()).get(bytes('a')))).toBe('1')
  })

  test('its file grows with what it holds', async () => {
    await using it = await open()
    const before = it.kv.fileBytes()
    await it.kv.write((tx) => tx.put(bytes('a'), new Uint8Array(500_000)))
    expect(it.kv.fileBytes()).toBeGreaterThanOrEqual(before + 400_000)
  })

  test('closing lets the writes that wait finish, and may be done twice', async () => {
    await using it = await open()
    const written = it.kv.write((tx) => tx.put(bytes('a'), bytes('1')))
    await Promise.all([it.kv[Symbol.asyncDispose](), it.kv[Symbol.asyncDispose]()])
    await written
    expect(text((await it.reopen()).get(bytes('a')))).toBe('1')
  })

  test('a closed one refuses everything', async () => {
    await using it = await open()
    await it.kv[Symbol.asyncDispose]()
    const refused = [
      () => it.kv.get(bytes('a')),
      () => [...it.kv.range({ from: bytes('a'), to: bytes('b') })],
      () => it.kv.write(() => undefined),
    ]
    for (const call of refused) expect(await codeThrownBy(call)).toBe('closed')
  })
}

async function codeThrownBy(call: () => unknown): Promise<string | undefined> {
  try {
    await call()
    return undefined
  } catch (error) {
    return codeOf(error)
  }
}

interface Steps {
  readonly steps: readonly (readonly [name: string, value: string | null])[]
  readonly throws: boolean
}

const body: fc.Arbitrary<Steps> = fc.record({
  steps: fc.array(
    fc.tuple(
      fc.constantFrom('a', 'b', 'ba', 'c', 'é', 'z'),
      fc.option(fc.string({ maxLength: 20 }), { nil: null, freq: 2 }),
    ),
    { maxLength: 8 },
  ),
  throws: fc.boolean(),
})

function run(tx: KvTx, { steps, throws }: Steps): void {
  for (const [name, value] of steps) {
    if (value === null) tx.delete(bytes(name))
    else tx.put(bytes(name), bytes(value))
  }
  if (throws) throw new Error('as planned')
}

function applyTo(model: Map<string, string>, { steps }: Steps): void {
  for (const [name, value] of steps) {
    if (value === null) model.delete(name)
    else model.set(name, value)
  }
}

function contentOf(kv: Kv): [string, string][] {
  return [...kv.range({ from: Uint8Array.of(0), to: Uint8Array.of(255) })].map(({ key, value }) => [
    text(key),
    text(value),
  ])
}

function keysOf(kv: Pick<Kv, 'range'>, range: Parameters<Kv['range']>[0]): number[][] {
  return [...kv.range(range)].map(({ key }) => [...key])
}

function bytes(content: string): Bytes {
  return Buffer.from(content)
}

function text(content: Bytes | undefined): string {
  return content === undefined ? '' : Buffer.from(content).toString()
}
