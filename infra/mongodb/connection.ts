/** A MongoDB server behind one URL: connects at the first use, bounds every command in time, and closes within five seconds. */

import type { Db, Document, FindCursor, FindOptions, MongoClient } from 'mongodb'
import { TidemarkError } from '../../services/core/errors.ts'
import type { Trouble } from './trouble.ts'

export interface MongodbAccess {
  /** `mongodb://` or `mongodb+srv://`; of no database it names, `tidemark` is taken. */
  readonly url: string
}

/** On the primary's disk and on most members of a replica set before it is answered; told after this long that it is not. */
export const DURABLY = { w: 'majority', j: true, wtimeout: 20_000 }

const LIMITS = {
  appName: 'tidemark',
  connectTimeoutMS: 5_000,
  serverSelectionTimeoutMS: 5_000,
  // A server that stands still is found by its heartbeat, long before.
  socketTimeoutMS: 120_000,
  heartbeatFrequencyMS: 5_000,
  waitQueueTimeoutMS: 30_000,
  maxPoolSize: 8,
  // What was sent twice is found by its identity.
  retryWrites: false,
  // What another member has not heard of yet would pass for missing.
  readPreference: 'primary',
} as const
/** Integers come back as bigint, and so apart from doubles. */
const EXACT = { useBigInt64: true, promoteBuffers: true }
const DATABASE = 'tidemark'
const CLOSE_WITHIN_MS = 3_000

/** The driver, loaded only when there is something to say to a server. */
type Driver = typeof import('mongodb')

interface Open {
  readonly driver: Driver
  readonly client: MongoClient
  readonly db: Db
}

export class MongodbConnection implements AsyncDisposable {
  readonly #access: MongodbAccess
  /** For a person: which part of tidemark this is. */
  readonly #what: string
  readonly #trouble: Trouble
  #open: Promise<Open> | undefined
  #closed = false

  constructor(access: MongodbAccess, what: string, trouble: Trouble) {
    this.#access = access
    this.#what = what
    this.#trouble = trouble
  }

  async driver(signal?: AbortSignal): Promise<Driver> {
    return this.#unlessTrouble(signal, async ({ driver }) => driver)
  }

  /** The server's answer, `writeErrors` and `writeConcernError` in it. Throws in the words of the port, or the signal's reason. */
  async run(command: Document, signal?: AbortSignal): Promise<Document> {
    signal?.throwIfAborted()
    return this.#unlessTrouble(signal, async ({ db }) =>
      db.command(command, signal === undefined ? EXACT : { ...EXACT, signal }),
    )
  }

  /** The documents a `find` gives at once; at most `limit`. */
  async findFew(collection: string, find: Document, limit: number, signal?: AbortSignal): Promise<readonly Document[]> {
    const answer = await this.run({ find: collection, ...find, limit, batchSize: limit, singleBatch: true }, signal)
    return (answer as { cursor: { firstBatch: readonly Document[] } }).cursor.firstBatch
  }

  /** In batches as the server sends them. */
  async *findAll(
    collection: string,
    filter: Document,
    options: FindOptions,
    signal?: AbortSignal,
  ): AsyncGenerator<readonly Document[]> {
    const cursor = await this.#unlessTrouble(signal, async ({ db }) =>
      db.collection(collection).find(filter, { ...EXACT, ...options, ...(signal === undefined ? {} : { signal }) }),
    )
    try {
      for (;;) {
        const batch = await this.#nextBatch(cursor, signal)
        if (batch.length === 0) return
        yield batch
      }
    } finally {
      await cursor.close().catch(() => undefined)
    }
  }

  assertOpen(): void {
    if (this.#closed) throw new TidemarkError('closed', this.#what)
  }

  /** What is under way rejects with `closed`. A server that answers no more is not waited for. */
  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    const closing = this.#open?.then(({ client }) => client.close()).catch(() => undefined)
    if (closing === undefined) return
    let timer: NodeJS.Timeout | undefined
    const enough = new Promise<void>((resolve) => {
      timer = setTimeout(resolve, CLOSE_WITHIN_MS)
    })
    await Promise.race([closing, enough])
    clearTimeout(timer)
  }

  #nextBatch(cursor: FindCursor, signal: AbortSignal | undefined): Promise<readonly Document[]> {
    return this.#unlessTrouble(signal, async () => ((await cursor.hasNext()) ? cursor.readBufferedDocuments() : []))
  }

  async #unlessTrouble<T>(signal: AbortSignal | undefined, work: (open: Open) => Promise<T>): Promise<T> {
    this.assertOpen()
    try {
      return await work(await unlessAborted(this.#opened(), signal))
    } catch (error) {
      signal?.throwIfAborted()
      this.assertOpen()
      throw this.#trouble(error, this.#what)
    }
  }

  /** Several that ask at once wait for one attempt, and hear why it failed. */
  #opened(): Promise<Open> {
    this.#open ??= this.#connect().catch((error: unknown) => {
      this.#open = undefined
      throw error
    })
    return this.#open
  }

  async #connect(): Promise<Open> {
    const driver = await import('mongodb')
    const client = new driver.MongoClient(this.#access.url, LIMITS)
    try {
      await client.connect()
      return { driver, client, db: client.db(databaseOf(this.#access.url)) }
    } catch (error) {
      await client.close().catch(() => undefined)
      throw error
    }
  }
}

/** The work goes on; only the wait for it ends. */
async function unlessAborted<T>(work: Promise<T>, signal: AbortSignal | undefined): Promise<T> {
  if (signal === undefined) return work
  let stop = (): void => undefined
  const aborted = new Promise<never>((_, reject) => {
    stop = () => reject(signal.reason)
    signal.addEventListener('abort', stop, { once: true })
  })
  try {
    return await Promise.race([work, aborted])
  } finally {
    signal.removeEventListener('abort', stop)
  }
}

function databaseOf(url: string): string {
  const [, name = ''] = /^[^/]+\/\/[^/]+\/([^?]*)/.exec(url) ?? []
  return name === '' ? DATABASE : decodeURIComponent(name)
}
