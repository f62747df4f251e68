/** Every row of a journal's file that can be read, by kind, and every reason to think that others were there. */

import { type Meta, PageFile, type Place } from './file-check-pages.ts'
import { repairedRow } from './file-check-repair.ts'
import { type Fault, type Survey, survey } from './file-check-survey.ts'
import { KIND } from './journal-rows.ts'
import type { Bytes } from './kv.ts'
import { isSealed } from './row-bytes.ts'
import { KeySpace, successor } from './row-keys.ts'

/** The format byte of each kind of row that carries a checksum. */
const FORMATS: Readonly<Record<string, number>> = {
  [KIND.state]: 0x63,
  [KIND.id]: 0x6a,
  [KIND.stores]: 0x6a,
  [KIND.epoch]: 0x6a,
  [KIND.block]: 0x6b,
  [KIND.leaf]: 0x6c,
  [KIND.bumped]: 0x62,
  [KIND.manifest]: 0x6d,
  [KIND.series]: 0x64,
  s: 0x64,
  l: 0x64,
  [KIND.outage]: 0x6a,
  [KIND.fact]: 0x6a,
  [KIND.idempotency]: 0x6a,
}
/** The lengths of the values of the others. */
const LENGTHS: Readonly<Record<string, number>> = { [KIND.chained]: 1, [KIND.changed]: 8, [KIND.idempotencyByTime]: 0 }
const DIRECTORY = Buffer.from('J\0\0', 'latin1')
/** Every journal has its file to itself, so it is always the first of its file. */
const SPACE = Uint8Array.of(0x4a, 0, 1)
const PREFIX_BYTES = SPACE.length

export interface JournalRow {
  readonly key: Bytes
  readonly place: Place
  /** Where it is not as in the file: one bit of it was put right, or it comes from the copy of names. */
  readonly repaired?: Bytes
}

export interface JournalRows extends Disposable {
  readonly file: PageFile
  readonly meta: Meta
  readonly survey: Survey
  readonly space: KeySpace
  /** Of the directory, where it can be read. */
  readonly gateway: string | undefined
  readonly byKind: ReadonlyMap<string, readonly JournalRow[]>
  readonly faults: readonly Fault[]
  /** Of rows whose values are not what was written under such a key. */
  readonly unsound: readonly Place[]
  of(kind: string): readonly JournalRow[]
  valueOf(row: JournalRow): Bytes | undefined
  /** Whether a row of this key may have been lost. */
  mayLack(key: Bytes): boolean
  /** Whether rows from the first key to before the second may have been lost. */
  mayLackBetween(from: Bytes, to: Bytes): boolean
}

function journalSpace(): KeySpace {
  return new KeySpace(SPACE)
}

/** The letter of a key's kind; undefined when it is none of a journal. */
export function kindOf(key: Bytes): string | undefined {
  if (Buffer.compare(key.subarray(0, PREFIX_BYTES), SPACE) !== 0) return undefined
  const kind = String.fromCharCode(key[PREFIX_BYTES] ?? 0)
  return FORMATS[kind] === undefined && LENGTHS[kind] === undefined ? undefined : kind
}

/** Undefined when the row is not what was written. */
export function soundValue(
  kind: string,
  value: Bytes,
): { readonly value: Bytes; readonly repaired: boolean } | undefined {
  const format = FORMATS[kind]
  if (format === undefined) return value.length === LENGTHS[kind] ? { value, repaired: false } : undefined
  if (isSealed(value, format)) return { value, repaired: false }
  const repaired = repairedRow(value)
  return repaired !== undefined && isSealed(repaired, format) ? { value: repaired, repaired: true } : undefined
}

/** The metas of a file that can be read, the newest first. */
export function metasOf(file: PageFile): readonly Meta[] {
  const first = file.meta(0)
  if (first !== undefined) file.pageBytes = first.pageBytes
  const second = file.meta(1)
  if (first === undefined && second !== undefined) file.pageBytes = second.pageBytes
  return [first, second].filter((meta) => meta !== undefined).sort((x, y) => y.transaction - x.transaction)
}

/** In words, why the metas are not those of a file that was left by a commit; empty when they are. */
export function metaFaults(file: PageFile, metas: readonly Meta[]): readonly string[] {
  const [newer, older] = metas
  if (newer === undefined) return ['neither of the two pages it begins with can be read']
  if (older === undefined) return [`meta page ${1 - newer.slot} can't be read`]
  const faults = metas
    // A file without a commit has two of number 0.
    .filter((meta) => meta.transaction > 0 && meta.transaction % 2 !== meta.slot)
    .map(({ slot }) => `meta page ${slot} is not its turn's`)
  const isNew = newer.transaction <= 1
  if (newer.transaction - older.transaction !== 1 && !isNew)
    faults.push('the two meta pages are not of neighbouring commits')
  if (newer.pageBytes !== older.pageBytes) faults.push('the two meta pages name different sizes of a page')
  if (!isNew && !isOfCommit(file, newer)) faults.push('the trees of the newest commit are not its own')
  return faults
}

/** A commit writes at least one of the roots anew. */
function isOfCommit(file: PageFile, { main, free, transaction }: Meta): boolean {
  return [main.root, free.root].some((root) => {
    const page = root === undefined ? undefined : file.page(root)
    return page !== undefined && page.kind !== 'broken' && page.transaction === transaction
  })
}

export function readJournalRows(path: string, meta?: Meta): JournalRows | undefined {
  const file = new PageFile(path)
  const [newest] = metasOf(file)
  const chosen = meta ?? newest
  if (chosen !== undefined) return new Reading(file, chosen)
  file[Symbol.dispose]()
  return undefined
}

class Reading implements JournalRows {
  readonly file: PageFile
  readonly meta: Meta
  readonly survey: Survey
  readonly space = journalSpace()
  readonly byKind = new Map<string, JournalRow[]>()
  readonly faults: Fault[] = []
  readonly unsound: Place[] = []
  gateway: string | undefined

  constructor(file: PageFile, meta: Meta) {
    this.file = file
    this.meta = meta
    file.pageBytes = meta.pageBytes
    file.warm()
    this.survey = survey(file, meta, {
      row: (key, value, place) => this.#row(key, value, place),
      fault: (fault) => this.faults.push(fault),
    })
  }

  [Symbol.dispose](): void {
    this.file[Symbol.dispose]()
  }

  of(kind: string): readonly JournalRow[] {
    return this.byKind.get(kind) ?? []
  }

  valueOf({ place, repaired }: JournalRow): Bytes | undefined {
    return repaired ?? this.file.valueAt(place)
  }

  mayLack(key: Bytes): boolean {
    return this.mayLackBetween(key, successor(key))
  }

  mayLackBetween(from: Bytes, to: Bytes): boolean {
    return this.faults.some(
      (fault) => Buffer.compare(fault.from, to) < 0 && (fault.to === undefined || Buffer.compare(fault.to, from) > 0),
    )
  }

  #row(key: Bytes, value: Bytes, place: Place): void {
    if (Buffer.compare(key.subarray(0, DIRECTORY.length), DIRECTORY) === 0) this.#directory(key, value)
    else this.#journalRow(key, value, place)
  }

  #journalRow(key: Bytes, value: Bytes, place: Place): void {
    const kind = kindOf(key)
    const sound = kind === undefined ? undefined : soundValue(kind, value)
    if (sound === undefined) this.unsound.push(place)
    if (kind === undefined) this.#fault('a row of no known kind', key)
    else if (sound === undefined) this.#fault(`the checksum of a row of kind ${kind} is wrong`, key)
    else {
      if (sound.repaired) this.#fault(`one bit of a row of kind ${kind} had flipped`, key, key)
      const row = { key: Uint8Array.from(key), place, ...(sound.repaired ? { repaired: sound.value } : {}) }
      const rows = this.byKind.get(kind)
      if (rows === undefined) this.byKind.set(kind, [row])
      else rows.push(row)
    }
  }

  #directory(key: Bytes, value: Bytes): void {
    if (this.gateway === undefined && Buffer.compare(value, SPACE.subarray(1)) === 0) {
      this.gateway = Buffer.from(key.subarray(DIRECTORY.length)).toString('utf8')
    } else this.#fault('the directory names no journal, or more than one', key)
  }

  #fault(what: string, from: Bytes, to: Bytes = successor(from)): void {
    this.faults.push({ what, from: Uint8Array.from(from), to: Uint8Array.from(to) })
  }
}
