/** What is stated about every topic of the log. */

import type { TopicRecords } from '../schemas/codec.ts'

export type TopicName = keyof TopicRecords

export interface Topic<N extends TopicName = TopicName> {
  readonly name: N
  /** In words: what a record's key is. */
  readonly key: string
  /** The Avro record names that may stand on it; batch schemas of message types are added by the codec. */
  readonly records: readonly string[]
  /** The same for all topics, and never changed: equal keys must stay in equal partitions. */
  readonly partitions: number
  /** How long a record is kept; `forever` or `compacted` (the newest per key). */
  readonly retention: { readonly days: number } | 'forever' | 'compacted'
  readonly replication: number
  readonly minInsyncReplicas: number
  readonly writer: string
  readonly readers: readonly string[]
  readonly why: string
}

export const PARTITIONS = 12
