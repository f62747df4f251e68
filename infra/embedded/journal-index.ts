/**
 * Which readings the journal has accepted, by identity: what makes a repetition a duplicate and gives a second value at one instant a nanosecond of its own.
 * A leaf entry is `digest (8)` of the reading at that time, or `flags, digest (8), bump` where there is more to say. Eight of the sixteen bytes of
 * a digest are enough to tell the readings of one instant of one series apart, and make the index, which outlives the readings, a third smaller.
 * Readings that were moved have a row each, `(series, measured, digest) → bump`, and their instant a row with the last bump given, so that ten
 * thousand readings at one instant cost no more than two look-ups each.
 */

import type { Instant } from '../../schemas/reading.ts'
import { addNanos } from '../../schemas/time.ts'
import { type CountedTx, KIND } from './journal-rows.ts'
import type { Bytes, Kv } from './kv.ts'
import type { Stamp } from './leaf.ts'
import { Leaves, type Swept } from './leaves.ts'
import { assertSealed, ByteReader, ByteWriter, isSealed, SEAL_BYTES } from './row-bytes.ts'
import { type KeySpace, readU32Field, successor, timeField, u32Field } from './row-keys.ts'

const FORMAT = 0x62
const DIGEST_KEPT = 8
const VOIDED = 1
/** Lost by damage: to be taken again like a void one, but counted in its manifest all the time. */
const LOST = 2
const LEAF_BYTES_MAX = 4_000

/** `bumpNs` is how far a new reading was moved; a revived one had been declared void or was lost, and is taken again in its old place. */
export type Placing =
  | { readonly placed: true; readonly bumpNs: number; readonly counted?: boolean }
  | { readonly placed: false }

const DUPLICATE: Placing = { placed: false }
const IN_PLACE: Placing = { placed: true, bumpNs: 0 }

export class IdentityIndex {
  readonly #space: KeySpace
  readonly #leaves: Leaves
  /** Series with an instant that more than one reading claimed, and whether one that was moved has been declared void. */
  readonly #chained = new Map<number, boolean>()
  #chainedBefore: (readonly [series: number, before: boolean | undefined])[] = []
  readonly #writer = new ByteWriter()

  constructor(space: KeySpace) {
    this.#space = space
    this.#leaves = new Leaves({ space, kind: KIND.leaf, leafBytesMax: LEAF_BYTES_MAX, corrupt: 'journal-corrupt' })
  }

  load(kv: Kv): this {
    for (const { key, value } of kv.range(this.#space.all(KIND.chained))) {
      this.#chained.set(readU32Field(key, key.length - 4), value[0] === VOIDED)
    }
    return this
  }

  /** Takes in a reading by its measured time, unless it is known. */
  place(tx: CountedTx, series: number, ms: number, ns: number, digest: Uint8Array, stamp: Stamp): Placing {
    const placing = this.#place(tx, series, ms, ns, digest, stamp)
    if (placing.placed) tx.changed = true
    return placing
  }

  /** Whether a reading stands at this time, void or not. */
  isTaken(tx: CountedTx, series: number, ms: number, ns: number): boolean {
    return this.#leaves.seek(tx.uncounted, series, ms, ns)
  }

  /** The reading in this place was declared gone: offered again, it is taken again. */
  markVoid(tx: CountedTx, series: number, ms: number, ns: number): void {
    this.#mark(tx, series, ms, ns, VOIDED)
  }

  /** The reading in this place may have been lost by damage: offered again, it is taken again, but not counted again. */
  markLost(tx: CountedTx, series: number, ms: number, ns: number): void {
    this.#mark(tx, series, ms, ns, LOST)
  }

  /** Puts in what stands at this time, moved there by `bumpNs`; false when it was known. */
  restore(tx: CountedTx, series: number, time: Instant, bumpNs: number, digest: Uint8Array, stamp: Stamp): boolean {
    if (bumpNs > 0) this.#restoreMoved(tx, series, addNanos(time, -bumpNs), bumpNs, digest, stamp)
    if (this.#leaves.seek(tx.uncounted, series, time.ms, time.ns)) return false
    const entry = bumpNs > 0 ? this.#entry(0, digest, bumpNs) : digest
    this.#leaves.insert(tx.uncounted, time.ms, time.ns, entry, bumpNs > 0 ? entry.length : DIGEST_KEPT, stamp)
    tx.changed = true
    return true
  }

  flush(tx: CountedTx): void {
    if (!this.#leaves.isClean()) tx.grew += this.#leaves.flush(tx.uncounted)
  }

  keep(): void {
    this.#chainedBefore = []
  }

  drop(): void {
    this.#leaves.forget()
    for (const [series, before] of this.#chainedBefore.reverse()) {
      if (before === undefined) this.#chained.delete(series)
      else this.#chained.set(series, before)
    }
    this.#chainedBefore = []
  }

  /** Drops a slice of the rows whose newest entry `isOver` says so of, first of the leaves, then of the moved readings. Gives back where to go on. */
  sweep(tx: CountedTx, cursor: Bytes | undefined, limit: number, isOver: (stamp: Stamp) => boolean): Bytes | undefined {
    const bumped = this.#space.all(KIND.bumped)
    if (cursor === undefined || cursor[3] === KIND.leaf.charCodeAt(0)) {
      const swept: Swept = this.#leaves.sweep(tx.uncounted, cursor, limit, isOver)
      tx.grew -= swept.freed
      if (swept.freed > 0) tx.changed = true
      return swept.next ?? bumped.from
    }
    const rows = [...tx.range({ from: cursor, to: bumped.to, limit })]
    for (const { key, value } of rows) {
      if (isSealed(value, FORMAT) && isOver(readMoved(value).stamp)) tx.remove(key, key.length + value.length)
    }
    const last = rows.at(-1)
    return last === undefined || rows.length < limit ? undefined : successor(last.key)
  }

  #mark(tx: CountedTx, series: number, ms: number, ns: number, flag: number): void {
    if (!this.#leaves.seek(tx.uncounted, series, ms, ns)) return
    const bumpNs = this.#bumpFound()
    if (bumpNs > 0) this.#chain(tx, series, true)
    this.#leaves.replace(this.#entry(flag, this.#digestFound(), bumpNs))
    tx.changed = true
  }

  #restoreMoved(tx: CountedTx, series: number, at: Instant, bumpNs: number, digest: Uint8Array, stamp: Stamp): void {
    if (!this.#chained.has(series)) this.#chain(tx, series, false)
    const row = this.#movedRow(bumpNs, stamp)
    const own = this.#movedKey(series, at.ms, at.ns, digest)
    if (tx.get(own) === undefined) tx.put(own, row)
    if ((this.#tail(tx, series, at.ms, at.ns) ?? 0) < bumpNs) tx.put(this.#movedKey(series, at.ms, at.ns), row)
  }

  #place(tx: CountedTx, series: number, ms: number, ns: number, digest: Uint8Array, stamp: Stamp): Placing {
    if (this.#chained.has(series)) return this.#placeInChain(tx, series, ms, ns, digest, stamp)
    if (this.#leaves.seek(tx.uncounted, series, ms, ns)) {
      return this.#holds(digest) ? this.#known() : this.#move(tx, series, ms, ns, digest, stamp, 0)
    }
    this.#leaves.insert(tx.uncounted, ms, ns, digest, DIGEST_KEPT, stamp)
    return IN_PLACE
  }

  /** The same where the instant may have been claimed before: also when its own entry is gone, it is not given again. */
  #placeInChain(tx: CountedTx, series: number, ms: number, ns: number, digest: Uint8Array, stamp: Stamp): Placing {
    const tail = this.#tail(tx, series, ms, ns)
    if (tail !== undefined) {
      const moved = tx.get(this.#movedKey(series, ms, ns, digest))
      if (moved !== undefined) return this.#knownAt(tx, series, ms, ns, readMoved(moved).bumpNs, digest)
    }
    const taken = this.#leaves.seek(tx.uncounted, series, ms, ns)
    if (taken && this.#holds(digest)) return this.#known()
    if (taken || tail !== undefined) return this.#move(tx, series, ms, ns, digest, stamp, tail ?? 0)
    this.#leaves.insert(tx.uncounted, ms, ns, digest, DIGEST_KEPT, stamp)
    return IN_PLACE
  }

  #move(
    tx: CountedTx,
    series: number,
    ms: number,
    ns: number,
    digest: Uint8Array,
    stamp: Stamp,
    tail: number,
  ): Placing {
    const bumpNs = this.#freeBump(tx, series, ms, ns, tail + 1)
    const place = addNanos({ ms, ns }, bumpNs)
    const entry = this.#entry(0, digest, bumpNs)
    this.#leaves.insert(tx.uncounted, place.ms, place.ns, entry, entry.length, stamp)
    const row = this.#movedRow(bumpNs, stamp)
    tx.put(this.#movedKey(series, ms, ns, digest), row)
    tx.put(this.#movedKey(series, ms, ns), row)
    if (!this.#chained.has(series)) this.#chain(tx, series, false)
    return { placed: true, bumpNs }
  }

  /** The first free place at or after `from` nanoseconds past the instant; leaves the search standing there. Steps over the chains of others in one go. */
  #freeBump(tx: CountedTx, series: number, ms: number, ns: number, from: number): number {
    let bumpNs = from
    for (;;) {
      const place = addNanos({ ms, ns }, bumpNs)
      if (!this.#leaves.seek(tx.uncounted, series, place.ms, place.ns)) return bumpNs
      const itsBump = this.#bumpFound()
      const measured = addNanos(place, -itsBump)
      const itsTail = this.#chained.has(series) ? (this.#tail(tx, series, measured.ms, measured.ns) ?? 0) : 0
      bumpNs += Math.max(itsTail - itsBump, 0) + 1
    }
  }

  #chain(tx: CountedTx, series: number, hasVoid: boolean): void {
    const before = this.#chained.get(series)
    if (before === hasVoid) return
    tx.put(this.#space.key(KIND.chained, u32Field(series)), Uint8Array.of(hasVoid ? VOIDED : 0))
    this.#chained.set(series, hasVoid)
    this.#chainedBefore.push([series, before])
  }

  /** The last bump given at an instant. */
  #tail(tx: CountedTx, series: number, ms: number, ns: number): number | undefined {
    if (!this.#chained.has(series)) return undefined
    const row = tx.get(this.#movedKey(series, ms, ns))
    return row === undefined ? undefined : readMoved(row).bumpNs
  }

  #knownAt(tx: CountedTx, series: number, ms: number, ns: number, bumpNs: number, digest: Uint8Array): Placing {
    if (this.#chained.get(series) === false) return DUPLICATE
    const place = addNanos({ ms, ns }, bumpNs)
    if (!this.#leaves.seek(tx.uncounted, series, place.ms, place.ns) || !this.#holds(digest)) return DUPLICATE
    return this.#known()
  }

  /** Of the entry found: a duplicate, or, when it had been declared void or was lost, taken again. */
  #known(): Placing {
    const found = this.#leaves.found
    const flags = found.payloadLength === DIGEST_KEPT ? 0 : found.payloadByte(0)
    if ((flags & (VOIDED | LOST)) === 0) return DUPLICATE
    const bumpNs = this.#bumpFound()
    this.#leaves.replace(this.#entry(0, this.#digestFound(), bumpNs))
    return { placed: true, bumpNs, counted: (flags & LOST) !== 0 }
  }

  #holds(digest: Uint8Array): boolean {
    const found = this.#leaves.found
    const at = found.payloadLength === DIGEST_KEPT ? 0 : 1
    for (let i = 0; i < DIGEST_KEPT; i++) if (found.payloadByte(at + i) !== digest[i]) return false
    return true
  }

  #bumpFound(): number {
    const found = this.#leaves.found
    return found.payloadLength === DIGEST_KEPT ? 0 : new ByteReader().over(found.payload(), 1 + DIGEST_KEPT).varint()
  }

  #digestFound(): Bytes {
    const found = this.#leaves.found
    return found.payloadLength === DIGEST_KEPT ? found.payload() : found.payload().subarray(1)
  }

  #entry(flags: number, digest: Uint8Array, bumpNs: number): Bytes {
    this.#writer.restart()
    this.#writer.u8(flags)
    this.#writer.raw(digest, 0, DIGEST_KEPT)
    this.#writer.varint(bumpNs)
    return this.#writer.copy()
  }

  #movedRow(bumpNs: number, stamp: Stamp): Bytes {
    this.#writer.startSealed()
    this.#writer.varint(bumpNs)
    this.#writer.f64(stamp.ms)
    this.#writer.f64(stamp.ordinal)
    return this.#writer.sealed(FORMAT)
  }

  #movedKey(series: number, ms: number, ns: number, digest: Uint8Array = new Uint8Array(0)): Bytes {
    return this.#space.key(KIND.bumped, u32Field(series), timeField(ms, ns), digest)
  }
}

/** Of a moved reading, or of its instant: how far the last one was moved. */
export function readMoved(row: Bytes): { readonly bumpNs: number; readonly stamp: Stamp } {
  assertSealed(row, FORMAT, 'journal-corrupt', 'the row of a moved reading')
  const reader = new ByteReader().over(row, SEAL_BYTES)
  return { bumpNs: reader.varint(), stamp: { ms: reader.f64(), ordinal: reader.f64() } }
}
