/**
 * Whether the file of a journal is what its journal wrote: pages, checksums of rows, and what rows say of each other. Reads without the engine and
 * changes nothing. Names of facts, outages and idempotency keys have no checksum: a row that got another name is not found out.
 */

import type { RangeSet } from '../../services/core/range-set.ts'
import { rangeSet, size, subtract } from '../../services/core/range-set.ts'
import { PageFile } from './file-check-pages.ts'
import { blockOf } from './journal-blocks.ts'
import { type JournalRow, type JournalRows, metaFaults, metasOf, readJournalRows } from './journal-check-rows.ts'
import { type EpochState, heldSet } from './journal-epochs.ts'
import { type Counters, KIND, readCounters, readJson, TEXT_KINDS } from './journal-rows.ts'
import type { Bytes, KvRead } from './kv.ts'
import { Leaf, visitEntries } from './leaf.ts'
import { readTimeField, readU32Field, readU48Field, TIME_BYTES } from './row-keys.ts'

export interface FileReport {
  readonly path: string
  readonly bytes: number
  readonly sound: boolean
  /** In words. The first hundred. */
  readonly faults: readonly string[]
}

/** Rows by kind, wherever they were found. */
type ReadableRows = Pick<JournalRows, 'of' | 'valueOf' | 'space'>

const FAULTS_MAX = 100
/** Below every time: the key of the first leaf of a series. */
const BEGINNING_MS = -(2 ** 46)

export function checkJournal(path: string): FileReport {
  const faults: string[] = []
  const bytes = sizeOf(path, faults)
  using rows = bytes === 0 ? undefined : readJournalRows(path)
  if (bytes === 0) faults.push('it is empty')
  if (rows !== undefined) faults.push(...rows.faults.map(({ what }) => what), ...journalFaults(rows))
  return { path, bytes, sound: faults.length === 0, faults: faults.slice(0, FAULTS_MAX) }
}

function sizeOf(path: string, faults: string[]): number {
  using file = new PageFile(path)
  if (file.bytes > 0) faults.push(...metaFaults(file, metasOf(file)))
  return file.bytes
}

/** What the rows that can be read say of each other. */
function journalFaults(rows: JournalRows): readonly string[] {
  const faults: string[] = []
  const { file, meta } = rows
  // Its gateway was killed before it had written anything.
  if (meta.transaction === 0 && file.pages === 2) return faults
  const counters = countersOf(rows)
  const epochs = epochsOf(rows, counters)
  if (rows.gateway === undefined) faults.push('the name of its gateway is not there')
  if (rows.of(KIND.id).length === 0) faults.push('its id is not there')
  const hasMore = [...rows.byKind.keys()].some((kind) => kind !== KIND.id)
  if (hasMore && counters === undefined) faults.push('its counters are not there')
  const newest = counters?.epochOrdinal ?? 0
  if (newest > 0 && !epochs.some(({ ordinal }) => ordinal === newest)) faults.push('its newest epoch is not there')
  const held = new Map(epochs.map((epoch) => [epoch.ordinal, heldSet(epoch)]))
  const inBlocks = positionsInBlocks(rows, epochs)
  for (const ordinal of new Set([...held.keys(), ...inBlocks.keys()])) {
    const lacking = size(subtract(held.get(ordinal) ?? [], inBlocks.get(ordinal) ?? []))
    const tooMany = size(subtract(inBlocks.get(ordinal) ?? [], held.get(ordinal) ?? []))
    if (lacking > 0) faults.push(`${lacking} readings of epoch ${ordinal} are not where they were kept`)
    if (tooMany > 0) faults.push(`${tooMany} readings are kept of epoch ${ordinal} that it does not hold`)
  }
  for (const kind of TEXT_KINDS) if (!isWithoutHoles(rows.of(kind))) faults.push(`rows of kind ${kind} are gone`)
  const misplaced = rows.of(KIND.leaf).filter((row, i, all) => !isInPlace(rows, row, all[i + 1])).length
  if (misplaced > 0) faults.push(`${misplaced} leaves of the index are not where they belong`)
  return faults
}

export function countersOf(rows: ReadableRows): Counters | undefined {
  const [row] = rows.of(KIND.state)
  const value = row === undefined ? undefined : rows.valueOf(row)
  return value === undefined ? undefined : readCounters(oneRow(value), rows.space)
}

function oneRow(value: Bytes): KvRead {
  return { get: () => value, range: () => [] }
}

/** In order; the newest goes as far as the counters say. */
export function epochsOf(rows: ReadableRows, counters: Counters | undefined): readonly EpochState[] {
  return rows.of(KIND.epoch).flatMap((row) => {
    const value = rows.valueOf(row)
    const state = value === undefined ? undefined : readJson<EpochState>(value, 'the row of an epoch')
    if (state === undefined || state.ordinal !== readU32Field(row.key, row.key.length - 4)) return []
    return [state.ordinal === counters?.epochOrdinal ? { ...state, lastSeq: counters.lastSeq } : state]
  })
}

/** By the number of the epoch in the key; blocks that say that they belong elsewhere are none. */
function positionsInBlocks(rows: JournalRows, epochs: readonly EpochState[]): ReadonlyMap<number, RangeSet> {
  const names = new Map(epochs.map(({ ordinal, epoch }) => [ordinal, epoch]))
  const found = new Map<number, (readonly [number, number])[]>()
  for (const row of rows.of(KIND.block)) {
    const value = rows.valueOf(row)
    const ordinal = readU32Field(row.key, row.key.length - 10)
    const block = value === undefined ? undefined : blockOf(row.key, value)
    if (block?.epochId !== names.get(ordinal) || block?.first !== readU48Field(row.key, row.key.length - 6)) continue
    const ranges = found.get(ordinal)
    if (ranges === undefined) found.set(ordinal, [[block.first, block.last]])
    else ranges.push([block.first, block.last])
  }
  return new Map([...found].map(([ordinal, ranges]) => [ordinal, rangeSet(ranges)]))
}

/** Numbers are given one after the other. */
function isWithoutHoles(rows: readonly JournalRow[]): boolean {
  return rows.every(({ key }, i) => readU32Field(key, key.length - 4) === i + 1)
}

/** All times of a leaf lie between its key and that of the next leaf of its series. */
export function isInPlace(rows: JournalRows, row: JournalRow, next: JournalRow | undefined): boolean {
  const value = rows.valueOf(row)
  if (value === undefined) return false
  const series = readU32Field(row.key, row.key.length - TIME_BYTES - 4)
  const from = readTimeField(row.key, row.key.length - TIME_BYTES)
  let isAfterKey = true
  visitEntries(value, 'journal-corrupt', (ms, ns) => {
    isAfterKey = from.ms === BEGINNING_MS || ms > from.ms || (ms === from.ms && ns >= from.ns)
    return false
  })
  const isLast = next === undefined || readU32Field(next.key, next.key.length - TIME_BYTES - 4) !== series
  if (isLast || next === undefined) return isAfterKey
  const end = readTimeField(next.key, next.key.length - TIME_BYTES)
  return isAfterKey && Leaf.of(series, from.ms, from.ns, value, 'journal-corrupt').isPastEnd(end.ms, end.ns)
}
