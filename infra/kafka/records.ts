/** What the driver has decoded, as records of the port: values are pieces of what came over the wire, not copies. */

import type { LogRecord } from '../../services/ports/message-log.ts'
import type { TopicName } from '../../topics/index.ts'
import type { FetchedMessage } from './driver.ts'

const EMPTY = new Uint8Array(0)
const NO_HEADERS: Readonly<Record<string, string>> = {}

/** From `from` on: a broker hands out whole batches, which may begin earlier. Marks of transactions are not records. */
export function recordsOf(
  messages: readonly FetchedMessage[],
  topic: TopicName,
  partition: number,
  from: number,
  headersOnly: boolean,
): LogRecord[] {
  const records: LogRecord[] = []
  for (const message of messages) {
    const offset = Number(message.offset)
    if (offset < from || message.isControlRecord) continue
    records.push({
      topic,
      partition,
      offset,
      appendedMs: Number(message.timestamp),
      key: message.key === null ? '' : message.key.toString('utf8'),
      value: message.value === null ? null : headersOnly ? EMPTY : message.value,
      headers: headersOf(message.headers),
    })
  }
  return records
}

/** Of a header that stands there more than once, the last; one without a value is empty. */
function headersOf(headers: FetchedMessage['headers']): Readonly<Record<string, string>> {
  const entries = Object.entries(headers)
  if (entries.length === 0) return NO_HEADERS
  const texts: Record<string, string> = {}
  for (const [name, value] of entries) {
    const last = Array.isArray(value) ? value.at(-1) : value
    texts[name] = Buffer.isBuffer(last) ? last.toString('utf8') : ''
  }
  return texts
}
