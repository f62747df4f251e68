/**
 * Looks through Avro bytes before they are decoded: five bytes may claim fifty million items, and a decoder that believes them spends seconds and
 * hundreds of megabytes. One pass, nothing allocated; afterwards decoding stays inside the bytes and ends with the last of them.
 */

import avro, { type Type } from 'avsc'
import { TidemarkError } from '../services/core/errors.ts'

const { types } = avro

/** The reason why the bytes from `start` on are not one value of the schema, or undefined. */
export type Guard = (bytes: Uint8Array, start: number) => string | undefined

interface Cursor {
  readonly bytes: Uint8Array
  /** The last long read. */
  value: number
  reason: string
}

/** Passes over one value: the position after it, or `REFUSED`. */
type Scan = (cursor: Cursor, at: number) => number

interface Node {
  readonly scan: Scan
  /** The fewest bytes a value takes. */
  readonly least: number
  /** All values take just `least` bytes, whatever they hold. */
  readonly fixed: boolean
  readonly varint: boolean
  /** The size of a value that may be null and else takes just as many bytes. */
  readonly nullable?: number
}

const REFUSED = -1
const DEPTH_MAX = 32
const VARINT_BYTES_MAX = 10
const PAST_END = 'the record ends too early'

/** Throws `schema-invalid` for a schema nobody should read: recursive, nested deeper than 32, or with items that take no bytes. */
export function guardFor(type: Type): Guard {
  const { scan } = nodeOf(type, 0)
  return (bytes, start) => {
    const cursor = { bytes, value: 0, reason: PAST_END }
    const end = scan(cursor, start)
    if (end === REFUSED || end > bytes.length) return cursor.reason
    return end === bytes.length ? undefined : `${bytes.length - end} bytes stand after its end`
  }
}

function nodeOf(type: Type, depth: number): Node {
  if (depth > DEPTH_MAX)
    throw new TidemarkError('schema-invalid', `it is recursive, or nested deeper than ${DEPTH_MAX}`)
  if (type instanceof types.RecordType) return recordOf(type.fields.map((f) => nodeOf(f.type, depth + 1)))
  if (type instanceof types.ArrayType) return arrayOf(nodeOf(type.itemsType, depth + 1))
  if (type instanceof types.MapType) return arrayOf(recordOf([STRING, nodeOf(type.valuesType, depth + 1)]))
  if (type instanceof types.EnumType) return enumOf(type.symbols.length)
  if (type instanceof types.FixedType) return fixedOf(type.size)
  if (type instanceof types.UnwrappedUnionType || type instanceof types.WrappedUnionType) {
    return unionOf([...type.types].map((branch) => nodeOf(branch, depth + 1)))
  }
  const primitive = PRIMITIVES[type.typeName]
  if (primitive === undefined) throw new TidemarkError('schema-invalid', `it holds a ${type.typeName}`)
  return primitive
}

function fixedOf(size: number): Node {
  return { scan: (_cursor, at) => at + size, least: size, fixed: true, varint: false }
}

const VARINT: Node = { scan: (cursor, at) => skipVarints(cursor, at, 1), least: 1, fixed: false, varint: true }

const BOOLEAN: Node = {
  scan: ({ bytes }, at) => ((bytes[at] ?? 2) > 1 ? REFUSED : at + 1),
  least: 1,
  fixed: false,
  varint: false,
}

const STRING: Node = {
  scan: (cursor, at) => {
    const start = readLong(cursor, at)
    if (start === REFUSED) return REFUSED
    const left = cursor.bytes.length - start
    if (cursor.value >= 0 && cursor.value <= left) return start + cursor.value
    return refuse(cursor, `a text or bytes of ${cursor.value} where ${left} bytes are left`)
  },
  least: 1,
  fixed: false,
  varint: false,
}

const PRIMITIVES: Readonly<Record<string, Node>> = {
  null: fixedOf(0),
  boolean: BOOLEAN,
  int: VARINT,
  long: VARINT,
  'abstract:long': VARINT,
  float: fixedOf(4),
  double: fixedOf(8),
  string: STRING,
  bytes: STRING,
}

/** Runs of numbers and of fixed sizes are passed in one step: this is what a reading mostly is. */
function recordOf(fields: readonly Node[]): Node {
  const steps: Scan[] = []
  for (let i = 0; i < fields.length; ) {
    const { scan, fixed, varint, nullable } = fields[i] as Node
    let to = i + 1
    if (fixed) while (fields[to]?.fixed) to++
    if (varint) while (fields[to]?.varint) to++
    if (nullable !== undefined) while (fields[to]?.nullable === nullable) to++
    const size = fields.slice(i, to).reduce((sum, node) => sum + node.least, 0)
    if (fixed) steps.push((_cursor, at) => at + size)
    else if (varint) steps.push((cursor, at) => skipVarints(cursor, at, size))
    else if (nullable !== undefined) steps.push((cursor, at) => skipNullables(cursor, at, size, nullable))
    else steps.push(scan)
    i = to
  }
  return {
    scan: (cursor, from) => {
      let at = from
      for (let i = 0; i < steps.length; i++) {
        at = (steps[i] as Scan)(cursor, at)
        if (at === REFUSED) return REFUSED
      }
      return at
    },
    least: fields.reduce((sum, node) => sum + node.least, 0),
    fixed: fields.every((node) => node.fixed),
    varint: false,
  }
}

/** Blocks of items, each with a count before it; a negative count also with its length in bytes. Ends with a count of 0. */
function arrayOf(item: Node): Node {
  if (item.least === 0) throw new TidemarkError('schema-invalid', 'it holds lists of items that take no bytes')
  const scan: Scan = (cursor, from) => {
    let at = readLong(cursor, from)
    while (at !== REFUSED && cursor.value !== 0) {
      const count = Math.abs(cursor.value)
      if (cursor.value < 0) at = readLong(cursor, at)
      if (at === REFUSED) return REFUSED
      const left = cursor.bytes.length - at
      if (count * item.least > left) return refuse(cursor, `a list of ${count} items where ${left} bytes are left`)
      if (item.fixed) at += count * item.least
      else for (let i = 0; i < count && at !== REFUSED; i++) at = item.scan(cursor, at)
      if (at !== REFUSED) at = readLong(cursor, at)
    }
    return at
  }
  return { scan, least: 1, fixed: false, varint: false }
}

function enumOf(symbols: number): Node {
  const scan: Scan = (cursor, from) => {
    const at = readLong(cursor, from)
    if (at === REFUSED || (cursor.value >= 0 && cursor.value < symbols)) return at
    return refuse(cursor, `word ${cursor.value} of ${symbols}`)
  }
  return { scan, least: 1, fixed: false, varint: false }
}

function unionOf(branches: readonly Node[]): Node {
  const scan: Scan = (cursor, from) => {
    const first = cursor.bytes[from]
    if (first === undefined) return REFUSED
    // Zigzag: the even bytes below 128 are the branches from 0 up, and no union has more than 63.
    const branch = first % 2 === 0 && first < 128 ? branches[first >> 1] : undefined
    return branch === undefined ? refuse(cursor, 'a union without such a branch') : branch.scan(cursor, from + 1)
  }
  const [first, second] = branches
  const isNullable = branches.length === 2 && first?.fixed === true && first.least === 0 && second?.fixed === true
  return {
    scan,
    least: 1 + Math.min(...branches.map((node) => node.least)),
    fixed: false,
    varint: false,
    ...(isNullable ? { nullable: second.least } : {}),
  }
}

function skipVarints({ bytes }: Cursor, from: number, count: number): number {
  let at = from
  for (let i = 0; i < count; i++) {
    const last = at + VARINT_BYTES_MAX
    while ((bytes[at++] as number) > 127) if (at >= last) return REFUSED
  }
  return at
}

/** Each a 0 for null, or a 2 and `size` bytes. */
function skipNullables(cursor: Cursor, from: number, count: number, size: number): number {
  const { bytes } = cursor
  let at = from
  for (let i = 0; i < count; i++) {
    const branch = bytes[at++]
    if (branch === 2) at += size
    else if (branch !== 0) return branch === undefined ? REFUSED : refuse(cursor, 'a union without such a branch')
  }
  return at
}

/** Sets `cursor.value`; past 2⁵³ it is not exact, and far above any length. */
function readLong(cursor: Cursor, from: number): number {
  let raw = 0
  let weight = 1
  for (let at = from; at < from + VARINT_BYTES_MAX; at++) {
    const byte = cursor.bytes[at]
    if (byte === undefined) return REFUSED
    raw += (byte & 0x7f) * weight
    if (byte < 128) {
      cursor.value = raw % 2 === 0 ? raw / 2 : -(raw + 1) / 2
      return at + 1
    }
    weight *= 128
  }
  return REFUSED
}

function refuse(cursor: Cursor, reason: string): number {
  cursor.reason = reason
  return REFUSED
}
