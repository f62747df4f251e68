/**
 * What can be read of a damaged journal file: the rows its trees lead to, and those on pages that nothing leads to any more. A page that no tree and no
 * list of free pages names belongs to the newest commit, when the list is whole: its rows are as good as any. Else it may be an old one,
 * and of its rows only those are believed that never change. Blocks of readings never do, and say themselves where they belong.
 */

import { type Meta, type Node, PAGE_HEADER_BYTES, type PageFile, type Tree } from './file-check-pages.ts'
import { BLOCK_HEADER_BYTES, blockOf } from './journal-blocks.ts'
import {
  type JournalRow,
  type JournalRows,
  kindOf,
  metaFaults,
  metasOf,
  readJournalRows,
  soundValue,
} from './journal-check-rows.ts'
import type { EpochState } from './journal-epochs.ts'
import { type NamedEpoch, type NameRow, textRow } from './journal-names.ts'
import { jsonRow, KIND, readJson, TEXT_KINDS } from './journal-rows.ts'
import type { Bytes } from './kv.ts'
import { ByteReader } from './row-bytes.ts'
import { u32Field } from './row-keys.ts'

export interface FoundBlock extends JournalRow {
  readonly inTree: boolean
}

export interface Salvageable extends Disposable {
  readonly rows: JournalRows
  /** Rows of one kind, in order of their keys, those from lost pages and from the copy of names among them. */
  of(kind: string): readonly JournalRow[]
  readonly blocks: readonly FoundBlock[]
  /** What the copy of names says of epochs, by their ordinal. */
  readonly namedEpochs: ReadonlyMap<number, NamedEpoch>
  /** How many names the trees of the file lack and the copy has; undefined when the copy is another journal's. */
  readonly copied: number | undefined
  /** Whether this surely is the newest commit of the file. */
  readonly isNewest: boolean
  /** Every row that can be lost is known to be lost between the keys that the faults name. */
  readonly isWhole: boolean
}

/** A number of a dictionary means the same in every commit; an epoch keeps its name, a journal its id. */
const NEVER_CHANGING = new Set<string>([...TEXT_KINDS, KIND.epoch, KIND.id])
/** Of a block that was found without its row in the tree. */
const NO_KEY = new Uint8Array(0)
const NO_TREE: Tree = { depth: 0, branchPages: 0, leafPages: 0, bigPages: 0, entries: 0, root: -1 }

/** `names` as the copy beside the file has them. */
export function readSalvageable(path: string, names: readonly NameRow[] = []): Salvageable | undefined {
  const { meta, isNewest } = chosenMeta(path)
  const rows = readJournalRows(path, meta)
  return rows === undefined ? undefined : new Found(rows, isNewest, names)
}

/** The newest commit; without any, a commit of nothing, so that all of the file is looked through. */
function chosenMeta(path: string): { readonly meta: Meta; readonly isNewest: boolean } {
  const rows = readJournalRows(path)
  if (rows === undefined) {
    const nothing = { slot: 0, transaction: 0, pageBytes: 4096, lastPage: 0, free: NO_TREE, main: NO_TREE }
    return { meta: nothing, isNewest: false }
  }
  using reading = rows
  const metas = metasOf(reading.file)
  const isNewest = metaFaults(reading.file, metas).length === 0
  const [newest, older] = metas
  const isEmptyHanded = reading.byKind.size === 0 && reading.survey.free === undefined
  if (isEmptyHanded && older !== undefined) return { meta: older, isNewest: false }
  return { meta: newest ?? reading.meta, isNewest }
}

class Found implements Salvageable {
  readonly rows: JournalRows
  readonly isNewest: boolean
  readonly isWhole: boolean
  readonly blocks: FoundBlock[]
  readonly namedEpochs = new Map<number, NamedEpoch>()
  readonly copied: number | undefined
  readonly #byKind: Map<string, Map<string, JournalRow>>
  readonly #taken = new Set<number>()

  constructor(rows: JournalRows, isNewest: boolean, names: readonly NameRow[]) {
    this.rows = rows
    this.isNewest = isNewest
    this.isWhole = isNewest && rows.survey.free !== undefined
    this.blocks = rows.of(KIND.block).map((row) => ({ ...row, inTree: true }))
    this.#byKind = new Map([...rows.byKind].map(([kind, all]) => [kind, byKey(all)]))
    this.copied = this.#areOwn(names) ? this.#takeNames(names) : undefined
    const unreached: number[] = []
    for (let page = 2; page < rows.file.pages; page++) if (this.#isUnreached(page)) unreached.push(page)
    // Where two commits say something of one key, the newer is believed.
    if (!this.isWhole) unreached.sort((x, y) => this.#transactionOf(y) - this.#transactionOf(x))
    for (const page of unreached) this.#lookAt(page)
    for (const page of unreached) if (!this.#taken.has(page)) this.#lookForBlock(page)
    for (const page of this.#misledPages()) this.#lookForBlock(page)
    for (const page of rows.survey.faulty) this.#lookForSmallBlocks(page)
    for (const { page, at } of rows.unsound) this.#takeBlockOn(page, at)
  }

  [Symbol.dispose](): void {
    this.rows[Symbol.dispose]()
  }

  of(kind: string): readonly JournalRow[] {
    return [...(this.#byKind.get(kind)?.values() ?? [])].sort((x, y) => Buffer.compare(x.key, y.key))
  }

  /** Whether the copy is this journal's, by the id; where the file's can't be read, by all other names that can. */
  #areOwn(names: readonly NameRow[]): boolean {
    const named = names.find(([kind]) => kind === KIND.id)
    const byId = named === undefined ? undefined : this.#says(named)
    return byId ?? names.every((name) => this.#says(name) !== false)
  }

  /** Whether the trees of the file say the same; undefined where they say nothing. */
  #says([kind, number, content]: NameRow): boolean | undefined {
    const row = this.#byKind.get(kind)?.get(nameOf(keyOf(this.rows, kind, number)))
    const value = row === undefined ? undefined : this.rows.valueOf(row)
    if (value === undefined) return undefined
    if (typeof content !== 'string') return readJson<EpochState>(value, 'the row of an epoch').epoch === content.epoch
    return Buffer.compare(value, contentRow(kind, content)) === 0
  }

  /** Rows of the trees go first; then the copy, which only has what was committed; then lost pages. A name never changes: where both differ, the number of the row is damaged, which no checksum covers. */
  #takeNames(names: readonly NameRow[]): number {
    let copied = 0
    for (const name of names) {
      const [kind, number, content] = name
      const key = keyOf(this.rows, kind, number)
      const says = this.#says(name)
      if (says !== true) copied++
      if (typeof content !== 'string') this.namedEpochs.set(number, content)
      else {
        const value = contentRow(kind, content)
        if (says === false) this.#byKind.get(kind)?.delete(nameOf(key))
        this.#add(kind, { key, place: { page: -1, at: 0, bytes: value.length }, repaired: value })
      }
    }
    return copied
  }

  #isUnreached(page: number): boolean {
    const { survey, meta } = this.rows
    if (survey.used.has(page)) return false
    if (survey.free === undefined || !this.isNewest) return true
    return page <= meta.lastPage && !survey.free.has(page)
  }

  /** Pages that the trees lead to, and no row that is sound begins on: a damaged node gives what is on them another key or length. */
  #misledPages(): readonly number[] {
    const { survey, byKind, file } = this.rows
    const sound = new Set([...byKind.values()].flatMap((rows) => rows.map(({ place }) => place.page)))
    const misled: number[] = []
    for (let page = 2; page < file.pages; page++) {
      if (survey.used.has(page) && !sound.has(page) && !this.#taken.has(page)) misled.push(page)
    }
    return misled
  }

  #transactionOf(number: number): number {
    const page = this.rows.file.page(number)
    return page.kind === 'broken' ? 0 : page.transaction
  }

  #lookAt(number: number): void {
    const page = this.rows.file.page(number)
    const nodes = page.kind === 'leaf' ? page.nodes : nodesOn(this.rows.file, number)
    for (const node of nodes) {
      const kind = typeof node === 'object' ? kindOf(node.key) : undefined
      if (typeof node === 'object' && kind !== undefined) this.#take(kind, node, number)
    }
  }

  #take(kind: string, { key, value, place }: Node, number: number): void {
    const sound = soundValue(kind, value)
    if (sound === undefined) return
    this.#taken.add(number)
    if (place.page !== number) this.#taken.add(place.page)
    const row = { key: Uint8Array.from(key), place, ...(sound.repaired ? { repaired: sound.value } : {}) }
    if (kind === KIND.block) this.blocks.push({ ...row, inTree: false })
    else if (this.isWhole || NEVER_CHANGING.has(kind)) this.#add(kind, row)
  }

  #add(kind: string, row: JournalRow): void {
    const rows = this.#byKind.get(kind) ?? new Map<string, JournalRow>()
    this.#byKind.set(kind, rows)
    const name = nameOf(row.key)
    if (!rows.has(name)) rows.set(name, row)
  }

  /** A block whose row in the tree is gone says itself how long it is, and its checksum that it is one. */
  #lookForBlock(number: number): void {
    const { file } = this.rows
    const page = file.page(number)
    if (page.kind !== 'big' || page.pages > file.pages) return
    const bytes = file.read(number, page.pages)
    if (bytes !== undefined) this.#takeBlockAt(bytes, number, PAGE_HEADER_BYTES)
  }

  /** On a leaf of the tree of which a node is damaged, whatever its key and its length may say. */
  #lookForSmallBlocks(number: number): void {
    const page = this.rows.file.page(number)
    const bytes = this.rows.file.read(number)
    if (page.kind !== 'leaf' || bytes === undefined) return
    for (const node of page.nodes) {
      if (typeof node === 'object' && node.place.page === number) this.#takeBlockAt(bytes, number, node.place.at)
    }
  }

  /** In a row on a leaf. */
  #takeBlockOn(number: number, at: number): void {
    const bytes = this.rows.file.page(number).kind === 'leaf' ? this.rows.file.read(number) : undefined
    if (bytes !== undefined) this.#takeBlockAt(bytes, number, at)
  }

  #takeBlockAt(bytes: Bytes, page: number, at: number): void {
    const end = blockEnd(bytes.subarray(at))
    const sound = end === undefined ? undefined : soundValue(KIND.block, bytes.subarray(at, at + end))
    if (end === undefined || sound === undefined) return
    const repaired = sound.repaired ? { repaired: sound.value } : {}
    this.blocks.push({ key: NO_KEY, place: { page, at, bytes: end }, ...repaired, inTree: false })
  }
}

function contentRow(kind: string, content: string): Bytes {
  return kind === KIND.id ? jsonRow(content) : textRow(content)
}

function keyOf({ space }: JournalRows, kind: string, number: number): Bytes {
  return kind === KIND.id ? space.key(kind) : space.key(kind, u32Field(number))
}

function byKey(rows: readonly JournalRow[]): Map<string, JournalRow> {
  return new Map(rows.map((row) => [nameOf(row.key), row]))
}

function nameOf(key: Bytes): string {
  return Buffer.from(key.buffer, key.byteOffset, key.byteLength).toString('latin1')
}

/** Nodes of a page whose header is damaged: whatever looks like one; what its row says decides. */
function nodesOn(file: PageFile, number: number): readonly Node[] {
  const bytes = file.read(number)
  if (bytes === undefined) return []
  const found: Node[] = []
  for (let at = PAGE_HEADER_BYTES; at + 2 <= bytes.length; at += 2) {
    const node = file.nodeAt(bytes, number, bytes.readUInt16LE(at) + PAGE_HEADER_BYTES)
    if (typeof node !== 'object' || kindOf(node.key) === undefined) break
    found.push(node)
  }
  return found
}

/** How many bytes a block takes, by its own lengths. */
function blockEnd(bytes: Bytes): number | undefined {
  if (bytes.length < BLOCK_HEADER_BYTES) return undefined
  const { first, last } = blockOf(NO_KEY, bytes)
  const reader = new ByteReader().over(bytes, BLOCK_HEADER_BYTES)
  for (let seq = first; seq <= last; seq++) {
    const length = reader.varint()
    reader.at += length
    if (!(length > 0) || reader.at > bytes.length) return undefined
  }
  return last >= first ? reader.at : undefined
}
