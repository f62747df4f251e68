/** Fills `readings` with the fleet's records, gateway by gateway in turn; some of them a second time. */

import { pino } from 'pino'
import { kafkaMessageLog } from '../../infra/kafka/message-log.ts'
import { headersOf } from '../../services/core/headers.ts'
import type { Outgoing } from '../../services/ports/message-log.ts'
import { fleetBatch, fleetCodec, GATEWAYS, RECORD_READINGS } from './fleet.ts'
import type { Kafka } from './run.ts'

export interface Filling {
  /** Counted once each. */
  readonly readings: number
  /** The last record of so many of a gateway comes again. */
  readonly repeatEvery?: number
}

const CALL_RECORDS = 100

/** Resolves with how many readings stand on the topic, repeated ones too. Makes the topics. */
export async function fillTopic(kafka: Kafka, filling: Filling, signal: AbortSignal): Promise<number> {
  const codec = await fleetCodec()
  await using messageLog = kafkaMessageLog({
    ...kafka,
    replication: 1,
    logger: pino({ level: 'warn' }, process.stderr),
  })
  await messageLog.applyTopics()
  let records = 0
  let waiting: Outgoing[] = []
  const flush = async (): Promise<void> => {
    await messageLog.produce('readings', waiting, signal)
    records += waiting.length
    waiting = []
  }
  const { repeatEvery = 0 } = filling
  const perGateway = filling.readings / GATEWAYS / RECORD_READINGS
  for (let record = 0; record < perGateway; record++) {
    const isRepeated = repeatEvery > 0 && record % repeatEvery === repeatEvery - 1
    for (let gateway = 0; gateway < GATEWAYS; gateway++) {
      const batch = fleetBatch(gateway, record)
      const value = await codec.encode('readings', batch)
      const outgoing = { key: batch.gateway, value, headers: headersOf(batch, record + 1) }
      waiting.push(outgoing, ...(isRepeated ? [outgoing] : []))
    }
    if (waiting.length >= CALL_RECORDS) await flush()
  }
  await flush()
  return records * RECORD_READINGS
}
