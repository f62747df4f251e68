/** Outages as the gateway saw them: a disconnect and a reconnect each. */

import { PARTITIONS, type Topic } from './topic.ts'

export const connectionStatus: Topic<'connection_status'> = {
  name: 'connection_status',
  key: 'gateway id',
  records: ['tidemark.ConnectionStatus'],
  partitions: PARTITIONS,
  retention: { days: 30 },
  replication: 3,
  minInsyncReplicas: 2,
  writer: 'gateway',
  readers: ['recovery', 'status'],
  why: 'for people and for time windows; completeness never depends on it',
}
