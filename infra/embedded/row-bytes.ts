/** Writes and reads the fields of binary rows: varints, 8-byte numbers, texts; and seals a row with a checksum. */

import { crc32 } from 'node:zlib'
import { type ErrorCode, TidemarkError } from '../../services/core/errors.ts'
import type { Bytes } from './kv.ts'

/** Four bytes of checksum over the rest, one byte of format. */
export const SEAL_BYTES = 5

/** Grows as needed and is used again and again: what is to be kept is copied out with `copy` or `sealed`. */
export class ByteWriter {
  #bytes = Buffer.allocUnsafe(8192)
  #view = new DataView(this.#bytes.buffer, this.#bytes.byteOffset, this.#bytes.byteLength)
  #at = 0

  get length(): number {
    return this.#at
  }

  /** The bytes written so far; only good until the next write. */
  get bytes(): Buffer {
    return this.#bytes
  }

  /** Starts again, with room for a seal. */
  startSealed(): void {
    this.#at = SEAL_BYTES
  }

  restart(): void {
    this.#at = 0
  }

  u8(n: number): void {
    this.#reserve(1)
    this.#bytes[this.#at++] = n
  }

  u32(n: number): void {
    this.#reserve(4)
    this.#view.setUint32(this.#at, n)
    this.#at += 4
  }

  /** Whole numbers from 0 to 2⁵³−1, seven bits a byte, the low ones first. */
  varint(n: number): void {
    this.#reserve(8)
    let rest = n
    while (rest > 127) {
      this.#bytes[this.#at++] = (rest & 127) | 128
      rest = rest > 0x7fffffff ? Math.floor(rest / 128) : rest >>> 7
    }
    this.#bytes[this.#at++] = rest
  }

  /** Whole numbers within ±2⁵². */
  zigzag(n: number): void {
    this.varint(n < 0 ? -n * 2 - 1 : n * 2)
  }

  f64(n: number): void {
    this.#reserve(8)
    this.#view.setFloat64(this.#at, n)
    this.#at += 8
  }

  i64(n: bigint): void {
    this.#reserve(8)
    this.#view.setBigInt64(this.#at, n)
    this.#at += 8
  }

  raw(bytes: Bytes, from = 0, to = bytes.length): void {
    this.#reserve(to - from)
    for (let i = from; i < to; i++) this.#bytes[this.#at++] = bytes[i] as number
  }

  block(bytes: Bytes): void {
    this.#reserve(bytes.length)
    this.#bytes.set(bytes, this.#at)
    this.#at += bytes.length
  }

  text(text: string): void {
    const length = Buffer.byteLength(text)
    this.varint(length)
    this.#reserve(length)
    this.#at += this.#bytes.write(text, this.#at, 'utf8')
  }

  /** Leaves room for a length; `endLength` with the mark given back writes how much came after it. */
  beginLength(): number {
    this.#reserve(1)
    return this.#at++
  }

  endLength(mark: number): void {
    const length = this.#at - mark - 1
    if (length > 127) {
      const extra = length < 16_384 ? 1 : length < 2_097_152 ? 2 : 3
      this.#reserve(extra)
      this.#bytes.copyWithin(mark + 1 + extra, mark + 1, this.#at)
    }
    this.#at = mark
    this.varint(length)
    this.#at += length
  }

  /** Puts back an earlier end: what was written after it is forgotten. */
  truncate(length: number): void {
    this.#at = length
  }

  f64At(at: number, n: number): void {
    this.#view.setFloat64(at, n)
  }

  u32At(at: number, n: number): void {
    this.#view.setUint32(at, n)
  }

  copy(): Bytes {
    return copyOf(this.#bytes, this.#at)
  }

  /** A copy with checksum and format in front; the writing began with `startSealed`. */
  sealed(format: number): Bytes {
    return seal(copyOf(this.#bytes, this.#at), format)
  }

  #reserve(more: number): void {
    if (this.#at + more <= this.#bytes.length) return
    const larger = Buffer.allocUnsafe(Math.max(this.#at + more, this.#bytes.length * 2))
    this.#bytes.copy(larger, 0, 0, this.#at)
    this.#bytes = larger
    this.#view = new DataView(larger.buffer, larger.byteOffset, larger.byteLength)
  }
}

/** Reads what a `ByteWriter` wrote, from `at` on. */
export class ByteReader {
  at = 0
  #bytes: Buffer = Buffer.alloc(0)
  #view: DataView = new DataView(new ArrayBuffer(0))

  over(bytes: Bytes, at = 0): this {
    this.#bytes = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.#view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    this.at = at
    return this
  }

  get length(): number {
    return this.#bytes.length
  }

  u8(): number {
    return this.#bytes[this.at++] as number
  }

  u32(): number {
    this.at += 4
    return this.#view.getUint32(this.at - 4)
  }

  varint(): number {
    let byte = this.#bytes[this.at++] as number
    if (byte < 128) return byte
    let n = byte & 127
    let scale = 128
    do {
      byte = this.#bytes[this.at++] as number
      n += (byte & 127) * scale
      scale *= 128
    } while (byte > 127)
    return n
  }

  zigzag(): number {
    const n = this.varint()
    return n % 2 === 0 ? n / 2 : -(n + 1) / 2
  }

  f64(): number {
    this.at += 8
    return this.#view.getFloat64(this.at - 8)
  }

  i64(): bigint {
    this.at += 8
    return this.#view.getBigInt64(this.at - 8)
  }

  /** A view of the row's bytes. */
  raw(length: number): Bytes {
    this.at += length
    return new Uint8Array(this.#view.buffer, this.#view.byteOffset + this.at - length, length)
  }

  text(): string {
    const length = this.varint()
    this.at += length
    return this.#bytes.toString('utf8', this.at - length, this.at)
  }
}

/** Fills in checksum and format of a row whose first `SEAL_BYTES` were left free. */
export function seal(row: Bytes, format: number): Bytes {
  row[4] = format
  const sum = crc32(row.subarray(4))
  row[0] = sum >>> 24
  row[1] = (sum >>> 16) & 255
  row[2] = (sum >>> 8) & 255
  row[3] = sum & 255
  return row
}

export function isSealed(row: Bytes, format: number): boolean {
  if (row.length < SEAL_BYTES || row[4] !== format) return false
  const sum = (((row[0] ?? 0) << 24) | ((row[1] ?? 0) << 16) | ((row[2] ?? 0) << 8) | (row[3] ?? 0)) >>> 0
  return sum === crc32(row.subarray(4))
}

/** Throws `code`, naming the row, when the checksum or the format is not what it should be. */
export function assertSealed(row: Bytes, format: number, code: ErrorCode, what: string): void {
  if (!isSealed(row, format)) throw new TidemarkError(code, what, { bytes: row.length, format })
}

function copyOf(bytes: Bytes, length: number): Bytes {
  const copy = new Uint8Array(length)
  copy.set(bytes.subarray(0, length))
  return copy
}
