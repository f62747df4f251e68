/** The small records: connection status, requests, landings, receipts, manifests, quarantine. One type each; their Avro schemas stand in `schemas/avro.ts`. */

import type { Epoch, GatewayId, Range, Seq, StoreGeneration } from '../reading.ts'
import type { Final } from './batch.ts'

/** `time` is the gateway's wall clock in ms. `id` names the outage: its disconnect and its reconnect share it. */
export interface ConnectionStatus {
  readonly connectionStatus: 'disconnect' | 'reconnect'
  readonly gateway: GatewayId
  readonly id: string
  readonly timeMs: number
  readonly epoch: Epoch
  readonly seq: Seq
  readonly noticedBy: string
  readonly reason: string
}

export interface EpochRanges {
  readonly epoch: Epoch
  readonly ranges: readonly Range[]
}

/** Times in ms since 1970; `to` is not included. */
export interface RequestWindow {
  readonly fromMs: number
  readonly toMs: number
  readonly type?: string
  readonly sensor?: string
}

export interface RecoveryDataRequest {
  readonly requestId: string
  /** The gateway asked. */
  readonly gateway: GatewayId
  readonly timeMs: number
  /** Of the outage the request comes from, where one is known; for people. */
  readonly lostConnectionMs?: number
  readonly restoredConnectionMs?: number
  /** Empty when `window` is set. */
  readonly ranges: readonly EpochRanges[]
  readonly window?: RequestWindow
  /** 1 for the first time. */
  readonly attempt: number
}

/**
 * What became of positions in one store. The last five come from answers: the gateway's declarations as the sink met them (`pruned` when they name
 * this store's generation, `gone` when they name others), and `undecodable` when the sink could not read the answer (positions then from its headers).
 */
export type LandingOutcome =
  | 'stored'
  | 'duplicate'
  | 'conflict'
  | 'rejected'
  | 'void'
  | 'pruned'
  | 'gone'
  | 'never-held'
  | 'undecodable'

export interface LandedRanges {
  readonly epoch: Epoch
  readonly outcome: LandingOutcome
  readonly ranges: readonly Range[]
}

/** The source records `[firstOffset, nextOffset)` of one partition, settled or quarantined by this store. */
export interface LandingSource {
  readonly topic: 'readings' | 'recovery_data'
  readonly partition: number
  readonly firstOffset: number
  readonly nextOffset: number
}

export interface Landings {
  readonly kind: 'landings'
  readonly gateway: GatewayId
  readonly store: string
  readonly generation: string
  readonly timeMs: number
  readonly source: LandingSource
  readonly landed: readonly LandedRanges[]
  /** From `readings` only: the highest mark of each epoch among these records, and when the log had appended it. */
  readonly highWaters: readonly { readonly epoch: Epoch; readonly highWater: Seq; readonly markMs: number }[]
  readonly finals: readonly Final[]
}

/** On assignment and after every reset: from where this store reads on in the partition. Concerns every gateway of the partition. */
export interface SinkPosition {
  readonly kind: 'position'
  readonly store: string
  readonly generation: string
  readonly timeMs: number
  readonly partition: number
  readonly offsets: readonly { readonly topic: 'readings' | 'recovery_data'; readonly next: number }[]
}

/** An audit did not find these positions in the store: landings from source offsets below `ends` no longer count for them. */
export interface Revoked {
  readonly kind: 'revoked'
  readonly gateway: GatewayId
  readonly store: string
  readonly generation: string
  readonly timeMs: number
  readonly revoked: readonly EpochRanges[]
  readonly ends: readonly { readonly topic: 'readings' | 'recovery_data'; readonly next: number }[]
}

/** An operator declares positions lost, with a reason. */
export interface WrittenOff {
  readonly kind: 'written-off'
  readonly gateway: GatewayId
  readonly timeMs: number
  readonly lost: readonly EpochRanges[]
  readonly reason: string
  /** End offset of the gateway's partition of `readings` then: a mark at or past it makes the positions requestable again. */
  readonly readingsNext: number
}

export type LandingsRecord = Landings | SinkPosition | Revoked | WrittenOff

/** What is settled in every required store, for the gateway to prune. Names every epoch that is open, newly complete, or still announced in finals. */
export interface ReceiptRecord {
  readonly gateway: GatewayId
  readonly timeMs: number
  readonly stores: readonly StoreGeneration[]
  readonly epochs: readonly { readonly epoch: Epoch; readonly settled: readonly Range[]; readonly complete: boolean }[]
}

export interface ManifestRecord {
  readonly gateway: GatewayId
  readonly journal: string
  readonly type: string
  readonly sensor: string
  /** UTC day, YYYY-MM-DD. */
  readonly day: string
  readonly count: number
  /** 32 hex digits: the sum of the digests modulo 2¹²⁸. */
  readonly sum: string
  /** The row counts what the journal had accepted up to here: all earlier epochs, and this one to `seq`. */
  readonly epoch: Epoch
  readonly seq: Seq
}

export type QuarantineCode = 'undecodable' | 'unknown-schema' | 'key-mismatch' | 'conflict' | 'rejected'

export interface QuarantineEntry {
  readonly kind: 'entry'
  readonly id: string
  readonly timeMs: number
  readonly code: QuarantineCode
  readonly reason: string
  /** Empty where nothing could be read. */
  readonly gateway: string
  readonly store: string
  readonly source: LandingSource
  /** Of one reading where it could be decoded. */
  readonly identity?: {
    readonly type: string
    readonly sensor: string
    readonly ms: number
    readonly ns: number
    readonly epoch: Epoch
    readonly seq: Seq
    readonly digest: string
  }
  /** The record's value as it came, or the reading alone as a batch in wire format. */
  readonly raw: Uint8Array
  readonly attempts: number
}

export interface QuarantineClosed {
  readonly kind: 'closed'
  readonly id: string
  readonly timeMs: number
  readonly how: 'redriven' | 'discarded'
  readonly reason: string
}

export type QuarantineRecord = QuarantineEntry | QuarantineClosed
