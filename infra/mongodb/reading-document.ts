/** A reading as a document of MongoDB and back, bit for bit. The shape is a promise to users: see `README.md`. */

import type { Double } from 'mongodb'
import type { Epoch, GatewayId, Labels, PositionedReading, Value, Values } from '../../schemas/reading.ts'
import { addNanos, toNanos } from '../../schemas/time.ts'
import { TidemarkError } from '../../services/core/errors.ts'
import type { ArrivingReading, StoredReading } from '../../services/ports/reading-store.ts'

type StoredValue = Value | Double

export interface ReadingDocument {
  /** `gateway/type/sensor/TIME_IN_NS`. */
  readonly _id: string
  readonly gateway: string
  readonly type: string
  readonly sensor: string
  readonly time: Date
  /** Nanoseconds below `time`. */
  readonly ns: number
  readonly values: Readonly<Record<string, StoredValue>>
  readonly at: { readonly epoch: string; readonly seq: number }
  readonly digest: Uint8Array
  readonly source: string
  readonly labels?: Labels
  /** The device's own time, where the reading was moved to a free nanosecond. */
  readonly measured_at?: Date
  readonly measured_ns?: number
  /** The gateway's clock was unset. */
  readonly estimated?: true
  /** Names of values that are −0, for servers that keep no sign of zero. */
  readonly minus_zeros?: readonly string[]
}

const NS_PER_MS = 1_000_000
const INT32 = 0x7fff_ffff
const LONE_SURROGATE = /\p{Cs}/u
const ESCAPED = /[.$%]/g
/** Room for all of a document but its texts, as counted for cutting batches. */
const FIXED_BYTES = 1_500
const VALUE_BYTES = 24

/** Of one driver, whose `Double` keeps a whole number a double. */
export class ReadingDocuments {
  readonly #Double: typeof Double
  #minusZeros: string[] = []
  #textLength = 0
  #valueCount = 0

  constructor(double: typeof Double) {
    this.#Double = double
  }

  /** An upper bound of the bytes of the document made last. */
  get bytes(): number {
    return FIXED_BYTES + this.#valueCount * VALUE_BYTES + this.#textLength * 3
  }

  /** `movedNs`: how far beyond its own time it is to stand. A reason where no document can hold it. */
  make(arriving: ArrivingReading, movedNs = 0): ReadingDocument | { readonly reason: string } {
    const { gateway, reading, epoch, source } = arriving
    const { type, sensor, digest, seq } = reading
    const { ms, ns } = movedNs === 0 ? reading : addNanos(reading, movedNs)
    this.#minusZeros = []
    this.#textLength = 0
    this.#valueCount = 0
    const values = this.#valuesOf(reading.values)
    if (typeof values === 'string') return { reason: `the text of ${values} is not valid Unicode` }
    const document: ReadingDocument = {
      _id: readingId(gateway, type, sensor, ms, ns),
      gateway,
      type,
      sensor,
      time: new Date(ms),
      ns,
      values,
      at: { epoch, seq },
      digest,
      source,
    }
    return this.#withRarities(document, reading, movedNs)
  }

  #withRarities(
    document: ReadingDocument,
    { labels, bumpNs, estimated }: PositionedReading,
    movedNs: number,
  ): ReadingDocument | { readonly reason: string } {
    const rare: { -readonly [K in keyof ReadingDocument]?: ReadingDocument[K] } = document
    for (const name in labels) {
      if (LONE_SURROGATE.test(name + labels[name])) return { reason: `the label ${name} is not valid Unicode` }
      this.#textLength += name.length + (labels[name] ?? '').length
      this.#valueCount += 1
      rare.labels ??= escapedLabels(labels)
    }
    if (bumpNs + movedNs !== 0) {
      const measured = addNanos({ ms: document.time.getTime(), ns: document.ns }, -(bumpNs + movedNs))
      rare.measured_at = new Date(measured.ms)
      rare.measured_ns = measured.ns
    }
    if (estimated) rare.estimated = true
    if (this.#minusZeros.length > 0) rare.minus_zeros = this.#minusZeros
    return document
  }

  /** The name of a value that can't be held, else all of them. */
  #valuesOf(values: Values): Record<string, StoredValue> | string {
    const out: Record<string, StoredValue> = {}
    for (const name in values) {
      const value = values[name] as Value
      this.#textLength += name.length
      this.#valueCount += 1
      if (typeof value === 'number') out[escapedName(name)] = this.#double(name, value)
      else {
        if (typeof value === 'string') {
          if (LONE_SURROGATE.test(value)) return name
          this.#textLength += value.length
        }
        out[escapedName(name)] = value
      }
    }
    return out
  }

  #double(name: string, value: number): StoredValue {
    if (Object.is(value, -0)) this.#minusZeros.push(name)
    // The driver would make these int32.
    return Number.isInteger(value) && value <= INT32 && value >= -INT32 - 1 ? new this.#Double(value) : value
  }
}

/** Throws `store-corrupt` for what no tidemark has written. */
export function readingOf(document: ReadingDocument): StoredReading {
  const { gateway, type, sensor, time, ns, at, digest, source } = document
  if (!(time instanceof Date) || !(digest instanceof Uint8Array) || typeof at?.epoch !== 'string') {
    const id = String((document as { _id?: unknown })._id)
    throw new TidemarkError('store-corrupt', `the document ${id} of readings is not a reading`, { id })
  }
  const ms = time.getTime()
  const bumpNs =
    document.measured_at === undefined
      ? 0
      : (ms - document.measured_at.getTime()) * NS_PER_MS + ns - (document.measured_ns ?? 0)
  const reading: PositionedReading = {
    seq: Number(at.seq),
    type,
    sensor,
    labels: document.labels === undefined ? {} : plainKeys(document.labels),
    ms,
    ns,
    bumpNs,
    estimated: document.estimated === true,
    values: plainValues(document),
    digest: new Uint8Array(digest),
  }
  return { gateway: gateway as GatewayId, epoch: at.epoch as Epoch, reading, source: source as 'live' | 'recovery' }
}

export function readingId(gateway: string, type: string, sensor: string, ms: number, ns: number): string {
  return `${gateway}/${type}/${sensor}/${nanosText(ms, ns)}`
}

/** Nanoseconds since 1970 in decimal. */
function nanosText(ms: number, ns: number): string {
  if (ms <= 0) return String(toNanos({ ms, ns }))
  return ns === 0 ? `${ms}000000` : `${ms}${String(ns).padStart(6, '0')}`
}

function plainValues({ values, minus_zeros }: ReadingDocument): Values {
  const plain = plainKeys(values as Values)
  for (const name of minus_zeros ?? []) plain[name] = -0
  return plain
}

/** Dots and dollar signs mean something in queries, and not every server takes them in names: `a.b` is kept as `a%2Eb`. */
function escapedName(name: string): string {
  return name.search(ESCAPED) < 0
    ? name
    : name.replaceAll(ESCAPED, (char) => `%${char.charCodeAt(0).toString(16).toUpperCase()}`)
}

function plainName(name: string): string {
  return name.includes('%') ? name.replace(/%(2E|24|25)/g, (code) => PLAIN[code] ?? code) : name
}

const PLAIN: Readonly<Record<string, string>> = { '%2E': '.', '%24': '$', '%25': '%' }

function escapedLabels(labels: Labels): Labels {
  const out: Record<string, string> = {}
  for (const name in labels) out[escapedName(name)] = labels[name] as string
  return out
}

function plainKeys<T>(from: Readonly<Record<string, T>>): Record<string, T> {
  const out: Record<string, T> = {}
  for (const name in from) out[plainName(name)] = from[name] as T
  return out
}
