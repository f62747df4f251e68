/** Several indexers on one root: one works, another one takes over when it is gone, and a race does no harm. */

import { expect, test } from 'vitest'
import type { RecordingIndex } from '../../../services/ports/recording-index.ts'
import { indexing } from '../../support/indexing.ts'

test('of two on one root one works while the other waits, and takes over when the first ends', async () => {
  await using it = indexing()
  const first = it.begin()
  await it.clock.advance(1_000)
  const second = it.begin()
  it.tree.record('a.dat')
  await it.clock.advance(30_000)
  const states = [first, second].map(({ indexer }) => indexer.status.roots[0]?.state)
  expect(states).toEqual(['sound', 'standby'])
  expect((await it.entries()).map(({ revision }) => revision)).toEqual([1])
  await first.end()
  it.tree.record('b.dat')
  await it.clock.advance(8_000)
  expect(second.indexer.status.roots[0]?.state).toBe('sound')
  expect((await it.entries()).length).toBe(2)
})

test('when the first is killed its lease runs out, and the second works within ten seconds', async () => {
  await using it = indexing()
  const first = it.begin()
  await it.clock.advance(1_000)
  const second = it.begin()
  await it.clock.advance(1_000)
  await first.kill()
  it.tree.record('a.dat')
  await it.clock.advance(10_000)
  expect(second.indexer.status.roots[0]?.state).toBe('sound')
  expect((await it.entries()).map(({ path }) => path)).toEqual(['a.dat'])
})

test('one that was cut off and believes to lead stands down when it hears of the other, and nothing is doubled', async () => {
  await using it = indexing()
  for (let i = 0; i < 100; i++) it.tree.record(`${i}.dat`, it.clock.wallMs() - 3_600_000)
  const first = it.begin()
  await it.clock.advance(500)
  it.index.isAway = true
  await it.clock.advance(10_000)
  it.begin()
  it.index.isAway = false
  await it.clock.advance(10_000)
  it.tree.record('new.dat')
  await it.clock.advance(70_000)
  const states = [first.indexer, it.indexer].map(({ status }) => status.roots[0]?.state)
  expect(states.toSorted()).toEqual(['sound', 'standby'])
  const entries = await it.entries()
  expect([entries.length, new Set(entries.map(({ revision }) => revision))]).toEqual([101, new Set([1])])
})

test('without any lease two at once make each entry once', async () => {
  await using it = indexing()
  const leaseless: RecordingIndex = { ...it.index, claim: async () => true }
  for (let i = 0; i < 3_000; i++) it.tree.record(`${i}.dat`, it.clock.wallMs() - (i % 2 === 0 ? 3_600_000 : 0))
  it.begin({ index: leaseless })
  it.begin({ index: leaseless })
  await it.clock.advance(5_000)
  it.tree.put('7.dat', 'another')
  await it.clock.advance(70_000)
  const entries = await it.entries()
  expect([entries.length, entries.filter(({ state }) => state !== 'final')]).toEqual([3_000, []])
  expect(entries.filter(({ revision }) => revision > 1).map(({ path }) => path)).toEqual(['7.dat'])
})
