/** The gateway's durable local store of readings, in order of acceptance. Adapter: `infra/embedded`. Contract: `test/contract/journal.ts`. */

import type {
  Epoch,
  GatewayId,
  Instant,
  Labels,
  PositionedReading,
  Range,
  Seq,
  StoreGeneration,
  Values,
} from '../../schemas/reading.ts'

/** A measurement whose names and values a door has checked. `time` is the device's own, absent when it sent none. */
export interface Offer {
  readonly type: string
  readonly sensor: string
  readonly labels: Labels
  readonly time?: Instant
  readonly values: Values
}

export interface AppendRequest {
  readonly offers: readonly Offer[]
  /** Kept with its answer for a day, in the transaction of its readings. `fingerprint` is a hash of the body, `note` is handed back as it is. */
  readonly idempotency?: { readonly key: string; readonly fingerprint: string; readonly note: string }
}

export interface AppendAnswer {
  readonly accepted: number
  readonly duplicates: number
  /** Set when the key was known: the answer is that of the first time and nothing was appended. */
  readonly repeated?: { readonly fingerprint: string; readonly note: string }
}

export interface EpochInfo {
  readonly epoch: Epoch
  /** The head for the open epoch, the final for earlier ones. */
  readonly lastSeq: Seq
  readonly open: boolean
  /** What receipts have confirmed, what this journal declared void, and what it no longer holds for other reasons. */
  readonly confirmed: readonly Range[]
  /** A receipt has named the epoch's final, everything up to it settled: it need not be announced any more. */
  readonly acknowledged: boolean
  readonly voided: readonly VoidRange[]
  readonly pruned: readonly Range[]
}

export interface VoidRange {
  readonly range: Range
  readonly why: string
}

export type Piece =
  | { readonly kind: 'readings'; readonly readings: readonly PositionedReading[] }
  | { readonly kind: 'void'; readonly range: Range; readonly why: string }
  | { readonly kind: 'pruned'; readonly range: Range; readonly stores: readonly StoreGeneration[] }
  | { readonly kind: 'never-held'; readonly range: Range }

export interface Receipt {
  readonly stores: readonly StoreGeneration[]
  readonly epochs: readonly { readonly epoch: Epoch; readonly settled: readonly Range[]; readonly complete: boolean }[]
}

export interface ManifestRow {
  readonly type: string
  readonly sensor: string
  /** UTC day, YYYY-MM-DD. */
  readonly day: string
  readonly count: number
  /** 32 hex digits: the sum of the digests modulo 2¹²⁸. */
  readonly sum: string
  /** Changes whenever the row does. */
  readonly version: number
}

export interface OutageRow {
  readonly id: string
  readonly lostMs: number
  readonly lostAt: { readonly epoch: Epoch; readonly seq: Seq }
  readonly noticedBy: string
  readonly reason: string
  readonly restoredMs?: number
  readonly restoredAt?: { readonly epoch: Epoch; readonly seq: Seq }
}

export interface JournalUsage {
  /** Bytes the rows take, index and manifests included; `maxBytes` is held against it. */
  readonly bytes: number
  readonly maxBytes: number
  /** Readings held, and how many of them no receipt has confirmed. */
  readonly readings: number
  readonly unconfirmed: number
  /** Acceptance time of the oldest reading held, or null. */
  readonly oldestMs: number | null
}

export interface WindowFilter {
  readonly from: Instant
  readonly to: Instant
  readonly type?: string
  readonly sensor?: string
}

/**
 * Opening it begins a new epoch and ends the one before with its final. One request is one transaction; requests that wait are committed together.
 * After a failed sync every call throws `journal-poisoned`, for ever: reopen it.
 */
export interface Journal extends AsyncDisposable {
  readonly gateway: GatewayId
  readonly id: string
  readonly epoch: Epoch
  /** Synced to disk when it resolves. Throws `journal-full` (nothing of the request was taken). Duplicates and taken identities are found here. */
  append(request: AppendRequest): Promise<AppendAnswer>
  /** Highest durable seq of the open epoch; 0 when it is empty. */
  head(): Seq
  /** Resolves when the head is past `seq`. */
  grown(seq: Seq, signal: AbortSignal): Promise<void>
  /** Everything about `range`, in order, in pieces of at most `maxReadings`; a range of another journal's epoch is `never-held`. Only durable readings. */
  read(epoch: Epoch, range: Range, maxReadings: number): Iterable<Piece>
  /** Readings with a time in `[from, to)`, epoch by epoch as found, still held. */
  readWindow(
    filter: WindowFilter,
    maxReadings: number,
  ): Iterable<{ readonly epoch: Epoch; readonly readings: readonly PositionedReading[] }>
  /** Oldest first, without empty ones. */
  epochs(): readonly EpochInfo[]
  /** Keeps what the receipt settles, durably. A receipt that names other generations replaces what earlier ones confirmed. */
  confirm(receipt: Receipt): Promise<void>
  /** Drops what is confirmed and older than the keeping time (or needed for room), and index entries past theirs. */
  prune(): Promise<void>
  usage(): JournalUsage
  /** Manifest rows not yet marked published, oldest change first, at most `limit`. */
  changedManifests(limit: number): readonly ManifestRow[]
  manifestsPublished(rows: readonly ManifestRow[]): Promise<void>
  /** The newest outage, open or not. */
  lastOutage(): OutageRow | undefined
  /** Inserts or replaces by id. */
  saveOutage(outage: OutageRow): Promise<void>
  /** Outages whose events are not yet on the log. */
  unreportedOutages(): readonly OutageRow[]
  outageReported(id: string): Promise<void>
  /** Small durable facts of the services around the journal (positions on the downlink topics). */
  fact(name: string): string | undefined
  saveFact(name: string, value: string): Promise<void>
}
