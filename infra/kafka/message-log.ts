/** The message log on Apache Kafka: what each promise of the port is made of stands in the files beside this one. */

import { invariant, TidemarkError } from '../../services/core/errors.ts'
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
import { settledWithin, unlessAborted } from '../waiting.ts'
import { Connections, timesOf } from './connections.ts'
import { unavailable } from './failures.ts'
import { Member } from './member.ts'
import { type Bounds, boundsOf, committedOf } from './offsets.ts'
import type { KafkaMessageLogOptions } from './options.ts'
import { partitionOf } from './partition-of.ts'
import { RecordProducer } from './producer.ts'
import { resetGroup } from './reset.ts'
import { tail } from './tail.ts'
import { applyTopics, type TopicQuestions, topicStates } from './topics.ts'

/** Connects when first used. */
export function kafkaMessageLog(options: KafkaMessageLogOptions): MessageLog {
  invariant(options.brokers.length > 0, 'at least one broker is named')
  return new KafkaLog(options)
}

class KafkaLog implements MessageLog {
  readonly partitions = PARTITIONS
  readonly partitionOf = partitionOf
  readonly #options: KafkaMessageLogOptions
  readonly #producer: RecordProducer
  readonly #members = new Set<Member>()
  /** For questions; readers and the producer have their own. */
  readonly #connections: Connections
  readonly #questions: TopicQuestions
  readonly #closing = new AbortController()
  #asked: Promise<unknown> = Promise.resolve()
  #closed: Promise<void> | undefined

  constructor(options: KafkaMessageLogOptions) {
    this.#options = options
    this.#producer = new RecordProducer(options)
    this.#connections = new Connections(options)
    const { prefix = '', replication } = options
    this.#questions = { connections: this.#connections, prefix, replication, signal: this.#closing.signal }
  }

  async produce(topic: TopicName, records: readonly Outgoing[], signal?: AbortSignal): Promise<readonly number[]> {
    this.#assertOpen()
    return this.#producer.produce(topic, records, signal)
  }

  consume(options: ConsumeOptions): Consumer {
    this.#assertOpen()
    const member = new Member(this.#options, options, () => this.#members.delete(member))
    this.#members.add(member)
    return member
  }

  async *tail(options: TailOptions, signal: AbortSignal): AsyncGenerator<readonly LogRecord[]> {
    this.#assertOpen()
    signal.throwIfAborted()
    const from = await this.#startOf(options, signal)
    if (from !== undefined) yield* tail(this.#options, { ...options, from }, signal, this.#closing.signal)
  }

  /** `undefined` when the log was closed meanwhile. */
  async #startOf({ topic, partition, from }: TailOptions, signal: AbortSignal): Promise<number | undefined> {
    if (typeof from === 'number') return from
    try {
      const bounds = (await unlessAborted(this.#bounds(topic), signal))[partition]
      return from === 'earliest' ? bounds?.first : bounds?.next
    } catch (error) {
      signal.throwIfAborted()
      if (this.#closing.signal.aborted) return undefined
      throw error
    }
  }

  async offsets(topic: TopicName): Promise<readonly { readonly first: number; readonly next: number }[]> {
    this.#assertOpen()
    return this.#bounds(topic)
  }

  /** In the order of the calls, which the driver does not keep: so a tail stands at its place before anything that is asked for later is answered. */
  #bounds(topic: TopicName): Promise<readonly Bounds[]> {
    const bounds = this.#asked.then(() => boundsOf(this.#questions, topic))
    this.#asked = bounds.catch(() => undefined)
    return bounds
  }

  async committed(
    group: string,
    topics: readonly TopicName[],
  ): Promise<Readonly<Partial<Record<TopicName, readonly (number | null)[]>>>> {
    this.#assertOpen()
    return committedOf(this.#questions, group, topics)
  }

  async reset(group: string, topics: readonly TopicName[], to: ResetTarget): Promise<void> {
    this.#assertOpen()
    await resetGroup(this.#options, this.#questions, group, topics, to)
  }

  async applyTopics(): Promise<void> {
    this.#assertOpen()
    await applyTopics(this.#questions)
  }

  async listTopics(): Promise<readonly TopicState[]> {
    this.#assertOpen()
    return topicStates(this.#questions)
  }

  async probe(signal: AbortSignal): Promise<void> {
    signal.throwIfAborted()
    this.#assertOpen()
    const connections = new Connections(this.#options)
    try {
      await unlessAborted(
        connections.use((link) => link.ready()),
        signal,
      )
    } catch (error) {
      signal.throwIfAborted()
      throw unavailable(error, `asking ${this.#options.brokers.join(', ')}`, { brokers: this.#options.brokers })
    } finally {
      connections.destroy()
    }
  }

  [Symbol.asyncDispose](): Promise<void> {
    this.#closed ??= this.#close()
    return this.#closed
  }

  async #close(): Promise<void> {
    this.#closing.abort(new TidemarkError('closed', 'the message log'))
    const members = [...this.#members].map((member) => member[Symbol.asyncDispose]())
    await settledWithin(timesOf(this.#options).closeMs, Promise.all([this.#producer.close(), ...members]))
    this.#connections.destroy()
  }

  #assertOpen(): void {
    this.#closing.signal.throwIfAborted()
  }
}
