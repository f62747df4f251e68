/** The ledger's rows in MongoDB, where a save is one insert: documents that stand are never changed, so no transaction is needed. Contract: `services/ports/ledger-store.ts`. */

import { hash } from 'node:crypto'
import type { Document } from 'mongodb'
import type { GatewayId } from '../../schemas/reading.ts'
import { TidemarkError } from '../../services/core/errors.ts'
import type { LedgerChange, LedgerRows, LedgerStore } from '../../services/ports/ledger-store.ts'
import { DURABLY, type MongodbAccess, MongodbConnection } from './connection.ts'
import { ledgerTrouble, TAKEN, writeConcernErrorOf, writeErrorsOf } from './trouble.ts'

/** Connects at the first call. */
export function mongodbLedgerStore(options: MongodbAccess): LedgerStore {
  return new MongodbLedgerStore(options)
}

/** The whole of a ledger at one version: of each epoch the id of its row. The highest version counts; whatever no head names is litter. */
interface Head {
  /** `h/GATEWAY/VERSION`, the version with leading zeros. */
  readonly _id: string
  readonly gateway: string
  readonly version: number
  /** JSON. */
  readonly head: string
  /** JSON of `{EPOCH: VERSION/SAVE}`: where the row of each epoch stands. */
  readonly rows: string
  /** Tells a save that is tried again from another one: who saved, and a digest of what. */
  readonly saved: string
}

/** One epoch as it was from one version on. */
interface Row {
  /** `e/GATEWAY/VERSION/SAVE/EPOCH`. A save that came to nothing leaves rows that no head names. */
  readonly _id: string
  /** JSON. */
  readonly row: string
}

/** A head with where its rows stand as a map. */
interface Held {
  readonly version: number
  readonly head: string
  readonly rows: ReadonlyMap<string, string>
  readonly saved: string
}

const LEDGER = 'ledger'
const NOTHING: Held = { version: 0, head: 'null', rows: new Map(), saved: '' }
/** After so many saves of a gateway its litter is removed. */
const SWEEP_EVERY = 32
/** A load begins again when a save has removed rows that it was about to read. */
const LOAD_TRIES_MAX = 5
const VERSION_DIGITS = 16
/** So many are taken over without a pause. */
const IDS_AT_ONCE = 5_000
const PART_CHARS_MAX = 4_000_000
/** Room for an id. */
const ROW_CHARS = 300

class MongodbLedgerStore implements LedgerStore {
  readonly #connection: MongodbConnection
  readonly #what = 'the ledger in MongoDB'
  /** Of gateways loaded or saved here: what stood then. */
  readonly #held = new Map<GatewayId, Held>()
  #self: string | undefined

  constructor({ url }: MongodbAccess) {
    this.#connection = new MongodbConnection({ url }, this.#what, ledgerTrouble)
  }

  async load(gateway: GatewayId): Promise<LedgerRows | undefined> {
    for (let tries = 0; tries < LOAD_TRIES_MAX; tries++) {
      const held = await this.#newest(gateway)
      if (held === undefined) return undefined
      const epochs = await this.#rowsOf(gateway, held)
      if (epochs === undefined) continue
      this.#held.set(gateway, held)
      return { version: held.version, head: JSON.parse(held.head), epochs }
    }
    throw new TidemarkError(
      'ledger-unavailable',
      `${this.#what}: the rows of ${gateway} change faster than they are read`,
    )
  }

  async save(gateway: GatewayId, expected: number, change: LedgerChange): Promise<number> {
    this.#connection.assertOpen()
    const known = this.#held.get(gateway)
    this.#held.delete(gateway)
    const saved = await this.#nameOf(gateway, expected, change)
    const before = known?.version === expected ? known : ((await this.#newest(gateway)) ?? NOTHING)
    if (before.version === expected + 1 && before.saved === saved) {
      // An earlier try did it. To be told that it is taken means to be told that it is durable.
      await this.#insertInOrder([headOf(gateway, before)])
      return this.#keep(gateway, before)
    }
    if (before.version !== expected) throw conflict(gateway, expected, before.version)
    const next = await this.#insert(gateway, before, change, saved)
    // By another writer, or by an earlier try of this save that took its time.
    if (next === 'taken') return this.save(gateway, expected, change)
    // Behind the present owner, where versions are swept away, there is room for an insert that nobody will read.
    const newest = await this.#newestVersion(gateway)
    if (newest !== next.version) throw conflict(gateway, expected, newest)
    this.#keep(gateway, next)
    // What it leaves waits for the next one.
    if (next.version % SWEEP_EVERY === 0) await this.#sweep(gateway, next).catch(() => undefined)
    return next.version
  }

  async gateways(): Promise<readonly GatewayId[]> {
    return [...(await this.versions()).keys()]
  }

  /** From the ids alone, which stand in their index: no document is read. */
  async versions(): Promise<ReadonlyMap<GatewayId, number>> {
    const versions = new Map<GatewayId, number>()
    const options = { projection: { _id: 1 }, batchSize: IDS_AT_ONCE }
    for await (const batch of this.#connection.findAll(LEDGER, { _id: under('h/') }, options)) {
      for (const { _id } of batch) {
        const [gateway, version] = headFrom(String(_id))
        versions.set(gateway, Math.max(version, versions.get(gateway) ?? 0))
      }
    }
    return versions
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connection[Symbol.asyncDispose]()
  }

  async #newestVersion(gateway: GatewayId): Promise<number> {
    const find = { filter: { _id: under(headPrefix(gateway)) }, sort: { _id: -1 }, projection: { version: 1 } }
    const [head] = await this.#connection.findFew(LEDGER, find, 1)
    return Number(head?.version ?? 0)
  }

  #keep(gateway: GatewayId, held: Held): number {
    this.#held.set(gateway, held)
    return held.version
  }

  async #newest(gateway: GatewayId): Promise<Held | undefined> {
    const find = { filter: { _id: under(headPrefix(gateway)) }, sort: { _id: -1 } }
    const [head] = (await this.#connection.findFew(LEDGER, find, 1)) as unknown as readonly Head[]
    if (head === undefined) return undefined
    const rows = new Map(Object.entries(JSON.parse(head.rows) as Record<string, string>))
    return { version: Number(head.version), head: head.head, rows, saved: head.saved }
  }

  /** `undefined` when one that the head names is gone. */
  async #rowsOf(gateway: GatewayId, held: Held): Promise<Map<string, unknown> | undefined> {
    const found = new Map<string, string>()
    const filter = { _id: under(rowPrefix(gateway)) }
    for await (const batch of this.#connection.findAll(LEDGER, filter, {})) {
      for (const { _id, row } of batch as unknown as readonly Row[]) found.set(_id, row)
    }
    const epochs = new Map<string, unknown>()
    for (const [epoch, place] of held.rows) {
      const row = found.get(rowId(gateway, place, epoch))
      if (row === undefined) return undefined
      epochs.set(epoch, JSON.parse(row))
    }
    return epochs
  }

  async #insert(gateway: GatewayId, before: Held, change: LedgerChange, saved: string): Promise<Held | 'taken'> {
    const version = before.version + 1
    const { ObjectId } = await this.#connection.driver()
    const place = `${padded(version)}/${new ObjectId().toHexString()}`
    const rows = new Map(before.rows)
    const documents: Row[] = []
    for (const [epoch, row] of change.epochs) {
      if (row === null) rows.delete(epoch)
      else {
        rows.set(epoch, place)
        documents.push({ _id: rowId(gateway, place, epoch), row: JSON.stringify(row) })
      }
    }
    const next: Held = { version, head: JSON.stringify(change.head), rows, saved }
    return (await this.#insertInOrder([...documents, headOf(gateway, next)])) === 'taken' ? 'taken' : next
  }

  /** The head comes last: what ends in the middle leaves only litter. */
  async #insertInOrder(documents: readonly (Row | Head)[]): Promise<'done' | 'taken'> {
    for (const part of inParts(documents)) {
      const insert = { insert: LEDGER, documents: part, ordered: true, writeConcern: DURABLY }
      const answer = await this.#connection.run(insert)
      const failed = writeConcernErrorOf(answer) ?? writeErrorsOf(answer)[0]
      if (failed === undefined) continue
      if (TAKEN.has(failed.code)) return 'taken'
      throw ledgerTrouble(failed, this.#what)
    }
    return 'done'
  }

  /** Removes older heads, and rows of this version or before that `newest` does not name. */
  async #sweep(gateway: GatewayId, newest: Held): Promise<void> {
    const named = new Set([...newest.rows].map(([epoch, place]) => rowId(gateway, place, epoch)))
    const litter: string[] = []
    const [heads, rows] = [headPrefix(gateway), rowPrefix(gateway)]
    for (const [from, to] of [
      [heads, heads + padded(newest.version)],
      [rows, rows + padded(newest.version + 1)],
    ]) {
      const options = { projection: { _id: 1 } }
      for await (const batch of this.#connection.findAll(LEDGER, { _id: { $gte: from, $lt: to } }, options)) {
        for (const { _id } of batch) if (!named.has(String(_id))) litter.push(String(_id))
      }
    }
    for (let from = 0; from < litter.length; from += 1_000) {
      const deletes = [{ q: { _id: { $in: litter.slice(from, from + 1_000) } }, limit: 0 }]
      await this.#connection.run({ delete: LEDGER, deletes })
    }
  }

  async #nameOf(gateway: GatewayId, expected: number, change: LedgerChange): Promise<string> {
    this.#self ??= new (await this.#connection.driver()).ObjectId().toHexString()
    const content = JSON.stringify([gateway, expected, change.head, [...change.epochs]])
    return `${this.#self}/${hash('sha256', content, 'hex')}`
  }
}

function headPrefix(gateway: GatewayId): string {
  return `h/${gateway}/`
}

function headFrom(id: string): readonly [gateway: GatewayId, version: number] {
  return [id.slice(2, -VERSION_DIGITS - 1) as GatewayId, Number(id.slice(-VERSION_DIGITS))]
}

function rowPrefix(gateway: GatewayId): string {
  return `e/${gateway}/`
}

function headOf(gateway: GatewayId, { version, head, rows, saved }: Held): Head {
  const _id = headPrefix(gateway) + padded(version)
  return { _id, gateway, version, head, rows: JSON.stringify(Object.fromEntries(rows)), saved }
}

function rowId(gateway: GatewayId, place: string, epoch: string): string {
  return `${rowPrefix(gateway)}${place}/${epoch}`
}

/** A command is one document, and may have 16 MB: at most three bytes a character. */
function* inParts(documents: readonly (Row | Head)[]): Generator<readonly (Row | Head)[]> {
  let part: (Row | Head)[] = []
  let chars = 0
  for (const document of documents) {
    const length = 'row' in document ? document.row.length : document.head.length + document.rows.length
    if (part.length > 0 && chars + length > PART_CHARS_MAX) {
      yield part
      part = []
      chars = 0
    }
    part.push(document)
    chars += length + ROW_CHARS
  }
  yield part
}

function padded(version: number): string {
  return String(version).padStart(VERSION_DIGITS, '0')
}

/** Every id that begins with `prefix`, which ends in a slash; `0` is the character after it. */
function under(prefix: string): Document {
  return { $gte: prefix, $lt: `${prefix.slice(0, -1)}0` }
}

function conflict(gateway: GatewayId, expected: number, kept: number): TidemarkError {
  return new TidemarkError('ledger-conflict', `${gateway} is at version ${kept}, not ${expected}`, {
    gateway,
    expected,
    kept,
  })
}
