/** A store of readings on the embedded engine, keyed on the reading identity: packed leaves by series and time. Contract: `services/ports/reading-store.ts`. */

import type { Epoch, GatewayId, PositionedReading } from '../../schemas/reading.ts'
import { addNanos } from '../../schemas/time.ts'
import { codeOf, TidemarkError } from '../../services/core/errors.ts'
import type { Random } from '../../services/ports/clock.ts'
import type {
  ArrivingReading,
  Landing,
  ReadingFilter,
  ReadingStore,
  StoredReading,
  WriteResult,
} from '../../services/ports/reading-store.ts'
import { Dictionary, type Entry } from './dictionary.ts'
import type { Kv, KvRead, KvTx } from './kv.ts'
import { visitEntries } from './leaf.ts'
import { Leaves, TIME_MAX, TIME_MIN, type TimePoint } from './leaves.ts'
import { type ByteReader, ByteWriter } from './row-bytes.ts'
import { type ContentHints, RowCodec } from './row-codec.ts'
import { findKeySpace, type KeySpace, makeKeySpace, textField } from './row-keys.ts'

export interface ReadingStoreOptions {
  /** May be shared with other stores and journals; not disposed with the store. */
  readonly kv: Kv
  readonly name: string
  readonly random: Random
}

/** Opens without touching the engine: that happens at the first call. */
export function embeddedReadingStore(options: ReadingStoreOptions): ReadingStore {
  return new EmbeddedReadingStore(options)
}

interface StoreSeries extends Entry {
  readonly gateway: GatewayId
  readonly type: string
  readonly sensor: string
  readonly hints: ContentHints
}

/** Two pages of the engine: appending in batches fills one in a few writes, and a single reading does not write much more than itself. */
const LEAF_BYTES_MAX = 8_100
const BATCH_READINGS = 2_000
const GENERATION_KIND = 'G'
const DIGEST_BYTES = 16

/** Of the stores open on an engine, by name: what one handle has in memory another one must see. */
const shared = new WeakMap<Kv, Map<string, { parts: StoreParts | undefined }>>()

function sharedParts(kv: Kv, name: string): { parts: StoreParts | undefined } {
  const byName = shared.get(kv) ?? new Map<string, { parts: StoreParts | undefined }>()
  const held = byName.get(name) ?? { parts: undefined }
  shared.set(kv, byName.set(name, held))
  return held
}

class EmbeddedReadingStore implements ReadingStore {
  readonly name: string
  readonly #kv: Kv
  readonly #random: Random
  readonly #shared: { parts: StoreParts | undefined }
  #closed = false

  constructor({ kv, name, random }: ReadingStoreOptions) {
    this.name = name
    this.#kv = kv
    this.#random = random
    this.#shared = sharedParts(kv, name)
  }

  async generation(): Promise<string> {
    this.#assertOpen()
    return this.#unlessAway(() => this.#generation()) ?? this.#write((_tx, _parts, generation) => generation)
  }

  async renew(): Promise<string> {
    const generation = this.#random.id()
    return this.#write((tx, parts) => {
      tx.put(parts.space.key(GENERATION_KIND), textField(generation))
      return generation
    })
  }

  async write(readings: readonly ArrivingReading[], signal: AbortSignal): Promise<WriteResult> {
    signal.throwIfAborted()
    return this.#write((tx, parts, generation) => {
      const landings = readings.map((arriving) => parts.land(tx, arriving))
      parts.leaves.flush(tx)
      return { generation, landings }
    })
  }

  async *read(filter: ReadingFilter, signal: AbortSignal): AsyncGenerator<readonly StoredReading[]> {
    const batches = this.#batches(filter)
    for (;;) {
      signal.throwIfAborted()
      this.#assertOpen()
      const batch = this.#unlessAway(() => batches.next())
      if (batch.done === true) return
      yield batch.value
    }
  }

  async probe(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    await this.#write(() => undefined)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
  }

  *#batches(filter: ReadingFilter): Generator<readonly StoredReading[]> {
    let batch: StoredReading[] = []
    for (const reading of this.#loaded()?.stored(this.#kv, filter) ?? []) {
      batch.push(reading)
      if (batch.length < BATCH_READINGS) continue
      yield batch
      batch = []
    }
    if (batch.length > 0) yield batch
  }

  #generation(): string | undefined {
    const space = findKeySpace(this.#kv, 'R', this.name)
    const row = space === undefined ? undefined : this.#kv.get(space.key(GENERATION_KIND))
    return row === undefined ? undefined : textOf(row)
  }

  #unlessAway<T>(work: () => T): T {
    try {
      return work()
    } catch (error) {
      throw this.#away(error)
    }
  }

  /** Runs `body` with the generation as it was before, made now where there was none. */
  async #write<T>(body: (tx: KvTx, parts: StoreParts, generation: string) => T): Promise<T> {
    this.#assertOpen()
    const fresh = this.#random.id()
    try {
      return await this.#kv.write((tx) => this.#inTransaction(tx, fresh, body))
    } catch (error) {
      throw this.#away(error)
    }
  }

  /** Whatever fails but the data itself, the store is away. */
  #away(error: unknown): unknown {
    if (codeOf(error) === 'store-corrupt') return error
    return new TidemarkError('store-unavailable', `the embedded store ${this.name}`, {}, error)
  }

  /**
   * What a body changed in memory is forgotten when it throws, and read again inside the next transaction. A commit that fails later ends the engine, and
   * with it the use of this memory.
   */
  #inTransaction<T>(tx: KvTx, fresh: string, body: (tx: KvTx, parts: StoreParts, generation: string) => T): T {
    try {
      this.#shared.parts ??= new StoreParts(tx, makeKeySpace(tx, 'R', this.name))
      const parts = this.#shared.parts
      const key = parts.space.key(GENERATION_KIND)
      const row = tx.get(key)
      if (row === undefined) tx.put(key, textField(fresh))
      const result = body(tx, parts, row === undefined ? fresh : textOf(row))
      parts.keep()
      return result
    } catch (error) {
      this.#shared.parts = undefined
      throw error
    }
  }

  /** For reading only: nothing may be written by what was loaded outside of a transaction. */
  #loaded(): StoreParts | undefined {
    const space = findKeySpace(this.#kv, 'R', this.name)
    return this.#shared.parts ?? (space === undefined ? undefined : new StoreParts(this.#kv, space))
  }

  #assertOpen(): void {
    if (this.#closed) throw new TidemarkError('closed', `the store ${this.name}`)
  }
}

/** What is in memory of a store whose rows exist. */
class StoreParts {
  readonly space: KeySpace
  readonly leaves: Leaves
  readonly #codec: RowCodec
  readonly #series: Dictionary<StoreSeries>
  readonly #epochs: Dictionary<Entry>
  readonly #writer = new ByteWriter()
  /** Sorted by name; made again when there are more. */
  #sorted: readonly StoreSeries[] = []
  /** The series met last, and by parts of its name: cheaper than building the text it is kept by. */
  readonly #byNames = new Map<string, Map<string, Map<string, StoreSeries>>>()

  constructor(kv: KvRead, space: KeySpace) {
    const corrupt = 'store-corrupt'
    this.space = space
    this.leaves = new Leaves({ space, kind: 'L', leafBytesMax: LEAF_BYTES_MAX, corrupt })
    this.#codec = new RowCodec(space, corrupt).load(kv)
    this.#series = new Dictionary({ space, kind: 'N', make: storeSeries, corrupt }).load(kv)
    this.#epochs = new Dictionary({ space, kind: 'E', make: (text): Entry => ({ id: 0, text }), corrupt }).load(kv)
  }

  land(tx: KvTx, arriving: ArrivingReading): Landing {
    const { reading } = arriving
    const series = this.#seriesOf(tx, arriving)
    if (!this.leaves.seek(tx, series.id, reading.ms, reading.ns)) return this.#insert(tx, series, arriving, 0)
    if (this.#holds(reading.digest)) return DUPLICATE
    if (arriving.redrive === true) return this.#redrive(tx, series, arriving)
    return { outcome: 'conflict', heldDigest: this.#digestFound() }
  }

  *stored(kv: Kv, filter: ReadingFilter): Generator<StoredReading> {
    const from: TimePoint = filter.from ?? TIME_MIN
    const to: TimePoint = filter.to ?? TIME_MAX
    for (const series of this.#seriesInOrder()) {
      if (filter.gateway !== undefined && filter.gateway !== series.gateway) continue
      if (filter.type !== undefined && filter.type !== series.type) continue
      if (filter.sensor !== undefined && filter.sensor !== series.sensor) continue
      yield* this.#storedOf(kv, series, from, to)
    }
  }

  keep(): void {
    this.#codec.keep()
    this.#series.keep()
    this.#epochs.keep()
  }

  /** A leaf may be split while its series is read: what was given already is not given again. */
  *#storedOf(kv: Kv, series: StoreSeries, from: TimePoint, to: TimePoint): Generator<StoredReading> {
    let last: TimePoint | undefined
    for (const row of this.leaves.rows(kv, series.id, from, to)) {
      const found: StoredReading[] = []
      visitEntries(row, 'store-corrupt', (ms, ns, payload) => {
        if (!isBefore({ ms, ns }, to)) return false
        if (isBefore({ ms, ns }, from) || (last !== undefined && !isBefore(last, { ms, ns }))) return true
        found.push(this.#decode(series, ms, ns, payload))
        return true
      })
      last = found.at(-1)?.reading ?? last
      yield* found
    }
  }

  #decode(series: StoreSeries, ms: number, ns: number, payload: ByteReader): StoredReading {
    const { values, labels, bumpNs, estimated, recovered, digest } = this.#codec.decode(payload)
    const epoch = this.#epochs.byId(payload.varint()).text as Epoch
    const seq = payload.varint()
    const { gateway, type, sensor } = series
    const reading: PositionedReading = { seq, type, sensor, labels, ms, ns, bumpNs, estimated, values, digest }
    return { gateway, epoch, reading, source: recovered ? 'recovery' : 'live' }
  }

  #insert(tx: KvTx, series: StoreSeries, { reading, epoch, source }: ArrivingReading, movedNs: number): Landing {
    const { ms, ns } = movedNs === 0 ? reading : addNanos(reading, movedNs)
    const { values, labels, estimated, digest } = reading
    const bumpNs = reading.bumpNs + movedNs
    const content = { values, labels, bumpNs, estimated, recovered: source === 'recovery', digest }
    const writer = this.#writer
    writer.restart()
    this.#codec.encode(writer, tx, content, series.hints)
    // Without a limit of entries every epoch gets a number.
    writer.varint(this.#epochs.intern(tx, epoch)?.id ?? 0)
    writer.varint(reading.seq)
    this.leaves.insert(tx, ms, ns, writer.bytes, writer.length, NO_STAMP)
    return STORED
  }

  /** To the next free nanosecond, unless one of the places on the way holds it already. */
  #redrive(tx: KvTx, series: StoreSeries, arriving: ArrivingReading): Landing {
    for (let movedNs = 1; ; movedNs++) {
      const { ms, ns } = addNanos(arriving.reading, movedNs)
      if (!this.leaves.seek(tx, series.id, ms, ns)) return this.#insert(tx, series, arriving, movedNs)
      if (this.#holds(arriving.reading.digest)) return DUPLICATE
    }
  }

  /** Of the entry found: the digest comes first in it. */
  #holds(digest: Uint8Array): boolean {
    const found = this.leaves.found
    for (let i = 0; i < DIGEST_BYTES; i++) if (found.payloadByte(i) !== digest[i]) return false
    return true
  }

  #digestFound(): Uint8Array {
    return new Uint8Array(this.leaves.found.payload().subarray(0, DIGEST_BYTES))
  }

  #seriesOf(tx: KvTx, { gateway, reading: { type, sensor } }: ArrivingReading): StoreSeries {
    const known = this.#byNames.get(gateway)?.get(type)?.get(sensor)
    if (known !== undefined) return known
    const text = `${gateway}\0${type}\0${sensor}`
    const series = this.#series.intern(tx, text) ?? storeSeries(text)
    const byType = this.#byNames.get(gateway) ?? new Map<string, Map<string, StoreSeries>>()
    const bySensor = byType.get(type) ?? new Map<string, StoreSeries>()
    this.#byNames.set(gateway, byType.set(type, bySensor.set(sensor, series)))
    return series
  }

  #seriesInOrder(): readonly StoreSeries[] {
    if (this.#sorted.length !== this.#series.size) {
      this.#sorted = [...this.#series.entries()].sort((a, b) => (a.text < b.text ? -1 : 1))
    }
    return this.#sorted
  }
}

const STORED: Landing = { outcome: 'stored' }
const DUPLICATE: Landing = { outcome: 'duplicate' }
/** The leaves of a store never grow too old. */
const NO_STAMP = { ms: 0, ordinal: 0 }

function storeSeries(text: string): StoreSeries {
  const [gateway = '', type = '', sensor = ''] = text.split('\0')
  return { id: 0, text, gateway: gateway as GatewayId, type, sensor, hints: {} }
}

function textOf(row: Uint8Array): string {
  return Buffer.from(row).toString('utf8')
}

function isBefore(a: TimePoint, b: TimePoint): boolean {
  return a.ms < b.ms || (a.ms === b.ms && a.ns < b.ns)
}
