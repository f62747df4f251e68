/** Records to bytes and back: Avro in the registry's wire format (a zero byte, the schema id, the body), guarded against hostile input. */

import type { LiveMark, ReadingBatch } from './records/batch.ts'
import type {
  ConnectionStatus,
  LandingsRecord,
  ManifestRecord,
  QuarantineRecord,
  ReceiptRecord,
  RecoveryDataRequest,
} from './records/events.ts'

/** What stands on each topic once decoded. */
export interface TopicRecords {
  readings: ReadingBatch | LiveMark
  recovery_data: ReadingBatch
  connection_status: ConnectionStatus
  recovery_data_request: RecoveryDataRequest
  landings: LandingsRecord
  receipts: ReceiptRecord
  manifests: ManifestRecord
  quarantine: QuarantineRecord
}

export type Decoded<T> =
  | { readonly ok: true; readonly record: T }
  /** `unknown-schema`: an id nobody registered, or one that does not belong on this topic. */
  | { readonly ok: false; readonly code: 'undecodable' | 'unknown-schema'; readonly reason: string }

export interface WireCodec {
  /** Throws `record-too-large` past 900,000 bytes (for a batch: split it first, see `encodedSize`). */
  encode<T extends keyof TopicRecords>(topic: T, record: TopicRecords[T]): Promise<Uint8Array>
  /** Never throws for what the bytes hold; throws `registry-unavailable` when an id can't be looked up. */
  decode<T extends keyof TopicRecords>(topic: T, bytes: Uint8Array): Promise<Decoded<TopicRecords[T]>>
}
