/** Consumer groups of the embedded log: who owns which partition, and what each member is told and handed next. */

import { TidemarkError } from '../../services/core/errors.ts'
import type {
  Assignment,
  ConsumeOptions,
  Consumer,
  ConsumerEvent,
  LogRecord,
} from '../../services/ports/message-log.ts'
import { PARTITIONS, type TopicName } from '../../topics/index.ts'
import type { Bell } from '../waiting.ts'
import type { CommittedOffsets } from './committed-offsets.ts'
import type { ReadRequest } from './log-records.ts'

/** What members need of the log they read. */
export interface GroupLog {
  readonly committed: CommittedOffsets
  /** Rung when records are appended, partitions move or somebody leaves. */
  readonly bell: Bell
  /** Offset of the first kept record, and the one after the last durable one. */
  first(topic: TopicName, partition: number): number
  next(topic: TopicName, partition: number): number
  read(request: ReadRequest): readonly LogRecord[]
  /** Lets timers and sockets in between two reads: the engine answers at once, so a reader with a backlog would shut them out. */
  breathe(): Promise<void>
}

const MAX_RECORDS = 500
const MAX_BYTES = 4_000_000

/** The members of one group in this process. Partition N of every topic belongs to the member N modulo their number, in order of joining. */
export class Group {
  readonly #name: string
  readonly #log: GroupLog
  #members: Member[] = []

  constructor(name: string, log: GroupLog) {
    this.#name = name
    this.#log = log
  }

  join(options: ConsumeOptions): Consumer {
    const member = new Member(options, this.#log, () => this.#leave(member))
    this.#members.push(member)
    this.#rebalance()
    return member
  }

  /** Moves the committed offset of one partition. Its owner goes on from there, once it has been told. */
  reset(topic: TopicName, partition: number, next: number): void {
    this.#log.committed.set(this.#name, topic, partition, next)
    for (const member of this.#members) member.restart(partition)
  }

  async close(): Promise<void> {
    for (const member of [...this.#members]) await member[Symbol.asyncDispose]()
  }

  #leave(member: Member): void {
    this.#members = this.#members.filter((other) => other !== member)
    this.#rebalance()
  }

  #rebalance(): void {
    for (const [index, member] of this.#members.entries()) {
      member.own(partitions().filter((partition) => partition % this.#members.length === index))
    }
    this.#log.bell.ring()
  }
}

function partitions(): number[] {
  return Array.from({ length: PARTITIONS }, (_, partition) => partition)
}

/** A partition is in `#owned` from the moment it is this member's; in `#positions` from the moment the member was told. */
class Member implements Consumer {
  readonly #options: Required<ConsumeOptions>
  readonly #log: GroupLog
  readonly #leave: () => void
  #owned: ReadonlySet<number> = new Set()
  /** To be told as assigned, or as revoked. */
  readonly #coming = new Set<number>()
  readonly #going = new Set<number>()
  readonly #paused = new Set<number>()
  /** Where reading goes on, by partition and topic. */
  readonly #positions = new Map<number, Map<TopicName, number>>()
  /** Which of the lanes (a partition of a topic) is looked at first. */
  #turn = 0
  #iteration = 0
  #closed = false

  constructor(options: ConsumeOptions, log: GroupLog, leave: () => void) {
    this.#options = { maxRecords: MAX_RECORDS, maxBytes: MAX_BYTES, headersOnly: [], ...options }
    this.#log = log
    this.#leave = leave
  }

  own(owned: readonly number[]): void {
    const before = this.#owned
    this.#owned = new Set(owned)
    for (const partition of before) if (!this.#owned.has(partition)) this.#lose(partition)
    for (const partition of owned) if (!before.has(partition)) this.#coming.add(partition)
  }

  #lose(partition: number): void {
    if (this.#positions.delete(partition)) this.#going.add(partition)
    this.#coming.delete(partition)
    this.#paused.delete(partition)
  }

  restart(partition: number): void {
    if (this.#owned.has(partition)) this.#coming.add(partition)
  }

  /** Of two iterations at a time the older one ends. */
  async *events(signal: AbortSignal): AsyncGenerator<ConsumerEvent> {
    signal.throwIfAborted()
    if (this.#closed) return
    const iteration = ++this.#iteration
    this.#log.bell.ring()
    yield this.#begin()
    for (;;) {
      signal.throwIfAborted()
      if (this.#closed || iteration !== this.#iteration) return
      const event = this.#change() ?? this.#records()
      if (event === undefined) await this.#log.bell.wait(signal)
      else {
        yield event
        await this.#log.breathe()
      }
    }
  }

  /** Also tells a member that owns nothing that it does. */
  #begin(): ConsumerEvent {
    this.#positions.clear()
    this.#going.clear()
    for (const partition of this.#owned) this.#coming.add(partition)
    return this.#assigned()
  }

  #change(): ConsumerEvent | undefined {
    if (this.#going.size > 0) {
      const partitions = [...this.#going]
      this.#going.clear()
      return { kind: 'revoked', partitions }
    }
    return this.#coming.size > 0 ? this.#assigned() : undefined
  }

  #assigned(): ConsumerEvent {
    const assignments = [...this.#coming].sort((a, b) => a - b).map((partition) => this.#assign(partition))
    this.#coming.clear()
    return { kind: 'assigned', partitions: assignments }
  }

  #assign(partition: number): Assignment {
    const { group, topics } = this.#options
    const positions = new Map(
      topics.map((topic) => {
        const committed = this.#log.committed.get(group, topic, partition) ?? 0
        return [topic, Math.max(committed, this.#log.first(topic, partition))]
      }),
    )
    this.#positions.set(partition, positions)
    this.#paused.delete(partition)
    return { partition, offsets: Object.fromEntries(positions) }
  }

  /** The next lane that has something, after the one that was served last. */
  #records(): ConsumerEvent | undefined {
    const { topics } = this.#options
    const lanes = PARTITIONS * topics.length
    for (let i = 0; i < lanes; i++) {
      const lane = (this.#turn + i) % lanes
      const topic = topics[lane % topics.length]
      const event = topic === undefined ? undefined : this.#readLane(topic, Math.floor(lane / topics.length))
      if (event === undefined) continue
      this.#turn = lane + 1
      return event
    }
    return undefined
  }

  #readLane(topic: TopicName, partition: number): ConsumerEvent | undefined {
    const positions = this.#positions.get(partition)
    const from = positions?.get(topic)
    const to = this.#log.next(topic, partition)
    if (positions === undefined || from === undefined || from >= to || this.#paused.has(partition)) return undefined
    const { maxRecords, maxBytes } = this.#options
    const headersOnly = this.#options.headersOnly.includes(topic)
    const records = this.#log.read({ topic, partition, from, to, maxRecords, maxBytes, headersOnly })
    // Retention may have removed all of them.
    positions.set(topic, (records.at(-1)?.offset ?? to - 1) + 1)
    return records.length === 0 ? undefined : { kind: 'records', topic, partition, records }
  }

  /** Ignored unless it lies between the committed offset and what this assignment has handed out: then it speaks of the time before a reset. */
  async commit(topic: TopicName, partition: number, next: number): Promise<void> {
    const { group } = this.#options
    if (this.#closed || !this.#owned.has(partition)) {
      throw new TidemarkError('log-fenced', `partition ${partition} of ${topic}`, { group, topic, partition })
    }
    const handedOut = this.#positions.get(partition)?.get(topic)
    if (handedOut === undefined || this.#coming.has(partition) || next > handedOut) return
    if (next > (this.#log.committed.get(group, topic, partition) ?? -1)) {
      this.#log.committed.set(group, topic, partition, next)
    }
  }

  pause(partition: number): void {
    this.#paused.add(partition)
  }

  resume(partition: number): void {
    this.#paused.delete(partition)
    this.#log.bell.ring()
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#closed) {
      this.#closed = true
      this.#leave()
      this.#log.bell.ring()
    }
    // What a broken engine could not keep comes again.
    await this.#log.committed.settled().catch(() => undefined)
  }
}
