/** A store of readings in MongoDB, keyed on the reading identity. Contract: `services/ports/reading-store.ts`; shape of the documents: `README.md`. */

import type { Logger } from 'pino'
import type { Clock, Random } from '../../services/ports/clock.ts'
import type {
  ArrivingReading,
  ReadingFilter,
  ReadingStore,
  StoredReading,
  WriteResult,
} from '../../services/ports/reading-store.ts'
import { DURABLY, type MongodbAccess, MongodbConnection } from './connection.ts'
import { Generation, READINGS } from './generation.ts'
import { type ReadingDocument, readingOf } from './reading-document.ts'
import { isWithin, queryOf } from './reading-query.ts'
import { ReadingWriter } from './reading-writer.ts'
import { storeTrouble } from './trouble.ts'

export interface ReadingStoreOptions extends MongodbAccess {
  readonly name: string
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
}

/** Connects at the first call. */
export function mongodbReadingStore(options: ReadingStoreOptions): ReadingStore {
  return new MongodbReadingStore(options)
}

const BATCH_READINGS = 2_000
/** The order of `read`; without it a server sorts everything in memory. */
const ORDER = { gateway: 1, type: 1, sensor: 1, time: 1, ns: 1 } as const

class MongodbReadingStore implements ReadingStore {
  readonly name: string
  readonly #connection: MongodbConnection
  readonly #generation: Generation
  readonly #writer: ReadingWriter
  #written = ''
  #isIndexed = false

  constructor({ name, url, clock, random, logger }: ReadingStoreOptions) {
    const what = `the store ${name}`
    this.name = name
    this.#connection = new MongodbConnection({ url }, what, storeTrouble)
    this.#generation = new Generation({ connection: this.#connection, name, clock, random, logger })
    this.#writer = new ReadingWriter(this.#connection, what)
  }

  async generation(): Promise<string> {
    return this.#generation.current()
  }

  async renew(): Promise<string> {
    return this.#generation.renew()
  }

  async write(readings: readonly ArrivingReading[], signal: AbortSignal): Promise<WriteResult> {
    signal.throwIfAborted()
    this.#connection.assertOpen()
    try {
      const generation = await this.#generation.beforeWrite(signal)
      if (generation !== this.#written) this.#writer.forget()
      this.#written = generation
      const landings = await this.#writer.land(readings, signal)
      if (readings.length > 0) await this.#generation.noteFilled(generation, signal)
      return { generation, landings }
    } catch (error) {
      this.#generation.forget()
      throw error
    }
  }

  async *read(filter: ReadingFilter, signal: AbortSignal): AsyncGenerator<readonly StoredReading[]> {
    signal.throwIfAborted()
    await this.#makeIndex(signal)
    const options = { sort: ORDER, batchSize: BATCH_READINGS }
    for await (const batch of this.#connection.findAll(READINGS, queryOf(filter), options, signal)) {
      const readings = batch.map((document) => readingOf(document as ReadingDocument))
      const within = readings.filter(({ reading }) => isWithin(reading, filter))
      if (within.length > 0) yield within
      signal.throwIfAborted()
    }
  }

  async probe(signal: AbortSignal): Promise<void> {
    await this.#generation.probe(signal)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#connection[Symbol.asyncDispose]()
  }

  /** Not before somebody reads: inserts are slower with it. */
  async #makeIndex(signal: AbortSignal): Promise<void> {
    if (this.#isIndexed) return
    const indexes = [{ key: ORDER, name: 'series_time' }]
    await this.#connection.run({ createIndexes: READINGS, indexes, writeConcern: DURABLY }, signal)
    this.#isIndexed = true
  }
}
