/** The message log on a real Kafka: the contract of the port, and what only this adapter promises. */

import { type Admin, ConfigResourceTypes, Kafka, logLevel } from 'kafkajs'
import { expect, test } from 'vitest'
import { kafkaMessageLog } from '../../../infra/kafka/message-log.ts'
import type { LogRecord } from '../../../services/ports/message-log.ts'
import {
  codeOfRejection,
  contentOf,
  KEY,
  messageLogContract,
  never,
  partitionOfKey,
  textOf,
  valued,
} from '../../contract/message-log.ts'
import { engineTests } from '../../support/engines.ts'
import { kafkaLogUnderTest } from './log-under-test.ts'
import { StepReader, until } from './readers.ts'

const engines = engineTests('kafka')
const GROUP = 'group'

async function open(): Promise<Awaited<ReturnType<typeof kafkaLogUnderTest>>> {
  return kafkaLogUnderTest((await engines.kafka()).brokers)
}

/** What an operator's own tools would do. */
async function asOperator<T>(work: (admin: Admin) => Promise<T>): Promise<T> {
  const { brokers } = await engines.kafka()
  const admin = new Kafka({ brokers: [...brokers], logLevel: logLevel.NOTHING }).admin()
  await admin.connect()
  try {
    return await work(admin)
  } finally {
    await admin.disconnect()
  }
}

/** As retention does. */
async function removeBefore(topic: string, partition: number, offset: number): Promise<void> {
  await asOperator(async (admin) => {
    await admin.fetchTopicOffsets(topic)
    await admin.deleteTopicRecords({ topic, partitions: [{ partition, offset: String(offset) }] })
  })
}

engines.describe('a real Kafka', () => {
  messageLogContract(kafkaMessageLog.name, open, {
    'moves its clock': 'a broker appends by its own clock',
    'removes on demand': 'a broker removes when it likes',
  })
})

engines.describe('reading from Kafka', () => {
  test('begins at the first record kept where retention has removed what was to come next', async () => {
    await using it = await open()
    await it.log.produce('readings', valued('gone', 'gone too', 'kept'))
    const partition = partitionOfKey(it.log)
    await removeBefore(`${it.prefix}readings`, partition, 2)
    expect((await contentOf(it.log, 'readings', partition, { from: 0 })).map(textOf)).toEqual(['kept'])
    const reader = new StepReader(it.log.consume({ group: GROUP, topics: ['readings'] }), never())
    const event = await reader.next()
    expect(event.kind === 'assigned' && event.partitions[partition]?.offsets).toEqual({ readings: 2 })
    expect((await reader.recordOf(partition)).offset).toBe(2)
  })

  test('goes on after records that were removed while it stood before them', async () => {
    await using it = await open()
    await it.log.produce('readings', valued('a', 'b', 'c', 'd'))
    const partition = partitionOfKey(it.log)
    const options = { topic: 'readings', partition, from: 0, maxRecords: 1 } as const
    const tail = it.log.tail(options, never())[Symbol.asyncIterator]()
    const next = async (): Promise<LogRecord | undefined> => (await tail.next()).value?.[0]
    expect((await next())?.offset).toBe(0)
    await removeBefore(`${it.prefix}readings`, partition, 4)
    await it.log.produce('readings', valued('e'))
    // What was fetched before is still handed out.
    let record = await next()
    while (record !== undefined && record.offset < 4) record = await next()
    expect([record?.offset, record && textOf(record)]).toEqual([4, 'e'])
    await tail.return?.()
  })

  test('a reset to a time goes to the first record appended then or later', async () => {
    await using it = await open()
    const appended: LogRecord[] = []
    for (const text of ['a', 'b', 'c']) {
      const [offset = 0] = await it.log.produce('readings', valued(text))
      appended.push(...(await contentOf(it.log, 'readings', partitionOfKey(it.log), { from: offset })))
    }
    const at = async (wallMs: number): Promise<number | null | undefined> => {
      await it.log.reset(GROUP, ['readings'], { wallMs })
      return (await it.log.committed(GROUP, ['readings'])).readings?.[partitionOfKey(it.log)]
    }
    const times = appended.map(({ appendedMs }) => appendedMs)
    expect(await at((times[0] ?? 0) - 1)).toBe(0)
    expect(await at(times[2] ?? 0)).toBe(times.indexOf(times[2] ?? 0))
    expect(await at((times[2] ?? 0) + 60_000)).toBe(3)
  })

  test('a reset from another process reaches every member, and none commits past it', async () => {
    await using it = await open()
    await it.log.produce('readings', valued('a', 'b'))
    const partition = partitionOfKey(it.log)
    const consume = { group: GROUP, topics: ['readings'] } as const
    const one = new StepReader(it.log.consume(consume), never())
    await one.untilOwning(12)
    const two = new StepReader(it.another().consume(consume), never())
    await two.next()
    await one.untilOwning(6)
    const owner = one.owned.has(partition) ? one : two
    await owner.recordOf(partition)
    await owner.consumer.commit('readings', partition, 1)
    await it.another().reset(GROUP, ['readings'], 'earliest')
    await owner.consumer.commit('readings', partition, 2)
    expect((await it.log.committed(GROUP, ['readings'])).readings?.[partition]).toBe(0)
    for (const reader of [one, two]) {
      const event = await reader.next()
      expect(event.kind).toBe('assigned')
      expect(event.kind === 'assigned' && event.partitions.length).toBe(6)
    }
  })
})

engines.describe('the topics of a real Kafka', () => {
  test('are made as declared, and altered where that harms nobody, without touching what others have set', async () => {
    await using it = await open()
    const name = `${it.prefix}readings`
    const resource = { type: ConfigResourceTypes.TOPIC, name }
    await asOperator((admin) =>
      admin.alterConfigs({
        validateOnly: false,
        resources: [
          {
            ...resource,
            configEntries: [
              { name: 'retention.ms', value: '1000' },
              { name: 'segment.bytes', value: '2000000' },
            ],
          },
        ],
      }),
    )
    const differences = async () =>
      (await it.log.listTopics()).find((topic) => topic.name === 'readings')?.differences ?? []
    expect(await differences()).toContain('retention.ms is 1000, declared is 604800000')
    expect(await differences()).toContain('message.timestamp.type is CreateTime, declared is LogAppendTime')
    await it.log.applyTopics()
    expect(await differences()).toEqual([])
    const { resources } = await asOperator((admin) =>
      admin.describeConfigs({ includeSynonyms: false, resources: [resource] }),
    )
    expect(resources[0]?.configEntries.find((entry) => entry.configName === 'segment.bytes')?.configValue).toBe(
      '2000000',
    )
  })

  test('with another number of partitions are refused by name, and nothing is created beside them', async () => {
    const { brokers } = await engines.kafka()
    await using it = await kafkaLogUnderTest(brokers, {}, { apply: false })
    const before = (await it.log.listTopics()).map(({ differences }) => differences.join())
    expect(new Set(before)).toEqual(new Set(['does not exist yet']))
    const topic = { topic: `${it.prefix}landings`, numPartitions: 3, replicationFactor: 1 }
    await asOperator((admin) => admin.createTopics({ topics: [topic], waitForLeaders: false }))
    const made = async () => (await it.log.listTopics()).filter(({ partitions }) => partitions > 0)
    await until(async () => (await made()).length > 0, 'the topic')
    const refused = await it.log.applyTopics().catch(String)
    expect(refused).toContain('landings: has 3 partitions, declared are 12')
    expect(await codeOfRejection(it.log.applyTopics())).toBe('topics-differ')
    expect((await made()).map(({ name }) => name)).toEqual(['landings'])
  })

  test('that do not exist are never made by writing or reading: the error says what to do', async () => {
    const { brokers } = await engines.kafka()
    await using it = await kafkaLogUnderTest(brokers, { times: { awayMs: 300 } }, { apply: false })
    const calls = [
      it.log.produce('readings', [{ key: KEY, value: new Uint8Array(1) }]),
      it.log.offsets('readings'),
      it.log.tail({ topic: 'readings', partition: 0, from: 0 }, never())[Symbol.asyncIterator]().next(),
    ]
    for (const result of await Promise.allSettled(calls)) {
      expect(result.status === 'rejected' && String(result.reason)).toContain("run 'tidemark topics apply'")
    }
    expect(await asOperator((admin) => admin.listTopics())).not.toContain(`${it.prefix}readings`)
  })
})
