/** Answers to requests: readings sent again, and what is not to be had. */

import { PARTITIONS, type Topic } from './topic.ts'

export const recoveryData: Topic<'recovery_data'> = {
  name: 'recovery_data',
  key: 'gateway id',
  records: [],
  partitions: PARTITIONS,
  retention: { days: 7 },
  replication: 3,
  minInsyncReplicas: 2,
  writer: 'responder',
  readers: ['sinks', 'recovery (headers)'],
  why: 'apart from the live lane, so that a backlog never delays it',
}
