/** Which partition a key belongs to: as Kafka's own clients decide it (murmur2 of the key's bytes). */

import { Partitioners } from 'kafkajs'
import { PARTITIONS } from '../../topics/index.ts'

/** Keys are gateways and the like, hashed over and over. */
const REMEMBERED_MAX = 10_000

const partitioner = Partitioners.DefaultPartitioner()
const partitionMetadata = Array.from({ length: PARTITIONS }, (_, partitionId) => ({
  partitionId,
  partitionErrorCode: 0,
  leader: 0,
  replicas: [],
  isr: [],
}))
const remembered = new Map<string, number>()

export function partitionOf(key: string): number {
  const known = remembered.get(key)
  if (known !== undefined) return known
  const partition = partitioner({ topic: '', partitionMetadata, message: { key, value: null } })
  if (remembered.size >= REMEMBERED_MAX) remembered.clear()
  remembered.set(key, partition)
  return partition
}
