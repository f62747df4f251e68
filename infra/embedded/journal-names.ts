/**
 * The rows of a journal without which its blocks can't be read: its id, what the numbers in its dictionaries mean, and its epochs. They stand on few
 * pages, so they have a copy outside the file (`journal-names-file.ts`): a line a row, `CHECKSUM [letter, number, content]`. None of them ever changes.
 */

import { crc32 } from 'node:zlib'
import type { Epoch } from '../../schemas/reading.ts'
import type { EpochState } from './journal-epochs.ts'
import { KIND, readJson, TEXT_KINDS } from './journal-rows.ts'
import type { Bytes, KvRead } from './kv.ts'
import { ByteReader, ByteWriter, isSealed, SEAL_BYTES } from './row-bytes.ts'
import { type KeySpace, readU32Field } from './row-keys.ts'

export interface NamedEpoch {
  readonly epoch: Epoch
  /** Readings accepted in earlier epochs: so the next one says how far this one went. */
  readonly acceptedBefore: number
}

/** A number of a dictionary and its text; the id, under number 0; or an epoch, under its ordinal. */
export type NameRow = readonly [kind: string, number: number, content: string | NamedEpoch]

export interface ReadNames {
  readonly rows: readonly NameRow[]
  /** Whether every line is as it was written. */
  readonly isWhole: boolean
}

const TEXT_FORMAT = 0x64
const SUM_DIGITS = 8
const LINE_END = 0x0a

export function namesText(rows: Iterable<NameRow>): string {
  let text = ''
  for (const row of rows) {
    const json = JSON.stringify(row)
    text += `${sumOf(Buffer.from(json))} ${json}\n`
  }
  return text
}

/** Lines that are not as they were written are left out. */
export function parseNames(bytes: Buffer): ReadNames {
  const rows: NameRow[] = []
  let isWhole = true
  let at = 0
  while (at < bytes.length) {
    const end = bytes.indexOf(LINE_END, at)
    const row = end < 0 ? undefined : rowIn(bytes.subarray(at, end))
    if (row === undefined) isWhole = false
    else rows.push(row)
    at = end < 0 ? bytes.length : end + 1
  }
  return { rows, isWhole }
}

/** As the journal's file has them. */
export function* namesIn(kv: KvRead, space: KeySpace): Generator<NameRow> {
  const id = kv.get(space.key(KIND.id))
  if (id !== undefined) yield [KIND.id, 0, readJson<string>(id, 'the id of the journal')]
  for (const kind of TEXT_KINDS) {
    for (const { key, value } of kv.range(space.all(kind))) if (isSealed(value, TEXT_FORMAT)) yield textName(key, value)
  }
  for (const { value } of kv.range(space.all(KIND.epoch)))
    yield epochName(readJson<EpochState>(value, 'the row of an epoch'))
}

/** Of a row of a dictionary. */
export function textName(key: Bytes, value: Bytes): NameRow {
  const kind = String.fromCharCode(key[key.length - 5] ?? 0)
  return [kind, readU32Field(key, key.length - 4), new ByteReader().over(value, SEAL_BYTES).text()]
}

export function epochName({ ordinal, epoch, acceptedBefore }: EpochState): NameRow {
  return [KIND.epoch, ordinal, { epoch, acceptedBefore }]
}

/** The row of a dictionary for this text. */
export function textRow(text: string): Bytes {
  const writer = new ByteWriter()
  writer.startSealed()
  writer.text(text)
  return writer.sealed(TEXT_FORMAT)
}

function rowIn(line: Buffer): NameRow | undefined {
  const json = line.subarray(SUM_DIGITS + 1)
  if (line.toString('latin1', 0, SUM_DIGITS + 1) !== `${sumOf(json)} `) return undefined
  return JSON.parse(json.toString('utf8')) as NameRow
}

function sumOf(bytes: Bytes): string {
  return crc32(bytes).toString(16).padStart(SUM_DIGITS, '0')
}
