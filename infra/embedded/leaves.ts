/**
 * Sorted entries of many series, packed into leaves: because a row of the engine costs about 4.5 µs, whatever it holds.
 * A leaf covers the times from its key to the key of the next leaf of its series; the first one's key is the beginning of time, so that nothing is ever
 * put before it and no key changes. Appending leaves full leaves behind; an insertion in between splits at the middle.
 */

import type { ErrorCode } from '../../services/core/errors.ts'
import type { Bytes, KvRead, KvTx } from './kv.ts'
import { Leaf, type Stamp, stampOf } from './leaf.ts'
import { type KeySpace, readTimeField, readU32Field, successor, TIME_BYTES, timeField, u32Field } from './row-keys.ts'

/** Below every time a reading can have, inside what a key can hold. */
const BEGINNING_MS = -(2 ** 46)

export interface LeavesOptions {
  readonly space: KeySpace
  /** The letter of its rows. */
  readonly kind: string
  readonly leafBytesMax: number
  /** Series whose last leaf is kept in memory. */
  readonly seriesCached?: number
  readonly corrupt: ErrorCode
}

/** What is in memory of one series: its last leaf, and the earlier one that was last looked into. */
interface Spot {
  tail: Leaf
  cursor: Leaf | undefined
  /** Where the leaf after the cursor begins. */
  upperMs: number
  upperNs: number
}

/** All changes happen inside `write` and are in the engine once `flush` has run; a write that was undone must be followed by `forget`. */
export class Leaves {
  readonly #options: LeavesOptions
  readonly #spots = new Map<number, Spot>()
  readonly #dirty = new Set<Leaf>()
  #leaf = new Leaf(0, 0, 0)
  #grew = 0

  constructor(options: LeavesOptions) {
    this.#options = options
  }

  /** Whether the series has an entry at this time. It is then the one that `payload` and `replace` speak of. */
  seek(tx: KvTx, series: number, ms: number, ns: number): boolean {
    const spot = this.#spots.get(series) ?? this.#load(tx, series)
    const leaf = spot.tail.startsAtOrBefore(ms, ns) ? spot.tail : this.#earlier(tx, spot, ms, ns)
    this.#leaf = leaf
    return leaf.seek(ms, ns)
  }

  /** The leaf that the last `seek` ended in, its cursor on the entry found. */
  get found(): Leaf {
    return this.#leaf
  }

  /** Puts an entry in where the last `seek`, for the same time, found none. */
  insert(tx: KvTx, ms: number, ns: number, payload: Bytes, payloadLength: number, stamp: Stamp): void {
    const leaf = this.#roomFor(tx, ms, ns, payloadLength)
    leaf.insert(ms, ns, payload, payloadLength, stamp)
    this.#dirty.add(leaf)
  }

  /** Another payload for the entry that the last `seek` found. */
  replace(payload: Bytes): void {
    this.#leaf.replacePayload(payload)
    this.#dirty.add(this.#leaf)
  }

  /** Nothing is to be written. */
  isClean(): boolean {
    return this.#dirty.size === 0 && this.#grew === 0
  }

  /** Writes what changed. Gives back by how many bytes the rows have grown since the last time. */
  flush(tx: KvTx): number {
    for (const leaf of this.#dirty) this.#put(tx, leaf)
    this.#dirty.clear()
    const grew = this.#grew
    this.#grew = 0
    this.#evict()
    return grew
  }

  /** Of a series, or of all: what is in memory is read again when it is needed. */
  forget(series?: number): void {
    if (series !== undefined) this.#spots.delete(series)
    else this.#spots.clear()
    this.#dirty.clear()
    this.#grew = 0
    this.#leaf = new Leaf(0, 0, 0)
  }

  /** The rows of a series that may hold entries of `[from, to)`, in order, as last committed. Each is read when asked for: what is written meanwhile may show. */
  *rows(kv: KvRead, series: number, from: TimePoint, to: TimePoint): Generator<Bytes> {
    const end = this.#key(series, to.ms, to.ns)
    let next = this.#covering(kv, series, from.ms, from.ns)?.key ?? this.#key(series, from.ms, from.ns)
    for (;;) {
      const [row] = kv.range({ from: next, to: end, limit: 1 })
      if (row === undefined) return
      yield row.value
      next = successor(row.key)
    }
  }

  /**
   * Looks at up to `limit` rows after `cursor` and drops those that `isOver` says so of. Gives back where to go on (undefined at the end), and how many
   * bytes went. To be called with nothing unflushed.
   */
  sweep(tx: KvTx, cursor: Bytes | undefined, limit: number, isOver: (stamp: Stamp) => boolean): Swept {
    const { space, kind } = this.#options
    const { from, to } = space.all(kind)
    const rows = [...tx.range({ from: cursor ?? from, to, limit })]
    let freed = 0
    for (const { key, value } of rows) {
      const stamp = stampOf(value)
      // A damaged leaf stays, for whoever needs it to be told.
      if (stamp === undefined || !isOver(stamp)) continue
      tx.delete(key)
      this.forget(readU32Field(key, key.length - TIME_BYTES - 4))
      freed += key.length + value.length
    }
    const last = rows.at(-1)
    return { next: rows.length < limit || last === undefined ? undefined : successor(last.key), freed }
  }

  #load(tx: KvRead, series: number): Spot {
    const { from, to } = this.#options.space.all(this.#options.kind, u32Field(series))
    const [row] = tx.range({ from, to, reverse: true, limit: 1 })
    const tail = row === undefined ? new Leaf(series, BEGINNING_MS, 0) : this.#parse(row.key, row.value)
    const spot = { tail, cursor: undefined, upperMs: 0, upperNs: 0 }
    this.#spots.set(series, spot)
    return spot
  }

  /** The leaf before the tail that covers this time. */
  #earlier(tx: KvTx, spot: Spot, ms: number, ns: number): Leaf {
    const { cursor } = spot
    const below = ms < spot.upperMs || (ms === spot.upperMs && ns < spot.upperNs)
    if (cursor !== undefined && below && cursor.startsAtOrBefore(ms, ns)) return cursor
    const series = spot.tail.series
    if (cursor !== undefined) this.#let(tx, cursor)
    const row = this.#covering(tx, series, ms, ns)
    const leaf = row === undefined ? new Leaf(series, BEGINNING_MS, 0) : this.#parse(row.key, row.value)
    const [next] = tx.range({
      from: successor(this.#key(series, leaf.keyMs, leaf.keyNs)),
      to: this.#key(series, spot.tail.keyMs, spot.tail.keyNs),
      limit: 1,
    })
    const upper =
      next === undefined
        ? { ms: spot.tail.keyMs, ns: spot.tail.keyNs }
        : readTimeField(next.key, next.key.length - TIME_BYTES)
    this.#setCursor(spot, leaf, upper.ms, upper.ns)
    return leaf
  }

  #covering(
    kv: KvRead,
    series: number,
    ms: number,
    ns: number,
  ): { readonly key: Bytes; readonly value: Bytes } | undefined {
    const { from } = this.#options.space.all(this.#options.kind, u32Field(series))
    const [row] = kv.range({ from, to: successor(this.#key(series, ms, ns)), reverse: true, limit: 1 })
    return row
  }

  /** The leaf for a new entry of this time: the one sought, or where that is full another. */
  #roomFor(tx: KvTx, ms: number, ns: number, payloadLength: number): Leaf {
    let leaf = this.#leaf
    while (leaf.count > 0 && leaf.length + payloadLength + 24 > this.#options.leafBytesMax) {
      const spot = this.#spots.get(leaf.series) as Spot
      leaf = leaf.isPastEnd(ms, ns) ? this.#begin(tx, spot, leaf, ms, ns) : this.#split(tx, spot, leaf, ms, ns)
      leaf.seek(ms, ns)
    }
    this.#leaf = leaf
    return leaf
  }

  /** A new leaf behind a full one. */
  #begin(tx: KvTx, spot: Spot, full: Leaf, ms: number, ns: number): Leaf {
    const fresh = new Leaf(full.series, ms, ns)
    if (full === spot.tail) {
      if (spot.cursor !== undefined) this.#let(tx, spot.cursor)
      spot.tail = fresh
      this.#setCursor(spot, full, ms, ns)
    } else {
      this.#let(tx, full)
      spot.cursor = fresh
    }
    return fresh
  }

  #split(tx: KvTx, spot: Spot, left: Leaf, ms: number, ns: number): Leaf {
    const right = left.split()
    this.#dirty.add(left)
    this.#dirty.add(right)
    if (left === spot.tail) {
      if (spot.cursor !== undefined) this.#let(tx, spot.cursor)
      spot.tail = right
      this.#setCursor(spot, left, right.keyMs, right.keyNs)
    } else if (right.startsAtOrBefore(ms, ns)) {
      this.#let(tx, left)
      spot.cursor = right
    } else {
      this.#let(tx, right)
      this.#setCursor(spot, left, right.keyMs, right.keyNs)
    }
    return right.startsAtOrBefore(ms, ns) ? right : left
  }

  #setCursor(spot: Spot, leaf: Leaf, upperMs: number, upperNs: number): void {
    spot.cursor = leaf
    spot.upperMs = upperMs
    spot.upperNs = upperNs
  }

  /** A leaf that is no longer kept in memory must be in the engine, where the next search finds it. */
  #let(tx: KvTx, leaf: Leaf): void {
    if (!this.#dirty.delete(leaf)) return
    this.#put(tx, leaf)
  }

  #put(tx: KvTx, leaf: Leaf): void {
    leaf.key ??= this.#key(leaf.series, leaf.keyMs, leaf.keyNs)
    const { key } = leaf
    const row = leaf.row()
    tx.put(key, row)
    this.#grew += row.length - leaf.storedBytes + (leaf.storedBytes === 0 ? key.length : 0)
    leaf.storedBytes = row.length
  }

  #parse(key: Bytes, row: Bytes): Leaf {
    const { ms, ns } = readTimeField(key, key.length - TIME_BYTES)
    return Leaf.of(readU32Field(key, key.length - TIME_BYTES - 4), ms, ns, row, this.#options.corrupt)
  }

  #key(series: number, ms: number, ns: number): Bytes {
    return this.#options.space.key(this.#options.kind, u32Field(series), timeField(ms, ns))
  }

  #evict(): void {
    const { seriesCached = 16_384 } = this.#options
    if (this.#spots.size <= seriesCached) return
    for (const series of this.#spots.keys()) {
      if (this.#spots.size <= seriesCached) return
      this.#spots.delete(series)
    }
  }
}

export interface TimePoint {
  readonly ms: number
  readonly ns: number
}

export interface Swept {
  readonly next: Bytes | undefined
  readonly freed: number
}

/** Below and above every reading's time. */
export const TIME_MIN: TimePoint = { ms: BEGINNING_MS, ns: 0 }
export const TIME_MAX: TimePoint = { ms: 2 ** 46, ns: 0 }
