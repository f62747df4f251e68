/** The canonical form of a reading, its digest, and the order-free sum of digests; the widths stand in `schemas/README.md`. */

import { hash } from 'node:crypto'
import { TidemarkError } from '../services/core/errors.ts'
import type { Reading, Value, Values } from './reading.ts'
import { subtractNanos } from './time.ts'

export const DIGEST_BYTES = 16

const TAG_DOUBLE = 0x64
const TAG_INTEGER = 0x69
const TAG_BOOLEAN = 0x62
const TAG_STRING = 0x73
const TWO_32 = 0x1_0000_0000
const SHAPES_MAX = 1024
const RECENT_MAX = 8
const VIEWS_MAX = 1024

/** The names of one kind of values object: as they come, and sorted with their canonical bytes. */
interface Shape {
  readonly keys: readonly string[]
  readonly names: readonly string[]
  readonly headers: readonly Uint8Array[]
  /** Upper bound of the bytes of everything but strings. */
  readonly fixedBytes: number
}

let scratch = Buffer.alloc(4096)
let view = new DataView(scratch.buffer, scratch.byteOffset, scratch.byteLength)
/** Views on the first bytes of the buffer, by length: making one costs a fifth of the hash. */
let views: Buffer[] = []
const shapes = new Map<string, Shape>()
/** The shapes met last, tried before the map because that needs no key to be built. */
const recent: Shape[] = []
let oldest = 0

/** Gateway, type and sensor in canonical form: the same for every reading of a series, so keep it. */
export function seriesPrefix(gateway: string, type: string, sensor: string): Uint8Array {
  return Buffer.concat([gateway, type, sensor].map(withLength))
}

/** The digest of one measurement. `measuredMs`/`measuredNs` are the device's own time, before any bump. Synchronous; not to be re-entered. */
export function digestOf(prefix: Uint8Array, measuredMs: number, measuredNs: number, values: Values): Uint8Array {
  const shape = shapeOf(values)
  reserve(prefix.length + 12 + shape.fixedBytes)
  scratch.set(prefix)
  let at = prefix.length
  view.setInt32(at, Math.floor(measuredMs / TWO_32))
  view.setUint32(at + 4, measuredMs >>> 0)
  view.setUint32(at + 8, measuredNs)
  at += 12
  for (let field = 0; field < shape.names.length; field++) {
    const value: Value | null | undefined = values[shape.names[field] as string]
    if (value === undefined || value === null) continue
    const header = shape.headers[field] as Uint8Array
    for (let i = 0; i < header.length; i++) scratch[at + i] = header[i] as number
    at += header.length
    at = typeof value === 'string' ? writeString(at, value, shape) : writeFixed(at, value)
  }
  const sha = hash('sha256', firstBytes(at), 'binary')
  const digest = new Uint8Array(DIGEST_BYTES)
  for (let i = 0; i < DIGEST_BYTES; i++) digest[i] = sha.charCodeAt(i)
  return digest
}

/** Recomputes a reading's digest from what it says. */
export function digestOfReading(
  gateway: string,
  reading: Omit<Reading, 'digest' | 'labels' | 'estimated'>,
): Uint8Array {
  const measured = subtractNanos(reading, reading.bumpNs)
  return digestOf(seriesPrefix(gateway, reading.type, reading.sensor), measured.ms, measured.ns, reading.values)
}

export function emptySum(): Uint8Array {
  return new Uint8Array(DIGEST_BYTES)
}

/** In place: both are big-endian numbers, the sum is taken modulo 2¹²⁸. */
export function addDigest(sum: Uint8Array, digest: Uint8Array): void {
  let carry = 0
  for (let i = DIGEST_BYTES - 1; i >= 0; i--) {
    carry += (sum[i] as number) + (digest[i] as number)
    sum[i] = carry
    carry >>= 8
  }
}

/** In place, the inverse of `addDigest`. */
export function subtractDigest(sum: Uint8Array, digest: Uint8Array): void {
  let borrow = 0
  for (let i = DIGEST_BYTES - 1; i >= 0; i--) {
    borrow += (sum[i] as number) - (digest[i] as number)
    sum[i] = borrow
    borrow >>= 8
  }
}

/** 32 lower-case hex digits. */
export function sumHex(sum: Uint8Array): string {
  return Buffer.from(sum.buffer, sum.byteOffset, sum.byteLength).toString('hex')
}

/** Throws `bug` for anything but 32 lower-case hex digits: check text from outside with `isSumHex`. */
export function sumFromHex(hex: string): Uint8Array {
  if (!isSumHex(hex)) throw new TidemarkError('bug', `${JSON.stringify(hex)} is not a sum of 32 hex digits`)
  return new Uint8Array(Buffer.from(hex, 'hex'))
}

export function isSumHex(text: string): boolean {
  return /^[0-9a-f]{32}$/.test(text)
}

function writeFixed(at: number, value: Exclude<Value, string>): number {
  if (typeof value === 'number') {
    scratch[at] = TAG_DOUBLE
    view.setFloat64(at + 1, value)
    return at + 9
  }
  if (typeof value === 'bigint') {
    scratch[at] = TAG_INTEGER
    view.setBigInt64(at + 1, value)
    return at + 9
  }
  scratch[at] = TAG_BOOLEAN
  scratch[at + 1] = value ? 1 : 0
  return at + 2
}

function writeString(at: number, value: string, shape: Shape): number {
  // At most three bytes a code unit; what other fields still need is reserved with it.
  reserve(at + 5 + value.length * 3 + shape.fixedBytes)
  scratch[at] = TAG_STRING
  const length = scratch.write(value, at + 5, 'utf8')
  view.setUint32(at + 1, length)
  return at + 5 + length
}

function firstBytes(length: number): Buffer {
  if (length >= VIEWS_MAX) return scratch.subarray(0, length)
  const view = views[length] ?? scratch.subarray(0, length)
  views[length] = view
  return view
}

function reserve(bytes: number): void {
  if (bytes <= scratch.length) return
  const larger = Buffer.alloc(Math.max(bytes, scratch.length * 2))
  larger.set(scratch)
  scratch = larger
  views = []
  view = new DataView(scratch.buffer, scratch.byteOffset, scratch.byteLength)
}

/** Objects with the same names in the same order share one shape. */
function shapeOf(values: Values): Shape {
  for (let i = 0; i < recent.length; i++) {
    const shape = recent[i] as Shape
    if (fits(shape.keys, values)) return shape
  }
  const shape = knownShape(Object.keys(values))
  recent[oldest] = shape
  oldest = (oldest + 1) % RECENT_MAX
  return shape
}

function fits(keys: readonly string[], values: Values): boolean {
  let i = 0
  for (const key in values) if (key !== keys[i++]) return false
  return i === keys.length
}

function knownShape(keys: readonly string[]): Shape {
  const id = keys.join('\n')
  const known = shapes.get(id)
  if (known !== undefined) return known
  if (shapes.size >= SHAPES_MAX) shapes.clear()
  const names = [...keys].sort()
  const headers = names.map(withLength)
  const fixedBytes = headers.reduce((sum, header) => sum + header.length + 9, 0)
  const shape = { keys, names, headers, fixedBytes }
  shapes.set(id, shape)
  return shape
}

/** Its length as two bytes, then its UTF-8. */
function withLength(text: string): Buffer {
  const bytes = Buffer.from(text, 'utf8')
  if (bytes.length > 0xffff) throw new TidemarkError('bug', 'a name is longer than 65,535 bytes')
  const out = Buffer.alloc(2 + bytes.length)
  out.writeUInt16BE(bytes.length)
  out.set(bytes, 2)
  return out
}
