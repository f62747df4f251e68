/** A store on a machine of its own, with a disk that can be restored or wiped, and what a sink elsewhere sees of it. */

import { embeddedReadingStore } from '../../infra/embedded/reading-store.ts'
import { unlessAborted } from '../../infra/waiting.ts'
import { TidemarkError } from '../../services/core/errors.ts'
import type { Random } from '../../services/ports/clock.ts'
import type {
  ArrivingReading,
  ReadingFilter,
  ReadingStore,
  StoredReading,
  WriteResult,
} from '../../services/ports/reading-store.ts'
import type { Chance } from './chance.ts'
import type { Faults } from './faults.ts'
import { type Machine, Process } from './machine.ts'
import { type DiskFate, type SimDisk, simDisk, simKv } from './sim-kv.ts'

const TIMEOUT_MS = 10_000

export interface StoreServerOptions {
  readonly name: string
  readonly machine: Machine
  readonly fate: DiskFate
  readonly faults: Faults
  readonly network: Chance
  readonly random: Random
  /** A reading that it can't ever hold. */
  readonly refuses: (arriving: ArrivingReading) => boolean
  /** Told of every write, also of one whose answer gets lost. */
  readonly onLanded: (store: string, readings: readonly ArrivingReading[], result: WriteResult) => void
}

export class StoreServer {
  readonly options: StoreServerOptions
  reachable = true
  #disk: SimDisk = simDisk()
  #process: Process
  #store: ReadingStore

  constructor(options: StoreServerOptions) {
    this.options = options
    this.#process = new Process(options.name, options.machine)
    this.#store = this.#open()
  }

  get name(): string {
    return this.options.name
  }

  /** As the store's own machine sees it. */
  get store(): ReadingStore {
    return this.#store
  }

  get up(): boolean {
    return this.reachable && this.#process.alive
  }

  /** What a backup made now would hold. */
  backup(): SimDisk {
    return { rows: this.#disk.rows }
  }

  crash(): void {
    this.#process.kill()
  }

  start(): void {
    if (this.#process.alive) return
    this.#process = new Process(this.name, this.options.machine)
    this.#store = this.#open()
  }

  /** Out of a backup, or of nothing; it answers once its generation is its own. */
  async replace(backup: SimDisk | undefined): Promise<string> {
    this.crash()
    this.reachable = false
    this.#disk = { rows: backup?.rows ?? [] }
    this.start()
    const generation = await (backup === undefined ? this.#store.generation() : this.#store.renew())
    this.reachable = true
    return generation
  }

  client(process: Process): ReadingStore {
    return new StoreClient(this, process)
  }

  #open(): ReadingStore {
    const { fate, name, random } = this.options
    return embeddedReadingStore({ kv: simKv(this.#disk, this.#process, fate), name, random })
  }
}

function away(why: string): TidemarkError {
  return new TidemarkError('store-unavailable', why)
}

class StoreClient implements ReadingStore {
  readonly name: string
  readonly #server: StoreServer
  readonly #process: Process
  #closed = false

  constructor(server: StoreServer, process: Process) {
    this.name = server.name
    this.#server = server
    this.#process = process
  }

  generation(): Promise<string> {
    return this.#call('generation', undefined, () => this.#server.store.generation())
  }

  renew(): Promise<string> {
    return this.#call('renew', undefined, () => this.#server.store.renew())
  }

  write(readings: readonly ArrivingReading[], signal: AbortSignal): Promise<WriteResult> {
    const { faults, refuses } = this.#server.options
    return this.#call('write', signal, async () => {
      if (readings.some(refuses)) {
        faults.count('reading-refused')
        throw new TidemarkError('batch-refused', 'it holds a reading that this store can not hold')
      }
      if (readings.length > 1 && faults.hits('landing-halved')) {
        await this.#land(readings.slice(0, readings.length >> 1))
        throw away('it failed half way')
      }
      const result = await this.#land(readings)
      if (faults.hits('landing-unanswered')) throw away('the answer was lost')
      return result
    })
  }

  async #land(readings: readonly ArrivingReading[]): Promise<WriteResult> {
    const result = await this.#server.store.write(readings, new AbortController().signal)
    this.#server.options.onLanded(this.name, readings, result)
    return result
  }

  async *read(filter: ReadingFilter, signal: AbortSignal): AsyncGenerator<readonly StoredReading[]> {
    const batches = await this.#call('read', signal, async () => {
      const out: (readonly StoredReading[])[] = []
      for await (const batch of this.#server.store.read(filter, signal)) out.push(batch)
      return out
    })
    for (const batch of batches) {
      signal.throwIfAborted()
      yield batch
    }
  }

  probe(signal: AbortSignal): Promise<void> {
    return this.#call('probe', signal, () => this.#server.store.probe(signal))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
  }

  /** What was sent is done, whether or not the caller lives to hear of it. */
  async #call<T>(what: string, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    signal?.throwIfAborted()
    if (this.#closed) throw new TidemarkError('closed', `the store ${this.name}`)
    const { network, machine } = this.#server.options
    const { scheduler } = machine
    const delayMs = (): number => network.between(0.2, 5)
    const answer = new Promise<T>((resolve, reject) => {
      const timer = scheduler.after(TIMEOUT_MS, `${this.name} ${what} timed out`, () =>
        reject(away('no answer in time')),
      )
      scheduler.after(delayMs(), `${this.#process.name} ${this.name} ${what}`, () => {
        const settle = (tell: () => void): void => {
          timer.cancel()
          tell()
        }
        if (!this.#server.up) return settle(() => reject(away('it does not answer')))
        work().then(
          (value) => settle(() => resolve(value)),
          (error: unknown) => settle(() => reject(error)),
        )
      })
    })
    return unlessAborted(this.#process.deliver(answer, `${this.name} ${what} answered`, delayMs), signal)
  }
}
