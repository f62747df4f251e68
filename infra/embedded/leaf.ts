/**
 * One packed row of entries of a series in order of time: `[Δms varint][ns varint][length varint][payload]`, each Δms against the entry before.
 * Δ keeps an entry's head at three to six bytes; the price is that a search walks, which a cursor makes cheap for runs in order.
 */

import type { ErrorCode } from '../../services/core/errors.ts'
import type { Bytes } from './kv.ts'
import { assertSealed, ByteReader, ByteWriter, isSealed, SEAL_BYTES, seal } from './row-bytes.ts'

const FORMAT = 0x6c
/** Seal, count, newest stamp (ms, ordinal), first ms, last ms and ns. */
const HEADER = SEAL_BYTES + 4 + 8 + 8 + 8 + 8 + 4
const head = new ByteWriter()

/** When the newest entry of a leaf was put in: by the clock, and by a counter that never goes back. */
export interface Stamp {
  readonly ms: number
  readonly ordinal: number
}

export class Leaf {
  readonly series: number
  /** The lower bound of its times, and its key: stays as it is, whatever is put in or split off. */
  readonly keyMs: number
  readonly keyNs: number
  /** Of its row: made once, because it never changes. */
  key: Bytes | undefined
  /** Bytes of the row as it is kept, 0 when it is not. */
  storedBytes = 0
  #bytes: Buffer
  #length = HEADER
  #count = 0
  #firstMs = 0
  #lastMs = 0
  #lastNs = 0
  #stamp: Stamp = { ms: 0, ordinal: 0 }
  readonly #reader = new ByteReader()
  /** The cursor: the entry at `#at` (or the end), the ms of the one before it, and where the parts of its head begin. */
  #at = HEADER
  #beforeMs = 0
  #ms = 0
  #ns = 0
  #lengthAt = 0
  #payloadAt = 0
  #payloadLength = 0
  #cursorValid = false

  constructor(series: number, keyMs: number, keyNs: number, bytes: Buffer = Buffer.allocUnsafe(256)) {
    this.series = series
    this.keyMs = keyMs
    this.keyNs = keyNs
    this.#bytes = bytes
    this.#reader.over(bytes)
  }

  /** From its row. Throws `corrupt` when the checksum is wrong. */
  static of(series: number, keyMs: number, keyNs: number, row: Bytes, corrupt: ErrorCode): Leaf {
    const { count, stamp } = readHeader(row, corrupt)
    const bytes = Buffer.allocUnsafe(row.length + 128)
    bytes.set(row)
    const leaf = new Leaf(series, keyMs, keyNs, bytes)
    const reader = new ByteReader().over(row, SEAL_BYTES + 20)
    leaf.storedBytes = row.length
    leaf.#length = row.length
    leaf.#count = count
    leaf.#stamp = stamp
    leaf.#firstMs = reader.f64()
    leaf.#lastMs = reader.f64()
    leaf.#lastNs = reader.u32()
    return leaf
  }

  get count(): number {
    return this.#count
  }

  get length(): number {
    return this.#length
  }

  get payloadLength(): number {
    return this.#payloadLength
  }

  /** The payload of the entry found; a view, good until the next change. */
  payload(): Bytes {
    return this.#bytes.subarray(this.#payloadAt, this.#payloadAt + this.#payloadLength)
  }

  payloadByte(i: number): number {
    return this.#bytes[this.#payloadAt + i] as number
  }

  isPastEnd(ms: number, ns: number): boolean {
    return this.#count === 0 || ms > this.#lastMs || (ms === this.#lastMs && ns > this.#lastNs)
  }

  startsAtOrBefore(ms: number, ns: number): boolean {
    return this.keyMs < ms || (this.keyMs === ms && this.keyNs <= ns)
  }

  /** Moves the cursor to the entry of this time, or to where it would stand, and says whether it is there. */
  seek(ms: number, ns: number): boolean {
    if (this.isPastEnd(ms, ns)) return false
    if (!this.#cursorValid || this.#ms > ms || (this.#ms === ms && this.#ns > ns)) this.#rewind()
    while (this.#ms < ms || (this.#ms === ms && this.#ns < ns)) this.#step()
    return this.#ms === ms && this.#ns === ns
  }

  /** Puts an entry in where `seek` for the same time found none. */
  insert(ms: number, ns: number, payload: Bytes, payloadLength: number, stamp: Stamp): void {
    this.#stamp = stamp
    if (this.isPastEnd(ms, ns)) this.#append(ms, ns, payload, payloadLength)
    else this.#insertBefore(ms, ns, payload, payloadLength)
    this.#count++
  }

  /** Another payload for the entry that `seek` found. */
  replacePayload(payload: Bytes): void {
    head.restart()
    head.varint(payload.length)
    head.block(payload)
    this.#replace(this.#lengthAt, this.#payloadAt + this.#payloadLength, head)
    this.#cursorValid = false
  }

  /** Cuts itself in two near the middle and gives back the later part; alone with one entry it gives that one away. */
  split(): Leaf {
    this.#rewind()
    const middle = HEADER + (this.#length - HEADER) / 2
    let beforeMs = this.#firstMs
    let beforeNs = 0
    while (this.#count > 1 && (this.#at === HEADER || this.#at < middle)) {
      const end = this.#payloadAt + this.#payloadLength
      if (end === this.#length) break
      beforeMs = this.#ms
      beforeNs = this.#ns
      this.#step()
    }
    const right = new Leaf(this.series, this.#ms, this.#ns, Buffer.allocUnsafe(this.#length + 128))
    head.restart()
    head.varint(0)
    head.block(this.#bytes.subarray(this.#lengthAt - nsBytes(this.#ns), this.#length))
    right.#replace(HEADER, HEADER, head)
    right.#firstMs = this.#ms
    right.#lastMs = this.#lastMs
    right.#lastNs = this.#lastNs
    right.#stamp = this.#stamp
    right.#count = countFrom(this.#bytes, this.#at, this.#length)
    this.#count -= right.#count
    this.#length = this.#at
    this.#lastMs = beforeMs
    this.#lastNs = beforeNs
    this.#cursorValid = false
    return right
  }

  /** The row, in bytes of its own. */
  row(): Bytes {
    const bytes = this.#bytes
    bytes.writeUInt32BE(this.#count, SEAL_BYTES)
    bytes.writeDoubleBE(this.#stamp.ms, SEAL_BYTES + 4)
    bytes.writeDoubleBE(this.#stamp.ordinal, SEAL_BYTES + 12)
    bytes.writeDoubleBE(this.#firstMs, SEAL_BYTES + 20)
    bytes.writeDoubleBE(this.#lastMs, SEAL_BYTES + 28)
    bytes.writeUInt32BE(this.#lastNs, SEAL_BYTES + 36)
    return seal(Uint8Array.prototype.slice.call(bytes, 0, this.#length), FORMAT)
  }

  #rewind(): void {
    this.#at = HEADER
    this.#beforeMs = this.#firstMs
    this.#readHead()
    this.#cursorValid = true
  }

  #step(): void {
    this.#at = this.#payloadAt + this.#payloadLength
    this.#beforeMs = this.#ms
    this.#readHead()
  }

  #readHead(): void {
    const reader = this.#reader
    reader.at = this.#at
    this.#ms = this.#beforeMs + reader.varint()
    this.#ns = reader.varint()
    this.#lengthAt = reader.at
    this.#payloadLength = reader.varint()
    this.#payloadAt = reader.at
  }

  #append(ms: number, ns: number, payload: Bytes, payloadLength: number): void {
    if (this.#count === 0) this.#firstMs = ms
    head.restart()
    head.varint(this.#count === 0 ? 0 : ms - this.#lastMs)
    head.varint(ns)
    head.varint(payloadLength)
    head.raw(payload, 0, payloadLength)
    this.#replace(this.#length, this.#length, head)
    this.#lastMs = ms
    this.#lastNs = ns
  }

  #insertBefore(ms: number, ns: number, payload: Bytes, payloadLength: number): void {
    const first = this.#at === HEADER
    head.restart()
    head.varint(first ? 0 : ms - this.#beforeMs)
    head.varint(ns)
    head.varint(payloadLength)
    head.raw(payload, 0, payloadLength)
    head.varint(this.#ms - ms)
    this.#replace(this.#at, this.#lengthAt - nsBytes(this.#ns), head)
    if (first) this.#firstMs = ms
    // The new entry stands where the cursor is; what was there is now behind it.
    this.#beforeMs = first ? ms : this.#beforeMs
    this.#readHead()
  }

  #replace(from: number, to: number, by: ByteWriter): void {
    const grows = by.length - (to - from)
    if (this.#length + grows > this.#bytes.length) this.#enlarge(this.#length + grows)
    if (to < this.#length && grows !== 0) this.#bytes.copyWithin(to + grows, to, this.#length)
    // Byte by byte: `Buffer.copy` makes an object first, which costs more than an entry's few bytes.
    const source = by.bytes
    const target = this.#bytes
    for (let i = 0; i < by.length; i++) target[from + i] = source[i] as number
    this.#length += grows
  }

  #enlarge(length: number): void {
    const larger = Buffer.allocUnsafe(Math.ceil(length * 1.5))
    this.#bytes.copy(larger, 0, 0, this.#length)
    this.#bytes = larger
    this.#reader.over(larger)
  }
}

/** Undefined where the checksum is wrong. */
export function stampOf(row: Bytes): Stamp | undefined {
  if (!isSealed(row, FORMAT)) return undefined
  const reader = new ByteReader().over(row, SEAL_BYTES + 4)
  return { ms: reader.f64(), ordinal: reader.f64() }
}

function readHeader(row: Bytes, corrupt: ErrorCode): { readonly count: number; readonly stamp: Stamp } {
  assertSealed(row, FORMAT, corrupt, 'a leaf')
  const reader = new ByteReader().over(row, SEAL_BYTES)
  return { count: reader.u32(), stamp: { ms: reader.f64(), ordinal: reader.f64() } }
}

/** Calls `visit` for each entry in order, with a reader at its payload, until it answers false. */
export function visitEntries(
  row: Bytes,
  corrupt: ErrorCode,
  visit: (ms: number, ns: number, payload: ByteReader, payloadLength: number) => boolean,
): void {
  assertSealed(row, FORMAT, corrupt, 'a leaf')
  const reader = new ByteReader().over(row, SEAL_BYTES + 20)
  let ms = reader.f64()
  for (reader.at = HEADER; reader.at < row.length; ) {
    ms += reader.varint()
    const ns = reader.varint()
    const length = reader.varint()
    const end = reader.at + length
    if (!visit(ms, ns, reader, length)) return
    reader.at = end
  }
}

function countFrom(bytes: Bytes, from: number, to: number): number {
  const reader = new ByteReader().over(bytes, from)
  let count = 0
  while (reader.at < to) {
    reader.varint()
    reader.varint()
    const length = reader.varint()
    reader.at += length
    count++
  }
  return count
}

/** How many bytes the nanoseconds of an entry take, so that its head can be cut between Δms and ns. */
function nsBytes(ns: number): number {
  return ns < 128 ? 1 : ns < 16_384 ? 2 : 3
}
