/** The Avro schemas of what several records share: ranges, finals, store generations, sources. */

import { arrayOf, enumOf, field, record } from './avro.ts'

export const RANGE = record('tidemark.Range', 'Positions of one epoch, both ends included.', [
  field('first', 'long', 'The lowest position, 1 or more.'),
  field('last', 'long', 'The highest position.'),
])

export const EPOCH_RANGES = record('tidemark.EpochRanges', 'Positions of one epoch.', [
  field('epoch', 'string', 'The life of the journal the positions count in.'),
  field('ranges', arrayOf(RANGE), 'Sorted and disjoint.'),
])

export const FINAL = record('tidemark.Final', 'Where an earlier epoch ended.', [
  field('epoch', 'string', 'The epoch that ended.'),
  field('final_seq', 'long', 'Its last position.'),
])

export const STORE_GENERATION = record('tidemark.StoreGeneration', 'A store and the id of its present content.', [
  field('store', 'string', 'The name of the store.'),
  field('generation', 'string', 'Changes when the store is wiped or restored.'),
])

const SOURCE_TOPIC = enumOf('tidemark.SourceTopic', ['readings', 'recovery_data'])

export const SOURCE = record(
  'tidemark.Source',
  'Records of one partition, from the first offset up to before the next.',
  [
    field('topic', SOURCE_TOPIC, 'The topic they stand on.'),
    field('partition', 'int', 'The partition.'),
    field('first_offset', 'long', 'Offset of the first record.'),
    field('next_offset', 'long', 'Offset after the last record.'),
  ],
)

export const TOPIC_OFFSET = record('tidemark.TopicOffset', 'A place on a topic.', [
  field('topic', SOURCE_TOPIC, 'The topic.'),
  field('next', 'long', 'Offset of the record that comes next.'),
])
