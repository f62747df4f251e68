/** Which schema a record is written by: its topic's, its message type's, or the generic one. */

import type { Type } from 'avsc'
import { fullName, schemaText } from './avro.ts'
import { avroTypeOf } from './batch-schema.ts'
import type { TopicRecords } from './codec.ts'
import { batchName, batchSchema, GENERIC_BATCH, GENERIC_BATCH_SCHEMA, LIVE_MARK, LIVE_MARK_SCHEMA } from './compose.ts'
import { conforms, type MessageTypes } from './message-type.ts'
import type { LiveMark, ReadingBatch } from './records/batch.ts'
import { EVENT_SCHEMAS } from './records/events-avro.ts'
import { connectionStatusToWire, receiptToWire, requestToWire } from './records/wire-events.ts'
import { landingsToWire, quarantineToWire } from './records/wire-landings.ts'
import { batchToWire, liveMarkToWire } from './wire-batch.ts'

export interface Writer {
  /** The record's full name: with the topic it makes the registry's subject. */
  readonly name: string
  readonly text: string
  readonly type: Type
}

type Topic = keyof TopicRecords
export type WriterOf = <T extends Topic>(topic: T, record: TopicRecords[T]) => Writer

/** Compiles every declared type at once, so that one avsc can't take is found at the start. */
export function writers(types: MessageTypes): WriterOf {
  const liveMark = writer(LIVE_MARK, schemaText(LIVE_MARK_SCHEMA))
  const generic = writer(GENERIC_BATCH, schemaText(GENERIC_BATCH_SCHEMA))
  const batches = new Map(
    [...types].map(([name, type]) => [name, writer(batchName(name), schemaText(batchSchema(type)))]),
  )
  const events = new Map(
    Object.entries(EVENT_SCHEMAS).map(([topic, schema]) => [topic, writer(fullName(schema), schemaText(schema))]),
  )
  return (topic, record) => {
    const event = events.get(topic)
    if (event !== undefined) return event
    const batch = record as ReadingBatch | LiveMark
    if (batch.kind === 'mark') return liveMark
    const type = types.get(batch.type)
    // Readings accepted before their type was declared or changed keep their values: the generic batch takes any.
    const declared = type !== undefined && batch.readings.every((reading) => conforms(type, reading.values))
    return (declared ? batches.get(batch.type) : undefined) ?? generic
  }
}

const TO_WIRE: { readonly [T in Topic]: (record: TopicRecords[T]) => unknown } = {
  readings: (record) => (record.kind === 'mark' ? liveMarkToWire(record) : batchToWire(record)),
  recovery_data: batchToWire,
  connection_status: connectionStatusToWire,
  recovery_data_request: requestToWire,
  landings: landingsToWire,
  receipts: receiptToWire,
  manifests: (record) => record,
  quarantine: quarantineToWire,
}

export function toWire<T extends Topic>(topic: T, record: TopicRecords[T]): unknown {
  return TO_WIRE[topic](record)
}

function writer(name: string, text: string): Writer {
  return { name, text, type: avroTypeOf(text) }
}
