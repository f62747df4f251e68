/**
 * Counts and digest sums of what the journal accepted, per series and UTC day. Thirty-two series of one day share a row (a bucket), so that a
 * request of a thousand readings from as many sensors costs thirty rows and not a thousand.
 */

import { addDigest, emptySum, subtractDigest, sumHex } from '../../schemas/canonical.ts'
import { type CountedTx, type Counters, KIND } from './journal-rows.ts'
import type { Bytes, Kv, KvRead } from './kv.ts'
import { assertSealed, ByteReader, ByteWriter, SEAL_BYTES } from './row-bytes.ts'
import { type KeySpace, readU32Field, u32Field } from './row-keys.ts'

const FORMAT = 0x6d
export const DAY_MS = 86_400_000
const SERIES_A_BUCKET = 32
/** Days before 1970 are numbers too. */
const DAY_SHIFT = 200_000
const BUCKETS_CACHED = 4_096

interface Slot {
  count: number
  readonly sum: Uint8Array
  version: number
  /** The version that was last marked published, 0 for none. */
  published: number
  touched: boolean
}

interface Bucket {
  readonly day: number
  readonly group: number
  readonly slots: (Slot | undefined)[]
  /** As it is kept, undefined when it is not. */
  row: Bytes | undefined
  touched: boolean
}

export interface ChangedSlot {
  readonly series: number
  /** Days since 1970. */
  readonly day: number
  readonly count: number
  readonly sum: string
  readonly version: number
}

export class Manifests {
  readonly #space: KeySpace
  readonly #buckets = new Map<number, Bucket>()
  #touched: Bucket[] = []
  #last: Bucket | undefined
  /** Buckets with unpublished changes, as on disk: oldest change first. */
  #changed = new Map<number, Bytes>()
  #changedNow: (() => void)[] = []
  /** Rows as they were before the transaction that is on its way to the disk: until it is there, they are what counts. */
  readonly #before = new Map<number, Bytes | undefined>()
  readonly #writer = new ByteWriter()

  constructor(space: KeySpace) {
    this.#space = space
  }

  load(kv: Kv): this {
    const rows = [...kv.range(this.#space.all(KIND.changed))]
    const sinceOf = (row: Bytes): number => new ByteReader().over(row).f64()
    rows.sort((a, b) => sinceOf(a.value) - sinceOf(b.value))
    for (const { key } of rows) {
      const day = readU32Field(key, key.length - 8) - DAY_SHIFT
      this.#changed.set(idOf(day, readU32Field(key, key.length - 4)), key)
    }
    return this
  }

  /** Of the row that counts this series on this day since 1970. */
  keyOf(series: number, day: number): Bytes {
    return this.#space.key(KIND.manifest, u32Field(day + DAY_SHIFT), u32Field(Math.floor(series / SERIES_A_BUCKET)))
  }

  add(tx: CountedTx, series: number, ms: number, digest: Uint8Array): void {
    const slot = this.#slot(tx, series, Math.floor(ms / DAY_MS))
    slot.count++
    addDigest(slot.sum, digest)
  }

  subtract(tx: CountedTx, series: number, ms: number, digest: Uint8Array): void {
    const slot = this.#slot(tx, series, Math.floor(ms / DAY_MS))
    slot.count--
    subtractDigest(slot.sum, digest)
  }

  flush(tx: CountedTx, counters: Counters): void {
    for (const bucket of this.#touched) {
      for (const slot of bucket.slots) {
        if (slot?.touched !== true) continue
        slot.version = ++counters.version
        slot.touched = false
      }
      this.#put(tx, bucket)
      this.#markChanged(tx, bucket, counters.version)
    }
    this.#touched = []
    this.#last = undefined
    if (this.#buckets.size > BUCKETS_CACHED) this.#buckets.clear()
  }

  keep(): void {
    for (const change of this.#changedNow) change()
    this.#changedNow = []
    this.#before.clear()
  }

  drop(): void {
    this.#buckets.clear()
    this.#touched = []
    this.#changedNow = []
    this.#last = undefined
    this.#before.clear()
  }

  /** Slots not yet published, as they are on disk. */
  changed(kv: KvRead, limit: number): ChangedSlot[] {
    const out: ChangedSlot[] = []
    for (const [id, changedKey] of this.#changed) {
      if (out.length >= limit) break
      const key = this.#space.key(KIND.manifest, changedKey.subarray(changedKey.length - 8))
      const row = this.#before.has(id) ? this.#before.get(id) : kv.get(key)
      if (row !== undefined) out.push(...unpublished(readBucket(row, id)))
    }
    return out.slice(0, limit)
  }

  /** A change made after the version that was published stays to be published. */
  published(
    tx: CountedTx,
    rows: readonly { readonly series: number; readonly day: number; readonly version: number }[],
  ): void {
    const buckets = new Set<Bucket>()
    for (const { series, day, version } of rows) {
      const bucket = this.#bucket(tx, series, day)
      const slot = bucket.slots[series % SERIES_A_BUCKET]
      if (slot === undefined || slot.published >= version) continue
      slot.published = Math.min(version, slot.version)
      buckets.add(bucket)
    }
    for (const bucket of buckets) {
      this.#put(tx, bucket)
      if (bucket.slots.some((slot) => slot !== undefined && slot.version > slot.published)) continue
      tx.remove(this.#key(KIND.changed, bucket), this.#key(KIND.changed, bucket).length + 8)
      this.#changedNow.push(() => this.#changed.delete(idOf(bucket.day, bucket.group)))
    }
  }

  #slot(tx: CountedTx, series: number, day: number): Slot {
    const bucket = this.#bucket(tx, series, day)
    const at = series % SERIES_A_BUCKET
    let slot = bucket.slots[at]
    if (slot === undefined) {
      slot = { count: 0, sum: emptySum(), version: 0, published: 0, touched: false }
      bucket.slots[at] = slot
    }
    slot.touched = true
    if (!bucket.touched) {
      bucket.touched = true
      this.#touched.push(bucket)
    }
    return slot
  }

  #bucket(tx: CountedTx, series: number, day: number): Bucket {
    const group = Math.floor(series / SERIES_A_BUCKET)
    if (this.#last?.group === group && this.#last.day === day) return this.#last
    const id = idOf(day, group)
    let bucket = this.#buckets.get(id)
    if (bucket === undefined) {
      const row = tx.get(this.keyOf(series, day))
      bucket = row === undefined ? { day, group, slots: [], row: undefined, touched: false } : readBucket(row, id)
      this.#buckets.set(id, bucket)
    }
    this.#last = bucket
    return bucket
  }

  #put(tx: CountedTx, bucket: Bucket): void {
    const id = idOf(bucket.day, bucket.group)
    const key = this.#key(KIND.manifest, bucket)
    if (!this.#before.has(id)) this.#before.set(id, bucket.row)
    const row = this.#row(bucket)
    tx.replace(key, row, bucket.row === undefined ? 0 : key.length + bucket.row.length)
    bucket.row = row
    bucket.touched = false
  }

  #markChanged(tx: CountedTx, bucket: Bucket, version: number): void {
    const id = idOf(bucket.day, bucket.group)
    if (this.#changed.has(id)) return
    const key = this.#key(KIND.changed, bucket)
    this.#writer.restart()
    this.#writer.f64(version)
    tx.replace(key, this.#writer.copy(), 0)
    this.#changedNow.push(() => this.#changed.set(id, key))
  }

  #row(bucket: Bucket): Bytes {
    this.#writer.startSealed()
    bucket.slots.forEach((slot, at) => {
      if (slot === undefined) return
      this.#writer.u8(at)
      this.#writer.varint(slot.count)
      this.#writer.varint(slot.version)
      this.#writer.varint(slot.published)
      this.#writer.raw(slot.sum)
    })
    return this.#writer.sealed(FORMAT)
  }

  #key(kind: string, bucket: Bucket): Bytes {
    return this.#space.key(kind, u32Field(bucket.day + DAY_SHIFT), u32Field(bucket.group))
  }
}

/** One number for a day and a group of series: both stay far below what a double holds exactly. */
function idOf(day: number, group: number): number {
  return (day + DAY_SHIFT) * 0x1_0000_0000 + group
}

function readBucket(row: Bytes, id: number): Bucket {
  assertSealed(row, FORMAT, 'journal-corrupt', 'a row of manifests')
  const day = Math.floor(id / 0x1_0000_0000) - DAY_SHIFT
  const slots: (Slot | undefined)[] = []
  const reader = new ByteReader().over(row, SEAL_BYTES)
  while (reader.at < row.length) {
    const at = reader.u8()
    const [count, version, published] = [reader.varint(), reader.varint(), reader.varint()]
    slots[at] = { count, version, published, sum: new Uint8Array(reader.raw(16)), touched: false }
  }
  return { day, group: id % 0x1_0000_0000, slots, row, touched: false }
}

/** Oldest change first. */
function unpublished({ day, group, slots }: Bucket): ChangedSlot[] {
  const out: ChangedSlot[] = []
  slots.forEach((slot, at) => {
    if (slot === undefined || slot.version <= slot.published) return
    const { count, sum, version } = slot
    out.push({ series: group * SERIES_A_BUCKET + at, day, count, sum: sumHex(sum), version })
  })
  return out.sort((a, b) => a.version - b.version)
}
