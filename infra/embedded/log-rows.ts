/** The rows of the embedded log: how a record, a partition's state and a committed offset stand in the key-value engine. */

import { crc32 } from 'node:zlib'
import { PARTITIONS, TOPICS, type TopicName } from '../../topics/index.ts'
import type { Bytes, KeyRange } from './kv.ts'

/**
 * `h` what a record says beside its value, `v` its value, `p` the state of a partition, `g` a committed offset, `t` a topic that was applied,
 * `k` the newest offset of a key (compacted topics), `d` a tombstone that waits for its removal.
 */
type Kind = 'h' | 'v' | 'p' | 'g' | 't' | 'k' | 'd'

export interface Place {
  readonly topic: TopicName
  readonly partition: number
}

/** What stands beside the value; enough for readers that need no values. */
export interface RecordHead {
  /** The log's wall clock at the append. May be earlier than that of the record before. */
  readonly wallMs: number
  /** The same, but never going back inside a partition: what ages and places in time go by. */
  readonly appendedMs: number
  readonly tombstone: boolean
  readonly valueBytes: number
  readonly valueCrc: number
  readonly key: string
  readonly headers: Readonly<Record<string, string>>
}

/** `lastMs`: the latest append time ever, so that ages never go back. */
export interface PartitionState {
  readonly next: number
  readonly lastMs: number
  readonly records: number
  readonly bytes: number
}

export function topicNames(): TopicName[] {
  return Object.keys(TOPICS) as TopicName[]
}

export function everyPlace(topics: readonly TopicName[] = topicNames()): Place[] {
  return topics.flatMap((topic) => Array.from({ length: PARTITIONS }, (_, partition) => ({ topic, partition })))
}

const FORMAT = 1
const FIXED_BYTES = 28
const CRC_BYTES = 4
const OFFSET_BYTES = 8

export function recordKey(kind: 'h' | 'v' | 'd', place: Place, offset: number): Bytes {
  const prefix = placePrefix(kind, place)
  const key = Buffer.alloc(prefix.length + OFFSET_BYTES, prefix)
  key.writeUInt32BE(Math.floor(offset / 2 ** 32), prefix.length)
  key.writeUInt32BE(offset % 2 ** 32, prefix.length + 4)
  return key
}

export function offsetOfKey(key: Bytes): number {
  const view = new DataView(key.buffer, key.byteOffset + key.byteLength - OFFSET_BYTES)
  return view.getUint32(0) * 2 ** 32 + view.getUint32(4)
}

/** Records with `from ≤ offset < to`. */
export function recordRange(kind: 'h' | 'd', place: Place, from: number, to: number): KeyRange {
  return { from: recordKey(kind, place, from), to: recordKey(kind, place, to) }
}

export function stateKey(place: Place): Bytes {
  return placePrefix('p', place)
}

export function newestKey(place: Place, key: string): Bytes {
  return Buffer.concat([placePrefix('k', place), Buffer.from(key)])
}

export function committedKey(group: string, place: Place): Bytes {
  return Buffer.concat([placePrefix('g', place), Buffer.from(group)])
}

export function topicKey(topic: TopicName): Bytes {
  return Buffer.from(`log.t\0${topic}`)
}

function placePrefix(kind: Kind, { topic, partition }: Place): Bytes {
  return Buffer.from(`log.${kind}\0${topic}\0${String.fromCharCode(partition)}`, 'latin1')
}

export function encodeState(state: PartitionState): Bytes {
  return new Uint8Array(Float64Array.of(state.next, state.lastMs, state.records, state.bytes).buffer)
}

export function decodeState(row: Bytes | undefined): PartitionState {
  const [next = 0, lastMs = 0, records = 0, bytes = 0] =
    row === undefined ? [] : new Float64Array(new Uint8Array(row).buffer)
  return { next, lastMs, records, bytes }
}

export function encodeNumber(value: number): Bytes {
  return new Uint8Array(Float64Array.of(value).buffer)
}

export function decodeNumber(row: Bytes): number {
  return new DataView(row.buffer, row.byteOffset).getFloat64(0, true)
}

/** The checksum covers the row's key too: a row in a wrong place is a wrong row. */
export function encodeHead(rowKey: Bytes, head: RecordHead): Bytes {
  const key = Buffer.from(head.key)
  const headers = Buffer.from(JSON.stringify(head.headers))
  const row = Buffer.alloc(FIXED_BYTES + key.length + headers.length + CRC_BYTES)
  row.writeUInt8(FORMAT, 0)
  row.writeUInt8(head.tombstone ? 1 : 0, 1)
  row.writeDoubleBE(head.appendedMs, 2)
  row.writeUInt32BE(head.valueBytes, 10)
  row.writeUInt32BE(head.valueCrc, 14)
  row.writeUInt16BE(key.length, 18)
  row.writeDoubleBE(head.wallMs, 20)
  key.copy(row, FIXED_BYTES)
  headers.copy(row, FIXED_BYTES + key.length)
  row.writeUInt32BE(crc32(row.subarray(0, -CRC_BYTES), crc32(rowKey)), row.length - CRC_BYTES)
  return row
}

/** `undefined` when the row is not what was written. */
export function decodeHead(rowKey: Bytes, bytes: Bytes): RecordHead | undefined {
  const row = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
  if (row.length < FIXED_BYTES + CRC_BYTES || row.readUInt8(0) !== FORMAT) return undefined
  if (crc32(row.subarray(0, -CRC_BYTES), crc32(rowKey)) !== row.readUInt32BE(row.length - CRC_BYTES)) return undefined
  const keyEnd = FIXED_BYTES + row.readUInt16BE(18)
  return {
    wallMs: row.readDoubleBE(20),
    appendedMs: row.readDoubleBE(2),
    tombstone: row.readUInt8(1) === 1,
    valueBytes: row.readUInt32BE(10),
    valueCrc: row.readUInt32BE(14),
    key: row.toString('utf8', FIXED_BYTES, keyEnd),
    headers: JSON.parse(row.toString('utf8', keyEnd, row.length - CRC_BYTES)),
  }
}
