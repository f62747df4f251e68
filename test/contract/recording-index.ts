/** What every index of recordings promises (`services/ports/recording-index.ts`). */

import { describe, expect, test } from 'vitest'
import { codeOf } from '../../services/core/errors.ts'
import { comparePaths } from '../../services/core/path-order.ts'
import type {
  NewRecording,
  RecordingFacts,
  RecordingIndex,
  RecordingMark,
} from '../../services/ports/recording-index.ts'
import { batchesOf, collected } from '../support/collected.ts'

export interface RecordingIndexUnderTest extends AsyncDisposable {
  /** Holding nothing yet. */
  readonly index: RecordingIndex
  /** Closes it and opens it again on the same data. */
  reopen(): Promise<RecordingIndex>
}

export function recordingIndexContract(label: string, open: () => Promise<RecordingIndexUnderTest>): void {
  describe(`${label} keeps the contract of an index of recordings:`, () => {
    entriesContract(open)
    revisionsContract(open)
    rootsContract(open)

    test('closing it may be done twice, and then it refuses everything', async () => {
      await using it = await open()
      await it.index.probe(NEVER)
      await it.index[Symbol.asyncDispose]()
      await it.index[Symbol.asyncDispose]()
      const { index } = it
      const calls = [
        index.find(R, 'a.dat', NEVER),
        index.insert(R, [recording('a.dat')], NEVER),
        index.revise(R, [{ path: 'a.dat', from: 1, revisedMs: 1, state: 'gone' }], NEVER),
        index.claim(R, { holder: 'x', nowMs: 1, untilMs: 2 }, NEVER),
        index.rootNote(R, NEVER),
        index.probe(NEVER),
        all(index),
      ]
      for (const call of calls) expect(await codeThrownBy(call)).toBe('closed')
    })

    test('an aborted signal ends a call before it does anything', async () => {
      await using it = await open()
      const aborted = AbortSignal.abort(new Error('enough'))
      await expect(it.index.insert(R, [recording('a.dat')], aborted)).rejects.toThrow('enough')
      expect(await all(it.index)).toEqual([])
    })
  })
}

function entriesContract(open: () => Promise<RecordingIndexUnderTest>): void {
  test('hands back after reopening what was inserted, whatever its path and metadata', async () => {
    await using it = await open()
    const odd = recording('ünï/new\nline %FF 😀 .dat', {
      metadata: {
        'a.b': { $c: [1, 2.5, 'x', null, true, { '%2E': 'y' }] },
        big: 4_294_967_296,
        'zero\0': -1,
        deep: nested(40),
      },
    })
    const bad = recording('bad.dat', { state: 'sidecar-missing', reason: 'no sidecar' })
    expect(await it.index.insert(R, [odd, bad], NEVER)).toEqual(['made', 'made'])
    const index = await it.reopen()
    expect(await index.find(R, odd.path, NEVER)).toEqual({ ...odd, revision: 1 })
    expect(await index.find(R, bad.path, NEVER)).toEqual({ ...bad, revision: 1 })
    expect(await index.find(R, 'other.dat', NEVER)).toBeUndefined()
  })

  test('of an entry that is there already the first stays, and the others of the batch are made', async () => {
    await using it = await open()
    await it.index.insert(R, [recording('b.dat')], NEVER)
    const later = ['a.dat', 'b.dat', 'c.dat'].map((path) => recording(path, { state: 'empty', reason: 'later' }))
    expect(await it.index.insert(R, later, NEVER)).toEqual(['made', 'present', 'made'])
    expect((await all(it.index)).map(({ path, state }) => [path, state])).toEqual([
      ['a.dat', 'empty'],
      ['b.dat', 'final'],
      ['c.dat', 'empty'],
    ])
  })

  test('inserted by many at the same moment, each entry is made once', async () => {
    await using it = await open()
    const some = Array.from({ length: 20 }, (_, i) => recording(`r${i}.dat`))
    const told = await Promise.all(Array.from({ length: 5 }, () => it.index.insert(R, some, NEVER)))
    for (const i of some.keys()) expect(told.filter((each) => each[i] === 'made').length, `r${i}`).toBe(1)
    expect((await all(it.index)).length).toBe(20)
  })

  test("reads all of a root and nothing of another, in the order of the paths' bytes, in bounded batches", async () => {
    await using it = await open()
    const odd = ['a-b.dat', 'a.dat', 'a/x.dat', 'a0.dat', '\u{1f600}.dat', '\uff61.dat', 'Z.dat', '%FF.dat']
    const paths = [...Array.from({ length: 2_400 }, (_, i) => `p/${(i * 7919) % 2_400}.dat`), ...odd]
    for (const some of slices(paths, 1_000))
      await it.index.insert(
        R,
        some.map((path) => recording(path)),
        NEVER,
      )
    for (const other of [`${R}a`, 'q', 'a']) await it.index.insert(other, [recording('a.dat')], NEVER)
    const batches = await batchesOf(it.index.read(R, NEVER))
    expect(batches.flat().map(({ path }) => path)).toEqual(paths.toSorted(comparePaths))
    expect(Math.max(...batches.map(({ length }) => length))).toBeLessThanOrEqual(2_000)
    expect(batches.flat()[0]).toEqual({
      path: '%FF.dat',
      state: 'final',
      stamp: 'stamp of %FF.dat',
      revision: 1,
      hashed: false,
    })
  })

  test('takes paths of 1,700 bytes that differ in the last one', async () => {
    await using it = await open()
    const paths = ['a', 'b'].map((last) => `${'é'.repeat(847)}x${last}.dat`)
    expect(
      await it.index.insert(
        R,
        paths.map((path) => recording(path)),
        NEVER,
      ),
    ).toEqual(['made', 'made'])
    expect((await all(it.index)).map(({ path }) => path)).toEqual(paths)
  })
}

function revisionsContract(open: () => Promise<RecordingIndexUnderTest>): void {
  test('a revision of facts replaces all of them and the hash, and keeps when it was found and indexed', async () => {
    await using it = await open()
    await it.index.insert(R, [recording('a.dat', { metadata: { n: 1 } })], NEVER)
    const hash = 'ab'.repeat(32)
    expect(await it.index.revise(R, [{ path: 'a.dat', from: 1, revisedMs: 77, hash }], NEVER)).toEqual(['done'])
    expect(await it.index.find(R, 'a.dat', NEVER)).toMatchObject({
      hash,
      revision: 2,
      revisedMs: 77,
      metadata: { n: 1 },
    })
    expect((await all(it.index))[0]?.hashed).toBe(true)
    const facts: RecordingFacts = { state: 'sidecar-broken', reason: 'why', stamp: 'two', size: 8 }
    expect(await it.index.revise(R, [{ path: 'a.dat', from: 2, revisedMs: 88, facts }], NEVER)).toEqual(['done'])
    const { id, foundMs, indexedMs } = recording('a.dat')
    expect(await (await it.reopen()).find(R, 'a.dat', NEVER)).toEqual({
      ...{ path: 'a.dat', id, foundMs, indexedMs, revisedMs: 88, revision: 3 },
      ...facts,
    })
  })

  test('a revision of the state alone leaves the rest', async () => {
    await using it = await open()
    await it.index.insert(R, [recording('a.dat', { metadata: { n: 1 } })], NEVER)
    const gone = { path: 'a.dat', from: 1, revisedMs: 5, state: 'gone', reason: 'deleted' } as const
    expect(await it.index.revise(R, [gone], NEVER)).toEqual(['done'])
    expect(await it.index.find(R, 'a.dat', NEVER)).toEqual({
      ...recording('a.dat', { metadata: { n: 1 }, state: 'gone', reason: 'deleted' }),
      ...{ revision: 2, revisedMs: 5 },
    })
  })

  test('based on another revision than the one that stands, or on none, it changes nothing and says so', async () => {
    await using it = await open()
    await it.index.insert(R, [recording('a.dat'), recording('b.dat')], NEVER)
    const gone = (path: string, from: number) => ({ path, from, revisedMs: from, state: 'gone', reason: 'x' }) as const
    expect(await it.index.revise(R, [gone('a.dat', 2), gone('b.dat', 1), gone('none.dat', 1)], NEVER)).toEqual([
      'stale',
      'done',
      'stale',
    ])
    expect((await all(it.index)).map(({ path, state, revision }) => [path, state, revision])).toEqual([
      ['a.dat', 'final', 1],
      ['b.dat', 'gone', 2],
    ])
  })
}

function rootsContract(open: () => Promise<RecordingIndexUnderTest>): void {
  test('of several that claim a root one has it, until it releases it or its time runs out', async () => {
    await using it = await open()
    const { index } = it
    const claim = (holder: string, nowMs: number) => index.claim(R, { holder, nowMs, untilMs: nowMs + 10 }, NEVER)
    expect(await claim('a', 1_000)).toBe(true)
    expect([await claim('b', 1_005), await claim('a', 1_008), await claim('b', 1_011)]).toEqual([false, true, false])
    expect(await index.claim('other', { holder: 'b', nowMs: 1_011, untilMs: 1_021 }, NEVER)).toBe(true)
    expect([await claim('b', 1_018), await claim('a', 1_020)]).toEqual([true, false])
    await index.release(R, 'a', NEVER)
    expect(await claim('a', 1_021)).toBe(false)
    await index.release(R, 'b', NEVER)
    expect(await claim('a', 1_022)).toBe(true)
  })

  test('what is noted of a root stays until it is noted anew, and is no entry', async () => {
    await using it = await open()
    expect(await it.index.rootNote(R, NEVER)).toBeUndefined()
    await it.index.claim(R, { holder: 'a', nowMs: 1, untilMs: 2 }, NEVER)
    await it.index.noteRoot(R, { mark: '1:2', acceptGone: true }, NEVER)
    await it.index.noteRoot(R, { acceptGone: false, status: { 'a.b': [1, null] } }, NEVER)
    await it.index.noteRoot('other', { mark: '3:4' }, NEVER)
    const index = await it.reopen()
    expect(await index.rootNote(R, NEVER)).toEqual({ mark: '1:2', acceptGone: false, status: { 'a.b': [1, null] } })
    expect(await all(index)).toEqual([])
  })
}

const R = 'root'
const NEVER = new AbortController().signal

function recording(path: string, more: Partial<NewRecording> = {}): NewRecording {
  const times = { foundMs: 1_700_000_000_001, finalMs: 1_700_000_002_002, indexedMs: 1_700_000_003_003 }
  const facts = {
    state: 'final',
    reason: '',
    stamp: `stamp of ${path}`,
    size: 5_000_000_000,
    modifiedMs: 1_600_000_000_123,
  } as const
  return { path, id: path.slice(0, -4), ...facts, ...times, ...more }
}

function nested(depth: number): unknown {
  return depth === 0 ? 'end' : { inner: nested(depth - 1) }
}

async function all(index: RecordingIndex): Promise<readonly RecordingMark[]> {
  return collected(index.read(R, NEVER))
}

function slices<T>(items: readonly T[], length: number): readonly (readonly T[])[] {
  return Array.from({ length: Math.ceil(items.length / length) }, (_, i) => items.slice(i * length, (i + 1) * length))
}

async function codeThrownBy(call: Promise<unknown>): Promise<string | undefined> {
  return call.then(() => undefined, codeOf)
}
