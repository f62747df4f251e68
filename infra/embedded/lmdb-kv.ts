/** The ordered key-value engine on LMDB: one file, synced commits, waiting writes committed together. */

import { closeSync, fsyncSync, mkdirSync, openSync, realpathSync, statSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { open, type RootDatabase } from 'lmdb'
import { TidemarkError } from '../../services/core/errors.ts'
import type { Bytes, Kv, KvRead, KvTx, Row } from './kv.ts'
import { runBody } from './write-body.ts'

export interface LmdbKvOptions {
  /** Address space taken for the file at once. It grows past that by itself, but growing moves the map. */
  readonly mapBytes?: number
  /** Told once, when a commit failed and the handle answers no more. */
  readonly poisoned?: (error: TidemarkError) => void
}

type Db = RootDatabase<Uint8Array, Uint8Array>

interface Job {
  /** Runs the body; what it returns tells the caller the outcome once the commit is known to be on disk. */
  run(tx: KvTx): () => void
  fail(error: unknown): void
}

const MAP_BYTES = 16 * 2 ** 30
/** A transaction takes no further body once its puts hold this many bytes, so that neither its memory nor the pause of the event loop grows without bound. */
const TRANSACTION_BYTES = 16_000_000
/** LMDB breaks when one process opens a file twice. */
const openPaths = new Set<string>()

/** `path` is the file, made with its folder where missing. */
export function openLmdbKv(path: string, options: LmdbKvOptions = {}): Kv {
  mkdirSync(dirname(path), { recursive: true })
  const real = join(realpathSync(dirname(path)), basename(path))
  if (openPaths.has(real)) throw new TidemarkError('data-locked', `this process has ${path} open already`)
  const db = openDb(path, options)
  openPaths.add(real)
  syncFolder(dirname(real))
  return new LmdbKv(db, path, () => openPaths.delete(real), options.poisoned)
}

function openDb(path: string, { mapBytes = MAP_BYTES }: LmdbKvOptions): Db {
  try {
    return open<Uint8Array, Uint8Array>(path, {
      noSubdir: true,
      keyEncoding: 'binary',
      encoding: 'binary',
      // So that the promise of a transaction means that it is on disk.
      overlappingSync: false,
      // Batching by event turn makes a second promise of a commit that nobody holds: when the commit fails, it would end the process as unhandled.
      eventTurnBatching: false,
      // Elsewhere a large map is either refused (32 bits) or a large file (Windows).
      ...(process.platform === 'linux' && process.arch.endsWith('64') ? { mapSize: mapBytes } : {}),
    })
  } catch (error) {
    throw new TidemarkError('data-unusable', `${path} could not be opened as LMDB`, { path }, error)
  }
}

/** LMDB syncs what is in the file; that the file is in its folder, and the folder in its own, has to be on disk too. */
function syncFolder(folder: string): void {
  if (process.platform === 'win32') return
  for (const path of [folder, dirname(folder)]) {
    const file = openSync(path, 'r')
    fsyncSync(file)
    closeSync(file)
  }
}

class LmdbKv implements Kv {
  readonly #db: Db
  readonly #path: string
  readonly #onClosed: () => void
  readonly #onPoisoned: LmdbKvOptions['poisoned']
  #waiting: Job[] = []
  #pumping: Promise<void> | undefined
  #poison: TidemarkError | undefined
  #closing: Promise<void> | undefined

  constructor(db: Db, path: string, onClosed: () => void, onPoisoned: LmdbKvOptions['poisoned']) {
    this.#db = db
    this.#path = path
    this.#onClosed = onClosed
    this.#onPoisoned = onPoisoned
  }

  get(key: Bytes): Bytes | undefined {
    this.#assertUsable()
    return readerOf(this.#db).get(key)
  }

  range(range: Parameters<KvRead['range']>[0]): Iterable<Row> {
    this.#assertUsable()
    return readerOf(this.#db).range(range)
  }

  async write<T>(body: (tx: KvTx) => T): Promise<T> {
    this.#assertUsable()
    return new Promise<T>((resolve, reject) => {
      this.#waiting.push({ run: (tx) => settled(() => runBody(tx, body), resolve, reject), fail: reject })
      this.#pumping ??= this.#pump()
    })
  }

  fileBytes(): number {
    return statSync(this.#path).size
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    await this.#pumping
    await this.#db.close()
    this.#onClosed()
  }

  #assertUsable(): void {
    if (this.#closing !== undefined) throw new TidemarkError('closed', 'the key-value store')
    if (this.#poison !== undefined) throw this.#poison
  }

  /** One transaction after the other until nothing waits. */
  async #pump(): Promise<void> {
    while (this.#waiting.length > 0 && this.#poison === undefined) await this.#commit()
    this.#pumping = undefined
  }

  async #commit(): Promise<void> {
    const taken: Job[] = []
    let outcomes: (() => void)[] = []
    try {
      outcomes = await this.#db.transaction(() => this.#runWaiting(taken))
    } catch (error) {
      this.#poison = new TidemarkError('journal-poisoned', '', { path: this.#path }, await commitError(error))
      for (const job of [...taken, ...this.#waiting.splice(0)]) job.fail(this.#poison)
      this.#onPoisoned?.(this.#poison)
    }
    for (const tell of outcomes) tell()
  }

  #runWaiting(taken: Job[]): (() => void)[] {
    const tx = writerOf(this.#db)
    const outcomes: (() => void)[] = []
    for (const job of this.#waiting) {
      if (tx.bytes() >= TRANSACTION_BYTES) break
      taken.push(job)
      outcomes.push(job.run(tx))
      // A body's own mistake is its own; a put that the engine refused makes the whole transaction worthless.
      if (tx.broken() !== undefined) break
    }
    this.#waiting = this.#waiting.slice(taken.length)
    if (tx.broken() !== undefined) throw tx.broken()
    return outcomes
  }
}

function settled<T>(body: () => T, resolve: (value: T) => void, reject: (error: unknown) => void): () => void {
  try {
    const value = body()
    return () => resolve(value)
  } catch (error) {
    return () => reject(error)
  }
}

/** LMDB's rejection of a commit carries the cause as a promise that rejects, and would end the process if nobody listened. */
async function commitError(error: unknown): Promise<unknown> {
  if (!(error instanceof Error) || !('commitError' in error)) return error
  return Promise.resolve(error.commitError).catch((cause: unknown) => cause)
}

function readerOf(db: Db): KvRead {
  return {
    get: (key) => own(db.getBinary(key)),
    range: ({ from, to, reverse = false, limit }) =>
      rows(
        db.getRange({
          ...(reverse
            ? { start: to, exclusiveStart: true, end: from, inclusiveEnd: true, reverse }
            : { start: from, end: to }),
          ...(limit === undefined ? {} : { limit }),
        }),
      ),
  }
}

function* rows(found: Iterable<{ key: Uint8Array; value: Uint8Array }>): Generator<Row> {
  for (const { key, value } of found) yield { key, value: own(value) }
}

/** LMDB hands out buffers whose `length` is a property of their own; a plain view on the same bytes behaves like any other. */
function own<B extends Uint8Array | undefined>(bytes: B): B
function own(bytes: Uint8Array | undefined): Uint8Array | undefined {
  return bytes === undefined ? undefined : new Uint8Array(bytes.buffer, bytes.byteOffset, bytes.length)
}

interface Writer extends KvTx {
  /** Of the puts so far. */
  bytes(): number
  /** Why the engine refused a put or delete, if it did. */
  broken(): unknown
}

function writerOf(db: Db): Writer {
  let bytes = 0
  let broken: unknown
  const attempt = (write: () => unknown): void => {
    try {
      write()
    } catch (error) {
      broken = error
      throw error
    }
  }
  return {
    ...readerOf(db),
    put: (key, value) => {
      bytes += value.length
      attempt(() => db.putSync(key, value))
    },
    delete: (key) => attempt(() => db.removeSync(key)),
    bytes: () => bytes,
    broken: () => broken,
  }
}
