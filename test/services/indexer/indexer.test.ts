/** The indexer in ordinary times: what comes, changes, goes and comes back, on a clock that the test moves. */

import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { indexing, ROOT } from '../../support/indexing.ts'

const NEVER = new AbortController().signal

test('a recording gets one entry when data and sidecar have not changed for the settle time', async () => {
  await using it = indexing()
  it.begin()
  await it.clock.advance(1_000)
  const foundMs = it.clock.wallMs()
  it.tree.put('day/a.dat', 'half')
  await it.clock.advance(1_500)
  it.tree.put('day/a.dat', 'half and half')
  await it.clock.advance(1_500)
  it.tree.put('day/a.json', '{"site":"quay"')
  await it.clock.advance(1_900)
  expect(await it.entries()).toEqual([])
  it.tree.put('day/a.json', '{"site":"quay"}')
  const finalMs = it.clock.wallMs()
  await it.clock.until('an entry', async () => (await it.entries()).length > 0, 10_000)
  const entry = await it.entry('day/a.dat')
  expect(entry).toMatchObject({
    id: 'a',
    state: 'final',
    reason: '',
    size: 13,
    metadata: { site: 'quay' },
    revision: 1,
  })
  expect(entry?.foundMs).toBeGreaterThanOrEqual(foundMs)
  expect(entry?.foundMs).toBeLessThan(foundMs + 500)
  expect(entry?.finalMs).toBeGreaterThanOrEqual(finalMs)
  expect(entry?.indexedMs).toBeGreaterThanOrEqual((entry?.finalMs ?? 0) + 2_000)
  await it.clock.advance(200_000)
  expect((await it.entries()).length).toBe(1)
  expect((await it.entry('day/a.dat'))?.revision).toBe(1)
})

test('what came before it started is indexed: old files at once, fresh ones when they have rested', async () => {
  await using it = indexing()
  for (let i = 0; i < 1_200; i++) it.tree.record(`old/${i}.dat`, it.clock.wallMs() - 3_600_000)
  it.tree.record('fresh.dat')
  it.begin()
  await it.clock.advance(0)
  expect((await it.entries()).length).toBe(1_200)
  await it.clock.advance(2_500)
  expect((await it.entries()).length).toBe(1_201)
  expect(it.index.batchMax).toBeLessThanOrEqual(500)
})

test('a file that comes without an event is found by the next listing', async () => {
  await using it = indexing()
  it.begin()
  it.tree.isSilent = true
  await it.clock.advance(1_000)
  it.tree.record('silent.dat')
  await it.clock.advance(50_000)
  expect(await it.entries()).toEqual([])
  await it.clock.advance(13_000)
  expect(await it.states()).toEqual({ final: ['silent.dat'] })
})

test('a file that grows after it was final says so, and is final again when it rests', async () => {
  await using it = indexing()
  it.tree.record('a.dat', it.clock.wallMs() - 3_600_000)
  it.begin({ listEveryMs: 5_000 })
  await it.clock.advance(1_000)
  expect((await it.entry('a.dat'))?.state).toBe('final')
  for (let i = 0; i < 10; i++) {
    it.tree.put('a.dat', 'x'.repeat(100 + i))
    await it.clock.advance(1_000)
  }
  expect(await it.entry('a.dat')).toMatchObject({ state: 'changed', reason: expect.stringContaining('rest') })
  await it.clock.advance(3_000)
  expect(await it.entry('a.dat')).toMatchObject({ state: 'final', reason: '', size: 109, metadata: { name: 'a.dat' } })
})

test('a replaced file revises its entry, and a corrected sidecar too', async () => {
  await using it = indexing()
  it.tree.record('a.dat', it.clock.wallMs() - 3_600_000)
  it.begin()
  await it.clock.advance(1_000)
  it.tree.put('a.dat', 'another')
  await it.clock.advance(3_000)
  expect(await it.entry('a.dat')).toMatchObject({ state: 'final', size: 7, revision: 2 })
  it.tree.put('a.json', '{"name":"corrected"}')
  await it.clock.advance(3_000)
  expect(await it.entry('a.dat')).toMatchObject({ metadata: { name: 'corrected' }, revision: 3 })
  expect((await it.entries()).length).toBe(1)
})

test('deleted, it is gone; renamed, the new name is final; come back, it is final again', async () => {
  await using it = indexing()
  for (const path of ['a.dat', 'b.dat', 'c.dat']) it.tree.record(path, it.clock.wallMs() - 3_600_000)
  it.begin()
  await it.clock.advance(1_000)
  for (const path of ['a.dat', 'a.json', 'b.dat', 'b.json']) it.tree.remove(path)
  it.tree.record('renamed.dat')
  await it.clock.advance(65_000)
  expect(await it.states()).toEqual({ gone: ['a.dat', 'b.dat'], final: ['c.dat', 'renamed.dat'] })
  it.tree.record('a.dat')
  await it.clock.advance(3_000)
  expect(await it.states()).toEqual({ gone: ['b.dat'], final: ['a.dat', 'c.dat', 'renamed.dat'] })
  expect(it.indexer.status.roots[0]).toMatchObject({ state: 'sound', entries: { final: 3, gone: 1 } })
})

test('hashes are computed after indexing, and again when the file is another one', async () => {
  await using it = indexing()
  const sha = (text: string): string => createHash('sha256').update(text).digest('hex')
  for (let i = 0; i < 2_500; i++) it.tree.record(`${i}.dat`, it.clock.wallMs() - 3_600_000)
  it.begin({ hashBytesPerS: 1e9 })
  await it.clock.until('all hashed', () => it.indexer.hashed === 2_500, 30_000)
  expect((await it.entry('2400.dat'))?.hash).toBe(sha('data of 2400.dat'))
  it.tree.put('7.dat', 'another')
  await it.clock.advance(4_000)
  expect(await it.entry('7.dat')).toMatchObject({ hash: sha('another'), state: 'final' })
  expect((await it.entries()).filter(({ hash }) => hash === undefined)).toEqual([])
})

test('an emptied root is an alarm and nothing is gone, until a person says that it is meant so', async () => {
  await using it = indexing()
  for (let i = 0; i < 500; i++) it.tree.record(`${i}.dat`, it.clock.wallMs() - 3_600_000)
  it.begin()
  await it.clock.advance(1_000)
  const kept = new Map(it.tree.files)
  it.tree.files.clear()
  it.tree.record('new.dat')
  await it.clock.advance(300_000)
  expect(it.indexer.status.roots[0]).toMatchObject({
    state: 'suspicious',
    reason: expect.stringContaining('500 of 501'),
  })
  expect((await it.states()).gone).toBeUndefined()
  expect(await it.entry('new.dat'), 'what comes to it is indexed all the same').toMatchObject({ state: 'final' })
  for (const [path, file] of kept) it.tree.files.set(path, file)
  it.tree.put('more.dat', 'x')
  await it.clock.advance(70_000)
  expect(it.indexer.status.roots[0]?.state).toBe('sound')
  it.tree.files.clear()
  it.tree.put('last.dat', 'x')
  await it.clock.advance(70_000)
  await it.index.noteRoot(ROOT, { acceptGone: true }, NEVER)
  await it.clock.advance(70_000)
  expect((await it.states()).gone?.length).toBe(502)
  expect(it.changes.map((each) => (each.kind === 'root' ? each.state : each.kind))).toEqual([
    'sound',
    'suspicious',
    'sound',
    'suspicious',
    'sound',
  ])
})

test('a root that is another folder than before is not written to before it is known to hold what the index tells of', async () => {
  await using it = indexing()
  for (let i = 0; i < 500; i++) it.tree.record(`${i}.dat`, it.clock.wallMs() - 3_600_000)
  it.begin()
  await it.clock.advance(1_000)
  const kept = new Map(it.tree.files)
  it.tree.files.clear()
  it.tree.rootMark = '9:9'
  for (let i = 0; i < 300; i++) it.tree.record(`wrong/${i}.dat`, it.clock.wallMs() - 3_600_000)
  await it.clock.advance(300_000)
  expect(it.indexer.status.roots[0]?.state).toBe('suspicious')
  const states = await it.states()
  expect([states.final?.length, states.gone]).toEqual([500, undefined])
  // Mounted again, under another number.
  it.tree.files.clear()
  for (const [path, file] of kept) it.tree.files.set(path, file)
  it.tree.rootMark = '7:7'
  it.tree.record('new.dat')
  await it.clock.advance(70_000)
  expect(it.indexer.status.roots[0]?.state).toBe('sound')
  expect((await it.states()).final?.length).toBe(501)
  expect((await it.index.rootNote(ROOT, NEVER))?.mark).toBe('7:7')
})

test('a root that can not be listed leaves its entries as they are, and one that is back is listed soon', async () => {
  await using it = indexing()
  for (let i = 0; i < 20; i++) it.tree.record(`${i}.dat`, it.clock.wallMs() - 3_600_000)
  it.begin()
  await it.clock.advance(1_000)
  it.tree.rootMark = undefined
  await it.clock.advance(120_000)
  expect(it.indexer.status.roots[0]?.state).toBe('unreachable')
  expect((await it.states()).final?.length).toBe(20)
  it.tree.rootMark = '1:1'
  it.tree.record('new.dat')
  await it.clock.advance(9_000)
  expect(it.indexer.status.roots[0]?.state).toBe('sound')
  expect((await it.states()).final?.length).toBe(21)
})

test('what is below a folder that can not be listed is not gone', async () => {
  await using it = indexing()
  for (const path of ['a/1.dat', 'b/2.dat', 'b/c/3.dat', 'd.dat']) it.tree.record(path, it.clock.wallMs() - 3_600_000)
  it.begin()
  await it.clock.advance(1_000)
  it.tree.holes.add('b/')
  it.tree.remove('d.dat')
  it.tree.remove('d.json')
  await it.clock.advance(70_000)
  expect(await it.states()).toEqual({ final: ['a/1.dat', 'b/2.dat', 'b/c/3.dat'], gone: ['d.dat'] })
  expect(it.indexer.status.roots[0]?.unlistable).toBe(1)
})

test('a file that a listing passes by is not gone where a second look finds it', async () => {
  await using it = indexing()
  for (const path of ['a.dat', 'b.dat']) it.tree.record(path, it.clock.wallMs() - 3_600_000)
  it.begin()
  await it.clock.advance(1_000)
  it.tree.passedBy.add('a.dat')
  await it.clock.advance(130_000)
  expect(await it.states()).toEqual({ final: ['a.dat', 'b.dat'] })
  expect((await it.entry('a.dat'))?.revision).toBe(1)
})

test('a root that can not be listed is noted with the index, for whoever shows it', async () => {
  await using it = indexing()
  it.tree.record('a.dat')
  it.begin()
  await it.clock.advance(10_000)
  const state = async () => ((await it.index.rootNote(ROOT, NEVER))?.status as { state: string } | undefined)?.state
  expect(await state()).toBe('sound')
  it.tree.rootMark = undefined
  await it.clock.until('it is noted', async () => (await state()) === 'unreachable')
  it.tree.rootMark = '1:1'
  await it.clock.until('it is back', async () => (await state()) === 'sound')
})

test('a disk that vanishes in the middle of a listing leaves its entries as they are', async () => {
  await using it = indexing()
  for (let i = 0; i < 3; i++) it.tree.record(`${i}.dat`)
  it.begin()
  await it.clock.until('all are there', async () => (await it.entries()).length === 3)
  await it.clock.advance(10_000)
  const { list } = it.tree
  it.tree.list = async function* (signal) {
    yield* list(signal)
    it.tree.rootMark = '9:9'
    for (const path of ['0.dat', '0.json']) it.tree.remove(path)
  }
  it.tree.isSilent = true
  for (const path of ['1.dat', '1.json', '2.dat', '2.json']) it.tree.remove(path)
  await it.clock.advance(65_000)
  it.tree.list = list
  expect((await it.entries()).map(({ state }) => state)).toEqual(['final', 'final', 'final'])
})
