/** A message log whose consumers can be asked to finish: what is in hand is landed and committed, nothing more is handed out, and the reader leaves its group. */

import type { Consumer, ConsumerEvent, MessageLog } from '../ports/message-log.ts'

/** From the abort of `finish` on, events end as if the consumer had been disposed. */
export function finishingLog(messageLog: MessageLog, finish: AbortSignal): MessageLog {
  return {
    produce: (topic, records, signal) => messageLog.produce(topic, records, signal),
    consume: (options) => finishingConsumer(messageLog.consume(options), finish),
    tail: (options, signal) => messageLog.tail(options, signal),
    partitionOf: (key) => messageLog.partitionOf(key),
    partitions: messageLog.partitions,
    offsets: (topic) => messageLog.offsets(topic),
    committed: (group, topics) => messageLog.committed(group, topics),
    reset: (group, topics, to) => messageLog.reset(group, topics, to),
    applyTopics: () => messageLog.applyTopics(),
    listTopics: () => messageLog.listTopics(),
    probe: (signal) => messageLog.probe(signal),
    [Symbol.asyncDispose]: async () => undefined,
  }
}

function finishingConsumer(consumer: Consumer, finish: AbortSignal): Consumer {
  return {
    events: (signal) => eventsUntil(consumer, finish, signal),
    commit: (topic, partition, next) => consumer.commit(topic, partition, next),
    pause: (partition) => consumer.pause(partition),
    resume: (partition) => consumer.resume(partition),
    [Symbol.asyncDispose]: () => consumer[Symbol.asyncDispose](),
  }
}

async function* eventsUntil(
  consumer: Consumer,
  finish: AbortSignal,
  signal: AbortSignal,
): AsyncGenerator<ConsumerEvent> {
  const either = AbortSignal.any([signal, finish])
  try {
    if (!finish.aborted) yield* consumer.events(either)
  } catch (error) {
    if (signal.aborted || !finish.aborted) throw error
  }
}
