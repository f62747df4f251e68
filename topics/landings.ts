/** What became of every position in every store. */

import { PARTITIONS, type Topic } from './topic.ts'

export const landings: Topic<'landings'> = {
  name: 'landings',
  key: 'gateway id',
  records: ['tidemark.Landings'],
  partitions: PARTITIONS,
  retention: { days: 30 },
  replication: 3,
  minInsyncReplicas: 2,
  writer: 'sinks, verify, writeoff',
  readers: ['recovery'],
  why: 'the ledger is its fold',
}
