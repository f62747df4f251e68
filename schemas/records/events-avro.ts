/** The Avro schemas of the small records: connection status, requests, landings, receipts, manifests, quarantine. */

import { type AvroNode, arrayOf, enumOf, field, optional, record, TIME } from '../avro.ts'
import { EPOCH_RANGES, FINAL, RANGE, SOURCE, STORE_GENERATION, TOPIC_OFFSET } from '../avro-parts.ts'
import type { LandingOutcome, QuarantineCode } from './events.ts'

const LANDING_OUTCOMES: readonly LandingOutcome[] = [
  'stored',
  'duplicate',
  'conflict',
  'rejected',
  'void',
  'pruned',
  'gone',
  'never-held',
  'undecodable',
]
const QUARANTINE_CODES: readonly QuarantineCode[] = [
  'undecodable',
  'unknown-schema',
  'key-mismatch',
  'conflict',
  'rejected',
]

const CONNECTION_STATUS = record('tidemark.ConnectionStatus', 'An outage begins or ends, as its gateway saw it.', [
  field('connection_status', enumOf('tidemark.ConnectionChange', ['disconnect', 'reconnect']), 'Which of both.'),
  field('gateway', 'string', 'The gateway.'),
  field('id', 'string', 'Names the outage: its disconnect and its reconnect share it.'),
  field('time', TIME, "The gateway's wall clock."),
  field('epoch', 'string', 'The life of its journal then.'),
  field('seq', 'long', 'Its last position then.'),
  field('noticed_by', 'string', 'Who noticed first.'),
  field('reason', 'string', 'In words.'),
])

const WINDOW = record('tidemark.RequestWindow', 'A window of time; its end is not included.', [
  field('from', TIME, 'Its begin.'),
  field('to', TIME, 'Its end.'),
  optional('type', 'string', 'Only readings of this type.'),
  optional('sensor', 'string', 'Only readings of this sensor.'),
])

const REQUEST = record(
  'tidemark.RecoveryDataRequest',
  'What recovery asks a gateway for: positions, or a window of time.',
  [
    field('request_id', 'string', 'The answer names it.'),
    field('id', 'string', 'The gateway asked.'),
    field('time', TIME, 'When it was asked.'),
    optional('lost_connection_time', TIME, 'Of the outage it comes from, where one is known.'),
    optional('restored_connection_time', TIME, 'Of the same outage.'),
    field('ranges', arrayOf(EPOCH_RANGES), 'Empty for a window.'),
    optional('window', WINDOW, 'Asked for by hand, or of a store without positions.'),
    field('attempt', 'int', '1 for the first time.'),
  ],
)

const LANDED_RANGES = record('tidemark.LandedRanges', 'What became of these positions.', [
  field('epoch', 'string', 'The epoch of the positions.'),
  field('outcome', enumOf('tidemark.LandingOutcome', LANDING_OUTCOMES), 'What became of them.'),
  field('ranges', arrayOf(RANGE), 'Sorted and disjoint.'),
])

const HIGH_WATER = record('tidemark.HighWater', 'The highest mark of an epoch.', [
  field('epoch', 'string', 'The epoch.'),
  field('high_water', 'long', 'The mark.'),
  field('mark_time', TIME, 'When the log had appended it.'),
])

const STORE_FIELDS = [
  field('store', 'string', 'The store.'),
  field('generation', 'string', 'Its generation, as read before the write.'),
  field('time', TIME, 'When this was said.'),
]

const LANDINGS = record('tidemark.Landings', 'What is known of positions in the stores.', [
  field(
    'event',
    [
      record('tidemark.Landed', 'What became of the readings of some records in one store.', [
        field('gateway', 'string', 'The gateway.'),
        ...STORE_FIELDS,
        field('source', SOURCE, 'The records.'),
        field('landed', arrayOf(LANDED_RANGES), 'By epoch and outcome.'),
        field('high_waters', arrayOf(HIGH_WATER), 'From readings only: the highest mark of each epoch.'),
        field('finals', arrayOf(FINAL), 'From readings only.'),
      ]),
      record('tidemark.SinkPosition', 'From where a store reads on in a partition.', [
        ...STORE_FIELDS,
        field('partition', 'int', 'The partition.'),
        field('offsets', arrayOf(TOPIC_OFFSET), 'By topic.'),
      ]),
      record('tidemark.Revoked', 'An audit did not find these positions in the store.', [
        field('gateway', 'string', 'The gateway.'),
        ...STORE_FIELDS,
        field('revoked', arrayOf(EPOCH_RANGES), 'The positions.'),
        field('ends', arrayOf(TOPIC_OFFSET), 'Landings from below these offsets no longer count for them.'),
      ]),
      record('tidemark.WrittenOff', 'An operator declares positions lost.', [
        field('gateway', 'string', 'The gateway.'),
        field('time', TIME, 'When.'),
        field('lost', arrayOf(EPOCH_RANGES), 'The positions.'),
        field('reason', 'string', 'Why, in words.'),
        field('readings_next', 'long', "End offset of the gateway's partition of readings then."),
      ]),
    ],
    'One of four.',
  ),
])

const SETTLED = record('tidemark.SettledEpoch', 'What is settled of one epoch in every required store.', [
  field('epoch', 'string', 'The epoch.'),
  field('settled', arrayOf(RANGE), 'The positions.'),
  field('complete', 'boolean', 'Nothing of it is missing.'),
])

const RECEIPT = record('tidemark.Receipt', 'What a gateway may prune.', [
  field('gateway', 'string', 'The gateway.'),
  field('time', TIME, 'When this was said.'),
  field('stores', arrayOf(STORE_GENERATION), 'The required stores.'),
  field('epochs', arrayOf(SETTLED), 'All that are open, newly complete, or still announced in finals.'),
])

const MANIFEST = record('tidemark.Manifest', 'What a store must hold of one sensor and day.', [
  field('gateway', 'string', 'The gateway.'),
  field('journal', 'string', 'The id of its journal.'),
  field('type', 'string', 'The message type.'),
  field('sensor', 'string', 'The sensor.'),
  field('day', 'string', 'UTC day, YYYY-MM-DD.'),
  field('count', 'long', 'How many readings.'),
  field('sum', 'string', '32 hex digits: the sum of their digests modulo 2^128.'),
  field('epoch', 'string', 'The row counts what the journal accepted in all earlier epochs, and in this one'),
  field('seq', 'long', 'up to here.'),
])

const IDENTITY = record('tidemark.QuarantinedIdentity', 'Which reading it is.', [
  field('type', 'string', 'Its message type.'),
  field('sensor', 'string', 'Its sensor.'),
  field('time_ms', TIME, 'Its time in ms since 1970.'),
  field('time_ns', 'int', 'The nanoseconds below them.'),
  field('epoch', 'string', 'The epoch of its position.'),
  field('seq', 'long', 'Its position.'),
  field('digest', 'string', 'Its digest in hex.'),
])

const QUARANTINE = record('tidemark.Quarantine', 'What could not land, and what became of it.', [
  field(
    'event',
    [
      record('tidemark.QuarantineEntry', 'A record or a reading that could not land.', [
        field('id', 'string', 'Names the entry.'),
        field('time', TIME, 'When.'),
        field('code', enumOf('tidemark.QuarantineCode', QUARANTINE_CODES), 'Why.'),
        field('reason', 'string', 'Why, in words.'),
        field('gateway', 'string', 'Empty where nothing could be read.'),
        field('store', 'string', 'The store it could not land in.'),
        field('source', SOURCE, 'Where it came from.'),
        optional('identity', IDENTITY, 'Of one reading where it could be decoded.'),
        field('raw', 'bytes', 'As it came, or the reading alone as a batch.'),
        field('attempts', 'int', 'How often it was tried.'),
      ]),
      record('tidemark.QuarantineClosed', 'An entry is done with.', [
        field('id', 'string', 'The entry.'),
        field('time', TIME, 'When.'),
        field('how', enumOf('tidemark.QuarantineClosing', ['redriven', 'discarded']), 'What was done.'),
        field('reason', 'string', 'Why, in words.'),
      ]),
    ],
    'One of two.',
  ),
])

/** By topic: the one record that stands on it. */
export const EVENT_SCHEMAS = {
  connection_status: CONNECTION_STATUS,
  recovery_data_request: REQUEST,
  landings: LANDINGS,
  receipts: RECEIPT,
  manifests: MANIFEST,
  quarantine: QUARANTINE,
} as const satisfies Record<string, AvroNode>
