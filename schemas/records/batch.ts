/** The batch record: readings of one message type and one epoch, with what the live lane or the responder says beside them. */

import type { Epoch, GatewayId, PositionedReading, Range, Seq, StoreGeneration } from '../reading.ts'

export interface Final {
  readonly epoch: Epoch
  readonly finalSeq: Seq
}

/** Why a gateway can't give a range it was asked for. Only `void` settles it everywhere, `pruned` for the stores named, `never-held` nowhere. */
export type Unavailable =
  | { readonly reason: 'void'; readonly epoch: Epoch; readonly range: Range; readonly why: string }
  | {
      readonly reason: 'pruned'
      readonly epoch: Epoch
      readonly range: Range
      readonly stores: readonly StoreGeneration[]
    }
  | { readonly reason: 'never-held'; readonly epoch: Epoch; readonly range: Range }

/** Which request a record of `recovery_data` answers. Parts count from 1. */
export interface AnswerPart {
  readonly requestId: string
  readonly part: number
  readonly lastPart: boolean
  readonly unavailable: readonly Unavailable[]
  /** An operator's redrive: a conflict lands at the next free nanosecond. */
  readonly redrive: boolean
}

/**
 * What the live lane says in band: nothing at or below `highWater` will come by it any more, but what this record and earlier ones carry.
 * `head` is how far the journal had accepted when the record was made, sent or not: what a proof must cover.
 */
export interface Mark {
  readonly highWater: Seq | null
  readonly head: Seq
  readonly finals: readonly Final[]
}

export interface ReadingBatch {
  readonly kind: 'batch'
  readonly gateway: GatewayId
  readonly epoch: Epoch
  /** The message type; `none` for an answer without readings. */
  readonly type: string
  /** On `readings` only. */
  readonly mark?: Mark
  /** On `recovery_data` only. */
  readonly answer?: AnswerPart
  readonly readings: readonly PositionedReading[]
}

/** A mark with nothing to send: shows that the gateway lives. */
export interface LiveMark {
  readonly kind: 'mark'
  readonly gateway: GatewayId
  readonly epoch: Epoch
  readonly mark: Mark
}
