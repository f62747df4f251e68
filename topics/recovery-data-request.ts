/** What recovery asks gateways for. */

import { PARTITIONS, type Topic } from './topic.ts'

export const recoveryDataRequest: Topic<'recovery_data_request'> = {
  name: 'recovery_data_request',
  key: 'gateway id',
  records: ['tidemark.RecoveryDataRequest'],
  partitions: PARTITIONS,
  retention: { days: 7 },
  replication: 3,
  minInsyncReplicas: 2,
  writer: 'recovery',
  readers: ['responder'],
  why: 'a request has a deadline and is asked again, so it need not be kept for long',
}
