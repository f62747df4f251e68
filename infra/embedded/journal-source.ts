/** The journal as what the responder answers requests from. Contract: `services/ports/recovery-source.ts`. */

import type { Epoch, Range } from '../../schemas/reading.ts'
import { rangeSet } from '../../services/core/range-set.ts'
import type { Journal, WindowFilter } from '../../services/ports/journal.ts'
import type { RecoverySource, SourcePiece } from '../../services/ports/recovery-source.ts'

export function journalSource(journal: Journal): RecoverySource {
  return { gateway: journal.gateway, byPositions, byWindow }

  function* byPositions(
    asked: Parameters<RecoverySource['byPositions']>[0],
    maxReadings: number,
  ): Generator<SourcePiece> {
    // An epoch named twice is still answered once.
    const byEpoch = new Map<Epoch, Range[]>()
    for (const { epoch, ranges } of asked) byEpoch.set(epoch, [...(byEpoch.get(epoch) ?? []), ...ranges])
    for (const [epoch, ranges] of byEpoch) {
      for (const range of rangeSet(ranges)) {
        for (const piece of journal.read(epoch, range, maxReadings)) yield { epoch, piece }
      }
    }
  }

  function* byWindow(filter: WindowFilter, maxReadings: number): Generator<SourcePiece> {
    for (const { epoch, readings } of journal.readWindow(filter, maxReadings)) {
      yield { epoch, piece: { kind: 'readings', readings } }
    }
  }
}
