/** The bare Kafka client: `produce` sends records that are encoded already, `consume` decodes what the topic holds with Avro and nothing else. */

import { Kafka, logLevel, Partitioners } from 'kafkajs'
import { partitionOf } from '../../infra/kafka/partition-of.ts'
import { fleetBatch, fleetCodec, gatewayName, RECORD_READINGS } from './fleet.ts'
import { Stopwatch, thisRun, until } from './run.ts'

/** As many readings a send as the live lane has in one. */
const SEND_RECORDS = 10
const LANE_BYTES = 8_388_608
const run = thisRun()
const kafka = new Kafka({ brokers: [...run.kafka.brokers], logLevel: logLevel.NOTHING })
const topic = `${run.kafka.prefix}readings`
const codec = await fleetCodec()
const stopwatch = new Stopwatch()

async function produce(): Promise<void> {
  const producer = kafka.producer({ createPartitioner: Partitioners.DefaultPartitioner, maxInFlightRequests: 1 })
  await producer.connect()
  const key = gatewayName(0)
  const partition = partitionOf(key)
  const messages: { key: string; partition: number; value: Buffer }[] = []
  for (let record = 0; record < run.readings / RECORD_READINGS; record++) {
    messages.push({ key, partition, value: Buffer.from(await codec.encode('readings', fleetBatch(0, record))) })
  }
  stopwatch.start()
  for (let from = 0; from < messages.length; from += SEND_RECORDS) {
    await producer.send({ topic, acks: -1, messages: messages.slice(from, from + SEND_RECORDS) })
  }
  stopwatch.stop()
  await producer.disconnect()
}

async function consume(): Promise<void> {
  const consumer = kafka.consumer({ groupId: run.storeName, maxBytesPerPartition: LANE_BYTES })
  await consumer.connect()
  await consumer.subscribe({ topic, fromBeginning: true })
  let readings = 0
  consumer.on(consumer.events.GROUP_JOIN, () => stopwatch.start())
  await consumer.run({
    eachBatch: async ({ batch }) => {
      for (const { value } of batch.messages) {
        const decoded = await codec.decode('readings', value ?? Buffer.alloc(0))
        if (decoded.ok && decoded.record.kind === 'batch') readings += decoded.record.readings.length
      }
    },
  })
  await until(() => readings >= run.readings)
  stopwatch.stop()
  await consumer.disconnect()
}

await (process.argv[2] === 'produce' ? produce() : consume())
stopwatch.tell(run.readings)
