/** The Avro schemas of batches: one for each message type, composed around its values, and a generic one for types nobody declared. */

import { type AvroNode, type AvroSchema, arrayOf, enumOf, field, fixed, mapOf, optional, record, TIME } from './avro.ts'
import { FINAL, RANGE, STORE_GENERATION } from './avro-parts.ts'
import type { MessageType } from './message-type.ts'

export const BATCH_NAMESPACE = 'tidemark.batch'
export const GENERIC_BATCH = 'tidemark.generic.Batch'
export const LIVE_MARK = 'tidemark.LiveMark'

const MARK = record('tidemark.Mark', 'What the live lane says in band.', [
  optional(
    'high_water',
    'long',
    'Nothing at or below it comes by the live lane any more, but what this record and earlier ones carry.',
  ),
  field('head', 'long', 'How far the journal had accepted when the record was made, sent or not.'),
  field('finals', arrayOf(FINAL), 'Where earlier epochs ended, until a receipt names them.'),
])

const UNAVAILABLE = record('tidemark.Unavailable', 'Positions that were asked for and are not to be had.', [
  field('reason', enumOf('tidemark.UnavailableReason', ['void', 'pruned', 'never-held']), 'Why not.'),
  field('epoch', 'string', 'The epoch of the positions.'),
  field('range', RANGE, 'The positions.'),
  field('why', 'string', 'For void: in words. Else empty.'),
  field('stores', arrayOf(STORE_GENERATION), 'For pruned: of the receipt that allowed it. Else empty.'),
])

const ANSWER = record('tidemark.AnswerPart', 'Which request the record answers.', [
  field('request_id', 'string', 'The request.'),
  field('part', 'int', 'Counts from 1.'),
  field('last_part', 'boolean', 'The answer ends here.'),
  field('redrive', 'boolean', "An operator's redrive: a conflict lands at the next free nanosecond."),
  field('unavailable', arrayOf(UNAVAILABLE), 'What is not to be had.'),
])

const SENSOR = record('tidemark.Sensor', 'A sensor as its readings in this batch were accepted.', [
  field('sensor', 'string', 'Its name.'),
  field('labels', mapOf('string'), 'What else is known of it.'),
])

/** Any value of a reading whose type nobody declared. */
const ANY_VALUE: AvroSchema = ['double', 'long', 'boolean', 'string']

export const LIVE_MARK_SCHEMA = record(LIVE_MARK, 'A mark with nothing to send: the gateway lives.', [
  field('gateway', 'string', 'The gateway.'),
  field('epoch', 'string', 'The present life of its journal.'),
  field('mark', MARK, 'What the live lane says.'),
])

export const GENERIC_BATCH_SCHEMA = batch(
  GENERIC_BATCH,
  'tidemark.generic',
  'Readings of a type nobody declared.',
  mapOf(ANY_VALUE),
)

export function batchName(type: string): string {
  return `${BATCH_NAMESPACE}.${type}`
}

/** The schema of a batch of readings of this type. */
export function batchSchema(type: MessageType): AvroNode {
  const values = { ...(type.valuesSchema as AvroNode), namespace: 'tidemark.values', name: type.name }
  return batch(batchName(type.name), `tidemark.${type.name}`, `Readings of the type ${type.name}.`, values)
}

function batch(name: string, namespace: string, doc: string, values: AvroSchema): AvroNode {
  const reading = record(`${namespace}.Reading`, 'One measurement. (gateway, type, sensor, time) is its identity.', [
    field('sensor', 'int', "Index into the batch's sensors."),
    field('seq', 'long', 'Its position in the epoch.'),
    field('time_ms', TIME, 'Its time in ms since 1970.'),
    field('time_ns', 'int', 'The nanoseconds below them, 0 to 999999.'),
    { ...field('bump_ns', 'long', 'How far the time was moved to a free nanosecond.'), default: 0 },
    field('estimated', 'boolean', "The gateway's clock was unset: the time only keeps order."),
    field('digest', fixed('tidemark.Digest', 16), 'First 16 bytes of SHA-256 over the canonical form.'),
    field('values', values, 'What was measured.'),
  ])
  return record(name, doc, [
    field('gateway', 'string', 'The gateway that accepted the readings.'),
    field('epoch', 'string', 'The life of its journal their positions count in.'),
    field('type', 'string', 'Their message type.'),
    optional('mark', MARK, 'On readings only.'),
    optional('answer', ANSWER, 'On recovery_data only.'),
    field('sensors', arrayOf(SENSOR), 'Each sensor once, with its labels.'),
    field('readings', arrayOf(reading), 'In the order of their positions.'),
  ])
}
