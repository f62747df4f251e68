/** Reads one partition without a group, over connections of its own: a fetch that waits at the broker keeps nobody else waiting. */

import type { LogRecord, TailOptions } from '../../services/ports/message-log.ts'
import { Bell } from '../waiting.ts'
import { Connections, timesOf } from './connections.ts'
import { Fetcher } from './fetcher.ts'
import type { KafkaMessageLogOptions } from './options.ts'

const MAX_RECORDS = 500
const MAX_BYTES = 4_000_000

export interface TailPlace extends TailOptions {
  readonly from: number
}

/** Ends also when `closing` is aborted. */
export async function* tail(
  options: KafkaMessageLogOptions,
  {
    topic,
    partition,
    from,
    maxRecords = MAX_RECORDS,
    headersOnly = false,
    until = Number.POSITIVE_INFINITY,
  }: TailPlace,
  signal: AbortSignal,
  closing: AbortSignal,
): AsyncGenerator<readonly LogRecord[]> {
  if (from >= until) return
  const connections = new Connections(options)
  const bell = new Bell()
  const over = new AbortController()
  const fetcher = new Fetcher({
    connections,
    prefix: options.prefix ?? '',
    times: timesOf(options),
    bell,
    signal: over.signal,
    headersOnly: new Set(headersOnly ? [topic] : []),
    laneBytes: MAX_BYTES,
  })
  const wake = (): void => bell.ring()
  closing.addEventListener('abort', wake, { once: true })
  try {
    fetcher.add([{ topic, partition, offset: from }])
    while (!closing.aborted) {
      signal.throwIfAborted()
      const found = fetcher.take({ maxRecords, maxBytes: MAX_BYTES })
      if (found !== undefined) {
        const records = found.records.filter(({ offset }) => offset < until)
        if (records.length > 0) yield records
      }
      // Where none is left before `until`, retention or compaction removed them.
      if (fetcher.positionOf(topic, partition) >= until) return
      if (found !== undefined) continue
      fetcher.want()
      await bell.wait(signal)
    }
  } finally {
    closing.removeEventListener('abort', wake)
    over.abort()
    connections.destroy()
  }
}
