/** The processes of the simulated world around the production modules: gateways, sinks and recovery, each of which can die at any await and start again. */

import { pino } from 'pino'
import { openJournal } from '../../infra/embedded/journal.ts'
import { journalSource } from '../../infra/embedded/journal-source.ts'
import type { WireCodec } from '../../schemas/codec.ts'
import type { GatewayId } from '../../schemas/reading.ts'
import { codeOf } from '../../services/core/errors.ts'
import { Gateway } from '../../services/gateway/gateway.ts'
import type { AppendRequest, Journal } from '../../services/ports/journal.ts'
import { Responder } from '../../services/responder/responder.ts'
import { Chance } from './chance.ts'
import { type Machine, Process } from './machine.ts'
import type { Recorder } from './recorder.ts'
import { type DiskFate, simDisk, simKv } from './sim-kv.ts'
import { type LogServer, openRoute, type Route } from './sim-log.ts'

export interface HostOptions {
  readonly seed: number
  readonly machine: Machine
  readonly log: LogServer
  readonly codec: WireCodec
  readonly recorder: Recorder
  /** Told when a process ended by itself for a reason that is not the environment's. */
  readonly onBug: (who: string, error: unknown) => void
}

export interface JournalKeeping {
  readonly maxBytes: number
  readonly keepMs: number
  readonly whenFull: 'reject' | 'drop-oldest'
  readonly identityKeepMs: number
}

const BUILD_MS = Date.UTC(2026, 0, 1)
export const HEARTBEAT_MS = 1_000
const BYTES_PER_SECOND = 400_000
const CLIENT_TIMEOUT_MS = 8_000
const logger = pino({ level: 'silent' })

/** One program that runs until its process dies or is asked to end. */
export abstract class Host {
  readonly options: HostOptions
  readonly name: string
  readonly route: Route = openRoute()
  process: Process | undefined
  /** Lives begun. */
  lives = 0
  #ended: Promise<void> = Promise.resolve()
  #stop = new AbortController()
  readonly #stops: AbortController[] = []

  constructor(name: string, options: HostOptions) {
    this.name = name
    this.options = options
  }

  get running(): boolean {
    return this.process?.alive === true
  }

  start(): void {
    if (this.running) return
    this.lives += 1
    const { faults } = this.options.log
    const process = new Process(this.name, this.options.machine, () => {
      if (!faults.hits('killed-at-await')) return false
      this.crash()
      return true
    })
    this.process = process
    this.#stop = new AbortController()
    this.#stops.push(this.#stop)
    this.#ended = this.live(process, this.#stop.signal).catch((error: unknown) => {
      const code = codeOf(error)
      if (code === undefined || !(code.startsWith('journal-') || code === 'closed'))
        this.options.onBug(this.name, error)
      this.onFailed()
      process.kill()
    })
  }

  crash(): void {
    this.process?.kill()
  }

  /** After the run: lets go of everything, since signals that nobody aborts keep what listens to them. */
  release(): void {
    this.process?.kill()
    for (const each of this.#stops) each.abort(new Error('the run is over'))
  }

  /** As SIGTERM: it says goodbye where it can, then ends; killed where that takes too long. */
  async stop(): Promise<void> {
    const { process } = this
    if (process === undefined || !process.alive) return
    const late = process.machine.scheduler.after(10_000, `${this.name} is killed`, () => process.kill())
    this.#stop.abort(new Error('asked to end'))
    await Promise.race([this.#ended, new Promise<void>((resolve) => process.onDeath(resolve))])
    late.cancel()
    process.kill()
  }

  protected common(process: Process) {
    const { codec, log, seed } = this.options
    const random = new Chance(seed, `${this.name} life ${this.lives}`)
    return { codec, clock: process.clock, random, logger, messageLog: log.client(process, this.route) }
  }

  protected onFailed(): void {}

  protected abstract live(process: Process, signal: AbortSignal): Promise<void>
}

export type Answer = 'ok' | 'refused' | 'unknown' | 'down'

export class GatewayHost extends Host {
  readonly id: GatewayId
  readonly #fate: DiskFate
  readonly #keeping: JournalKeeping
  readonly #bootWallMs: number | undefined
  #disk = simDisk()
  journal: Journal | undefined
  gateway: Gateway | undefined

  /** `bootWallMs`: what its wall clock shows at every start, where the board keeps no time. */
  constructor(id: string, options: HostOptions, fate: DiskFate, keeping: JournalKeeping, bootWallMs?: number) {
    super(id, options)
    this.id = id as GatewayId
    this.#fate = fate
    this.#keeping = keeping
    this.#bootWallMs = bootWallMs
  }

  override crash(): void {
    const { journal, gateway } = this
    if (this.running && journal !== undefined && gateway !== undefined) {
      if (this.readable(journal) && journal.head() > gateway.uplink.state.cursor)
        this.options.recorder.counts.lostTails += 1
    }
    super.crash()
  }

  /** As when its card broke and another one was put in: the next life knows nothing of those before. */
  replaceDisk(): void {
    this.crash()
    this.#disk = simDisk()
    this.options.recorder.diskReplaced(this.id)
  }

  /** As a client's request: what comes of it, and `unknown` where the answer does not come. */
  offer(request: AppendRequest): Promise<Answer> {
    const { process, journal } = this
    if (process === undefined || journal === undefined || !process.alive) return Promise.resolve('down')
    return new Promise((resolve) => {
      process.machine.scheduler.after(CLIENT_TIMEOUT_MS, `client of ${this.name} gives up`, () => resolve('unknown'))
      process.onDeath(() => resolve('unknown'))
      journal.append(request).then(
        () => process.after(1, 'answers', () => resolve('ok')),
        (error: unknown) =>
          process.after(1, 'refuses', () => resolve(codeOf(error) === 'journal-full' ? 'refused' : 'unknown')),
      )
    })
  }

  readable(journal: Journal): boolean {
    try {
      journal.head()
      return true
    } catch {
      return false
    }
  }

  protected override onFailed(): void {
    this.journal = undefined
  }

  protected override async live(process: Process, signal: AbortSignal): Promise<void> {
    const { recorder } = this.options
    this.journal = undefined
    process.machine.boot(this.#bootWallMs)
    const common = this.common(process)
    const kv = simKv(this.#disk, process, this.#fate)
    const { clock, random } = common
    const opened = await openJournal({
      kv,
      gateway: this.id,
      clock,
      random,
      buildMs: BUILD_MS,
      settings: this.#keeping,
    })
    recorder.opened(opened)
    const journal = watched(opened, () => recorder.scan(opened))
    this.journal = journal
    this.gateway = new Gateway({ ...common, journal, heartbeatMs: HEARTBEAT_MS })
    const source = journalSource(journal)
    const responder = new Responder({ ...common, source, facts: journal, bytesPerSecond: BYTES_PER_SECOND })
    await Promise.all([this.gateway.run(signal), responder.run(signal)])
    await this.gateway.sayGoodbye(AbortSignal.any([])).catch(() => undefined)
    await journal[Symbol.asyncDispose]()
    await kv[Symbol.asyncDispose]()
  }
}

/** The journal as it is, with a look into it after everything that changes it. */
function watched(journal: Journal, look: () => void): Journal {
  const looking = new Set<PropertyKey>(['append', 'prune', 'confirm'])
  return new Proxy(journal, {
    get(target, name) {
      const value: unknown = Reflect.get(target, name, target)
      if (typeof value !== 'function') return value
      if (!looking.has(name)) return value.bind(target)
      return async (...args: readonly unknown[]) => {
        const result: unknown = await Reflect.apply(value, target, args)
        look()
        return result
      }
    },
  })
}
