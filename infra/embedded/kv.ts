/**
 * The ordered key-value engine under everything embedded: journal, log, stores and ledger are rules over this. The real one is LMDB
 * (`lmdb-kv.ts`); the simulator has one that loses what was not synced.
 */

export type Bytes = Uint8Array

export interface Row {
  readonly key: Bytes
  readonly value: Bytes
}

/** Keys from `from` (included) to `to` (not included), in byte order, or backwards. */
export interface KeyRange {
  readonly from: Bytes
  readonly to: Bytes
  readonly reverse?: boolean
  readonly limit?: number
}

export interface KvRead {
  /** The bytes are the caller's to keep. */
  get(key: Bytes): Bytes | undefined
  /** A consistent view; do not write to the rows' range while iterating inside `write`. */
  range(range: KeyRange): Iterable<Row>
}

export interface KvTx extends KvRead {
  put(key: Bytes, value: Bytes): void
  delete(key: Bytes): void
}

/** Outside of `write`, reads see the last committed state. Keys are at most 1,900 bytes. */
export interface Kv extends KvRead, AsyncDisposable {
  /**
   * Runs `body` alone, synchronously, in one transaction; resolves with its result once the commit is on disk. Writes that wait are committed together where the engine can.
   * A throw in `body` undoes what it did and rejects. Any failure of commit or sync poisons the handle: every later call throws `journal-poisoned`.
   */
  write<T>(body: (tx: KvTx) => T): Promise<T>
  /** Bytes the engine's file takes on disk. */
  fileBytes(): number
}
