/** The topics of the embedded log against their declarations. */

import { TidemarkError } from '../../services/core/errors.ts'
import type { TopicState } from '../../services/ports/message-log.ts'
import { TOPICS, type TopicName } from '../../topics/index.ts'
import type { KvRead, KvTx } from './kv.ts'
import { stateOf } from './log-records.ts'
import { decodeNumber, encodeNumber, everyPlace, topicKey, topicNames } from './log-rows.ts'

/** Notes the missing ones with their partitions, which never change. Throws `topics-differ` and changes nothing when a declaration did. */
export function applyTopics(tx: KvTx): void {
  const differing = topicNames().filter(
    (name) => tx.get(topicKey(name)) !== undefined && differences(tx, name).length > 0,
  )
  if (differing.length > 0) {
    const detail = differing.map((name) => `${name}: ${differences(tx, name).join(', ')}`).join('; ')
    throw new TidemarkError('topics-differ', `${detail}: declare the old number again, or begin with an empty log`)
  }
  for (const name of topicNames()) tx.put(topicKey(name), encodeNumber(TOPICS[name].partitions))
}

export function topicStates(kv: KvRead): TopicState[] {
  return topicNames().map((name) => {
    const states = everyPlace([name]).map((place) => stateOf(kv, place))
    return {
      name,
      partitions: partitionsOf(kv, name) ?? TOPICS[name].partitions,
      records: states.reduce((sum, { records }) => sum + records, 0),
      bytes: states.reduce((sum, { bytes }) => sum + bytes, 0),
      differences: differences(kv, name),
    }
  })
}

function differences(kv: KvRead, name: TopicName): string[] {
  const partitions = partitionsOf(kv, name)
  if (partitions === undefined) return ['not applied yet']
  const declared = TOPICS[name].partitions
  return partitions === declared ? [] : [`has ${partitions} partitions, declared are ${declared}`]
}

function partitionsOf(kv: KvRead, name: TopicName): number | undefined {
  const row = kv.get(topicKey(name))
  return row === undefined ? undefined : decodeNumber(row)
}
