/** What the ledger tells each gateway: these positions are settled in every required store. */

import { PARTITIONS, type Topic } from './topic.ts'

export const receipts: Topic<'receipts'> = {
  name: 'receipts',
  key: 'gateway id',
  records: ['tidemark.Receipt'],
  partitions: PARTITIONS,
  retention: { days: 30 },
  replication: 3,
  minInsyncReplicas: 2,
  writer: 'recovery',
  readers: ['gateway'],
  why: 'a gateway prunes by them, and only by them',
}
