/** Durable numbers for texts that repeat (series, shapes of values, sets of labels, epochs), all of them kept in memory. */

import { type ErrorCode, TidemarkError } from '../../services/core/errors.ts'
import type { KvRead, KvTx } from './kv.ts'
import { ByteReader, ByteWriter, isSealed } from './row-bytes.ts'
import { type KeySpace, readU32Field, u32Field } from './row-keys.ts'

const FORMAT = 0x64

/** `id` is 0 until the entry is stored, and again when the transaction that stored it was undone. */
export interface Entry {
  id: number
  readonly text: string
}

export interface DictionaryOptions<E extends Entry> {
  readonly space: KeySpace
  /** The letter of its rows. */
  readonly kind: string
  /** Builds what is kept in memory for a text. */
  readonly make: (text: string) => E
  /** Texts above this many, and longer ones than `textMax`, get no number: the row that needs them writes them out. */
  readonly entriesMax?: number
  readonly textMax?: number
  /** What a wrong checksum is reported as. */
  readonly corrupt: ErrorCode
}

export class Dictionary<E extends Entry> {
  readonly #options: DictionaryOptions<E>
  readonly #byText = new Map<string, E>()
  readonly #byId: (E | undefined)[] = []
  readonly #writer = new ByteWriter()
  #pending: E[] = []
  #next = 1

  constructor(options: DictionaryOptions<E>) {
    this.#options = options
  }

  /** A row that can't be read keeps its number taken; whoever needs its text is told so. */
  load(kv: KvRead): this {
    const { space, kind, make } = this.#options
    for (const { key, value } of kv.range(space.all(kind))) {
      const id = readU32Field(key, key.length - 4)
      this.#next = Math.max(this.#next, id + 1)
      if (!isSealed(value, FORMAT)) continue
      const entry = make(new ByteReader().over(value, 5).text())
      entry.id = id
      this.#byText.set(entry.text, entry)
      this.#byId[id] = entry
    }
    return this
  }

  get size(): number {
    return this.#byText.size
  }

  /** Stored entries, those of an unfinished transaction too. */
  entries(): Iterable<E> {
    return this.#byText.values()
  }

  find(text: string): E | undefined {
    return this.#byText.get(text)
  }

  /** Throws for a number whose row is gone or damaged. */
  byId(id: number): E {
    const entry = this.#byId[id]
    if (entry !== undefined) return entry
    throw new TidemarkError(this.#options.corrupt, `no text for number ${id} of dictionary ${this.#options.kind}`)
  }

  /** The stored entry of the text, stored now where it is new; undefined when it gets no number. */
  intern(tx: KvTx, text: string, given?: E): E | undefined {
    const known = this.#byText.get(text)
    if (known !== undefined) return known
    const { space, kind, make, entriesMax = Number.POSITIVE_INFINITY, textMax = 4096 } = this.#options
    if (this.#byText.size >= entriesMax || text.length > textMax) return undefined
    const entry = given ?? make(text)
    this.#writer.startSealed()
    this.#writer.text(text)
    // First the row, which may throw: an entry with a number is a stored one.
    tx.put(space.key(kind, u32Field(this.#next)), this.#writer.sealed(FORMAT))
    entry.id = this.#next++
    this.#byText.set(text, entry)
    this.#byId[entry.id] = entry
    this.#pending.push(entry)
    return entry
  }

  /** The transaction was done: what it stored stays. */
  keep(): void {
    this.#pending = []
  }

  /** The transaction was undone: its numbers are free again. */
  drop(): void {
    for (const entry of this.#pending.reverse()) {
      this.#byText.delete(entry.text)
      this.#byId[entry.id] = undefined
      this.#next = entry.id
      entry.id = 0
    }
    this.#pending = []
  }
}
