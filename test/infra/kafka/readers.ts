/** What the fault tests read and write with: a reader that goes on by itself, a writer that repeats until acknowledged, a link that can be frozen. */

import { connect, type Socket } from 'node:net'
import { setTimeout as wait } from 'node:timers/promises'
import { Kafka, logLevel } from 'kafkajs'
import type { ConnectTarget } from '../../../infra/kafka/options.ts'
import { codeOf } from '../../../services/core/errors.ts'
import type { Consumer, ConsumerEvent, LogRecord, MessageLog } from '../../../services/ports/message-log.ts'
import { bytes, KEY, partitionOfKey, textOf } from '../../contract/message-log.ts'

const WITHIN_MS = 60_000

/** Asks again and again until it holds. */
export async function until(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const beganMs = performance.now()
  while (!(await condition())) {
    if (performance.now() - beganMs > WITHIN_MS) throw new Error(`waited in vain for: ${what}`)
    await wait(20)
  }
}

/** Reads for ever as a service does: commits what it was handed, and iterates again when the log was away. */
export class GroupReader {
  readonly values: string[] = []
  /** How often the log was away. */
  failures = 0
  readonly #stop = new AbortController()
  readonly #consumer: Consumer
  readonly #reading: Promise<void>

  constructor(consumer: Consumer) {
    this.#consumer = consumer
    this.#reading = this.#read()
  }

  async end(): Promise<void> {
    this.#stop.abort()
    await this.#reading
    await this.#consumer[Symbol.asyncDispose]()
  }

  async #read(): Promise<void> {
    while (!this.#stop.signal.aborted) {
      try {
        for await (const event of this.#consumer.events(this.#stop.signal)) {
          if (event.kind !== 'records') continue
          for (const record of event.records) this.values.push(textOf(record) ?? '')
          await this.#consumer.commit(event.topic, event.partition, (event.records.at(-1)?.offset ?? 0) + 1)
        }
        return
      } catch (error) {
        if (!this.#stop.signal.aborted) await this.#isAway(error)
      }
    }
  }

  async #isAway(error: unknown): Promise<void> {
    if (codeOf(error) === 'log-unavailable') this.failures += 1
    else if (codeOf(error) !== 'log-fenced') throw error
  }
}

/** The same for one partition without a group. */
export async function tailInto(log: MessageLog, values: string[], signal: AbortSignal): Promise<void> {
  let from = 0
  while (!signal.aborted) {
    try {
      for await (const records of log.tail({ topic: 'readings', partition: partitionOfKey(log), from }, signal)) {
        for (const record of records) values.push(textOf(record) ?? '')
        from = (records.at(-1)?.offset ?? from) + 1
      }
      return
    } catch (error) {
      if (!signal.aborted && codeOf(error) !== 'log-unavailable') throw error
    }
  }
}

/** '0', '1', … each sent until it is acknowledged, then noted. */
export async function produceUntil(
  log: MessageLog,
  signal: AbortSignal,
  acknowledged: string[],
  partitionFor: (value: number) => number = () => partitionOfKey(log),
): Promise<void> {
  for (let value = 0; !signal.aborted; value++) {
    const record = { key: KEY, partition: partitionFor(value), value: bytes(`${value}`) }
    while (!(await isAppended(log, record))) signal.throwIfAborted()
    acknowledged.push(`${value}`)
  }
}

async function isAppended(log: MessageLog, record: Parameters<MessageLog['produce']>[1][number]): Promise<boolean> {
  try {
    await log.produce('readings', [record])
    return true
  } catch (error) {
    if (codeOf(error) !== 'log-unavailable') throw error
    return false
  }
}

/** A member whose reader asks only when told to. */
export class StepReader {
  readonly consumer: Consumer
  readonly owned = new Set<number>()
  readonly #events: AsyncIterator<ConsumerEvent>
  readonly #handedOut: LogRecord[] = []

  constructor(consumer: Consumer, signal: AbortSignal) {
    this.consumer = consumer
    this.#events = consumer.events(signal)[Symbol.asyncIterator]()
  }

  async next(): Promise<ConsumerEvent> {
    const { value } = await this.#events.next()
    if (value.kind === 'assigned') for (const { partition } of value.partitions) this.owned.add(partition)
    if (value.kind === 'revoked') for (const partition of value.partitions) this.owned.delete(partition)
    return value
  }

  async untilOwning(count: number): Promise<void> {
    while (this.owned.size !== count) await this.next()
  }

  /** The next record of this partition that it has not been asked for yet. */
  async recordOf(partition: number): Promise<LogRecord> {
    for (;;) {
      const at = this.#handedOut.findIndex((record) => record.partition === partition)
      const [record] = at < 0 ? [] : this.#handedOut.splice(at, 1)
      if (record !== undefined) return record
      const event = await this.next()
      if (event.kind === 'records') this.#handedOut.push(...event.records)
    }
  }
}

/** Connections that stop hearing of anything until they are thawed, as in a process that stands still. */
export class FreezableLink {
  readonly #sockets = new Set<Socket>()
  #frozen = false

  readonly connect = ({ host, port }: ConnectTarget, onConnect: () => void): Socket => {
    const socket = connect({ host, port }, onConnect)
    this.#sockets.add(socket)
    if (this.#frozen) socket.pause()
    return socket
  }

  freeze(): void {
    this.#frozen = true
    for (const socket of this.#sockets) socket.pause()
  }

  thaw(): void {
    this.#frozen = false
    for (const socket of this.#sockets) socket.resume()
  }
}

/** As the broker counts them. */
export async function memberCount(brokers: readonly string[], groupId: string): Promise<number> {
  const admin = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING }).admin()
  await admin.connect()
  try {
    const { groups } = await admin.describeGroups([groupId])
    return groups[0]?.members.length ?? 0
  } finally {
    await admin.disconnect()
  }
}
