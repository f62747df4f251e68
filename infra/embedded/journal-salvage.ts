/**
 * Writes what can be read of a damaged journal to a new file, which is sound: readings keep their positions, positions that can't be read are declared
 * void. Manifests go on counting what was lost: `verify` finds a day equal when all of it had landed before (or was offered again), and else says which
 * sensor and day lack how many.
 */

import { rmSync } from 'node:fs'
import type { GatewayId, Range } from '../../schemas/reading.ts'
import type { Random } from '../../services/ports/clock.ts'
import { blockOf } from './journal-blocks.ts'
import { isInPlace } from './journal-check.ts'
import { type JournalRow, kindOf } from './journal-check-rows.ts'
import { textRow } from './journal-names.ts'
import { readNames } from './journal-names-file.ts'
import { type Counters, countersRow, jsonRow, KIND, TEXT_KINDS } from './journal-rows.ts'
import { isUntouched, planSalvage, type SalvagePlan } from './journal-salvage-plan.ts'
import { restoreReadings } from './journal-salvage-readings.ts'
import { readSalvageable, type Salvageable } from './journal-salvage-rows.ts'
import { asEpoch, JournalStorage } from './journal-storage.ts'
import type { Bytes, Kv } from './kv.ts'
import { openLmdbKv } from './lmdb-kv.ts'
import { ByteWriter } from './row-bytes.ts'
import { makeKeySpace, readU32Field, TIME_BYTES, u32Field, u48Field } from './row-keys.ts'

export interface SalvageOptions {
  readonly path: string
  /** Where the new file goes; what is there is removed. */
  readonly target: string
  /** The copy of its names, where there is one. */
  readonly names?: string
  readonly gateway: GatewayId
  readonly random: Random
}

export interface SalvageReport {
  /** Held by the new file. */
  readonly readings: number
  /** Positions that could not be read, now declared void. */
  readonly voided: readonly { readonly epoch: string; readonly ranges: readonly Range[] }[]
  /** Epochs that may have gone further than could be read: one more void position stands for the rest. */
  readonly endUnknown: readonly string[]
  /** How many names the file had lost and the copy gave. */
  readonly copied: number
  /** What else is not as it was, in words. */
  readonly notes: readonly string[]
}

const BATCH_BYTES = 4_000_000
/** Far above the version of any manifest row a journal can come to. */
const VERSION_UNKNOWN = 2 ** 40
/** More than a commit that could not be read may have counted. */
const VERSION_STEP = 2 ** 20

export async function salvageJournal(options: SalvageOptions): Promise<SalvageReport> {
  const { path, target, gateway, random } = options
  const names = options.names === undefined ? undefined : readNames(options.names)
  for (const old of [target, `${target}-lock`]) rmSync(old, { force: true })
  using found = readSalvageable(path, names?.rows)
  await using kv = openLmdbKv(target)
  const space = await kv.write((tx) => makeKeySpace(tx, 'J', gateway))
  if (found === undefined) {
    await kv.write((tx) => tx.put(space.key(KIND.id), jsonRow(random.hex(8))))
    return { readings: 0, voided: [], endUnknown: [], copied: 0, notes: ['nothing of the file could be read'] }
  }
  const plan = planSalvage(found, gateway, () => asEpoch(random.hex(8)))
  await copyRows(kv, found, plan, random)
  const storage = new JournalStorage(kv, space, gateway)
  await restoreReadings(storage, found, plan)
  const { held } = storage.epochs.totals()
  await storage.close()
  return {
    readings: held,
    voided: plan.voided,
    endUnknown: plan.endUnknown,
    copied: found.copied ?? 0,
    notes: notesOn(found, plan),
  }
}

async function copyRows(kv: Kv, found: Salvageable, plan: SalvagePlan, random: Random): Promise<void> {
  const counters = countersFor(found, plan)
  const key = found.rows.space.key(KIND.state)
  let batch: (readonly [Bytes, Bytes])[] = []
  let batchBytes = 0
  const flush = (): Promise<void> => {
    const rows = batch
    batch = []
    batchBytes = 0
    return kv.write((tx) => {
      for (const [key, value] of rows) tx.put(key, value)
    })
  }
  for (const row of rowsToKeep(found, plan, random)) {
    const bytes = row[0].length + row[1].length
    const kind = kindOf(row[0])
    if (kind !== KIND.id) counters.bytes += bytes
    if (kind === KIND.block) counters.blockBytes += bytes
    batch.push(row)
    batchBytes += bytes
    if (batchBytes > BATCH_BYTES) await flush()
  }
  counters.bytes += key.length + countersRow(counters).length
  batch.push([key, countersRow(counters)])
  await flush()
}

function countersFor(found: Salvageable, { counters, epochs, blocks }: SalvagePlan): Counters {
  const epochOrdinal = epochs.reduce((most, { ordinal }) => Math.max(most, ordinal), 0)
  const accepted = epochs.map(({ acceptedBefore, lastSeq }) => acceptedBefore + lastSeq)
  return {
    accepted: Math.max(counters?.accepted ?? 0, ...accepted),
    version: (counters?.version ?? VERSION_UNKNOWN) + VERSION_STEP,
    bytes: 0,
    blockBytes: 0,
    indexFrom: counters?.indexFrom ?? 0,
    clockMs: counters?.clockMs ?? newestBlockMs(found, blocks),
    epochOrdinal,
    lastSeq: epochs.find(({ ordinal }) => ordinal === epochOrdinal)?.lastSeq ?? 0,
  }
}

function newestBlockMs({ rows }: Salvageable, blocks: SalvagePlan['blocks']): number {
  const times = blocks.flatMap(({ found }) => {
    const value = rows.valueOf(found)
    return value === undefined ? [] : [blockOf(found.key, value).acceptedMs]
  })
  return times.reduce((newest, ms) => (newest >= ms ? newest : ms), Number.NaN)
}

function* rowsToKeep(found: Salvageable, plan: SalvagePlan, random: Random): Generator<readonly [Bytes, Bytes]> {
  const { space } = found.rows
  const copy = function* (rows: readonly JournalRow[]): Generator<readonly [Bytes, Bytes]> {
    for (const row of rows) {
      const value = found.rows.valueOf(row)
      if (value !== undefined) yield [row.key, value]
    }
  }
  const { id, stores, leaf, bumped, chained, manifest, outage, fact, idempotency, idempotencyByTime } = KIND
  if (found.of(id).length === 0) yield [space.key(id), jsonRow(random.hex(8))]
  for (const kind of [id, stores, ...TEXT_KINDS, bumped, chained, manifest]) yield* copy(found.of(kind))
  for (const kind of [outage, fact, idempotency, idempotencyByTime]) yield* copy(found.of(kind))
  for (const state of plan.epochs) yield [space.key(KIND.epoch, u32Field(state.ordinal)), jsonRow(state)]
  for (const block of plan.blocks) {
    const value = isUntouched(block) ? found.rows.valueOf(block.found) : undefined
    if (value !== undefined) yield [space.key(KIND.block, u32Field(block.ordinal), u48Field(block.first)), value]
  }
  yield* copy(found.of(leaf).filter((row, i, all) => isInPlace(found.rows, row, all[i + 1])))
  yield* lostTexts(found)
  yield* changedRows(found)
}

/** What stands in a dictionary for a number whose text is lost: it must not be given to another, because rows know the old one by it. */
const LOST_TEXTS: readonly (readonly [kind: string, text: (id: number) => string])[] = [
  [KIND.series, (id) => `corrupt\0lost-${id}`],
  ['s', (id) => JSON.stringify([`dlost-${id}`])],
  ['l', (id) => JSON.stringify({ lost: String(id) })],
]

function* lostTexts(found: Salvageable): Generator<readonly [Bytes, Bytes]> {
  const { space } = found.rows
  const inIndex = found.of(KIND.leaf).map(({ key }) => readU32Field(key, key.length - TIME_BYTES - 4))
  for (const [kind, textOf] of LOST_TEXTS) {
    const known = new Set(found.of(kind).map(({ key }) => readU32Field(key, key.length - 4)))
    const used = kind === KIND.series ? [...known, ...inIndex] : [...known]
    const last = used.reduce((most, id) => Math.max(most, id), 0)
    for (let id = 1; id <= last; id++) {
      if (known.has(id)) continue
      yield [space.key(kind, u32Field(id)), textRow(textOf(id))]
    }
  }
}

/** Which manifests are to be published; where that was lost, all are looked at. */
function* changedRows(found: Salvageable): Generator<readonly [Bytes, Bytes]> {
  const { space } = found.rows
  const { from, to } = space.all(KIND.changed)
  const kept = new Set<string>()
  for (const row of found.of(KIND.changed)) {
    const value = found.rows.valueOf(row)
    if (value === undefined) continue
    kept.add(Buffer.from(row.key.subarray(-8)).toString('latin1'))
    yield [row.key, value]
  }
  if (!found.rows.mayLackBetween(from, to)) return
  const writer = new ByteWriter()
  writer.f64(VERSION_UNKNOWN)
  for (const { key } of found.of(KIND.manifest)) {
    const bucket = key.subarray(-8)
    if (!kept.has(Buffer.from(bucket).toString('latin1'))) yield [space.key(KIND.changed, bucket), writer.copy()]
  }
}

const LACKING: readonly (readonly [kinds: readonly string[], note: string])[] = [
  [[KIND.state], 'its counters may be gone'],
  [
    [KIND.leaf, KIND.bumped, KIND.chained],
    'part of the index was made again: repetitions of older readings may be taken as new',
  ],
  [[KIND.manifest], 'manifests were counted again from the readings still held: verify may find older days differing'],
  [[KIND.outage], 'records of outages may be gone'],
  [[KIND.fact], 'positions on the downlink may be gone: it is read again'],
  [[KIND.idempotency], 'answers to idempotency keys may be gone'],
]

function notesOn(found: Salvageable, plan: SalvagePlan): readonly string[] {
  const { rows } = found
  const notes = found.isNewest ? [] : ['it is not certain that the newest commit was found']
  if (rows.survey.free === undefined)
    notes.push('the list of free pages was damaged: the whole file was looked through')
  notes.push(...notesOnNames(found, plan))
  for (const [kinds, note] of LACKING) {
    const may = kinds.some((kind) => rows.mayLackBetween(rows.space.all(kind).from, rows.space.all(kind).to))
    if (may) notes.push(note)
  }
  if (plan.counters === undefined) notes.push('how far the newest epoch went could not be read')
  return notes
}

function notesOnNames(found: Salvageable, { undecoded, renamed }: SalvagePlan): readonly string[] {
  const notes: string[] = []
  if (found.copied === undefined) notes.push('the copy of names beside it is that of another journal and was not used')
  if (found.of(KIND.id).length === 0)
    notes.push('the id of the journal is a new one: its manifests are counted beside the old ones')
  if (renamed > 0)
    notes.push(
      'names of epochs may be gone: what was accepted under them is void under new names, and stays open under the old ones where those are known, until it is written off',
    )
  if (undecoded > 0) notes.push(`names are gone, and with them ${undecoded} readings that were kept`)
  else if (!lostTexts(found).next().done) notes.push('names of sensors that had sent before are gone')
  return notes
}
