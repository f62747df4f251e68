/** Questions about offsets: where partitions begin and end, what groups have committed. */

import { invariant, TidemarkError } from '../../services/core/errors.ts'
import type { ResetTarget } from '../../services/ports/message-log.ts'
import { PARTITIONS, type TopicName } from '../../topics/index.ts'
import { pause, unlessAborted } from '../waiting.ts'
import type { Connections, Link } from './connections.ts'
import type { Broker, CommitTopic } from './driver.ts'
import { failureOf, isRefusal, unavailable } from './failures.ts'

export interface Bounds {
  readonly first: number
  readonly next: number
}

/** By topic, one entry a partition: `null` where the group has committed nothing. */
export type CommittedOffsets = Readonly<Partial<Record<TopicName, readonly (number | null)[]>>>

export interface Questions {
  readonly connections: Connections
  readonly prefix: string
  readonly signal: AbortSignal
}

const TRIES = 4
const BETWEEN_MS = 200
export const ALL_PARTITIONS: readonly number[] = Array.from({ length: PARTITIONS }, (_, partition) => partition)

/** Tries again after what another look cures: a leader or coordinator that moved, a connection that was closed. */
export async function asking<T>(
  { connections, signal }: Questions,
  doing: string,
  ask: (link: Link) => Promise<T>,
): Promise<T> {
  for (let tries = 1; ; tries++) {
    signal.throwIfAborted()
    try {
      return await unlessAborted(connections.use(ask), signal)
    } catch (error) {
      signal.throwIfAborted()
      if (error instanceof TidemarkError) throw error
      if (tries === TRIES || isRefusal(error) || !failureOf(error).retriable) throw unavailable(error, doing)
      await pause(BETWEEN_MS, signal)
    }
  }
}

export async function boundsOf(questions: Questions, topic: TopicName): Promise<readonly Bounds[]> {
  const name = questions.prefix + topic
  return asking(questions, `asking where ${name} begins and ends`, async (link) => {
    await link.ready([name])
    const [first, next] = await Promise.all([edges(link, name, EARLIEST), edges(link, name, LATEST)])
    return ALL_PARTITIONS.map((partition) => ({ first: at(first, partition), next: at(next, partition) }))
  })
}

/** Where each partition of the topic would be read from after a reset. */
export async function targetsOf(questions: Questions, topic: TopicName, to: ResetTarget): Promise<readonly number[]> {
  const bounds = await boundsOf(questions, topic)
  if (to === 'earliest') return bounds.map(({ first }) => first)
  if (to === 'latest') return bounds.map(({ next }) => next)
  const name = questions.prefix + topic
  const found = await asking(questions, `asking for the records of ${name} by time`, async (link) => {
    await link.ready([name])
    return edges(link, name, { fromTimestamp: to.wallMs })
  })
  // -1: nothing was appended then or later.
  return bounds.map(({ next }, partition) => (at(found, partition) < 0 ? next : at(found, partition)))
}

export async function committedOf(
  questions: Questions,
  group: string,
  topics: readonly TopicName[],
): Promise<CommittedOffsets> {
  const groupId = questions.prefix + group
  return asking(questions, `asking what ${groupId} has committed`, async (link) =>
    fetchCommitted(await link.coordinator(groupId), groupId, questions.prefix, topics),
  )
}

export async function fetchCommitted(
  coordinator: Broker,
  groupId: string,
  prefix: string,
  topics: readonly TopicName[],
): Promise<CommittedOffsets> {
  const partitions = ALL_PARTITIONS.map((partition) => ({ partition }))
  const asked = topics.map((topic) => ({ topic: prefix + topic, partitions }))
  const { responses } = await coordinator.offsetFetch({ groupId, topics: asked })
  const of = (topic: TopicName): (number | null)[] => {
    const found = byPartition(responses.filter((each) => each.topic === prefix + topic))
    return ALL_PARTITIONS.map((partition) => (at(found, partition) < 0 ? null : at(found, partition)))
  }
  return Object.fromEntries(topics.map((topic) => [topic, of(topic)]))
}

type Edge = { readonly fromBeginning: boolean } | { readonly fromTimestamp: number }

const EARLIEST: Edge = { fromBeginning: true }
const LATEST: Edge = { fromBeginning: false }

async function edges({ cluster }: Link, name: string, edge: Edge): Promise<ReadonlyMap<number, number>> {
  const partitions = ALL_PARTITIONS.map((partition) => ({ partition }))
  return byPartition(await cluster.fetchTopicsOffset([{ topic: name, partitions, ...edge }]))
}

function byPartition(topics: readonly CommitTopic[]): ReadonlyMap<number, number> {
  const pairs = topics.flatMap(({ partitions }) =>
    partitions.map(({ partition, offset }) => [partition, Number(offset)] as const),
  )
  return new Map(pairs)
}

function at(offsets: ReadonlyMap<number, number>, partition: number): number {
  const offset = offsets.get(partition)
  invariant(offset !== undefined, `the broker says nothing of partition ${partition}`)
  return offset
}
