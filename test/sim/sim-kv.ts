/** The ordered key-value engine on a simulated disk: commits take time, a crash loses or keeps the one in flight as a whole, and a sync can fail. */

import type { Bytes, Kv, KvRead, KvTx, Row } from '../../infra/embedded/kv.ts'
import { runBody } from '../../infra/embedded/write-body.ts'
import { TidemarkError } from '../../services/core/errors.ts'
import { bytesOf, firstAtLeast, type Held, nameOf } from '../support/named-rows.ts'
import type { Process } from './machine.ts'

/** What outlives the process. Replaced as a whole by each commit, so that a copy of it is a backup. */
export interface SimDisk {
  rows: readonly Held[]
}

export interface DiskFate {
  /** How long a commit takes. */
  syncMs(): number
  /** The sync of this commit fails: nobody knows what of it is on disk. */
  syncFails(): boolean
  /** A commit in flight at a crash is on disk all the same. */
  keeps(): boolean
}

export function simDisk(): SimDisk {
  return { rows: [] }
}

interface Job {
  readonly run: (tx: KvTx) => () => void
  readonly fail: (error: unknown) => void
}

export function simKv(disk: SimDisk, process: Process, fate: DiskFate): Kv {
  return new SimKv(disk, process, fate)
}

class SimKv implements Kv {
  readonly #disk: SimDisk
  readonly #process: Process
  readonly #fate: DiskFate
  #waiting: Job[] = []
  #inFlight: readonly Held[] | undefined
  #idle: (() => void)[] = []
  #over: TidemarkError | undefined

  constructor(disk: SimDisk, process: Process, fate: DiskFate) {
    this.#disk = disk
    this.#process = process
    this.#fate = fate
    process.onDeath(() => {
      if (this.#inFlight !== undefined && fate.keeps()) disk.rows = this.#inFlight
    })
  }

  get(key: Bytes): Bytes | undefined {
    this.#assertUsable()
    return readerOf(() => this.#disk.rows).get(key)
  }

  range(range: Parameters<KvRead['range']>[0]): Iterable<Row> {
    this.#assertUsable()
    return readerOf(() => this.#disk.rows).range(range)
  }

  async write<T>(body: (tx: KvTx) => T): Promise<T> {
    this.#assertUsable()
    return new Promise<T>((resolve, reject) => {
      const run = (tx: KvTx): (() => void) => {
        try {
          const result = runBody(tx, body)
          return () => resolve(result)
        } catch (error) {
          return () => reject(error)
        }
      }
      this.#waiting.push({ run, fail: reject })
      if (this.#waiting.length === 1 && this.#inFlight === undefined)
        this.#process.after(0, 'begins', () => this.#begin())
    })
  }

  fileBytes(): number {
    return this.#disk.rows.reduce((sum, row) => sum + row.name.length + row.value.length, 0)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#waiting.length > 0 || this.#inFlight !== undefined) {
      await new Promise<void>((resolve) => this.#idle.push(resolve))
    }
    this.#over ??= new TidemarkError('closed', 'the key-value store')
  }

  #begin(): void {
    const rows = [...this.#disk.rows]
    this.#inFlight = rows
    const jobs = this.#waiting
    this.#waiting = []
    const tx = transactionOn(rows)
    const outcomes = jobs.map((job) => job.run(tx))
    this.#process.after(this.#fate.syncMs(), 'syncs', () => {
      this.#inFlight = undefined
      if (this.#fate.syncFails()) return this.#poison(rows, jobs)
      this.#disk.rows = rows
      for (const tell of outcomes) tell()
      if (this.#waiting.length > 0) this.#begin()
      else this.#tellIdle()
    })
  }

  #poison(rows: readonly Held[], jobs: readonly Job[]): void {
    if (this.#fate.keeps()) this.#disk.rows = rows
    const error = new TidemarkError('journal-poisoned', 'simulated')
    this.#over ??= error
    for (const job of [...jobs, ...this.#waiting]) job.fail(error)
    this.#waiting = []
    this.#tellIdle()
  }

  #tellIdle(): void {
    for (const tell of this.#idle) tell()
    this.#idle = []
  }

  #assertUsable(): void {
    if (this.#over !== undefined) throw this.#over
  }
}

function readerOf(rows: () => readonly Held[]): KvRead {
  return {
    get: (key) => {
      const name = nameOf(key)
      const held = rows()[firstAtLeast(rows(), name)]
      return held?.name === name ? held.value.slice() : undefined
    },
    range: ({ from, to, reverse = false, limit }) => rowsBetween(rows(), nameOf(from), nameOf(to), reverse, limit),
  }
}

/** What is iterated was cut out before: changes of other rows do not shift it. */
function* rowsBetween(
  rows: readonly Held[],
  from: string,
  to: string,
  reverse: boolean,
  limit = Number.POSITIVE_INFINITY,
): Generator<Row> {
  const low = firstAtLeast(rows, from)
  const high = firstAtLeast(rows, to)
  const count = Math.min(limit, Math.max(0, high - low))
  const cut = reverse ? rows.slice(high - count, high).reverse() : rows.slice(low, low + count)
  for (const row of cut) yield { key: bytesOf(row.name), value: row.value.slice() }
}

function transactionOn(rows: Held[]): KvTx {
  return {
    ...readerOf(() => rows),
    put: (key, value) => {
      const row = { name: nameOf(key), value: new Uint8Array(value) }
      const at = firstAtLeast(rows, row.name)
      if (rows[at]?.name === row.name) rows[at] = row
      else rows.splice(at, 0, row)
    },
    delete: (key) => {
      const name = nameOf(key)
      const at = firstAtLeast(rows, name)
      if (rows[at]?.name === name) rows.splice(at, 1)
    },
  }
}
