/** A member of a consumer group across the network: it may be put out of the group while it works on, and learns of it late. */

import { unlessAborted } from '../../infra/embedded/bell.ts'
import { TidemarkError } from '../../services/core/errors.ts'
import type { ConsumeOptions, Consumer, ConsumerEvent } from '../../services/ports/message-log.ts'
import type { TopicName } from '../../topics/index.ts'
import { away, type LogClient } from './sim-log.ts'

/** After the death of a member its partitions wait so long for the next owner. */
const SESSION_MS = 10_000

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
    for (;;) {
      const next = await unlessAborted(process.deliver(read.next(), 'polls', this.#client.delayMs), signal)
      if (next.done === true) {
        if (this.#closed) return
        throw away('the member was put out of its group')
      }
      if (!this.#client.hears) throw away('the log is away')
      yield next.value
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
