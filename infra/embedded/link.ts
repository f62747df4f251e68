/** A message log behind a link that can be cut by hand: what a gateway in the same process sees of the cloud. */

import { TidemarkError } from '../../services/core/errors.ts'
import type { LogRecord, MessageLog, Outgoing, TailOptions } from '../../services/ports/message-log.ts'
import type { TopicName } from '../../topics/index.ts'

export interface CuttableLink extends MessageLog {
  readonly isCut: boolean
  /** Calls in flight fail at once with `link-cut`; what they had sent may have arrived. */
  cut(): void
  restore(): void
}

/** Disposing the link does not dispose the log behind it. */
export function cuttableLink(messageLog: MessageLog): CuttableLink {
  let breaker = new AbortController()

  async function through<T>(work: Promise<T>): Promise<T> {
    const { signal } = breaker
    let stop: () => void = () => undefined
    const broken = new Promise<never>((_, reject) => {
      stop = (): void => reject(signal.reason)
      signal.addEventListener('abort', stop, { once: true })
    })
    try {
      return await Promise.race([work, broken])
    } finally {
      signal.removeEventListener('abort', stop)
    }
  }

  async function* tail(options: TailOptions, signal: AbortSignal): AsyncGenerator<readonly LogRecord[]> {
    breaker.signal.throwIfAborted()
    const both = AbortSignal.any([signal, breaker.signal])
    yield* messageLog.tail(options, both)
  }

  function guard<A extends readonly unknown[], T>(call: (...args: A) => Promise<T>): (...args: A) => Promise<T> {
    return async (...args) => {
      breaker.signal.throwIfAborted()
      return through(call(...args))
    }
  }

  return {
    get isCut() {
      return breaker.signal.aborted
    },
    cut() {
      breaker.abort(new TidemarkError('link-cut'))
    },
    restore() {
      if (breaker.signal.aborted) breaker = new AbortController()
    },
    produce: guard((topic: TopicName, records: readonly Outgoing[], signal?: AbortSignal) =>
      messageLog.produce(topic, records, signal),
    ),
    consume: (options) => messageLog.consume(options),
    tail,
    partitionOf: (key) => messageLog.partitionOf(key),
    partitions: messageLog.partitions,
    offsets: guard((topic) => messageLog.offsets(topic)),
    committed: guard((group, topics) => messageLog.committed(group, topics)),
    reset: guard((group, topics, to) => messageLog.reset(group, topics, to)),
    applyTopics: guard(() => messageLog.applyTopics()),
    listTopics: guard(() => messageLog.listTopics()),
    probe: guard((signal) => messageLog.probe(signal)),
    [Symbol.asyncDispose]: async () => undefined,
  }
}
