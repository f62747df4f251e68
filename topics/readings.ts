/** The live lane: new readings in order, with the mark in band. */

import { PARTITIONS, type Topic } from './topic.ts'

export const readings: Topic<'readings'> = {
  name: 'readings',
  key: 'gateway id',
  records: ['tidemark.LiveMark'],
  partitions: PARTITIONS,
  retention: { days: 7 },
  replication: 3,
  minInsyncReplicas: 2,
  writer: 'gateway',
  readers: ['sinks', 'recovery (headers)'],
  why: 'what is on it need not be asked for again; longer than any store is expected to be away',
}
