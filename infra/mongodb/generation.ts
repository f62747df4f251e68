/**
 * The generation of a store: one document of the collection `stores`, beside the id that the server gave the collection `readings`. Where that id is another
 * one, or nothing is left where something stood, the content is another one, and so the generation.
 */

import type { Document } from 'mongodb'
import pLimit from 'p-limit'
import type { Logger } from 'pino'
import { TidemarkError } from '../../services/core/errors.ts'
import type { Clock, Random } from '../../services/ports/clock.ts'
import { DURABLY, type MongodbConnection } from './connection.ts'
import { storeTrouble, TAKEN, writeConcernErrorOf, writeErrorsOf } from './trouble.ts'

interface GenerationDocument {
  readonly _id: string
  readonly generation: string
  /** Of the collection `readings`; empty where the server names none. */
  readonly collection: string
  /** A reading has landed in this generation. */
  readonly filled: boolean
}

export interface GenerationOptions {
  readonly connection: MongodbConnection
  readonly name: string
  readonly clock: Clock
  readonly random: Random
  readonly logger: Logger
}

export const READINGS = 'readings'
const STORES = 'stores'
/** So old a generation may be when it is said of a write. An older one than the true one is safe: what is said of it no longer counts. */
const KNOWN_MS = 1_000
const TRIES_MAX = 10
const NAMESPACE_EXISTS = 48

export class Generation {
  readonly #options: GenerationOptions
  readonly #one = pLimit(1)
  #known: { readonly held: GenerationDocument; readonly readMs: number } | undefined

  constructor(options: GenerationOptions) {
    this.#options = options
  }

  /** As it was at most a second ago. */
  async beforeWrite(signal: AbortSignal): Promise<string> {
    return (this.#fresh() ?? (await this.#one(async () => this.#fresh() ?? this.#read(signal)))).generation
  }

  /** As it is now; made where there is none. */
  async current(signal?: AbortSignal): Promise<string> {
    return (await this.#one(() => this.#read(signal))).generation
  }

  async renew(): Promise<string> {
    return this.#one(async () => {
      const held = await this.#read()
      const next = this.#options.random.id()
      await this.#replace(held, { ...held, generation: next })
      return (await this.#read()).generation
    })
  }

  /** To be called when readings have landed: from then on an empty collection is a wiped one. */
  async noteFilled(generation: string, signal: AbortSignal): Promise<void> {
    const held = this.#known?.held
    if (held === undefined || held.filled || held.generation !== generation) return
    await this.#replace(held, { ...held, filled: true }, signal)
    this.forget()
  }

  /** Whatever failed, the store may be another one now. */
  forget(): void {
    this.#known = undefined
  }

  /** A durable write, of the time at which it was asked for. */
  async probe(signal: AbortSignal): Promise<void> {
    const generation = await this.current(signal)
    const { name, clock } = this.#options
    await this.#update({ _id: name, generation }, { probed: new Date(clock.wallMs()) }, signal)
  }

  #fresh(): GenerationDocument | undefined {
    const known = this.#known
    const { clock } = this.#options
    return known !== undefined && clock.monotonicMs() - known.readMs < KNOWN_MS ? known.held : undefined
  }

  async #read(signal?: AbortSignal): Promise<GenerationDocument> {
    for (let tries = 0; tries < TRIES_MAX; tries++) {
      const readMs = this.#options.clock.monotonicMs()
      const [held, collection] = await Promise.all([this.#held(signal), this.#collection(signal)])
      if (collection === undefined) await this.#makeCollection(signal)
      else if (held === undefined) await this.#insert(collection, signal)
      else if (held.collection !== collection || (held.filled && (await this.#isEmpty(signal)))) {
        const { name: store, random, logger } = this.#options
        const generation = random.id()
        await this.#replace(held, { _id: held._id, generation, collection, filled: false }, signal)
        logger.warn({ store, generation, before: held.generation }, 'the store was emptied or replaced')
      } else {
        this.#known = { held, readMs }
        return held
      }
    }
    throw new TidemarkError('store-unavailable', `the collection ${STORES} does not keep what it is given`)
  }

  async #held(signal?: AbortSignal): Promise<GenerationDocument | undefined> {
    const { connection, name } = this.#options
    const [held] = await connection.findFew(STORES, { filter: { _id: name } }, 1, signal)
    return held as GenerationDocument | undefined
  }

  /** Its id; `undefined` where there is none. */
  async #collection(signal?: AbortSignal): Promise<string | undefined> {
    const command = { listCollections: 1, filter: { name: READINGS }, cursor: {} }
    const answer = await this.#options.connection.run(command, signal)
    const [found] = (answer as { cursor: { firstBatch: readonly Document[] } }).cursor.firstBatch
    const uuid: unknown = found?.info?.uuid
    if (found === undefined) return undefined
    return uuid instanceof Uint8Array ? Buffer.from(uuid).toString('hex') : String(uuid ?? '')
  }

  async #makeCollection(signal?: AbortSignal): Promise<void> {
    const { connection } = this.#options
    try {
      await connection.run({ create: READINGS, writeConcern: DURABLY }, signal)
    } catch (error) {
      if (!(error instanceof TidemarkError) || error.facts.code !== NAMESPACE_EXISTS) throw error
    }
  }

  async #isEmpty(signal?: AbortSignal): Promise<boolean> {
    const { connection } = this.#options
    return (await connection.findFew(READINGS, { filter: {}, projection: { _id: 1 } }, 1, signal)).length === 0
  }

  /** Of several that make one, one succeeds. */
  async #insert(collection: string, signal?: AbortSignal): Promise<void> {
    const { connection, name, random } = this.#options
    const document: GenerationDocument = { _id: name, generation: random.id(), collection, filled: false }
    const answer = await connection.run({ insert: STORES, documents: [document], writeConcern: DURABLY }, signal)
    this.#assertDone(answer)
  }

  /** Nothing happens where another process has replaced it meanwhile. */
  async #replace(held: GenerationDocument, next: GenerationDocument, signal?: AbortSignal): Promise<void> {
    const { generation, collection, filled } = next
    await this.#update({ _id: held._id, generation: held.generation }, { generation, collection, filled }, signal)
  }

  async #update(q: Document, set: Document, signal?: AbortSignal): Promise<void> {
    const updates = [{ q, u: { $set: set } }]
    const answer = await this.#options.connection.run({ update: STORES, updates, writeConcern: DURABLY }, signal)
    this.#assertDone(answer)
  }

  #assertDone(answer: Document): void {
    const failed = writeConcernErrorOf(answer) ?? writeErrorsOf(answer).find(({ code }) => !TAKEN.has(code))
    if (failed !== undefined) throw storeTrouble(failed, `the store ${this.#options.name}`)
  }
}
