/** The message log over the ordered key-value engine: topics, partitions, groups and retention in one process. */

import type { Logger } from 'pino'
import { TidemarkError } from '../../services/core/errors.ts'
import type { Clock } from '../../services/ports/clock.ts'
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
import { Bell, unlessAborted } from '../waiting.ts'
import { CommittedOffsets } from './committed-offsets.ts'
import { Group, type GroupLog } from './group.ts'
import type { Kv } from './kv.ts'
import { type Appended, append, firstKept, offsetAt, partitionOf, prepare, read, stateOf } from './log-records.ts'
import { type Removed, retain } from './log-retention.ts'
import { everyPlace, type Place } from './log-rows.ts'
import { applyTopics, topicStates } from './log-topics.ts'

export interface EmbeddedMessageLogOptions {
  /** Stays the caller's: close the log first. One log a store. */
  readonly kv: Kv
  readonly clock: Clock
  readonly logger?: Logger
  /** Of all topics together; past it the oldest of what can be sent again goes first. */
  readonly maxBytes?: number
  /** Awaited between two reads of one reader: the engine answers at once, so a reader with a backlog would shut out timers and sockets. */
  readonly breathe?: () => Promise<void>
}

export interface EmbeddedMessageLog extends MessageLog {
  /** What the log does by itself when opened, every hour, and when it has grown: removes what need not be kept. */
  retain(): Promise<Removed>
}

const MAX_BYTES = 8_000_000_000
const RETAIN_EVERY_MS = 3_600_000
const TAIL_RECORDS = 500
const TAIL_BYTES = 4_000_000

/** Opens the log that `kv` holds, or begins one. */
export function embeddedMessageLog(options: EmbeddedMessageLogOptions): EmbeddedMessageLog {
  return new EmbeddedLog(options)
}

class EmbeddedLog implements EmbeddedMessageLog {
  readonly partitions = PARTITIONS
  readonly partitionOf = partitionOf
  readonly #kv: Kv
  readonly #options: EmbeddedMessageLogOptions
  readonly #maxBytes: number
  readonly #log: GroupLog
  readonly #bell = new Bell()
  readonly #committed: CommittedOffsets
  readonly #groups = new Map<string, Group>()
  /** Offset after the last durable record of each place. */
  readonly #next = new Map<TopicName, number[]>()
  readonly #closing = new AbortController()
  readonly #upkeep: Promise<void>
  #lastPass: Promise<unknown> = Promise.resolve()
  #grownBytes = 0

  constructor(options: EmbeddedMessageLogOptions) {
    this.#options = options
    this.#kv = options.kv
    this.#maxBytes = options.maxBytes ?? MAX_BYTES
    this.#committed = new CommittedOffsets(options.kv)
    for (const place of everyPlace()) this.#advance(place, stateOf(options.kv, place).next)
    this.#log = {
      committed: this.#committed,
      bell: this.#bell,
      first: (topic, partition) => this.#first({ topic, partition }),
      next: (topic, partition) => this.#nextOf({ topic, partition }),
      read: (request) => read(this.#kv, request),
      breathe: () => this.#breathe(),
    }
    this.#upkeep = this.#keepTidy()
  }

  async produce(topic: TopicName, records: readonly Outgoing[], signal?: AbortSignal): Promise<readonly number[]> {
    this.#assertOpen()
    signal?.throwIfAborted()
    const prepared = records.map(prepare)
    if (prepared.length === 0) return []
    const written = this.#kv.write((tx) => append(tx, topic, prepared, this.#options.clock.wallMs()))
    return unlessAborted(
      written.then((appended) => this.#appended(topic, appended)),
      signal,
    )
  }

  #appended(topic: TopicName, { offsets, states, bytes }: Appended): readonly number[] {
    for (const [partition, { next }] of states) this.#advance({ topic, partition }, next)
    this.#grownBytes += bytes
    if (this.#grownBytes > this.#maxBytes / 16) {
      this.#grownBytes = 0
      void this.#tidy()
    }
    this.#bell.ring()
    return offsets
  }

  consume(options: ConsumeOptions): Consumer {
    this.#assertOpen()
    return this.#group(options.group).join(options)
  }

  async *tail(options: TailOptions, signal: AbortSignal): AsyncGenerator<readonly LogRecord[]> {
    this.#assertOpen()
    const { maxRecords = TAIL_RECORDS, headersOnly = false, until = Number.POSITIVE_INFINITY } = options
    const place = { topic: options.topic, partition: options.partition }
    let from = this.#startOf(place, options.from)
    while (!this.#closing.signal.aborted) {
      signal.throwIfAborted()
      const to = Math.min(this.#nextOf(place), until)
      const request = { ...place, from, to, maxRecords, maxBytes: TAIL_BYTES, headersOnly }
      const records = from < to ? read(this.#kv, request) : []
      // Where none is left before `to`, retention or compaction removed them.
      from = Math.max(from, (records.at(-1)?.offset ?? to - 1) + 1)
      if (records.length > 0) yield records
      if (from >= until) return
      await (records.length > 0 ? this.#breathe() : this.#bell.wait(signal))
    }
  }

  async offsets(topic: TopicName): Promise<readonly { readonly first: number; readonly next: number }[]> {
    this.#assertOpen()
    return placesOf(topic).map((place) => ({ first: this.#first(place), next: this.#nextOf(place) }))
  }

  async committed(
    group: string,
    topics: readonly TopicName[],
  ): Promise<Partial<Record<TopicName, readonly (number | null)[]>>> {
    this.#assertOpen()
    const offsets = (topic: TopicName): (number | null)[] =>
      placesOf(topic).map(({ partition }) => this.#committed.get(group, topic, partition))
    return Object.fromEntries(topics.map((topic) => [topic, offsets(topic)]))
  }

  async reset(group: string, topics: readonly TopicName[], to: ResetTarget): Promise<void> {
    this.#assertOpen()
    const members = this.#group(group)
    for (const place of topics.flatMap(placesOf)) {
      const next =
        typeof to === 'object' ? offsetAt(this.#kv, place, this.#nextOf(place), to.wallMs) : this.#startOf(place, to)
      members.reset(place.topic, place.partition, next)
    }
    this.#bell.ring()
    await this.#committed.settled()
  }

  async applyTopics(): Promise<void> {
    this.#assertOpen()
    await this.#kv.write(applyTopics)
  }

  async listTopics(): Promise<readonly TopicState[]> {
    this.#assertOpen()
    return topicStates(this.#kv)
  }

  async probe(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    this.#assertOpen()
    try {
      topicStates(this.#kv)
    } catch (error) {
      throw new TidemarkError('log-unavailable', 'the embedded engine answers no more: restart', {}, error)
    }
  }

  /** One pass after the other, each by the time of its beginning. */
  retain(): Promise<Removed> {
    const { clock } = this.#options
    const { signal } = this.#closing
    const pass = this.#lastPass.then(() =>
      retain({ kv: this.#kv, wallMs: clock.wallMs(), maxBytes: this.#maxBytes, signal }),
    )
    this.#lastPass = pass.catch(() => undefined)
    return pass
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closing.abort(new TidemarkError('closed', 'the message log'))
    for (const group of this.#groups.values()) await group.close()
    this.#bell.ring()
    await this.#upkeep
    await this.#lastPass
    await this.#committed.settled().catch(() => undefined)
  }

  async #keepTidy(): Promise<void> {
    const { signal } = this.#closing
    while (!signal.aborted) {
      await this.#tidy()
      await this.#options.clock.sleep(RETAIN_EVERY_MS, signal).catch(() => undefined)
    }
  }

  /** Never throws: what it could not remove, the next time will. */
  async #tidy(): Promise<void> {
    try {
      const removed = await this.retain()
      if (removed.aged + removed.shed > 0) this.#options.logger?.info(removed, 'the log removed old records')
    } catch (error) {
      if (!this.#closing.signal.aborted) this.#options.logger?.error({ err: error }, 'the log could not remove records')
    }
  }

  #assertOpen(): void {
    this.#closing.signal.throwIfAborted()
  }

  async #breathe(): Promise<void> {
    await this.#options.breathe?.()
  }

  #group(name: string): Group {
    const group = this.#groups.get(name) ?? new Group(name, this.#log)
    this.#groups.set(name, group)
    return group
  }

  #startOf(place: Place, from: number | 'earliest' | 'latest'): number {
    if (from === 'earliest') return this.#first(place)
    return from === 'latest' ? this.#nextOf(place) : from
  }

  #first(place: Place): number {
    const next = this.#nextOf(place)
    return firstKept(this.#kv, place, 0, next)?.offset ?? next
  }

  #nextOf({ topic, partition }: Place): number {
    return this.#next.get(topic)?.[partition] ?? 0
  }

  #advance({ topic, partition }: Place, next: number): void {
    const ends = this.#next.get(topic) ?? []
    ends[partition] = next
    this.#next.set(topic, ends)
  }
}

function placesOf(topic: TopicName): Place[] {
  return everyPlace([topic])
}
