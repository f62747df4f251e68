/** Appending, reading and removing records of the embedded log: what happens inside one transaction or one read. */

import { crc32 } from 'node:zlib'
import { invariant, TidemarkError } from '../../services/core/errors.ts'
import type { LogRecord, Outgoing } from '../../services/ports/message-log.ts'
import { PARTITIONS, TOPICS, type TopicName } from '../../topics/index.ts'
import type { Bytes, KvRead, KvTx } from './kv.ts'
import {
  decodeHead,
  decodeNumber,
  decodeState,
  encodeHead,
  encodeNumber,
  encodeState,
  newestKey,
  offsetOfKey,
  type PartitionState,
  type Place,
  type RecordHead,
  recordKey,
  recordRange,
  stateKey,
} from './log-rows.ts'

const VALUE_BYTES_MAX = 1_000_000
/** Of a key: on compacted topics it is part of an engine's key. */
const KEY_BYTES_MAX = 1_000
/** Set on a record whose row is not what was written; its value is what was found. */
const CORRUPT_HEADER = { 'tidemark-corrupt': '1' }
const EMPTY = new Uint8Array(0)

export interface Prepared {
  readonly partition: number
  readonly value: Uint8Array | null
  readonly head: Omit<RecordHead, 'appendedMs' | 'wallMs'>
}

export function partitionOf(key: string): number {
  return crc32(key) % PARTITIONS
}

/** Everything that needs no transaction. Throws `record-too-large` before anything is written. */
export function prepare(record: Outgoing): Prepared {
  const { key, value, headers = {}, partition = partitionOf(key) } = record
  invariant(Number.isInteger(partition) && partition >= 0 && partition < PARTITIONS, `no partition ${partition}`)
  const valueBytes = value?.length ?? 0
  if (valueBytes > VALUE_BYTES_MAX || Buffer.byteLength(key) > KEY_BYTES_MAX) {
    const detail = `a value of ${valueBytes} bytes under a key of ${key.length}, at most ${VALUE_BYTES_MAX} and ${KEY_BYTES_MAX}`
    throw new TidemarkError('record-too-large', detail, { key: key.slice(0, 200), valueBytes })
  }
  const valueCrc = value === null ? 0 : crc32(value)
  return { partition, value, head: { tombstone: value === null, valueBytes, valueCrc, key, headers } }
}

export interface Appended {
  readonly offsets: readonly number[]
  /** The state of every partition touched. */
  readonly states: ReadonlyMap<number, PartitionState>
  readonly bytes: number
}

export function append(tx: KvTx, topic: TopicName, records: readonly Prepared[], wallMs: number): Appended {
  const states = new Map<number, PartitionState>()
  let sum = 0
  const offsets = records.map(({ partition, value, head }) => {
    const place = { topic, partition }
    const before = states.get(partition) ?? stateOf(tx, place)
    const offset = before.next
    const lastMs = Math.max(wallMs, before.lastMs)
    const bytes = putRecord(tx, place, offset, { ...head, wallMs, appendedMs: lastMs }, value)
    sum += bytes
    const after = { next: offset + 1, lastMs, records: before.records + 1, bytes: before.bytes + bytes }
    states.set(partition, TOPICS[topic].retention === 'compacted' ? supersede(tx, place, after, head) : after)
    return offset
  })
  for (const [partition, state] of states) tx.put(stateKey({ topic, partition }), encodeState(state))
  return { offsets, states, bytes: sum }
}

export function stateOf(kv: KvRead, place: Place): PartitionState {
  return decodeState(kv.get(stateKey(place)))
}

function putRecord(tx: KvTx, place: Place, offset: number, head: RecordHead, value: Uint8Array | null): number {
  const key = recordKey('h', place, offset)
  const row = encodeHead(key, head)
  tx.put(key, row)
  if (value !== null) tx.put(recordKey('v', place, offset), value)
  return row.length + head.valueBytes
}

/** A compacted topic holds one record a key at any time: the older one goes in the transaction that brings the newer. */
function supersede(tx: KvTx, place: Place, state: PartitionState, head: Prepared['head']): PartitionState {
  const offset = state.next - 1
  const newest = newestKey(place, head.key)
  const older = tx.get(newest)
  tx.put(newest, encodeNumber(offset))
  if (head.tombstone) tx.put(recordKey('d', place, offset), EMPTY)
  return older === undefined ? state : without(state, [removeRecord(tx, place, decodeNumber(older))])
}

function without(state: PartitionState, removed: readonly number[]): PartitionState {
  const bytes = removed.reduce((sum, size) => sum + size, 0)
  return { ...state, records: state.records - removed.length, bytes: state.bytes - bytes }
}

/** How many bytes its rows took. */
function removeRecord(tx: KvTx, place: Place, offset: number): number {
  const headKey = recordKey('h', place, offset)
  const valueKey = recordKey('v', place, offset)
  const bytes = (tx.get(headKey)?.length ?? 0) + (tx.get(valueKey)?.length ?? 0)
  for (const key of [headKey, valueKey, recordKey('d', place, offset)]) tx.delete(key)
  return bytes
}

/** Removes from the front what was appended before `beforeMs`, at most `limit` records; how many it removed. A row whose age can't be read goes with the next one. */
export function removeOlder(tx: KvTx, place: Place, beforeMs: number, limit: number): number {
  const state = stateOf(tx, place)
  const offsets: number[] = []
  let known = 0
  for (const { key, value } of tx.range({ ...recordRange('h', place, 0, state.next), limit })) {
    const head = decodeHead(key, value)
    if (head !== undefined && head.appendedMs >= beforeMs) break
    offsets.push(offsetOfKey(key))
    if (head !== undefined || beforeMs === Number.POSITIVE_INFINITY) known = offsets.length
  }
  const doomed = known === 0 && offsets.length === limit ? offsets : offsets.slice(0, known)
  const removed = doomed.map((offset) => removeRecord(tx, place, offset))
  if (removed.length > 0) tx.put(stateKey(place), encodeState(without(state, removed)))
  return removed.length
}

export function hasTombstones(kv: KvRead, place: Place): boolean {
  return [...kv.range({ ...recordRange('d', place, 0, Number.MAX_SAFE_INTEGER), limit: 1 })].length > 0
}

/** Removes tombstones appended before `beforeMs` and what remembers their keys, at most `limit`; how many it removed. */
export function removeTombstones(tx: KvTx, place: Place, beforeMs: number, limit: number): number {
  const state = stateOf(tx, place)
  const removed: number[] = []
  for (const { key } of [...tx.range({ ...recordRange('d', place, 0, state.next), limit })]) {
    const offset = offsetOfKey(key)
    const row = tx.get(recordKey('h', place, offset))
    const head = row === undefined ? undefined : decodeHead(recordKey('h', place, offset), row)
    if (head !== undefined && head.appendedMs >= beforeMs) break
    if (head !== undefined) tx.delete(newestKey(place, head.key))
    removed.push(removeRecord(tx, place, offset))
  }
  if (removed.length > 0) tx.put(stateKey(place), encodeState(without(state, removed)))
  return removed.length
}

export interface ReadRequest extends Place {
  readonly from: number
  /** Records before this offset only. */
  readonly to: number
  readonly maxRecords: number
  readonly maxBytes: number
  readonly headersOnly: boolean
}

/** In offset order; at least one record where there is any. */
export function read(kv: KvRead, request: ReadRequest): LogRecord[] {
  const records: LogRecord[] = []
  let bytes = 0
  const range = { ...recordRange('h', request, request.from, request.to), limit: request.maxRecords }
  for (const row of kv.range(range)) {
    const offset = offsetOfKey(row.key)
    const head = decodeHead(row.key, row.value)
    if (!request.headersOnly) bytes += head?.valueBytes ?? 0
    if (records.length > 0 && bytes > request.maxBytes) break
    records.push(recordAt(kv, request, offset, head))
  }
  return records
}

function recordAt(kv: KvRead, request: ReadRequest, offset: number, head: RecordHead | undefined): LogRecord {
  const { topic, partition, headersOnly } = request
  const value = head?.tombstone === true ? null : headersOnly ? EMPTY : kv.get(recordKey('v', request, offset))
  if (head === undefined) {
    return { topic, partition, offset, appendedMs: 0, key: '', value: value ?? EMPTY, headers: CORRUPT_HEADER }
  }
  const sound = value === null || headersOnly || isSound(head, value)
  const headers = sound ? head.headers : { ...head.headers, ...CORRUPT_HEADER }
  const found = value === undefined ? EMPTY : value
  return { topic, partition, offset, appendedMs: head.wallMs, key: head.key, value: found, headers }
}

function isSound(head: RecordHead, value: Bytes | undefined): boolean {
  return value !== undefined && value.length === head.valueBytes && crc32(value) === head.valueCrc
}

/** The first kept record and when it was appended (0 when its row is corrupt); `undefined` when the partition is empty. */
export function firstKept(
  kv: KvRead,
  place: Place,
  from: number,
  to: number,
): { readonly offset: number; readonly appendedMs: number } | undefined {
  for (const { key, value } of kv.range({ ...recordRange('h', place, from, to), limit: 1 })) {
    return { offset: offsetOfKey(key), appendedMs: decodeHead(key, value)?.appendedMs ?? 0 }
  }
  return undefined
}

/** Offset of the first record appended at or after `wallMs`, `next` when there is none. Times never go back inside a partition. */
export function offsetAt(kv: KvRead, place: Place, next: number, wallMs: number): number {
  let low = firstKept(kv, place, 0, next)?.offset ?? next
  let high = next
  while (low < high) {
    const middle = low + Math.floor((high - low) / 2)
    const found = firstKept(kv, place, middle, high)
    if (found !== undefined && found.appendedMs < wallMs) low = found.offset + 1
    else high = middle
  }
  return low
}
