/** What could not land, with raw bytes and cause. */

import { PARTITIONS, type Topic } from './topic.ts'

export const quarantine: Topic<'quarantine'> = {
  name: 'quarantine',
  key: 'gateway id, or the source where none could be read',
  records: ['tidemark.Quarantine'],
  partitions: PARTITIONS,
  retention: 'forever',
  replication: 3,
  minInsyncReplicas: 2,
  writer: 'all',
  readers: ['operator'],
  why: 'the truth about what did not land; the collections in the stores are views of it',
}
