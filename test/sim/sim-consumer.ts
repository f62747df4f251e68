/** A member of a consumer group across the network: it may be put out of the group while it works on, and learns of it late. */

import { unlessAborted } from '../../infra/waiting.ts'
import { TidemarkError } from '../../services/core/errors.ts'
import type { ConsumeOptions, Consumer, ConsumerEvent } from '../../services/ports/message-log.ts'
import type { TopicName } from '../../topics/index.ts'
import { away, type LogClient } from './sim-log.ts'

/** After the death of a member its partitions wait so long for the next owner. */
const SESSION_MS = 10_000

type Records = Extract<ConsumerEvent, { readonly kind: 'records' }>

export class SimConsumer implements Consumer {
  readonly #client: LogClient
  readonly #options: ConsumeOptions
  #member: Consumer | undefined
  #forget: () => void = () => undefined
  #closed = false

  constructor(client: LogClient, options: ConsumeOptions) {
    this.#client = client
    this.#options = options
  }

  events(signal: AbortSignal): AsyncIterable<ConsumerEvent> {
    return this.#client.untilClosed(() => this.#events(signal))
  }

  async *#events(signal: AbortSignal): AsyncGenerator<ConsumerEvent> {
    if (this.#closed) return
    const { process } = this.#client
    await this.#client.call(`joins ${this.#options.group}`, signal, async () => undefined)
    this.#leave()
    const member = this.#join()
    await using session = this.#client.session(signal)
    const read = member.events(session.signal)[Symbol.asyncIterator]()
    const lagging = new Lagging(this.#client, this.#options.group)
    let next: Promise<IteratorResult<ConsumerEvent>> | undefined
    for (;;) {
      const late = lagging.take()
      if (late !== undefined) {
        yield late
        continue
      }
      next ??= process.deliver(read.next(), 'polls', this.#client.delayMs)
      const got = await unlessAborted(lagging.isEmpty ? next : Promise.race([next, lagging.isOver()]), signal)
      if (got === undefined) continue
      next = undefined
      if (got.done === true) {
        if (this.#closed) return
        throw away('the member was put out of its group')
      }
      if (!this.#client.hears) throw away('the log is away')
      if (!lagging.keeps(got.value)) yield got.value
    }
  }

  async commit(topic: TopicName, partition: number, next: number): Promise<void> {
    const { faults } = this.#client.server
    const member = this.#member
    if (member === undefined) throw new TidemarkError('log-fenced', `partition ${partition} of ${topic}`)
    return this.#client.call('commit', undefined, async () => {
      await member.commit(topic, partition, next)
      if (faults.hits('commit-lost')) throw away('the answer to a commit was lost')
    })
  }

  pause(partition: number): void {
    this.#member?.pause(partition)
  }

  resume(partition: number): void {
    this.#member?.resume(partition)
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true
    this.#leave()
  }

  #join(): Consumer {
    const { process, server } = this.#client
    const member = server.log.consume(this.#options)
    const putOut = (): void => void member[Symbol.asyncDispose]()
    const entry = { process, group: this.#options.group, putOut }
    server.members.add(entry)
    const forgetDeath = process.onDeath(() => {
      server.members.delete(entry)
      server.machine.scheduler.after(SESSION_MS, `${process.name} is missed`, putOut)
    })
    this.#member = member
    this.#forget = () => {
      forgetDeath()
      server.members.delete(entry)
    }
    return member
  }

  /** Said, and not waited for: the log may be gone. */
  #leave(): void {
    const member = this.#member
    this.#member = undefined
    this.#forget()
    void member?.[Symbol.asyncDispose]()
  }
}

/** Holds back the records of a topic that lags, so that others overtake them. */
class Lagging {
  readonly #client: LogClient
  readonly #group: string
  #held: Records[] = []

  constructor(client: LogClient, group: string) {
    this.#client = client
    this.#group = group
  }

  /** False for what goes on at once. What is read again later, because its partition went away or began anew, is forgotten. */
  keeps(event: ConsumerEvent): boolean {
    if (event.kind !== 'records') {
      const gone = event.kind === 'revoked' ? event.partitions : event.partitions.map((each) => each.partition)
      this.#held = this.#held.filter(({ partition }) => !gone.includes(partition))
      return false
    }
    const isInTurn = this.#held.every(({ topic }) => topic !== event.topic)
    if (isInTurn && this.#forMs(event.topic) === 0) return false
    this.#held.push(event)
    return true
  }

  take(): Records | undefined {
    const at = this.#held.findIndex(({ topic }) => this.#forMs(topic) === 0)
    return at < 0 ? undefined : this.#held.splice(at, 1)[0]
  }

  get isEmpty(): boolean {
    return this.#held.length === 0
  }

  /** Resolves when the next of what it holds is due. */
  isOver(): Promise<undefined> {
    const { process } = this.#client
    const inMs = Math.min(...this.#held.map(({ topic }) => this.#forMs(topic)))
    return process.deliver(Promise.resolve(undefined), 'the topic no longer lags', () => inMs)
  }

  #forMs(topic: TopicName): number {
    const { lagsUntilMs, machine } = this.#client.server
    return Math.max(0, (lagsUntilMs.get(`${this.#group} ${topic}`) ?? 0) - machine.scheduler.nowMs)
  }
}
