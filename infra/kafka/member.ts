/** A consumer as its reader sees it: what it owns, what comes next, what it may commit. The group itself is `membership.ts`. */

import { TidemarkError } from '../../services/core/errors.ts'
import type { Assignment, ConsumeOptions, Consumer, ConsumerEvent } from '../../services/ports/message-log.ts'
import type { TopicName } from '../../topics/index.ts'
import { Bell, pause, settledWithin } from '../waiting.ts'
import { Connections, timesOf } from './connections.ts'
import { isMembershipChange, isRefusal, unavailable } from './failures.ts'
import { Fetcher } from './fetcher.ts'
import type { Identity } from './group-session.ts'
import { Membership, type MembershipReader } from './membership.ts'
import type { KafkaMessageLogOptions } from './options.ts'

const MAX_RECORDS = 500
const MAX_BYTES = 4_000_000
const COMMIT_AGAIN_MS = 200

interface Reading {
  readonly membership: Membership
  readonly fetcher: Fetcher
  /** Of the fetcher: a fetch that waits keeps no heartbeat waiting. */
  readonly connections: Connections
  readonly over: AbortController
}

export class Member implements Consumer {
  readonly #options: KafkaMessageLogOptions
  readonly #consume: Required<ConsumeOptions>
  readonly #onClosed: () => void
  readonly #bell = new Bell()
  /** Rung when the reader asks for the next event. */
  readonly #asked = new Bell()
  readonly #closing = new AbortController()
  #reading: Reading | undefined
  #failure: unknown
  /** Of the last time the log was away. */
  #ending: Promise<void> | undefined
  #identity: Identity | undefined
  #iteration = 0
  #waits = false
  /** Whether the first `assigned` of this iteration is still to come: also a member that owns nothing is told. */
  #announces = false
  /** Where partitions of this member begin, and which of them the reader knows of. */
  readonly #starts = new Map<number, Assignment>()
  readonly #told = new Set<number>()
  /** To be told as assigned, or as revoked. */
  readonly #coming = new Set<number>()
  readonly #going = new Set<number>()
  #committing: Promise<unknown> = Promise.resolve()
  #closed: Promise<void> | undefined

  constructor(options: KafkaMessageLogOptions, consume: ConsumeOptions, onClosed: () => void) {
    this.#options = options
    this.#consume = { maxRecords: MAX_RECORDS, maxBytes: MAX_BYTES, headersOnly: [], ...consume }
    this.#onClosed = onClosed
  }

  /** Of two iterations at a time the older one ends. */
  async *events(signal: AbortSignal): AsyncGenerator<ConsumerEvent> {
    signal.throwIfAborted()
    if (this.#closing.signal.aborted) return
    const iteration = ++this.#iteration
    await this.#ending
    this.#begin()
    for (;;) {
      signal.throwIfAborted()
      if (this.#closing.signal.aborted || iteration !== this.#iteration) return
      const event = this.#next()
      if (event !== undefined) {
        yield event
        continue
      }
      await this.#wait(signal)
    }
  }

  /** Everything owned is told anew, from what was committed on. */
  #begin(): void {
    this.#bell.ring()
    this.#failure = undefined
    this.#announces = true
    const { membership, fetcher } = this.#open()
    fetcher.remove([...this.#told])
    this.#told.clear()
    this.#going.clear()
    for (const partition of membership.owned) this.#coming.add(partition)
  }

  #open(): Reading {
    if (this.#reading !== undefined) return this.#reading
    const over = new AbortController()
    const reader: MembershipReader = {
      finish: () => this.#finish(),
      moved: (lost, gained) => this.#moved(lost, gained),
      failed: (error) => this.#fail(error),
    }
    const membership = new Membership(this.#options, this.#consume, reader, this.#identity)
    const connections = new Connections(this.#options)
    const fetcher = new Fetcher({
      connections,
      prefix: this.#options.prefix ?? '',
      times: timesOf(this.#options),
      bell: this.#bell,
      signal: over.signal,
      headersOnly: new Set(this.#consume.headersOnly),
      laneBytes: this.#consume.maxBytes,
    })
    this.#reading = { membership, fetcher, connections, over }
    membership.start()
    return this.#reading
  }

  #next(): ConsumerEvent | undefined {
    if (this.#failure !== undefined) throw this.#failure
    const { membership, fetcher } = this.#open()
    if (membership.moving) return undefined
    const change = this.#change()
    if (change !== undefined) return change
    try {
      const found = fetcher.take(this.#consume)
      return found === undefined ? undefined : { kind: 'records', ...found }
    } catch (error) {
      this.#fail(error)
      throw error
    }
  }

  #change(): ConsumerEvent | undefined {
    if (this.#going.size > 0) {
      const partitions = [...this.#going].sort((a, b) => a - b)
      this.#going.clear()
      for (const partition of partitions) this.#told.delete(partition)
      return { kind: 'revoked', partitions }
    }
    if (this.#coming.size === 0 && !this.#announces) return undefined
    this.#announces = false
    const partitions = [...this.#coming].sort((a, b) => a - b).map((partition) => this.#assigned(partition))
    this.#coming.clear()
    return { kind: 'assigned', partitions }
  }

  #assigned(partition: number): Assignment {
    const { membership, fetcher } = this.#open()
    const start = this.#starts.get(partition)?.offsets ?? {}
    const places = this.#consume.topics.map((topic) => {
      const offset = Math.max(start[topic] ?? 0, membership.committed(topic, partition) ?? 0)
      return { topic, partition, offset }
    })
    fetcher.add(places)
    this.#told.add(partition)
    return { partition, offsets: Object.fromEntries(places.map(({ topic, offset }) => [topic, offset])) }
  }

  async #wait(signal: AbortSignal): Promise<void> {
    const { membership, fetcher } = this.#open()
    if (!membership.moving) fetcher.want()
    this.#waits = true
    this.#asked.ring()
    try {
      await this.#bell.wait(signal)
    } finally {
      this.#waits = false
    }
  }

  async #finish(): Promise<void> {
    if (this.#waits) return
    await settledWithin(timesOf(this.#options).graceMs, this.#asked.wait(this.#closing.signal))
  }

  #moved(lost: readonly number[], gained: readonly Assignment[]): void {
    this.#reading?.fetcher.remove([...lost, ...gained.map(({ partition }) => partition)])
    for (const partition of lost) {
      this.#starts.delete(partition)
      this.#coming.delete(partition)
      if (this.#told.has(partition)) this.#going.add(partition)
    }
    for (const assignment of gained) {
      this.#starts.set(assignment.partition, assignment)
      this.#going.delete(assignment.partition)
      this.#coming.add(assignment.partition)
    }
    this.#bell.ring()
  }

  #fail(error: unknown): void {
    this.#failure = error
    for (const partitions of [this.#starts, this.#told, this.#coming, this.#going]) partitions.clear()
    this.#ending = this.#close()
    this.#bell.ring()
  }

  /** One after the other, so that each knows what the one before has committed. */
  commit(topic: TopicName, partition: number, next: number): Promise<void> {
    const committed = this.#committing.then(() => this.#commit(topic, partition, next))
    this.#committing = committed.catch(() => undefined)
    return committed
  }

  /** Ignored unless it lies between the committed offset and what this assignment has handed out: then it speaks of the time before a reset. */
  async #commit(topic: TopicName, partition: number, next: number): Promise<void> {
    const beganMs = performance.now()
    for (;;) {
      if (this.#failure !== undefined) throw this.#failure
      const { membership, fetcher } = this.#reading ?? {}
      if (membership === undefined || fetcher === undefined || this.#closing.signal.aborted)
        throw this.#fenced(topic, partition)
      if (!membership.joined) {
        await this.#bell.wait(this.#closing.signal).catch(() => undefined)
        continue
      }
      if (!membership.owned.has(partition)) throw this.#fenced(topic, partition)
      // Of a partition that is still to be told nothing was handed out.
      if (next > fetcher.positionOf(topic, partition)) return
      if (next <= (membership.committed(topic, partition) ?? -1)) return
      try {
        return await membership.commit(topic, partition, next)
      } catch (error) {
        if (isMembershipChange(error)) continue
        const isAway = performance.now() - beganMs >= timesOf(this.#options).awayMs
        if (isAway || isRefusal(error)) throw unavailable(error, `committing ${topic} ${partition}`)
        await pause(COMMIT_AGAIN_MS, this.#closing.signal)
      }
    }
  }

  #fenced(topic: TopicName, partition: number): TidemarkError {
    const { group } = this.#consume
    return new TidemarkError('log-fenced', `partition ${partition} of ${topic}`, { group, topic, partition })
  }

  pause(partition: number): void {
    this.#reading?.fetcher.pause(partition)
  }

  resume(partition: number): void {
    this.#reading?.fetcher.resume(partition)
    this.#bell.ring()
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closed ??= this.#dispose()
    return this.#closed
  }

  async #dispose(): Promise<void> {
    this.#closing.abort()
    this.#bell.ring()
    await this.#close()
    this.#onClosed()
  }

  async #close(): Promise<void> {
    const reading = this.#reading
    this.#reading = undefined
    reading?.over.abort()
    reading?.connections.destroy()
    await reading?.membership.close()
    // Where it could not leave, it comes back as the same member.
    this.#identity = reading?.membership.identity
  }
}
