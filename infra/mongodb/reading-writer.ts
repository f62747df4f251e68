/** Lands readings: unordered inserts, a few at once; what is there already is compared by its digest. */

import { TidemarkError } from '../../services/core/errors.ts'
import type { ArrivingReading, Landing } from '../../services/ports/reading-store.ts'
import { DURABLY, type MongodbConnection } from './connection.ts'
import { READINGS } from './generation.ts'
import { type InsertBatch, insertBatches } from './insert-batch.ts'
import { ReadingDocuments, readingId } from './reading-document.ts'
import { RecentDigests } from './recent-digests.ts'
import { isRefusal, storeTrouble, TAKEN, writeConcernErrorOf, writeErrorsOf } from './trouble.ts'

const STORED: Landing = { outcome: 'stored' }
const DUPLICATE: Landing = { outcome: 'duplicate' }
const INSERTS_AT_ONCE = 2
const DIGESTS_READ_MAX = 1_000

/** What inserts have told of the readings of one write, by their place in it. */
interface Told {
  readonly taken: number[]
  readonly refused: Map<number, string>
}

type Commands = Pick<MongodbConnection, 'run' | 'findFew' | 'driver'>

export class ReadingWriter {
  readonly #connection: Commands
  readonly #what: string
  readonly #recent = new RecentDigests()
  #documents: ReadingDocuments | undefined

  constructor(connection: Commands, what: string) {
    this.#connection = connection
    this.#what = what
  }

  /** To be called when the content of the store is another one. */
  forget(): void {
    this.#recent.clear()
  }

  /** One landing for each reading. When it rejects, nothing is under way any more. */
  async land(readings: readonly ArrivingReading[], signal: AbortSignal): Promise<readonly Landing[]> {
    this.#documents ??= new ReadingDocuments((await this.#connection.driver(signal)).Double)
    const told: Told = { taken: [], refused: new Map() }
    const batches = insertBatches(readings, this.#knownLast(readings), this.#documents, told.refused)
    await this.#insertAll(batches, told, signal)
    const landings = new Array<Landing>(readings.length).fill(STORED)
    for (const [owner, reason] of told.refused) landings[owner] = { outcome: 'rejected', reason }
    for (const owner of told.taken) landings[owner] = DUPLICATE
    for (const [owner, landing] of landings.entries()) if (landing === STORED) this.#remember(readings, owner)
    await this.#compare(readings, told.taken, landings, signal)
    return landings
  }

  /** What will turn out to be there already stands together: a server that inserts in blocks then inserts the others' blocks whole. */
  #knownLast(readings: readonly ArrivingReading[]): readonly number[] {
    const order: number[] = []
    const known: number[] = []
    for (const [owner, { reading }] of readings.entries()) (this.#recent.has(reading) ? known : order).push(owner)
    for (const owner of known) order.push(owner)
    return order
  }

  async #insertAll(batches: Iterator<InsertBatch>, told: Told, signal: AbortSignal): Promise<void> {
    let isFailed = false
    const worker = async (): Promise<void> => {
      for (let next = batches.next(); next.done !== true && !isFailed; next = batches.next()) {
        try {
          await this.#insert(next.value, told, signal)
        } catch (error) {
          isFailed = true
          throw error
        }
      }
    }
    const outcomes = await Promise.allSettled(Array.from({ length: INSERTS_AT_ONCE }, worker))
    for (const outcome of outcomes) if (outcome.status === 'rejected') throw outcome.reason
  }

  async #insert({ documents, owners }: InsertBatch, told: Told, signal: AbortSignal): Promise<void> {
    const insert = { insert: READINGS, ordered: false, writeConcern: DURABLY, documents }
    const answer = await this.#connection.run(insert, signal)
    const undone = writeConcernErrorOf(answer)
    if (undone !== undefined) throw storeTrouble(undone, this.#what)
    for (const error of writeErrorsOf(answer)) {
      const owner = owners[error.index] as number
      if (TAKEN.has(error.code)) told.taken.push(owner)
      else if (isRefusal(error.code)) told.refused.set(owner, error.message)
      else throw storeTrouble(error, this.#what)
    }
  }

  /** Reads back what is not remembered. */
  async #compare(
    readings: readonly ArrivingReading[],
    taken: readonly number[],
    landings: Landing[],
    signal: AbortSignal,
  ): Promise<void> {
    const unknown = taken.filter((owner) => !this.#recent.has((readings[owner] as ArrivingReading).reading))
    unknown.sort((a, b) => a - b)
    for (let from = 0; from < unknown.length; from += DIGESTS_READ_MAX) {
      const owners = unknown.slice(from, from + DIGESTS_READ_MAX)
      const held = await this.#heldDigests(
        owners.map((owner) => idOf(readings[owner] as ArrivingReading)),
        signal,
      )
      for (const [i, owner] of owners.entries()) {
        landings[owner] = await this.#judge(readings[owner] as ArrivingReading, held[i] as Uint8Array, signal)
        if (landings[owner] === DUPLICATE) this.#remember(readings, owner)
      }
    }
  }

  async #judge(arriving: ArrivingReading, heldDigest: Uint8Array, signal: AbortSignal): Promise<Landing> {
    if (Buffer.compare(heldDigest, arriving.reading.digest) === 0) return DUPLICATE
    return arriving.redrive === true ? this.#redrive(arriving, signal) : { outcome: 'conflict', heldDigest }
  }

  /** To the next free nanosecond, unless one of the places on the way holds it already. */
  async #redrive(arriving: ArrivingReading, signal: AbortSignal): Promise<Landing> {
    for (let movedNs = 1; ; movedNs++) {
      const document = this.#documents?.make(arriving, movedNs)
      if (document === undefined || 'reason' in document)
        throw new TidemarkError('bug', 'no document of a redriven reading')
      const told: Told = { taken: [], refused: new Map() }
      await this.#insert({ documents: [document], owners: [0] }, told, signal)
      const reason = told.refused.get(0)
      if (reason !== undefined) return { outcome: 'rejected', reason }
      if (told.taken.length === 0) return STORED
      const [held] = await this.#heldDigests([document._id], signal)
      if (held !== undefined && Buffer.compare(held, arriving.reading.digest) === 0) return DUPLICATE
    }
  }

  /** In the order of the ids; throws when one is not there. */
  async #heldDigests(ids: readonly string[], signal: AbortSignal): Promise<readonly Uint8Array[]> {
    const distinct = [...new Set(ids)]
    const [first] = distinct
    const find = { filter: { _id: distinct.length === 1 ? first : { $in: distinct } }, projection: { digest: 1 } }
    const found = await this.#connection.findFew(READINGS, find, distinct.length, signal)
    const held = new Map(found.map(({ _id, digest }) => [_id, digest as unknown]))
    return ids.map((id) => {
      const digest = held.get(id)
      if (digest instanceof Uint8Array) return new Uint8Array(digest)
      throw new TidemarkError('store-unavailable', `${this.#what}: the reading ${id} was there and is not`)
    })
  }

  #remember(readings: readonly ArrivingReading[], owner: number): void {
    this.#recent.add((readings[owner] as ArrivingReading).reading)
  }
}

function idOf({ gateway, reading: { type, sensor, ms, ns } }: ArrivingReading): string {
  return readingId(gateway, type, sensor, ms, ns)
}
