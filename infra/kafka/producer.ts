/** Appending: one send on its way at any time, in the order of the calls; calls for one topic that wait meanwhile share the next send. */

import { CompressionTypes, Partitioners, type Producer, type RecordMetadata } from 'kafkajs'
import { invariant, TidemarkError } from '../../services/core/errors.ts'
import type { Outgoing } from '../../services/ports/message-log.ts'
import { PARTITIONS, type TopicName } from '../../topics/index.ts'
import { settledWithin, unlessAborted } from '../waiting.ts'
import { Link, timesOf } from './connections.ts'
import { typeOf, unavailable } from './failures.ts'
import type { KafkaMessageLogOptions } from './options.ts'
import { partitionOf } from './partition-of.ts'

const VALUE_BYTES_MAX = 1_000_000
/** Of a whole record: what topics are declared to take (`topic-configs.ts`) is a little more. */
const RECORD_BYTES_MAX = 1_090_000
const RECORD_OVERHEAD = 40
/** Of one send to one partition: Kafka makes one batch of it, and bounds its size. */
const BATCH_BYTES_MAX = 1_000_000
const SEND_BYTES_MAX = 5_000_000
/** What waits in memory, of all calls together. */
const WAITING_BYTES_MAX = 100_000_000
/** The broker gives up a little before the request does, so that its answer is heard. */
const BROKER_SHARE = 0.8

interface Prepared {
  readonly partition: number
  readonly key: Buffer
  readonly value: Buffer | null
  readonly headers: Record<string, string>
  readonly bytes: number
}

interface Call {
  readonly topic: TopicName
  readonly records: readonly Prepared[]
  readonly offsets: number[]
  /** Records that are part of a send. */
  taken: number
  resolve(offsets: readonly number[]): void
  reject(error: unknown): void
}

interface Send {
  readonly topic: TopicName
  readonly pieces: readonly { readonly call: Call; readonly record: Prepared }[]
}

export class RecordProducer {
  readonly #options: KafkaMessageLogOptions
  readonly #prefix: string
  readonly #closing = new AbortController()
  #waiting: Call[] = []
  #waitingBytes = 0
  #sending: Promise<void> | undefined
  #link: { readonly link: Link; readonly producer: Producer; readonly ready: Promise<void> } | undefined

  constructor(options: KafkaMessageLogOptions) {
    this.#options = options
    this.#prefix = options.prefix ?? ''
  }

  async produce(topic: TopicName, records: readonly Outgoing[], signal?: AbortSignal): Promise<readonly number[]> {
    this.#closing.signal.throwIfAborted()
    signal?.throwIfAborted()
    const prepared = records.map(prepare)
    if (prepared.length === 0) return []
    const bytes = prepared.reduce((sum, record) => sum + record.bytes, 0)
    if (this.#waitingBytes > 0 && this.#waitingBytes + bytes > WAITING_BYTES_MAX) {
      throw new TidemarkError('log-unavailable', `${this.#waitingBytes} bytes wait to be sent already`, { topic })
    }
    this.#waitingBytes += bytes
    try {
      return await this.#appended(topic, prepared, signal)
    } finally {
      this.#waitingBytes -= bytes
    }
  }

  /** An aborted call that is part of a send already may be appended all the same. */
  async #appended(topic: TopicName, records: readonly Prepared[], signal?: AbortSignal): Promise<readonly number[]> {
    const { promise, resolve, reject } = deferred<readonly number[]>()
    const call: Call = { topic, records, offsets: [], taken: 0, resolve, reject }
    const withdraw = (): void => {
      if (call.taken === 0) this.#waiting = this.#waiting.filter((other) => other !== call)
      reject(signal?.reason)
    }
    signal?.addEventListener('abort', withdraw, { once: true })
    this.#waiting.push(call)
    this.#sending ??= this.#sendAll()
    try {
      return await promise
    } finally {
      signal?.removeEventListener('abort', withdraw)
    }
  }

  /** What waits is refused; what is on its way gets a moment. */
  async close(): Promise<void> {
    if (this.#closing.signal.aborted) return
    const closed = new TidemarkError('closed', 'the message log')
    this.#closing.abort(closed)
    for (const call of this.#waiting.splice(0)) call.reject(closed)
    await settledWithin(timesOf(this.#options).closeMs / 2, this.#sending ?? Promise.resolve())
    this.#drop()
  }

  async #sendAll(): Promise<void> {
    // Calls of the same turn share the first send.
    await Promise.resolve()
    while (this.#waiting.length > 0) {
      const send = this.#next()
      try {
        this.#done(send, await this.#send(send))
      } catch (error) {
        this.#failed(send, error)
      }
    }
    this.#sending = undefined
  }

  /** From the front: records of one topic, until a batch or the send is full. A call may take several sends; no later one overtakes it. */
  #next(): Send {
    const topic = this.#waiting[0]?.topic
    invariant(topic !== undefined, 'a call waits')
    const pieces: { call: Call; record: Prepared }[] = []
    const perPartition = new Map<number, number>()
    let sum = 0
    for (const call of this.#waiting) {
      if (call.topic !== topic) continue
      for (let record = call.records[call.taken]; record !== undefined; record = call.records[call.taken]) {
        const inBatch = (perPartition.get(record.partition) ?? 0) + record.bytes
        const full = inBatch > BATCH_BYTES_MAX || sum + record.bytes > SEND_BYTES_MAX
        if (full && pieces.length > 0) return { topic, pieces }
        perPartition.set(record.partition, inBatch)
        sum += record.bytes
        pieces.push({ call, record })
        call.taken += 1
      }
    }
    return { topic, pieces }
  }

  async #send({ topic, pieces }: Send): Promise<readonly number[]> {
    const { requestMs, produceMs } = timesOf(this.#options)
    const name = this.#prefix + topic
    const { producer, ready } = this.#linked()
    const sent = ready.then(() =>
      producer.send({
        topic: name,
        acks: -1,
        timeout: requestMs * BROKER_SHARE,
        compression: this.#options.compression === 'gzip' ? CompressionTypes.GZIP : CompressionTypes.None,
        messages: pieces.map(({ record }) => record),
      }),
    )
    const limit = AbortSignal.timeout(produceMs)
    try {
      return offsetsOf(pieces, await unlessAborted(sent, limit))
    } catch (error) {
      // The next send goes over new connections, so that nothing of this one comes after it.
      this.#drop()
      if (typeOf(error) === 'MESSAGE_TOO_LARGE' || typeOf(error) === 'RECORD_LIST_TOO_LARGE') {
        throw new TidemarkError(
          'record-too-large',
          `${name} takes less than declared; run 'tidemark topics apply'`,
          { topic: name },
          error,
        )
      }
      const doing = limit.aborted ? `no answer within ${produceMs} ms to appending to ${name}` : `appending to ${name}`
      throw unavailable(error, doing, { topic: name, brokers: this.#options.brokers })
    }
  }

  #done(send: Send, offsets: readonly number[]): void {
    for (const [i, { call }] of send.pieces.entries()) {
      call.offsets.push(offsets[i] ?? -1)
      if (call.offsets.length === call.records.length) call.resolve(call.offsets)
    }
    this.#waiting = this.#waiting.filter((call) => call.taken < call.records.length)
  }

  /** Calls with a record in it have failed as a whole: what is left of them is not sent. */
  #failed(send: Send, error: unknown): void {
    const calls = new Set(send.pieces.map(({ call }) => call))
    for (const call of calls) call.reject(error)
    this.#waiting = this.#waiting.filter((call) => !calls.has(call))
  }

  #linked(): { readonly producer: Producer; readonly ready: Promise<void> } {
    if (this.#link !== undefined) return this.#link
    const link = new Link(this.#options)
    const producer = link.kafka.producer({
      allowAutoTopicCreation: false,
      idempotent: false,
      maxInFlightRequests: 1,
      createPartitioner: Partitioners.DefaultPartitioner,
    })
    this.#link = { link, producer, ready: producer.connect() }
    return this.#link
  }

  #drop(): void {
    this.#link?.link.destroy()
    this.#link = undefined
  }
}

function deferred<T>(): { promise: Promise<T>; resolve(value: T): void; reject(error: unknown): void } {
  let resolve: (value: T) => void = () => undefined
  let reject: (error: unknown) => void = () => undefined
  const promise = new Promise<T>((onResolve, onReject) => {
    resolve = onResolve
    reject = onReject
  })
  return { promise, resolve, reject }
}

function prepare({ key, value, headers = {}, partition = partitionOf(key) }: Outgoing): Prepared {
  invariant(Number.isInteger(partition) && partition >= 0 && partition < PARTITIONS, `no partition ${partition}`)
  const keyBytes = Buffer.from(key)
  const valueBytes = value?.byteLength ?? 0
  let bytes = keyBytes.length + valueBytes + RECORD_OVERHEAD
  for (const [name, text] of Object.entries(headers)) bytes += Buffer.byteLength(name) + Buffer.byteLength(text) + 4
  if (valueBytes > VALUE_BYTES_MAX || bytes > RECORD_BYTES_MAX) {
    const detail = `a value of ${valueBytes} bytes in a record of ${bytes}, at most ${VALUE_BYTES_MAX} and ${RECORD_BYTES_MAX}`
    throw new TidemarkError('record-too-large', detail, { key: key.slice(0, 200), valueBytes })
  }
  const bytesOfValue = value === null ? null : Buffer.from(value.buffer, value.byteOffset, value.byteLength)
  return { partition, key: keyBytes, value: bytesOfValue, headers: { ...headers }, bytes }
}

/** Of each record in the order sent: its place in its partition's batch. */
function offsetsOf(pieces: Send['pieces'], answers: readonly RecordMetadata[]): readonly number[] {
  const next = new Map<number, number>()
  for (const { partition, baseOffset } of answers) next.set(partition, Number(baseOffset))
  return pieces.map(({ record: { partition } }) => {
    const offset = next.get(partition)
    invariant(offset !== undefined && offset >= 0, `the broker tells no offset of partition ${partition}`)
    next.set(partition, offset + 1)
    return offset
  })
}
