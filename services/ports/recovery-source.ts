/** What the responder answers requests from: a journal, or a store that knows only times. Contract: `test/contract/recovery-source.ts`. */

import type { Epoch, GatewayId, Range } from '../../schemas/reading.ts'
import type { Piece, WindowFilter } from './journal.ts'

export interface SourcePiece {
  readonly epoch: Epoch
  readonly piece: Piece
}

export interface RecoverySource {
  readonly gateway: GatewayId
  /** Every position asked for comes back once, as a reading or with the reason why not; at most `maxReadings` a piece. */
  byPositions(
    asked: readonly { readonly epoch: Epoch; readonly ranges: readonly Range[] }[],
    maxReadings: number,
  ): Iterable<SourcePiece>
  byWindow(filter: WindowFilter, maxReadings: number): Iterable<SourcePiece>
}
