/** A store that readings land in, keyed on the reading identity. Adapters: `infra/embedded`, MongoDB, InfluxDB. Contract: `test/contract/reading-store.ts`. */

import type { Epoch, GatewayId, Instant, PositionedReading } from '../../schemas/reading.ts'

export interface ArrivingReading {
  readonly gateway: GatewayId
  readonly epoch: Epoch
  readonly reading: PositionedReading
  readonly source: 'live' | 'recovery'
  /** An operator's redrive: instead of a `conflict` it lands at the next free nanosecond. */
  readonly redrive?: boolean
}

/** What became of one reading in this store. */
export type Landing =
  | { readonly outcome: 'stored' | 'duplicate' }
  /** The identity holds another digest. The first stays. */
  | { readonly outcome: 'conflict'; readonly heldDigest: Uint8Array }
  /** This store can't ever hold it. */
  | { readonly outcome: 'rejected'; readonly reason: string }

export interface WriteResult {
  /** The generation the store had before the write. */
  readonly generation: string
  /** One for each reading, in the order given. */
  readonly landings: readonly Landing[]
}

/**
 * A store that keeps no positions (InfluxDB) leaves `epoch` out: then `seq` is 0, `estimated` false and `source` `live`, whatever they were, and the
 * digest is computed from what it holds.
 */
export interface StoredReading {
  readonly gateway: GatewayId
  readonly epoch?: Epoch
  readonly reading: PositionedReading
  readonly source: 'live' | 'recovery'
}

/** `from` is included, `to` is not. */
export interface ReadingFilter {
  readonly gateway?: GatewayId
  readonly type?: string
  readonly sensor?: string
  readonly from?: Instant
  readonly to?: Instant
}

export interface ReadingStore extends AsyncDisposable {
  readonly name: string
  /** How many readings it likes best in one write, where it has a preference. */
  readonly readingsPerWrite?: number
  /** A store with no generation (new, or wiped) makes itself one, durably, before it answers. */
  generation(): Promise<string>
  /** Gives the store a new generation, as after restoring it from a backup. Its readings stay. */
  renew(): Promise<string>
  /**
   * Inserts by identity; durable when it resolves; never updates or deletes. May hold any number of copies of one reading: one is `stored`, the others `duplicate`.
   * A throw says nothing about any of them. `store-unavailable` is worth another try with the same readings, `store-misconfigured` after somebody
   * mended what its sentence names, `batch-refused` in smaller pieces. Anything else counts as `store-unavailable`.
   */
  write(readings: readonly ArrivingReading[], signal: AbortSignal): Promise<WriteResult>
  /** In the order of gateway, type, sensor and time; in bounded batches. */
  read(filter: ReadingFilter, signal: AbortSignal): AsyncIterable<readonly StoredReading[]>
  /** Resolves when a write could succeed. Throws as `write` does. */
  probe(signal: AbortSignal): Promise<void>
}
