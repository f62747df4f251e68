/** Fetches records of some partitions ahead of their reader: one fetch a broker at a time, asked for only as the reader comes. */

import type { LogRecord } from '../../services/ports/message-log.ts'
import type { TopicName } from '../../topics/index.ts'
import { type Bell, pause } from '../waiting.ts'
import type { Connections, Link } from './connections.ts'
import type { FetchResponse } from './driver.ts'
import { failureOf, isRefusal, typeOf, unavailable } from './failures.ts'
import type { KafkaTimes } from './options.ts'
import { recordsOf } from './records.ts'

export interface LanePlace {
  readonly topic: TopicName
  readonly partition: number
  /** Where reading begins. */
  readonly offset: number
}

export interface FetcherOptions {
  readonly connections: Connections
  readonly prefix: string
  readonly times: KafkaTimes
  /** Rung when something has come, or a fetch has ended without. */
  readonly bell: Bell
  readonly signal: AbortSignal
  readonly headersOnly: ReadonlySet<TopicName>
  /** Of one partition in one fetch. */
  readonly laneBytes: number
}

export interface Limits {
  readonly maxRecords: number
  readonly maxBytes: number
}

/** Of one answer of one broker: what it holds in memory is at most two of them. */
const FETCH_BYTES_MAX = 16_000_000
const RETRY_FIRST_MS = 50
const RETRY_MAX_MS = 1_000
const REPLICA_ID_OF_CONSUMERS = -1
const READ_UNCOMMITTED = 0

/** One partition of one topic. */
interface Lane {
  readonly topic: TopicName
  readonly name: string
  readonly partition: number
  /** What the next fetch begins with. */
  fetchFrom: number
  /** Fetched, and from which of them on not handed out. */
  buffer: readonly LogRecord[]
  handed: number
}

export class Fetcher {
  readonly #options: FetcherOptions
  #lanes: Lane[] = []
  readonly #paused = new Set<number>()
  /** Brokers with a fetch on its way. */
  readonly #asked = new Set<string>()
  #planning = false
  /** Which lane is looked at first. */
  #turn = 0
  #failingSinceMs: number | undefined
  #failures = 0
  #failed: unknown

  constructor(options: FetcherOptions) {
    this.#options = options
  }

  /** These lanes from these offsets on, instead of any of the same partitions. What was fetched of them before is forgotten. */
  add(places: readonly LanePlace[]): void {
    this.remove(places.map(({ partition }) => partition))
    for (const { topic, partition, offset } of places) {
      const name = this.#options.prefix + topic
      this.#lanes.push({ topic, name, partition, fetchFrom: offset, buffer: [], handed: 0 })
      this.#paused.delete(partition)
    }
    this.#lanes.sort((a, b) => a.partition - b.partition || (a.name < b.name ? -1 : 1))
  }

  remove(partitions: readonly number[]): void {
    this.#lanes = this.#lanes.filter((lane) => !partitions.includes(lane.partition))
  }

  pause(partition: number): void {
    this.#paused.add(partition)
  }

  resume(partition: number): void {
    this.#paused.delete(partition)
  }

  /** Offset of the next record that would be handed out; without such a lane, 0. */
  positionOf(topic: TopicName, partition: number): number {
    const lane = this.#lanes.find((each) => each.topic === topic && each.partition === partition)
    return lane?.buffer[lane.handed]?.offset ?? lane?.fetchFrom ?? 0
  }

  /** The next records that are here, of the lane after the one that was served last. Throws `log-unavailable` when the log has been away for too long. */
  take(
    limits: Limits,
  ): { readonly topic: TopicName; readonly partition: number; readonly records: readonly LogRecord[] } | undefined {
    if (this.#failed !== undefined) throw this.#failed
    for (let i = 0; i < this.#lanes.length; i++) {
      const at = (this.#turn + i) % this.#lanes.length
      const lane = this.#lanes[at]
      if (lane === undefined || lane.handed >= lane.buffer.length || this.#paused.has(lane.partition)) continue
      this.#turn = at + 1
      const records = cut(lane, limits)
      // The next ones come while the reader works.
      if (lane.buffer.length === 0) void this.#ask(0)
      return { topic: lane.topic, partition: lane.partition, records }
    }
    return undefined
  }

  /** Called by a reader that found nothing, before it waits for the bell. */
  want(): void {
    void this.#ask(this.#options.times.fetchWaitMs)
  }

  /** `waitMs` is how long a broker may hold a fetch that finds nothing: only for a reader that waits, because what is asked for meanwhile comes after it. */
  async #ask(waitMs: number): Promise<void> {
    const { connections, signal, bell } = this.#options
    if (this.#planning || signal.aborted || this.#failed !== undefined) return
    this.#planning = true
    try {
      await connections.use(async (link) => {
        await link.ready([...new Set(this.#lanes.map(({ name }) => name))])
        for (const [nodeId, lanes] of this.#idleByLeader(link)) {
          if (!this.#asked.has(nodeId)) void this.#fetch(nodeId, lanes, waitMs)
        }
      })
    } catch (error) {
      await this.#failing(error)
      this.#planning = false
      bell.ring()
    }
    this.#planning = false
  }

  #idleByLeader({ cluster }: Link): ReadonlyMap<string, Lane[]> {
    const byLeader = new Map<string, Lane[]>()
    for (const lane of this.#lanes) {
      if (lane.buffer.length > 0 || this.#paused.has(lane.partition)) continue
      // A partition without a leader is the next refresh's business.
      const leader = Object.keys(cluster.findLeaderForPartitions(lane.name, [lane.partition]))[0] ?? '-1'
      byLeader.set(leader, [...(byLeader.get(leader) ?? []), lane])
    }
    return byLeader
  }

  async #fetch(nodeId: string, lanes: readonly Lane[], waitMs: number): Promise<void> {
    const { connections, bell, laneBytes } = this.#options
    this.#asked.add(nodeId)
    const asked = new Map(lanes.map((lane) => [lane, lane.fetchFrom]))
    const request = {
      replicaId: REPLICA_ID_OF_CONSUMERS,
      isolationLevel: READ_UNCOMMITTED,
      maxWaitTime: waitMs,
      minBytes: 1,
      maxBytes: FETCH_BYTES_MAX,
      topics: lanes.map(({ name, partition, fetchFrom }) => ({
        topic: name,
        partitions: [{ partition, fetchOffset: String(fetchFrom), maxBytes: laneBytes }],
      })),
    }
    try {
      const answer = await connections.use(async (link) => (await link.broker(nodeId)).fetch(request))
      this.#failingSinceMs = undefined
      this.#failures = 0
      this.#fill(answer, asked)
    } catch (error) {
      if (typeOf(error) === 'OFFSET_OUT_OF_RANGE') await this.#backInRange(asked).catch((next) => this.#failing(next))
      else await this.#failing(error)
    } finally {
      this.#asked.delete(nodeId)
      bell.ring()
    }
  }

  #fill(answer: FetchResponse, asked: ReadonlyMap<Lane, number>): void {
    for (const { topicName, partitions } of answer.responses) {
      for (const { partition, messages } of partitions) {
        const lane = this.#lanes.find((each) => each.partition === partition && each.name === topicName)
        // The lane may have been taken away or begun anew meanwhile.
        if (lane === undefined || lane.buffer.length > 0 || asked.get(lane) !== lane.fetchFrom) continue
        const last = messages.at(-1)
        if (last === undefined) continue
        lane.buffer = recordsOf(
          messages,
          lane.topic,
          partition,
          lane.fetchFrom,
          this.#options.headersOnly.has(lane.topic),
        )
        lane.handed = 0
        lane.fetchFrom = Math.max(lane.fetchFrom, Number(last.offset) + 1)
      }
    }
  }

  /** Retention may have removed what was to come next, or the topic is another one: reading goes on at the first record kept. */
  async #backInRange(asked: ReadonlyMap<Lane, number>): Promise<void> {
    for (const [lane, from] of asked) {
      const partitions = [{ partition: lane.partition }]
      const [first, next] = await this.#options.connections.use(({ cluster }) => {
        const ask = async (fromBeginning: boolean): Promise<number> => {
          const [found] = await cluster.fetchTopicsOffset([{ topic: lane.name, partitions, fromBeginning }])
          return Number(found?.partitions[0]?.offset)
        }
        return Promise.all([ask(true), ask(false)])
      })
      if (lane.fetchFrom === from && (from < first || from > next)) lane.fetchFrom = first
    }
  }

  async #failing(error: unknown): Promise<void> {
    const { times, signal } = this.#options
    if (signal.aborted) return
    this.#failingSinceMs ??= performance.now()
    const awayMs = performance.now() - this.#failingSinceMs
    if (awayMs >= times.awayMs || isRefusal(error) || !failureOf(error).retriable) {
      const topics = [...new Set(this.#lanes.map(({ name }) => name))]
      this.#failed = unavailable(error, `reading ${topics.join(', ')}`, { topics })
    } else {
      await pause(Math.min(RETRY_FIRST_MS * 2 ** this.#failures++, RETRY_MAX_MS), signal)
    }
  }
}

/** At least one record, if there is any. */
function cut(lane: Lane, { maxRecords, maxBytes }: Limits): readonly LogRecord[] {
  const { buffer, handed } = lane
  let end = handed
  for (let bytes = 0; end < buffer.length && end - handed < maxRecords; end++) {
    bytes += buffer[end]?.value?.byteLength ?? 0
    if (end > handed && bytes > maxBytes) break
  }
  const whole = handed === 0 && end === buffer.length
  const records = whole ? buffer : buffer.slice(handed, end)
  lane.handed = end
  if (end === buffer.length) {
    lane.buffer = []
    lane.handed = 0
  }
  return records
}
