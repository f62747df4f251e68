/** An append-only log in topics and partitions. Adapters: `infra/embedded`, `infra/kafka`. Contract: `test/contract/message-log.ts`. */

import type { TopicName } from '../../topics/index.ts'

export interface Outgoing {
  /** Decides the partition: equal keys of equally partitioned topics meet in the partition of the same number. */
  readonly key: string
  /** Set only by a writer that speaks of a whole partition; else the key decides. */
  readonly partition?: number
  /** `null` is a tombstone: on a compacted topic it removes the key. */
  readonly value: Uint8Array | null
  readonly headers?: Readonly<Record<string, string>>
}

export interface LogRecord {
  readonly topic: TopicName
  readonly partition: number
  readonly offset: number
  /** When the log appended it, in ms since 1970, by the log's wall clock: later records may have earlier times. */
  readonly appendedMs: number
  readonly key: string
  /** Empty when the reader asked for headers only; `null` for a tombstone. */
  readonly value: Uint8Array | null
  readonly headers: Readonly<Record<string, string>>
}

export type ConsumerEvent =
  /** These partitions (of every subscribed topic) are now this member's. `offsets[topic]` is where reading goes on. Also sent after an offset reset. */
  | { readonly kind: 'assigned'; readonly partitions: readonly Assignment[] }
  /** They are another member's from now on; commits for them are refused. */
  | { readonly kind: 'revoked'; readonly partitions: readonly number[] }
  /** Records of one topic and partition, in offset order, without holes other than what retention removed. */
  | {
      readonly kind: 'records'
      readonly topic: TopicName
      readonly partition: number
      readonly records: readonly LogRecord[]
    }

export interface Assignment {
  readonly partition: number
  readonly offsets: Readonly<Partial<Record<TopicName, number>>>
}

export interface ConsumeOptions {
  readonly group: string
  readonly topics: readonly TopicName[]
  /** At most this many records and about this many value bytes in one event. */
  readonly maxRecords?: number
  readonly maxBytes?: number
  /** Topics whose values the reader does not need: `value` comes empty. */
  readonly headersOnly?: readonly TopicName[]
}

/**
 * One member of a consumer group. The subscribed topics are co-partitioned: partition N of every one of them has the same owner.
 * A group without a committed offset starts at the earliest record. What was not committed comes again after a restart or a reassignment.
 */
export interface Consumer extends AsyncDisposable {
  /**
   * Pulled: the next event is fetched only when asked for. Ends when the consumer is disposed; throws the signal's reason when aborted;
   * throws `log-unavailable` (retryable) when the log is away: then iterate again, the first event is a new `assigned`.
   */
  events(signal: AbortSignal): AsyncIterable<ConsumerEvent>
  /** `next` is the offset after the last settled record. Throws `log-fenced` when the partition is no longer this member's. Never moves an offset that a reset has set meanwhile. */
  commit(topic: TopicName, partition: number, next: number): Promise<void>
  /** No records of this partition until `resume`. Forgotten at a new assignment. */
  pause(partition: number): void
  resume(partition: number): void
}

export interface TailOptions {
  readonly topic: TopicName
  readonly partition: number
  readonly from: number | 'earliest' | 'latest'
  readonly maxRecords?: number
  readonly headersOnly?: boolean
  /** Stop after the record before this offset (or at once, when nothing lies before it). Without it the tail waits for new records for ever. */
  readonly until?: number
}

export type ResetTarget = 'earliest' | 'latest' | { readonly wallMs: number }

export interface MessageLog extends AsyncDisposable {
  /**
   * Durable, in the order given, when it resolves with one offset a record. A failure means that any part of them, or all, may have been appended:
   * `log-unavailable` is worth another try, `log-misconfigured` too, once somebody mended what its sentence names (as from every other method);
   * `record-too-large` (over 1,000,000 bytes) is not.
   */
  produce(topic: TopicName, records: readonly Outgoing[], signal?: AbortSignal): Promise<readonly number[]>
  /** Joins a group. Nothing is read before `events` is iterated. */
  consume(options: ConsumeOptions): Consumer
  /** Reads one partition without a group. */
  tail(options: TailOptions, signal: AbortSignal): AsyncIterable<readonly LogRecord[]>
  partitionOf(key: string): number
  readonly partitions: number
  /** Offset of the first kept record, and the one after the last, of each partition. */
  offsets(topic: TopicName): Promise<readonly { readonly first: number; readonly next: number }[]>
  /** Committed offsets of a group by topic, one entry a partition, `null` where there is none. */
  committed(
    group: string,
    topics: readonly TopicName[],
  ): Promise<Readonly<Partial<Record<TopicName, readonly (number | null)[]>>>>
  /** Moves a group's committed offsets; its members get a new `assigned` and go on from there. */
  reset(group: string, topics: readonly TopicName[], to: ResetTarget): Promise<void>
  /** Creates what is declared and missing; throws `topics-differ` where partitions differ from the declaration. */
  applyTopics(): Promise<void>
  listTopics(): Promise<readonly TopicState[]>
  /** Resolves when the log answers; throws `log-unavailable` otherwise. */
  probe(signal: AbortSignal): Promise<void>
}

export interface TopicState {
  readonly name: string
  readonly partitions: number
  readonly records: number
  readonly bytes: number
  /** In words, where the topic is not as declared; empty when it is. */
  readonly differences: readonly string[]
}
