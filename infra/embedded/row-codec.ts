/**
 * What journal and store keep of a reading beside its series, time and position: values, labels, bump, flags and digest, packed.
 * `digest (16), flags, shape, [labels], [bump], values`: the digest in front, where it is compared without decoding the rest; a shape is a list of fields with their kinds and has a number, so that the values stand bare:
 * double and integer 8 bytes, boolean 1, string its length and UTF-8. Shape or labels numbered 0 are written out in place.
 */

import type { Labels, Value, Values } from '../../schemas/reading.ts'
import type { ErrorCode } from '../../services/core/errors.ts'
import { Dictionary, type Entry } from './dictionary.ts'
import type { KvRead, KvTx } from './kv.ts'
import type { ByteReader, ByteWriter } from './row-bytes.ts'
import type { KeySpace } from './row-keys.ts'

const ESTIMATED = 1
const RECOVERED = 2
const BUMPED = 4
const LABELLED = 8
const DIGEST_BYTES = 16
/** Data with ever new fields or labels must not fill the memory with them. */
const SHAPES_MAX = 20_000
const LABEL_SETS_MAX = 100_000
const NO_LABELS: Labels = Object.freeze({})

/** The fields of values objects that look alike, in their order, and the kind of each: `d`ouble, `i`nteger, `b`oolean, `s`tring. */
interface Shape extends Entry {
  readonly names: readonly string[]
  readonly kinds: readonly string[]
}

interface LabelSet extends Entry {
  readonly labels: Labels
}

export interface Content {
  readonly values: Values
  readonly labels: Labels
  readonly bumpNs: number
  readonly estimated: boolean
  readonly recovered: boolean
  readonly digest: Uint8Array
}

/** The shape and the labels a series had last: tried first, because comparing is cheaper than building the text they are found by. */
export interface ContentHints {
  shape?: Shape
  labelSet?: LabelSet
}

export class RowCodec {
  readonly #shapes: Dictionary<Shape>
  readonly #labelSets: Dictionary<LabelSet>

  /** Rows of its dictionaries are kept under the letters `s` and `l` of the space. */
  constructor(space: KeySpace, corrupt: ErrorCode) {
    this.#shapes = new Dictionary({ space, kind: 's', make: shapeOf, entriesMax: SHAPES_MAX, corrupt })
    this.#labelSets = new Dictionary({ space, kind: 'l', make: labelSetOf, entriesMax: LABEL_SETS_MAX, corrupt })
  }

  load(kv: KvRead): this {
    this.#shapes.load(kv)
    this.#labelSets.load(kv)
    return this
  }

  encode(out: ByteWriter, tx: KvTx, content: Content, hints: ContentHints): void {
    const { values, labels, bumpNs, digest } = content
    const labelled = hasAny(labels)
    out.raw(digest, 0, DIGEST_BYTES)
    out.u8(
      (content.estimated ? ESTIMATED : 0) |
        (content.recovered ? RECOVERED : 0) |
        (bumpNs > 0 ? BUMPED : 0) |
        (labelled ? LABELLED : 0),
    )
    const shape = this.#writeShape(out, tx, values, hints)
    if (labelled) this.#writeLabels(out, tx, labels, hints)
    if (bumpNs > 0) out.varint(bumpNs)
    for (let i = 0; i < shape.names.length; i++) writeValue(out, values[shape.names[i] as string] as Value)
  }

  decode(row: ByteReader): Content {
    const digest = row.raw(DIGEST_BYTES)
    const flags = row.u8()
    const shape = this.#readShape(row)
    const labels = (flags & LABELLED) === 0 ? NO_LABELS : this.#readLabels(row)
    const bumpNs = (flags & BUMPED) === 0 ? 0 : row.varint()
    const values: Record<string, Value> = {}
    for (let i = 0; i < shape.names.length; i++)
      values[shape.names[i] as string] = readValue(row, shape.kinds[i] as string)
    return {
      values,
      labels,
      bumpNs,
      estimated: (flags & ESTIMATED) !== 0,
      recovered: (flags & RECOVERED) !== 0,
      digest,
    }
  }

  keep(): void {
    this.#shapes.keep()
    this.#labelSets.keep()
  }

  drop(): void {
    this.#shapes.drop()
    this.#labelSets.drop()
  }

  #writeShape(out: ByteWriter, tx: KvTx, values: Values, hints: ContentHints): Shape {
    if (hints.shape !== undefined && hints.shape.id !== 0 && fits(hints.shape, values)) {
      out.varint(hints.shape.id)
      return hints.shape
    }
    const text = shapeText(values)
    const shape = this.#shapes.intern(tx, text)
    out.varint(shape?.id ?? 0)
    if (shape === undefined) out.text(text)
    else hints.shape = shape
    return shape ?? shapeOf(text)
  }

  #readShape(row: ByteReader): Shape {
    const id = row.varint()
    return id === 0 ? shapeOf(row.text()) : this.#shapes.byId(id)
  }

  #writeLabels(out: ByteWriter, tx: KvTx, labels: Labels, hints: ContentHints): void {
    const hint = hints.labelSet
    if (hint !== undefined && hint.id !== 0 && sameLabels(hint.labels, labels)) {
      out.varint(hint.id)
      return
    }
    const text = JSON.stringify(labels)
    const set = this.#labelSets.intern(tx, text)
    out.varint(set?.id ?? 0)
    if (set === undefined) out.text(text)
    else hints.labelSet = set
  }

  #readLabels(row: ByteReader): Labels {
    const id = row.varint()
    return id === 0 ? labelSetOf(row.text()).labels : this.#labelSets.byId(id).labels
  }
}

function writeValue(out: ByteWriter, value: Value): void {
  if (typeof value === 'number') out.f64(value)
  else if (typeof value === 'bigint') out.i64(value)
  else if (typeof value === 'boolean') out.u8(value ? 1 : 0)
  else out.text(value)
}

function readValue(row: ByteReader, kind: string): Value {
  if (kind === 'd') return row.f64()
  if (kind === 'i') return row.i64()
  if (kind === 'b') return row.u8() === 1
  return row.text()
}

/** A field without a value, which the types exclude, is left out as in the canonical form. */
function shapeText(values: Values): string {
  const fields = Object.entries(values).filter(([, value]) => kindOf(value) !== '')
  return JSON.stringify(fields.map(([name, value]) => kindOf(value) + name))
}

function shapeOf(text: string): Shape {
  const fields = JSON.parse(text) as readonly string[]
  return { id: 0, text, names: fields.map((field) => field.slice(1)), kinds: fields.map((field) => field.slice(0, 1)) }
}

function labelSetOf(text: string): LabelSet {
  return { id: 0, text, labels: Object.freeze(JSON.parse(text) as Labels) }
}

function kindOf(value: Value): string {
  if (typeof value === 'number') return 'd'
  if (typeof value === 'bigint') return 'i'
  if (typeof value === 'boolean') return 'b'
  return typeof value === 'string' ? 's' : ''
}

function fits(shape: Shape, values: Values): boolean {
  const { names, kinds } = shape
  let i = 0
  for (const name in values) {
    if (name !== names[i] || kindOf(values[name] as Value) !== kinds[i]) return false
    i++
  }
  return i === names.length
}

function sameLabels(held: Labels, labels: Labels): boolean {
  let count = 0
  for (const name in labels) {
    if (held[name] !== labels[name]) return false
    count++
  }
  return count === Object.keys(held).length
}

function hasAny(labels: Labels): boolean {
  for (const _ in labels) return true
  return false
}
