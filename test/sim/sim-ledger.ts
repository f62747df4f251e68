/** The ledger store on a machine of its own, and what recovery elsewhere sees of it. */

import { embeddedLedgerStore } from '../../infra/embedded/ledger-store.ts'
import type { GatewayId } from '../../schemas/reading.ts'
import { TidemarkError } from '../../services/core/errors.ts'
import type { LedgerChange, LedgerRows, LedgerStore } from '../../services/ports/ledger-store.ts'
import type { Chance } from './chance.ts'
import type { Faults } from './faults.ts'
import { type Machine, Process } from './machine.ts'
import { type DiskFate, simDisk, simKv } from './sim-kv.ts'

export class LedgerServer {
  readonly store: LedgerStore
  readonly machine: Machine
  readonly faults: Faults
  readonly network: Chance
  reachable = true

  constructor(machine: Machine, fate: DiskFate, faults: Faults, network: Chance) {
    this.machine = machine
    this.faults = faults
    this.network = network
    this.store = embeddedLedgerStore(simKv(simDisk(), new Process('ledger', machine), fate))
  }

  client(process: Process): LedgerStore {
    return new LedgerClient(this, process)
  }
}

class LedgerClient implements LedgerStore {
  readonly #server: LedgerServer
  readonly #process: Process
  #closed = false

  constructor(server: LedgerServer, process: Process) {
    this.#server = server
    this.#process = process
  }

  load(gateway: GatewayId): Promise<LedgerRows | undefined> {
    return this.#call('load', () => this.#server.store.load(gateway))
  }

  save(gateway: GatewayId, expected: number, change: LedgerChange): Promise<number> {
    const { store, faults } = this.#server
    return this.#call('save', async () => {
      const version = await store.save(gateway, expected, change)
      if (faults.hits('save-unanswered')) throw away('the answer was lost')
      return version
    })
  }

  gateways(): Promise<readonly GatewayId[]> {
    return this.#call('gateways', () => this.#server.store.gateways())
  }

  versions(): Promise<ReadonlyMap<GatewayId, number>> {
    return this.#call('versions', () => this.#server.store.versions())
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
  }

  async #call<T>(what: string, work: () => Promise<T>): Promise<T> {
    if (this.#closed) throw new TidemarkError('closed', 'the ledger store')
    const { network, machine } = this.#server
    const delayMs = (): number => network.between(0.1, 3)
    const answer = new Promise<T>((resolve, reject) => {
      machine.scheduler.after(delayMs(), `${this.#process.name} ledger ${what}`, () => {
        if (!this.#server.reachable) return reject(away('it does not answer'))
        work().then(resolve, reject)
      })
    })
    return this.#process.deliver(answer, `ledger ${what} answered`, delayMs)
  }
}

function away(why: string): TidemarkError {
  return new TidemarkError('ledger-unavailable', why)
}
