/** The simulation's fakes are held to the truth: with no fault on they run the contract suites of their ports, as the real adapters do. */

import { clockContract } from '../contract/clock.ts'
import { kvContract } from '../contract/kv.ts'
import { ledgerStoreContract } from '../contract/ledger-store.ts'
import { messageLogContract } from '../contract/message-log.ts'
import { readingStoreContract } from '../contract/reading-store.ts'
import { Chance } from './chance.ts'
import { Faults } from './faults.ts'
import { Machine, Process } from './machine.ts'
import { Scheduler } from './scheduler.ts'
import { type DiskFate, simDisk, simKv } from './sim-kv.ts'
import { LedgerServer } from './sim-ledger.ts'
import { LogServer, openRoute } from './sim-log.ts'
import { StoreServer } from './sim-store.ts'

const HONEST: DiskFate = { syncMs: () => 0.1, syncFails: () => false, keeps: () => true }

/** Virtual time that passes as fast as it can, until disposed. */
class Running implements AsyncDisposable {
  readonly scheduler = new Scheduler(1)
  readonly machine = new Machine('cloud', this.scheduler)
  readonly faults = new Faults(1, {})
  readonly network = new Chance(1, 'network')
  readonly #run = this.scheduler.runFreely()

  process(name = 'client'): Process {
    return new Process(name, new Machine(name, this.scheduler))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.scheduler.stop()
    await this.#run
  }
}

kvContract('simKv', async () => {
  const running = new Running()
  const disk = simDisk()
  const kv = simKv(disk, running.process(), HONEST)
  return {
    kv,
    reopen: async () => {
      await kv[Symbol.asyncDispose]()
      return simKv(disk, running.process(), HONEST)
    },
    [Symbol.asyncDispose]: () => running[Symbol.asyncDispose](),
  }
})

messageLogContract('LogClient', async () => {
  const running = new Running()
  const { machine, faults, network } = running
  // Calls take virtual time here, and the cases look at times to the millisecond.
  machine.setRate(0)
  const server = new LogServer(machine, HONEST, faults, network)
  await server.log.applyTopics()
  const clock = {
    wallMs: () => machine.wallMs(),
    setWall: (ms: number) => machine.setWall(ms),
    advance: (ms: number) => machine.setWall(machine.wallMs() + ms),
  }
  return {
    log: server.client(running.process(), openRoute()),
    clock,
    retain: async () => {
      await server.log.retain()
    },
    reopen: async () => {
      await server.log[Symbol.asyncDispose]()
      server.crash()
      server.start()
      return server.client(running.process(), openRoute())
    },
    [Symbol.asyncDispose]: () => running[Symbol.asyncDispose](),
  }
})

readingStoreContract('StoreClient', async () => {
  const running = new Running()
  const server = new StoreServer({
    ...running,
    name: 'store',
    machine: running.machine,
    fate: HONEST,
    faults: running.faults,
    network: running.network,
    random: new Chance(1, 'store'),
    refuses: () => false,
    onLanded: () => undefined,
  })
  return {
    store: server.client(running.process()),
    reopen: async () => {
      server.crash()
      server.start()
      return server.client(running.process())
    },
    [Symbol.asyncDispose]: () => running[Symbol.asyncDispose](),
  }
})

ledgerStoreContract('LedgerClient', async () => {
  const running = new Running()
  const server = new LedgerServer(running.machine, HONEST, running.faults, running.network)
  return {
    store: server.client(running.process()),
    reopen: async () => server.client(running.process('another')),
    [Symbol.asyncDispose]: () => running[Symbol.asyncDispose](),
  }
})

clockContract('the clock of a simulated process', () => ({ clock: new Running().process().clock }))
