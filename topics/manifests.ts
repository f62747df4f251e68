/** Counts and hash sums per gateway, type, sensor and day. */

import { PARTITIONS, type Topic } from './topic.ts'

export const manifests: Topic<'manifests'> = {
  name: 'manifests',
  key: 'gateway, journal, type, sensor, day',
  records: ['tidemark.Manifest'],
  partitions: PARTITIONS,
  retention: 'compacted',
  replication: 3,
  minInsyncReplicas: 2,
  writer: 'gateway',
  readers: ['verify', 'status'],
  why: 'the newest row of each key is what a store must hold',
}
