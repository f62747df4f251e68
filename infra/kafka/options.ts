/** What a Kafka message log is opened with, and the times it keeps by default. */

import type { Socket } from 'node:net'
import type { Logger } from 'pino'

export interface KafkaMessageLogOptions {
  /** `host:port` of some brokers; the others are learnt from them. */
  readonly brokers: readonly string[]
  readonly logger: Logger
  readonly clientId?: string
  /** Set before the names of topics and groups, so that several installations share a cluster. */
  readonly prefix?: string
  readonly tls?: KafkaTls
  readonly sasl?: KafkaSasl
  /** Replicas of topics that are created; without it, as declared. `min.insync.replicas` is one less, at least 1, at most as declared. */
  readonly replication?: number
  readonly compression?: 'none' | 'gzip'
  readonly times?: Partial<KafkaTimes>
  /** Opens a socket; tests cut and freeze links here. */
  readonly connect?: (target: ConnectTarget, onConnect: () => void) => Socket
}

/** PEM texts. `ca` alone checks the broker; `cert` and `key` show who the client is. */
export interface KafkaTls {
  readonly ca?: string
  readonly cert?: string
  readonly key?: string
  readonly passphrase?: string
  /** Only for trials: takes any certificate. */
  readonly rejectUnauthorized?: boolean
}

export interface KafkaSasl {
  readonly mechanism: 'plain' | 'scram-sha-256' | 'scram-sha-512'
  readonly username: string
  readonly password: string
}

export interface ConnectTarget {
  readonly host: string
  readonly port: number
  readonly tls: KafkaTls | undefined
}

export interface KafkaTimes {
  /** Without a heartbeat for so long a member has left. */
  readonly sessionMs: number
  /** Between two heartbeats; also how soon a member hears of a rebalance. */
  readonly heartbeatMs: number
  /** How long a rebalance waits for all members to come back. */
  readonly rebalanceMs: number
  /** How long a member lets its reader finish what it was handed before partitions move. */
  readonly graceMs: number
  /** How long reading tries again by itself before it says `log-unavailable`. */
  readonly awayMs: number
  /** How long a broker may hold a fetch that finds nothing. */
  readonly fetchWaitMs: number
  readonly connectMs: number
  /** Of one request, and of one produce call with everything tried in it. */
  readonly requestMs: number
  readonly produceMs: number
  /** Closing takes no longer. */
  readonly closeMs: number
}

export const KAFKA_TIMES: KafkaTimes = {
  sessionMs: 10_000,
  heartbeatMs: 1_000,
  rebalanceMs: 15_000,
  graceMs: 2_000,
  awayMs: 30_000,
  fetchWaitMs: 500,
  connectMs: 3_000,
  requestMs: 10_000,
  produceMs: 15_000,
  closeMs: 4_000,
}
