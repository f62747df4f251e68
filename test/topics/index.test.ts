/** The map of topics agrees with itself and with the codec. */

import { describe, expect, it } from 'vitest'
import { LIVE_MARK } from '../../schemas/compose.ts'
import { belongs } from '../../schemas/wire-readers.ts'
import { PARTITIONS, TOPICS, type TopicName } from '../../topics/index.ts'

const NAMES = Object.keys(TOPICS) as TopicName[]
const RECORDS = [...new Set([LIVE_MARK, ...NAMES.flatMap((name) => TOPICS[name].records)])]

describe('every topic', () => {
  it.each(NAMES)('%s stands under its own name, in the partitions of all', (name) => {
    expect(TOPICS[name]).toMatchObject({ name, partitions: PARTITIONS })
    expect(TOPICS[name].minInsyncReplicas).toBeLessThanOrEqual(TOPICS[name].replication)
  })

  it.each(NAMES)('%s carries just the records the codec lets through', (name) => {
    expect(RECORDS.filter((record) => belongs(name, record))).toEqual(TOPICS[name].records)
  })

  it('carries batches only where readings go', () => {
    expect(NAMES.filter((name) => belongs(name, 'tidemark.batch.weather'))).toEqual(['readings', 'recovery_data'])
    expect(NAMES.filter((name) => belongs(name, 'tidemark.generic.Batch'))).toEqual(['readings', 'recovery_data'])
  })
})
