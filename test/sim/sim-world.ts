/** Everything of one simulated run put together: machines, log, stores, ledger, gateways, sinks and recovery. */

import { embeddedSchemaRegistry } from '../../infra/embedded/schema-registry.ts'
import type { WireCodec } from '../../schemas/codec.ts'
import type { MessageTypes } from '../../schemas/message-type.ts'
import { openWireCodec } from '../../schemas/wire-codec.ts'
import { proofOf } from '../../services/commands/proof.ts'
import { parseSettings, type Settings } from '../../services/core/settings.ts'
import type { GatewayVerdict } from '../../services/core/verdict.ts'
import type { ArrivingReading, StoredReading } from '../../services/ports/reading-store.ts'
import type { SchemaRegistry } from '../../services/ports/schema-registry.ts'
import { memoryKv } from '../support/memory-kv.ts'
import { Chance } from './chance.ts'
import { RecoveryHost, SinkHost } from './cloud-hosts.ts'
import { type FaultClass, Faults, type Rates } from './faults.ts'
import { GatewayHost, HEARTBEAT_MS, type Host, type HostOptions, type JournalKeeping } from './hosts.ts'
import { Machine } from './machine.ts'
import { Recorder, uniqueOf } from './recorder.ts'
import { Scheduler, type Trace } from './scheduler.ts'
import type { DiskFate } from './sim-kv.ts'
import { LedgerServer } from './sim-ledger.ts'
import { LogServer } from './sim-log.ts'
import { StoreServer } from './sim-store.ts'
import { Workload } from './workload.ts'

export interface Plan {
  readonly seed: number
  /** Most runs of the kind are long ones. */
  readonly longer: boolean
  readonly gateways: number
  readonly readings: number
  readonly stores: number
  readonly sinksPerStore: number
  readonly safetyMs: number
  readonly slicePositions: number
  readonly rates: Rates
}

export interface Bug {
  readonly who: string
  readonly what: string
}

interface Words {
  readonly codec: WireCodec
  readonly types: MessageTypes
  readonly registry: SchemaRegistry
}

export class SimWorld {
  readonly plan: Plan
  readonly scheduler: Scheduler
  readonly faults: Faults
  readonly recorder: Recorder
  readonly codec: WireCodec
  readonly types: MessageTypes
  readonly registry: SchemaRegistry
  readonly log: LogServer
  readonly ledger: LedgerServer
  readonly stores: readonly StoreServer[]
  readonly gateways: ReadonlyMap<string, GatewayHost>
  readonly sinks: readonly SinkHost[]
  readonly recoveries: readonly RecoveryHost[]
  readonly machines: readonly Machine[]
  readonly workload: Workload
  readonly settings: Settings
  readonly bugs: Bug[] = []
  /** A reading may meet another one at its identity in a store. */
  readonly gatewaysForget: boolean
  readonly #options: Omit<HostOptions, 'machine'>

  private constructor(plan: Plan, words: Words, trace?: Trace) {
    this.plan = plan
    const { codec } = words
    this.codec = codec
    this.types = words.types
    this.registry = words.registry
    this.scheduler = new Scheduler(plan.seed, trace)
    this.faults = new Faults(plan.seed, plan.rates)
    this.recorder = new Recorder(this.scheduler)
    const network = new Chance(plan.seed, 'network')
    const machine = (name: string): Machine => new Machine(name, this.scheduler)
    const cloudFate = this.#fate('cloud disks', 0.2, false)
    const machines = { log: machine('log'), ledger: machine('ledger') }
    this.log = new LogServer(machines.log, cloudFate, this.faults, network)
    this.log.onAppended = (...said) => this.recorder.appended(...said)
    this.ledger = new LedgerServer(machines.ledger, cloudFate, this.faults, network)
    this.stores = Array.from({ length: plan.stores }, (_, i) =>
      this.#store(`store${i + 1}`, machine, cloudFate, network),
    )
    const names = this.stores.map((each) => each.name)
    this.settings = settingsFor(names)
    const { seed } = plan
    const onBug = (who: string, error: unknown): void => void this.bugs.push({ who, what: textOfError(error) })
    this.#options = { seed, log: this.log, codec, recorder: this.recorder, onBug }
    this.sinks = this.stores.flatMap((store) =>
      Array.from({ length: plan.sinksPerStore }, (_, i) => this.sink(`sink-${store.name}-${i + 1}`, store)),
    )
    this.recoveries = [this.recovery('recovery-1')]
    const ids = Array.from({ length: plan.gateways }, (_, i) => `g${i + 1}`)
    this.gateways = new Map(ids.map((id) => [id, this.#gateway(id, machine(id))]))
    const hosts = [...this.gateways.values(), ...this.sinks, ...this.recoveries]
    this.machines = [...Object.values(machines), ...hosts.map((each) => each.options.machine)]
    const has = (...kinds: readonly FaultClass[]): boolean => kinds.some((kind) => this.faults.has(kind))
    const clocksJump = has('boots-in-1970', 'clock-jumps', 'disk-replaced')
    // A clock that jumps ahead by years ends the time for which identities are kept.
    const gatewaysForget = has('journal-forgets', 'journal-small', 'disk-replaced', 'clock-jumps')
    this.gatewaysForget = gatewaysForget
    const { readings, safetyMs } = plan
    const workload = { seed, gateways: ids, readings, withinMs: safetyMs * 0.9, clocksJump, gatewaysForget }
    this.workload = new Workload(workload, this.scheduler, this.recorder)
  }

  static async open(plan: Plan, types: MessageTypes, trace?: Trace): Promise<SimWorld> {
    const registry = embeddedSchemaRegistry(memoryKv())
    const world = new SimWorld(plan, { registry, types, codec: await openWireCodec(registry, types) }, trace)
    await world.finish(world.log.log.applyTopics())
    for (const each of world.hosts) each.start()
    world.workload.run(world.gateways)
    return world
  }

  get hosts(): readonly Host[] {
    return [...this.gateways.values(), ...this.sinks, ...this.recoveries]
  }

  sink(name: string, store: StoreServer): SinkHost {
    return new SinkHost(name, { ...this.#options, machine: new Machine(name, this.scheduler) }, store)
  }

  recovery(name: string): RecoveryHost {
    const names = this.stores.map((each) => each.name)
    const options = { ...this.#options, machine: new Machine(name, this.scheduler) }
    return new RecoveryHost(name, options, this.ledger, names, this.plan.slicePositions)
  }

  /** Runs events until `work` is done. */
  async finish<T>(work: Promise<T>): Promise<T> {
    let isOver = false
    const over = (): void => {
      isOver = true
    }
    work.then(over, over)
    await Promise.resolve()
    while (!isOver && (await this.scheduler.runNext())) await Promise.resolve()
    return work
  }

  /** Runs events for so long of virtual time, or up to a step. */
  async runFor(ms: number, untilStep = Number.POSITIVE_INFINITY): Promise<void> {
    let isOver = false
    this.scheduler.after(ms, 'time', () => {
      isOver = true
    })
    while (!isOver && this.scheduler.step < untilStep) await this.scheduler.runNext()
  }

  /** What an operator beside the ledger reads, by true time. */
  async proofs(): Promise<readonly GatewayVerdict[]> {
    const clock = { ...this.log.machine, wallMs: () => this.log.machine.wallMs(), monotonicMs: () => 0, sleep: never }
    const proof = await proofOf({ ledger: this.ledger.store, settings: this.settings, clock })
    return proof.gateways
  }

  async stored(store: StoreServer): Promise<readonly StoredReading[]> {
    const out: StoredReading[] = []
    for await (const batch of store.store.read({}, new AbortController().signal)) out.push(...batch)
    return out
  }

  #store(name: string, machine: (name: string) => Machine, fate: DiskFate, network: Chance): StoreServer {
    const { seed } = this.plan
    const refuses = ({ reading }: ArrivingReading): boolean => this.refuses(name, uniqueOf(reading.values) ?? '')
    return new StoreServer({
      name,
      machine: machine(name),
      fate,
      faults: this.faults,
      network,
      random: new Chance(seed, name),
      refuses,
      onLanded: (...said) => this.recorder.landed(...said),
    })
  }

  /** Whether the store can never hold this reading. */
  refuses(store: string, unique: string): boolean {
    return this.faults.has('reading-refused') && new Chance(this.plan.seed, `refused ${store} ${unique}`).hits(0.02)
  }

  #gateway(id: string, machine: Machine): GatewayHost {
    const fate = this.#fate(`disk of ${id}`, 0.5, true)
    const boot = this.faults.has('boots-in-1970') && id !== 'g2' ? 1_000 : undefined
    return new GatewayHost(id, { ...this.#options, machine }, fate, this.#keeping(), boot)
  }

  #keeping(): JournalKeeping {
    const { plan, faults } = this
    const small = faults.has('journal-small')
    const forgets = faults.has('journal-forgets')
    const bytes = Math.max(8_000, (plan.readings / plan.gateways) * 60)
    return {
      maxBytes: small ? bytes : 1e9,
      keepMs: forgets ? Math.min(10_000, plan.safetyMs / 8) : 7 * 86_400_000,
      whenFull: small && plan.seed % 2 === 0 ? 'drop-oldest' : 'reject',
      identityKeepMs: forgets ? Math.min(20_000, plan.safetyMs / 4) : 400 * 86_400_000,
    }
  }

  #fate(concern: string, slowness: number, syncsMayFail: boolean): DiskFate {
    const chance = new Chance(this.plan.seed, concern)
    return {
      syncMs: () => chance.skewed(slowness * 0.2, slowness * 20),
      syncFails: () => syncsMayFail && this.faults.hits('sync-fails'),
      keeps: () => chance.hits(0.5),
    }
  }
}

function settingsFor(stores: readonly string[]): Settings {
  const parsed = parseSettings({ env: { TIDEMARK_HEARTBEAT: `${HEARTBEAT_MS}ms` } })
  if (!parsed.ok) throw new Error(parsed.faults.join('\n'))
  return { ...parsed.settings, stores: stores as Settings['stores'] }
}

function textOfError(error: unknown): string {
  return error instanceof Error ? (error.stack ?? error.message) : String(error)
}

async function never(): Promise<void> {
  throw new Error('nothing sleeps here')
}
