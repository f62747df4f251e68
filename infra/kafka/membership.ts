/** Keeps one member in its group: joins, heartbeats whatever its reader does, joins again when partitions move, and says what has changed. */

import type { Logger } from 'pino'
import type { Assignment, ConsumeOptions } from '../../services/ports/message-log.ts'
import type { TopicName } from '../../topics/index.ts'
import { pause, settledWithin } from '../waiting.ts'
import { Connections, timesOf } from './connections.ts'
import { failureOf, isMembershipChange, isRefusal, unavailable } from './failures.ts'
import { GroupSession, type Identity } from './group-session.ts'
import { type Bounds, boundsOf, type CommittedOffsets } from './offsets.ts'
import type { KafkaMessageLogOptions, KafkaTimes } from './options.ts'

/** Who reads for the membership. Calls come one after the other. */
export interface MembershipReader {
  /** Partitions are about to move: resolves when the reader is through with what it was handed. */
  finish(): Promise<void>
  /** What is no longer this member's, and what is its own from these offsets on, also where it was before. */
  moved(lost: readonly number[], gained: readonly Assignment[]): void
  /** The log is away, or refuses: nothing is this member's any more. */
  failed(error: unknown): void
}

const RETRY_FIRST_MS = 100
const RETRY_MAX_MS = 2_000
const LEAVE_MS = 1_000

export class Membership {
  readonly #connections: Connections
  readonly #options: KafkaMessageLogOptions
  readonly #consume: ConsumeOptions
  readonly #times: KafkaTimes
  readonly #reader: MembershipReader
  readonly #session: GroupSession
  readonly #logger: Logger
  readonly #closing = new AbortController()
  #running: Promise<void> = Promise.resolve()
  #owned: ReadonlySet<number> = new Set()
  /** As this member committed them, or found them when it got the partition. */
  readonly #committed = new Map<string, number | null>()
  #joined = false
  #moving = true
  /** The generation in which the reader was last told what has changed. */
  #toldIn = -1
  #failingSinceMs: number | undefined

  /** `identity` is that of the membership before this one: the group then need not miss it first. */
  constructor(options: KafkaMessageLogOptions, consume: ConsumeOptions, reader: MembershipReader, identity?: Identity) {
    this.#connections = new Connections(options)
    this.#options = options
    this.#consume = consume
    this.#times = timesOf(options)
    this.#reader = reader
    this.#logger = options.logger.child({ group: consume.group })
    const { group, topics } = consume
    const prefix = options.prefix ?? ''
    const times = this.#times
    this.#session = new GroupSession({ connections: this.#connections, prefix, group, topics, times }, identity)
  }

  get identity(): Identity {
    return this.#session.identity
  }

  /** Whether commits are taken: also while the reader finishes before partitions move. */
  get joined(): boolean {
    return this.#joined
  }

  /** Whether nothing new is to be handed out, because partitions move. */
  get moving(): boolean {
    return this.#moving
  }

  get owned(): ReadonlySet<number> {
    return this.#owned
  }

  committed(topic: TopicName, partition: number): number | null {
    return this.#committed.get(placeOf(topic, partition)) ?? null
  }

  start(): void {
    this.#running = this.#run(this.#closing.signal)
  }

  /** Rejects with what the driver threw; `isMembershipChange` tells whether to look again whose the partition is. */
  async commit(topic: TopicName, partition: number, next: number): Promise<void> {
    const name = (this.#options.prefix ?? '') + topic
    try {
      await this.#session.commit([{ topic: name, partitions: [{ partition, offset: String(next) }] }])
      this.#committed.set(placeOf(topic, partition), next)
    } catch (error) {
      // The next heartbeat hears the same, and joins again.
      if (isMembershipChange(error)) this.#joined = false
      throw error
    }
  }

  /** Leaves the group if the log answers, and is gone within `closeMs`. */
  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return
    this.#closing.abort()
    // A join that is on its way makes a member of this one all the same, which would be missed for a whole session.
    if (await settledWithin(this.#times.closeMs - LEAVE_MS, this.#running)) {
      await settledWithin(LEAVE_MS, this.#session.leave())
    }
    this.#connections.destroy()
  }

  async #run(signal: AbortSignal): Promise<void> {
    for (let failures = 0; !signal.aborted; ) {
      try {
        await this.#join(signal)
        failures = 0
        await this.#stay(signal)
      } catch (error) {
        if (signal.aborted) return
        this.#moving = true
        if (isMembershipChange(error)) await this.#prepareToMove()
        else if (this.#isAway(error)) return this.#fail(error)
        else await pause(Math.min(RETRY_FIRST_MS * 2 ** failures++, RETRY_MAX_MS), signal)
        this.#joined = false
      }
    }
  }

  async #prepareToMove(): Promise<void> {
    this.#logger.debug(
      { generation: this.#session.identity.generation },
      'partitions move between members of the group',
    )
    if (this.#joined && this.#owned.size > 0) await this.#reader.finish()
  }

  async #join(signal: AbortSignal): Promise<void> {
    const before = this.#owned
    const share = await this.#session.join()
    // Another member moves the offsets: when it has left, everything comes anew.
    if (share.resetting || signal.aborted) return
    const committed = await this.#session.committed()
    // Where a generation was missed, or somebody has committed, another member may have had the partition meanwhile.
    const { generation } = this.#session.identity
    const unbroken = generation === this.#toldIn + 1
    const kept = share.partitions.filter((each) => unbroken && before.has(each) && this.#isUnchanged(committed, each))
    const gained = share.partitions.filter((each) => !kept.includes(each))
    const assignments = gained.length === 0 ? [] : await this.#assignmentsOf(gained, committed)
    this.#failingSinceMs = undefined
    this.#toldIn = generation
    this.#owned = new Set(share.partitions)
    this.#joined = true
    this.#moving = false
    this.#logger.debug({ owned: share.partitions, generation }, 'joined the group')
    this.#reader.moved(
      [...before].filter((each) => !this.#owned.has(each)),
      assignments,
    )
  }

  #isUnchanged(committed: CommittedOffsets, partition: number): boolean {
    return this.#consume.topics.every(
      (topic) => (committed[topic]?.[partition] ?? null) === this.committed(topic, partition),
    )
  }

  async #assignmentsOf(partitions: readonly number[], committed: CommittedOffsets): Promise<readonly Assignment[]> {
    const { topics } = this.#consume
    const questions = {
      connections: this.#connections,
      prefix: this.#options.prefix ?? '',
      signal: this.#closing.signal,
    }
    const bounds = new Map<TopicName, readonly Bounds[]>()
    for (const topic of topics) bounds.set(topic, await boundsOf(questions, topic))
    return partitions.map((partition) => {
      const offsets = topics.map((topic) => {
        const next = committed[topic]?.[partition] ?? null
        this.#committed.set(placeOf(topic, partition), next)
        return [topic, readFrom(next, bounds.get(topic)?.[partition])] as const
      })
      return { partition, offsets: Object.fromEntries(offsets) }
    })
  }

  /** Until the group moves or the log has been away for too long. */
  async #stay(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await pause(this.#times.heartbeatMs, signal)
      if (signal.aborted) return
      try {
        await this.#session.heartbeat()
        this.#failingSinceMs = undefined
      } catch (error) {
        if (isMembershipChange(error) || this.#isAway(error)) throw error
      }
    }
  }

  #isAway(error: unknown): boolean {
    this.#failingSinceMs ??= performance.now()
    const failingMs = performance.now() - this.#failingSinceMs
    return failingMs >= this.#times.awayMs || isRefusal(error) || !failureOf(error).retriable
  }

  #fail(error: unknown): void {
    this.#joined = false
    this.#owned = new Set()
    this.#reader.failed(unavailable(error, `being a member of ${this.#consume.group}`, { group: this.#consume.group }))
  }
}

function placeOf(topic: TopicName, partition: number): string {
  return `${topic}/${partition}`
}

/** At what was committed, unless that is gone, or lies past the end: then the topic is another one than it was. */
function readFrom(committed: number | null, bounds: Bounds = { first: 0, next: 0 }): number {
  if (committed === null || committed > bounds.next) return bounds.first
  return Math.max(committed, bounds.first)
}
