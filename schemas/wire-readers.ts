/** How a record is read that was written by a schema of the registry: its guard, its way into memory, and the topics it may stand on. */

import { TidemarkError } from '../services/core/errors.ts'
import { fullName, schemaText } from './avro.ts'
import { avroTypeOf, batchReaderText } from './batch-schema.ts'
import type { Decoded, TopicRecords } from './codec.ts'
import { BATCH_NAMESPACE, GENERIC_BATCH, GENERIC_BATCH_SCHEMA, LIVE_MARK, LIVE_MARK_SCHEMA } from './compose.ts'
import { guardFor } from './guard.ts'
import { EVENT_SCHEMAS } from './records/events-avro.ts'
import { connectionStatusFromWire, manifestFromWire, receiptFromWire, requestFromWire } from './records/wire-events.ts'
import { landingsFromWire, quarantineFromWire } from './records/wire-landings.ts'
import { batchFromWire, liveMarkFromWire, type WireBatch } from './wire-batch.ts'

type Topic = keyof TopicRecords

export interface Reader {
  /** Full name of the record. */
  readonly name: string
  read(bytes: Uint8Array, start: number): Decoded<TopicRecords[Topic]>
}

interface Way {
  /** Today's schema. */
  readonly text: string
  /** From the shape of today's schema into memory. */
  readonly fromWire: (wire: never) => TopicRecords[Topic]
}

const EVENTS: { readonly [T in keyof typeof EVENT_SCHEMAS]: (wire: never) => TopicRecords[T] } = {
  connection_status: connectionStatusFromWire,
  recovery_data_request: requestFromWire,
  landings: landingsFromWire,
  receipts: receiptFromWire,
  manifests: manifestFromWire,
  quarantine: quarantineFromWire,
}

const WAYS: ReadonlyMap<string, Way> = new Map<string, Way>([
  [LIVE_MARK, { text: schemaText(LIVE_MARK_SCHEMA), fromWire: liveMarkFromWire }],
  [GENERIC_BATCH, { text: schemaText(GENERIC_BATCH_SCHEMA), fromWire: batchFromWire }],
  ...(Object.keys(EVENTS) as (keyof typeof EVENTS)[]).map((topic): [string, Way] => {
    const schema = EVENT_SCHEMAS[topic]
    return [fullName(schema), { text: schemaText(schema), fromWire: EVENTS[topic] }]
  }),
])

/** Whether the record may stand on the topic. */
export function belongs(topic: Topic, name: string): boolean {
  if (topic !== 'readings' && topic !== 'recovery_data') return name === fullName(EVENT_SCHEMAS[topic])
  return isBatch(name) || (topic === 'readings' && name === LIVE_MARK)
}

/** Throws `schema-invalid`, or what avsc throws, when records of this schema can't be read. */
export function readerOf(text: string): Reader {
  const writerType = avroTypeOf(text)
  const name = writerType.name ?? writerType.typeName
  const { text: readerText, fromWire } = wayOf(name, text)
  const readerType = avroTypeOf(readerText)
  const resolver = readerType.equals(writerType) ? undefined : readerType.createResolver(writerType)
  const type = resolver === undefined ? writerType : readerType
  const guard = guardFor(writerType)
  return {
    name,
    read: (bytes, start) => {
      const refused = guard(bytes, start)
      if (refused !== undefined) return undecodable(refused)
      try {
        const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
        return { ok: true, record: fromWire(type.decode(buffer, start, resolver).value as never) }
      } catch (error) {
        return undecodable(error instanceof Error ? error.message : String(error))
      }
    },
  }
}

export function undecodable(reason: string): Decoded<never> {
  return { ok: false, code: 'undecodable', reason }
}

function isBatch(name: string): boolean {
  return name === GENERIC_BATCH || name.startsWith(`${BATCH_NAMESPACE}.`)
}

function wayOf(name: string, text: string): Way {
  const way = WAYS.get(name)
  if (way !== undefined) return way
  if (!isBatch(name)) throw new TidemarkError('schema-invalid', `${name} is none of tidemark's records`)
  const type = name.slice(BATCH_NAMESPACE.length + 1)
  return { text: batchReaderText(type, text), fromWire: typedBatchFromWire(type) }
}

/** A batch of one type under the schema of another decodes where their values have the same shape; so it says its type itself. */
function typedBatchFromWire(type: string): (wire: WireBatch) => TopicRecords[Topic] {
  return (wire) => {
    if (wire.type === type) return batchFromWire(wire)
    throw new TidemarkError('record-invalid', `it says it is of the type ${wire.type}, its schema is that of ${type}`)
  }
}
