/** Storage against index: whatever both hold and however their streams are cut, every difference is told once and nothing else. */

import fc from 'fast-check'
import { expect, test } from 'vitest'
import { suspicion } from '../../../services/core/gone-rule.ts'
import { comparePaths } from '../../../services/core/path-order.ts'
import { compareStreams, noCounts } from '../../../services/core/recording-comparison.ts'
import type { Finding, Listed } from '../../../services/ports/file-tree.ts'
import type { RecordingMark } from '../../../services/ports/recording-index.ts'
import { collected } from '../../support/collected.ts'

const path = fc
  .array(fc.constantFrom('a', 'b', 'b/', '\uff61', '\u{1f600}', '%FF'), { minLength: 1, maxLength: 3 })
  .map((parts) => `${parts.join('')}.dat`)
const stamp = fc.constantFrom('one', 'two')
const state = fc.constantFrom('final', 'gone', 'changed', 'unreadable', 'sidecar-missing')
const side = <T>(value: fc.Arbitrary<T>) =>
  fc.uniqueArray(fc.tuple(path, value), { selector: ([at]) => at, maxLength: 12 })
const cuts = fc.array(fc.integer({ min: 1, max: 4 }), { maxLength: 12 })

async function* cut<T>(items: readonly T[], sizes: readonly number[]): AsyncGenerator<readonly T[]> {
  let at = 0
  for (const size of [...sizes, items.length]) {
    if (at < items.length) yield items.slice(at, at + size)
    at += size
  }
}

function findingOf(at: string, of: string): Finding {
  return { path: at, data: { kind: 'none' }, sidecar: { kind: 'none' }, stamp: of, changedMs: 0 }
}

test('tells what is missing, extra and differing, in order', async () => {
  await fc.assert(
    fc.asyncProperty(side(stamp), side(fc.tuple(stamp, state)), cuts, cuts, async (files, entries, some, others) => {
      const inOrder = <T>(all: readonly (readonly [string, T])[]) => all.toSorted(([x], [y]) => comparePaths(x, y))
      const storage = inOrder(files).map(([at, of]) => findingOf(at, of))
      const index = inOrder(entries).map(
        ([at, [of, is]]): RecordingMark => ({ path: at, state: is, stamp: of, revision: 1, hashed: false }),
      )
      const counts = noCounts()
      const told = await collected(compareStreams(cut(storage, some), cut(index, others), { counts }))
      const held = new Map(index.map((mark) => [mark.path, mark]))
      const there = new Map(storage.map((finding) => [finding.path, finding]))
      const rests = (mark: RecordingMark, of: string) =>
        mark.stamp === of && ['final', 'sidecar-missing'].includes(mark.state)
      const wanted = [...new Set([...held.keys(), ...there.keys()])].toSorted(comparePaths).flatMap((at) => {
        const [mark, finding] = [held.get(at), there.get(at)]
        if (finding === undefined) return mark?.state === 'gone' ? [] : [`extra ${at}`]
        if (mark === undefined) return [`missing ${at}`]
        return rests(mark, finding.stamp) ? [] : [`differing ${at}`]
      })
      expect(told.map((each) => `${each.kind} ${each.kind === 'extra' ? each.mark.path : each.finding.path}`)).toEqual(
        wanted,
      )
      expect(counts.found).toBe(storage.length)
      expect(counts.equal + counts.missing + counts.differing).toBe(storage.length)
      expect(counts.held).toBe(index.filter((mark) => mark.state !== 'gone').length)
    }),
  )
})

test('entries below a folder that can not be listed are unknown, and those around it are not', async () => {
  const entry = (at: string): RecordingMark => ({ path: at, state: 'final', stamp: 's', revision: 1, hashed: false })
  const storage: Listed[] = [findingOf('a.dat', 's'), { below: 'b/', code: 'EACCES' }, findingOf('c.dat', 's')]
  const index = ['a.dat', 'a0.dat', 'b-.dat', 'b/1.dat', 'b/c/2.dat', 'b0.dat', 'c.dat'].map(entry)
  const counts = noCounts()
  const told = await collected(compareStreams(cut(storage, [1, 1]), cut(index, [2, 3]), { counts }))
  expect(told.map((each) => each.kind === 'extra' && each.mark.path)).toEqual(['a0.dat', 'b-.dat', 'b0.dat'])
  expect(counts).toMatchObject({ unknown: 2, equal: 2, extra: 3, holes: [{ below: 'b/', code: 'EACCES' }] })
})

test.each([
  [{ extra: 100, present: 0 }, false],
  [{ extra: 101, present: 0 }, true],
  [{ extra: 101, present: 101 }, false],
  [{ extra: 102, present: 101 }, true],
  [{ extra: 101, present: 9_999, isOther: true }, true],
  [{ extra: 100, present: 9_999, isOther: true }, false],
  [{ extra: 3, present: 0, isOther: true }, true],
  [{ extra: 0, present: 0, isOther: true }, false],
  [{ extra: 5_000, present: 0, accepted: true }, false],
])('with %j it is an alarm: %s', (facts, wanted) => {
  expect(suspicion({ isOther: false, accepted: false, goneMax: 100, ...facts }) !== undefined).toBe(wanted)
})
