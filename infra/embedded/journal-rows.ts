/** The rows of a journal: their letters, the row of its counters, and a transaction that counts the bytes rows take. */

import type { Bytes, KeyRange, KvRead, KvTx, Row } from './kv.ts'
import { assertSealed, ByteReader, ByteWriter, SEAL_BYTES } from './row-bytes.ts'
import type { KeySpace } from './row-keys.ts'

/** Letters of the kinds of row in a journal's key space; `s` and `l` are the row codec's. */
export const KIND = {
  state: 'S',
  id: 'J',
  stores: 'G',
  epoch: 'E',
  block: 'B',
  leaf: 'L',
  bumped: 'b',
  chained: 'h',
  manifest: 'M',
  changed: 'C',
  series: 'N',
  outage: 'O',
  fact: 'F',
  idempotency: 'K',
  idempotencyByTime: 'k',
} as const

/** The letters of the dictionaries: what the numbers in blocks mean. */
export const TEXT_KINDS: readonly string[] = [KIND.series, 's', 'l']
/** Of the letter in a key, after the three bytes of its space. */
const KIND_AT = 3

/** What every transaction may change. Replaced as a whole once the transaction is on disk. */
export interface Counters {
  /** Readings ever accepted: what says which of two readings is older, whatever the clock did. */
  accepted: number
  /** Goes up with every change of a manifest row. */
  version: number
  /** Bytes of all rows, and of the blocks among them. */
  bytes: number
  blockBytes: number
  /** Index entries of readings before this one in order of acceptance may be gone. */
  indexFrom: number
  /** The journal's clock at the last acceptance; NaN before the first. */
  clockMs: number
  /** Of the newest epoch that has readings, 0 before the first, and its last position. */
  epochOrdinal: number
  lastSeq: number
}

const COUNTERS_FORMAT = 0x63
const JSON_FORMAT = 0x6a
const NO_COUNTERS: Counters = {
  accepted: 0,
  version: 0,
  bytes: 0,
  blockBytes: 0,
  indexFrom: 0,
  clockMs: Number.NaN,
  epochOrdinal: 0,
  lastSeq: 0,
}
const FIELDS = Object.keys(NO_COUNTERS) as (keyof Counters)[]

export function countersRow(counters: Counters): Bytes {
  const out = new ByteWriter()
  out.startSealed()
  for (const field of FIELDS) out.f64(counters[field])
  return out.sealed(COUNTERS_FORMAT)
}

export function readCounters(kv: KvRead, space: KeySpace): Counters {
  const row = kv.get(space.key(KIND.state))
  if (row === undefined) return { ...NO_COUNTERS }
  assertSealed(row, COUNTERS_FORMAT, 'journal-corrupt', 'the row of its counters')
  const reader = new ByteReader().over(row, SEAL_BYTES)
  const counters = { ...NO_COUNTERS }
  for (const field of FIELDS) counters[field] = reader.f64()
  return counters
}

/** A small row whose content is JSON. */
export function jsonRow(value: unknown): Bytes {
  const out = new ByteWriter()
  out.startSealed()
  out.text(JSON.stringify(value))
  return out.sealed(JSON_FORMAT)
}

/** The caller knows what it once wrote there. Throws `journal-corrupt` when the checksum is wrong. */
export function readJson<T>(row: Bytes, what: string): T {
  assertSealed(row, JSON_FORMAT, 'journal-corrupt', what)
  return JSON.parse(new ByteReader().over(row, SEAL_BYTES).text()) as T
}

function rowBytes(key: Bytes, value: Bytes): number {
  return key.length + value.length
}

/** A transaction that knows by how many bytes the rows grew. */
export class CountedTx implements KvTx {
  readonly #tx: KvTx
  grew = 0
  changed = false
  /** New rows of the dictionaries. */
  readonly texts: Row[] = []

  constructor(tx: KvTx) {
    this.#tx = tx
  }

  /** For those who count themselves, and then add to `grew` and set `changed`. */
  get uncounted(): KvTx {
    return this.#tx
  }

  get(key: Bytes): Bytes | undefined {
    return this.#tx.get(key)
  }

  range(range: KeyRange): Iterable<Row> {
    return this.#tx.range(range)
  }

  put(key: Bytes, value: Bytes): void {
    const old = this.#tx.get(key)
    this.replace(key, value, old === undefined ? 0 : rowBytes(key, old))
    if (TEXT_KINDS.includes(String.fromCharCode(key[KIND_AT] ?? 0))) this.texts.push({ key, value })
  }

  /** `oldBytes` of the row it replaces, 0 for a new one: for those who know. */
  replace(key: Bytes, value: Bytes, oldBytes: number): void {
    this.#tx.put(key, value)
    this.grew += rowBytes(key, value) - oldBytes
    this.changed = true
  }

  delete(key: Bytes): void {
    const old = this.#tx.get(key)
    if (old !== undefined) this.remove(key, rowBytes(key, old))
  }

  remove(key: Bytes, oldBytes: number): void {
    this.#tx.delete(key)
    this.grew -= oldBytes
    this.changed = true
  }
}
