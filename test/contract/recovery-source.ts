/** What every recovery source promises (`services/ports/recovery-source.ts`). */

import { describe, expect, test } from 'vitest'
import type { Epoch, Range } from '../../schemas/reading.ts'
import type { Journal } from '../../services/ports/journal.ts'
import type { RecoverySource, SourcePiece } from '../../services/ports/recovery-source.ts'
import { append, series, T0 } from './journal.ts'

export interface RecoverySourceUnderTest extends AsyncDisposable {
  /** What the source answers from: takes readings here. */
  readonly journal: Journal
  readonly source: RecoverySource
}

/** Every position a piece speaks of, with what it says of it. */
function positions(pieces: Iterable<SourcePiece>): string[] {
  return [...pieces].flatMap(({ epoch, piece }) => {
    if (piece.kind === 'readings') return piece.readings.map(({ seq }) => `${epoch} ${seq} reading`)
    const [from, to] = piece.range
    return Array.from({ length: to - from + 1 }, (_, i) => `${epoch} ${from + i} ${piece.kind}`)
  })
}

export function recoverySourceContract(label: string, open: () => Promise<RecoverySourceUnderTest>): void {
  describe(`${label} keeps the contract of a recovery source:`, () => {
    test('every position asked for comes back once, as a reading or with the reason why not', async () => {
      await using it = await open()
      await append(it.journal, series('s', 50))
      const { epoch } = it.journal
      const foreign = 'a'.repeat(16) as Epoch
      const overlapping: readonly Range[] = [
        [40, 60],
        [3, 5],
        [4, 9],
      ]
      const asked = [
        { epoch, ranges: overlapping },
        { epoch: foreign, ranges: [[1, 2]] as const },
        { epoch, ranges: [[5, 6]] as const },
      ]
      const answered = positions(it.source.byPositions(asked, 4))
      const expected = [3, 4, 5, 6, 7, 8, 9, ...Array.from({ length: 21 }, (_, i) => 40 + i)].map(
        (seq) => `${epoch} ${seq} ${seq <= 50 ? 'reading' : 'never-held'}`,
      )
      expect(answered.sort()).toEqual([...expected, `${foreign} 1 never-held`, `${foreign} 2 never-held`].sort())
    })

    test('no piece holds more readings than asked for', async () => {
      await using it = await open()
      await append(it.journal, series('s', 50))
      const { epoch } = it.journal
      const window = { from: { ms: T0, ns: 0 }, to: { ms: T0 + 30_000, ns: 0 } }
      const all = [...it.source.byPositions([{ epoch, ranges: [[1, 50]] }], 7), ...it.source.byWindow(window, 7)]
      const sizes = all.map(({ piece }) => (piece.kind === 'readings' ? piece.readings.length : 0))
      expect(Math.max(...sizes)).toBe(7)
      expect(sizes.reduce((sum, size) => sum + size, 0)).toBe(80)
    })

    test('a window comes back with the positions its readings have', async () => {
      await using it = await open()
      await append(it.journal, series('s', 50))
      const window = { from: { ms: T0 + 10_000, ns: 0 }, to: { ms: T0 + 12_000, ns: 0 } }
      expect(positions(it.source.byWindow(window, 9))).toEqual(
        [11, 12].map((seq) => `${it.journal.epoch} ${seq} reading`),
      )
      expect(positions(it.source.byWindow({ ...window, sensor: 'other' }, 9))).toEqual([])
    })

    test('it speaks for the gateway of its journal', async () => {
      await using it = await open()
      expect(it.source.gateway).toBe(it.journal.gateway)
    })
  })
}
