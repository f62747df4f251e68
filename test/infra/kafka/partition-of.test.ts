/** Keys go where every other Kafka client sends them. */

import { expect, test } from 'vitest'
import { partitionOf } from '../../../infra/kafka/partition-of.ts'
import { PARTITIONS } from '../../../topics/index.ts'

/** Hashes that the Java client's own tests name. */
const KNOWN = {
  '21': -973932308,
  foobar: -790332482,
  'a-little-bit-long-string': -985981536,
  'a-little-bit-longer-string': -1486304829,
  lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8: -58897971,
  abc: 479470107,
}

test('a key’s partition is that of the Java client: murmur2 without its sign, modulo the partitions', () => {
  for (const [key, hash] of Object.entries(KNOWN)) {
    expect([key, partitionOf(key)]).toEqual([key, (hash & 0x7fffffff) % PARTITIONS])
  }
})

test('the answer for a key stays the same however many keys come between', () => {
  const first = partitionOf('gateway-1')
  for (let i = 0; i < 10_001; i++) partitionOf(`another-${i}`)
  expect(partitionOf('gateway-1')).toBe(first)
})
