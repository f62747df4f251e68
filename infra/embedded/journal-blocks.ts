/**
 * The readings themselves, in order of acceptance: blocks of consecutive positions of one epoch, keyed by the epoch's number and the first position.
 * `epoch, first position, count, begun ms, accepted ms, lowest ms, highest ms`, then for each reading `[length][Δms zigzag][ns][series][content]`: the length lets a read begin and
 * end anywhere without decoding what it was not asked for. Small commits go on in the last block, so that single readings do not make a row each.
 * The row names its own place, under its checksum: a block found anywhere in a damaged file can be put where it belongs.
 */

import type { Epoch, PositionedReading, Seq } from '../../schemas/reading.ts'
import { TidemarkError } from '../../services/core/errors.ts'
import { type CountedTx, KIND } from './journal-rows.ts'
import type { Bytes, KvRead } from './kv.ts'
import { assertSealed, ByteReader, ByteWriter, isSealed, SEAL_BYTES } from './row-bytes.ts'
import type { Content, ContentHints, RowCodec } from './row-codec.ts'
import { type KeySpace, readU48Field, successor, u32Field, u48Field } from './row-keys.ts'

const FORMAT = 0x6b
const EPOCH_BYTES = 8
const FIRST_AT = SEAL_BYTES + EPOCH_BYTES
const COUNT_AT = FIRST_AT + 8
export const BLOCK_HEADER_BYTES = COUNT_AT + 4 + 8 + 8 + 8 + 8
/** A little under four pages of the engine. */
const BLOCK_BYTES_MAX = 16_000
/** Below this the last block is written again with what comes next. */
const SMALL_BLOCK_BYTES = 2_000

/** Of a series, as the rows of readings need it. */
export interface SeriesNames {
  readonly type: string
  readonly sensor: string
}

/** Where a reading goes: the number of its epoch is for the key, its name for the row. */
export interface BlockPlace {
  readonly epoch: number
  readonly epochId: Epoch
  readonly seq: Seq
  readonly acceptedMs: number
}

export interface Block {
  readonly key: Bytes
  readonly epochId: Epoch
  readonly first: Seq
  readonly last: Seq
  /** Acceptance time of its first reading, and of its last. */
  readonly begunMs: number
  readonly acceptedMs: number
  readonly lowMs: number
  readonly highMs: number
  readonly row: Bytes
}

interface Open {
  epoch: number
  epochId: Epoch
  first: Seq
  begunMs: number
  count: number
  lowMs: number
  highMs: number
  beforeMs: number
  /** Bytes of the row it replaces, 0 for a new one. */
  storedBytes: number
}

export class Blocks {
  readonly #space: KeySpace
  readonly #codec: RowCodec
  readonly #nameOf: (series: number) => SeriesNames
  readonly #writer = new ByteWriter()
  #open: Open | undefined
  /** The last block as it is on disk, when it is small enough to go on in. */
  #tail: { readonly open: Open; readonly row: Bytes } | undefined
  #tailNow: { readonly open: Open; readonly row: Bytes } | undefined
  #grew = 0

  constructor(space: KeySpace, codec: RowCodec, nameOf: (series: number) => SeriesNames) {
    this.#space = space
    this.#codec = codec
    this.#nameOf = nameOf
  }

  add(
    tx: CountedTx,
    at: BlockPlace,
    series: number,
    time: { readonly ms: number; readonly ns: number },
    content: Content,
    hints: ContentHints,
  ): void {
    const open = this.#room(at)
    const writer = this.#writer
    const mark = writer.beginLength()
    writer.zigzag(time.ms - open.beforeMs)
    writer.varint(time.ns)
    writer.varint(series)
    this.#codec.encode(writer, tx, content, hints)
    writer.endLength(mark)
    open.count++
    open.beforeMs = time.ms
    if (time.ms < open.lowMs) open.lowMs = time.ms
    if (time.ms > open.highMs) open.highMs = time.ms
    if (writer.length >= BLOCK_BYTES_MAX) this.#put(tx, at.acceptedMs)
  }

  /** Writes the block begun. */
  flush(tx: CountedTx, acceptedMs: number): void {
    if (this.#open !== undefined) this.#put(tx, acceptedMs)
  }

  /** By how much the blocks grew since it was last asked. */
  takeGrown(): number {
    const grew = this.#grew
    this.#grew = 0
    return grew
  }

  keep(): void {
    this.#tail = this.#tailNow
  }

  drop(): void {
    this.#open = undefined
    this.#tailNow = this.#tail
    this.#grew = 0
  }

  remove(tx: CountedTx, block: Block): void {
    const bytes = block.key.length + block.row.length
    tx.remove(block.key, bytes)
    this.#grew -= bytes
    this.#tailNow = undefined
  }

  /** The blocks that hold positions of `[from, to]`, in order, each read when asked for. Damaged ones throw, or are left out where `skip` is set. */
  *between(kv: KvRead, epoch: number, from: Seq, to: Seq, skip = false): Generator<Block> {
    const start = this.#key(epoch, 0)
    const end = this.#key(epoch, to + 1)
    const [covering] = kv.range({ from: start, to: successor(this.#key(epoch, from)), reverse: true, limit: 1 })
    let next = covering?.key ?? start
    for (;;) {
      const [row] = kv.range({ from: next, to: end, limit: 1 })
      if (row === undefined) return
      const block = readBlock(row.key, row.value, skip)
      if (block !== undefined && block.last >= from) yield block
      next = successor(row.key)
    }
  }

  /** The readings of a block from position `from` to `to`, as far as `visit` wants them. `series` is the number `visit` may know it by. */
  decode(block: Block, from: Seq, to: Seq, visit: (reading: PositionedReading, series: number) => boolean): void {
    const reader = new ByteReader().over(block.row, BLOCK_HEADER_BYTES)
    let ms = 0
    for (let seq = block.first; seq <= Math.min(to, block.last); seq++) {
      const length = reader.varint()
      const end = reader.at + length
      ms += reader.zigzag()
      if (seq >= from) {
        const ns = reader.varint()
        const series = reader.varint()
        const { type, sensor } = this.#nameOf(series)
        const { values, labels, bumpNs, estimated, digest } = this.#codec.decode(reader)
        if (!visit({ seq, type, sensor, labels, ms, ns, bumpNs, estimated, values, digest }, series)) return
      }
      reader.at = end
    }
  }

  #room(at: BlockPlace): Open {
    if (this.#open !== undefined) return this.#open
    const tail = this.#tailNow
    const writer = this.#writer
    if (tail?.open.epoch === at.epoch && tail.open.first + tail.open.count === at.seq) {
      writer.restart()
      writer.block(tail.row)
      this.#open = { ...tail.open, storedBytes: tail.row.length }
    } else {
      writer.startSealed()
      for (let i = SEAL_BYTES; i < BLOCK_HEADER_BYTES; i++) writer.u8(0)
      const { epoch, epochId, seq: first, acceptedMs: begunMs } = at
      const [lowMs, highMs] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY]
      this.#open = { epoch, epochId, first, begunMs, count: 0, lowMs, highMs, beforeMs: 0, storedBytes: 0 }
    }
    return this.#open
  }

  #put(tx: CountedTx, acceptedMs: number): void {
    const open = this.#open as Open
    const writer = this.#writer
    writer.u32At(SEAL_BYTES, Number.parseInt(open.epochId.slice(0, 8), 16))
    writer.u32At(SEAL_BYTES + 4, Number.parseInt(open.epochId.slice(8), 16))
    writer.f64At(FIRST_AT, open.first)
    writer.u32At(COUNT_AT, open.count)
    writer.f64At(COUNT_AT + 4, open.begunMs)
    writer.f64At(COUNT_AT + 12, acceptedMs)
    writer.f64At(COUNT_AT + 20, open.lowMs)
    writer.f64At(COUNT_AT + 28, open.highMs)
    const key = this.#key(open.epoch, open.first)
    const row = writer.sealed(FORMAT)
    const oldBytes = open.storedBytes === 0 ? 0 : key.length + open.storedBytes
    tx.replace(key, row, oldBytes)
    this.#grew += key.length + row.length - oldBytes
    this.#tailNow = row.length < SMALL_BLOCK_BYTES ? { open, row } : undefined
    this.#open = undefined
  }

  #key(epoch: number, first: Seq): Bytes {
    return this.#space.key(KIND.block, u32Field(epoch), u48Field(first))
  }
}

function readBlock(key: Bytes, row: Bytes, skip: boolean): Block | undefined {
  if (skip && !isSealed(row, FORMAT)) return undefined
  const first = readU48Field(key, key.length - 6)
  assertSealed(row, FORMAT, 'journal-corrupt', `the block of readings from position ${first} on`)
  const block = blockOf(key, row)
  if (block.first === first) return block
  if (skip) return undefined
  throw new TidemarkError('journal-corrupt', `the block of position ${block.first} stands at ${first}`)
}

/** A block by what its row says, wherever it was found. */
export function blockOf(key: Bytes, row: Bytes): Block {
  const reader = new ByteReader().over(row, SEAL_BYTES)
  const epochId = Buffer.from(reader.raw(EPOCH_BYTES)).toString('hex') as Epoch
  const first = reader.f64()
  const last = first + reader.u32() - 1
  const [begunMs, acceptedMs, lowMs, highMs] = [reader.f64(), reader.f64(), reader.f64(), reader.f64()]
  return { key, epochId, first, last, begunMs, acceptedMs, lowMs, highMs, row }
}

/** For a place where a block must be and is not. */
export function missingBlock(epoch: string, seq: Seq): TidemarkError {
  return new TidemarkError('journal-corrupt', `position ${seq} of epoch ${epoch} is not where it was kept`, {
    epoch,
    seq,
  })
}
