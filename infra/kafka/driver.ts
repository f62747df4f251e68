/** What is used of the driver besides its documented face: its types for requests, its cluster, one repair. */

import { createRequire } from 'node:module'
import type { Cluster, Broker as DriverBroker, Kafka } from 'kafkajs'
import { invariant } from '../../services/core/errors.ts'

/** What the driver's brokers can besides what its types say. */
export interface Broker extends Omit<DriverBroker, 'fetch' | 'offsetCommit' | 'offsetFetch'> {
  fetch(request: FetchRequest): Promise<FetchResponse>
  joinGroup(request: JoinRequest): Promise<JoinResponse>
  syncGroup(request: SyncRequest): Promise<{ readonly memberAssignment: Buffer }>
  heartbeat(request: MemberOfGroup): Promise<unknown>
  leaveGroup(request: { readonly groupId: string; readonly memberId: string }): Promise<unknown>
  offsetCommit(request: MemberOfGroup & { readonly topics: readonly CommitTopic[] }): Promise<unknown>
  offsetFetch(request: { readonly groupId: string; readonly topics: readonly TopicPartitions[] }): Promise<{
    readonly responses: readonly CommitTopic[]
  }>
  /** What a request that the driver does not know goes through. */
  readonly connectionPool: { send(request: unknown): Promise<unknown> }
}

export interface FetchRequest {
  readonly replicaId: number
  readonly isolationLevel: number
  readonly maxWaitTime: number
  readonly minBytes: number
  readonly maxBytes: number
  readonly topics: readonly {
    readonly topic: string
    readonly partitions: readonly {
      readonly partition: number
      readonly fetchOffset: string
      readonly maxBytes: number
    }[]
  }[]
}

export interface FetchResponse {
  readonly responses: readonly {
    readonly topicName: string
    readonly partitions: readonly {
      readonly partition: number
      readonly highWatermark: string
      readonly messages: readonly FetchedMessage[]
    }[]
  }[]
}

export interface FetchedMessage {
  readonly offset: string
  readonly timestamp: string
  readonly key: Buffer | null
  readonly value: Buffer | null
  readonly headers: Readonly<Record<string, Buffer | null | readonly (Buffer | null)[]>>
  readonly isControlRecord: boolean
}

export interface MemberOfGroup {
  readonly groupId: string
  readonly memberId: string
  readonly groupGenerationId: number
}

export interface JoinRequest {
  readonly groupId: string
  readonly memberId: string
  readonly sessionTimeout: number
  readonly rebalanceTimeout: number
  readonly groupProtocols: readonly { readonly name: string; readonly metadata: Buffer }[]
}

export interface JoinResponse {
  readonly generationId: number
  readonly leaderId: string
  readonly memberId: string
  readonly members: readonly { readonly memberId: string; readonly memberMetadata: Buffer }[]
}

export interface SyncRequest {
  readonly groupId: string
  readonly generationId: number
  readonly memberId: string
  readonly groupAssignment: readonly { readonly memberId: string; readonly memberAssignment: Buffer }[]
}

interface TopicPartitions {
  readonly topic: string
  readonly partitions: readonly { readonly partition: number }[]
}

export interface CommitTopic {
  readonly topic: string
  readonly partitions: readonly { readonly partition: number; readonly offset: string }[]
}

const METADATA_MS = 60_000

/** The driver hands its cluster (metadata, brokers, requests) to whoever assigns partitions: the way to it that its types know. */
export function clusterOf(kafka: Kafka): Cluster {
  let found: Cluster | undefined
  const assigner = {
    name: '',
    version: 0,
    assign: async () => [],
    protocol: () => ({ name: '', metadata: Buffer.alloc(0) }),
  }
  kafka.consumer({
    groupId: 'none',
    allowAutoTopicCreation: false,
    metadataMaxAge: METADATA_MS,
    readUncommitted: true,
    partitionAssigners: [
      ({ cluster }) => {
        found = cluster
        return assigner
      },
    ],
  })
  invariant(found !== undefined, 'the driver gives its cluster to an assigner')
  return found
}

let quiet = false

/** After every answer the driver sets a timer for requests that wait, also when none waits, and then with a negative time, of which Node 24 warns. */
export function quietTimers(): void {
  if (quiet) return
  quiet = true
  const RequestQueue = createRequire(import.meta.url)('kafkajs/src/network/requestQueue') as {
    readonly prototype: { scheduleCheckPendingRequests(this: { readonly pending: readonly unknown[] }): void }
  }
  const schedule = RequestQueue.prototype.scheduleCheckPendingRequests
  RequestQueue.prototype.scheduleCheckPendingRequests = function scheduleWhereOneWaits(): void {
    if (this.pending.length > 0) schedule.call(this)
  }
}
