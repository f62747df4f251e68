/** The cloud's message log on a machine of its own, and what a process elsewhere sees of it: calls that take time, fail, and lie about having failed. */

import { type EmbeddedMessageLog, embeddedMessageLog } from '../../infra/embedded/message-log.ts'
import { unlessAborted } from '../../infra/waiting.ts'
import { TidemarkError } from '../../services/core/errors.ts'
import type {
  ConsumeOptions,
  Consumer,
  LogRecord,
  MessageLog,
  Outgoing,
  ResetTarget,
  TailOptions,
  TopicState,
} from '../../services/ports/message-log.ts'
import { PARTITIONS, type TopicName } from '../../topics/index.ts'
import type { Chance } from './chance.ts'
import type { Faults } from './faults.ts'
import { type Machine, Process } from './machine.ts'
import { SimConsumer } from './sim-consumer.ts'
import { type DiskFate, type SimDisk, simDisk, simKv } from './sim-kv.ts'

export type Appended = (topic: TopicName, records: readonly Outgoing[], offsets: readonly number[]) => void

/** A caller waits so long for an answer. */
const TIMEOUT_MS = 15_000

/** What lies between a machine and the log. */
export interface Route {
  /** No answer at all. */
  cut: boolean
  /** What is sent before then arrives then. */
  stalledUntilMs: number
  mute: boolean
  deaf: boolean
}

export function openRoute(): Route {
  return { cut: false, stalledUntilMs: 0, mute: false, deaf: false }
}

/** Of a consumer group; `putOut` takes its partitions from it without a word. */
export interface Member {
  readonly process: Process
  readonly group: string
  putOut(): void
}

/** Ends whatever is open through the log when the log dies. */
type Session = (reason: TidemarkError) => void

export class LogServer {
  readonly machine: Machine
  readonly disk: SimDisk = simDisk()
  readonly faults: Faults
  readonly network: Chance
  readonly sessions = new Set<Session>()
  readonly members = new Set<Member>()
  reachable = true
  /** By group and topic: what its members read of it they get not before then. */
  readonly lagsUntilMs = new Map<string, number>()
  onAppended: Appended = () => undefined
  #process: Process
  #log: EmbeddedMessageLog
  readonly #fate: DiskFate

  constructor(machine: Machine, fate: DiskFate, faults: Faults, network: Chance) {
    this.machine = machine
    this.faults = faults
    this.network = network
    this.#fate = fate
    this.#process = new Process('log', machine)
    this.#log = this.#open()
  }

  /** As the log's own machine sees it. */
  get log(): EmbeddedMessageLog {
    return this.#log
  }

  get up(): boolean {
    return this.reachable && this.#process.alive
  }

  crash(): void {
    this.#process.kill()
    for (const end of [...this.sessions]) end(away('the log died'))
    this.sessions.clear()
  }

  start(): void {
    if (this.#process.alive) return
    this.#process = new Process('log', this.machine)
    this.#log = this.#open()
  }

  /** As retention would when `days` had passed. */
  async trim(days: number): Promise<number> {
    const wall = this.machine.wallMs()
    this.machine.setWall(wall + days * 86_400_000)
    const pass = this.#log.retain()
    this.machine.setWall(wall)
    const { aged, shed } = await pass
    return aged + shed
  }

  client(process: Process, route: Route): MessageLog {
    return new LogClient(this, process, route)
  }

  async append(topic: TopicName, records: readonly Outgoing[]): Promise<readonly number[]> {
    const offsets = await this.#log.produce(topic, records)
    this.onAppended(topic, records, offsets)
    return offsets
  }

  #open(): EmbeddedMessageLog {
    return embeddedMessageLog({ kv: simKv(this.disk, this.#process, this.#fate), clock: this.#process.clock })
  }
}

export function away(why: string): TidemarkError {
  return new TidemarkError('log-unavailable', why)
}

export class LogClient implements MessageLog {
  readonly partitions = PARTITIONS
  readonly server: LogServer
  readonly process: Process
  readonly route: Route
  readonly #closing = new AbortController()

  constructor(server: LogServer, process: Process, route: Route) {
    this.server = server
    this.process = process
    this.route = route
  }

  partitionOf(key: string): number {
    return this.server.log.partitionOf(key)
  }

  produce(topic: TopicName, records: readonly Outgoing[], signal?: AbortSignal): Promise<readonly number[]> {
    const { faults } = this.server
    return this.call(`produce ${topic}`, signal, async () => {
      if (this.route.mute) throw away('the link lets nothing up')
      if (faults.hits('sent-late')) {
        this.#later('sent-late', topic, records, 60_000)
        throw away('it will be sent late')
      }
      if (faults.hits('part-appended')) {
        const count = faults.chance('part-appended').whole(0, records.length - 1)
        if (count > 0) await this.server.append(topic, records.slice(0, count))
        throw away('a part was appended')
      }
      const offsets = await this.server.append(topic, records)
      if (faults.hits('sent-twice')) this.#later('sent-twice', topic, records, 5_000)
      if (faults.hits('ack-lost')) throw away('the answer was lost')
      return offsets
    })
  }

  #later(kind: 'sent-late' | 'sent-twice', topic: TopicName, records: readonly Outgoing[], ms: number): void {
    const delayMs = this.server.faults.chance(kind).skewed(1, ms)
    this.server.machine.scheduler.after(delayMs, `${kind} ${topic}`, () => {
      if (this.server.up) this.server.append(topic, records).catch(() => undefined)
    })
  }

  consume(options: ConsumeOptions): Consumer {
    this.#closing.signal.throwIfAborted()
    return new SimConsumer(this, options)
  }

  tail(options: TailOptions, signal: AbortSignal): AsyncIterable<readonly LogRecord[]> {
    return this.untilClosed(() => this.#tail(options, signal))
  }

  /** What a closed log cuts off has ended, not failed. */
  async *untilClosed<T>(read: () => AsyncIterable<T>): AsyncGenerator<T> {
    this.#closing.signal.throwIfAborted()
    try {
      yield* read()
    } catch (error) {
      if (!this.closed) throw error
    }
  }

  async *#tail(options: TailOptions, signal: AbortSignal): AsyncGenerator<readonly LogRecord[]> {
    const ends = await this.server.log.offsets(options.topic)
    const from = options.from === 'latest' ? (ends[options.partition]?.next ?? 0) : options.from
    await this.call(`tail ${options.topic}`, signal, async () => undefined)
    if (!this.hears) throw away('the link lets nothing down')
    await using session = this.session(signal)
    const read = this.server.log.tail({ ...options, from }, session.signal)[Symbol.asyncIterator]()
    for (;;) {
      const next = await this.process.deliver(read.next(), `reads ${options.topic}`, this.delayMs)
      if (next.done === true) return
      if (!this.hears) throw away('the link is cut')
      yield next.value
    }
  }

  offsets(topic: TopicName): Promise<readonly { readonly first: number; readonly next: number }[]> {
    return this.call('offsets', undefined, () => this.server.log.offsets(topic))
  }

  committed(group: string, topics: readonly TopicName[]): ReturnType<MessageLog['committed']> {
    return this.call('committed', undefined, () => this.server.log.committed(group, topics))
  }

  reset(group: string, topics: readonly TopicName[], to: ResetTarget): Promise<void> {
    return this.call('reset', undefined, () => this.server.log.reset(group, topics, to))
  }

  applyTopics(): Promise<void> {
    return this.call('apply topics', undefined, () => this.server.log.applyTopics())
  }

  listTopics(): Promise<readonly TopicState[]> {
    return this.call('list topics', undefined, () => this.server.log.listTopics())
  }

  probe(signal: AbortSignal): Promise<void> {
    return this.call('probe', signal, () => this.server.log.probe(signal))
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(new TidemarkError('closed', 'the message log'))
  }

  get closed(): boolean {
    return this.#closing.signal.aborted
  }

  get hears(): boolean {
    return this.server.up && !this.route.cut && !this.route.deaf
  }

  readonly delayMs = (): number => {
    const { network, faults } = this.server
    if (faults.hits('call-slow')) return faults.chance('call-slow').skewed(500, 20_000)
    return network.between(0.3, 12)
  }

  /** Aborted when the caller's signal is, this client is closed, the process dies, or the log does. */
  session(signal: AbortSignal): { readonly signal: AbortSignal } & AsyncDisposable {
    const own = new AbortController()
    const end: Session = (reason) => own.abort(reason)
    const { sessions } = this.server
    sessions.add(end)
    const forget = this.process.onDeath(() => {
      sessions.delete(end)
      own.abort(away('the reader died'))
    })
    return {
      signal: AbortSignal.any([signal, own.signal, this.#closing.signal]),
      [Symbol.asyncDispose]: async () => {
        sessions.delete(end)
        forget()
      },
    }
  }

  /** The request goes its way also when the caller dies or gives up; the answer finds only who still waits. */
  async call<T>(what: string, signal: AbortSignal | undefined, work: () => Promise<T>): Promise<T> {
    signal?.throwIfAborted()
    this.#closing.signal.throwIfAborted()
    const { server, route } = this
    const { scheduler } = server.machine
    const answer = new Promise<T>((resolve, reject) => {
      const timer = scheduler.after(TIMEOUT_MS, `${this.process.name} ${what} timed out`, () =>
        reject(away('no answer in time')),
      )
      const fail = (why: string): void => {
        timer.cancel()
        reject(away(why))
      }
      const stallMs = Math.max(0, route.stalledUntilMs - scheduler.nowMs)
      scheduler.after(stallMs + this.delayMs(), `${this.process.name} ${what}`, () => {
        if (route.cut) return fail('the link is cut')
        if (!server.up) return fail('the log is away')
        const end: Session = (reason) => fail(reason.message)
        server.sessions.add(end)
        work()
          .then((value) => {
            if (route.cut || !server.up) return fail('the answer was lost')
            timer.cancel()
            return resolve(value)
          }, reject)
          .finally(() => server.sessions.delete(end))
      })
    })
    return unlessAborted(this.process.deliver(answer, `${what} answered`, this.delayMs), signal)
  }
}
